/* Options of a command, on top of getopt_long. */
#include "base/opt.h"
#include "base/text.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LONG_ONLY + i stands for row i of the table where it has no letter. */
enum { WIDTH = 80, LEFT_MAX = 30, LONG_ONLY = 256 };

static const struct opt help_opt = {"help", 'h', NULL, "print this help", NULL, NULL};

static size_t count(const struct opt *opts)
{
	size_t n = 0;

	while (opts && opts[n].name)
		n++;
	return n;
}

/* A copy of the table with --help as its last row, and the row that ends it. */
static struct opt *with_help(const struct opt *opts)
{
	size_t n = count(opts);
	struct opt *all = hx_xcalloc(n + 2, sizeof(*all));

	if (n)
		memcpy(all, opts, n * sizeof(*all));
	all[n] = help_opt;
	return all;
}

static int code(const struct opt *opts, size_t i)
{
	return opts[i].letter ? opts[i].letter : LONG_ONLY + (int)i;
}

static const struct opt *find(const struct opt *opts, int wanted)
{
	for (size_t i = 0; opts[i].name; i++)
		if (code(opts, i) == wanted)
			return &opts[i];
	return NULL;
}

/* Bytes up to the next blank; `[--jobs N]` is one word. */
static int word(const char *s)
{
	int n = 0, open = 0;

	for (; s[n] && (open > 0 || s[n] != ' '); n++)
		open += (s[n] == '[') - (s[n] == ']');
	return n;
}

/* Prints words from a column on; lines after the first are indented. */
static void print_wrapped(const char *text, int column, int indent)
{
	const char *space = "";

	for (; *text; text += strspn(text, " ")) {
		int n = word(text);

		if (*space && column + 1 + n > WIDTH) {
			column = printf("\n%*s", indent, "") - 1;
			space = "";
		}
		column += printf("%s%.*s", space, n, text);
		space = " ";
		text += n;
	}
	putchar('\n');
}

/* `-p, --profile P`, as wide as it is whether or not it fits buf. */
static int left_side(char *buf, size_t size, const struct opt *o)
{
	char letter[] = {'-', o->letter, ',', ' ', '\0'};

	return snprintf(buf, size, "  %s--%s%s%s", o->letter ? letter : "    ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void print_options(const struct opt *opts)
{
	char left[WIDTH];
	int indent = 0;

	for (const struct opt *o = opts; o->name; o++) {
		int width = left_side(left, sizeof(left), o) + 2;

		if (width > indent && width <= LEFT_MAX)
			indent = width;
	}
	for (const struct opt *o = opts; o->name; o++) {
		int width = left_side(left, sizeof(left), o);

		if (width + 2 > indent)
			printf("%s\n%*s", left, indent, "");
		else
			printf("%-*s", indent, left);
		print_wrapped(o->help, indent, indent);
	}
}

static void print_help(const struct opt_command *cmd, const struct opt *opts)
{
	int column = printf("usage: hexplore %s ", cmd->name);

	print_wrapped(cmd->args ? cmd->args : "", column, column);
	printf("\n%c", toupper((unsigned char)*cmd->summary));
	print_wrapped(cmd->summary + 1, 1, 0);
	putchar('\n');
	print_options(opts);
	if (cmd->detail)
		printf("\n%s", cmd->detail);
}

static int HX_PRINTF(3, 4) fail(const struct opt_command *cmd, struct hx_err *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return hx_err_set(err, HX_INPUT, "%s; see 'hexplore %s --help'", what, cmd->name);
}

/* text is the argument as typed, `--name` or `--name=value`. */
static int unknown_long(const struct opt_command *cmd, const struct opt *opts, const char *text, struct hx_err *err)
{
	size_t n = count(opts), len = strcspn(text + 2, "="), same = 0;
	const char **names = hx_xcalloc(n + 1, sizeof(*names)), *near;
	char shown[64], name[64];

	snprintf(name, sizeof(name), "%.*s", len < sizeof(name) ? (int)len : (int)sizeof(name) - 1, text + 2);
	text_clean(shown, sizeof(shown), name);
	for (size_t i = 0; i < n; i++) {
		names[i] = opts[i].name;
		same += !strncmp(names[i], name, len);
	}
	near = text_nearest(name, names);
	free(names);
	if (same > 1)
		return fail(cmd, err, "option '--%s' is the beginning of more than one", shown);
	if (near)
		return fail(cmd, err, "unknown option '--%s', did you mean '--%s'?", shown, near);
	return fail(cmd, err, "unknown option '--%s'", shown);
}

/* What getopt_long did not take; missing tells whether a value is. */
static int refuse(const struct opt_command *cmd, const struct opt *opts, const char *text, bool missing, struct hx_err *err)
{
	const struct opt *o = find(opts, optopt);
	char letter[2] = {(char)optopt}, shown[8];

	if (o && missing)
		return fail(cmd, err, "option '--%s' needs a value: --%s %s", o->name, o->name, o->arg);
	if (o)
		return fail(cmd, err, "option '--%s' takes no value", o->name);
	if (optopt)
		return fail(cmd, err, "unknown option '-%s'", text_clean(shown, sizeof(shown), letter));
	return unknown_long(cmd, opts, text, err);
}

/* getopt_long's own tables; letters begins with ':', so that a missing value is told apart. */
static struct option *long_options(const struct opt *opts, char *letters)
{
	struct option *table = hx_xcalloc(count(opts) + 1, sizeof(*table));

	*letters++ = ':';
	for (size_t i = 0; opts[i].name; i++) {
		table[i] = (struct option){opts[i].name, opts[i].arg ? required_argument : no_argument, NULL, code(opts, i)};
		if (!opts[i].letter)
			continue;
		*letters++ = opts[i].letter;
		if (opts[i].arg)
			*letters++ = ':';
	}
	*letters = '\0';
	return table;
}

int opt_parse(int argc, char **argv, const struct opt_command *cmd, const struct opt *opts, int *first, bool *help, struct hx_err *err)
{
	struct opt *all = with_help(opts);
	char *letters = hx_xmalloc(2 * count(all) + 2);
	struct option *table = long_options(all, letters);
	bool *seen = hx_xcalloc(count(all), sizeof(*seen));
	const struct opt *o;
	int c, rc = HX_OK;

	*help = false;
	opterr = 0;
	optind = 0; /* begins anew, also inside a cluster of letters */
	while (!rc && !*help && (c = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		o = c == '?' || c == ':' ? NULL : find(all, c);
		if (!o)
			rc = refuse(cmd, all, argv[optind - 1], c == ':', err);
		else if (o->arg && seen[o - all])
			rc = fail(cmd, err, "option '--%s' is given twice", o->name);
		else if (o->arg)
			*o->value = optarg;
		else if (o->flag)
			*o->flag = true;
		else
			*help = true;
		if (o)
			seen[o - all] = true;
	}
	*first = optind;
	if (*help)
		print_help(cmd, all);
	free(table);
	free(letters);
	free(seen);
	free(all);
	return rc;
}
