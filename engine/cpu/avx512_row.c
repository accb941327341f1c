/* AVX-512 kernels: everything but matrices. */
#if defined(__x86_64__)
#include "engine/cpu/avx512.h"

#include <immintrin.h>
#include <math.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,f16c,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,f16c,fma")
#endif

#define INLINE static inline __attribute__((always_inline))

/* The first n of 16 lanes. */
INLINE __mmask16 first_lanes(int n)
{
	return (__mmask16)(n < 16 ? (1 << n) - 1 : 0xffff);
}

INLINE __m128i to_s8(__m512 x, __m512 factor, __m512i *sum)
{
	__m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(x, factor));

	*sum = q;
	return _mm512_cvtsepi32_epi8(q);
}

void hx_avx512_quantise(const float *x, int8_t *q, float *d, int32_t sums[2])
{
	const __m512i no_sign = _mm512_set1_epi32(0x7fffffff);
	__m512 lo = _mm512_loadu_ps(x), hi = _mm512_loadu_ps(x + 16);
	/* as bits, magnitudes keep their order, infinite and undefined ones above all */
	__m512i bits =
		_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(lo), no_sign), _mm512_and_si512(_mm512_castps_si512(hi), no_sign));
	__m512i sum[2];
	union {
		uint32_t bits;
		float f;
	} most = {_mm512_reduce_max_epu32(bits)};

	sums[0] = sums[1] = 0;
	if (most.bits >= 0x7f800000 || most.f < 1e-36f) {
		*d = most.bits >= 0x7f800000 ? NAN : 0;
		_mm256_storeu_si256((__m256i *)q, _mm256_setzero_si256());
		return;
	}
	*d = most.f / 127;
	_mm_storeu_si128((__m128i *)q, to_s8(lo, _mm512_set1_ps(127 / most.f), &sum[0]));
	_mm_storeu_si128((__m128i *)(q + 16), to_s8(hi, _mm512_set1_ps(127 / most.f), &sum[1]));
	sums[0] = _mm512_reduce_add_epi32(sum[0]);
	sums[1] = _mm512_reduce_add_epi32(sum[1]);
}

void hx_avx512_rms_norm(const float *x, const float *w, float eps, int n, float *y)
{
	__m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, scale;

	for (int i = 0; i < n; i += 16) {
		__m512 v = _mm512_maskz_loadu_ps(first_lanes(n - i), x + i);

		sum[i / 16 % 2] = _mm512_fmadd_ps(v, v, sum[i / 16 % 2]);
	}
	scale = _mm512_set1_ps(1 / sqrtf(_mm512_reduce_add_ps(_mm512_add_ps(sum[0], sum[1])) / (float)n + eps));
	for (int i = 0; i < n; i += 16) {
		__mmask16 m = first_lanes(n - i);
		__m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), scale);

		_mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(m, w + i)));
	}
}

/* exp within 2 units in the last place: x = n log 2 + r, and the series of exp r up to r^7. */
INLINE __m512 exp_of(__m512 x)
{
	static const float series[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1, 1};
	__m512 n, r, sum = _mm512_set1_ps(series[0]);

	/* the constants first: an undefined x stays */
	x = _mm512_max_ps(_mm512_set1_ps(-104), _mm512_min_ps(_mm512_set1_ps(104), x));
	n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
#pragma GCC unroll 8
	for (int i = 1; i < 8; i++)
		sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(series[i]));
	return _mm512_scalef_ps(sum, n);
}

void hx_avx512_glu(const float *gate, const float *up, bool gelu, int n, float *y)
{
	const __m512 one = _mm512_set1_ps(1);

	for (int i = 0; i < n; i += 16) {
		__mmask16 m = first_lanes(n - i);
		__m512 g = _mm512_maskz_loadu_ps(m, gate + i), u = g;

		if (gelu) /* (1 + tanh t) / 2 = 1 / (1 + exp(-2 t)) */
			u = _mm512_mul_ps(_mm512_mul_ps(g, _mm512_set1_ps(1.5957691216057308f)),
					  _mm512_fmadd_ps(_mm512_mul_ps(g, g), _mm512_set1_ps(0.044715f), one));
		g = _mm512_div_ps(g, _mm512_add_ps(one, exp_of(_mm512_sub_ps(_mm512_setzero_ps(), u))));
		_mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(g, _mm512_maskz_loadu_ps(m, up + i)));
	}
}

INLINE __m512 f16_at(const uint16_t *p, __mmask16 m)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, p));
}

/* The sums of four registers. */
INLINE __m128 sums_of(__m512 a, __m512 b, __m512 c, __m512 d)
{
	__m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
	__m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
	__m512 quarters = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
	__m256 halves = _mm256_add_ps(_mm512_castps512_ps256(quarters), _mm512_extractf32x8_ps(quarters, 1));

	return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

/* scores[t] = scale q . key[t], four positions at a time; the last position fills up. */
static void score(const float *q, const uint16_t *keys, int positions, int d_head, float scale, float *scores)
{
	for (int t = 0; t < positions; t += 4) {
		int n = positions - t < 4 ? positions - t : 4, i = 0;
		const uint16_t *key[4];
		__m512 sum[4];

		for (int k = 0; k < 4; k++) {
			key[k] = keys + (size_t)(k < n ? t + k : positions - 1) * (size_t)d_head;
			sum[k] = _mm512_setzero_ps();
		}
		for (; i + 16 <= d_head; i += 16) {
			__m512 part = _mm512_loadu_ps(q + i);

			for (int k = 0; k < 4; k++)
				sum[k] = _mm512_fmadd_ps(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(key[k] + i))), part, sum[k]);
		}
		if (i < d_head) {
			__mmask16 m = first_lanes(d_head - i);
			__m512 part = _mm512_maskz_loadu_ps(m, q + i);

			for (int k = 0; k < 4; k++)
				sum[k] = _mm512_fmadd_ps(f16_at(key[k] + i, m), part, sum[k]);
		}
		_mm_mask_storeu_ps(scores + t, (__mmask8)((1 << n) - 1),
				   _mm_mul_ps(_mm_set1_ps(scale), sums_of(sum[0], sum[1], sum[2], sum[3])));
	}
}

/* Scores to exp(score - greatest); returns 1 / their sum. */
static float soften(float *s, int n)
{
	__m512 most = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();

	for (int i = 0; i < n; i += 16)
		most = _mm512_mask_max_ps(most, first_lanes(n - i), most, _mm512_maskz_loadu_ps(first_lanes(n - i), s + i));
	most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
	for (int i = 0; i < n; i += 16) {
		__mmask16 m = first_lanes(n - i);
		__m512 e = exp_of(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, s + i), most));

		_mm512_mask_storeu_ps(s + i, m, e);
		sum = _mm512_mask_add_ps(sum, m, sum, e);
	}
	return 1 / _mm512_reduce_add_ps(sum);
}

/* Up to 64 values of `heads` heads: out[h] = sum of p[h][t] value[t], with both numbers constants. A value is read once for all heads. */
INLINE void weigh(int heads, int parts, const float *p, const uint16_t *values, int positions, int d_head, __mmask16 last,
		  const float *norm, float *out)
{
	__m512 sum[4][4];

#pragma GCC unroll 4
	for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
		for (int k = 0; k < parts; k++)
			sum[h][k] = _mm512_setzero_ps();
	for (int t = 0; t < positions; t++, p++, values += d_head)
#pragma GCC unroll 4
		for (int k = 0; k < parts; k++) {
			__m512 v = f16_at(values + 16 * k, k < parts - 1 ? 0xffff : last);

#pragma GCC unroll 4
			for (int h = 0; h < heads; h++)
				sum[h][k] = _mm512_fmadd_ps(_mm512_set1_ps(p[(size_t)h * (size_t)positions]), v, sum[h][k]);
		}
#pragma GCC unroll 4
	for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
		for (int k = 0; k < parts; k++)
			_mm512_mask_storeu_ps(out + h * d_head + 16 * k, k < parts - 1 ? 0xffff : last,
					      _mm512_mul_ps(sum[h][k], _mm512_set1_ps(norm[h])));
}

/* Values in parts of 64, then of 16. */
INLINE void weigh_heads(int heads, const float *p, const uint16_t *values, int positions, int d_head, const float *norm, float *out)
{
	int i = 0;

	for (; i + 64 <= d_head; i += 64)
		weigh(heads, 4, p, values + i, positions, d_head, 0xffff, norm, out + i);
	for (; i < d_head; i += 16)
		weigh(heads, 1, p, values + i, positions, d_head, first_lanes(d_head - i), norm, out + i);
}

void hx_avx512_attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale,
		      float *scores, float *out)
{
	for (int n; heads > 0; heads -= n, q += n * d_head, out += n * d_head) {
		float norm[4];

		n = heads < 4 ? heads : 4;
		for (int h = 0; h < n; h++) {
			float *p = scores + (size_t)h * (size_t)positions;

			score(q + h * d_head, keys, positions, d_head, scale, p);
			norm[h] = soften(p, positions);
		}
		if (n == 4)
			weigh_heads(4, scores, values, positions, d_head, norm, out);
		else if (n == 3)
			weigh_heads(3, scores, values, positions, d_head, norm, out);
		else if (n == 2)
			weigh_heads(2, scores, values, positions, d_head, norm, out);
		else
			weigh_heads(1, scores, values, positions, d_head, norm, out);
	}
}

void hx_avx512_to_f16(const float *x, int n, uint16_t *y)
{
	for (int i = 0; i < n; i += 16) {
		__mmask16 m = first_lanes(n - i);

		_mm256_mask_storeu_epi16(y + i, m, _mm512_cvtps_ph(_mm512_maskz_loadu_ps(m, x + i), _MM_FROUND_TO_NEAREST_INT));
	}
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
