/* The repeats of a point that is validated: in turns with its baseline, or with other points. */
#include "device/validate_internal.h"

#include <math.h>
#include <stdlib.h>

enum { PAIRS_WANTED = 11 };
static const double narrow = 0.01; /* half-width of an interval that is good enough */

static int wanted(const struct validate *v)
{
	return v->options.repeats < PAIRS_WANTED ? v->options.repeats : PAIRS_WANTED;
}

bool validate_finished(const struct validate *v, const struct validate_result *r)
{
	return r->pairs >= wanted(v);
}

/* What is not known of a pair before it ran. */
struct pairs {
	double began_s, budget_s;
	struct validate_reading now; /* of memory */
};

void validate_add_ratio(struct validate_result *r, double ratio, uint64_t seed)
{
	r->ratios = hx_xrealloc(r->ratios, (size_t)r->pairs + 1, sizeof(*r->ratios));
	r->ratios[r->pairs++] = ratio;
	r->measured = validate_bootstrap(r->ratios, (size_t)r->pairs, seed);
}

/* Counts a pair, unless memory changed while it ran: then it compares two machines. Without any other one is taken all the same when the time is up. */
static void count_pair(struct validate_job *j, struct pairs *p, const struct validate_output *o, bool *left_out, double *memory,
		       struct validate_result *out)
{
	struct validate_reading before = p->now;

	p->now = validate_memory_read(&j->memory);
	*memory = validate_memory_speed(&before, &p->now);
	*left_out = validate_memory_changed(&before, &p->now) && (out->pairs || hx_trace_now_s() - p->began_s < p->budget_s);
	out->last++;
	if (!*left_out)
		validate_add_ratio(out, validate_token_s(&o[STORE_BASELINE]) / validate_token_s(&o[STORE_CONFIGURATION]), j->v->options.seed);
}

/* Generates both outputs of a pair, counts and stores them; *whole: neither was stopped. */
static int take_pair(struct validate_job *j, struct pairs *p, struct validate_result *out, bool *whole, struct hx_err *err)
{
	struct validate_output o[2] = {{.energy_j = NAN}, {.energy_j = NAN}};
	double memory;
	int rc = HX_OK;
	bool left_out;

	*whole = true;
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc && *whole; kind++)
		rc = validate_job_generate(j, kind, j->tokens, &o[kind], whole, err);
	if (!rc && *whole) {
		count_pair(j, p, o, &left_out, &memory, out);
		for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc; kind++)
			rc = validate_job_store(j, kind, out->last, left_out, memory, &o[kind], err);
	}
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION; kind++)
		hx_speculate_free(&o[kind].g);
	return rc;
}

static bool enough(const struct validate_job *j, const struct pairs *p, const struct validate_result *out)
{
	if (validate_stopped(j->v) || out->pairs >= j->v->options.repeats)
		return true;
	if (!out->pairs)
		return false;
	return hx_trace_now_s() - p->began_s > p->budget_s || (validate_finished(j->v, out) && validate_half_width(&out->measured) < narrow);
}

static int store_measured(const struct validate_job *j, const struct validate_result *r, struct hx_err *err)
{
	const struct store_subject of = {j->v->run, j->v->sweep, j->pt.index + 1, STORE_CONFIGURATION};

	return r->pairs ? store_measured_add(j->v->store, &of, r->measured.low, r->measured.high, err) : HX_OK;
}

int validate_job_pairs(struct validate_job *j, double began_s, double budget_s, struct validate_result *out, struct hx_err *err)
{
	struct pairs p = {began_s, budget_s, validate_memory_read(&j->memory)};
	bool whole = true;
	int rc = HX_OK;

	while (!rc && whole && !enough(j, &p, out)) {
		validate_memory_await(&j->memory, began_s + (out->pairs ? budget_s : budget_s / 2), j->v->options.stop, &p.now);
		if (out->pairs && !validate_is_calm(validate_memory_speed(&p.now, &p.now)))
			break;
		rc = take_pair(j, &p, out, &whole, err);
	}
	return rc ? rc : store_measured(j, out, err);
}
