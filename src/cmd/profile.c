/* hexplore profile: list, show and check hardware profiles. */
#include "core/profile.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/inputs.h"

#include <string.h>

static int load(const char *name, struct inputs *in, struct profile *p, struct hx_err *err)
{
	const struct input *file;
	int rc = input_find(in, INPUT_PROFILE, name, &file, err);

	return rc ? rc : profile_parse(p, file->text, file->len, file->path, err);
}

static void list_units(const struct profile *p, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t u = 0; u < p->n_units && n < size; u++)
		n += (size_t)snprintf(buf + n, size - n, p->units[u].is.kind == HX_CPU ? "%s%sx%d" : "%s%s", u ? " " : "", p->units[u].is.name,
				      p->units[u].is.cores);
}

static int list_row(const char *name, struct inputs *in, struct report *r, struct hx_err *err)
{
	struct profile p;
	char units[256];
	int rc = load(name, in, &p, err);

	if (rc)
		return rc;
	list_units(&p, units, sizeof(units));
	report_text(r, p.name);
	report_text(r, p.soc);
	report_text(r, profile_statuses[p.status]);
	report_text(r, units);
	report_number(r, p.memory.capacity_bytes);
	profile_free(&p);
	return HX_OK;
}

static const struct report_column list_columns[] = {
	{"name", "name", REPORT_TEXT, 0, 0},
	{"soc", "SoC", REPORT_TEXT, 0, 0},
	{"status", "status", REPORT_TEXT, 0, 0},
	{"units", "units", REPORT_TEXT, 0, 0},
	{"memory_bytes", "GB", REPORT_NUMBER, 3, 1e-9},
};

struct showing {
	const struct profile *profile;
	struct report *report;
	enum report_format format;
};

static void show_value(void *arg, const char *path, const struct field *f, const char *value)
{
	struct showing *s = arg;
	const struct source *source = profile_source(s->profile, path);
	char buf[22];

	if (strncmp(path, "sources", 7) == 0)
		return;
	report_text(s->report, path);
	report_text(s->report, inputs_shown(buf, sizeof(buf), s->format, value));
	report_text(s->report, f->unit);
	report_text(s->report, source ? profile_source_kinds[source->kind] : NULL);
	report_text(s->report, source ? source->from : NULL);
}

static int show(const char *name, struct inputs *in, enum report_format format, struct hx_err *err)
{
	static const struct report_column columns[] = {
		{"parameter", "parameter", REPORT_TEXT, 0, 0}, {"value", "value", REPORT_TEXT, 0, 0},	{"unit", "unit", REPORT_TEXT, 0, 0},
		{"source", "source", REPORT_TEXT, 0, 0},       {"from", NULL, REPORT_TEXT, 0, 0},
	};
	struct profile p;
	struct showing s = {.profile = &p, .format = format};
	int rc = load(name, in, &p, err);

	if (rc)
		return rc;
	s.report = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));
	field_walk(&p, &profile_fields, show_value, &s);
	report_end(s.report);
	profile_free(&p);
	return HX_OK;
}

static void print_problem(void *arg, const char *path, const char *what)
{
	char shown[256];

	printf("%s: %s %s\n", (const char *)arg, text_clean(shown, sizeof(shown), path), what);
}

static int check(const char *name, struct inputs *in, struct hx_err *err)
{
	char shown[256];
	struct profile p;
	int problems, rc = load(name, in, &p, err);

	if (rc)
		return rc;
	text_clean(shown, sizeof(shown), name);
	problems = profile_unsourced(&p, print_problem, shown) + profile_unlinked(&p, print_problem, shown);
	if (!problems)
		printf("%s: ok, %zu sources\n", shown, p.n_sources);
	profile_free(&p);
	return problems ? HX_NO : HX_OK;
}

int cmd_profile(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	static const struct input_command verbs = {INPUT_PROFILE, list_columns, sizeof(list_columns) / sizeof(*list_columns), list_row, show, check, NULL};

	return inputs_run(&verbs, about, argc, argv, err);
}
