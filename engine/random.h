/* Random numbers that a seed repeats on every machine: xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64. */
#ifndef ENGINE_RANDOM_H
#define ENGINE_RANDOM_H

#include <stdint.h>

struct hx_random {
	uint64_t state[4];
};

/* Any seed will do; neighbouring seeds give unrelated sequences. */
void hx_random_init(struct hx_random *r, uint64_t seed);
uint64_t hx_random_bits(struct hx_random *r);

/* In [0, 1), 53 bits. */
double hx_random_uniform(struct hx_random *r);

#endif
