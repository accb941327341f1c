/* A model as a GGUF file describes it: its shape, the constants of its arithmetic, and which tensor plays which part. Knows the architectures;
 * loads no weights (weights.h). */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include "engine/gguf.h"
#include "engine/shape.h"

/* Parts of a layer; those that a model lacks are NULL. Matrices have rows of dims[0] inputs, dims[1] of them. */
enum hx_part {
	HX_PART_ATTN_NORM, HX_PART_Q, HX_PART_K, HX_PART_V, HX_PART_Q_BIAS, HX_PART_K_BIAS, HX_PART_V_BIAS, HX_PART_Q_NORM, HX_PART_K_NORM,
	HX_PART_ATTN_OUT, HX_PART_ATTN_POST_NORM, HX_PART_FFN_NORM, HX_PART_GATE, HX_PART_UP, HX_PART_DOWN, HX_PART_FFN_POST_NORM,
	HX_PART_COUNT
};

struct hx_layer {
	const struct hx_gguf_tensor *part[HX_PART_COUNT];
};

struct hx_model {
	struct hx_gguf *gguf;  /* owned */
	struct hx_shape shape; /* owned, strings too */
	double norm_eps;
	double embed_scale;    /* what embeddings are multiplied with: 1, Gemma: sqrt(d_model) */
	double attn_scale;     /* of q k: mostly 1/sqrt(d_head) */
	bool gelu;             /* GELU (tanh) in the place of SiLU in the gated unit */
	bool rope_pairs;       /* rotates neighbours (2i, 2i+1), as llama's permuted weights want; else halves (i, i + n/2) */
	int rope_dims;         /* of a head, rotated */
	double rope_theta, rope_theta_local; /* base; that of layers with a window */
	double rope_scale;     /* linear scaling: positions are divided by it in layers without a window; 1: none */
	float *rope_factors;   /* rope_dims/2 divisors of the frequencies (Llama 3), or NULL; owned */
	const struct hx_gguf_tensor *embed, *norm, *head; /* head is embed where tied */
	struct hx_layer *layers;
	double file_bytes;     /* of all tensors as they are in the file */
	int type;              /* enum hx_type that most weights have */
};

/* Reads the metadata of a GGUF and checks every tensor's shape against it. HX_INPUT: an architecture, activation or scaling that is not
 * supported, by name; a missing or misshapen tensor. The model belongs to the caller: hx_model_free. */
int hx_model_open(struct hx_model *m, const char *path, struct hx_err *err);

/* The same of an opened file, which the model then owns, also on failure. */
int hx_model_read(struct hx_model *m, struct hx_gguf *gguf, struct hx_err *err);
void hx_model_free(struct hx_model *m);

#endif
