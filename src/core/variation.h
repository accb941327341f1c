/* Speedups with another profile than the study's: its parameters drawn, or moved a little (cost-model.md section 5). Mappings, memory and what can run
 * stay as they were predicted. */
#ifndef CORE_VARIATION_H
#define CORE_VARIATION_H

#include "core/predict.h"

struct variation_parameter {
	char *path;
	const struct field *field;
	double *at, value; /* in the copy; what it was */
};

struct variation {
	struct study study; /* that of the prediction, but for the profile, a copy */
	struct predict predict; /* likewise */
	struct variation_parameter *parameters; /* every number of the profile */
	size_t n;
	struct pair pair, plain;
};

/* p outlives v. */
void variation_init(struct variation *v, const struct predict *p);
void variation_free(struct variation *v);

/* The parameter of that path; NULL: there is none. */
struct variation_parameter *variation_find(const struct variation *v, const char *path);

/* To be called after the profile was changed: what was priced before does not hold. */
void variation_changed(struct variation *v);

/* Speedup of a feasible point for an output that takes so many rounds, over its baseline, which stays the mapping that it was and is priced
 * anew; NAN: there is no baseline. */
double variation_speedup(struct variation *v, const struct point *pt, const struct rounds *r);

/* Rounds as they were predicted. */
struct rounds variation_rounds(const struct variation *v, const struct point *pt);

/* Relative change of the point's speedup for +1 % of each parameter, in per cent: central differences, the largest first, without those that are 0.
 * Positions in tables and clocks are no parameters here: a clock counts as flop_per_cycle does. The caller frees the list; paths are v's. */
struct elasticity {
	const char *path;
	double value;
};
struct elasticity *variation_elasticities(struct variation *v, const struct point *pt, size_t *n);

#endif
