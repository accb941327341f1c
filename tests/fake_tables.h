/* Tables of logits for fake models. */
#ifndef TESTS_FAKE_TABLES_H
#define TESTS_FAKE_TABLES_H

#include "engine/random.h"

#include <stddef.h>

/* n logits, spread evenly over `spread` around those of `like`, or around 0. */
static inline void fake_table(float *table, size_t n, const float *like, double spread, uint64_t seed)
{
	struct hx_random r;

	hx_random_init(&r, seed);
	for (size_t i = 0; i < n; i++)
		table[i] = (like ? like[i] : 0) + (float)(spread * (hx_random_uniform(&r) - 0.5));
}

#endif
