/* What a sweep keeps of its points. Of the top N those taken in first win ties, so points come in the order of their index. */
#include "core/keeper.h"

#include "core/pareto.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPARE = 4096 /* points taken in before the kept ones are chosen anew */ };

void keeper_init(struct keeper *k, enum keep keep, int top, const int *objectives, size_t n_objectives)
{
	*k = (struct keeper){.keep = keep, .top = (size_t)top, .objectives = objectives, .n_objectives = n_objectives, .bound = -HUGE_VAL};
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

bool keeper_wants(const struct keeper *k, const struct prediction *pr)
{
	if (k->keep == KEEP_TOP)
		return pr->feasible && pr->speedup > atomic_load_explicit(&k->bound, memory_order_relaxed);
	return k->keep == KEEP_ALL || pr->feasible;
}

static void mark_front(const struct keeper *k, const struct prediction *predictions, size_t n, unsigned char *stays)
{
	double *v = hx_xcalloc(n * k->n_objectives, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		for (size_t o = 0; o < k->n_objectives; o++)
			v[i * k->n_objectives + o] = keeper_objective(&predictions[i], (enum objective)k->objectives[o]);
	pareto_front(v, n, (int)k->n_objectives, stays);
	free(v);
}

static int descending(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a < *b) - (*a > *b);
}

/* The N-th largest speedup of more than N. */
static double nth_speedup(const struct prediction *predictions, size_t n, size_t nth)
{
	double *v = hx_xcalloc(n, sizeof(*v)), bound;

	for (size_t i = 0; i < n; i++)
		v[i] = predictions[i].speedup;
	qsort(v, n, sizeof(*v), descending);
	bound = v[nth - 1];
	free(v);
	return bound;
}

/* What is faster than the N-th stays, then the first of those that equal it. */
static void mark_top(const struct prediction *predictions, size_t n, size_t top, double bound, unsigned char *stays)
{
	size_t above = 0;

	for (size_t i = 0; i < n; i++)
		above += stays[i] = predictions[i].speedup > bound;
	for (size_t i = 0; i < n && above < top; i++)
		if (!stays[i] && predictions[i].speedup == bound)
			above += stays[i] = 1;
}

static size_t leave(struct point *points, struct prediction *predictions, size_t n, const unsigned char *stays)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (stays[i]) {
			points[left] = points[i];
			predictions[left++] = predictions[i];
		}
	return left;
}

size_t keeper_sift(const struct keeper *k, struct point *points, struct prediction *predictions, size_t n)
{
	unsigned char *stays;

	if (k->keep == KEEP_ALL || (k->keep == KEEP_TOP && n <= k->top))
		return n;
	stays = hx_xcalloc(n, 1);
	if (k->keep == KEEP_PARETO)
		mark_front(k, predictions, n, stays);
	else
		mark_top(predictions, n, k->top, nth_speedup(predictions, n, k->top), stays);
	n = leave(points, predictions, n, stays);
	free(stays);
	return n;
}

void keeper_finish(struct keeper *k)
{
	k->n = keeper_sift(k, k->points, k->predictions, k->n);
	if (k->keep == KEEP_TOP && k->n == k->top)
		k->bound = nth_speedup(k->predictions, k->n, k->top);
}

void keeper_add(struct keeper *k, const struct point *points, const struct prediction *predictions, size_t n)
{
	if (k->n + n > k->max) {
		keeper_finish(k);
		k->max = k->n + n + SPARE;
		k->points = hx_xrealloc(k->points, k->max, sizeof(*k->points));
		k->predictions = hx_xrealloc(k->predictions, k->max, sizeof(*k->predictions));
	}
	for (size_t i = 0; i < n; i++)
		if (keeper_wants(k, &predictions[i])) {
			k->points[k->n] = points[i];
			k->predictions[k->n++] = predictions[i];
		}
}
