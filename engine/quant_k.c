/* K formats: blocks of 256 values in parts, each with a small whole number that multiplies a scale of the block.
 *
 * Encoding looks for the scale (and least value) of each part that leave the smallest sum of squared errors: codes are taken for some
 * scales around the one that spans the part, and for the codes of each the best scale follows by least squares. The scales are then
 * rounded to what the block can hold, and the values to the nearest code of these. All values of a part weigh the same, which suits
 * products with inputs that know nothing of the weights. */
#include "engine/quant_k.h"

#include <string.h>

enum { BLOCK = 256, PART = 32, PARTS = BLOCK / PART, PART_6 = 16, PARTS_6 = BLOCK / PART_6, LANES = 8 };

/* Parts that span less are alike: the smallest scale that a block can hold is 2^-24. */
static const float nothing = 0x1p-26f;

/* Q4_K and Q5_K: scale, scale of least values, both for 8 parts in six bits, with five bits the highest of each, then the low four: 64 values in
 * 32 bytes, the first 32 below the others. x = d scale q - dmin min. */
static void unpack_scales(const uint8_t *p, uint8_t *scale, uint8_t *min)
{
	for (int j = 0; j < 4; j++) {
		scale[j] = p[j] & 63;
		min[j] = p[j + 4] & 63;
		scale[j + 4] = (uint8_t)((p[j + 8] & 15) | p[j] >> 6 << 4);
		min[j + 4] = (uint8_t)(p[j + 8] >> 4 | p[j + 4] >> 6 << 4);
	}
}

static void pack_scales(const uint8_t *scale, const uint8_t *min, uint8_t *p)
{
	for (int j = 0; j < 4; j++) {
		p[j] = (uint8_t)(scale[j] | scale[j + 4] >> 4 << 6);
		p[j + 4] = (uint8_t)(min[j] | min[j + 4] >> 4 << 6);
		p[j + 8] = (uint8_t)((scale[j + 4] & 15) | (min[j + 4] & 15) << 4);
	}
}

static inline void decode_45(const uint8_t *p, float *x, size_t n, int bits)
{
	const uint8_t *high = p + 16, *low = bits == 5 ? p + 48 : p + 16;
	const size_t bytes = bits == 5 ? 176 : 144;

	for (; n; n -= BLOCK, p += bytes, high += bytes, low += bytes, x += BLOCK) {
		float d = hx_quant_k_read(p), dmin = hx_quant_k_read(p + 2);
		uint8_t scale[PARTS], min[PARTS];

		unpack_scales(p + 4, scale, min);
		for (int k = 0; k < PARTS; k++) {
			float s = d * (float)scale[k], m = dmin * (float)min[k];

			for (int j = 0; j < PART; j++) {
				int q = low[k / 2 * 32 + j] >> k % 2 * 4 & 15;

				if (bits == 5)
					q |= (high[j] >> k & 1) << 4;
				x[PART * k + j] = s * (float)q - m;
			}
		}
	}
}

void hx_quant_k_decode_q4(const uint8_t *p, float *x, size_t n)
{
	decode_45(p, x, n, 4);
}

void hx_quant_k_decode_q5(const uint8_t *p, float *x, size_t n)
{
	decode_45(p, x, n, 5);
}

/* x = scale q - min; what of the squared error depends on them. */
struct fit {
	float scale, min;
	double error;
};

/* Codes are those of (x - least) * inverse, from 0 to top. Sums run in lanes, so that compilers can keep them in vectors. */
static struct fit fit_affine(const float *x, float least, float inverse, float top, double sum_x)
{
	float q1[LANES] = {0}, q2[LANES] = {0}, qx[LANES] = {0};
	double sum_q = 0, sum_q2 = 0, sum_qx = 0, det, scale, min;

	for (int j = 0; j < PART; j += LANES)
		for (int l = 0; l < LANES; l++) {
			float q = (float)hx_quant_k_code((x[j + l] - least) * inverse, top);

			q1[l] += q;
			q2[l] += q * q;
			qx[l] += q * x[j + l];
		}
	for (int l = 0; l < LANES; l++) {
		sum_q += q1[l];
		sum_q2 += q2[l];
		sum_qx += qx[l];
	}
	det = PART * sum_q2 - sum_q * sum_q;
	scale = det > 0 ? (PART * sum_qx - sum_q * sum_x) / det : 0;
	min = det > 0 ? (sum_q * sum_qx - sum_q2 * sum_x) / det : 0;
	if (min < 0 || scale <= 0) { /* not held: the best without */
		min = 0;
		scale = sum_q2 > 0 && sum_qx > 0 ? sum_qx / sum_q2 : 0;
	}
	return (struct fit){(float)scale, (float)min,
			    scale * scale * sum_q2 - 2 * scale * sum_qx - 2 * scale * min * sum_q + 2 * min * sum_x + PART * min * min};
}

static struct fit fit_part(const float *x, float top)
{
	float least = 0, most = x[0];
	double sum_x = 0;
	struct fit best;

	for (int j = 0; j < PART; j++) {
		least = x[j] < least ? x[j] : least;
		most = x[j] > most ? x[j] : most;
		sum_x += x[j];
	}
	if (most - least < nothing)
		return (struct fit){.min = -least};
	best = fit_affine(x, least, top / (most - least), top, sum_x);
	for (int i = 1; i <= 16; i++) {
		struct fit f = fit_affine(x, least, (top - 1 + 0.125f * (float)i) / (most - least), top, sum_x);

		if (f.error < best.error)
			best = f;
	}
	return best;
}

/* n scales, none below 0, as six bits of a scale at p; gives that scale. */
static float round_scales(const float *scale, uint8_t *p, uint8_t *code)
{
	float most = 0, d, inverse;

	for (int k = 0; k < PARTS; k++)
		most = scale[k] > most ? scale[k] : most;
	d = hx_quant_k_write(p, most / 63);
	inverse = d > 0 ? 1 / d : 0;
	for (int k = 0; k < PARTS; k++)
		code[k] = (uint8_t)hx_quant_k_code(scale[k] * inverse, 63);
	return d;
}

static inline void encode_45(const float *x, uint8_t *p, size_t n, int bits)
{
	const float top = (float)((1 << bits) - 1);
	const size_t bytes = bits == 5 ? 176 : 144;

	for (; n; n -= BLOCK, p += bytes, x += BLOCK) {
		uint8_t *high = p + 16, *low = bits == 5 ? p + 48 : p + 16, scale_code[PARTS], min_code[PARTS];
		float scale[PARTS], min[PARTS], d, dmin;

		for (int k = 0; k < PARTS; k++) {
			struct fit f = fit_part(x + PART * k, top);

			scale[k] = f.scale;
			min[k] = f.min;
		}
		d = round_scales(scale, p, scale_code);
		dmin = round_scales(min, p + 2, min_code);
		pack_scales(scale_code, min_code, p + 4);
		memset(p + 16, 0, bytes - 16);
		for (int k = 0; k < PARTS; k++) {
			float s = d * (float)scale_code[k], m = dmin * (float)min_code[k], inverse = s > 0 ? 1 / s : 0;

			for (int j = 0; j < PART; j++) {
				int q = hx_quant_k_code((x[PART * k + j] + m) * inverse, top);

				low[k / 2 * 32 + j] |= (uint8_t)((q & 15) << k % 2 * 4);
				if (bits == 5)
					high[j] |= (uint8_t)(q >> 4 << k);
			}
		}
	}
}

void hx_quant_k_encode_q4(const float *x, uint8_t *p, size_t n)
{
	encode_45(x, p, n, 4);
}

void hx_quant_k_encode_q5(const float *x, uint8_t *p, size_t n)
{
	encode_45(x, p, n, 5);
}

/* Q6_K: low four bits, high two, 16 signed scales, the scale of these. Of 128 values, number j has its low bits in byte j % 64, its high bits in
 * byte j % 32. x = d scale (q - 32). */
void hx_quant_k_decode_q6(const uint8_t *p, float *x, size_t n)
{
	for (; n; n -= BLOCK, p += 210, x += BLOCK) {
		const uint8_t *low = p, *high = p + 128, *scale = p + 192;
		float d = hx_quant_k_read(p + 208);

		for (int i = 0; i < BLOCK; i++) {
			int h = i / 128, j = i % 128;
			int q = (low[64 * h + j % 64] >> j / 64 * 4 & 15) | (high[32 * h + j % 32] >> j / 32 * 2 & 3) << 4;

			x[i] = d * (float)(int8_t)scale[i / PART_6] * (float)(q - 32);
		}
	}
}

/* The scale of 16 values that codes from -32 to 31 multiply. */
static float fit_part_6(const float *x)
{
	float most = 0, best = 0;
	double gain = 0;

	for (int j = 0; j < PART_6; j++)
		most = fabsf(x[j]) > fabsf(most) ? x[j] : most;
	if (fabsf(most) < nothing)
		return 0;
	for (int i = -4; i <= 4; i++) {
		float inverse = (-32 - 0.2f * (float)i) / most, q2[LANES] = {0}, qx[LANES] = {0};
		double sum_q2 = 0, sum_qx = 0;

		for (int j = 0; j < PART_6; j += LANES)
			for (int l = 0; l < LANES; l++) {
				float q = (float)(hx_quant_k_code(x[j + l] * inverse + 32, 63) - 32);

				q2[l] += q * q;
				qx[l] += q * x[j + l];
			}
		for (int l = 0; l < LANES; l++) {
			sum_q2 += q2[l];
			sum_qx += qx[l];
		}
		if (sum_q2 > 0 && sum_qx * sum_qx > gain * sum_q2) {
			gain = sum_qx * sum_qx / sum_q2;
			best = (float)(sum_qx / sum_q2);
		}
	}
	return best;
}

void hx_quant_k_encode_q6(const float *x, uint8_t *p, size_t n)
{
	for (; n; n -= BLOCK, p += 210, x += BLOCK) {
		uint8_t *low = p, *high = p + 128, *scales = p + 192;
		float scale[PARTS_6], most = 0, d, inverse;

		for (int k = 0; k < PARTS_6; k++) {
			scale[k] = fit_part_6(x + PART_6 * k);
			most = fabsf(scale[k]) > fabsf(most) ? scale[k] : most;
		}
		d = hx_quant_k_write(p + 208, most / -128);
		inverse = d != 0 ? 1 / d : 0;
		memset(p, 0, 192);
		for (int k = 0; k < PARTS_6; k++) {
			int code = hx_quant_k_code(scale[k] * inverse + 128, 255) - 128;
			float s = d * (float)code, s_inverse = s != 0 ? 1 / s : 0;

			scales[k] = (uint8_t)code;
			for (int i = PART_6 * k; i < PART_6 * (k + 1); i++) {
				int h = i / 128, j = i % 128, q = hx_quant_k_code(x[i] * s_inverse + 32, 63);

				low[64 * h + j % 64] |= (uint8_t)((q & 15) << j / 64 * 4);
				high[32 * h + j % 32] |= (uint8_t)(q >> 4 << j / 32 * 2);
			}
		}
	}
}
