/* Matrices of the NEON sets: neon.c and neon_dot.c each include it behind their own dot products (struct dots, dots_start, dots_add,
 * dots_end), for which the instructions differ. All else is the same, so that both give the same bits.
 *
 * Per block of 32 columns and 4 outputs, 8 quads of 16 bytes are unpacked into registers once for all rows of a tile. */
#ifndef ENGINE_CPU_NEON_MATRIX_H
#define ENGINE_CPU_NEON_MATRIX_H

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
	LANES = 4,
	/* Rows of a tile, as many as there are registers for their sums: of floats four each. */
	TILE = 8, FLOAT_TILE = 4,
};

struct block {
	int8x16_t code[8];
	float32x4_t scale[2], min; /* scale[1] of q6_k alone */
};

INLINE bool is_k(int type)
{
	return type == HX_Q4_K || type == HX_Q5_K;
}

INLINE float32x4_t f16_at(const uint8_t *p)
{
	return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

INLINE uint8x8_t four_bytes(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return vreinterpret_u8_u32(vdup_n_u32(v));
}

INLINE float32x4_t u8_at(const uint8_t *p)
{
	return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p)))));
}

INLINE float32x4_t s8_at(const uint8_t *p)
{
	return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(p))))));
}

INLINE void read_scales(int type, const uint8_t *head, int b, struct block *w)
{
	if (is_k(type)) {
		w->scale[0] = vmulq_f32(f16_at(head), u8_at(head + (4 + b) * LANES));
		w->min = vmulq_f32(f16_at(head + 2 * LANES), u8_at(head + (12 + b) * LANES));
	} else if (type == HX_Q6_K) {
		for (int i = 0; i < 2; i++)
			w->scale[i] = vmulq_f32(f16_at(head), s8_at(head + (2 + 2 * b + i) * LANES));
	} else {
		w->scale[0] = f16_at(head + 2 * b * LANES);
		if (type == HX_Q4_1 || type == HX_Q5_1)
			w->min = vnegq_f32(f16_at(head + 2 * (2 + b) * LANES));
	}
}

/* 16 where a quad has a fifth bit: two bytes of the 16 that all quads have. */
INLINE uint8x16_t fifth_of(uint8x16_t bits, int quad)
{
	const uint8x16_t each = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
	const uint8x16_t from = vcombine_u8(vdup_n_u8((uint8_t)(2 * quad)), vdup_n_u8((uint8_t)(2 * quad + 1)));

	return vandq_u8(vtstq_u8(vqtbl1q_u8(bits, from), each), vdupq_n_u8(16));
}

INLINE void read_codes(int type, const uint8_t *codes, struct block *w)
{
	const uint8_t *high = codes + hx_pack_layouts[type].code * LANES;

#pragma GCC unroll 8
	for (int g = 0; g < 8; g++) {
		uint8x16_t q;

		if (type == HX_Q8_0) {
			w->code[g] = vreinterpretq_s8_u8(vld1q_u8(codes + g * 16));
			continue;
		}
		q = vld1q_u8(codes + g % 4 * 16);
		q = g < 4 ? vandq_u8(q, vdupq_n_u8(15)) : vshrq_n_u8(q, 4);
		if (type == HX_Q5_0 || type == HX_Q5_1 || type == HX_Q5_K)
			q = vorrq_u8(q, fifth_of(vld1q_u8(high), g));
		else if (type == HX_Q6_K)
			q = vorrq_u8(q, vandq_u8(vshlq_u8(vld1q_u8(high + g % 2 * 16), vdupq_n_s8((int8_t)(4 - g / 2 * 2))), vdupq_n_u8(48)));
		w->code[g] = vreinterpretq_s8_u8(q);
	}
}

INLINE int32_t s32_at(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, 4);
	return v;
}

INLINE float f32_at(const uint8_t *p)
{
	float v;

	memcpy(&v, p, 4);
	return v;
}

/* Dot products of n quads, and a bias. */
INLINE float32x4_t dot(int type, const struct block *w, const uint8_t *x, int first, int n, int32_t bias)
{
	struct dots sum = dots_start(bias);
	int8x16_t q[2] = {vld1q_s8((const int8_t *)x), vld1q_s8((const int8_t *)x + 16)};

#pragma GCC unroll 8
	for (int g = first; g < first + n; g++)
		dots_add(&sum, type, w->code[g], q[g / 4], g % 4);
	return vcvtq_f32_s32(dots_end(&sum, type));
}

/* y + the block's outputs for a record of the input. */
INLINE float32x4_t add_row(int type, const struct block *w, const uint8_t *x, float32x4_t y)
{
	const size_t at_more = offsetof(struct hx_input_block, bias);
	const float d = f32_at(x + offsetof(struct hx_input_block, d));

	if (type == HX_Q6_K) {
		float32x4_t sum = vmulq_f32(w->scale[0], dot(type, w, x, 0, 4, s32_at(x + at_more)));

		sum = vfmaq_f32(sum, w->scale[1], dot(type, w, x, 4, 4, s32_at(x + at_more + 4)));
		return vfmaq_n_f32(y, sum, d);
	}
	if (type == HX_Q8_0)
		return vfmaq_f32(y, vmulq_n_f32(w->scale[0], d), dot(type, w, x, 0, 8, 0));
	if (type == HX_Q4_0 || type == HX_Q5_0)
		return vfmaq_f32(y, vmulq_n_f32(w->scale[0], d), dot(type, w, x, 0, 8, s32_at(x + at_more)));
	y = vfmaq_f32(y, vmulq_n_f32(w->scale[0], d), dot(type, w, x, 0, 8, 0));
	return vfmsq_n_f32(y, w->min, f32_at(x + at_more));
}

/* The first n outputs. */
INLINE void store(float *y, float32x4_t v, int n)
{
	float all[LANES];

	if (n == LANES) {
		vst1q_f32(y, v);
		return;
	}
	vst1q_f32(all, v);
	memcpy(y, all, (size_t)n * sizeof(*y));
}

/* n outputs of a group for a tile of `rows` rows: a constant, as the type is. */
INLINE void quantised(int type, int rows, int in, const uint8_t *w, const void *tile, float *y, size_t ldy, int n)
{
	const struct hx_pack_layout p = hx_pack_layouts[type];
	const uint8_t *x = tile;
	float32x4_t sum[TILE];
	struct block b;

#pragma GCC unroll 8
	for (int r = 0; r < rows; r++)
		sum[r] = vdupq_n_f32(0);
	for (int left = hx_pack_blocks(type, in); left > 0; left -= p.blocks) {
		const uint8_t *head = w;

		w += p.head * LANES;
		for (int i = 0; i < p.blocks; i++, w += (p.code + p.high) * LANES) {
			read_scales(type, head, i, &b);
			read_codes(type, w, &b);
#pragma GCC unroll 8
			for (int r = 0; r < rows; r++, x += hx_input_record(type)) {
				sum[r] = add_row(type, &b, x, sum[r]);
				__asm__ volatile("" : : : "memory"); /* rows one after the other: all at once do not fit the registers */
			}
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++)
		store(y + (size_t)r * ldy, sum[r], n);
}

INLINE float32x4_t floats_at(int type, const uint8_t *w)
{
	if (type == HX_F32)
		return vreinterpretq_f32_u8(vld1q_u8(w));
	if (type == HX_F16)
		return f16_at(w);
	return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(w)), 16));
}

/* Columns are added up in four sums by turns, so that a single row is not bound by the latency of additions. */
INLINE void floating(int type, int rows, int in, const uint8_t *w, const void *tile, float *y, size_t ldy, int n)
{
	const size_t column = LANES * (type == HX_F32 ? 4 : 2);
	const float *x = tile;
	float32x4_t sum[4][FLOAT_TILE];
	int j = 0;

#pragma GCC unroll 4
	for (int r = 0; r < rows; r++)
		sum[0][r] = sum[1][r] = sum[2][r] = sum[3][r] = vdupq_n_f32(0);
	for (; j + 3 < in; j += 4, w += 4 * column, x += 4 * rows)
#pragma GCC unroll 4
		for (int k = 0; k < 4; k++) {
			float32x4_t v = floats_at(type, w + (size_t)k * column);

#pragma GCC unroll 4
			for (int r = 0; r < rows; r++)
				sum[k][r] = vfmaq_n_f32(sum[k][r], v, x[k * rows + r]);
		}
	for (; j < in; j++, w += column, x += rows)
#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
			sum[0][r] = vfmaq_n_f32(sum[0][r], floats_at(type, w), x[r]);
#pragma GCC unroll 4
	for (int r = 0; r < rows; r++)
		store(y + (size_t)r * ldy, vaddq_f32(vaddq_f32(sum[0][r], sum[1][r]), vaddq_f32(sum[2][r], sum[3][r])), n);
}

/* A function for each type and number of rows. */
typedef void group_fn(int in, const uint8_t *w, const void *tile, float *y, size_t ldy, int n);
#define GROUP(type, kind, rows)                                                                                                             \
	static void type##_##rows(int in, const uint8_t *w, const void *tile, float *y, size_t ldy, int n)                                  \
	{                                                                                                                                   \
		kind(type, rows, in, w, tile, y, ldy, n);                                                                                   \
	}
#define FLOATING(type)                                                                                                                      \
	GROUP(type, floating, 1) GROUP(type, floating, 2) GROUP(type, floating, 3) GROUP(type, floating, 4)                                 \
	static group_fn *const type##_groups[FLOAT_TILE] = {type##_1, type##_2, type##_3, type##_4};
#define QUANTISED(type)                                                                                                                     \
	GROUP(type, quantised, 1) GROUP(type, quantised, 2) GROUP(type, quantised, 3) GROUP(type, quantised, 4)                             \
	GROUP(type, quantised, 5) GROUP(type, quantised, 6) GROUP(type, quantised, 7) GROUP(type, quantised, 8)                             \
	static group_fn *const type##_groups[TILE] = {type##_1, type##_2, type##_3, type##_4, type##_5, type##_6, type##_7, type##_8};

FLOATING(HX_F32)
FLOATING(HX_F16)
FLOATING(HX_BF16)
QUANTISED(HX_Q4_0)
QUANTISED(HX_Q4_1)
QUANTISED(HX_Q5_0)
QUANTISED(HX_Q5_1)
QUANTISED(HX_Q8_0)
QUANTISED(HX_Q4_K)
QUANTISED(HX_Q5_K)
QUANTISED(HX_Q6_K)

static group_fn *const *const groups[HX_TYPE_COUNT] = {
	HX_F32_groups,  HX_F16_groups,  HX_BF16_groups, HX_Q4_0_groups, HX_Q4_1_groups, HX_Q5_0_groups,
	HX_Q5_1_groups, HX_Q8_0_groups, HX_Q4_K_groups, HX_Q5_K_groups, HX_Q6_K_groups,
};

static int tile_of(int type)
{
	return hx_pack_is_float(type) ? FLOAT_TILE : TILE;
}

static void matmul(const struct hx_matrix *w, int first, int last, const void *input, int rows, float *y, size_t ldy)
{
	size_t group_bytes = hx_pack_group_bytes(w->type, w->in, LANES);
	const uint8_t *group = (const uint8_t *)w->data + (size_t)(first / LANES) * group_bytes;
	const int tile = tile_of(w->type);

	for (int o = first; o < last; o += LANES, group += group_bytes)
		for (int r = 0; r < rows; r += tile)
			groups[w->type][(rows - r < tile ? rows - r : tile) - 1](w->in, group, hx_input_tile(w->type, w->in, input, r),
										 y + (size_t)r * ldy + o, ldy,
										 last - o < LANES ? last - o : LANES);
}

static void input(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed)
{
	hx_input_pack(type, x, ldx, in, rows, first, last, packed, tile_of(type), hx_neon_quantise);
}

#endif
