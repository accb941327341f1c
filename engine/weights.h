/* The weights of a model on threads, packed for a kernel set: read once from the file, requantised where asked. Those on devices are opencl/run.h. */
#ifndef ENGINE_WEIGHTS_H
#define ENGINE_WEIGHTS_H

#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"
#include "engine/graph.h"
#include "engine/model.h"
#include "engine/place.h"

struct hx_weights_layer {
	struct hx_matrix q, k, v, attn_out, gate, up, down; /* without data where operators run elsewhere */
	float *attn_norm, *attn_post_norm, *ffn_norm, *ffn_post_norm, *q_norm, *k_norm; /* NULL: none */
	float *q_bias, *k_bias, *v_bias;                                                 /* NULL: none */
};

struct hx_weights {
	const struct hx_model *model;     /* borrowed; embeddings are read from its file */
	const struct hx_kernels *kernels;
	int type;                         /* enum hx_type; -1: as in the file */
	struct hx_weights_layer *layers;
	struct hx_matrix head;
	void *matrices;                   /* their memory, in one piece: on huge pages, however small they are */
	float *norm;
	double bytes;                     /* held in memory */
};

/* What is loaded: matrices of the graph's operators whose unit's place is threads. No graph: all. */
struct hx_weights_wanted {
	const struct hx_model *model;
	int type; /* enum hx_type to requantise to, -1: as in the file */
	const struct hx_kernels *kernels;
	const struct hx_graph *graph;
	const struct hx_place *places;
};

/* Bytes that loading takes, without loading. */
double hx_weights_bytes(const struct hx_weights_wanted *what);

/* Loads on the threads of a pool. The model outlives the weights. */
void hx_weights_load(struct hx_weights *w, const struct hx_weights_wanted *what, struct hx_pool *pool);
/* Whether the weights hold all matrices of a graph's operators on threads. */
bool hx_weights_suffice(const struct hx_weights *w, const struct hx_graph *g, const struct hx_place *places);
void hx_weights_free(struct hx_weights *w);

/* The embedding of a token, d_model values, as the quantised table has it and scaled as the model wants it. */
void hx_weights_embed(const struct hx_weights *w, int token, float *x);

#endif
