/* AVX2 kernels: matrices. Without a dot product of bytes, pairs of products are added up in 16 bits for as many quads as cannot overflow, then in 32.
 * 16 registers hold the sums of 4 rows.
 *
 * Per quad of columns and 8 outputs: 2 instructions a row for codes of 4 bits, 4 for those of 8, and the broadcast of the row's 4 bytes. */
#if defined(__x86_64__)
#include "engine/cpu/avx2.h"
#include "engine/cpu/sets.h"

#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,f16c,fma")
#endif

#define INLINE static inline __attribute__((always_inline))

enum {
	LANES = 8,
	AHEAD = 4096, /* bytes that prefetching is ahead of reading */
	TILE = 4,
};

INLINE bool is_k(int type)
{
	return type == HX_Q4_K || type == HX_Q5_K;
}

INLINE __m256 f16_at(const uint8_t *head, int n)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(head + n * 2 * LANES)));
}

INLINE __m256 s8_at(const uint8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

INLINE __m256 u8_at(const uint8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

/* Scale of the first or the second half (they differ in q6_k) of block b of a unit. */
INLINE __m256 scale_of(int type, const uint8_t *head, int b, int half)
{
	if (is_k(type))
		return _mm256_mul_ps(f16_at(head, 0), u8_at(head + (4 + b) * LANES));
	if (type == HX_Q6_K)
		return _mm256_mul_ps(f16_at(head, 0), s8_at(head + (2 + 2 * b + half) * LANES));
	return f16_at(head, b);
}

/* What is taken from a value, times the scale. */
INLINE __m256 min_of(int type, const uint8_t *head, int b)
{
	if (is_k(type))
		return _mm256_mul_ps(f16_at(head, 1), u8_at(head + (12 + b) * LANES));
	return _mm256_sub_ps(_mm256_setzero_ps(), f16_at(head, 2 + b));
}

INLINE __m256i load(const uint8_t *p, int n)
{
	return _mm256_loadu_si256((const __m256i *)(p + n * 4 * LANES));
}

/* 16 in those of 32 bytes whose bit is set. */
INLINE __m256i fifth_bits(const uint8_t *p)
{
	const __m256i bytes = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201);
	int32_t v;

	memcpy(&v, p, 4);
	return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(v), bytes), bits), bits),
				_mm256_set1_epi8(16));
}

/* Codes of quad g. */
INLINE __m256i code_of(int type, const uint8_t *codes, int g)
{
	const uint8_t *high = codes + hx_pack_layouts[type].code * LANES;
	__m256i code;

	if (type == HX_Q8_0)
		return load(codes, g);
	code = load(codes, g % 4);
	code = _mm256_and_si256(g < 4 ? code : _mm256_srli_epi16(code, 4), _mm256_set1_epi8(15));
	if (type == HX_Q6_K) {
		__m256i h = load(high, g % 2);

		h = g / 2 < 2 ? _mm256_slli_epi16(h, 4 - g / 2 * 2) : _mm256_srli_epi16(h, g / 2 * 2 - 4);
		return _mm256_or_si256(code, _mm256_and_si256(h, _mm256_set1_epi8(48)));
	}
	return hx_pack_layouts[type].high ? _mm256_or_si256(code, fifth_bits(high + g * 4)) : code;
}

INLINE __m256i broadcast(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, 4);
	return _mm256_set1_epi32(v);
}

INLINE __m256 broadcast_float(const uint8_t *p)
{
	float v;

	memcpy(&v, p, 4);
	return _mm256_set1_ps(v);
}

/* Quads whose products fit 16 bits together: 4 x 2 x 31 x 127 and 2 x 2 x 63 x 127 do, of 8 bits one quad does. */
INLINE int quads_together(int type)
{
	return type == HX_Q8_0 ? 1 : type == HX_Q6_K ? 2 : hx_pack_layouts[type].high ? 4 : 8;
}

/* sum[r] += dot products of n quads with each row's record. Signed weights: |w| times the input with the sign of w. */
INLINE void dots(int type, int rows, const uint8_t *codes, const uint8_t *x, int first, int n, __m256i *sum)
{
	const int together = quads_together(type);
	__m256i part[TILE];

#pragma GCC unroll 8
	for (int g = first; g < first + n; g++) {
		__m256i code = code_of(type, codes, g), size = _mm256_abs_epi8(code);

#pragma GCC unroll 4
		for (int r = 0; r < rows; r++) {
			__m256i q = broadcast(x + (size_t)r * hx_input_record(type) + 4 * g);

			q = type == HX_Q8_0 ? _mm256_maddubs_epi16(size, _mm256_sign_epi8(q, code)) : _mm256_maddubs_epi16(code, q);
			part[r] = g % together ? _mm256_add_epi16(part[r], q) : q;
			if (g % together == together - 1)
				sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(part[r], _mm256_set1_epi16(1)));
		}
	}
}

/* y += the block's outputs for each row's record. */
INLINE void add_rows(int type, int rows, const uint8_t *head, int b, const uint8_t *codes, const uint8_t *x, __m256 *y)
{
	const size_t at_d = offsetof(struct hx_input_block, d), at_more = offsetof(struct hx_input_block, bias),
		     record = hx_input_record(type);
	const int halves = type == HX_Q6_K ? 2 : 1, offset = hx_pack_layouts[type].offset;

#pragma GCC unroll 2
	for (int half = 0; half < halves; half++) {
		__m256 scale = scale_of(type, head, b, half);
		__m256i sum[TILE];

#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
			sum[r] = offset && type != HX_Q8_0 ? broadcast(x + (size_t)r * record + at_more + 4 * (size_t)half)
							   : _mm256_setzero_si256();
		dots(type, rows, codes, x, half * 4, 8 / halves, sum);
#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
			y[r] = _mm256_fmadd_ps(_mm256_mul_ps(scale, broadcast_float(x + (size_t)r * record + at_d)),
					       _mm256_cvtepi32_ps(sum[r]), y[r]);
	}
	if (!offset) {
		__m256 min = min_of(type, head, b);

#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
			y[r] = _mm256_fnmadd_ps(min, broadcast_float(x + (size_t)r * record + at_more), y[r]);
	}
}

INLINE void prefetch(const uint8_t *p, int bytes)
{
	for (int a = 0; a < bytes; a += 64)
		_mm_prefetch((const char *)p + a + AHEAD, _MM_HINT_T0);
}

/* One group of outputs for a tile of `rows` rows: a constant, as the type is. y: rows x LANES. */
INLINE void quantised(int type, int rows, int in, const uint8_t *w, const void *tile, float *y)
{
	const struct hx_pack_layout p = hx_pack_layouts[type];
	const uint8_t *x = tile;
	__m256 sum[TILE];

#pragma GCC unroll 4
	for (int r = 0; r < rows; r++)
		sum[r] = _mm256_setzero_ps();
	for (int n = hx_pack_blocks(type, in); n > 0; n -= p.blocks) {
		const uint8_t *head = w;

		w += p.head * LANES;
#pragma GCC unroll 2
		for (int i = 0; i < p.blocks; i++) {
			prefetch(w, (p.code + p.high) * LANES);
			add_rows(type, rows, head, i, w, x, sum);
			w += (p.code + p.high) * LANES;
			x += (size_t)rows * hx_input_record(type);
		}
	}
#pragma GCC unroll 4
	for (int r = 0; r < rows; r++)
		_mm256_storeu_ps(y + r * LANES, sum[r]);
}

INLINE __m256 floats_at(int type, const uint8_t *w)
{
	if (type == HX_F32)
		return _mm256_loadu_ps((const float *)(const void *)w);
	if (type == HX_F16)
		return f16_at(w, 0);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)w)), 16));
}

/* Even and odd columns are added up apart, so that a single row is not bound by the latency of additions. */
INLINE void floating(int type, int rows, int in, const uint8_t *w, const void *tile, float *y)
{
	const size_t column = LANES * (type == HX_F32 ? 4 : 2);
	const float *x = tile;
	__m256 sum[2][TILE];
	int j = 0;

#pragma GCC unroll 4
	for (int r = 0; r < rows; r++)
		sum[0][r] = sum[1][r] = _mm256_setzero_ps();
	for (; j + 1 < in; j += 2, w += 2 * column, x += 2 * rows) {
		__m256 even = floats_at(type, w), odd = floats_at(type, w + column);

		if (type == HX_F32 || j % 4 == 0)
			prefetch(w, 64);
#pragma GCC unroll 4
		for (int r = 0; r < rows; r++) {
			sum[0][r] = _mm256_fmadd_ps(even, _mm256_set1_ps(x[r]), sum[0][r]);
			sum[1][r] = _mm256_fmadd_ps(odd, _mm256_set1_ps(x[rows + r]), sum[1][r]);
		}
	}
#pragma GCC unroll 4
	for (int r = 0; r < rows; r++) {
		if (j < in)
			sum[0][r] = _mm256_fmadd_ps(floats_at(type, w), _mm256_set1_ps(x[r]), sum[0][r]);
		_mm256_storeu_ps(y + r * LANES, _mm256_add_ps(sum[0][r], sum[1][r]));
	}
}

/* A function for each type and number of rows. */
typedef void group_fn(int in, const uint8_t *w, const void *tile, float *y);
#define GROUP(type, kind, rows)                                                                                                            \
	static void type##_##rows(int in, const uint8_t *w, const void *tile, float *y)                                                    \
	{                                                                                                                                  \
		kind(type, rows, in, w, tile, y);                                                                                          \
	}
#define GROUPS(type, kind) GROUP(type, kind, 1) GROUP(type, kind, 2) GROUP(type, kind, 3) GROUP(type, kind, 4)
#define NAMES(type)                                                                                                                        \
	{                                                                                                                                  \
		type##_1, type##_2, type##_3, type##_4                                                                                     \
	}

GROUPS(HX_F32, floating)
GROUPS(HX_F16, floating)
GROUPS(HX_BF16, floating)
GROUPS(HX_Q4_0, quantised)
GROUPS(HX_Q4_1, quantised)
GROUPS(HX_Q5_0, quantised)
GROUPS(HX_Q5_1, quantised)
GROUPS(HX_Q8_0, quantised)
GROUPS(HX_Q4_K, quantised)
GROUPS(HX_Q5_K, quantised)
GROUPS(HX_Q6_K, quantised)

static group_fn *const groups[HX_TYPE_COUNT][TILE] = {
	NAMES(HX_F32),  NAMES(HX_F16),  NAMES(HX_BF16), NAMES(HX_Q4_0), NAMES(HX_Q4_1), NAMES(HX_Q5_0),
	NAMES(HX_Q5_1), NAMES(HX_Q8_0), NAMES(HX_Q4_K), NAMES(HX_Q5_K), NAMES(HX_Q6_K),
};

static void matmul(const struct hx_matrix *w, int first, int last, const void *input, int rows, float *y, size_t ldy)
{
	size_t group_bytes = hx_pack_group_bytes(w->type, w->in, LANES);
	const uint8_t *group = (const uint8_t *)w->data + (size_t)(first / LANES) * group_bytes;

	for (int o = first; o < last; o += LANES, group += group_bytes) {
		int n = last - o < LANES ? last - o : LANES;

		for (int r = 0; r < rows; r += TILE) {
			int tile_rows = rows - r < TILE ? rows - r : TILE;
			float outputs[TILE * LANES];

			groups[w->type][tile_rows - 1](w->in, group, hx_input_tile(w->type, w->in, input, r), outputs);
			for (int i = 0; i < tile_rows; i++)
				memcpy(y + (size_t)(r + i) * ldy + o, outputs + i * LANES, (size_t)n * sizeof(float));
		}
	}
}

static void input(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed)
{
	hx_input_pack(type, x, ldx, in, rows, first, last, packed, TILE, hx_avx2_quantise);
}

static bool usable(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); /* F16C is older than both */
}

const struct hx_kernels hx_kernels_avx2 = {
	"avx2", LANES, usable, hx_input_bytes, input, matmul, hx_avx2_rms_norm, hx_avx2_glu, hx_avx2_attend, hx_avx2_to_f16,
};

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
