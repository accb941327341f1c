/* Packing: from rows of a file's blocks to groups of L = `lanes` outputs side by side, so that one instruction works on L outputs and a thread that
 * takes groups one after the other reads one contiguous range of memory.
 *
 * Float types: for each column, L values in the file's bits.
 * Quantised types: units one behind the other, each of
 *   head          q8_0 q4_0 q5_0   2 blocks: d[2][L] f16
 *                 q4_1 q5_1        2 blocks: d[2][L], m[2][L] f16
 *                 q4_k q5_k        8 blocks: d[L], dmin[L] f16, scale[8][L], min[8][L] u8
 *                 q6_k             8 blocks: d[L] f16, scale[8][2][L] s8
 *   then for each block
 *     codes       q8_0: code[8 quads][L][4] s8, with 16 lanes (AVX-512's dot product wants it) u8 which is 128 more
 *                 others: code[4][L][4], the low nibbles of quads 0 to 3, the high nibbles of quads 4 to 7
 *     high bits   q5_0 q5_1 q5_k: bit[8 quads][L][4], L/2 bytes for each quad
 *                 q6_k: high[2][L][4], where high[p] has quads p, p + 2, p + 4, p + 6, two bits each, the lowest first
 * A quad's L x 4 bytes against 4 bytes of an input row, broadcast, is L dot products. Two blocks stand together so that with 16 lanes all but q6_k is
 * aligned to cache lines. */
#include "engine/cpu/pack.h"

#include <string.h>

/* Where a block is in a file's row, and where it goes. */
struct place {
	const struct hx_pack_layout *layout;
	const uint8_t *from;
	uint8_t *head, *codes; /* of the unit, of the block */
	int block;             /* in the unit */
	int lane, lanes;
};

size_t hx_pack_group_bytes(int type, int in, int lanes)
{
	const struct hx_pack_layout *l = &hx_pack_layouts[type];

	if (hx_pack_is_float(type))
		return (size_t)in * (size_t)lanes * hx_types[type].bytes;
	return (size_t)(hx_pack_blocks(type, in) / l->blocks) * (size_t)(lanes * (l->head + l->blocks * (l->code + l->high)));
}

size_t hx_pack_bytes(int type, int out, int in, int lanes)
{
	return (size_t)((out + lanes - 1) / lanes) * hx_pack_group_bytes(type, in, lanes);
}

/* An f16 of the file to number n of the head's f16 arrays. */
static void put_f16(const struct place *p, int n, const uint8_t *from)
{
	memcpy(p->head + 2 * (n * p->lanes + p->lane), from, 2);
}

static void put_codes(const struct place *p, const uint8_t *v)
{
	for (int g = 0; g < 4; g++)
		for (int c = 0; c < 4; c++)
			p->codes[(g * p->lanes + p->lane) * 4 + c] = (uint8_t)((v[4 * g + c] & 15) | v[4 * g + c + 16] << 4);
}

static uint8_t *high_bits(const struct place *p)
{
	return p->codes + p->layout->code * p->lanes;
}

/* The fifth bits. */
static void put_fifth(const struct place *p, const uint8_t *v)
{
	for (int i = 0; i < 32; i++) {
		int bit = (i / 4 * p->lanes + p->lane) * 4 + i % 4;

		high_bits(p)[bit / 8] |= (uint8_t)((v[i] >> 4 & 1) << bit % 8);
	}
}

static void pack_q8_0(const struct place *p)
{
	int flip = p->lanes == 16 ? 0x80 : 0;

	put_f16(p, p->block, p->from);
	for (int i = 0; i < 32; i++)
		p->codes[(i / 4 * p->lanes + p->lane) * 4 + i % 4] = (uint8_t)(p->from[2 + i] ^ flip);
}

/* q4_0, q4_1, q5_0, q5_1: d, perhaps m, perhaps 32 fifth bits, nibbles. */
static void pack_small(const struct place *p)
{
	const uint8_t *from = p->from;
	uint8_t v[32];

	put_f16(p, p->block, from);
	from += 2;
	if (p->layout->head == 8) {
		put_f16(p, 2 + p->block, from);
		from += 2;
	}
	memset(v, 0, sizeof(v));
	if (p->layout->high) {
		for (int i = 0; i < 32; i++)
			v[i] = (uint8_t)((from[i / 8] >> i % 8 & 1) << 4);
		from += 4;
	}
	for (int i = 0; i < 16; i++) {
		v[i] |= from[i] & 15;
		v[i + 16] |= from[i] >> 4;
	}
	put_codes(p, v);
	if (p->layout->high)
		put_fifth(p, v);
}

/* q4_k, q5_k: d, dmin, 8 scales and 8 minima of 6 bits in 12 bytes, perhaps fifth bits (bit b of byte i: value i of block b), nibbles (of blocks 2n
 * and 2n + 1 in 32 bytes). */
static void pack_k(const struct place *p)
{
	const uint8_t *s = p->from + 4, *nibbles = p->from + (p->layout->high ? 48 : 16) + p->block / 2 * 32;
	int b = p->block;
	uint8_t v[32], *scales = p->head + 4 * p->lanes;

	put_f16(p, 0, p->from);
	put_f16(p, 1, p->from + 2);
	scales[b * p->lanes + p->lane] = b < 4 ? s[b] & 63 : (uint8_t)((s[b + 4] & 15) | s[b - 4] >> 6 << 4);
	scales[(8 + b) * p->lanes + p->lane] = b < 4 ? s[b + 4] & 63 : (uint8_t)(s[b + 4] >> 4 | s[b] >> 6 << 4);
	for (int i = 0; i < 32; i++)
		v[i] = (uint8_t)((nibbles[i] >> 4 * (b % 2) & 15) | (p->layout->high ? (p->from[16 + i] >> b & 1) << 4 : 0));
	put_codes(p, v);
	if (p->layout->high)
		put_fifth(p, v);
}

/* 128 bytes of nibbles, 64 of high bits, 16 scales, d: of every half, 4 blocks, nibbles of blocks b and b + 2 are together, high bits of all four. */
static void pack_q6_k(const struct place *p)
{
	int half = p->block / 4, b = p->block % 4;
	const uint8_t *nibbles = p->from + 64 * half + b % 2 * 32, *high = p->from + 128 + 32 * half;
	uint8_t v[32];

	put_f16(p, 0, p->from + 208);
	for (int i = 0; i < 2; i++)
		p->head[(2 + p->block * 2 + i) * p->lanes + p->lane] = p->from[192 + p->block * 2 + i];
	for (int i = 0; i < 32; i++)
		v[i] = (uint8_t)((nibbles[i] >> b / 2 * 4 & 15) | (high[i] >> 2 * b & 3) << 4);
	put_codes(p, v);
	for (int i = 0; i < 32; i++) {
		int quad = i / 4;

		high_bits(p)[(quad % 2 * p->lanes + p->lane) * 4 + i % 4] |= (uint8_t)(v[i] >> 4 << quad / 2 * 2);
	}
}

static void (*const packers[HX_TYPE_COUNT])(const struct place *p) = {
	[HX_Q4_0] = pack_small, [HX_Q4_1] = pack_small, [HX_Q5_0] = pack_small, [HX_Q5_1] = pack_small,
	[HX_Q8_0] = pack_q8_0,  [HX_Q4_K] = pack_k,     [HX_Q5_K] = pack_k,     [HX_Q6_K] = pack_q6_k,
};

static void pack_float_row(const struct hx_matrix *w, uint8_t *group, int lane, const uint8_t *row)
{
	size_t size = hx_types[w->type].bytes;

	for (int j = 0; j < w->in; j++)
		memcpy(group + ((size_t)j * (size_t)w->lanes + (size_t)lane) * size, row + (size_t)j * size, size);
}

static void pack_row(const struct hx_matrix *w, uint8_t *group, int lane, const uint8_t *row)
{
	const struct hx_pack_layout *l = &hx_pack_layouts[w->type];
	const struct hx_type_info *t = &hx_types[w->type];
	size_t unit = (size_t)(w->lanes * (l->head + l->blocks * (l->code + l->high)));

	for (int i = 0; i < w->in / 32; i++) {
		int block = i % l->blocks;
		uint8_t *head = group + (size_t)(i / l->blocks) * unit;
		struct place p = {.layout = l,
				  .from = row + (size_t)i * 32 / t->block * t->bytes,
				  .head = head,
				  .block = block,
				  .lane = lane,
				  .lanes = w->lanes,
				  .codes = head + w->lanes * (l->head + block * (l->code + l->high))};

		packers[w->type](&p);
	}
}

void hx_pack(const struct hx_matrix *w, int first, int last, const void *rows)
{
	size_t row_bytes = (size_t)w->in / hx_types[w->type].block * hx_types[w->type].bytes;
	size_t group_bytes = hx_pack_group_bytes(w->type, w->in, w->lanes);

	for (int o = first; o < last; o++) {
		uint8_t *group = (uint8_t *)w->data + (size_t)(o / w->lanes) * group_bytes;
		const uint8_t *row = (const uint8_t *)rows + (size_t)(o - first) * row_bytes;

		if (o % w->lanes == 0)
			memset(group, 0, group_bytes);
		(hx_pack_is_float(w->type) ? pack_float_row : pack_row)(w, group, o % w->lanes, row);
	}
}
