/* What validation has to say. */
#include "cmd/validate_print.h"

#include <math.h>
#include <stdlib.h>

static const double small_share = 0.03; /* of a pass: steps below are summed up */

/* ---- the points ---- */

static void list_point(const struct validated *x, size_t i, struct report *r)
{
	const struct space *space = &x->s->space;
	const struct validate_result *res = &x->results[i];
	const struct point pt = space_point(space, x->ids[i] - 1);
	bool has_map = pt.drafter >= 0 && pt.draft_map >= 0;

	report_number(r, (double)x->s->sweep.id);
	report_number(r, (double)x->ids[i]);
	report_text(r, hx_type_names[pt.target_type]);
	report_text(r, space->target.v[pt.target_map].text);
	report_text(r, pt.drafter < 0 ? NULL : x->s->study.drafters[pt.drafter].name);
	report_text(r, has_map ? hx_type_names[pt.draft_type] : NULL);
	report_text(r, has_map ? space->draft[pt.drafter].v[pt.draft_map].text : NULL);
	report_number(r, pt.gamma);
	report_text(r, pt.drafter < 0 ? NULL : hx_modes[pt.mode]);
	report_number(r, res->predicted);
	report_number(r, res->measured.median);
	report_number(r, res->measured.low);
	report_number(r, res->measured.high);
	report_number(r, validate_half_width(&res->measured));
	report_number(r, res->predicted / res->measured.median - 1);
	report_number(r, res->realised / res->measured.median - 1);
	report_number(r, res->predicted / res->realised - 1);
	report_number(r, res->predicted_decode_s);
	report_number(r, res->decode_s);
	report_number(r, res->tokens_per_round);
	report_number(r, res->memory - 1);
	report_number(r, res->pairs);
	report_number(r, res->left_out);
	report_number(r, res->synthesised);
}

static void list_points(const struct validated *x, enum report_format format)
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
		{"mode", NULL, REPORT_TEXT, 0, 0},
		{"predicted_speedup", "predicted", REPORT_NUMBER, 4, 0},
		{"measured_speedup", "measured", REPORT_NUMBER, 4, 0},
		{"measured_low", NULL, REPORT_NUMBER, 3, 0},
		{"measured_high", NULL, REPORT_NUMBER, 3, 0},
		{"measured_half_width", "+- %", REPORT_NUMBER, 2, 100},
		{"error", "off %", REPORT_NUMBER, 2, 100},
		{"timing_error", NULL, REPORT_NUMBER, 2, 100},
		{"acceptance_error", NULL, REPORT_NUMBER, 2, 100},
		{"predicted_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_tokens_per_round", NULL, REPORT_NUMBER, 4, 0},
		{"memory_speed", NULL, REPORT_NUMBER, 2, 100},
		{"pairs", "pairs", REPORT_NUMBER, 0, 0},
		{"pairs_left_out", NULL, REPORT_NUMBER, 0, 0},
		{"synthesised", NULL, REPORT_BOOL, 0, 0},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < x->done; i++)
		list_point(x, i, r);
	report_end(r);
}

/* ---- the steps ---- */

static const char *const kinds[] = {[STORE_BASELINE] = "plain", [STORE_CONFIGURATION] = "point"};

static void list_step(struct report *r, const char *kind, int pass, const char *op, const char *unit, double predicted_s, double measured_s,
		      int64_t n)
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
static size_t list_pass(const struct validated *x, const struct validate_steps *s, size_t first, const char *kind, struct report *r)
{
	const struct validate_step *v = s->v;
	bool whole = !v[first].decodes || !v[first].n ||
		     v[first].pass == HX_PASS_CATCH_UP; /* people are spared the near twin of the draft pass */
	double predicted_s = 0, measured_s = 0, small_predicted_s = 0, small_measured_s = 0;
	size_t end = first, left = 0;

	for (; end < s->n && v[end].pass == v[first].pass; end++) {
		predicted_s += v[end].predicted_s;
		measured_s += v[end].measured_s;
	}
	list_step(r, kind, v[first].pass, end - first > 1 ? "all" : validate_step_op(v[first].op), NULL, predicted_s, measured_s,
		  v[first].n);
	for (size_t i = first; i < end && end - first > 1 && !whole; i++) {
		if (v[i].predicted_s < small_share * predicted_s && v[i].measured_s < small_share * measured_s) {
			small_predicted_s += v[i].predicted_s;
			small_measured_s += v[i].measured_s;
			left++;
			continue;
		}
		list_step(r, kind, v[i].pass, validate_step_op(v[i].op),
			  v[i].unit < 0 ? NULL : x->s->study.profile.units[v[i].unit].is.name, v[i].predicted_s, v[i].measured_s, v[i].n);
	}
	if (left)
		list_step(r, kind, v[first].pass, "others", NULL, small_predicted_s, small_measured_s, v[first].n);
	return end;
}

static void list_steps(const struct validated *x, const struct validate_result *res)
{
	static const struct report_column columns[] = {
		{"run", "run", REPORT_TEXT, 0, 0},
		{"pass", "pass", REPORT_TEXT, 0, 0},
		{"operator", "operator", REPORT_TEXT, 0, 0},
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"predicted_s", "predicted ms", REPORT_NUMBER, 4, 1e3},
		{"measured_s", "measured ms", REPORT_NUMBER, 4, 1e3},
		{"ratio", "ratio", REPORT_NUMBER, 3, 0},
		{"n", "n", REPORT_NUMBER, 0, 0},
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

static void print_blame(const struct validated *x, FILE *f)
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

static void print_errors(const struct validated *x, FILE *f)
{
	double *predicted = hx_xmalloc((x->done + 1) * sizeof(*predicted)), *measured = hx_xmalloc((x->done + 1) * sizeof(*measured));
	struct validate_errors e;
	bool synthesised = false;
	size_t restless = 0, worst = 0;
	int pairs = 0, left_out = 0;

	for (size_t i = 0; i < x->done; i++) {
		predicted[i] = x->results[i].predicted;
		measured[i] = x->results[i].measured.median;
		synthesised |= x->results[i].synthesised;
		pairs += x->results[i].pairs;
		left_out += x->results[i].left_out;
		if (validate_is_calm(x->results[i].memory))
			continue;
		restless++;
		if (restless == 1 || fabs(x->results[i].memory - 1) > fabs(x->results[worst].memory - 1))
			worst = i;
	}
	e = validate_errors(predicted, measured, x->done);
	if (e.n) {
		fprintf(f, "%zu point%s: mean absolute error %.1f %%, worst %+.1f %% (point %lld), bias %+.1f %%\n", e.n,
			e.n == 1 ? "" : "s", 100 * e.mape, 100 * e.worst, (long long)x->ids[e.worst_at], 100 * e.bias);
		print_blame(x, f);
	}
	if (restless)
		fprintf(f, "memory was not what it was when calibrated, at %zu of %zu points (%+.0f %% at %lld):\nvalidate again, or calibrate again\n", restless,
			x->done, 100 * (x->results[worst].memory - 1), (long long)x->ids[worst]);
	if (left_out)
		fprintf(f, "left out: %d of %d pairs, for memory changed while they ran\n", left_out, pairs + left_out);
	if (synthesised)
		fputs("synthesised: random weights or imposed acceptance; timing is real, text is not\n", f);
	free(predicted);
	free(measured);
}

void validate_print(const struct validated *x, enum report_format format)
{
	FILE *f = format == REPORT_TABLE ? stdout : stderr;

	list_points(x, format);
	for (size_t i = 0; i < x->done && format == REPORT_TABLE; i++) {
		bool overlapped = space_point(&x->s->space, x->ids[i] - 1).mode == HX_OVERLAPPED;

		printf("\nPoint %lld%s, seconds of one pass:\n", (long long)x->ids[i], overlapped ? ", overlapped" : "");
		list_steps(x, &x->results[i]);
	}
	if (format == REPORT_TABLE)
		puts("");
	print_errors(x, f);
}
