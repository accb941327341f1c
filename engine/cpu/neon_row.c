/* NEON kernels: everything but matrices. */
#if defined(__aarch64__)
#include "engine/cpu/neon.h"

#include <arm_neon.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Of n values, the first four; what is missing is 0. */
INLINE float32x4_t load(const float *p, int n)
{
	float all[4] = {0};

	if (n >= 4)
		return vld1q_f32(p);
	memcpy(all, p, (size_t)n * sizeof(*p));
	return vld1q_f32(all);
}

INLINE void store(float *p, float32x4_t v, int n)
{
	float all[4];

	if (n >= 4) {
		vst1q_f32(p, v);
		return;
	}
	vst1q_f32(all, v);
	memcpy(p, all, (size_t)n * sizeof(*p));
}

void hx_neon_quantise(const float *x, int8_t *q, float *d, int32_t sums[2])
{
	float32x4_t greatest = vdupq_n_f32(0), factor;
	float most;

	for (int i = 0; i < 32; i += 4)
		greatest = vmaxq_f32(greatest, vabsq_f32(vld1q_f32(x + i))); /* undefined, if any is */
	most = vmaxvq_f32(greatest);
	sums[0] = sums[1] = 0;
	if (!(most >= 1e-36f && most < INFINITY)) {
		*d = most < 1e-36f ? 0 : NAN;
		memset(q, 0, 32);
		return;
	}
	*d = most / 127;
	factor = vdupq_n_f32(127 / most);
	for (int i = 0; i < 32; i += 8) {
		int32x4_t low = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + i), factor));
		int32x4_t high = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + i + 4), factor));

		vst1_s8(q + i, vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high))));
		sums[i / 16] += vaddvq_s32(vaddq_s32(low, high));
	}
}

void hx_neon_rms_norm(const float *x, const float *w, float eps, int n, float *y)
{
	float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
	float scale;

	for (int i = 0; i < n; i += 16)
		for (int k = 0; k < 4; k++) {
			float32x4_t v = i + 4 * k < n ? load(x + i + 4 * k, n - i - 4 * k) : vdupq_n_f32(0);

			sum[k] = vfmaq_f32(sum[k], v, v);
		}
	scale = 1 / sqrtf(vaddvq_f32(vaddq_f32(vaddq_f32(sum[0], sum[1]), vaddq_f32(sum[2], sum[3]))) / (float)n + eps);
	for (int i = 0; i < n; i += 4)
		store(y + i, vmulq_f32(vmulq_n_f32(load(x + i, n - i), scale), load(w + i, n - i)), n - i);
}

INLINE float32x4_t power_of_two(int32x4_t n)
{
	return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

/* exp within 2 units in the last place: x = n log 2 + r, and the series of exp r up to r^7. 2^n in two factors, as it need not be a float. */
INLINE float32x4_t exp_of(float32x4_t x)
{
	static const float series[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1, 1};
	float32x4_t n, r, sum = vdupq_n_f32(series[0]);
	int32x4_t whole, half;

	x = vmaxq_f32(vdupq_n_f32(-104), vminq_f32(vdupq_n_f32(104), x));
	n = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
	r = vfmsq_n_f32(x, n, 0.693359375f);
	r = vfmsq_n_f32(r, n, -2.12194440e-4f);
#pragma GCC unroll 8
	for (int i = 1; i < 8; i++)
		sum = vfmaq_f32(vdupq_n_f32(series[i]), sum, r);
	whole = vcvtq_s32_f32(n);
	half = vshrq_n_s32(whole, 1);
	return vmulq_f32(vmulq_f32(sum, power_of_two(half)), power_of_two(vsubq_s32(whole, half)));
}

void hx_neon_glu(const float *gate, const float *up, bool gelu, int n, float *y)
{
	const float32x4_t one = vdupq_n_f32(1);

	for (int i = 0; i < n; i += 4) {
		float32x4_t g = load(gate + i, n - i), u = g;

		if (gelu) /* (1 + tanh t) / 2 = 1 / (1 + exp(-2 t)) */
			u = vmulq_f32(vmulq_n_f32(g, 1.5957691216057308f), vfmaq_n_f32(one, vmulq_f32(g, g), 0.044715f));
		g = vdivq_f32(g, vaddq_f32(one, exp_of(vnegq_f32(u))));
		store(y + i, vmulq_f32(g, load(up + i, n - i)), n - i);
	}
}

INLINE float32x4_t f16_at(const uint16_t *p)
{
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

/* scores[h][t] = scale q[h] . key[t] for `heads` heads, a constant: a key is read once for all. */
INLINE void score(const float *q, int heads, const uint16_t *keys, int positions, int d_head, float scale, float *scores)
{
	for (int t = 0; t < positions; t++, keys += d_head) {
		float32x4_t sum[4][2];
		float total[4];
		int i = 0;

#pragma GCC unroll 4
		for (int h = 0; h < heads; h++)
			sum[h][0] = sum[h][1] = vdupq_n_f32(0);
		for (; i + 8 <= d_head; i += 8) {
			float32x4_t low = f16_at(keys + i), high = f16_at(keys + i + 4);

#pragma GCC unroll 4
			for (int h = 0; h < heads; h++) {
				sum[h][0] = vfmaq_f32(sum[h][0], low, vld1q_f32(q + h * d_head + i));
				sum[h][1] = vfmaq_f32(sum[h][1], high, vld1q_f32(q + h * d_head + i + 4));
			}
		}
#pragma GCC unroll 4
		for (int h = 0; h < heads; h++) {
			total[h] = vaddvq_f32(vaddq_f32(sum[h][0], sum[h][1]));
			for (int j = i; j < d_head; j++)
				total[h] += q[h * d_head + j] * hx_pack_f16_value(keys[j]);
			scores[(size_t)h * (size_t)positions + (size_t)t] = scale * total[h];
		}
	}
}

/* Scores to exp(score - greatest); returns 1 / their sum. */
static float soften(float *s, int n)
{
	float32x4_t sum = vdupq_n_f32(0);
	float most = s[0], total;
	int i = 0;

	for (int k = 1; k < n; k++)
		most = s[k] > most ? s[k] : most;
	for (; i + 4 <= n; i += 4) {
		float32x4_t e = exp_of(vsubq_f32(vld1q_f32(s + i), vdupq_n_f32(most)));

		vst1q_f32(s + i, e);
		sum = vaddq_f32(sum, e);
	}
	total = vaddvq_f32(sum);
	if (i < n) {
		store(s + i, exp_of(vsubq_f32(load(s + i, n - i), vdupq_n_f32(most))), n - i);
		for (; i < n; i++)
			total += s[i];
	}
	return 1 / total;
}

/* out[h] = norm[h] x the sum of p[h][t] value[t], for `n` times 4 values of `heads` heads: constants. */
INLINE void weigh(const float *p, const float *norm, int heads, const uint16_t *values, int n, int positions, int d_head, float *out)
{
	float32x4_t sum[4][4];

#pragma GCC unroll 4
	for (int h = 0; h < heads; h++)
		for (int k = 0; k < n; k++)
			sum[h][k] = vdupq_n_f32(0);
	for (int t = 0; t < positions; t++, values += d_head) {
		float32x4_t v[4];

#pragma GCC unroll 4
		for (int k = 0; k < n; k++)
			v[k] = f16_at(values + 4 * k);
#pragma GCC unroll 4
		for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
			for (int k = 0; k < n; k++)
				sum[h][k] = vfmaq_n_f32(sum[h][k], v[k], p[(size_t)h * (size_t)positions + (size_t)t]);
	}
#pragma GCC unroll 4
	for (int h = 0; h < heads; h++)
		for (int k = 0; k < n; k++)
			vst1q_f32(out + h * d_head + 4 * k, vmulq_n_f32(sum[h][k], norm[h]));
}

/* A number of heads: a constant, four at most, which registers hold. */
INLINE void attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale, float *scores,
		   float *out)
{
	float norm[4];
	int i = 0;

	score(q, heads, keys, positions, d_head, scale, scores);
	for (int h = 0; h < heads; h++)
		norm[h] = soften(scores + (size_t)h * (size_t)positions, positions);
	for (; i + 16 <= d_head; i += 16)
		weigh(scores, norm, heads, values + i, 4, positions, d_head, out + i);
	for (; i + 4 <= d_head; i += 4)
		weigh(scores, norm, heads, values + i, 1, positions, d_head, out + i);
	for (; i < d_head; i++)
		for (int h = 0; h < heads; h++) {
			const float *p = scores + (size_t)h * (size_t)positions;
			float sum = 0;

			for (int t = 0; t < positions; t++)
				sum += p[t] * hx_pack_f16_value(values[(size_t)t * (size_t)d_head + (size_t)i]);
			out[h * d_head + i] = sum * norm[h];
		}
}

void hx_neon_attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale, float *scores,
		    float *out)
{
	int h = 0;

	for (; h + 4 <= heads; h += 4)
		attend(q + h * d_head, 4, keys, values, positions, d_head, scale, scores + (size_t)h * (size_t)positions, out + h * d_head);
	for (; h < heads; h++)
		attend(q + h * d_head, 1, keys, values, positions, d_head, scale, scores + (size_t)h * (size_t)positions, out + h * d_head);
}

void hx_neon_to_f16(const float *x, int n, uint16_t *y)
{
	for (int i = 0; i < n; i += 4) {
		uint16x4_t h = vreinterpret_u16_f16(vcvt_f16_f32(load(x + i, n - i)));
		uint16_t all[4];

		vst1_u16(all, h);
		memcpy(y + i, all, (size_t)(n - i < 4 ? n - i : 4) * sizeof(*y));
	}
}
#endif
