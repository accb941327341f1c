/* hexplore report: what was validated, as the database has it. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/measured_select.h"
#include "cmd/report_print.h"

/* Which runs the points are of. */
static void tell_runs(const struct measured_selection *x)
{
	size_t n;

	for (size_t i = 0; i < x->set.n; i += n) {
		const struct measured *m = &x->set.v[i];
		const struct store_run_found *run = runs_find(&x->runs, m->s->sweep.id, m->run, false);

		for (n = 1; i + n < x->set.n && m[n].s == m->s && m[n].run == m->run;)
			n++;
		fprintf(stderr, "hexplore: run %lld of sweep %lld, %s: %zu points%s\n", (long long)run->run, (long long)run->sweep, run->started, n,
			run->ended ? "" : ", not ended");
	}
}

int cmd_report(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = NULL, *sweep_ids = NULL, *run = NULL, *worst = "5", *format_text = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"sweep-id", 0, "N", "of sweep N, of several as in 1,2, or of all (default: the latest)", &sweep_ids, NULL},
		{"run", 0, "N", "what run N measured, or all runs (default: the sweep's latest)", &run, NULL},
		{"worst", 0, "N", "so many of the points that are furthest off (default: 5)", &worst, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "of the points: table, csv, json or jsonl", &format_text, NULL},
		{0}};
	struct measured_selection x;
	enum report_format format;
	long n_worst;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = text_int(worst, 0, 1000000, "--worst", &n_worst, err)))
		return rc;
	rc = measured_select(&x, db, sweep_ids, run, err);
	tell_runs(&x);
	if (!rc && format != REPORT_TABLE) {
		figures_list(&x.set, format);
		figures_print(&x.set, stderr);
	} else if (!rc) {
		report_print(&x.set, (size_t)n_worst);
	}
	measured_select_free(&x);
	return rc;
}
