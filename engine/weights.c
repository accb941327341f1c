/* Weights: from the tensors of a file to packed matrices. */
#include "engine/weights.h"

#include "engine/packing.h"
#include "engine/quant.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

struct job {
	const struct hx_gguf_tensor *tensor;
	const struct hx_matrix *matrix;
};

static void pack_share(void *arg, int thread, int threads)
{
	const struct job *job = arg;
	const struct hx_matrix *m = job->matrix;
	struct hx_packing rows;
	int64_t first, last;

	hx_packing_init(&rows, m->type, m->in);
	hx_pool_share(m->out, m->lanes, thread, threads, &first, &last);
	for (int64_t o = first; o < last; o++)
		hx_pack(m, (int)o, (int)o + 1, hx_packing_row(&rows, job->tensor, o));
	hx_packing_free(&rows);
}

/* Bytes of a tensor packed, so that the next one is aligned too. */
static size_t packed_bytes(const struct hx_weights_wanted *what, const struct hx_gguf_tensor *t)
{
	int type = hx_packing_type(what->type, t);

	return (hx_pack_bytes(type, (int)t->dims[1], (int)t->dims[0], what->kernels->lanes) + ALIGN - 1) / ALIGN * ALIGN;
}

static bool is_here(const struct hx_weights_wanted *what, int op, int layer)
{
	return !what->graph || what->places[hx_graph_unit(what->graph, op, layer)].pool;
}

/* Packs a tensor at `at`; returns what is behind it. */
static char *load_matrix(struct hx_weights *w, const struct hx_weights_wanted *what, struct hx_matrix *m, const struct hx_gguf_tensor *t, struct hx_pool *pool,
			 char *at)
{
	size_t bytes = packed_bytes(what, t);

	*m = (struct hx_matrix){hx_packing_type(what->type, t), (int)t->dims[1], (int)t->dims[0], what->kernels->lanes, at};
	w->bytes += (double)bytes;
	hx_pool_run(pool, pack_share, &(struct job){t, m});
	return at + bytes;
}

static float *load_vector(struct hx_weights *w, const struct hx_gguf_tensor *t)
{
	float *v;

	if (!t)
		return NULL;
	v = hx_xmalloc(sizeof(*v) * (size_t)t->dims[0]);
	hx_quant_decode(t->type, t->data, v, (size_t)t->dims[0]);
	w->bytes += sizeof(*v) * (double)t->dims[0];
	return v;
}

/* Where the parts of a layer are kept, and which operator needs a matrix. */
static const struct {
	int part;
	size_t at;
	int op;
} matrices[] = {
	{HX_PART_Q, offsetof(struct hx_weights_layer, q), HX_OP_QKV},
	{HX_PART_K, offsetof(struct hx_weights_layer, k), HX_OP_QKV},
	{HX_PART_V, offsetof(struct hx_weights_layer, v), HX_OP_QKV},
	{HX_PART_ATTN_OUT, offsetof(struct hx_weights_layer, attn_out), HX_OP_ATTN_OUT},
	{HX_PART_GATE, offsetof(struct hx_weights_layer, gate), HX_OP_FFN_UP},
	{HX_PART_UP, offsetof(struct hx_weights_layer, up), HX_OP_FFN_UP},
	{HX_PART_DOWN, offsetof(struct hx_weights_layer, down), HX_OP_FFN_DOWN},
};
static const struct {
	int part;
	size_t at;
} vectors[] = {
	{HX_PART_ATTN_NORM, offsetof(struct hx_weights_layer, attn_norm)}, {HX_PART_ATTN_POST_NORM, offsetof(struct hx_weights_layer, attn_post_norm)},
	{HX_PART_FFN_NORM, offsetof(struct hx_weights_layer, ffn_norm)},   {HX_PART_FFN_POST_NORM, offsetof(struct hx_weights_layer, ffn_post_norm)},
	{HX_PART_Q_NORM, offsetof(struct hx_weights_layer, q_norm)},       {HX_PART_K_NORM, offsetof(struct hx_weights_layer, k_norm)},
	{HX_PART_Q_BIAS, offsetof(struct hx_weights_layer, q_bias)},       {HX_PART_K_BIAS, offsetof(struct hx_weights_layer, k_bias)},
	{HX_PART_V_BIAS, offsetof(struct hx_weights_layer, v_bias)},
};
enum { N_MATRICES = sizeof(matrices) / sizeof(*matrices), N_VECTORS = sizeof(vectors) / sizeof(*vectors) };

static struct hx_matrix *matrix_of(struct hx_weights_layer *l, int i)
{
	return (struct hx_matrix *)((char *)l + matrices[i].at);
}

static float **vector_of(struct hx_weights_layer *l, int i)
{
	return (float **)((char *)l + vectors[i].at);
}

static double matrix_bytes(const struct hx_weights_wanted *what)
{
	const struct hx_model *m = what->model;
	double bytes = is_here(what, HX_OP_HEAD, -1) ? (double)packed_bytes(what, m->head) : 0;

	for (int l = 0; l < m->shape.layers; l++)
		for (int i = 0; i < N_MATRICES; i++)
			if (is_here(what, matrices[i].op, l))
				bytes += (double)packed_bytes(what, m->layers[l].part[matrices[i].part]);
	return bytes;
}

double hx_weights_bytes(const struct hx_weights_wanted *what)
{
	const struct hx_model *m = what->model;
	double bytes = matrix_bytes(what) + sizeof(float) * (double)m->shape.d_model;

	for (int l = 0; l < m->shape.layers; l++)
		for (int i = 0; i < N_VECTORS; i++)
			if (m->layers[l].part[vectors[i].part])
				bytes += sizeof(float) * (double)m->layers[l].part[vectors[i].part]->dims[0];
	return bytes;
}

void hx_weights_load(struct hx_weights *w, const struct hx_weights_wanted *what, struct hx_pool *pool)
{
	const struct hx_model *m = what->model;
	char *at;

	*w = (struct hx_weights){.model = m, .kernels = what->kernels, .type = what->type};
	at = w->matrices = hx_pack_alloc((size_t)matrix_bytes(what));
	w->layers = hx_xcalloc((size_t)m->shape.layers, sizeof(*w->layers));
	for (int l = 0; l < m->shape.layers; l++) {
		for (int i = 0; i < N_MATRICES; i++)
			if (is_here(what, matrices[i].op, l))
				at = load_matrix(w, what, matrix_of(&w->layers[l], i), m->layers[l].part[matrices[i].part], pool, at);
		for (int i = 0; i < N_VECTORS; i++)
			*vector_of(&w->layers[l], i) = load_vector(w, m->layers[l].part[vectors[i].part]);
	}
	w->norm = load_vector(w, m->norm);
	if (is_here(what, HX_OP_HEAD, -1))
		load_matrix(w, what, &w->head, m->head, pool, at);
}

bool hx_weights_suffice(const struct hx_weights *w, const struct hx_graph *g, const struct hx_place *places)
{
	const struct hx_weights_wanted want = {.model = w->model, .graph = g, .places = places};

	for (int l = 0; l < w->model->shape.layers; l++)
		for (int i = 0; i < N_MATRICES; i++)
			if (is_here(&want, matrices[i].op, l) && !matrix_of(&w->layers[l], i)->data)
				return false;
	return !is_here(&want, HX_OP_HEAD, -1) || w->head.data;
}

void hx_weights_free(struct hx_weights *w)
{
	for (int l = 0; w->layers && l < w->model->shape.layers; l++)
		for (int i = 0; i < N_VECTORS; i++)
			free(*vector_of(&w->layers[l], i));
	hx_pack_free(w->matrices);
	free(w->layers);
	free(w->norm);
	*w = (struct hx_weights){0};
}

void hx_weights_embed(const struct hx_weights *w, int token, float *x)
{
	const struct hx_gguf_tensor *t = w->model->embed;
	struct hx_packing row;

	hx_packing_init(&row, hx_packing_type(w->type, t), (int)t->dims[0]);
	hx_quant_decode(row.type, hx_packing_row(&row, t, token), x, (size_t)row.in);
	hx_packing_free(&row);
	for (int i = 0; i < (int)t->dims[0]; i++)
		x[i] *= (float)w->model->embed_scale;
}
