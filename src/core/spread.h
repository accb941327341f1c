/* How sure a speedup is: seeded draws over what the profile and the acceptance source leave open (cost-model.md section 5). */
#ifndef CORE_SPREAD_H
#define CORE_SPREAD_H

#include "core/predict.h"

/* NAN: unknown. */
struct spread {
	double p05, p95, p_gain;       /* of the speedup: percentiles; probability that it is above 1 */
	double prompt_p05, prompt_p95; /* percentiles over prompts, where they differ in acceptance */
};

/* Whether there is anything to draw: a covariance, a unit's residual, or a source that is of a number of prompts or spreads over them. */
bool spread_known(const struct predict *p);

/* Spreads of n feasible points of p; unknown of those that have no baseline. Every draw moves the parameters by their covariance and each source by its prompts,
 * for a point and its baseline alike, and by the residual of each unit the passes of plain decoding, of verifying and of drafting, each by its own. A point's draws
 * depend on nothing but the sweep: in whatever company it is asked for, the result is the same. HX_INPUT: the covariance is no numbers that eigenvalues could be
 * found of. */
int spread_points(const struct predict *p, const struct point *points, size_t n, struct spread *out, struct hx_err *err);

#endif
