/* Block formats of GGUF but the K ones (quant_k.c), and f16.
 *
 * Encoding rounds to the nearest code of the scale as it is stored, in f16. Scales end at 65504, so values of block formats beyond it
 * count as it; and NaN, which no block can hold, as 0. The float types hold what they are given. */
#include "engine/quant_k.h"

#include <string.h>

enum { CHUNK = 256 }; /* values at a time: a multiple of every block */

static uint32_t float_bits(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static float bits_float(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

float hx_quant_f16_value(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;

	if (rest < 0x400) /* denormal: a count of 2^-24 */
		return bits_float(sign | float_bits((float)rest * 0x1p-24f));
	return bits_float(sign | ((rest << 13) + (rest < 0x7c00 ? 112u << 23 : 224u << 23)));
}

uint16_t hx_quant_f16(float v)
{
	uint32_t bits = float_bits(v), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;

	if (rest > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (rest >> 13 & 0x1ff));
	if (rest >= 0x477ff000) /* 65520: half way between the largest and what would be the next */
		return (uint16_t)(sign | 0x7c00);
	if (rest < 0x38800000) /* 2^-14: below, halves are 2^-24 apart, as floats behind 0.5 are */
		return (uint16_t)(sign | (float_bits(bits_float(rest) + 0.5f) - 0x3f000000));
	return (uint16_t)(sign | (((rest + 0xfff + (rest >> 13 & 1)) >> 13) - (112 << 10)));
}

static void decode_f32(const uint8_t *p, float *x, size_t n)
{
	memcpy(x, p, n * sizeof(*x));
}

static void encode_f32(const float *x, uint8_t *p, size_t n)
{
	memcpy(p, x, n * sizeof(*x));
}

static void decode_f16(const uint8_t *p, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = hx_quant_k_read(p + 2 * i);
}

static void encode_f16(const float *x, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hx_quant_k_write(p + 2 * i, x[i]);
}

static void decode_bf16(const uint8_t *p, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = bits_float((uint32_t)p[2 * i] << 16 | (uint32_t)p[2 * i + 1] << 24);
}

static void encode_bf16(const float *x, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = float_bits(x[i]);

		bits = (bits & 0x7fffffff) > 0x7f800000 ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
		p[2 * i] = (uint8_t)(bits >> 16);
		p[2 * i + 1] = (uint8_t)(bits >> 24);
	}
}

/* Q4_0, Q4_1, Q5_0, Q5_1: scale, with `min` the least value, with five bits the highest of each, then 16 bytes: value j below value j + 16. */
static inline void decode_low(const uint8_t *p, float *x, size_t n, int bits, bool min)
{
	const size_t head = min ? 4 : 2, codes = head + (bits == 5 ? 4 : 0);

	for (; n; n -= 32, x += 32, p += codes + 16) {
		float d = hx_quant_k_read(p), m = min ? hx_quant_k_read(p + 2) : 0;

		for (int j = 0; j < 32; j++) {
			int q = p[codes + j % 16] >> j / 16 * 4 & 15;

			if (bits == 5)
				q |= (p[head + j / 8] >> j % 8 & 1) << 4;
			x[j] = min ? d * (float)q + m : d * (float)(q - (1 << (bits - 1)));
		}
	}
}

static inline void encode_low(const float *x, uint8_t *p, size_t n, int bits, bool min)
{
	const size_t head = min ? 4 : 2, codes = head + (bits == 5 ? 4 : 0);
	const float top = (float)((1 << bits) - 1), middle = (float)(1 << (bits - 1));

	for (; n; n -= 32, x += 32, p += codes + 16) {
		float least = x[0], most = x[0], d, inverse, m = 0, zero = middle;

		for (int j = 1; j < 32; j++) {
			least = x[j] < least ? x[j] : least;
			most = x[j] > most ? x[j] : most;
		}
		if (min) {
			m = hx_quant_k_write(p + 2, least);
			zero = 0;
			d = hx_quant_k_write(p, (most - m) / top);
		} else {
			d = hx_quant_k_write(p, (most > -least ? most : least) / -middle);
		}
		inverse = d != 0 ? 1 / d : 0;
		memset(p + head, 0, codes - head + 16);
		for (int j = 0; j < 32; j++) {
			int q = hx_quant_k_code((x[j] - m) * inverse + zero, top);

			p[codes + j % 16] |= (uint8_t)((q & 15) << j / 16 * 4);
			if (bits == 5)
				p[head + j / 8] |= (uint8_t)(q >> 4 << j % 8);
		}
	}
}

static void decode_q4_0(const uint8_t *p, float *x, size_t n)
{
	decode_low(p, x, n, 4, false);
}

static void decode_q4_1(const uint8_t *p, float *x, size_t n)
{
	decode_low(p, x, n, 4, true);
}

static void decode_q5_0(const uint8_t *p, float *x, size_t n)
{
	decode_low(p, x, n, 5, false);
}

static void decode_q5_1(const uint8_t *p, float *x, size_t n)
{
	decode_low(p, x, n, 5, true);
}

static void encode_q4_0(const float *x, uint8_t *p, size_t n)
{
	encode_low(x, p, n, 4, false);
}

static void encode_q4_1(const float *x, uint8_t *p, size_t n)
{
	encode_low(x, p, n, 4, true);
}

static void encode_q5_0(const float *x, uint8_t *p, size_t n)
{
	encode_low(x, p, n, 5, false);
}

static void encode_q5_1(const float *x, uint8_t *p, size_t n)
{
	encode_low(x, p, n, 5, true);
}

static void decode_q8_0(const uint8_t *p, float *x, size_t n)
{
	for (; n; n -= 32, x += 32, p += 34) {
		float d = hx_quant_k_read(p);

		for (int j = 0; j < 32; j++)
			x[j] = d * (float)(int8_t)p[2 + j];
	}
}

static void encode_q8_0(const float *x, uint8_t *p, size_t n)
{
	for (; n; n -= 32, x += 32, p += 34) {
		float most = 0, d, inverse;

		for (int j = 0; j < 32; j++)
			most = most > fabsf(x[j]) ? most : fabsf(x[j]);
		d = hx_quant_k_write(p, most / 127);
		inverse = d != 0 ? 1 / d : 0;
		for (int j = 0; j < 32; j++)
			p[2 + j] = (uint8_t)(hx_quant_k_code(x[j] * inverse + 127, 254) - 127);
	}
}

/* Of n values: a multiple of the block, CHUNK at most. */
static const struct {
	void (*decode)(const uint8_t *p, float *x, size_t n);
	void (*encode)(const float *x, uint8_t *p, size_t n);
} codecs[HX_TYPE_COUNT] = {
	[HX_F32] = {decode_f32, encode_f32},
	[HX_F16] = {decode_f16, encode_f16},
	[HX_BF16] = {decode_bf16, encode_bf16},
	[HX_Q4_0] = {decode_q4_0, encode_q4_0},
	[HX_Q4_1] = {decode_q4_1, encode_q4_1},
	[HX_Q5_0] = {decode_q5_0, encode_q5_0},
	[HX_Q5_1] = {decode_q5_1, encode_q5_1},
	[HX_Q8_0] = {decode_q8_0, encode_q8_0},
	[HX_Q4_K] = {hx_quant_k_decode_q4, hx_quant_k_encode_q4},
	[HX_Q5_K] = {hx_quant_k_decode_q5, hx_quant_k_encode_q5},
	[HX_Q6_K] = {hx_quant_k_decode_q6, hx_quant_k_encode_q6},
};

static size_t chunk(size_t n, size_t at)
{
	return n - at < CHUNK ? n - at : CHUNK;
}

static size_t offset(int type, size_t at)
{
	return at / hx_types[type].block * hx_types[type].bytes;
}

void hx_quant_decode(int type, const void *blocks, float *values, size_t n)
{
	float x[CHUNK];

	for (size_t at = 0; at < n; at += CHUNK) {
		codecs[type].decode((const uint8_t *)blocks + offset(type, at), x, chunk(n, at));
		memcpy((char *)values + at * sizeof(*x), x, chunk(n, at) * sizeof(*x));
	}
}

void hx_quant_encode(int type, const float *values, void *blocks, size_t n)
{
	float x[CHUNK];

	for (size_t at = 0; at < n; at += CHUNK) {
		memcpy(x, (const char *)values + at * sizeof(*x), chunk(n, at) * sizeof(*x));
		if (hx_types[type].block > 1)
			for (size_t i = 0; i < chunk(n, at); i++)
				x[i] = x[i] > 65504 ? 65504 : x[i] < -65504 ? -65504 : x[i] == x[i] ? x[i] : 0;
		codecs[type].encode(x, (uint8_t *)blocks + offset(type, at), chunk(n, at));
	}
}
