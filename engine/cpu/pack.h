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

/* All 0 for float types. Here, so that it folds into kernels made for one type. */
static const struct hx_pack_layout hx_pack_layouts[HX_TYPE_COUNT] = {
	[HX_Q4_0] = {2, 4, 16, 0, 8},   [HX_Q4_1] = {2, 8, 16, 0, 0},  [HX_Q5_0] = {2, 4, 16, 4, 16}, [HX_Q5_1] = {2, 8, 16, 4, 0},
	[HX_Q8_0] = {2, 4, 32, 0, 128}, [HX_Q4_K] = {8, 20, 16, 0, 0}, [HX_Q5_K] = {8, 20, 16, 4, 0}, [HX_Q6_K] = {8, 18, 16, 8, 32},
};

/* Blocks of a packed row of length in: in / 32, filled up to whole units with zeros. */
static inline int hx_pack_blocks(int type, int in)
{
	int unit = hx_pack_layouts[type].blocks;

	return (in / 32 + unit - 1) / unit * unit;
}

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
