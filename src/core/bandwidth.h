/* Who gets which bandwidth: caches shared within a round, main memory shared between streams (cost-model.md sections 1 and 3). */
#ifndef CORE_BANDWIDTH_H
#define CORE_BANDWIDTH_H

#include "core/placed.h"

/* Bandwidth in B/s of each unit that placed uses, when a and b (NULL: nothing) are what is touched from one of its passes to the next, at a mean context. */
void bandwidth_alone(const struct profile *p, const struct placed *placed, const struct placed *a, const struct placed *b, double context, double *bw);

/* The same where b is on cores of its own: as long as the last cache holds both, it takes nothing from the caches of a's cores. */
void bandwidth_beside(const struct profile *p, const struct placed *a, const struct placed *b, double context, double *bw);

/* Whether a and b (NULL: nothing), at a mean context, are more than a unit's last cache holds, so that they go through main memory in every round; true also
 * where nobody knows what it holds. */
bool bandwidth_streams(const struct profile *p, size_t unit, const struct placed *a, const struct placed *b, double context);

/* Bandwidth that a keeps of bw_a on each unit while b streams with bw_b: by the profile's measured contention, else in proportion to what both would take,
 * the bounds being main memory, unless the last cache holds both, and a shared cluster. */
void bandwidth_contended(const struct profile *p, const struct placed *a, const double *bw_a, const struct placed *b, const double *bw_b, double context,
			 double *out);

#endif
