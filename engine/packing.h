/* From rows of a file's tensors to rows of packed matrices, requantised where asked: what weights on threads (weights.c) and on devices (opencl/weights.c) share. */
#ifndef ENGINE_PACKING_H
#define ENGINE_PACKING_H

#include "engine/gguf.h"
#include "engine/shape.h"

/* The type that a tensor is held in: enum hx_type to requantise to, -1: as in the file. */
int hx_packing_type(int type, const struct hx_gguf_tensor *t);

/* Scratch for rows of one type and length. */
struct hx_packing {
	int type, in;
	float *values;
	void *row;
};

void hx_packing_init(struct hx_packing *p, int type, int in);
void hx_packing_free(struct hx_packing *p);

/* A row of a tensor in blocks of the scratch's type, borrowed until the next call; zeros where t is NULL. */
const void *hx_packing_row(struct hx_packing *p, const struct hx_gguf_tensor *t, int64_t row);

#endif
