/* AVX-512 kernels: matrices. One dot-product instruction multiplies a quad of columns of 16 outputs with 4 bytes of an input row. A block's 8 quads
 * are unpacked into registers once for all rows of a tile, so that several rows cost little more than the memory traffic of one.
 *
 * Per block of 32 columns and 16 outputs: 8 dot products, a conversion, a multiplication and an addition for each row. On Zen 4 that is 10 cycles,
 * where multipliers are the bound, beside some 5 to 10 for unpacking; q8_0's 544 bytes take 130 from memory at 31 GB/s shared by two threads. */
#if defined(__x86_64__)
#include "engine/cpu/avx512.h"
#include "engine/cpu/input.h"
#include "engine/cpu/sets.h"

#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c,fma")
#endif

/* Sanitizers would make minutes of compiling out of seconds; the other sets do the same with them. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))
#define INLINE    UNCHECKED static inline __attribute__((always_inline))

enum {
	LANES = 16,
	AHEAD = 3072, /* bytes that prefetching is ahead of reading */
	/* Rows of a tile, so many as there are registers for their sums: quantised beside 8 of codes and 4 of dot products, floats two for each row. */
	TILE = 16,
	FLOAT_TILE = 12,
};

struct block {
	__m512i code[8];
	__m512 scale[2], min; /* scale[1] of q6_k alone */
};

INLINE bool is_k(int type)
{
	return type == HX_Q4_K || type == HX_Q5_K;
}

INLINE __m512 f16_at(const uint8_t *head, int n)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(head + n * 2 * LANES)));
}

INLINE __m512 s8_at(const uint8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

INLINE __m512 u8_at(const uint8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

INLINE void read_scales(int type, const uint8_t *head, int b, struct block *w)
{
	if (is_k(type)) {
		w->scale[0] = _mm512_mul_ps(f16_at(head, 0), u8_at(head + (4 + b) * LANES));
		w->min = _mm512_mul_ps(f16_at(head, 1), u8_at(head + (12 + b) * LANES));
	} else if (type == HX_Q6_K) {
		for (int i = 0; i < 2; i++)
			w->scale[i] = _mm512_mul_ps(f16_at(head, 0), s8_at(head + (2 + 2 * b + i) * LANES));
	} else {
		w->scale[0] = f16_at(head, b);
		if (type == HX_Q4_1 || type == HX_Q5_1)
			w->min = _mm512_sub_ps(_mm512_setzero_ps(), f16_at(head, 2 + b));
	}
}

INLINE __m512i load(const uint8_t *p, int n)
{
	return _mm512_loadu_si512(p + n * 4 * LANES);
}

INLINE void read_codes(int type, const uint8_t *codes, struct block *w)
{
	const __m512i low = _mm512_set1_epi8(15), fifth = _mm512_set1_epi8(16), two = _mm512_set1_epi8(48);
	const uint8_t *high = codes + hx_pack_layouts[type].code * LANES;

#pragma GCC unroll 8
	for (int g = 0; g < 8; g++) {
		if (type == HX_Q8_0) {
			w->code[g] = load(codes, g);
			continue;
		}
		w->code[g] = load(codes, g % 4);
		if (g >= 4)
			w->code[g] = _mm512_srli_epi16(w->code[g], 4);
		w->code[g] = _mm512_and_si512(w->code[g], low);
		if (type == HX_Q5_0 || type == HX_Q5_1 || type == HX_Q5_K) {
			__mmask64 m;

			memcpy(&m, high + g * 8, 8);
			w->code[g] = _mm512_mask_add_epi8(w->code[g], m, w->code[g], fifth);
		} else if (type == HX_Q6_K) {
			__m512i h = load(high, g % 2);

			h = g / 2 < 2 ? _mm512_slli_epi16(h, 4 - g / 2 * 2) : _mm512_srli_epi16(h, g / 2 * 2 - 4);
			w->code[g] = _mm512_or_si512(w->code[g], _mm512_and_si512(h, two));
		}
	}
}

INLINE __m512i broadcast(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, 4);
	return _mm512_set1_epi32(v);
}

INLINE __m512 broadcast_float(const uint8_t *p)
{
	float v;

	memcpy(&v, p, 4);
	return _mm512_set1_ps(v);
}

/* Dot products of n quads with `rows` records, quad by quad, so that those of several rows are under way together. */
INLINE void dots(int type, int rows, const struct block *w, const uint8_t *x, int first, int n, __m512i *sum)
{
#pragma GCC unroll 8
	for (int g = first; g < first + n; g++)
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++)
			sum[r] = _mm512_dpbusd_epi32(sum[r], w->code[g], broadcast(x + (size_t)r * hx_input_record(type) + 4 * g));
}

/* y += the block's outputs for some records of the input. */
INLINE void add_rows(int type, int rows, const struct block *w, const uint8_t *x, __m512 *y)
{
	const size_t at_d = offsetof(struct hx_input_block, d), at_more = offsetof(struct hx_input_block, bias),
		     record = hx_input_record(type);
	__m512i sum[2][8];

#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		sum[0][r] = hx_pack_layouts[type].offset ? broadcast(x + (size_t)r * record + at_more) : _mm512_setzero_si512();
		if (type == HX_Q6_K)
			sum[1][r] = broadcast(x + (size_t)r * record + at_more + 4);
	}
	dots(type, rows, w, x, 0, type == HX_Q6_K ? 4 : 8, sum[0]);
	if (type == HX_Q6_K)
		dots(type, rows, w, x, 4, 4, sum[1]);
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		__m512 d = broadcast_float(x + (size_t)r * record + at_d), value = _mm512_cvtepi32_ps(sum[0][r]);

		if (type == HX_Q6_K) {
			value = _mm512_fmadd_ps(w->scale[1], _mm512_cvtepi32_ps(sum[1][r]), _mm512_mul_ps(w->scale[0], value));
			y[r] = _mm512_fmadd_ps(d, value, y[r]);
			continue;
		}
		y[r] = _mm512_fmadd_ps(_mm512_mul_ps(w->scale[0], d), value, y[r]);
		if (!hx_pack_layouts[type].offset)
			y[r] = _mm512_fnmadd_ps(w->min, broadcast_float(x + (size_t)r * record + at_more), y[r]);
	}
}

/* One group of outputs for a tile of `rows` rows: a constant, as the type is. */
INLINE void quantised(int type, int rows, int in, const uint8_t *w, const void *tile, float *y, size_t ldy, __mmask16 mask)
{
	const struct hx_pack_layout p = hx_pack_layouts[type];
	const int together = rows <= 8 ? 8 : 4;
	const uint8_t *x = tile;
	__m512 sum[TILE];
	struct block b;

#pragma GCC unroll 16
	for (int r = 0; r < rows; r++)
		sum[r] = _mm512_setzero_ps();
	for (int n = hx_pack_blocks(type, in); n > 0; n -= p.blocks) {
		const uint8_t *head = w;

		w += p.head * LANES;
#pragma GCC unroll 2
		for (int i = 0; i < p.blocks; i++) {
			for (int a = 0; a < (p.code + p.high) * LANES; a += 64)
				_mm_prefetch((const char *)w + a + AHEAD, _MM_HINT_T0);
			read_scales(type, head, i, &b);
			read_codes(type, w, &b);
#pragma GCC unroll 16
			for (int r = 0; r < rows; r += together)
				add_rows(type, rows - r < together ? rows - r : together, &b, x + (size_t)r * hx_input_record(type),
					 sum + r);
			x += (size_t)rows * hx_input_record(type);
			w += (p.code + p.high) * LANES;
		}
	}
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++)
		_mm512_mask_storeu_ps(y + (size_t)r * ldy, mask, sum[r]);
}

/* n <= LANES columns' weights of a float type. */
INLINE __m512 floats_at(int type, const uint8_t *w)
{
	if (type == HX_F32)
		return _mm512_loadu_ps(w);
	if (type == HX_F16)
		return f16_at(w, 0);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)w)), 16));
}

/* Even and odd columns are added up apart, so that a single row is not bound by the latency of additions. */
INLINE void floating(int type, int rows, int in, const uint8_t *w, const void *tile, float *y, size_t ldy, __mmask16 mask)
{
	const size_t column = LANES * (type == HX_F32 ? 4 : 2);
	const float *x = tile;
	__m512 sum[2][FLOAT_TILE];
	int j = 0;

#pragma GCC unroll 16
	for (int r = 0; r < rows; r++)
		sum[0][r] = sum[1][r] = _mm512_setzero_ps();
	for (; j + 1 < in; j += 2, w += 2 * column, x += 2 * rows) {
		__m512 even = floats_at(type, w), odd = floats_at(type, w + column);

		for (size_t a = 0; a < 2 * column; a += 64)
			_mm_prefetch((const char *)w + a + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++) {
			sum[0][r] = _mm512_fmadd_ps(even, _mm512_set1_ps(x[r]), sum[0][r]);
			sum[1][r] = _mm512_fmadd_ps(odd, _mm512_set1_ps(x[rows + r]), sum[1][r]);
		}
	}
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		if (j < in)
			sum[0][r] = _mm512_fmadd_ps(floats_at(type, w), _mm512_set1_ps(x[r]), sum[0][r]);
		_mm512_mask_storeu_ps(y + (size_t)r * ldy, mask, _mm512_add_ps(sum[0][r], sum[1][r]));
	}
}

/* A function for each type and number of rows. */
typedef void group_fn(int in, const uint8_t *w, const void *tile, float *y, size_t ldy, __mmask16 mask);
#define GROUP(type, kind, rows)                                                                                                            \
	UNCHECKED static void type##_##rows(int in, const uint8_t *w, const void *tile, float *y, size_t ldy, __mmask16 mask)              \
	{                                                                                                                                  \
		kind(type, rows, in, w, tile, y, ldy, mask);                                                                               \
	}
#define GROUPS_4(type, kind, a, b, c, d) GROUP(type, kind, a) GROUP(type, kind, b) GROUP(type, kind, c) GROUP(type, kind, d)
#define GROUPS_12(type, kind) GROUPS_4(type, kind, 1, 2, 3, 4) GROUPS_4(type, kind, 5, 6, 7, 8) GROUPS_4(type, kind, 9, 10, 11, 12)
#define NAMES_12(type)                                                                                                                     \
	type##_1, type##_2, type##_3, type##_4, type##_5, type##_6, type##_7, type##_8, type##_9, type##_10, type##_11, type##_12
#define FLOATING(type) GROUPS_12(type, floating) static group_fn *const type##_groups[FLOAT_TILE] = {NAMES_12(type)};
#define QUANTISED(type)                                                                                                                    \
	GROUPS_12(type, quantised) GROUPS_4(type, quantised, 13, 14, 15, 16)                                                               \
	static group_fn *const type##_groups[TILE] = {NAMES_12(type), type##_13, type##_14, type##_15, type##_16};

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
	int tile = tile_of(w->type);
	const uint8_t *group = (const uint8_t *)w->data + (size_t)(first / LANES) * group_bytes;

	for (int o = first; o < last; o += LANES, group += group_bytes) {
		__mmask16 mask = (__mmask16)(last - o < LANES ? (1 << (last - o)) - 1 : 0xffff);

		for (int r = 0; r < rows; r += tile) {
			int tile_rows = rows - r < tile ? rows - r : tile;

			groups[w->type][tile_rows - 1](w->in, group, hx_input_tile(w->type, w->in, input, r), y + (size_t)r * ldy + o, ldy,
						       mask);
		}
	}
}

static void input(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed)
{
	hx_input_pack(type, x, ldx, in, rows, first, last, packed, tile_of(type), hx_avx512_quantise);
}

static bool usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

const struct hx_kernels hx_kernels_avx512 = {
	"avx512", LANES, usable, hx_input_bytes, input, matmul, hx_avx512_rms_norm, hx_avx512_glu, hx_avx512_attend, hx_avx512_to_f16,
};

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
