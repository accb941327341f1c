/* AVX-512 kernels that are not matrices: see kernels.h and input.h. */
#ifndef ENGINE_CPU_AVX512_H
#define ENGINE_CPU_AVX512_H

#include "engine/cpu/input.h"

hx_input_quantise hx_avx512_quantise;
void hx_avx512_rms_norm(const float *x, const float *w, float eps, int n, float *y);
void hx_avx512_glu(const float *gate, const float *up, bool gelu, int n, float *y);
void hx_avx512_attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale,
		      float *scores, float *out);
void hx_avx512_to_f16(const float *x, int n, uint16_t *y);

#endif
