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

/* The same model with another vocabulary: logits of tokens that only it has are as likely as any. */
static inline void fake_resized(float *table, int vocab, const float *like, int its_vocab, uint64_t seed)
{
	fake_table(table, (size_t)vocab * (size_t)vocab * (size_t)vocab, NULL, 10, seed);
	for (int i = 0; i < vocab * vocab * vocab; i++) {
		int next = i % vocab, last = i / vocab % vocab, before = i / vocab / vocab;

		if (next < its_vocab && last < its_vocab && before < its_vocab)
			table[i] = like[(before * its_vocab + last) * its_vocab + next];
	}
}

#endif
