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

int inputs_run(const struct input_command *c, const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	static const char *const verbs[] = {"list", "show", "check", NULL};
	const char *format_text = NULL, *verb;
	bool help = false;
	const struct opt opts[] = {{"format", 'f', "FMT", "of list and show: table, csv, json or jsonl", &format_text, NULL}, {0}};
	struct inputs in = {0};
	enum report_format format;
	char shown[80];
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = report_format_parse(format_text, &format, err)))
		return rc;
	verb = first < argc ? argv[first] : "";
	if (strcmp(verb, "list") == 0) {
		if (!(rc = cmd_no_arguments(about, argc, argv, first + 1, err)))
			rc = list(c, &in, format, err);
	} else if (strcmp(verb, "show") == 0 && argc == first + 2) {
		rc = c->show(argv[first + 1], &in, format, err);
	} else if (strcmp(verb, "check") == 0 && argc >= first + 2) {
		rc = check_all(c, &in, argc, argv, first + 1, err);
	} else {
		const char *near = text_nearest(verb, verbs);

		if (near && strcmp(near, verb) == 0)
			rc = hx_err_set(err, HX_INPUT, "%s %s: name %s file; see 'hexplore %s --help'", about->name, verb,
					*verb == 's' ? "one" : "at least one", about->name);
		else if (!*verb)
			rc = hx_err_set(err, HX_INPUT, "%s: list, show or check? see 'hexplore %s --help'", about->name, about->name);
		else
			rc = hx_err_set(err, HX_INPUT, "%s: list, show or check, not '%s'%s%s%s", about->name, text_clean(shown, sizeof(shown), verb),
					near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	inputs_free(&in);
	return rc;
}
