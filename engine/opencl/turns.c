/* Turns: stretches enqueued for a device, what is handed over between it and the host, and when things ran. */
#include "engine/opencl/ops.h"

#include <math.h>

enum { LOOKS = 9 /* at both clocks */ };

void hx_cl_launch_add(struct hx_cl_run *r, const struct hx_cl_launch *l)
{
	if (r->n_launches == r->room)
		r->launches = hx_xrealloc(r->launches, r->room = r->room ? 2 * r->room : 256, sizeof(*r->launches));
	r->launches[r->n_launches++] = *l;
}

void hx_cl_launches_forget(struct hx_cl_run *r)
{
	for (size_t i = 0; i < r->n_launches; i++)
		if (r->launches[i].event)
			clReleaseEvent(r->launches[i].event);
	r->n_launches = 0;
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

/* Waits, and traces what ran. */
static int finish(struct hx_cl_run *r, struct hx_err *err)
{
	cl_int code = clFinish(r->queue);
	size_t begin = 0;
	bool alone = false;

	if (code != CL_SUCCESS)
		return hx_cl_fail(r->w->cl, code, "waiting for it", err);
	for (size_t i = 0; i <= r->n_launches; i++) {
		if (i < r->n_launches && r->launches[i].event)
			continue;
		tell(r, begin, i, alone);
		begin = i + 1;
		alone = true;
	}
	hx_cl_launches_forget(r);
	return HX_OK;
}

int hx_cl_run_finish(struct hx_cl_run *r, struct hx_err *err)
{
	r->w->cl->counts.syncs++;
	return finish(r, err);
}

/* ---- turns ---- */

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
	bool waits = false;
	int rc = r->trace ? finish(r, err) : HX_OK;

	if (rc)
		return rc;
	start_s = hx_trace_now_s();
	for (int f = 0; f < HX_FLOWS && code == CL_SUCCESS; f++) {
		struct hx_cl_flow *flow = &r->flows[f];
		const size_t at = offset_of(r, f, h->row);

		if (!(h->flows >> f & 1))
			continue;
		if (!flow->copied && flow->host)
			continue; /* it is the host's already */
		waits = true;
		if (!flow->copied)
			flow->host = clEnqueueMapBuffer(r->queue, flow->data, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, flow->bytes, 0, NULL, NULL, &code);
		else if (h->fresh >> f & 1)
			code = clEnqueueReadBuffer(r->queue, flow->data, CL_FALSE, at, flow->row_bytes * (size_t)h->rows, (char *)flow->host + at, 0, NULL, NULL);
	}
	if (code != CL_SUCCESS)
		return hx_cl_fail(r->w->cl, code, "reading back", err);
	rc = waits ? hx_cl_run_finish(r, err) : HX_OK;
	if (!rc)
		tell_transfer(r, h, start_s);
	return rc;
}

/* Copies are waited for, since the host may write on. */
int hx_cl_run_to_device(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err)
{
	const double start_s = hx_trace_now_s();
	cl_int code = CL_SUCCESS;

	hx_cl_stay_beside(r->w->cl);
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
