/* What a sweep's answer is drawn from, gathered point by point: for each workload and target quantisation the best speculative point, and a
 * point that says why none can run. */
#ifndef CORE_FINDINGS_H
#define CORE_FINDINGS_H

#include "core/predict.h"

/* Indices of points; -1: none yet. Of equals the first. */
struct finding {
	int64_t best;    /* shortest time per output token */
	int64_t refused; /* cannot run: least memory, or the first where none is known */
	double best_s, refused_bytes; /* NAN: not known, since it was refused before */
};

struct findings {
	int64_t feasible; /* points that can run */
	struct finding *v; /* by predict_group */
	size_t n;
};

/* The better of both. In whatever order parts are joined, the result is the same. */
void findings_join_one(struct finding *f, const struct finding *other);

void findings_init(struct findings *f, const struct predict *p);
void findings_free(struct findings *f);
void findings_clear(struct findings *f);

/* Takes the point of that index in; group is its predict_group. */
void findings_add(struct findings *f, size_t group, int64_t index, bool speculative, const struct prediction *pr);

/* Adds what was found among other points. */
void findings_join(struct findings *f, const struct findings *other);

#endif
