/* What the predict_*.c files share. */
#ifndef CORE_PREDICT_INTERNAL_H
#define CORE_PREDICT_INTERNAL_H

#include "core/predict.h"

/* Makes a prediction infeasible. */
void predict_refuse(struct prediction *out, struct refusal why);

/* Sets memory_bytes; refuses what the units, the device or the sweep do not have or allow. */
void predict_check_memory(const struct predict *p, const struct pair *pair, int gamma, struct prediction *out);

/* Refuses a feasible prediction that is beyond the sweep's bounds on time and energy. */
void predict_check_bounds(const struct predict *p, struct prediction *out);

/* The drafter of a point where it is placed; NULL: it has no graph. */
const struct placed *predict_draft(const struct predict *p, const struct point *pt);

/* The verify pass of a pair that can run at a draft length: entry gamma_i of pair->verify, priced when it is first asked for. */
const struct pass_cost *predict_verify(const struct predict *p, struct pair *pair, size_t gamma_i, int gamma);

#endif
