/* NEON with the dot product instruction, from Armv8.2 on: four products of bytes, added up in 32 bits. */
#if defined(__aarch64__)
#include "engine/cpu/neon.h"
#include "engine/cpu/sets.h"

#include <arm_neon.h>
#include <sys/auxv.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

/* By name: arm_neon.h of older clangs hides it unless the whole program is for processors that have it. */
#define SDOT(sum, code, x, quad) __asm__("sdot %0.4s, %1.16b, %2.4b[" #quad "]" : "+w"(sum) : "w"(code), "w"(x))

struct dots {
	int32x4_t sum;
};

static inline __attribute__((always_inline)) struct dots dots_start(int32_t bias)
{
	return (struct dots){vdupq_n_s32(bias)};
}

static inline __attribute__((always_inline)) void dots_add(struct dots *s, int type, int8x16_t code, int8x16_t x, int quad)
{
	(void)type;
	if (quad == 0)
		SDOT(s->sum, code, x, 0);
	else if (quad == 1)
		SDOT(s->sum, code, x, 1);
	else if (quad == 2)
		SDOT(s->sum, code, x, 2);
	else
		SDOT(s->sum, code, x, 3);
}

static inline __attribute__((always_inline)) int32x4_t dots_end(const struct dots *s, int type)
{
	(void)type;
	return s->sum;
}

#include "engine/cpu/neon_matrix.h"

static bool usable(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}

const struct hx_kernels hx_kernels_neon_dot = {
	"neon-dot", LANES, usable, hx_input_bytes, input, matmul, hx_neon_rms_norm, hx_neon_glu, hx_neon_attend, hx_neon_to_f16,
};

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
