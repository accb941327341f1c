/* Runs: their buffers, made and freed. What is done with them is turns.c and ops.c. */
#include "engine/opencl/ops.h"

#include "engine/opencl/memory.h"

#include <stdlib.h>

/* ---- sizes ---- */

static size_t values_of(const struct hx_shape *s, enum hx_flow f)
{
	switch (f) {
	case HX_FLOW_X:
	case HX_FLOW_NORMED:
		return (size_t)s->d_model;
	case HX_FLOW_QKV:
		return (size_t)(s->heads + 2 * s->kv_heads) * (size_t)s->d_head;
	case HX_FLOW_ATT:
		return (size_t)s->heads * (size_t)s->d_head;
	case HX_FLOW_GATE:
		return (size_t)s->d_ff;
	case HX_FLOW_LOGITS:
		return (size_t)s->vocab;
	default:
		return 1;
	}
}

static size_t rows_of(const struct hx_cl_run_options *o, enum hx_flow f)
{
	if (f == HX_FLOW_ARGMAX)
		return (size_t)(o->logit_rows > HX_CL_DRAFTS ? o->logit_rows : HX_CL_DRAFTS);
	return (size_t)(f == HX_FLOW_LOGITS ? o->logit_rows : o->rows);
}

static size_t cache_bytes(const struct hx_shape *s, const struct hx_cl_run_options *o)
{
	return sizeof(cl_half) * (size_t)s->kv_heads * (size_t)s->d_head * (size_t)o->context;
}

/* Buffers of a run. Counting and making go over the same list. */
struct buffer {
	cl_mem *to;
	size_t bytes; /* 0: not wanted */
};

enum { SCRATCHES = 6 };

static void list_scratch(struct hx_cl_run *r, const struct hx_graph *g, const struct hx_cl_run_options *o, struct buffer b[SCRATCHES])
{
	const struct hx_shape *s = g->shape;
	const size_t rows = (size_t)o->rows, wide = (size_t)hx_shape_widest(s);
	const bool post = s->norms > 2;

	b[0] = (struct buffer){&r->xq, rows * wide * sizeof(cl_short)};
	b[1] = (struct buffer){&r->xd, rows * (wide / 32 + 1) * sizeof(cl_float)};
	b[2] = (struct buffer){&r->xs, rows * (wide / 16 + 2) * sizeof(cl_int)};
	b[3] = (struct buffer){&r->sum, post ? rows * values_of(s, HX_FLOW_X) * sizeof(cl_float) : 0};
	b[4] = (struct buffer){&r->up, rows * values_of(s, HX_FLOW_GATE) * sizeof(cl_float)};
	b[5] = (struct buffer){&r->tokens, rows * sizeof(cl_int)};
}

static bool attends(const struct hx_graph *g, int unit, int layer)
{
	return hx_graph_unit(g, HX_OP_ATTN, layer) == unit;
}

double hx_cl_run_bytes(const struct hx_graph *g, int unit, const struct hx_cl_run_options *o)
{
	const struct hx_shape *s = g->shape;
	struct hx_cl_run none;
	struct buffer b[SCRATCHES];
	double bytes = 0;

	list_scratch(&none, g, o, b);
	for (int i = 0; i < SCRATCHES; i++)
		bytes += (double)b[i].bytes;
	for (int f = 0; f < HX_FLOWS; f++)
		bytes += (double)(sizeof(cl_float) * values_of(s, f) * rows_of(o, f));
	for (int l = 0; l < g->layers; l++)
		bytes += attends(g, unit, l) ? 2.0 * (double)cache_bytes(s, o) : 0;
	return bytes + 2.0 * (s->window ? 2 : 1) * sizeof(cl_float) * o->context * (s->d_head / 2);
}

/* ---- making ---- */

static int make_flows(struct hx_cl_run *r, struct hx_err *err)
{
	int rc = HX_OK;

	for (int f = 0; f < HX_FLOWS && !rc; f++) {
		struct hx_cl_flow *flow = &r->flows[f];
		const bool ends = f == HX_FLOW_LOGITS || f == HX_FLOW_ARGMAX;

		flow->row_bytes = sizeof(cl_float) * values_of(r->graph->shape, f);
		flow->bytes = flow->row_bytes * rows_of(&r->options, f);
		flow->copied = (ends || r->options.crossing >> f & 1) && (!r->w->cl->info.unified || r->w->cl->options.staged);
		if (flow->copied)
			flow->host = hx_xcalloc(flow->bytes, 1);
		if (flow->bytes) /* there may be no rows of logits */
			rc = hx_cl_buffer(r->w->cl, flow->bytes, &flow->data, err);
	}
	return rc;
}

static int make_cache(struct hx_cl_run *r, struct hx_err *err)
{
	const size_t bytes = cache_bytes(r->graph->shape, &r->options);
	int rc = HX_OK;

	for (int l = 0; l < r->graph->layers && !rc; l++) {
		if (!attends(r->graph, r->unit, l))
			continue;
		rc = hx_cl_buffer(r->w->cl, bytes, &r->keys[l], err);
		if (!rc)
			rc = hx_cl_buffer(r->w->cl, bytes, &r->values[l], err);
	}
	return rc;
}

static int make_rotary(struct hx_cl_run *r, const struct hx_cl_rotary *t, struct hx_err *err)
{
	const size_t bytes = sizeof(float) * (size_t)r->options.context * (size_t)(r->w->model->rope_dims / 2);
	int rc = HX_OK;

	for (int i = 0; i < 2 && t->cos[i] && !rc; i++) {
		rc = hx_cl_buffer_of(r->w->cl, t->cos[i], bytes, &r->cosines[i], err);
		if (!rc)
			rc = hx_cl_buffer_of(r->w->cl, t->sin[i], bytes, &r->sines[i], err);
	}
	return rc;
}

int hx_cl_run_create(struct hx_cl_run **out, const struct hx_cl_weights *w, const struct hx_graph *g, int unit, const struct hx_cl_rotary *rotary,
		     const struct hx_cl_run_options *o, struct hx_err *err)
{
	struct hx_cl_run *r = hx_xcalloc(1, sizeof(*r));
	struct buffer b[SCRATCHES];
	int rc = HX_OK;

	*r = (struct hx_cl_run){.w = w, .graph = g, .unit = unit, .form = hx_cl_form(w->cl), .options = *o, .queue = w->cl->queue, .coded = -1};
	r->keys = hx_xcalloc((size_t)g->layers, sizeof(*r->keys));
	r->values = hx_xcalloc((size_t)g->layers, sizeof(*r->values));
	list_scratch(r, g, o, b);
	for (int i = 0; i < SCRATCHES && !rc; i++)
		if (b[i].bytes)
			rc = hx_cl_buffer(w->cl, b[i].bytes, b[i].to, err);
	if (!rc)
		rc = make_flows(r, err);
	if (!rc)
		rc = make_cache(r, err);
	if (!rc)
		rc = make_rotary(r, rotary, err);
	if (rc)
		hx_cl_run_free(r);
	else
		*out = r;
	return rc;
}

static void free_kernels(cl_kernel *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (k[i])
			clReleaseKernel(k[i]);
}

void hx_cl_run_free(struct hx_cl_run *r)
{
	struct hx_cl *cl;
	struct buffer b[SCRATCHES];

	if (!r)
		return;
	cl = r->w->cl;
	for (int f = 0; f < HX_FLOWS; f++) {
		struct hx_cl_flow *flow = &r->flows[f];

		if (flow->copied)
			free(flow->host);
		else if (flow->host)
			clEnqueueUnmapMemObject(r->queue, flow->data, flow->host, 0, NULL, NULL);
	}
	clFinish(r->queue);
	for (int f = 0; f < HX_FLOWS; f++)
		hx_cl_release(cl, &r->flows[f].data);
	list_scratch(r, r->graph, &r->options, b);
	for (int i = 0; i < SCRATCHES; i++)
		hx_cl_release(cl, b[i].to);
	for (int l = 0; l < r->graph->layers; l++) {
		hx_cl_release(cl, &r->keys[l]);
		hx_cl_release(cl, &r->values[l]);
	}
	for (int i = 0; i < 2; i++) {
		hx_cl_release(cl, &r->cosines[i]);
		hx_cl_release(cl, &r->sines[i]);
	}
	free_kernels(r->ops, HX_CL_OP_KERNELS);
	free_kernels(&r->matmul[0][0], (size_t)HX_TYPE_COUNT * HX_CL_ROWS);
	free_kernels(r->embed, HX_TYPE_COUNT);
	hx_cl_launches_forget(r);
	free(r->launches);
	free(r->keys);
	free(r->values);
	free(r);
}
