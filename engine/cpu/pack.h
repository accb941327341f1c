/* Layouts of packed matrices (pack.c draws them), for packing and for kernels. */
#ifndef ENGINE_CPU_PACK_H
#define ENGINE_CPU_PACK_H

#include "engine/cpu/kernels.h"

/* A quantised row is cut into blocks of 32 columns, these into 8 quads of 4; blocks stand together in units. Bytes are those of one output. */
struct hx_pack_layout {
	int blocks; /* in a unit */
	int head;   /* bytes of scales, in front of a unit */
	int code;   /* bytes of a block's codes */
	int high;   /* bytes of a block's high bits, behind its codes */
	int offset; /* taken from codes: what code means 0 */
};

extern const struct hx_pack_layout hx_pack_layouts[HX_TYPE_COUNT]; /* all 0 for float types */

/* Blocks of a packed row of length in: in / 32, filled up to whole units with zeros. */
int hx_pack_blocks(int type, int in);

/* Bytes of `lanes` outputs: kernels go from one group to the next. */
size_t hx_pack_group_bytes(int type, int in, int lanes);

static inline bool hx_pack_is_float(int type)
{
	return hx_types[type].block == 1;
}

/* For loops over packed matrices, where a call for each value would cost. */
static inline float hx_pack_f16_value(uint16_t h)
{
	union {
		uint32_t u;
		float f;
	} v = {(uint32_t)(h & 0x7fff) << 13};

	if (v.u >= 0x0f800000) /* infinite, or not a number */
		v.u |= 0x7f800000;
	else
		v.f *= 0x1p112f;
	v.u |= (uint32_t)(h & 0x8000) << 16;
	return v.f;
}

#endif
