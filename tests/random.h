/* Numbers for tests, the same on every machine. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <math.h>
#include <stdint.h>

/* xorshift32; state: any but 0. */
static inline uint32_t random_bits(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Normally distributed, of deviation 1. */
static inline float random_normal(uint32_t *state)
{
	double u = (random_bits(state) + 0.5) / 4294967296.0, v = random_bits(state) / 4294967296.0;

	return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

#endif
