/* What a sweep keeps of its points. */
#include "core/keeper.h"

#include "core/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 4 * EVALUATE_BATCH /* points taken in before the kept ones are chosen anew */ };

void keeper_init(struct keeper *k, enum keep keep, int top, const int *objectives, size_t n_objectives)
{
	*k = (struct keeper){.keep = keep, .top = (size_t)top, .objectives = objectives, .n_objectives = n_objectives};
}

void keeper_free(struct keeper *k)
{
	free(k->points);
	free(k->predictions);
	*k = (struct keeper){0};
}

double keeper_objective(const struct prediction *p, enum objective objective)
{
	const double values[] = {[OBJECTIVE_LATENCY] = p->tpot_s, [OBJECTIVE_ENERGY] = p->energy_j_token, [OBJECTIVE_MEMORY] = p->memory_bytes};

	return values[objective];
}

static void drop_beaten(struct keeper *k, unsigned char *stays)
{
	double *v = hx_xcalloc(k->n * k->n_objectives, sizeof(*v));

	for (size_t i = 0; i < k->n; i++)
		for (size_t o = 0; o < k->n_objectives; o++)
			v[i * k->n_objectives + o] = keeper_objective(&k->predictions[i], (enum objective)k->objectives[o]);
	pareto_front(v, k->n, (int)k->n_objectives, stays);
	free(v);
}

static int descending(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a < *b) - (*a > *b);
}

/* Keeps what is faster than the N-th, then the first of those that equal it. */
static void drop_below_top(struct keeper *k, unsigned char *stays)
{
	double *v = hx_xcalloc(k->n, sizeof(*v)), bound;
	size_t above = 0;

	for (size_t i = 0; i < k->n; i++)
		v[i] = k->predictions[i].speedup;
	qsort(v, k->n, sizeof(*v), descending);
	bound = k->n > k->top ? v[k->top - 1] : -HUGE_VAL;
	for (size_t i = 0; i < k->n; i++)
		above += stays[i] = k->predictions[i].speedup > bound;
	for (size_t i = 0; i < k->n && above < k->top; i++)
		if (!stays[i] && k->predictions[i].speedup == bound)
			above += stays[i] = 1;
	free(v);
}

void keeper_finish(struct keeper *k)
{
	unsigned char *stays = hx_xcalloc(k->n, 1);
	size_t n = 0;

	if (k->keep == KEEP_PARETO)
		drop_beaten(k, stays);
	else
		drop_below_top(k, stays);
	for (size_t i = 0; i < k->n; i++)
		if (stays[i]) {
			k->points[n] = k->points[i];
			k->predictions[n++] = k->predictions[i];
		}
	k->n = n;
	free(stays);
}

void keeper_add(struct keeper *k, const struct batch *b)
{
	if (k->n + b->n > k->max) {
		keeper_finish(k);
		k->max = k->n + SPARE;
		k->points = hx_xrealloc(k->points, k->max, sizeof(*k->points));
		k->predictions = hx_xrealloc(k->predictions, k->max, sizeof(*k->predictions));
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->prediction[i].feasible && (k->keep == KEEP_PARETO || !isnan(b->prediction[i].speedup))) {
			k->points[k->n] = b->point[i];
			k->predictions[k->n++] = b->prediction[i];
		}
}
