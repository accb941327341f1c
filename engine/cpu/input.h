/* Input rows as matmuls take them: in tiles of so many rows as a set works on together, one behind the other; the last has
 * what is left.
 *
 * Float weights: for each column, the f32 of the tile's rows.
 * Quantised weights: for each block of 32 columns, padded as hx_pack_blocks, a record for each of the tile's rows:
 *   q[32]  s8, x / d rounded to the nearest, ties to even, in [-127, 127]
 *   d      f32, the greatest |x| / 127. Below 1e-36 the block counts as 0; with an infinite or undefined value in it d is NaN and q 0
 *   then   q8_0 q4_0 q5_0: s32, -offset x the sum of q (what unsigned codes are too large by)
 *          q4_1 q5_1 q4_k q5_k: f32, d x the sum of q
 *          q6_k: two s32, -offset x the sum of q's first and second half */
#ifndef ENGINE_CPU_INPUT_H
#define ENGINE_CPU_INPUT_H

#include "engine/cpu/pack.h"

enum { HX_INPUT_TILE = 8 }; /* for sets that have no reason for another number */

struct hx_input_block {
	int8_t q[32];
	float d;
	union {
		int32_t bias[2];
		float sum; /* d x sum */
	};
};

/* Bytes of a record: without bias[1] where it is not used. */
static inline size_t hx_input_record(int type)
{
	return type == HX_Q6_K ? 44 : 40;
}

size_t hx_input_bytes(int type, int in, int rows);

/* Quantises 32 values; sums: of the first and the second 16 of q. */
typedef void hx_input_quantise(const float *x, int8_t *q, float *d, int32_t sums[2]);
hx_input_quantise hx_input_quantise_portable;

/* hx_kernels.input, for tiles of `tile` rows, by a function that quantises a block. */
void hx_input_pack(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed, int tile,
		   hx_input_quantise *quantise);

static inline size_t hx_input_row_bytes(int type, int in)
{
	return hx_pack_is_float(type) ? sizeof(float) * (size_t)in : hx_input_record(type) * (size_t)hx_pack_blocks(type, in);
}

/* The tile that starts with row `row`. */
static inline const void *hx_input_tile(int type, int in, const void *packed, int row)
{
	return (const uint8_t *)packed + (size_t)row * hx_input_row_bytes(type, in);
}

#endif
