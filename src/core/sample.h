/* A stratified random sample of points. */
#ifndef CORE_SAMPLE_H
#define CORE_SAMPLE_H

#include "core/space.h"

/* Draws `want` of n points (all of them if that is fewer) without repetition, spread over the target's quantisation and mapping, the drafter's, mode and gamma:
 * each next one is a random one of those whose values were taken least so far, summed over these axes. The same seed draws the same. chosen: their
 * indices, in the order drawn. Returns how many. */
size_t sample_spread(const struct point *v, size_t n, size_t want, uint64_t seed, size_t *chosen);

#endif
