/* Weights on a device: tensors of a file, packed into its buffers. */
#include "engine/opencl/weights.h"

#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"
#include "engine/opencl/memory.h"
#include "engine/packing.h"
#include "engine/quant.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_TENSORS = 3 };

/* Tensors that make one matrix. */
struct source {
	const struct hx_gguf_tensor *t[MOST_TENSORS];
	int n;
	int turn; /* rows of each in turn, of two; 0: one tensor behind the other */
};

/* The row of a tensor that is output o, or NULL where the outputs are filled up. */
static const struct hx_gguf_tensor *row_of(const struct source *s, int64_t o, int64_t *row)
{
	int i = 0;

	if (s->turn) {
		i = (int)(o / s->turn % 2);
		o = o / s->turn / 2 * s->turn + o % s->turn;
	} else {
		while (i < s->n - 1 && o >= s->t[i]->dims[1])
			o -= s->t[i++]->dims[1];
	}
	*row = o;
	return o < s->t[i]->dims[1] ? s->t[i] : NULL;
}

static int outputs(const struct source *s)
{
	int64_t n = 0;

	if (s->turn)
		return (int)((s->t[0]->dims[1] + s->turn - 1) / s->turn * s->turn * 2);
	for (int i = 0; i < s->n; i++)
		n += s->t[i]->dims[1];
	return (int)n;
}

struct job {
	const struct source *source;
	const struct hx_matrix *m; /* its outputs are those from first on */
	int first;
};

static void pack_share(void *arg, int thread, int threads)
{
	const struct job *job = arg;
	const struct hx_matrix *m = job->m;
	struct hx_packing rows;
	int64_t first, last, row;

	hx_packing_init(&rows, m->type, m->in);
	hx_pool_share(m->out, m->lanes, thread, threads, &first, &last);
	for (int64_t o = first; o < last; o++) {
		const struct hx_gguf_tensor *t = row_of(job->source, job->first + o, &row);

		hx_pack(m, (int)o, (int)o + 1, hx_packing_row(&rows, t, row));
	}
	hx_packing_free(&rows);
}

/* Calls have much in common. */
struct loading {
	struct hx_cl_weights *w;
	int type;
	struct hx_cl_form form;
	struct hx_pool *pool; /* NULL: only the bytes are counted */
	double bytes;
};

/* Outputs that one buffer holds. */
static int most_outputs(const struct loading *l, int type, int in)
{
	const double groups = floor(l->w->cl->max_alloc_bytes / (double)hx_pack_bytes(type, l->form.lanes, in, l->form.lanes));

	return groups < (1 << 30) / l->form.lanes ? (int)groups * l->form.lanes : 1 << 30;
}

static int fill_piece(const struct loading *l, const struct source *s, const struct hx_cl_matrix *m, struct hx_cl_piece *piece, struct hx_err *err)
{
	struct hx_matrix packed = {m->type, piece->n, m->in, l->form.lanes, NULL};
	size_t bytes = hx_pack_bytes(m->type, piece->n, m->in, l->form.lanes);
	int rc = hx_cl_buffer_mapped(l->w->cl, bytes, &piece->data, &packed.data, err);

	if (rc)
		return rc;
	hx_pool_run(l->pool, pack_share, &(struct job){s, &packed, piece->first});
	return hx_cl_unmap(l->w->cl, piece->data, packed.data, err);
}

static int load_matrix(struct loading *l, struct hx_cl_matrix *m, const struct source *s, struct hx_err *err)
{
	int most, rc = HX_OK;

	*m = (struct hx_cl_matrix){.type = hx_packing_type(l->type, s->t[0]), .in = (int)s->t[0]->dims[0], .out = outputs(s)};
	l->w->quantised |= hx_types[m->type].block > 1;
	l->bytes += (double)hx_pack_bytes(m->type, m->out, m->in, l->form.lanes);
	if (!l->pool)
		return HX_OK;
	most = most_outputs(l, m->type, m->in);
	if (!most)
		return hx_err_set(err, HX_IO, "%s cannot hold %d rows of a matrix in one buffer", l->w->cl->info.name, l->form.lanes);
	m->pieces = hx_xcalloc((size_t)((m->out - 1) / most + 1), sizeof(*m->pieces));
	for (int first = 0; first < m->out && !rc; first += most) {
		struct hx_cl_piece *piece = &m->pieces[m->n_pieces++];

		*piece = (struct hx_cl_piece){.first = first, .n = m->out - first < most ? m->out - first : most};
		rc = fill_piece(l, s, m, piece, err);
	}
	return rc;
}

/* Vectors one behind the other, then zeros for outputs that fill up lanes. */
static int load_vectors(struct loading *l, cl_mem *out, const struct hx_gguf_tensor *const *t, int n, struct hx_err *err)
{
	size_t length = 0, at = 0;
	float *v;
	int rc;

	for (int i = 0; i < n; i++)
		length += t[i] ? (size_t)t[i]->dims[0] : 0;
	if (!length)
		return HX_OK;
	length += (size_t)l->form.lanes;
	l->bytes += (double)(length * sizeof(*v));
	if (!l->pool)
		return HX_OK;
	v = hx_xcalloc(length, sizeof(*v));
	for (int i = 0; i < n; at += (size_t)t[i++]->dims[0])
		hx_quant_decode(t[i]->type, t[i]->data, v + at, (size_t)t[i]->dims[0]);
	rc = hx_cl_buffer_of(l->w->cl, v, length * sizeof(*v), out, err);
	free(v);
	return rc;
}

static struct source one(const struct hx_gguf_tensor *t)
{
	return (struct source){{t}, 1, 0};
}

static bool of_one_type(const struct loading *l, const struct source *s)
{
	for (int i = 1; i < s->n; i++)
		if (hx_packing_type(l->type, s->t[i]) != hx_packing_type(l->type, s->t[0]))
			return false;
	return true;
}

/* An operator's matrices: one of all tensors where it can be. */
static int load_matrices(struct loading *l, struct hx_cl_matrices *m, const struct source *s, const struct hx_gguf_tensor *const *bias, struct hx_err *err)
{
	const bool together = of_one_type(l, s);
	int rc = HX_OK;

	for (int i = 0; i < (together ? 1 : s->n) && !rc; i++) {
		const struct source alone = one(s->t[i]);

		m->n = i + 1;
		rc = load_matrix(l, &m->v[i], together ? s : &alone, err);
		if (!rc && bias)
			rc = load_vectors(l, &m->v[i].bias, bias + i, together ? s->n : 1, err);
	}
	return rc;
}

/* What an operator needs of the model. */
static int load_op(struct loading *l, int op, int layer, struct hx_err *err)
{
	const struct hx_model *m = l->w->model;
	const struct hx_gguf_tensor *const *part = layer < 0 ? NULL : m->layers[layer].part;
	struct hx_cl_layer *at = layer < 0 ? NULL : &l->w->layers[layer];
	struct source s;
	int rc;

	switch (op) {
	case HX_OP_EMBED:
		s = one(m->embed);
		return load_matrices(l, &l->w->embed, &s, NULL, err);
	case HX_OP_ATTN_NORM:
		return load_vectors(l, &at->attn_norm, &part[HX_PART_ATTN_NORM], 1, err);
	case HX_OP_QKV:
		s = (struct source){{part[HX_PART_Q], part[HX_PART_K], part[HX_PART_V]}, 3, 0};
		return load_matrices(l, &at->qkv, &s, &part[HX_PART_Q_BIAS], err);
	case HX_OP_ROPE:
		rc = load_vectors(l, &at->q_norm, &part[HX_PART_Q_NORM], 1, err);
		return rc ? rc : load_vectors(l, &at->k_norm, &part[HX_PART_K_NORM], 1, err);
	case HX_OP_ATTN_OUT:
		s = one(part[HX_PART_ATTN_OUT]);
		rc = load_vectors(l, &at->attn_post_norm, &part[HX_PART_ATTN_POST_NORM], 1, err);
		return rc ? rc : load_matrices(l, &at->attn_out, &s, NULL, err);
	case HX_OP_FFN_NORM:
		return load_vectors(l, &at->ffn_norm, &part[HX_PART_FFN_NORM], 1, err);
	case HX_OP_FFN_UP:
		s = (struct source){{part[HX_PART_GATE], part[HX_PART_UP]}, 2, l->form.out / 2};
		return load_matrices(l, &at->up, &s, NULL, err);
	case HX_OP_FFN_DOWN:
		s = one(part[HX_PART_DOWN]);
		rc = load_vectors(l, &at->ffn_post_norm, &part[HX_PART_FFN_POST_NORM], 1, err);
		return rc ? rc : load_matrices(l, &at->down, &s, NULL, err);
	case HX_OP_NORM:
		return load_vectors(l, &l->w->norm, &m->norm, 1, err);
	case HX_OP_HEAD:
		s = one(m->head);
		return load_matrices(l, &l->w->head, &s, NULL, err);
	default:
		return HX_OK;
	}
}

/* A table that is head and embedding is held once. */
static bool is_head_too(const struct hx_graph *g, const struct hx_model *m, int op, int unit)
{
	return op == HX_OP_EMBED && m->embed == m->head && hx_graph_unit(g, HX_OP_HEAD, -1) == unit;
}

static int load_all(struct loading *l, const struct hx_graph *g, int unit, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t i = 0; i < g->n_ops && !rc; i++)
		if (hx_graph_op(g, i)->unit == unit && !is_head_too(g, l->w->model, hx_graph_op(g, i)->kind, unit))
			rc = load_op(l, hx_graph_op(g, i)->kind, hx_graph_layer(g, i), err);
	return rc;
}

double hx_cl_weights_bytes(struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit)
{
	struct hx_cl_weights w = {.cl = cl, .model = m, .layers = hx_xcalloc((size_t)m->shape.layers, sizeof(*w.layers))};
	struct loading l = {.w = &w, .type = type, .form = hx_cl_form(cl)};
	struct hx_err none;

	load_all(&l, g, unit, &none);
	free(w.layers);
	return l.bytes;
}

int hx_cl_weights_load(struct hx_cl_weights **out, struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit, struct hx_err *err)
{
	struct hx_cl_weights *w = hx_xcalloc(1, sizeof(*w));
	struct loading l = {.w = w, .type = type, .form = hx_cl_form(cl)};
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int rc = hx_pool_create(&l.pool, processors > 1 ? (int)processors : 1, NULL, err);

	*w = (struct hx_cl_weights){.cl = cl, .model = m, .layers = hx_xcalloc((size_t)m->shape.layers, sizeof(*w->layers))};
	if (!rc)
		rc = load_all(&l, g, unit, err);
	hx_pool_free(l.pool);
	if (rc)
		hx_cl_weights_free(w);
	else
		*out = w;
	return rc;
}

/* Operators without weights are there always. */
static bool holds(const struct hx_cl_weights *w, int op, int layer)
{
	const struct hx_cl_layer *l = layer < 0 ? NULL : &w->layers[layer];

	switch (op) {
	case HX_OP_EMBED:
		return w->embed.n || (w->head.n && w->model->embed == w->model->head);
	case HX_OP_ATTN_NORM:
		return l->attn_norm;
	case HX_OP_QKV:
		return l->qkv.n;
	case HX_OP_ROPE:
		return (l->q_norm && l->k_norm) || !w->model->shape.qk_norm;
	case HX_OP_ATTN_OUT:
		return l->attn_out.n;
	case HX_OP_FFN_NORM:
		return l->ffn_norm;
	case HX_OP_FFN_UP:
		return l->up.n;
	case HX_OP_FFN_DOWN:
		return l->down.n;
	case HX_OP_NORM:
		return w->norm;
	case HX_OP_HEAD:
		return w->head.n;
	default:
		return true;
	}
}

bool hx_cl_weights_suffice(const struct hx_cl_weights *w, const struct hx_cl *cl, const struct hx_graph *g, int unit)
{
	for (size_t i = 0; i < g->n_ops; i++)
		if (hx_graph_op(g, i)->unit == unit && !holds(w, hx_graph_op(g, i)->kind, hx_graph_layer(g, i)))
			return false;
	return w->cl == cl;
}

static void free_matrices(struct hx_cl *cl, struct hx_cl_matrices *m)
{
	for (int i = 0; i < m->n; i++) {
		for (int k = 0; k < m->v[i].n_pieces; k++)
			hx_cl_release(cl, &m->v[i].pieces[k].data);
		free(m->v[i].pieces);
		hx_cl_release(cl, &m->v[i].bias);
	}
}

void hx_cl_weights_free(struct hx_cl_weights *w)
{
	if (!w)
		return;
	for (int i = 0; i < w->model->shape.layers; i++) {
		struct hx_cl_layer *l = &w->layers[i];
		struct hx_cl_matrices *matrices[] = {&l->qkv, &l->attn_out, &l->up, &l->down};
		cl_mem *vectors[] = {&l->attn_norm, &l->attn_post_norm, &l->ffn_norm, &l->ffn_post_norm, &l->q_norm, &l->k_norm};

		for (size_t k = 0; k < sizeof(matrices) / sizeof(*matrices); k++)
			free_matrices(w->cl, matrices[k]);
		for (size_t k = 0; k < sizeof(vectors) / sizeof(*vectors); k++)
			hx_cl_release(w->cl, vectors[k]);
	}
	free_matrices(w->cl, &w->embed);
	free_matrices(w->cl, &w->head);
	hx_cl_release(w->cl, &w->norm);
	free(w->layers);
	free(w);
}
