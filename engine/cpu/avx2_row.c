/* AVX2 kernels: everything but matrices. */
#if defined(__x86_64__)
#include "engine/cpu/avx2.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,f16c,fma")
#endif

#define INLINE static inline __attribute__((always_inline))

/* All ones in the first n of 8 lanes. */
INLINE __m256i first_lanes(int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE __m256 load(const float *p, int n)
{
	return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, first_lanes(n));
}

INLINE void store(float *p, int n, __m256 v)
{
	if (n >= 8)
		_mm256_storeu_ps(p, v);
	else
		_mm256_maskstore_ps(p, first_lanes(n), v);
}

INLINE __m256 load_f16(const uint16_t *p, int n)
{
	uint16_t h[8] = {0};

	if (n >= 8)
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
	memcpy(h, p, (size_t)n * 2);
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)h));
}

INLINE float sum_of(__m256 v)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float greatest_of(__m256 v)
{
	__m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_max_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

INLINE int32_t sum_of_ints(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

void hx_avx2_quantise(const float *x, int8_t *q, float *d, int32_t sums[2])
{
	const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
	__m256i most_bits = _mm256_setzero_si256(), v[4];
	__m128i m;
	__m256 factor;
	union {
		uint32_t bits;
		float f;
	} most;

	/* as bits, magnitudes keep their order, infinite and undefined ones above all */
	for (int i = 0; i < 4; i++)
		most_bits = _mm256_max_epu32(most_bits, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + 8 * i)), no_sign));
	m = _mm_max_epu32(_mm256_castsi256_si128(most_bits), _mm256_extracti128_si256(most_bits, 1));
	m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
	most.bits = (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1)));
	sums[0] = sums[1] = 0;
	if (most.bits >= 0x7f800000 || most.f < 1e-36f) {
		*d = most.bits >= 0x7f800000 ? NAN : 0;
		memset(q, 0, 32);
		return;
	}
	*d = most.f / 127;
	factor = _mm256_set1_ps(127 / most.f);
	for (int i = 0; i < 4; i++)
		v[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), factor));
	for (int i = 0; i < 2; i++)
		sums[i] = sum_of_ints(_mm256_add_epi32(v[2 * i], v[2 * i + 1]));
	/* packing works on halves of a register: quads come out as 0 2 4 6 1 3 5 7 */
	v[0] = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
	_mm256_storeu_si256((__m256i *)q, _mm256_permutevar8x32_epi32(v[0], _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
}

void hx_avx2_rms_norm(const float *x, const float *w, float eps, int n, float *y)
{
	__m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, scale;

	for (int i = 0; i < n; i += 8) {
		__m256 v = load(x + i, n - i);

		sum[i / 8 % 2] = _mm256_fmadd_ps(v, v, sum[i / 8 % 2]);
	}
	scale = _mm256_set1_ps(1 / sqrtf(sum_of(_mm256_add_ps(sum[0], sum[1])) / (float)n + eps));
	for (int i = 0; i < n; i += 8)
		store(y + i, n - i, _mm256_mul_ps(_mm256_mul_ps(load(x + i, n - i), scale), load(w + i, n - i)));
}

/* exp within 2 units in the last place where it is a normal number: x = n log 2 + r, and the series of exp r up to r^7. */
INLINE __m256 exp_of(__m256 x)
{
	static const float series[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1, 1};
	__m256 n, r, sum = _mm256_set1_ps(series[0]);
	__m256i half, exponent;

	/* the constants first: an undefined x stays */
	x = _mm256_max_ps(_mm256_set1_ps(-104), _mm256_min_ps(_mm256_set1_ps(104), x));
	n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
#pragma GCC unroll 8
	for (int i = 1; i < 8; i++)
		sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(series[i]));
	/* 2^n in two factors, of which each is a normal number */
	exponent = _mm256_cvtps_epi32(n);
	half = _mm256_srai_epi32(exponent, 1);
	exponent = _mm256_sub_epi32(exponent, half);
	sum = _mm256_mul_ps(sum, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, _mm256_set1_epi32(127)), 23)));
	return _mm256_mul_ps(sum, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(exponent, _mm256_set1_epi32(127)), 23)));
}

void hx_avx2_glu(const float *gate, const float *up, bool gelu, int n, float *y)
{
	const __m256 one = _mm256_set1_ps(1);

	for (int i = 0; i < n; i += 8) {
		__m256 g = load(gate + i, n - i), u = g;

		if (gelu) /* (1 + tanh t) / 2 = 1 / (1 + exp(-2 t)) */
			u = _mm256_mul_ps(_mm256_mul_ps(g, _mm256_set1_ps(1.5957691216057308f)),
					  _mm256_fmadd_ps(_mm256_mul_ps(g, g), _mm256_set1_ps(0.044715f), one));
		g = _mm256_div_ps(g, _mm256_add_ps(one, exp_of(_mm256_sub_ps(_mm256_setzero_ps(), u))));
		store(y + i, n - i, _mm256_mul_ps(g, load(up + i, n - i)));
	}
}

/* scores[h][t] = scale q[h] . key[t] */
static void score(const float *q, int heads, const uint16_t *keys, int positions, int d_head, float scale, float *scores)
{
	for (int t = 0; t < positions; t++, keys += d_head)
		for (int h = 0; h < heads; h++) {
			__m256 sum = _mm256_setzero_ps();

			for (int i = 0; i < d_head; i += 8)
				sum = _mm256_fmadd_ps(load_f16(keys + i, d_head - i), load(q + h * d_head + i, d_head - i), sum);
			scores[(size_t)h * (size_t)positions + (size_t)t] = scale * sum_of(sum);
		}
}

/* Scores to exp(score - greatest); returns 1 / their sum. */
static float soften(float *s, int n)
{
	__m256 most = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps();

	for (int i = 0; i < n; i += 8)
		most = _mm256_max_ps(most, _mm256_blendv_ps(most, load(s + i, n - i), _mm256_castsi256_ps(first_lanes(n - i))));
	most = _mm256_set1_ps(greatest_of(most));
	for (int i = 0; i < n; i += 8) {
		__m256 e = _mm256_and_ps(exp_of(_mm256_sub_ps(load(s + i, n - i), most)), _mm256_castsi256_ps(first_lanes(n - i)));

		store(s + i, n - i, e);
		sum = _mm256_add_ps(sum, e);
	}
	return 1 / sum_of(sum);
}

/* out = sum of p[t] value[t], for 32 values of a head at a time. */
static void weigh(const float *p, float norm, const uint16_t *values, int positions, int d_head, float *out)
{
	for (int i = 0; i < d_head; i += 32) {
		__m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};

		for (int t = 0; t < positions; t++) {
			const uint16_t *v = values + (size_t)t * (size_t)d_head + i;

			for (int k = 0; k < 4 && i + 8 * k < d_head; k++)
				sum[k] = _mm256_fmadd_ps(_mm256_set1_ps(p[t]), load_f16(v + 8 * k, d_head - i - 8 * k), sum[k]);
		}
		for (int k = 0; k < 4 && i + 8 * k < d_head; k++)
			store(out + i + 8 * k, d_head - i - 8 * k, _mm256_mul_ps(sum[k], _mm256_set1_ps(norm)));
	}
}

void hx_avx2_attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale,
		    float *scores, float *out)
{
	score(q, heads, keys, positions, d_head, scale, scores);
	for (int h = 0; h < heads; h++) {
		float *p = scores + (size_t)h * (size_t)positions;

		weigh(p, soften(p, positions), values, positions, d_head, out + h * d_head);
	}
}

void hx_avx2_to_f16(const float *x, int n, uint16_t *y)
{
	for (int i = 0; i < n; i += 8) {
		uint16_t h[8];

		_mm_storeu_si128((__m128i *)h, _mm256_cvtps_ph(load(x + i, n - i), _MM_FROUND_TO_NEAREST_INT));
		memcpy(y + i, h, (size_t)(n - i < 8 ? n - i : 8) * 2);
	}
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
