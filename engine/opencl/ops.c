/* Operators as launches of kernels. */
#include "engine/opencl/ops.h"

#include "engine/cpu/pack.h"

#include <stdarg.h>
#include <stdio.h>

/* What is being enqueued. */
struct call {
	struct hx_cl_run *r;
	const struct hx_cl_stretch *s;
	int op, layer;
	struct hx_err *err;
};

static const struct {
	const char *file, *name;
} kernels[HX_CL_OP_KERNELS] = {
	[HX_CL_NORM] = {"ops", "norm"}, [HX_CL_ADD_NORM] = {"ops", "add_norm"}, [HX_CL_QUANTISE] = {"ops", "quantise"}, [HX_CL_GLU] = {"ops", "glu"},
	[HX_CL_ROPE] = {"ops", "rope"}, [HX_CL_ATTEND] = {"attend", "attend"},  [HX_CL_ARGMAX] = {"ops", "argmax"},
};

/* Arguments: every one is a buffer, an int or a float. */
struct argument {
	size_t size;
	union {
		cl_mem m;
		cl_int i;
		cl_float f;
	} v;
};

static struct argument mem(cl_mem m)
{
	return (struct argument){sizeof(m), {.m = m}};
}

static struct argument num(int i)
{
	return (struct argument){sizeof(cl_int), {.i = i}};
}

static struct argument real(double f)
{
	return (struct argument){sizeof(cl_float), {.f = (cl_float)f}};
}

#define ARGUMENTS(...) (const struct argument[]){__VA_ARGS__}, sizeof((const struct argument[]){__VA_ARGS__}) / sizeof(struct argument)

/* Enqueues items[0] x items[1] work-items, `group` of the first dimension together. */
static int launch(const struct call *c, cl_kernel kernel, size_t group, size_t items0, size_t items1, const struct argument *arguments, size_t n)
{
	const size_t items[2] = {items0, items1}, groups[2] = {group, 1};
	cl_event event = NULL;
	cl_int code = CL_SUCCESS;
	char what[80];

	for (cl_uint i = 0; i < n && code == CL_SUCCESS; i++)
		code = clSetKernelArg(kernel, i, arguments[i].size, &arguments[i].v);
	if (code == CL_SUCCESS)
		code = clEnqueueNDRangeKernel(c->r->queue, kernel, 2, NULL, items, groups, 0, NULL, c->r->trace ? &event : NULL);
	if (code != CL_SUCCESS) {
		snprintf(what, sizeof(what), "running %s", hx_op_names[c->op]);
		return hx_cl_fail(c->r->w->cl, code, what, c->err);
	}
	c->r->w->cl->counts.launches++;
	if (event)
		hx_cl_launch_add(c->r, &(struct hx_cl_launch){event, c->s->pass, c->op, c->layer, c->op >= HX_OP_NORM ? c->s->logit_rows : c->s->rows,
							      c->s->cached});
	return HX_OK;
}

/* A kernel of the table, for groups of the form's size. */
static int run(const struct call *c, enum hx_cl_op_kernel which, size_t groups0, size_t groups1, const struct argument *arguments, size_t n)
{
	struct hx_cl_run *r = c->r;
	cl_kernel *k = &r->ops[which];
	size_t wg = (size_t)r->form.wg;

	if (!*k) {
		int rc = hx_cl_kernel(r->w->cl, kernels[which].file, kernels[which].name, -1, 0, which == HX_CL_ATTEND ? r->graph->shape->d_head : 0, k, c->err);

		if (rc)
			return rc;
	}
	return launch(c, *k, wg, groups0 * wg, groups1, arguments, n);
}

static cl_mem flow(const struct call *c, enum hx_flow f)
{
	return c->r->flows[f].data;
}

static int row_length(const struct call *c, enum hx_flow f)
{
	return (int)(c->r->flows[f].row_bytes / sizeof(float));
}

/* Rows of a flow as codes, if they are not already. */
static int encode(const struct call *c, enum hx_flow from, int n, int rows)
{
	struct hx_cl_run *r = c->r;
	const size_t groups = ((size_t)n / 32 + (size_t)r->form.wg - 1) / (size_t)r->form.wg;

	if (r->coded == (int)from)
		return HX_OK;
	r->coded = from;
	return run(c, HX_CL_QUANTISE, groups, (size_t)rows, ARGUMENTS(mem(flow(c, from)), num(n), mem(r->xq), mem(r->xd), mem(r->xs)));
}

/* ---- matrices ---- */

enum { STORE, ADD, SILU, GELU }; /* as in matmul.cl */

struct product {
	enum hx_flow from;
	int rows;
	int what; /* becomes of it */
	cl_mem to;
	int at, ld, out; /* its place in `to`; outputs that it has there */
};

static int multiply_rows(const struct call *c, const struct hx_cl_matrix *m, const struct hx_cl_piece *piece, const struct product *p, int row, int rows)
{
	struct hx_cl_run *r = c->r;
	const int tile = rows < HX_CL_ROWS ? rows : HX_CL_ROWS;
	const size_t lanes = (size_t)r->form.lanes, group = lanes / (size_t)r->form.out;
	const size_t items = ((size_t)piece->n + lanes - 1) / lanes * group, tiles = (size_t)(rows / tile);
	cl_kernel *k = &r->matmul[m->type][tile - 1];

	if (!*k) {
		int rc = hx_cl_kernel(r->w->cl, "matmul", "matmul", m->type, tile, 0, k, c->err);

		if (rc)
			return rc;
	}
	if (hx_pack_is_float(m->type))
		return launch(c, *k, group, items, tiles,
			      ARGUMENTS(mem(piece->data), mem(flow(c, p->from)), num(m->in), mem(m->bias), num(p->what), mem(p->to), num(p->at), num(p->ld),
					num(row), num(piece->first), num(p->out)));
	return launch(c, *k, group, items, tiles,
		      ARGUMENTS(mem(piece->data), mem(r->xq), mem(r->xd), mem(r->xs), num(m->in), mem(m->bias), num(p->what), mem(p->to), num(p->at),
				num(p->ld), num(row), num(piece->first), num(p->out)));
}

/* A matrix times all rows: as many as possible in tiles, the rest in one. */
static int multiply(const struct call *c, const struct hx_cl_matrix *m, const struct product *p)
{
	const int whole = p->rows / HX_CL_ROWS * HX_CL_ROWS;
	int rc = hx_pack_is_float(m->type) ? HX_OK : encode(c, p->from, m->in, p->rows);

	for (int i = 0; i < m->n_pieces && !rc; i++) {
		if (whole)
			rc = multiply_rows(c, m, &m->pieces[i], p, 0, whole);
		if (!rc && p->rows > whole)
			rc = multiply_rows(c, m, &m->pieces[i], p, whole, p->rows - whole);
	}
	return rc;
}

/* ---- operators ---- */

static const struct hx_shape *shape(const struct call *c)
{
	return c->r->graph->shape;
}

static const struct hx_cl_layer *layer(const struct call *c)
{
	return &c->r->w->layers[c->layer];
}

static int x_at(const struct call *c)
{
	return c->s->x_row * shape(c)->d_model;
}

static int embed(const struct call *c)
{
	struct hx_cl_run *r = c->r;
	const struct hx_cl_matrix *m = r->w->embed.n ? &r->w->embed.v[0] : &r->w->head.v[0];
	const size_t items = ((size_t)m->in + (size_t)r->form.wg - 1) / (size_t)r->form.wg * (size_t)r->form.wg;
	cl_mem tokens = c->s->tokens ? r->tokens : flow(c, HX_FLOW_ARGMAX);
	cl_int code = CL_SUCCESS;
	int rc = HX_OK;

	if (c->s->tokens)
		code = clEnqueueWriteBuffer(r->queue, tokens, CL_FALSE, 0, sizeof(int) * (size_t)c->s->rows, c->s->tokens, 0, NULL, NULL);
	if (code != CL_SUCCESS)
		return hx_cl_fail(r->w->cl, code, "sending tokens", c->err);
	if (!r->embed[m->type])
		rc = hx_cl_kernel(r->w->cl, "matmul", "embed", m->type, 0, 0, &r->embed[m->type], c->err);
	for (int i = 0; i < m->n_pieces && !rc; i++)
		rc = launch(c, r->embed[m->type], (size_t)r->form.wg, items, (size_t)c->s->rows,
			    ARGUMENTS(mem(m->pieces[i].data), mem(tokens), num(c->s->tokens ? 0 : c->s->slot - 1), num(m->in), real(r->w->model->embed_scale),
				      mem(flow(c, HX_FLOW_X)), num(x_at(c)),
				      num(m->pieces[i].first), num(m->pieces[i].n)));
	return rc;
}

/* The norm of rows of the stream; codes too, where a multiplication may want them. */
static int norm_rows(const struct call *c, cl_mem weight, int at, int rows)
{
	struct hx_cl_run *r = c->r;
	const int d = shape(c)->d_model;
	const bool codes = r->w->quantised && d % 32 == 0;

	r->coded = codes ? HX_FLOW_NORMED : -1;
	return run(c, HX_CL_NORM, (size_t)rows, 1,
		   ARGUMENTS(mem(flow(c, HX_FLOW_X)), num(at), mem(weight), real(r->w->model->norm_eps), num(d), mem(flow(c, HX_FLOW_NORMED)),
			     mem(codes ? r->xq : NULL), mem(r->xd), mem(r->xs)));
}

static int attn_norm(const struct call *c)
{
	return norm_rows(c, layer(c)->attn_norm, x_at(c), c->s->rows);
}

static int ffn_norm(const struct call *c)
{
	return norm_rows(c, layer(c)->ffn_norm, x_at(c), c->s->rows);
}

static int qkv(const struct call *c)
{
	const struct hx_cl_matrices *m = &layer(c)->qkv;
	struct product p = {HX_FLOW_NORMED, c->s->rows, STORE, flow(c, HX_FLOW_QKV), 0, row_length(c, HX_FLOW_QKV), 0};
	int rc = HX_OK;

	for (int i = 0; i < m->n && !rc; i++) {
		p.out = m->v[i].out;
		rc = multiply(c, &m->v[i], &p);
		p.at += m->v[i].out;
	}
	return rc;
}

static int rope(const struct call *c)
{
	struct hx_cl_run *r = c->r;
	const struct hx_shape *s = shape(c);
	const struct hx_model *m = r->w->model;
	const int table = hx_shape_window(s, c->layer) > 0;

	return run(c, HX_CL_ROPE, (size_t)(s->heads + s->kv_heads), (size_t)c->s->rows,
		   ARGUMENTS(mem(flow(c, HX_FLOW_QKV)), num(s->heads), num(s->kv_heads), num(s->d_head), mem(layer(c)->q_norm), mem(layer(c)->k_norm),
			     real(m->norm_eps), num(m->rope_dims), num(m->rope_pairs ? 2 : 1), num(m->rope_pairs ? 1 : m->rope_dims / 2),
			     mem(r->cosines[table]), mem(r->sines[table]), num(c->s->cached), mem(r->keys[c->layer]), mem(r->values[c->layer]),
			     num(r->options.context)));
}

static int attn(const struct call *c)
{
	struct hx_cl_run *r = c->r;
	const struct hx_shape *s = shape(c);

	r->coded = r->coded == HX_FLOW_ATT ? -1 : r->coded;
	return run(c, HX_CL_ATTEND, (size_t)s->heads, (size_t)c->s->rows,
		   ARGUMENTS(mem(flow(c, HX_FLOW_QKV)), num(row_length(c, HX_FLOW_QKV)), num(s->heads), num(s->kv_heads), mem(r->keys[c->layer]),
			     mem(r->values[c->layer]), num(r->options.context), num(c->s->cached),
			     num(hx_shape_window(s, c->layer)), real(r->w->model->attn_scale), mem(flow(c, HX_FLOW_ATT))));
}

/* x += norm(m y) */
static int add_block(const struct call *c, const struct hx_cl_matrix *m, enum hx_flow from, cl_mem post_norm)
{
	struct hx_cl_run *r = c->r;
	const int d = shape(c)->d_model, rows = c->s->rows;
	int rc;

	if (!post_norm)
		return multiply(c, m, &(struct product){from, rows, ADD, flow(c, HX_FLOW_X), x_at(c), d, d});
	rc = multiply(c, m, &(struct product){from, rows, STORE, r->sum, 0, d, d});
	return rc ? rc
		  : run(c, HX_CL_ADD_NORM, (size_t)rows, 1,
			ARGUMENTS(mem(r->sum), mem(post_norm), real(r->w->model->norm_eps), num(d), mem(flow(c, HX_FLOW_X)), num(x_at(c))));
}

static int attn_out(const struct call *c)
{
	return add_block(c, &layer(c)->attn_out.v[0], HX_FLOW_ATT, layer(c)->attn_post_norm);
}

static int ffn_up(const struct call *c)
{
	struct hx_cl_run *r = c->r;
	const struct hx_cl_matrices *m = &layer(c)->up;
	const int ff = shape(c)->d_ff, rows = c->s->rows, gelu = r->w->model->gelu;
	cl_mem gate = flow(c, HX_FLOW_GATE);
	int rc;

	if (m->n == 1) {
		rc = multiply(c, &m->v[0], &(struct product){HX_FLOW_NORMED, rows, gelu ? GELU : SILU, gate, 0, ff, ff});
	} else {
		rc = multiply(c, &m->v[0], &(struct product){HX_FLOW_NORMED, rows, STORE, gate, 0, ff, ff});
		if (!rc)
			rc = multiply(c, &m->v[1], &(struct product){HX_FLOW_NORMED, rows, STORE, r->up, 0, ff, ff});
		if (!rc)
			rc = run(c, HX_CL_GLU, ((size_t)ff + (size_t)r->form.wg - 1) / (size_t)r->form.wg, (size_t)rows,
				 ARGUMENTS(mem(gate), mem(r->up), num(ff), num(gelu)));
	}
	r->coded = r->coded == HX_FLOW_GATE ? -1 : r->coded;
	return rc;
}

static int ffn_down(const struct call *c)
{
	return add_block(c, &layer(c)->down.v[0], HX_FLOW_GATE, layer(c)->ffn_post_norm);
}

static int norm(const struct call *c)
{
	return norm_rows(c, c->r->w->norm, x_at(c) + (c->s->rows - c->s->logit_rows) * shape(c)->d_model, c->s->logit_rows);
}

static int head(const struct call *c)
{
	const int vocab = shape(c)->vocab;

	return multiply(c, &c->r->w->head.v[0], &(struct product){HX_FLOW_NORMED, c->s->logit_rows, STORE, flow(c, HX_FLOW_LOGITS), 0, vocab, vocab});
}

static int argmax(const struct call *c)
{
	return run(c, HX_CL_ARGMAX, (size_t)c->s->logit_rows, 1,
		   ARGUMENTS(mem(flow(c, HX_FLOW_LOGITS)), num(shape(c)->vocab), mem(flow(c, HX_FLOW_ARGMAX)), num(c->s->slot)));
}

static int (*const ops[HX_OP_COUNT])(const struct call *c) = {
	[HX_OP_EMBED] = embed,       [HX_OP_ATTN_NORM] = attn_norm, [HX_OP_QKV] = qkv,           [HX_OP_ROPE] = rope,
	[HX_OP_ATTN] = attn,         [HX_OP_ATTN_OUT] = attn_out,   [HX_OP_FFN_NORM] = ffn_norm, [HX_OP_FFN_UP] = ffn_up,
	[HX_OP_FFN_DOWN] = ffn_down, [HX_OP_NORM] = norm,           [HX_OP_HEAD] = head,         [HX_OP_ARGMAX] = argmax,
};

int hx_cl_op(struct hx_cl_run *r, const struct hx_cl_stretch *s, size_t i, struct hx_err *err)
{
	const struct call c = {r, s, hx_graph_op(r->graph, i)->kind, hx_graph_layer(r->graph, i), err};

	return ops[c.op](&c);
}
