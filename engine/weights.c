/* Weights: from the tensors of a file to packed matrices. */
#include "engine/weights.h"

#include "engine/quant.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

/* The type a tensor is held in. */
static int held_type(int type, const struct hx_gguf_tensor *t)
{
	return type < 0 ? t->type : hx_shape_row_type(type, (int)t->dims[0]);
}

static size_t row_bytes(int type, int64_t n)
{
	return (size_t)n / hx_types[type].block * hx_types[type].bytes;
}

static const char *row_at(const struct hx_gguf_tensor *t, int64_t row)
{
	return (const char *)t->data + (size_t)row * row_bytes(t->type, t->dims[0]);
}

struct packing {
	const struct hx_gguf_tensor *tensor;
	struct hx_matrix *matrix;
};

/* A group of outputs at a time, so that requantising needs a few rows of scratch. */
static void pack_share(void *arg, int thread, int threads)
{
	struct packing *p = arg;
	const struct hx_gguf_tensor *t = p->tensor;
	struct hx_matrix *m = p->matrix;
	size_t to = row_bytes(m->type, m->in);
	float *values = hx_xmalloc(sizeof(*values) * (size_t)m->in);
	char *rows = hx_xmalloc(to * (size_t)m->lanes);
	int64_t first, last;

	hx_pool_share(m->out, m->lanes, thread, threads, &first, &last);
	for (int64_t o = first; o < last; o += m->lanes) {
		int64_t end = o + m->lanes < last ? o + m->lanes : last;

		if (m->type == t->type) {
			hx_pack(m, (int)o, (int)end, row_at(t, o));
			continue;
		}
		for (int64_t r = o; r < end; r++) {
			hx_quant_decode(t->type, row_at(t, r), values, (size_t)m->in);
			hx_quant_encode(m->type, values, rows + (size_t)(r - o) * to, (size_t)m->in);
		}
		hx_pack(m, (int)o, (int)end, rows);
	}
	free(values);
	free(rows);
}

/* Bytes of a tensor packed, so that the next one is aligned too. */
static size_t packed_bytes(int type, const struct hx_gguf_tensor *t, const struct hx_kernels *k)
{
	return (hx_pack_bytes(held_type(type, t), (int)t->dims[1], (int)t->dims[0], k->lanes) + ALIGN - 1) / ALIGN * ALIGN;
}

/* Packs a tensor at `at`; returns what is behind it. */
static char *load_matrix(struct hx_weights *w, struct hx_matrix *m, const struct hx_gguf_tensor *t, struct hx_pool *pool, char *at)
{
	size_t bytes = packed_bytes(w->type, t, w->kernels);

	*m = (struct hx_matrix){held_type(w->type, t), (int)t->dims[1], (int)t->dims[0], w->kernels->lanes, at};
	w->bytes += (double)bytes;
	hx_pool_run(pool, pack_share, &(struct packing){t, m});
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

/* Where the parts of a layer are kept. */
static const struct {
	int part;
	size_t at;
} matrices[] = {
	{HX_PART_Q, offsetof(struct hx_weights_layer, q)},       {HX_PART_K, offsetof(struct hx_weights_layer, k)},
	{HX_PART_V, offsetof(struct hx_weights_layer, v)},       {HX_PART_ATTN_OUT, offsetof(struct hx_weights_layer, attn_out)},
	{HX_PART_GATE, offsetof(struct hx_weights_layer, gate)}, {HX_PART_UP, offsetof(struct hx_weights_layer, up)},
	{HX_PART_DOWN, offsetof(struct hx_weights_layer, down)},
}, vectors[] = {
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

static double matrix_bytes(const struct hx_model *m, int type, const struct hx_kernels *k)
{
	double bytes = (double)packed_bytes(type, m->head, k);

	for (int l = 0; l < m->shape.layers; l++)
		for (int i = 0; i < N_MATRICES; i++)
			bytes += (double)packed_bytes(type, m->layers[l].part[matrices[i].part], k);
	return bytes;
}

double hx_weights_bytes(const struct hx_model *m, int type, const struct hx_kernels *k)
{
	double bytes = matrix_bytes(m, type, k) + sizeof(float) * (double)m->shape.d_model;

	for (int l = 0; l < m->shape.layers; l++)
		for (int i = 0; i < N_VECTORS; i++)
			if (m->layers[l].part[vectors[i].part])
				bytes += sizeof(float) * (double)m->layers[l].part[vectors[i].part]->dims[0];
	return bytes;
}

void hx_weights_load(struct hx_weights *w, const struct hx_model *m, int type, const struct hx_kernels *k, struct hx_pool *pool)
{
	char *at;

	*w = (struct hx_weights){.model = m, .kernels = k, .type = type};
	at = w->matrices = hx_pack_alloc((size_t)matrix_bytes(m, type, k));
	w->layers = hx_xcalloc((size_t)m->shape.layers, sizeof(*w->layers));
	for (int l = 0; l < m->shape.layers; l++) {
		for (int i = 0; i < N_MATRICES; i++)
			at = load_matrix(w, matrix_of(&w->layers[l], i), m->layers[l].part[matrices[i].part], pool, at);
		for (int i = 0; i < N_VECTORS; i++)
			*vector_of(&w->layers[l], i) = load_vector(w, m->layers[l].part[vectors[i].part]);
	}
	w->norm = load_vector(w, m->norm);
	load_matrix(w, &w->head, m->head, pool, at);
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
	int type = held_type(w->type, t), n = (int)t->dims[0];

	hx_quant_decode(t->type, row_at(t, token), x, (size_t)n);
	if (type != t->type) {
		char *row = hx_xmalloc(row_bytes(type, n));

		hx_quant_encode(type, x, row, (size_t)n);
		hx_quant_decode(type, row, x, (size_t)n);
		free(row);
	}
	for (int i = 0; i < n; i++)
		x[i] *= (float)w->model->embed_scale;
}
