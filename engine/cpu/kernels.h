/* Kernels of the CPU: one set for each kind of processor, chosen when the program runs.
 *
 * Row-invariant: what a kernel computes for a row depends on that row alone, bit for bit, never on how many rows stand beside it, nor on how outputs
 * are shared among threads. So every output has one order of summation, fixed by the matrix. */
#ifndef ENGINE_CPU_KERNELS_H
#define ENGINE_CPU_KERNELS_H

#include "engine/shape.h"

/* A matrix as kernels read it: `lanes` outputs side by side (pack.c has the layouts). y = W x: out rows of length in. */
struct hx_matrix {
	int type;    /* enum hx_type */
	int out, in; /* in is a multiple of the type's block; out any */
	int lanes;
	void *data;  /* 64-byte aligned, hx_pack_bytes; outputs beyond `out` are zero */
};

/* Input rows as a matmul takes them: f32 for float weights, else int8 in blocks of 32 values with a scale each. */
struct hx_kernels {
	const char *name; /* as typed: portable, avx2, avx512, neon, neon-dot */
	int lanes;
	bool (*usable)(void); /* on this processor */

	/* Bytes of `rows` input rows of length in, for weights of type. */
	size_t (*input_bytes)(int type, int in, int rows);

	/* Packs rows of x (ldx floats apart) for a matmul of weights of type; of columns, those of [first, last) only, both multiples of 32 or the end.
	 * Threads take columns; a barrier comes before the matmul. */
	void (*input)(int type, const float *x, size_t ldx, int in, int rows, int first, int last, void *packed);

	/* y[r * ldy + o] for outputs o in [first, last), first a multiple of lanes and last too or the end, and all rows r. */
	void (*matmul)(const struct hx_matrix *w, int first, int last, const void *input, int rows, float *y, size_t ldy);

	/* y = x / sqrt(mean(x^2) + eps) * w, over n values; y may be x. */
	void (*rms_norm)(const float *x, const float *w, float eps, int n, float *y);

	/* y = silu(gate) * up, or gelu (tanh); elementwise, n values; y may be gate. */
	void (*glu)(const float *gate, const float *up, bool gelu, int n, float *y);

	/* Attention of one row, for the `heads` query heads that share a key head: q and out are heads x d_head; keys and values are f16, positions x
	 * d_head. scores: scratch of heads x positions floats. */
	void (*attend)(const float *q, int heads, const uint16_t *keys, const uint16_t *values, int positions, int d_head, float scale, float *scores,
		       float *out);

	/* n values to f16. */
	void (*to_f16)(const float *x, int n, uint16_t *y);
};

/* Sets this processor can run, fastest first, NULL-terminated. */
const struct hx_kernels *const *hx_kernels_usable(void);

/* The set of that name, or NULL where there is none that this processor can run; NULL: the fastest. */
const struct hx_kernels *hx_kernels_find(const char *name);

/* Bytes of a packed matrix, and packing the outputs [first, last) of it, those before them in the same lanes being packed already: rows are in the
 * file's format, whole rows one behind the other, starting at output `first`. */
size_t hx_pack_bytes(int type, int out, int in, int lanes);
void hx_pack(const struct hx_matrix *w, int first, int last, const void *rows);

/* Zeroed memory for a matrix, 64-byte aligned, on huge pages where the system gives them. */
void *hx_pack_alloc(size_t bytes);
void hx_pack_free(void *data);

#endif
