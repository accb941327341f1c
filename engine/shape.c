/* Tensor types, and sizes of a model's weights. */
#include "engine/shape.h"

#include <string.h>

const struct hx_type_info hx_types[HX_TYPE_COUNT] = {
	[HX_F32] = {1, 4},    [HX_F16] = {1, 2},    [HX_BF16] = {1, 2},     [HX_Q4_0] = {32, 18},   [HX_Q4_1] = {32, 20},  [HX_Q5_0] = {32, 22},
	[HX_Q5_1] = {32, 24}, [HX_Q8_0] = {32, 34}, [HX_Q4_K] = {256, 144}, [HX_Q5_K] = {256, 176}, [HX_Q6_K] = {256, 210},
};

const char *const hx_type_names[] = {"f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_k", "q5_k", "q6_k", NULL};

int hx_shape_type(const char *name)
{
	for (int t = 0; t < HX_TYPE_COUNT; t++)
		if (strcmp(hx_type_names[t], name) == 0)
			return t;
	return -1;
}

int hx_shape_row_type(int type, int n)
{
	return n % (int)hx_types[type].block ? HX_F16 : type;
}

double hx_shape_row_bytes(int type, int n)
{
	const struct hx_type_info *t = &hx_types[hx_shape_row_type(type, n)];

	return (double)n / t->block * t->bytes;
}

/* Matrices of a layer: rows of length `in`, `out` of them. */
struct matrix {
	int out, in;
};

static int layer_matrices(const struct hx_shape *s, struct matrix m[4])
{
	int q = s->heads * s->d_head, kv = s->kv_heads * s->d_head;

	m[0] = (struct matrix){q + 2 * kv, s->d_model};
	m[1] = (struct matrix){s->d_model, q};
	m[2] = (struct matrix){s->gated_ffn ? 2 * s->d_ff : s->d_ff, s->d_model};
	m[3] = (struct matrix){s->d_model, s->d_ff};
	return 4;
}

/* Norm weights and biases of the whole model: vectors, kept as f32. */
static int64_t vector_params(const struct hx_shape *s)
{
	int64_t q = (int64_t)s->heads * s->d_head, kv = (int64_t)s->kv_heads * s->d_head, d = s->d_model;
	int64_t norm = s->norm == HX_NORM_LAYER ? 2 * d : d, layer = s->norms * norm;

	if (s->qk_norm)
		layer += 2 * (int64_t)s->d_head;
	if (s->qkv_bias || s->linear_bias)
		layer += q + 2 * kv;
	if (s->linear_bias)
		layer += 2 * d + (s->gated_ffn ? 2 : 1) * (int64_t)s->d_ff;
	return s->layers * layer + norm;
}

int64_t hx_shape_params(const struct hx_shape *s)
{
	struct matrix m[4];
	int64_t layer = 0, table = (int64_t)s->vocab * s->d_model;

	for (int i = 0, n = layer_matrices(s, m); i < n; i++)
		layer += (int64_t)m[i].out * m[i].in;
	return s->layers * layer + (s->tied ? 1 : 2) * table + vector_params(s);
}

double hx_shape_bytes(const struct hx_shape *s, int type)
{
	struct matrix m[4];
	double layer = 0, table = s->vocab * hx_shape_row_bytes(type, s->d_model);

	for (int i = 0, n = layer_matrices(s, m); i < n; i++)
		layer += m[i].out * hx_shape_row_bytes(type, m[i].in);
	return s->layers * layer + (s->tied ? 1 : 2) * table + 4.0 * (double)vector_params(s);
}

int hx_shape_window(const struct hx_shape *s, int layer)
{
	if (!s->window || (s->global_every && (layer + 1) % s->global_every == 0))
		return 0;
	return s->window;
}

int hx_shape_widest(const struct hx_shape *s)
{
	int q = s->heads * s->d_head, n = s->d_model > q ? s->d_model : q;

	return n > s->d_ff ? n : s->d_ff;
}
