/* hexplore report: what was validated, as the database has it. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/report_print.h"
#include "cmd/runs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct reporting {
	struct runs runs;
	struct session **sessions;
	size_t n_sessions;
	struct measured_set set;
};

static int add_run(struct reporting *x, struct session *s, const struct store_run_found *run, struct hx_err *err)
{
	size_t had = x->set.n;
	int rc = measured_add(&x->set, s, run, true, err);

	if (!rc && x->set.n > had)
		fprintf(stderr, "hexplore: run %lld of sweep %lld, %s: %zu points%s\n", (long long)run->run, (long long)run->sweep, run->started, x->set.n - had,
			run->ended ? "" : ", not ended");
	return rc;
}

/* run_text: NULL, the latest; a number; `all`. */
static int add_sweep(struct reporting *x, const char *db, const char *sweep_id, const char *run_text, struct hx_err *err)
{
	bool all = run_text && strcmp(run_text, "all") == 0;
	const struct store_run_found *run;
	struct session *s = hx_xcalloc(1, sizeof(*s));
	long id = 0;
	int rc = all || !run_text ? HX_OK : text_int(run_text, 1, LONG_MAX, "--run", &id, err);

	x->sessions = hx_xrealloc(x->sessions, x->n_sessions + 1, sizeof(*x->sessions));
	x->sessions[x->n_sessions++] = s;
	if (rc || (rc = session_open(s, db, sweep_id, err)) || (rc = session_load(s, err)))
		return rc;
	run = runs_find(&x->runs, s->sweep.id, id, false);
	if (!run && id)
		return hx_err_set(err, HX_INPUT, "--run: sweep %lld has no validation run %ld", (long long)s->sweep.id, id);
	if (!run)
		return hx_err_set(err, HX_NO, "sweep %lld has no validation run; 'hexplore validate' makes one", (long long)s->sweep.id);
	for (size_t i = 0; i < x->runs.n && !rc; i++)
		if (&x->runs.v[i] == run || (all && x->runs.v[i].sweep == s->sweep.id))
			rc = add_run(x, s, &x->runs.v[i], err);
	return rc;
}

/* All sweeps that have a run. */
static int add_all(struct reporting *x, const char *db, const char *run, struct hx_err *err)
{
	char id[24];
	int rc = HX_OK;

	for (size_t i = 0; i < x->runs.n && !rc; i++) {
		if (runs_find(&x->runs, x->runs.v[i].sweep, 0, false) != &x->runs.v[i]) /* once a sweep */
			continue;
		snprintf(id, sizeof(id), "%lld", (long long)x->runs.v[i].sweep);
		rc = add_sweep(x, db, id, run, err);
	}
	if (!rc && !x->runs.n)
		rc = hx_err_set(err, HX_NO, "no sweep has a validation run; 'hexplore validate' makes one");
	return rc;
}

/* sweep_ids: NULL, the run's or the latest; a list; `all`. */
static int add_sweeps(struct reporting *x, const char *db, const char *sweep_ids, const char *run, struct hx_err *err)
{
	const struct store_run_found *found;
	char *copy, *save = NULL, id[24];
	long number;
	int rc = HX_OK;

	if (!sweep_ids && run && strcmp(run, "all") != 0) {
		if ((rc = text_int(run, 1, LONG_MAX, "--run", &number, err)))
			return rc;
		if (!(found = runs_find(&x->runs, 0, number, false)))
			return hx_err_set(err, HX_INPUT, "--run: there is no validation run %ld", number);
		snprintf(id, sizeof(id), "%lld", (long long)found->sweep);
		return add_sweep(x, db, id, run, err);
	}
	if (!sweep_ids)
		return add_sweep(x, db, NULL, run, err);
	if (strcmp(sweep_ids, "all") == 0)
		return add_all(x, db, run, err);
	copy = hx_xstrdup(sweep_ids);
	for (char *one = strtok_r(copy, ",", &save); one && !rc; one = strtok_r(NULL, ",", &save))
		rc = add_sweep(x, db, one, run, err);
	free(copy);
	return rc;
}

static void free_all(struct reporting *x)
{
	measured_free(&x->set);
	for (size_t i = 0; i < x->n_sessions; i++) {
		session_close(x->sessions[i]);
		free(x->sessions[i]);
	}
	free(x->sessions);
	free(x->runs.v);
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
	struct reporting x = {0};
	enum report_format format;
	long n_worst;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = text_int(worst, 0, 1000000, "--worst", &n_worst, err)))
		return rc;
	if (!(rc = runs_read(&x.runs, db, err)) && !(rc = add_sweeps(&x, db, sweep_ids, run, err)) && !x.set.n)
		rc = hx_err_set(err, HX_NO, "no point of the run has a pair yet");
	if (!rc && format != REPORT_TABLE) {
		figures_list(&x.set, format);
		figures_print(&x.set, stderr);
	} else if (!rc) {
		report_print(&x.set, (size_t)n_worst);
	}
	free_all(&x);
	return rc;
}
