/* Kernels in plain C, for any processor: what there is where nothing faster runs, and what the others are compared with. A row at a time, so that
 * it is row-invariant without effort. */
#include "engine/cpu/input.h"
#include "engine/cpu/sets.h"
#include "engine/quant.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 };

/* A block of LANES outputs: value = scale x (code - offset) - min, the scale of the first and of the second 16 columns. */
struct block {
	int16_t code[32][LANES];
	float scale[2][LANES], min[LANES];
};

static float f16_at(const uint8_t *head, int n, int lane)
{
	uint16_t h;

	memcpy(&h, head + 2 * (n * LANES + lane), 2);
	return hx_pack_f16_value(h);
}

static void read_scales(int type, const uint8_t *head, int b, struct block *o)
{
	for (int l = 0; l < LANES; l++) {
		float d = f16_at(head, type == HX_Q6_K || type == HX_Q4_K || type == HX_Q5_K ? 0 : b, l);

		o->scale[0][l] = o->scale[1][l] = d;
		o->min[l] = 0;
		if (type == HX_Q4_1 || type == HX_Q5_1) {
			o->min[l] = -f16_at(head, 2 + b, l);
		} else if (type == HX_Q4_K || type == HX_Q5_K) {
			o->scale[0][l] = o->scale[1][l] = d * head[(4 + b) * LANES + l];
			o->min[l] = f16_at(head, 1, l) * head[(12 + b) * LANES + l];
		} else if (type == HX_Q6_K) {
			o->scale[0][l] = d * (int8_t)head[(2 + 2 * b) * LANES + l];
			o->scale[1][l] = d * (int8_t)head[(3 + 2 * b) * LANES + l];
		}
	}
}

static void read_codes(int type, const uint8_t *codes, struct block *o)
{
	const uint8_t *high = codes + hx_pack_layouts[type].code * LANES;

	for (int i = 0; i < 32; i++) {
		int quad = i / 4, offset = hx_pack_layouts[type].offset;

		for (int l = 0; l < LANES; l++) {
			int n = quad * LANES * 4 + l * 4 + i % 4; /* in vectors of all 8 quads */
			int nibbles = quad % 4 * LANES * 4 + l * 4 + i % 4, planes = quad % 2 * LANES * 4 + l * 4 + i % 4, code;

			if (type == HX_Q8_0) {
				o->code[i][l] = (int8_t)codes[n];
				continue;
			}
			code = codes[nibbles] >> quad / 4 * 4 & 15;
			if (type == HX_Q6_K)
				code |= (high[planes] >> quad / 2 * 2 & 3) << 4;
			else if (hx_pack_layouts[type].high)
				code |= (high[n / 8] >> n % 8 & 1) << 4;
			o->code[i][l] = (int16_t)(code - offset);
		}
	}
}

/* y += the block's outputs for an input row's block. */
static void add_block(const struct block *w, const uint8_t *record, bool has_min, float *y)
{
	struct hx_input_block x;
	int32_t dot[2][LANES] = {{0}};

	memcpy(&x, record, 40);
	for (int i = 0; i < 32; i++)
		for (int l = 0; l < LANES; l++)
			dot[i / 16][l] += w->code[i][l] * x.q[i];
	for (int l = 0; l < LANES; l++) {
		y[l] += x.d * (w->scale[0][l] * (float)dot[0][l] + w->scale[1][l] * (float)dot[1][l]);
		if (has_min)
			y[l] -= w->min[l] * x.sum;
	}
}

static void quantised_group(int type, int in, const uint8_t *group, const uint8_t *tile, int rows, float y[][LANES])
{
	const struct hx_pack_layout *p = &hx_pack_layouts[type];
	int block_bytes = LANES * (p->code + p->high), head_bytes = LANES * p->head, unit_bytes = head_bytes + p->blocks * block_bytes;
	size_t record = hx_input_record(type);
	struct block w;

	for (int b = 0; b < in / 32; b++) {
		const uint8_t *unit = group + (size_t)(b / p->blocks) * (size_t)unit_bytes;

		read_scales(type, unit, b % p->blocks, &w);
		read_codes(type, unit + head_bytes + b % p->blocks * block_bytes, &w);
		for (int r = 0; r < rows; r++)
			add_block(&w, tile + (size_t)(b * rows + r) * record, !p->offset, y[r]);
	}
}

static float float_at(int type, const uint8_t *p)
{
	uint16_t h;
	uint32_t bits;
	float f;

	if (type == HX_F32) {
		memcpy(&f, p, 4);
		return f;
	}
	memcpy(&h, p, 2);
	if (type == HX_F16)
		return hx_pack_f16_value(h);
	bits = (uint32_t)h << 16;
	memcpy(&f, &bits, 4);
	return f;
}

static void float_group(int type, int in, const uint8_t *group, const float *tile, int rows, float y[][LANES])
{
	size_t size = hx_types[type].bytes;

	for (int j = 0; j < in; j++)
		for (int l = 0; l < LANES; l++) {
			float w = float_at(type, group + ((size_t)j * LANES + (size_t)l) * size);

			for (int r = 0; r < rows; r++)
				y[r][l] += w * tile[(size_t)j * (size_t)rows + (size_t)r];
		}
}

static void matmul(const struct hx_matrix *w, int first, int last, const void *input, int rows, float *y, size_t ldy)
{
	size_t group_bytes = hx_pack_group_bytes(w->type, w->in, LANES);

	for (int o = first; o < last; o += LANES) {
		const uint8_t *group = (const uint8_t *)w->data + (size_t)(o / LANES) * group_bytes;
		int n = last - o < LANES ? last - o : LANES;

		for (int r = 0; r < rows; r += HX_INPUT_TILE) {
			int tile_rows = rows - r < HX_INPUT_TILE ? rows - r : HX_INPUT_TILE;
			const void *tile = hx_input_tile(w->type, w->in, input, r);
			float sums[HX_INPUT_TILE][LANES] = {{0}};

			if (hx_pack_is_float(w->type))
				float_group(w->type, w->in, group, tile, tile_rows, sums);
			else
				quantised_group(w->type, w->in, group, tile, tile_rows, sums);
			for (int i = 0; i < tile_rows; i++)
				memcpy(y + (size_t)(r + i) * ldy + o, sums[i], (size_t)n * sizeof(float));
		}
	}
}

static void input(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed)
{
	hx_input_pack(type, x, ldx, in, rows, first, last, packed, HX_INPUT_TILE, hx_input_quantise_portable);
}

static void rms_norm(const float *x, const float *w, float eps, int n, float *y)
{
	float sum[LANES] = {0}, scale;

	for (int i = 0; i < n; i++)
		sum[i % LANES] += x[i] * x[i];
	for (int l = 1; l < LANES; l++)
		sum[0] += sum[l];
	scale = 1 / sqrtf(sum[0] / (float)n + eps);
	for (int i = 0; i < n; i++)
		y[i] = x[i] * scale * w[i];
}

/* gelu's tanh is a logistic function: (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)). */
static void glu(const float *gate, const float *up, bool gelu, int n, float *y)
{
	for (int i = 0; i < n; i++) {
		float g = gate[i], u = gelu ? 1.5957691216057308f * (g + 0.044715f * g * g * g) : g;

		y[i] = g / (1 + expf(-u)) * up[i];
	}
}

static float dot_f16(const float *x, const uint16_t *h, int n)
{
	float sum[LANES] = {0};

	for (int i = 0; i < n; i++)
		sum[i % LANES] += x[i] * hx_pack_f16_value(h[i]);
	for (int l = 1; l < LANES; l++)
		sum[0] += sum[l];
	return sum[0];
}

static void attend(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale,
		   float *scores, float *out)
{
	for (int h = 0; h < heads; h++, q += d_head, out += d_head) {
		float most = -INFINITY, sum = 0;

		for (int t = 0; t < positions; t++) {
			scores[t] = scale * dot_f16(q, keys + (size_t)t * (size_t)d_head, d_head);
			most = scores[t] > most ? scores[t] : most;
		}
		for (int t = 0; t < positions; t++)
			sum += scores[t] = expf(scores[t] - most);
		memset(out, 0, (size_t)d_head * sizeof(float));
		for (int t = 0; t < positions; t++)
			for (int i = 0; i < d_head; i++)
				out[i] += scores[t] * hx_pack_f16_value(values[(size_t)t * (size_t)d_head + (size_t)i]);
		for (int i = 0; i < d_head; i++)
			out[i] /= sum;
	}
}

static void to_f16(const float *x, int n, uint16_t *y)
{
	for (int i = 0; i < n; i++)
		y[i] = hx_quant_f16(x[i]);
}

static bool always(void)
{
	return true;
}

const struct hx_kernels hx_kernels_portable = {"portable", LANES, always, hx_input_bytes, input, matmul, rms_norm, glu, attend, to_f16};
