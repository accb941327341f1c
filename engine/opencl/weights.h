/* Weights as a device holds them: between weights.c, which puts them there, and ops.c, which runs on them. */
#ifndef ENGINE_OPENCL_WEIGHTS_H
#define ENGINE_OPENCL_WEIGHTS_H

#include "engine/opencl/form.h"
#include "engine/opencl/run.h"

/* Outputs [first, first + n) of a matrix, in a buffer that the device allows. */
struct hx_cl_piece {
	cl_mem data;
	int first, n; /* first: a multiple of the lanes */
};

/* Tensors with one input, packed one behind the other (engine/cpu/pack.c), so that one launch serves them all. */
struct hx_cl_matrix {
	int type, in, out;
	struct hx_cl_piece *pieces;
	int n_pieces;
	cl_mem bias; /* NULL: none */
};

/* Of an operator. Several where types differ: queries, keys and values; gate and up, which otherwise take turns, half of a work-item's outputs each. */
struct hx_cl_matrices {
	struct hx_cl_matrix v[3];
	int n;
};

struct hx_cl_layer {
	struct hx_cl_matrices qkv, attn_out, up, down; /* none: the operator runs elsewhere */
	cl_mem attn_norm, attn_post_norm, ffn_norm, ffn_post_norm, q_norm, k_norm; /* NULL: the model has none, or elsewhere */
};

struct hx_cl_weights {
	struct hx_cl *cl;
	const struct hx_model *model;
	struct hx_cl_layer *layers;
	struct hx_cl_matrices embed, head; /* embed: none where the head is the same table */
	cl_mem norm;
	bool quantised; /* some matrix is: rows are wanted as codes */
};

#endif
