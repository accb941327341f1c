#include "base/opt.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAX_ARGS = 12 };

static const char *profile, *gamma_text;
static bool resume, quiet;

static const struct opt opts[] = {{"profile", 'p', "P", "hardware profile: a name, or a file", &profile, NULL},
				  {"gamma", 0, "N",
				   "drafts per round; a list such as 1,2,4 or a range such as 1-8 is taken, and so are both of them joined",
				   &gamma_text, NULL},
				  {"resume", 'r', NULL, "continue where a sweep stopped", NULL, &resume},
				  {"quiet", 0, NULL, "no progress", NULL, &quiet},
				  {0}};

static const struct opt_command sweep = {
	.name = "sweep",
	.args = "--profile P [options] [name ...]",
	.summary = "enumerate, predict and store every configuration",
	.detail = "A line of detail.\n",
};

/* Parses words (NULL-terminated, after the command); what is left over is joined by commas in rest. */
static int parse(const char *const *words, char *rest, size_t size, bool *help, struct hx_err *err)
{
	char *argv[MAX_ARGS + 1] = {(char *)"sweep"};
	int argc = 1, first, rc;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	profile = gamma_text = NULL;
	resume = quiet = false;
	*rest = '\0';
	rc = opt_parse(argc, argv, &sweep, opts, &first, help, err);
	for (; !rc && first < argc; first++)
		snprintf(rest + strlen(rest), size - strlen(rest), "%s%s", *rest ? "," : "", argv[first]);
	return rc;
}

static const struct {
	const char *words[MAX_ARGS], *profile, *gamma;
	bool resume, quiet;
	const char *rest;
} taken[] = {
	{{NULL}, NULL, NULL, false, false, ""},
	{{"--profile", "a"}, "a", NULL, false, false, ""},
	{{"--profile=a", "--gamma=", "--quiet"}, "a", "", false, true, ""},
	{{"-p", "a", "-r"}, "a", NULL, true, false, ""},
	{{"-rpa"}, "a", NULL, true, false, ""},
	{{"x", "--resume", "y", "-p", "b", "z"}, "b", NULL, true, false, "x,y,z"},
	{{"--resume", "--", "--profile", "-p"}, NULL, NULL, true, false, "--profile,-p"},
	{{"-p", "-1", "-"}, "-1", NULL, false, false, "-"},
	{{"--res"}, NULL, NULL, true, false, ""},
};

static void assert_same(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

static void takes(void **state)
{
	struct hx_err err;
	char rest[100];
	bool help;

	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		if (parse(taken[i].words, rest, sizeof(rest), &help, &err))
			fail_msg("row %zu: %s", i, err.msg);
		assert_false(help);
		assert_same(profile, taken[i].profile);
		assert_same(gamma_text, taken[i].gamma);
		assert_int_equal(resume, taken[i].resume);
		assert_int_equal(quiet, taken[i].quiet);
		assert_string_equal(rest, taken[i].rest);
	}
}

static const struct {
	const char *words[MAX_ARGS], *message;
} refused[] = {
	{{"--gama", "1"}, "unknown option '--gama', did you mean '--gamma'?; see 'hexplore sweep --help'"},
	{{"x", "--gama=1", "y"}, "unknown option '--gama', did you mean '--gamma'?; see 'hexplore sweep --help'"},
	{{"--hepl"}, "unknown option '--hepl', did you mean '--help'?; see 'hexplore sweep --help'"},
	{{"--xyzzy\033"}, "unknown option '--xyzzy?'; see 'hexplore sweep --help'"},
	{{"x", "-z"}, "unknown option '-z'; see 'hexplore sweep --help'"},
	{{"-rz"}, "unknown option '-z'; see 'hexplore sweep --help'"},
	{{"-\033"}, "unknown option '-?'; see 'hexplore sweep --help'"},
	{{"x", "--profile"}, "option '--profile' needs a value: --profile P; see 'hexplore sweep --help'"},
	{{"-p"}, "option '--profile' needs a value: --profile P; see 'hexplore sweep --help'"},
	{{"--gamma"}, "option '--gamma' needs a value: --gamma N; see 'hexplore sweep --help'"},
	{{"--gamma", "1", "--gamma", "2"}, "option '--gamma' is given twice; see 'hexplore sweep --help'"},
	{{"--resume=1"}, "option '--resume' takes no value; see 'hexplore sweep --help'"},
	{{"--quiet=1"}, "option '--quiet' takes no value; see 'hexplore sweep --help'"},
	{{"--help=1"}, "option '--help' takes no value; see 'hexplore sweep --help'"},
};

static void refuses(void **state)
{
	struct hx_err err;
	char rest[100];
	bool help;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (parse(refused[i].words, rest, sizeof(rest), &help, &err) != HX_INPUT)
			fail_msg("row %zu is taken", i);
		assert_string_equal(err.msg, refused[i].message);
		assert_false(help);
	}
}

static void ambiguous(void **state)
{
	static const struct opt similar[] = {
		{"keep", 0, NULL, "", NULL, &quiet}, {"keep-going", 0, NULL, "", NULL, &resume}, {"keen", 0, NULL, "", NULL, &resume}, {0}};
	char *argv[] = {(char *)"sweep", (char *)"--kee", NULL};
	struct hx_err err;
	bool help;
	int first;

	(void)state;
	assert_int_equal(opt_parse(2, argv, &sweep, similar, &first, &help, &err), HX_INPUT);
	assert_string_equal(err.msg, "option '--kee' is the beginning of more than one; see 'hexplore sweep --help'");
	quiet = false;
	argv[1] = (char *)"--keep";
	assert_int_equal(opt_parse(2, argv, &sweep, similar, &first, &help, &err), HX_OK);
	assert_true(quiet);
}

/* What parsing prints to stdout; the caller frees. */
static char *printed(const struct opt_command *cmd, const struct opt *table, const char *word)
{
	char *argv[] = {(char *)"sweep", (char *)word, NULL}, *text = hx_xcalloc(1, 10000);
	int first, kept = dup(STDOUT_FILENO);
	FILE *f = tmpfile();
	struct hx_err err;
	bool help;
	int rc;

	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	rc = opt_parse(2, argv, cmd, table, &first, &help, &err);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	rewind(f);
	text[fread(text, 1, 9999, f)] = '\0';
	fclose(f);
	assert_int_equal(rc, HX_OK);
	assert_true(help);
	return text;
}

static void help(void **state)
{
	static const char expected[] = "usage: hexplore sweep --profile P [options] [name ...]\n"
				       "\n"
				       "Enumerate, predict and store every configuration\n"
				       "\n"
				       "  -p, --profile P  hardware profile: a name, or a file\n"
				       "      --gamma N    drafts per round; a list such as 1,2,4 or a range such as 1-8\n"
				       "                   is taken, and so are both of them joined\n"
				       "  -r, --resume     continue where a sweep stopped\n"
				       "      --quiet      no progress\n"
				       "  -h, --help       print this help\n"
				       "\n"
				       "A line of detail.\n";
	char *text;

	(void)state;
	for (const char *const *word = (const char *const[]){"-h", "--help", "-rh", NULL}; *word; word++) {
		text = printed(&sweep, opts, *word);
		assert_string_equal(text, expected);
		free(text);
	}
}

static void help_fits(void **state)
{
	static const struct opt wide[] = {{"a-name-that-is-much-longer-than-others", 0, "VALUE",
					   "help of the long one that is not short either, so that it wraps", &profile, NULL},
					  {"b", 0, NULL, "short", NULL, &quiet},
					  {0}};
	static const struct opt_command cmd = {
		.name = "sweep",
		.args = "--profile P [--sweep S] [--db F] [--jobs N] [--keep all|pareto|top:N] [--resume] [--shard I/N] [--costs CSV] "
			"[--dry-run]",
		.summary = "x",
	};
	char *text = printed(&cmd, wide, "-h");

	(void)state;
	assert_non_null(strstr(text, "[--jobs N]\n                      [--keep"));
	assert_non_null(strstr(text, " VALUE\n              help of"));
	assert_non_null(strstr(text, "\n      --b     short\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) <= 80);
		assert_true(line[strlen(line) - 1] != ' ');
	}
	free(text);
	text = printed(&sweep, NULL, "--help");
	assert_non_null(strstr(text, "\n  -h, --help  print this help\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes), cmocka_unit_test(refuses),   cmocka_unit_test(ambiguous),
		cmocka_unit_test(help),  cmocka_unit_test(help_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
