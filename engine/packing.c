/* Rows of tensors, requantised. */
#include "engine/packing.h"

#include "engine/err.h"
#include "engine/quant.h"

#include <stdlib.h>
#include <string.h>

static size_t row_bytes(int type, int64_t n)
{
	return (size_t)n / hx_types[type].block * hx_types[type].bytes;
}

int hx_packing_type(int type, const struct hx_gguf_tensor *t)
{
	return type < 0 ? t->type : hx_shape_row_type(type, (int)t->dims[0]);
}

void hx_packing_init(struct hx_packing *p, int type, int in)
{
	*p = (struct hx_packing){type, in, hx_xmalloc(sizeof(float) * (size_t)in), hx_xmalloc(row_bytes(type, in))};
}

void hx_packing_free(struct hx_packing *p)
{
	free(p->values);
	free(p->row);
}

const void *hx_packing_row(struct hx_packing *p, const struct hx_gguf_tensor *t, int64_t row)
{
	const char *from = t ? (const char *)t->data + (size_t)row * row_bytes(t->type, p->in) : NULL;

	if (!t)
		return memset(p->row, 0, row_bytes(p->type, p->in));
	if (t->type == p->type)
		return from;
	hx_quant_decode(t->type, from, p->values, (size_t)p->in);
	hx_quant_encode(p->type, p->values, p->row, (size_t)p->in);
	return p->row;
}
