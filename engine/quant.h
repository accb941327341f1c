/* Block formats of GGUF tensors, to and from f32: the reference, and what files are requantised with. The layouts that kernels read are in cpu/. */
#ifndef ENGINE_QUANT_H
#define ENGINE_QUANT_H

#include "engine/shape.h"

float hx_quant_f16_value(uint16_t h);
uint16_t hx_quant_f16(float v); /* nearest, ties to even */

/* n values, a multiple of the type's block, from and to n / block blocks of `type`. Neither need be aligned. Encoding is deterministic. */
void hx_quant_decode(int type, const void *blocks, float *values, size_t n);
void hx_quant_encode(int type, const float *values, void *blocks, size_t n);

#endif
