/* hexplore validate: points of a sweep run here, and how far their predictions were off. */
#include "device/validate.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "output/report.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INTERRUPTED = 128 + SIGINT, DEFAULT_REPEATS = 51 };
static const double default_budget_s = 600;
static const double small_share = 0.03; /* of a pass: steps below are summed up in the table */

struct validating {
	struct session s;
	struct store *store;
	struct validate v;
	int64_t *ids;
	double *predicted; /* as stored */
	struct validate_result *results;
	size_t n, done;
	double budget_s;
	bool quiet;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_interrupt(bool on)
{
	struct sigaction action = {.sa_handler = on ? on_interrupt : SIG_DFL, .sa_flags = SA_RESETHAND}; /* a second Ctrl-C ends at once */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static struct point point_of(const struct validating *x, size_t i)
{
	return space_point(&x->s.space, x->ids[i] - 1);
}

/* ---- the points ---- */

static void list_point(const struct validating *x, size_t i, struct report *r)
{
	const struct space *space = &x->s.space;
	const struct validate_result *res = &x->results[i];
	const struct point pt = point_of(x, i);
	bool has_map = pt.drafter >= 0 && pt.draft_map >= 0;

	report_number(r, (double)x->s.sweep.id);
	report_number(r, (double)x->ids[i]);
	report_text(r, hx_type_names[pt.target_type]);
	report_text(r, space->target.v[pt.target_map].text);
	report_text(r, pt.drafter < 0 ? NULL : x->s.study.drafters[pt.drafter].name);
	report_text(r, has_map ? hx_type_names[pt.draft_type] : NULL);
	report_text(r, has_map ? space->draft[pt.drafter].v[pt.draft_map].text : NULL);
	report_number(r, pt.gamma);
	report_number(r, res->predicted);
	report_number(r, res->measured.median);
	report_number(r, res->measured.low);
	report_number(r, res->measured.high);
	report_number(r, res->predicted / res->measured.median - 1);
	report_number(r, res->realised / res->measured.median - 1);
	report_number(r, res->predicted / res->realised - 1);
	report_number(r, res->predicted_decode_s);
	report_number(r, res->decode_s);
	report_number(r, res->tokens_per_round);
	report_number(r, res->pairs);
	report_number(r, res->synthesised);
}

static void list_points(const struct validating *x, enum report_format format)
{
	static const struct report_column columns[] = {
		{"sweep", NULL, REPORT_NUMBER, 0, 0},
		{"id", "id", REPORT_NUMBER, -1, 0},
		{"target_quant", "target", REPORT_TEXT, 0, 0},
		{"target_map", "on", REPORT_TEXT, 0, 0},
		{"drafter", NULL, REPORT_TEXT, 0, 0},
		{"draft_quant", "draft", REPORT_TEXT, 0, 0},
		{"draft_map", "on", REPORT_TEXT, 0, 0},
		{"gamma", "gamma", REPORT_NUMBER, 0, 0},
		{"predicted_speedup", "predicted", REPORT_NUMBER, 4, 0},
		{"measured_speedup", "measured", REPORT_NUMBER, 4, 0},
		{"measured_low", "from", REPORT_NUMBER, 3, 0},
		{"measured_high", "to", REPORT_NUMBER, 3, 0},
		{"error", "error %", REPORT_NUMBER, 2, 100},
		{"timing_error", "timing", REPORT_NUMBER, 2, 100},
		{"acceptance_error", NULL, REPORT_NUMBER, 2, 100},
		{"predicted_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_tokens_per_round", NULL, REPORT_NUMBER, 4, 0},
		{"pairs", "pairs", REPORT_NUMBER, 0, 0},
		{"synthesised", NULL, REPORT_BOOL, 0, 0},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < x->done; i++)
		list_point(x, i, r);
	report_end(r);
}

/* ---- the steps ---- */

static const char *const kinds[] = {[STORE_BASELINE] = "baseline", [STORE_CONFIGURATION] = "point"};

static void list_step(struct report *r, const char *kind, int pass, const char *op, const char *unit, double predicted_s, double measured_s, int64_t n)
{
	report_text(r, kind);
	report_text(r, validate_step_pass(pass));
	report_text(r, op);
	report_text(r, unit);
	report_number(r, predicted_s);
	report_number(r, measured_s);
	report_number(r, measured_s / predicted_s);
	report_number(r, (double)n);
}

/* The pass whose steps begin at first: as a whole, then those of its steps that matter, then what they leave. Returns the first step behind it. */
static size_t list_pass(const struct validating *x, const struct validate_steps *s, size_t first, const char *kind, struct report *r)
{
	const struct validate_step *v = s->v;
	bool whole = !v[first].decodes || !v[first].n || v[first].pass == HX_PASS_CATCH_UP; /* people are spared the near twin of the draft pass */
	double predicted_s = 0, measured_s = 0, small_predicted_s = 0, small_measured_s = 0;
	size_t end = first, left = 0;

	for (; end < s->n && v[end].pass == v[first].pass; end++) {
		predicted_s += v[end].predicted_s;
		measured_s += v[end].measured_s;
	}
	list_step(r, kind, v[first].pass, end - first > 1 ? "all" : validate_step_op(v[first].op), NULL, predicted_s, measured_s, v[first].n);
	for (size_t i = first; i < end && end - first > 1 && !whole; i++) {
		if (v[i].predicted_s < small_share * predicted_s && v[i].measured_s < small_share * measured_s) {
			small_predicted_s += v[i].predicted_s;
			small_measured_s += v[i].measured_s;
			left++;
			continue;
		}
		list_step(r, kind, v[i].pass, validate_step_op(v[i].op), v[i].unit < 0 ? NULL : x->s.study.profile.units[v[i].unit].is.name,
			  v[i].predicted_s, v[i].measured_s, v[i].n);
	}
	if (left)
		list_step(r, kind, v[first].pass, "others", NULL, small_predicted_s, small_measured_s, v[first].n);
	return end;
}

static void list_steps(const struct validating *x, const struct validate_result *res)
{
	static const struct report_column columns[] = {
		{"run", "run", REPORT_TEXT, 0, 0},
		{"pass", "pass", REPORT_TEXT, 0, 0},
		{"operator", "operator", REPORT_TEXT, 0, 0},
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"predicted_s", "predicted ms", REPORT_NUMBER, 4, 1e3},
		{"measured_s", "measured ms", REPORT_NUMBER, 4, 1e3},
		{"ratio", "ratio", REPORT_NUMBER, 3, 0},
		{"n", "passes", REPORT_NUMBER, 0, 0},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION; kind++)
		for (size_t i = 0; i < res->steps[kind].n;)
			i = list_pass(x, &res->steps[kind], i, kinds[kind], r);
	report_end(r);
}

/* ---- the errors ---- */

struct blame {
	double share[2][VALIDATE_PASSES][VALIDATE_OPS]; /* of the error of a speedup, mean over points */
};

static void print_blame(const struct validating *x, FILE *f)
{
	struct blame *b = hx_xcalloc(1, sizeof(*b));
	int kind = 0, pass = 0, op = 0;

	for (size_t i = 0; i < x->done; i++)
		for (int k = 0; k < 2; k++)
			for (size_t s = 0; s < x->results[i].steps[k].n; s++) {
				const struct validate_step *step = &x->results[i].steps[k].v[s];
				double *share = &b->share[k][step->pass][step->op];

				*share += validate_blame(&x->results[i], (enum store_kind)k, step) / (double)x->done;
				if (fabs(*share) > fabs(b->share[kind][pass][op])) {
					kind = k;
					pass = step->pass;
					op = step->op;
				}
			}
	if (b->share[kind][pass][op] != 0)
		fprintf(f, "most of it by %s of %s%s: %+.1f %% of the speedup\n", validate_step_op(op), validate_step_pass(pass),
			kind == STORE_BASELINE ? " in plain decoding" : "", 100 * b->share[kind][pass][op]);
	free(b);
}

static void print_errors(const struct validating *x, FILE *f)
{
	double *predicted = hx_xmalloc((x->done + 1) * sizeof(*predicted)), *measured = hx_xmalloc((x->done + 1) * sizeof(*measured));
	struct validate_errors e;
	bool synthesised = false;

	for (size_t i = 0; i < x->done; i++) {
		predicted[i] = x->results[i].predicted;
		measured[i] = x->results[i].measured.median;
		synthesised |= x->results[i].synthesised;
	}
	e = validate_errors(predicted, measured, x->done);
	if (e.n) {
		fprintf(f, "%zu point%s: mean absolute error %.1f %%, worst %+.1f %% (point %lld), bias %+.1f %%\n", e.n, e.n == 1 ? "" : "s", 100 * e.mape,
			100 * e.worst, (long long)x->ids[e.worst_at], 100 * e.bias);
		print_blame(x, f);
	}
	if (synthesised)
		fputs("synthesised: random weights or an imposed acceptance; timing is real, text is not\n", f);
	free(predicted);
	free(measured);
}

static void print_all(const struct validating *x, enum report_format format)
{
	FILE *f = format == REPORT_TABLE ? stdout : stderr;

	list_points(x, format);
	for (size_t i = 0; i < x->done && format == REPORT_TABLE; i++) {
		printf("\nPoint %lld, seconds of one pass:\n", (long long)x->ids[i]);
		list_steps(x, &x->results[i]);
	}
	if (format == REPORT_TABLE)
		puts("");
	print_errors(x, f);
}

/* ---- measuring ---- */

static int keep_speedup(void *arg, const struct store_value *values)
{
	*(double *)arg = values[0].number;
	return 0;
}

static int read_predicted(struct validating *x, size_t i, struct hx_err *err)
{
	const char *const columns[] = {"speedup"};
	struct store_query q = {.sweep = x->s.sweep.id, .columns = columns, .n_columns = 1, .n_filters = 1, .infeasible = true,
				.filters = {{.column = "id", .op = "=", .number = (double)x->ids[i]}}};
	double none = -1, *speedup = &x->predicted[i];
	int rc;

	*speedup = none;
	rc = store_select(x->s.store, &q, keep_speedup, speedup, err);
	if (!rc && *speedup == none)
		rc = hx_err_set(err, HX_INPUT, "sweep %lld keeps no point %lld", (long long)x->s.sweep.id, (long long)x->ids[i]);
	return rc;
}

/* All points are looked at before any is measured. */
static int check_points(struct validating *x, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t i = 0; i < x->n && !rc; i++) {
		struct point pt;

		if (x->ids[i] > x->s.space.size)
			return hx_err_set(err, HX_INPUT, "sweep %lld has points 1 to %lld", (long long)x->s.sweep.id, (long long)x->s.space.size);
		for (size_t k = 0; k < i; k++)
			if (x->ids[k] == x->ids[i])
				return hx_err_set(err, HX_INPUT, "point %lld is named twice", (long long)x->ids[i]);
		pt = point_of(x, i);
		rc = read_predicted(x, i, err);
		if (!rc)
			rc = validate_check(&x->v, &pt, err);
	}
	return rc;
}

static void tell(const struct validating *x, size_t i)
{
	const struct validate_result *r = &x->results[i];

	if (!x->quiet)
		fprintf(stderr, "hexplore: point %lld (%zu of %zu): predicted %.3f, measured %.3f (%.3f to %.3f), %d pairs\n", (long long)x->ids[i], i + 1,
			x->n, r->predicted, r->measured.median, r->measured.low, r->measured.high, r->pairs);
}

static int measure(struct validating *x, struct hx_err *err)
{
	double began_s = hx_trace_now_s();
	int rc = HX_OK;

	for (size_t i = 0; i < x->n && !rc && !interrupted; i++) {
		double left_s = x->budget_s - (hx_trace_now_s() - began_s);
		struct point pt = point_of(x, i);

		rc = validate_point(&x->v, &pt, x->predicted[i], left_s / (double)(x->n - i), &x->results[i], err);
		if (!rc && x->results[i].pairs) {
			x->done++;
			tell(x, i);
		}
	}
	return rc;
}

static int validate_all(struct validating *x, const char *command, const char *db, enum report_format format, struct hx_err *err)
{
	struct hx_err ignored;
	int rc = store_open(&x->store, db, STORE_WRITE, err), ended;

	if (rc)
		return rc;
	x->v.store = x->store;
	catch_interrupt(true);
	rc = validate_record(&x->v, command, err);
	if (!rc)
		rc = measure(x, err);
	catch_interrupt(false);
	ended = validate_end(&x->v, rc ? &ignored : err);
	if (x->done)
		print_all(x, format);
	return rc ? rc : ended ? ended : interrupted ? INTERRUPTED : HX_OK;
}

/* ---- options ---- */

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

	x->ids = hx_xcalloc(n, sizeof(*x->ids));
	x->predicted = hx_xcalloc(n, sizeof(*x->predicted));
	x->results = hx_xcalloc(n, sizeof(*x->results));
	x->n = n;
	for (size_t i = 0; i < n && !rc; i++) {
		const char *of = NULL;

		rc = session_point_id(argv[i], other, sizeof(other), &of, &x->ids[i], err);
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
		validate_result_free(&x->results[i]);
	free(x->ids);
	free(x->predicted);
	free(x->results);
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
	x->v.options.seed = (uint64_t)x->s.study.sweep.seed;
	x->v.options.stop = &interrupted;
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
