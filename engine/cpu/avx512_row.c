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
	__m512i bits = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(lo), no_sign), _mm512_and_si512(_mm512_castps_si512(hi), no_sign));
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

/* scores[h][t] = scale q[h] . key[t], a key read once for all heads. */
static void score(const float *q, int heads, const uint16_t *keys, int positions, int d_head, float scale, float *scores)
{
	for (int t = 0; t < positions; t++, keys += d_head)
		for (int h = 0; h < heads; h++) {
			__m512 sum = _mm512_setzero_ps();

			for (int i = 0; i < d_head; i += 16) {
				__mmask16 m = first_lanes(d_head - i);

				sum = _mm512_fmadd_ps(f16_at(keys + i, m), _mm512_maskz_loadu_ps(m, q + h * d_head + i), sum);
			}
			scores[(size_t)h * (size_t)positions + (size_t)t] = scale * _mm512_reduce_add_ps(sum);
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

/* out = sum of p[t] value[t], for 64 values of a head at a time. */
static void weigh(const float *p, float norm, const uint16_t *values, int positions, int d_head, float *out)
{
	for (int i = 0; i < d_head; i += 64) {
		__m512 sum[4];
		__mmask16 m[4];

		for (int k = 0; k < 4; k++) {
			sum[k] = _mm512_setzero_ps();
			m[k] = d_head - i > 16 * k ? first_lanes(d_head - i - 16 * k) : 0;
		}
		for (int t = 0; t < positions; t++) {
			const uint16_t *v = values + (size_t)t * (size_t)d_head + i;

			for (int k = 0; k < 4; k++)
				sum[k] = _mm512_fmadd_ps(_mm512_set1_ps(p[t]), f16_at(v + 16 * k, m[k]), sum[k]);
		}
		for (int k = 0; k < 4; k++)
			_mm512_mask_storeu_ps(out + i + 16 * k, m[k], _mm512_mul_ps(sum[k], _mm512_set1_ps(norm)));
	}
}

void hx_avx512_attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale, float *scores,
		      float *out)
{
	score(q, heads, keys, positions, d_head, scale, scores);
	for (int h = 0; h < heads; h++) {
		float *p = scores + (size_t)h * (size_t)positions;

		weigh(p, soften(p, positions), values, positions, d_head, out + h * d_head);
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
