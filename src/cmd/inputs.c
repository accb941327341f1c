/* list, show and check of input files. */
#include "cmd/inputs.h"

#include "base/text.h"
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

const char *inputs_shown(char *buf, size_t size, enum report_format format, const char *value)
{
	if (format != REPORT_TABLE || strlen(value) < size)
		return value;
	text_clean(buf, size - 2, value);
	return strcat(buf, "..");
}

/* A file that cannot be read is named on stderr and does not hide the others. */
static int list(const struct input_command *c, struct inputs *in, enum report_format format, struct hx_err *err)
{
	char **names = input_names(c->kind);
	struct report *r = report_begin(stdout, format, c->columns, c->n_columns);
	struct hx_err why;
	int bad = 0;

	for (size_t i = 0; names[i]; i++)
		if (c->list_row(names[i], in, r, &why)) {
			cmd_complain(why.msg);
			bad++;
		}
	report_end(r);
	input_names_free(names);
	return bad ? hx_err_set(err, HX_INPUT, "%d of the files cannot be listed", bad) : HX_OK;
}

/* Every file named is checked; the worst status counts. */
static int check_all(const struct input_command *c, struct inputs *in, int argc, char **argv, int first, struct hx_err *err)
{
	struct hx_err why;
	int worst = HX_OK;

	for (int i = first; i < argc; i++) {
		int rc = c->check(argv[i], in, &why);

		if (rc > HX_NO) {
			if (worst > HX_NO)
				cmd_complain(err->msg);
			*err = why;
		}
		worst = rc > worst ? rc : worst;
	}
	return worst;
}

/* --format, and the options of the further verb. */
static void all_opts(const struct input_command *c, const char **format_text, struct opt opts[INPUTS_MORE_OPTS + 2])
{
	size_t n = 0;

	opts[n++] = (struct opt){"format", 'f', "FMT", "of list and show: table, csv, json or jsonl", format_text, NULL};
	for (const struct opt *o = c->more ? c->more->opts : NULL; o && o->name; o++)
		opts[n++] = *o;
	opts[n] = (struct opt){0};
}

/* Options of the further verb say nothing to the others. */
static int refuse_opts(const struct input_command *c, const char *name, const char *verb, struct hx_err *err)
{
	for (const struct opt *o = c->more ? c->more->opts : NULL; o && o->name; o++)
		if (o->value ? *o->value != NULL : *o->flag)
			return hx_err_set(err, HX_INPUT, "%s %s: --%s is an option of '%s %s'", name, verb, o->name, name, c->more->verb);
	return HX_OK;
}

static int fail_verb(const struct input_command *c, const char *name, const char *verb, struct hx_err *err)
{
	const char *const verbs[] = {"list", "show", "check", c->more ? c->more->verb : NULL, NULL};
	const char *near = text_nearest(verb, verbs);
	char shown[80], choice[80];

	snprintf(choice, sizeof(choice), c->more ? "list, show, check or %s" : "list, show or check", c->more ? c->more->verb : "");
	if (near && strcmp(near, verb) == 0)
		return hx_err_set(err, HX_INPUT, "%s %s: name %s file; see 'hexplore %s --help'", name, verb,
				  strcmp(verb, "check") == 0 ? "at least one" : "one", name);
	if (!*verb)
		return hx_err_set(err, HX_INPUT, "%s: %s? see 'hexplore %s --help'", name, choice, name);
	return hx_err_set(err, HX_INPUT, "%s: %s, not '%s'%s%s%s", name, choice, text_clean(shown, sizeof(shown), verb), near ? "; did you mean '" : "",
			  near ? near : "", near ? "'?" : "");
}

int inputs_run(const struct input_command *c, const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *format_text = NULL, *verb;
	bool help = false, more;
	struct opt opts[INPUTS_MORE_OPTS + 2];
	struct inputs in = {0};
	enum report_format format;
	int first, files, rc;

	all_opts(c, &format_text, opts);
	rc = opt_parse(argc, argv, about, opts, &first, &help, err);
	if (rc || help)
		return rc;
	if ((rc = report_format_parse(format_text, &format, err)))
		return rc;
	verb = first < argc ? argv[first] : "";
	files = argc - first - 1;
	more = c->more && strcmp(verb, c->more->verb) == 0;
	if (!more && (rc = refuse_opts(c, about->name, verb, err)))
		return rc;
	if (more && files == 1)
		rc = c->more->run(c->more->arg, argv[first + 1], &in, err);
	else if (strcmp(verb, "list") == 0 && !(rc = cmd_no_arguments(about, argc, argv, first + 1, err)))
		rc = list(c, &in, format, err);
	else if (strcmp(verb, "show") == 0 && files == 1)
		rc = c->show(argv[first + 1], &in, format, err);
	else if (strcmp(verb, "check") == 0 && files >= 1)
		rc = check_all(c, &in, argc, argv, first + 1, err);
	else if (!rc)
		rc = fail_verb(c, about->name, verb, err);
	inputs_free(&in);
	return rc;
}
