/* hexplore validate: points of a sweep run here, and how far their predictions were off. */
#include "cmd/validate_print.h"

#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/intervals.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_REPEATS = 51 };
static const double default_budget_s = 600;

struct validating {
	struct session s;
	struct store *store;
	struct validate v;
	struct validated out;
	size_t n;          /* points wanted */
	double *predicted; /* as stored */
	double budget_s;
	bool quiet;
};

static int keep_speedup(void *arg, const struct store_value *values)
{
	*(double *)arg = values[0].number;
	return 0;
}

static int read_predicted(struct validating *x, size_t i, struct hx_err *err)
{
	const char *const columns[] = {"speedup"};
	struct store_query q = {.sweep = x->s.sweep.id,
				.columns = columns,
				.n_columns = 1,
				.n_filters = 1,
				.infeasible = true,
				.filters = {{.column = "id", .op = "=", .number = (double)x->out.ids[i]}}};
	double none = -1, *speedup = &x->predicted[i];
	int rc;

	*speedup = none;
	rc = store_select(x->s.store, &q, keep_speedup, speedup, err);
	if (!rc && *speedup == none)
		rc = hx_err_set(err, HX_INPUT, "sweep %lld keeps no point %lld", (long long)x->s.sweep.id, (long long)x->out.ids[i]);
	return rc;
}

/* All points are looked at before any is measured. */
static int check_points(struct validating *x, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t i = 0; i < x->n && !rc; i++) {
		struct point pt;

		if (x->out.ids[i] > x->s.space.size)
			return hx_err_set(err, HX_INPUT, "sweep %lld has points 1 to %lld", (long long)x->s.sweep.id,
					  (long long)x->s.space.size);
		for (size_t k = 0; k < i; k++)
			if (x->out.ids[k] == x->out.ids[i])
				return hx_err_set(err, HX_INPUT, "point %lld is named twice", (long long)x->out.ids[i]);
		pt = space_point(&x->s.space, x->out.ids[i] - 1);
		rc = read_predicted(x, i, err);
		if (!rc)
			rc = validate_check(&x->v, &pt, err);
	}
	return rc;
}

static void tell(const struct validating *x, size_t i)
{
	const struct validate_result *r = &x->out.results[i];

	if (!x->quiet)
		fprintf(stderr, "hexplore: point %lld (%zu of %zu): predicted %.3f, measured %.3f (%.3f to %.3f), %d pairs\n",
			(long long)x->out.ids[i], i + 1, x->n, r->predicted, r->measured.median, r->measured.low, r->measured.high,
			r->pairs);
}

static int measure(struct validating *x, struct hx_err *err)
{
	double began_s = hx_trace_now_s();
	int rc = HX_OK;

	for (size_t i = 0; i < x->n && !rc && !interrupt_came(); i++) {
		double left_s = x->budget_s - (hx_trace_now_s() - began_s);
		struct point pt = space_point(&x->s.space, x->out.ids[i] - 1);

		rc = validate_point(&x->v, &pt, x->predicted[i], left_s / (double)(x->n - i), &x->out.results[i], err);
		if (!rc && x->out.results[i].pairs) {
			x->out.done++;
			tell(x, i);
		}
	}
	return rc;
}

static int validate_all(struct validating *x, const char *command, const char *db, enum report_format format, struct hx_err *err)
{
	double load = machine_load();
	struct hx_err ignored;
	int rc = store_open(&x->store, db, STORE_WRITE, err), ended;

	if (rc || (rc = intervals_store_ids(x->store, x->s.sweep.id, &x->s.predict, x->out.ids, x->n, err)))
		return rc;
	x->v.store = x->store;
	if (!x->quiet && load > MACHINE_BUSY)
		fprintf(stderr, "hexplore: this machine is busy (load %.2f): times will be too long and scatter\n", load);
	interrupt_catch(true);
	rc = validate_record(&x->v, command, err);
	if (!rc)
		rc = measure(x, err);
	interrupt_catch(false);
	ended = validate_end(&x->v, rc ? &ignored : err);
	if (x->out.done)
		validate_print(&x->out, format);
	return rc ? rc : ended ? ended : interrupt_came() ? INTERRUPT_STATUS : HX_OK;
}

struct options {
	const char *db, *sweep_id, *format, *repeats, *budget, *tokens;
};

static int read_options(struct validating *x, const struct options *o, enum report_format *format, struct hx_err *err)
{
	long repeats = DEFAULT_REPEATS, tokens = 0;
	int rc = report_format_parse(o->format, format, err);

	x->budget_s = default_budget_s;
	if (!rc && o->repeats)
		rc = text_int(o->repeats, 1, 10000, "--repeats", &repeats, err);
	if (!rc && o->tokens)
		rc = text_int(o->tokens, 1, 1000000, "--tokens", &tokens, err);
	if (!rc && o->budget)
		rc = text_seconds(o->budget, 1, 1e7, "--budget", &x->budget_s, err);
	x->v.options.repeats = (int)repeats;
	x->v.options.tokens = (int)tokens;
	return rc;
}

/* Ids of one sweep. */
static int read_ids(struct validating *x, char **argv, size_t n, char *sweep, size_t size, const char **sweep_id, struct hx_err *err)
{
	char other[TEXT_MAX];
	int rc = HX_OK;

	x->out.ids = hx_xcalloc(n, sizeof(*x->out.ids));
	x->predicted = hx_xcalloc(n, sizeof(*x->predicted));
	x->out.results = hx_xcalloc(n, sizeof(*x->out.results));
	x->n = n;
	for (size_t i = 0; i < n && !rc; i++) {
		const char *of = NULL;

		rc = session_point_id(argv[i], other, sizeof(other), &of, &x->out.ids[i], err);
		if (rc || !of)
			continue;
		if (*sweep_id && strcmp(*sweep_id, of))
			return hx_err_set(err, HX_INPUT, "validate: points of one sweep at a time, not of %.20s and %.20s", *sweep_id, of);
		snprintf(sweep, size, "%s", of);
		*sweep_id = sweep;
	}
	return rc;
}

static char *joined(int argc, char **argv)
{
	char *text = hx_xstrdup("hexplore");

	for (int i = 0; i < argc; i++) {
		char *longer = hx_xasprintf("%s %s", text, argv[i]);

		free(text);
		text = longer;
	}
	return text;
}

static void free_all(struct validating *x)
{
	for (size_t i = 0; i < x->n; i++)
		validate_result_free(&x->out.results[i]);
	free(x->out.ids);
	free(x->predicted);
	free(x->out.results);
	store_close(x->store);
	session_close(&x->s);
}

static int load_and_run(struct validating *x, const struct options *o, const char *command, enum report_format format, struct hx_err *err)
{
	const char *db = o->db ? o->db : CMD_DEFAULT_DB;
	struct hx_err ignored;
	int rc;

	if ((rc = session_open(&x->s, db, o->sweep_id, err)) || (rc = session_load(&x->s, err)))
		return rc;
	x->v.p = &x->s.predict;
	x->v.in = &x->s.inputs;
	x->v.sweep = x->s.sweep.id;
	x->out.s = &x->s;
	x->v.options.seed = (uint64_t)x->s.study.sweep.seed;
	x->v.options.stop = interrupt_flag();
	if ((rc = validate_begin(&x->v, err)))
		return rc;
	if ((rc = check_points(x, err))) {
		validate_end(&x->v, &ignored);
		return rc;
	}
	return validate_all(x, command, db, format, err);
}

int cmd_validate(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct validating x = {0};
	struct options o = {0};
	bool help = false;
	const struct opt opts[] = {
		{"repeats", 0, "N", "pairs of plain and speculative output at most (default: 51)", &o.repeats, NULL},
		{"budget", 0, "T", "time for all points, as in 90s or 10m (default: 10m)", &o.budget, NULL},
		{"tokens", 0, "N", "tokens to generate (default: the workload's)", &o.tokens, NULL},
		{"target", 0, "F", "GGUF with the target's weights (default: random ones)", &x.v.options.target, NULL},
		{"draft", 0, "F", "GGUF with the drafter's weights (default: random ones)", &x.v.options.draft, NULL},
		{"prompt", 0, "F", "text to go on with, for acceptance as it is (default: imposed)", &x.v.options.prompt, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &o.sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &o.db, NULL},
		{"format", 'f', "FMT", "of the points: table, csv, json or jsonl", &o.format, NULL},
		{"quiet", 'q', NULL, "no progress", NULL, &x.quiet},
		{0}};
	char sweep[TEXT_MAX], *command = joined(argc, argv);
	enum report_format format;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (!rc && !help && first >= argc)
		rc = hx_err_set(err, HX_INPUT, "validate: which points? 'hexplore best' lists ids");
	if (!rc && !help && !(rc = read_options(&x, &o, &format, err)) &&
	    !(rc = read_ids(&x, argv + first, (size_t)(argc - first), sweep, sizeof(sweep), &o.sweep_id, err)))
		rc = load_and_run(&x, &o, command, format, err);
	free_all(&x);
	free(command);
	return rc;
}
