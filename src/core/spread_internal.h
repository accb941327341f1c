/* What the spread_*.c files share. */
#ifndef CORE_SPREAD_INTERNAL_H
#define CORE_SPREAD_INTERNAL_H

#include "core/predict.h"

enum { SPREAD_DRAWS = 256 };

/* Whether it is known of how many prompts a source is, so that other prompts would have given another. */
bool spread_sampled(const struct accept *a);

/* Rounds of an output under SPREAD_DRAWS sources that as many prompts might have given, by a generator of that seed. */
void spread_rounds(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens, unsigned long seed, struct rounds *out);

/* Rounds of an output by prompt, for the percentiles of them: n rows, of equal weight, or two, the percentiles themselves. 0: they do not differ. The
 * caller frees them. */
size_t spread_prompts(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens, struct rounds **out);

#endif
