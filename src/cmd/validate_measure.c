/* A validation run: the order of its points, and each one's share of the time. */
#include "cmd/validate_measure.h"

#include "base/interrupt.h"
#include "cmd/cmd.h"
#include "cmd/measured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGRET_POINTS = 6, REGRET_BEST = 5 };
static const double regret_share = 0.15; /* of the budget */

void validate_set_make(struct validate_set *set)
{
	set->stored = hx_xcalloc(set->n, sizeof(*set->stored));
	set->results = hx_xcalloc(set->n, sizeof(*set->results));
}

void validate_set_free(struct validate_set *set)
{
	for (size_t i = 0; set->results && i < set->n; i++)
		validate_result_free(&set->results[i]);
	free(set->ids);
	free(set->stored);
	free(set->results);
}

/* ---- what is known ---- */

static int keep_stored(void *arg, const struct store_value *v)
{
	*(struct validate_stored *)arg = (struct validate_stored){v[0].number, v[1].number};
	return 0;
}

int validate_set_predicted(const struct validate_set *set, size_t i, struct store *store, int64_t sweep, struct hx_err *err)
{
	const char *const columns[] = {"speedup", "tpot_s"};
	struct store_query q = {.sweep = sweep,
				.columns = columns,
				.n_columns = 2,
				.n_filters = 1,
				.infeasible = true,
				.filters = {{.column = "id", .op = "=", .number = (double)set->ids[i]}}};
	const double none = -1;
	int rc;

	set->stored[i].speedup = none;
	rc = store_select(store, &q, keep_stored, &set->stored[i], err);
	if (!rc && set->stored[i].speedup == none)
		rc = hx_err_set(err, HX_INPUT, "sweep %lld keeps no point %lld", (long long)sweep, (long long)set->ids[i]);
	return rc;
}

struct resuming {
	struct validate_set *set;
	const struct validate *v;
	struct hx_err *err;
	int64_t run;
};

static int add_repeat(void *arg, const struct store_repeat *r)
{
	const struct resuming *x = arg;
	const struct validate *v = x->v;
	struct validate_set *set = x->set;
	size_t i = 0;

	while (i < set->n && set->ids[i] != r->point)
		i++;
	if (i == set->n)
		return HX_OK;
	if (r->again) {
		set->again = r->repeat > set->again ? r->repeat : set->again;
		return HX_OK;
	}
	if (r->tokens != (v->options.tokens ? v->options.tokens : v->p->study->sweep.workloads[space_point(v->p->space, r->point - 1).workload].generated))
		return hx_err_set(x->err, HX_INPUT, "run %lld generates %.0f tokens an output: resume it with --tokens %.0f", (long long)x->run, r->tokens,
				  r->tokens);
	set->results[i].last = r->repeat > set->results[i].last ? r->repeat : set->results[i].last;
	if (!r->left_out && r->baseline_s > 0 && r->decode_s > 0)
		validate_add_ratio(&set->results[i], r->baseline_s / (r->decode_s / r->tokens), v->options.seed);
	return HX_OK;
}

int validate_set_resume(struct validate_set *set, const struct validate *v, struct store *store, int64_t run, struct hx_err *err)
{
	struct resuming x = {set, v, err, run};

	return store_repeats(store, run, v->sweep, add_repeat, &x, err);
}

/* ---- order and shares ---- */

struct turn {
	size_t i;
	struct point pt;
	double cost_s; /* of a pair, as predicted, and as much as the mean pair for what every point needs once */
};

/* Points that share weights, then units, follow each other. */
static int by_weights(const void *a, const void *b)
{
	const struct point *p = &((const struct turn *)a)->pt, *q = &((const struct turn *)b)->pt;
	const int keys[][2] = {{p->target_type, q->target_type}, {p->drafter, q->drafter},       {p->draft_type, q->draft_type},
			       {p->target_map, q->target_map},   {p->draft_map, q->draft_map}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	return p->index < q->index ? -1 : p->index > q->index;
}

static struct turn *make_turns(const struct validate_set *set, const struct space *space)
{
	struct turn *turns = hx_xcalloc(set->n, sizeof(*turns));
	double mean_s = 0;

	for (size_t i = 0; i < set->n; i++) {
		double token_s = set->stored[i].tpot_s * (1 + set->stored[i].speedup); /* of both */

		turns[i] = (struct turn){i, space_point(space, set->ids[i] - 1), token_s > 0 ? token_s : 0};
		turns[i].cost_s *= space->study->sweep.workloads[turns[i].pt.workload].generated;
		mean_s += turns[i].cost_s / (double)set->n;
	}
	for (size_t i = 0; i < set->n; i++)
		turns[i].cost_s += mean_s > 0 ? mean_s : 1;
	qsort(turns, set->n, sizeof(*turns), by_weights);
	return turns;
}

static void tell(const struct validate_set *set, size_t i)
{
	const struct validate_result *r = &set->results[i];
	size_t n = 0;

	for (size_t k = 0; k < set->n; k++)
		n += set->results[k].pairs > 0;
	fprintf(stderr, "hexplore: point %lld (%zu of %zu): predicted %.3f, measured %.3f (%.3f to %.3f), %d pairs\n", (long long)set->ids[i], n, set->n,
		set->stored[i].speedup, r->measured.median, r->measured.low, r->measured.high, r->pairs);
}

/* Once over all points that are not finished: each has a share of what is left until then that goes by its cost. */
static int measure_once(struct validate_set *set, struct validate *v, const struct turn *turns, double until_s, bool first, bool quiet, struct hx_err *err)
{
	double cost_s = 0;
	int rc = HX_OK;

	for (size_t k = 0; k < set->n; k++)
		cost_s += validate_finished(v, &set->results[turns[k].i]) ? 0 : turns[k].cost_s;
	for (size_t k = 0; k < set->n && !rc && !interrupt_came(); k++) {
		struct validate_result *r = &set->results[turns[k].i];
		double left_s = until_s - hx_trace_now_s();

		if (validate_finished(v, r))
			continue;
		if (left_s <= 0 && !(first && k == 0))
			break;
		rc = validate_point(v, &turns[k].pt, left_s * turns[k].cost_s / cost_s, r, err);
		cost_s -= turns[k].cost_s;
		if (!rc && r->pairs && !quiet)
			tell(set, turns[k].i);
	}
	return rc;
}

static bool tell_unmeasured(const struct validate_set *set, bool quiet)
{
	size_t n = 0, first = 0;

	for (size_t i = 0; i < set->n; i++)
		if (!set->results[i].pairs && !n++)
			first = i;
	if (n && !quiet)
		fprintf(stderr, "hexplore: %zu of %zu points have no pair, point %lld first; --resume goes on\n", n, set->n, (long long)set->ids[first]);
	return n > 0;
}

/* ---- the regret ---- */

static int by_token(const void *a, const void *b)
{
	double p = (*(const struct measured *const *)a)->token_s, q = (*(const struct measured *const *)b)->token_s;

	return p < q ? -1 : p > q;
}

/* The predicted best and the measured best. Returns how many. */
static size_t choose_best(const struct measured_set *measured, struct point points[REGRET_BEST + 1])
{
	const struct measured **sorted = hx_xmalloc(measured->n * sizeof(*sorted)), *best = &measured->v[0];
	size_t n = 0;

	for (size_t i = 0; i < measured->n; i++) {
		sorted[i] = &measured->v[i];
		best = measured->v[i].tpot_s < best->tpot_s ? &measured->v[i] : best;
	}
	qsort(sorted, measured->n, sizeof(*sorted), by_token);
	points[n++] = best->pt;
	for (size_t i = 0; i < REGRET_BEST; i++)
		if (sorted[i] != best)
			points[n++] = sorted[i]->pt;
	free(sorted);
	return n;
}

/* Weights that do not fit beside each other are no reason to fail: all is measured by then. */
static int measure_regret(struct validate_set *set, struct validate *v, struct session *s, double budget_s, bool quiet, struct hx_err *err)
{
	const struct store_run_found run = {.run = v->run, .sweep = v->sweep, .seed = (int64_t)v->options.seed};
	struct point points[REGRET_BEST + 1];
	struct measured_set measured = {0};
	struct hx_err why;
	int rc = measured_add(&measured, s, &run, false, err);

	if (!rc && measured.n >= REGRET_POINTS) {
		size_t n = choose_best(&measured, points);

		rc = validate_again(v, points, n, set->again + 1, budget_s, &why);
		if (rc == HX_INPUT && !quiet)
			fprintf(stderr, "hexplore: no regret: %s\n", why.msg);
		rc = rc == HX_INPUT ? HX_OK : rc ? hx_err_set(err, rc, "%s", why.msg) : HX_OK;
	}
	measured_free(&measured);
	return rc;
}

int validate_set_measure(struct validate_set *set, struct validate *v, struct session *s, double budget_s, bool quiet, bool *whole, struct hx_err *err)
{
	double end_s = hx_trace_now_s() + budget_s, until_s = end_s - (set->n >= REGRET_POINTS ? regret_share * budget_s : 0);
	struct turn *turns = make_turns(set, v->p->space);
	int rc = measure_once(set, v, turns, until_s, true, quiet, err);

	if (!rc)
		rc = measure_once(set, v, turns, until_s, false, quiet, err); /* what others left */
	free(turns);
	if (!rc && !interrupt_came())
		rc = measure_regret(set, v, s, end_s - hx_trace_now_s(), quiet, err);
	*whole = !tell_unmeasured(set, quiet) && !interrupt_came();
	return rc;
}
