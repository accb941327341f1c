/* What a sweep keeps of its points: the top N, or the Pareto front. */
#ifndef CORE_KEEPER_H
#define CORE_KEEPER_H

#include "core/evaluate.h"

struct keeper {
	enum keep keep;
	size_t top;
	const int *objectives; /* enum objective; borrowed */
	size_t n_objectives;
	struct point *points; /* kept so far, and newer ones not yet weighed */
	struct prediction *predictions;
	size_t n, max;
};

/* keep is KEEP_TOP (by speedup) or KEEP_PARETO (over the objectives). */
void keeper_init(struct keeper *k, enum keep keep, int top, const int *objectives, size_t n_objectives);
void keeper_free(struct keeper *k);

/* Takes the feasible points of a batch. */
void keeper_add(struct keeper *k, const struct batch *b);

/* Leaves only what is kept, by ascending index. */
void keeper_finish(struct keeper *k);

/* The value of an objective, to be minimised. */
double keeper_objective(const struct prediction *p, enum objective objective);

#endif
