/* Runs: buffers, turns of host and device, and when things ran. */
#include "engine/opencl/ops.h"

#include "engine/opencl/memory.h"

#include <math.h>
#include <stdlib.h>

enum { LOOKS = 9 /* at both clocks */ };

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

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Of the longest row that is multiplied. */
static size_t widest(const struct hx_shape *s)
{
	return larger(larger(values_of(s, HX_FLOW_X), values_of(s, HX_FLOW_ATT)), values_of(s, HX_FLOW_GATE));
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
	const size_t rows = (size_t)o->rows, wide = widest(s);
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

static void forget_launches(struct hx_cl_run *r)
{
	for (size_t i = 0; i < r->n_launches; i++)
		if (r->launches[i].event)
			clReleaseEvent(r->launches[i].event);
	r->n_launches = 0;
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
	forget_launches(r);
	free(r->launches);
	free(r->keys);
	free(r->values);
	free(r);
}

/* ---- running ---- */

void hx_cl_launch_add(struct hx_cl_run *r, const struct hx_cl_launch *l)
{
	if (r->n_launches == r->room)
		r->launches = hx_xrealloc(r->launches, r->room = r->room ? 2 * r->room : 256, sizeof(*r->launches));
	r->launches[r->n_launches++] = *l;
}

int hx_cl_run_stretch(struct hx_cl_run *r, const struct hx_cl_stretch *s, struct hx_err *err)
{
	int rc = HX_OK;

	if (s->alone && r->trace)
		hx_cl_launch_add(r, &(struct hx_cl_launch){.event = NULL});
	for (size_t i = s->first; i < s->first + s->n && !rc; i++) {
		if (hx_graph_op(r->graph, i)->logits && !s->logit_rows) /* norm and head of rows that nobody asked for */
			break;
		rc = hx_cl_op(r, s, i, err);
	}
	return rc;
}

void *hx_cl_run_host(struct hx_cl_run *r, enum hx_flow flow)
{
	return r->flows[flow].host;
}

/* Where rows of a flow are: those of the stream may start later. */
static size_t offset_of(const struct hx_cl_run *r, int flow, int row)
{
	return flow == HX_FLOW_X ? r->flows[flow].row_bytes * (size_t)row : 0;
}

static void tell_transfer(struct hx_cl_run *r, const struct hx_cl_handover *h, double start_s)
{
	hx_trace_add(r->trace, &(struct hx_event){.pass = h->pass, .op = HX_EVENT_TRANSFER, .unit = r->unit, .layer = -1, .rows = h->rows, .start_s = start_s,
						  .end_s = hx_trace_now_s()});
}

/* All is enqueued, then waited for once; when it is traced what ran before is waited for apart. */
int hx_cl_run_to_host(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err)
{
	cl_int code = CL_SUCCESS;
	double start_s;
	int rc = r->trace ? hx_cl_run_finish(r, err) : HX_OK;

	if (rc)
		return rc;
	start_s = hx_trace_now_s();
	for (int f = 0; f < HX_FLOWS && code == CL_SUCCESS; f++) {
		struct hx_cl_flow *flow = &r->flows[f];
		const size_t at = offset_of(r, f, h->row);

		if (!(h->flows >> f & 1))
			continue;
		if (!flow->copied && !flow->host)
			flow->host = clEnqueueMapBuffer(r->queue, flow->data, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, flow->bytes, 0, NULL, NULL, &code);
		else if (flow->copied && h->fresh >> f & 1)
			code = clEnqueueReadBuffer(r->queue, flow->data, CL_FALSE, at, flow->row_bytes * (size_t)h->rows, (char *)flow->host + at, 0, NULL, NULL);
	}
	rc = code == CL_SUCCESS ? hx_cl_run_finish(r, err) : hx_cl_fail(r->w->cl, code, "reading back", err);
	if (!rc)
		tell_transfer(r, h, start_s);
	return rc;
}

/* Copies are waited for, since the host may write on. */
int hx_cl_run_to_device(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err)
{
	const double start_s = hx_trace_now_s();
	cl_int code = CL_SUCCESS;

	for (int f = 0; f < HX_FLOWS && code == CL_SUCCESS; f++) {
		struct hx_cl_flow *flow = &r->flows[f];
		const size_t at = offset_of(r, f, h->row);
		const bool fresh = h->fresh >> f & 1;

		if (!(h->flows >> f & 1))
			continue;
		if (fresh && r->coded == f)
			r->coded = -1;
		if (!flow->copied && flow->host) {
			code = clEnqueueUnmapMemObject(r->queue, flow->data, flow->host, 0, NULL, NULL);
			flow->host = NULL;
		} else if (flow->copied && fresh) {
			code = clEnqueueWriteBuffer(r->queue, flow->data, CL_TRUE, at, flow->row_bytes * (size_t)h->rows, (char *)flow->host + at, 0, NULL, NULL);
			r->w->cl->counts.syncs++;
		}
	}
	if (code != CL_SUCCESS)
		return hx_cl_fail(r->w->cl, code, "sending", err);
	if (h->fresh)
		tell_transfer(r, h, start_s);
	return HX_OK;
}

/* ---- time ---- */

/* By how much the host's clock is ahead of the queue's: a kernel is queued between two looks at the host's. */
static cl_int find_ahead(struct hx_cl_run *r, cl_kernel nothing)
{
	double least_s = INFINITY;
	cl_int code = CL_SUCCESS;

	for (int i = 0; i < LOOKS && code == CL_SUCCESS; i++) {
		const double before_s = hx_trace_now_s();
		cl_event event = NULL;
		double took_s;
		cl_ulong ns = 0;

		code = clEnqueueNDRangeKernel(r->queue, nothing, 1, NULL, &(size_t){1}, NULL, 0, NULL, &event);
		took_s = hx_trace_now_s() - before_s;
		if (code == CL_SUCCESS)
			code = clFinish(r->queue);
		if (code == CL_SUCCESS)
			code = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_QUEUED, sizeof(ns), &ns, NULL);
		if (code == CL_SUCCESS && took_s < least_s) {
			least_s = took_s;
			r->ahead_s = before_s + took_s / 2 - 1e-9 * (double)ns;
		}
		if (event)
			clReleaseEvent(event);
	}
	return code;
}

void hx_cl_run_trace(struct hx_cl_run *r, struct hx_trace *t)
{
	struct hx_cl *cl = r->w->cl;
	struct hx_err none;
	cl_kernel nothing = NULL;

	clFinish(r->queue);
	r->trace = NULL;
	r->queue = cl->queue;
	if (!t || hx_cl_profiled(cl, &r->queue, &none) || hx_cl_kernel(cl, "nothing", "nothing", -1, 0, 0, &nothing, &none))
		r->queue = cl->queue;
	else if (find_ahead(r, nothing) == CL_SUCCESS)
		r->trace = t;
	if (nothing)
		clReleaseKernel(nothing);
}

/* Seconds on the host's clock that a launch began or ended. */
static double told_s(const struct hx_cl_run *r, cl_event event, cl_profiling_info what)
{
	cl_ulong ns = 0;

	clGetEventProfilingInfo(event, what, sizeof(ns), &ns, NULL);
	return 1e-9 * (double)ns + r->ahead_s;
}

/* The events of launches [first, last), then a pass around them where they are one that nobody waited for. */
static void tell(struct hx_cl_run *r, size_t first, size_t last, bool pass)
{
	struct hx_event whole = {.op = HX_EVENT_PASS, .unit = -1, .layer = -1};

	for (size_t i = first; i < last; i++) {
		const struct hx_cl_launch *l = &r->launches[i];
		struct hx_event e = {.pass = l->pass, .op = l->op, .layer = l->layer, .unit = r->unit, .rows = l->rows, .cached = l->cached,
				     .start_s = told_s(r, l->event, CL_PROFILING_COMMAND_START), .end_s = told_s(r, l->event, CL_PROFILING_COMMAND_END)};

		/* several launches of one operator are one event */
		while (i + 1 < last && r->launches[i + 1].op == l->op && r->launches[i + 1].layer == l->layer)
			e.end_s = told_s(r, r->launches[++i].event, CL_PROFILING_COMMAND_END);
		whole.pass = e.pass;
		whole.cached = e.cached;
		whole.rows = whole.rows ? whole.rows : e.rows;
		whole.start_s = whole.start_s > 0 ? whole.start_s : e.start_s;
		whole.end_s = e.end_s;
		hx_trace_add(r->trace, &e);
	}
	if (pass && last > first)
		hx_trace_add(r->trace, &whole);
}

int hx_cl_run_finish(struct hx_cl_run *r, struct hx_err *err)
{
	cl_int code = clFinish(r->queue);
	size_t begin = 0;
	bool alone = false;

	r->w->cl->counts.syncs++;
	if (code != CL_SUCCESS)
		return hx_cl_fail(r->w->cl, code, "waiting for it", err);
	for (size_t i = 0; i <= r->n_launches; i++) {
		if (i < r->n_launches && r->launches[i].event)
			continue;
		tell(r, begin, i, alone);
		begin = i + 1;
		alone = true;
	}
	forget_launches(r);
	return HX_OK;
}
