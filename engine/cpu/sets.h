/* The kernel sets; those of other processors are not built. */
#ifndef ENGINE_CPU_SETS_H
#define ENGINE_CPU_SETS_H

#include "engine/cpu/kernels.h"

extern const struct hx_kernels hx_kernels_portable;
extern const struct hx_kernels hx_kernels_avx2, hx_kernels_avx512;
extern const struct hx_kernels hx_kernels_neon, hx_kernels_neon_dot;

#endif
