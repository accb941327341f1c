/* Walks: rows through the segments of a chain, each on its unit's threads or device. Operators are in exec_ops.c, those on devices in opencl/. */
#include "engine/exec_internal.h"

/* A segment on its pool. */
struct running {
	const struct hx_exec *e;
	const struct hx_segment *segment;
	const struct hx_walk *walk;
	int pass;
};

static void run_segment(void *arg, int thread, int threads)
{
	const struct running *run = arg;
	const struct hx_graph *g = run->e->graph;
	struct hx_trace *trace = run->e->trace;
	struct hx_event event = {.pass = run->pass, .unit = run->segment->unit, .cached = run->walk->cached};
	bool tells = thread == 0 && trace && trace->ops;

	if (tells)
		event.end_s = hx_trace_now_s();
	for (size_t i = run->segment->first; i < run->segment->first + run->segment->n; i++) {
		const struct hx_op *op = hx_graph_op(g, i);

		if (op->logits && !run->walk->logit_rows)
			break;
		event.layer = hx_graph_layer(g, i);
		hx_exec_ops[op->kind](run->walk, event.layer, thread, threads);
		hx_pool_barrier(run->walk->pool, thread);
		if (!tells)
			continue;
		event.op = op->kind;
		event.rows = op->logits ? run->walk->logit_rows : run->walk->rows;
		event.start_s = event.end_s;
		event.end_s = hx_trace_now_s();
		hx_trace_add(trace, &event);
	}
}

/* The threads' buffers of flows that cross are wherever the device's memory is for the host. */
static void take_flows(const struct hx_exec *e, struct hx_walk *walk, unsigned flows, int x_row)
{
	float **const at[HX_FLOWS] = {&walk->at.x, &walk->at.normed, &walk->at.qkv, &walk->at.att, &walk->at.gate, &walk->at.logits};

	for (int f = 0; f < HX_FLOW_ARGMAX; f++)
		if (flows >> f & 1)
			*at[f] = (float *)hx_cl_run_host(e->device, f) + (f == HX_FLOW_X ? hx_exec_product((size_t)x_row, e->graph->shape->d_model) : 0);
}

static int run_on_device(struct hx_exec *e, const struct hx_segment *segment, const struct hx_exec_going *g, const struct hx_cl_handover *h, struct hx_err *err)
{
	const struct hx_cl_stretch stretch = {.first = segment->first, .n = segment->n, .pass = g->pass, .rows = g->rows, .cached = g->from,
					      .logit_rows = g->logit_rows, .x_row = g->x_row, .tokens = e->tokens + g->from};
	int rc = hx_cl_run_to_device(e->device, h, err);

	return rc ? rc : hx_cl_run_stretch(e->device, &stretch, err);
}

static int run_on_threads(struct hx_exec *e, const struct hx_segment *segment, const struct hx_exec_going *g, struct hx_walk *walk, struct hx_cl_handover *h,
			  struct hx_err *err)
{
	int rc = HX_OK;

	h->flows &= e->turns.crossing;
	if (h->flows)
		rc = hx_cl_run_to_host(e->device, h, err);
	if (rc)
		return rc;
	if (h->flows)
		take_flows(e, walk, h->flows, g->x_row);
	walk->pool = e->places[segment->unit].pool;
	hx_pool_run(walk->pool, run_segment, &(struct running){e, segment, walk, g->pass});
	return HX_OK;
}

int hx_exec_walk(struct hx_exec *e, const struct hx_chain *c, const struct hx_exec_going *g, struct hx_err *err)
{
	struct hx_walk walk = e->walk;
	int rc = HX_OK;

	walk.at.x += hx_exec_product((size_t)g->x_row, e->graph->shape->d_model);
	walk.tokens = e->tokens + g->from;
	walk.rows = g->rows;
	walk.cached = g->from;
	walk.logit_rows = g->logit_rows;
	hx_turns_begin(&e->turns);
	for (size_t i = 0; i < c->n_segments && !rc; i++) {
		const struct hx_segment *segment = &c->segments[i];
		const bool on_device = e->places[segment->unit].cl;
		struct hx_cl_handover handover;
		struct hx_turn turn;
		int rows = segment->logits ? g->logit_rows : g->rows;

		if (!rows) /* norm and head of rows that nobody asked for */
			break;
		turn = hx_turns_next(&e->turns, e->graph, segment, on_device, g->logit_rows > 0);
		handover = (struct hx_cl_handover){g->pass, turn.touched, turn.wanted, g->x_row + g->rows - rows, rows};
		rc = on_device ? run_on_device(e, segment, g, &handover, err) : run_on_threads(e, segment, g, &walk, &handover, err);
	}
	return rc;
}

int hx_exec_walk_text(struct hx_exec *e, int pass, const struct hx_chain *c, int from, int to, int logit_rows, int *last, struct hx_err *err)
{
	int rc = HX_OK;

	for (int rows; from < to && !rc; from += rows) {
		rows = (to - from) % HX_EXEC_ROWS ? (to - from) % HX_EXEC_ROWS : HX_EXEC_ROWS;
		rc = hx_exec_walk(e, c, &(struct hx_exec_going){pass, from, rows, from + rows == to ? logit_rows : 0, 0}, err);
		*last = rows;
	}
	return rc;
}
