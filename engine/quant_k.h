/* Shared by the block formats: quant.c, quant_k.c. */
#ifndef ENGINE_QUANT_K_H
#define ENGINE_QUANT_K_H

#include "engine/quant.h"

#include <math.h>

/* A half where it lies. Writing gives the value as written. */
static inline float hx_quant_k_read(const uint8_t *p)
{
	return hx_quant_f16_value((uint16_t)(p[0] | p[1] << 8));
}

static inline float hx_quant_k_write(uint8_t *p, float v)
{
	uint16_t h = hx_quant_f16(v);

	p[0] = (uint8_t)h;
	p[1] = (uint8_t)(h >> 8);
	return hx_quant_f16_value(h);
}

/* The nearest whole number from 0 to top; halves go up. */
static inline int hx_quant_k_code(float v, float top)
{
	v = v < 0 ? 0 : v;
	return (int)((v > top ? top : v) + 0.5f);
}

/* n values, a multiple of 256, none beyond 65504. */
void hx_quant_k_decode_q4(const uint8_t *p, float *x, size_t n);
void hx_quant_k_decode_q5(const uint8_t *p, float *x, size_t n);
void hx_quant_k_decode_q6(const uint8_t *p, float *x, size_t n);
void hx_quant_k_encode_q4(const float *x, uint8_t *p, size_t n);
void hx_quant_k_encode_q5(const float *x, uint8_t *p, size_t n);
void hx_quant_k_encode_q6(const float *x, uint8_t *p, size_t n);

#endif
