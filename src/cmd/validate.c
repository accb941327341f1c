/* hexplore validate: points of a sweep run here, and how far their predictions were off. */
#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/intervals.h"
#include "cmd/runs.h"
#include "cmd/validate_choose.h"
#include "cmd/validate_measure.h"
#include "cmd/validate_print.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_REPEATS = 51 };
static const double default_budget_s = 600;

struct options {
	const char *db, *sweep_id, *format, *repeats, *budget, *tokens, *top, *sample, *seed, *run;
	bool pareto, resume, quiet;
};

struct validating {
	struct session s;
	struct validate v;
	struct validate_set set;
	struct validate_choice choice;
	struct store_run_found gone_on; /* run 0: a new one */
	enum report_format format;
	bool named; /* points by id */
};

/* ---- the points ---- */

/* All points are looked at before any is measured. */
static int check_points(struct validating *x, struct hx_err *err)
{
	const struct validate_set *set = &x->set;
	int rc = HX_OK;

	for (size_t i = 0; i < set->n && !rc; i++) {
		struct point pt;

		if (set->ids[i] < 1 || set->ids[i] > x->s.space.size)
			return hx_err_set(err, HX_INPUT, "sweep %lld has points 1 to %lld", (long long)x->s.sweep.id,
					  (long long)x->s.space.size);
		for (size_t k = 0; k < i; k++)
			if (set->ids[k] == set->ids[i])
				return hx_err_set(err, HX_INPUT, "point %lld is named twice", (long long)set->ids[i]);
		pt = space_point(&x->s.space, set->ids[i] - 1);
		rc = validate_set_predicted(set, i, x->s.store, x->s.sweep.id, err);
		if (!rc)
			rc = validate_check(&x->v, &pt, err);
	}
	return rc;
}

static int find_points(struct validating *x, bool quiet, struct hx_err *err)
{
	int rc = HX_OK;

	if (x->gone_on.run)
		rc = store_chosen(x->s.store, x->gone_on.run, x->s.sweep.id, &x->set.ids, &x->set.n, err);
	else if (!x->named)
		rc = validate_choose(&x->v, &x->s, &x->choice, quiet, &x->set.ids, &x->set.n, err);
	if (!rc && !x->set.n)
		rc = hx_err_set(err, HX_INPUT, "run %lld did not store which points it was to measure", (long long)x->gone_on.run);
	if (rc)
		return rc;
	validate_set_make(&x->set);
	rc = check_points(x, err);
	return rc || !x->gone_on.run ? rc : validate_set_resume(&x->set, &x->v, x->s.store, x->gone_on.run, err);
}

/* ---- the run ---- */

static int print(struct validating *x, struct hx_err *err)
{
	struct store_run_found run = {.run = x->v.run, .sweep = x->v.sweep, .seed = (int64_t)x->v.options.seed};
	struct measured_set measured = {0};
	int rc = measured_add(&measured, &x->s, &run, true, err);

	if (!rc && measured.n) {
		figures_list(&measured, x->format);
		for (size_t i = 0; i < x->set.n && x->named && x->format == REPORT_TABLE; i++)
			validate_print_steps(&x->s, x->set.ids[i], &x->set.results[i]);
		if (x->format == REPORT_TABLE)
			puts("");
		figures_print(&measured, x->format == REPORT_TABLE ? stdout : stderr);
	}
	measured_free(&measured);
	return rc;
}

static int validate_all(struct validating *x, const char *command, const char *db, double budget_s, bool quiet, struct hx_err *err)
{
	double load = machine_load();
	struct hx_err ignored;
	struct store *store;
	int rc = store_open(&store, db, STORE_WRITE, err), rc_end;
	bool whole = false;

	if (!rc) { /* it may have been of an older version until now */
		store_close(x->s.store);
		x->s.store = x->v.store = store;
	}
	if (!quiet && load > MACHINE_BUSY)
		fprintf(stderr, "hexplore: this machine is busy (load %.2f): times will be too long and scatter\n", load);
	interrupt_catch(true);
	x->v.run = x->gone_on.run;
	if (!rc)
		rc = intervals_store_ids(store, x->s.sweep.id, &x->s.predict, x->set.ids, x->set.n, err);
	if (!rc && !x->v.run)
		rc = validate_record(&x->v, command, x->set.ids, x->set.n, err);
	if (!rc)
		rc = validate_set_measure(&x->set, &x->v, &x->s, budget_s, quiet, &whole, err);
	interrupt_catch(false);
	rc_end = validate_end(&x->v, !rc && whole, rc ? &ignored : err);
	rc = rc ? rc : rc_end;
	rc_end = x->v.run ? print(x, rc ? &ignored : err) : HX_OK;
	return rc ? rc : rc_end ? rc_end : interrupt_came() ? INTERRUPT_STATUS : HX_OK;
}

static int load_and_run(struct validating *x, const struct options *o, const char *command, double budget_s, struct hx_err *err)
{
	const char *db = o->db ? o->db : CMD_DEFAULT_DB;
	struct hx_err ignored;
	int rc;

	if ((rc = session_open(&x->s, db, o->sweep_id, err)) || (rc = session_load(&x->s, err)))
		return rc;
	x->v.p = &x->s.predict;
	x->v.in = &x->s.inputs;
	x->v.sweep = x->s.sweep.id;
	x->v.options.seed = (uint64_t)(x->gone_on.run ? x->gone_on.seed : x->s.study.sweep.seed);
	if (!o->seed)
		x->choice.seed = x->v.options.seed;
	x->v.options.stop = interrupt_flag();
	if ((rc = validate_begin(&x->v, err)))
		return rc;
	if ((rc = find_points(x, o->quiet, err))) {
		validate_end(&x->v, false, &ignored);
		return rc;
	}
	return validate_all(x, command, db, budget_s, o->quiet, err);
}

/* ---- options ---- */

/* A whole number from 1, where it is given. */
static int read_count(const char *text, const char *option, long most, long *count, struct hx_err *err)
{
	return text ? text_int(text, 1, most, option, count, err) : HX_OK;
}

static int read_options(struct validating *x, const struct options *o, double *budget_s, struct hx_err *err)
{
	long repeats = DEFAULT_REPEATS, tokens = 0, seed = 0;
	int rc = report_format_parse(o->format, &x->format, err);

	*budget_s = default_budget_s;
	if (rc || (rc = read_count(o->repeats, "--repeats", 10000, &repeats, err)) || (rc = read_count(o->tokens, "--tokens", 1000000, &tokens, err)) ||
	    (rc = read_count(o->top, "--top", 1000000, &x->choice.top, err)) ||
	    (rc = read_count(o->sample, "--sample", 1000000, &x->choice.sample, err)) || (o->seed && (rc = text_int(o->seed, 0, INT_MAX, "--seed", &seed, err))))
		return rc;
	if (o->seed && !o->sample)
		return hx_err_set(err, HX_INPUT, "--seed: what is drawn is the --sample");
	if (o->run && !o->resume)
		return hx_err_set(err, HX_INPUT, "--run: names the run that --resume goes on with");
	x->choice.pareto = o->pareto;
	x->choice.seed = (uint64_t)seed;
	x->v.options.repeats = (int)repeats;
	x->v.options.tokens = (int)tokens;
	return o->budget ? text_seconds(o->budget, 1, 1e7, "--budget", budget_s, err) : HX_OK;
}

/* Ids of one sweep. */
static int read_ids(struct validating *x, char **argv, size_t n, char *sweep, size_t size, const char **sweep_id, struct hx_err *err)
{
	char other[TEXT_MAX];
	int rc = HX_OK;

	x->named = n > 0;
	if (!n) /* they are chosen */
		return HX_OK;
	x->set.ids = hx_xcalloc(n, sizeof(*x->set.ids));
	x->set.n = n;
	for (size_t i = 0; i < n && !rc; i++) {
		const char *of = NULL;

		rc = session_point_id(argv[i], other, sizeof(other), &of, &x->set.ids[i], err);
		if (rc || !of)
			continue;
		if (*sweep_id && strcmp(*sweep_id, of))
			return hx_err_set(err, HX_INPUT, "validate: points of one sweep at a time, not of %.20s and %.20s", *sweep_id, of);
		snprintf(sweep, size, "%s", of);
		*sweep_id = sweep;
	}
	return rc;
}

/* Finds the run that is gone on with, and its sweep. */
static int find_run(struct validating *x, struct options *o, char *sweep, size_t size, struct hx_err *err)
{
	const struct store_run_found *found;
	struct runs runs;
	long run = 0, of = 0;
	int rc = read_count(o->run, "--run", LONG_MAX, &run, err);

	if (!rc)
		rc = read_count(o->sweep_id, "--sweep-id", LONG_MAX, &of, err);
	if (rc || (rc = runs_read(&runs, o->db, err)))
		return rc;
	found = runs_find(&runs, of, run, !run);
	if (found) {
		x->gone_on = *found;
		snprintf(sweep, size, "%lld", (long long)found->sweep);
		o->sweep_id = sweep;
	} else if (run) {
		rc = hx_err_set(err, HX_INPUT, "--run: there is no validation run %ld", run);
	} else {
		rc = hx_err_set(err, HX_INPUT, "--resume: no validation run was left before its end; --run names another");
	}
	free(runs.v);
	return rc;
}

static int one_way(const struct options *o, int n_ids, struct hx_err *err)
{
	int ways = (n_ids > 0) + (o->top != NULL) + (o->sample != NULL) + o->pareto + o->resume;

	if (ways == 0)
		return hx_err_set(err, HX_INPUT, "validate: which points? 'hexplore best' lists ids; --top, --pareto and --sample choose");
	if (ways > 1)
		return hx_err_set(err, HX_INPUT, "validate: one of ids, --top, --pareto, --sample and --resume says which points");
	return HX_OK;
}

int cmd_validate(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct validating x = {0};
	struct options o = {0};
	bool help = false;
	const struct opt opts[] = {
		{"top", 't', "N", "the N best points", &o.top, NULL},
		{"pareto", 0, NULL, "the points that no other beats in latency and memory", NULL, &o.pareto},
		{"sample", 0, "N", "N random points, spread over all axes, that speculate", &o.sample, NULL},
		{"seed", 0, "S", "of the sample (default: the sweep's)", &o.seed, NULL},
		{"resume", 0, NULL, "go on with the latest run that was not ended", NULL, &o.resume},
		{"run", 0, "N", "go on with run N", &o.run, NULL},
		{"repeats", 0, "N", "pairs of plain and speculative output at most (default: 51)", &o.repeats, NULL},
		{"budget", 0, "T", "time for all points, as in 90s or 10m (default: 10m)", &o.budget, NULL},
		{"tokens", 0, "N", "tokens to generate (default: the workload's)", &o.tokens, NULL},
		{"target", 0, "F", "GGUF with the target's weights (default: random ones)", &x.v.options.target, NULL},
		{"draft", 0, "F", "GGUF with the drafter's weights (default: random ones)", &x.v.options.draft, NULL},
		{"prompt", 0, "F", "text to go on with, for acceptance as it is (default: imposed)", &x.v.options.prompt, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &o.sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &o.db, NULL},
		{"format", 'f', "FMT", "of the points: table, csv, json or jsonl", &o.format, NULL},
		{"quiet", 'q', NULL, "no progress", NULL, &o.quiet},
		{0}};
	char sweep[TEXT_MAX], *command = cmd_line(argc, argv);
	double budget_s;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (!rc && !help && !(rc = one_way(&o, argc - first, err)) && !(rc = read_options(&x, &o, &budget_s, err)) &&
	    !(rc = read_ids(&x, argv + first, (size_t)(argc - first), sweep, sizeof(sweep), &o.sweep_id, err)) &&
	    !(o.resume && (rc = find_run(&x, &o, sweep, sizeof(sweep), err))))
		rc = load_and_run(&x, &o, command, budget_s, err);
	validate_set_free(&x.set);
	session_close(&x.s);
	free(command);
	return rc;
}
