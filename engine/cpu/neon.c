/* NEON as every 64-bit Arm processor has it: bytes are multiplied to 16 bits, where products are added up as long as they fit. */
#if defined(__aarch64__)
#include "engine/cpu/neon.h"
#include "engine/cpu/sets.h"

#include <arm_neon.h>

/* Of outputs 0 and 1, of outputs 2 and 3: two pairs of columns each. */
struct dots {
	int16x8_t products[2];
	int32x4_t sums[2];
	int32x4_t bias;
	int n; /* quads in products */
};

static inline __attribute__((always_inline)) struct dots dots_start(int32_t bias)
{
	return (struct dots){{vdupq_n_s16(0), vdupq_n_s16(0)}, {vdupq_n_s32(0), vdupq_n_s32(0)}, vdupq_n_s32(bias), 0};
}

/* Codes below 32 times 127 fit 8 times, those below 64 four times, which is all that one sum of q6_k has; signed bytes twice. */
static inline __attribute__((always_inline)) void dots_add(struct dots *s, int type, int8x16_t code, int8x16_t x, int quad)
{
	const int32x4_t quads = vreinterpretq_s32_s8(x);
	const int8x16_t same = vreinterpretq_s8_s32(quad == 0   ? vdupq_laneq_s32(quads, 0)
						    : quad == 1 ? vdupq_laneq_s32(quads, 1)
						    : quad == 2 ? vdupq_laneq_s32(quads, 2)
								: vdupq_laneq_s32(quads, 3));

	s->products[0] = vmlal_s8(s->products[0], vget_low_s8(code), vget_low_s8(same));
	s->products[1] = vmlal_high_s8(s->products[1], code, same);
	if (type == HX_Q8_0 && ++s->n % 2 == 0)
		for (int i = 0; i < 2; i++) {
			s->sums[i] = vpadalq_s16(s->sums[i], s->products[i]);
			s->products[i] = vdupq_n_s16(0);
		}
}

static inline __attribute__((always_inline)) int32x4_t dots_end(const struct dots *s, int type)
{
	if (type == HX_Q8_0)
		return vaddq_s32(s->bias, vpaddq_s32(s->sums[0], s->sums[1]));
	return vaddq_s32(s->bias, vpaddq_s32(vpaddlq_s16(s->products[0]), vpaddlq_s16(s->products[1])));
}

#include "engine/cpu/neon_matrix.h"

static bool usable(void)
{
	return true;
}

const struct hx_kernels hx_kernels_neon = {
	"neon", LANES, usable, hx_input_bytes, input, matmul, hx_neon_rms_norm, hx_neon_glu, hx_neon_attend, hx_neon_to_f16,
};
#endif
