/* What a sweep keeps of its points: all, the top N, or the Pareto front. */
#ifndef CORE_KEEPER_H
#define CORE_KEEPER_H

#include "core/predict.h"

struct keeper {
	enum keep keep;
	size_t top;
	const int *objectives; /* enum objective; borrowed */
	size_t n_objectives;
	struct point *points; /* kept so far, and newer ones not yet weighed */
	struct prediction *predictions;
	size_t n, max;
	_Atomic double bound; /* top N: a later point that is not faster is not kept. May be read by other threads */
};

/* top (by speedup, at least 1) counts with KEEP_TOP, the objectives with KEEP_PARETO. */
void keeper_init(struct keeper *k, enum keep keep, int top, const int *objectives, size_t n_objectives);
void keeper_free(struct keeper *k);

/* Whether a point later than all that were added may be kept. */
bool keeper_wants(const struct keeper *k, const struct prediction *pr);

/* Of n points in order, moves those that may be kept when others are added to the front, in order. Returns how many. Changes nothing else of
 * the keeper: threads sift their own points. */
size_t keeper_sift(const struct keeper *k, struct point *points, struct prediction *predictions, size_t n);

/* Takes points in: in order of their index, those that keeper_wants. */
void keeper_add(struct keeper *k, const struct point *points, const struct prediction *predictions, size_t n);

/* Leaves only what is kept, by ascending index. More may be added then. */
void keeper_finish(struct keeper *k);

/* The value of an objective, to be minimised. */
double keeper_objective(const struct prediction *p, enum objective objective);

#endif
