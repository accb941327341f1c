/* Packing of input rows: see input.h. */
#include "engine/cpu/input.h"

#include <math.h>
#include <string.h>

size_t hx_input_bytes(int type, int in, int rows)
{
	return (size_t)rows * hx_input_row_bytes(type, in);
}

void hx_input_quantise_portable(const float *x, int8_t *q, float *d, int32_t sums[2])
{
	float most = 0;
	bool defined = true;

	for (int i = 0; i < 32; i++) {
		defined = defined && isfinite(x[i]);
		most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
	}
	sums[0] = sums[1] = 0;
	*d = defined ? most / 127 : NAN;
	if (!defined || most < 1e-36f) {
		*d = defined ? 0 : NAN;
		memset(q, 0, 32);
		return;
	}
	for (int i = 0; i < 32; i++) {
		q[i] = (int8_t)lrintf(x[i] * (127 / most));
		sums[i / 16] += q[i];
	}
}

static void pack_floats(const float *x, size_t ldx, int rows, int first, int last, float *tile)
{
	for (int r = 0; r < rows; r++)
		for (int j = first; j < last; j++)
			tile[j * rows + r] = x[(size_t)r * ldx + (size_t)j];
}

static void pack_block(int type, const float *x, uint8_t *record, hx_input_quantise *quantise)
{
	int offset = hx_pack_layouts[type].offset;
	struct hx_input_block b;
	int32_t sums[2];

	quantise(x, b.q, &b.d, sums);
	if (type == HX_Q6_K) {
		b.bias[0] = -offset * sums[0];
		b.bias[1] = -offset * sums[1];
	} else if (offset) {
		b.bias[0] = -offset * (sums[0] + sums[1]);
	} else {
		b.sum = b.d * (float)(sums[0] + sums[1]);
	}
	memcpy(record, &b, hx_input_record(type));
}

void hx_input_pack(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed, int tile,
		   hx_input_quantise *quantise)
{
	size_t record = hx_input_record(type);

	for (int r = 0; r < rows; r += tile) {
		int tile_rows = rows - r < tile ? rows - r : tile;
		uint8_t *to = (uint8_t *)hx_input_tile(type, in, packed, r);
		const float *from = x + (size_t)r * ldx;

		if (hx_pack_is_float(type)) {
			pack_floats(from, ldx, tile_rows, first, last, (float *)to);
			continue;
		}
		for (int b = first / 32; b < last / 32; b++)
			for (int i = 0; i < tile_rows; i++)
				pack_block(type, from + (size_t)i * ldx + (size_t)b * 32, to + (size_t)(b * tile_rows + i) * record,
					   quantise);
		if (last == in)
			memset(to + (size_t)(in / 32 * tile_rows) * record, 0,
			       (size_t)((hx_pack_blocks(type, in) - in / 32) * tile_rows) * record);
	}
}
