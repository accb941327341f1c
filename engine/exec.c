/* Executors: the passes of one model, with its cache, its text and its scratch. Operators are in exec_ops.c, those on devices in opencl/. */
#include "engine/exec.h"

#include "engine/exec_ops.h"
#include "engine/exec_turns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hx_exec {
	const struct hx_graph *graph;
	const struct hx_place *places; /* by unit */
	struct hx_exec_options options;
	struct hx_kv kv;
	struct hx_walk walk; /* its scratch and tables are the executor's own */
	struct hx_chain front, tail, end; /* of an early exit: layers before it, behind it; norm, head, argmax */
	struct hx_cl_run *device; /* NULL: nothing runs on one */
	struct hx_turns turns;
	struct hx_trace *trace;
	int *tokens;      /* the text: context */
	int length;       /* taken in by all layers */
	int front_length; /* by those before the exit: rows behind length are in the scratch's x, from its start */
};

enum {
	FLOATS = 10, /* buffers of float */
	INPUTS = sizeof(((struct hx_scratch *)0)->input) / sizeof(void *),
	WIDEST_UNIT = 256, /* that packed rows are filled up to; of a type that is packed so, no value takes more than an f32 */
};

static size_t product(size_t a, int b)
{
	return a * (size_t)b;
}

static int widest(const struct hx_shape *s)
{
	int q = s->heads * s->d_head, n = s->d_model > q ? s->d_model : q;

	return n > s->d_ff ? n : s->d_ff;
}

static int rows_at_most(const struct hx_exec_options *o)
{
	return o->context < HX_EXEC_ROWS ? o->context : HX_EXEC_ROWS;
}

/* Where each float buffer is kept, and its length; threads: of the largest pool, 0: there is none, and nothing is kept. */
static void buffers(struct hx_scratch *at, const struct hx_shape *s, const struct hx_exec_options *o, int threads, float **v[FLOATS], size_t n[FLOATS])
{
	size_t rows = (size_t)rows_at_most(o);
	int q = s->heads * s->d_head, kv = s->kv_heads * s->d_head;
	const struct {
		float **v;
		size_t n;
	} all[FLOATS] = {
		{&at->x, product(rows, s->d_model)},   {&at->normed, product(rows, s->d_model)}, {&at->sum, product(rows, s->d_model)},
		{&at->qkv, product(rows, q + 2 * kv)}, {&at->att, product(rows, q)},             {&at->up, product(rows, s->d_ff)},
		{&at->gate, product(rows, s->d_ff)},   {&at->scores, product(product((size_t)threads, s->heads / s->kv_heads), o->context)},
		{&at->logits, product((size_t)o->logit_rows, s->vocab)}, {&at->peak, product((size_t)o->logit_rows, threads)},
	};

	for (int i = 0; i < FLOATS; i++) {
		v[i] = all[i].v;
		n[i] = threads ? all[i].n : 0;
	}
}

/* The largest pool's threads, 0 where there is none. */
static int threads_of(const struct hx_graph *g, const struct hx_place *places)
{
	int most = 0;

	for (size_t i = 0; i < g->n_distinct; i++) {
		struct hx_pool *pool = places[g->distinct[i].unit].pool;
		int n = pool ? hx_pool_threads(pool) : 0;

		most = n > most ? n : most;
	}
	return most;
}

int hx_exec_device(const struct hx_graph *g, const struct hx_place *places)
{
	for (size_t i = 0; i < g->n_distinct; i++)
		if (places[g->distinct[i].unit].cl)
			return g->distinct[i].unit;
	return -1;
}

/* Layers whose keys and values are the host's. */
static int cached_here(const struct hx_graph *g, const struct hx_place *places, bool here[HX_MAX_LAYERS])
{
	int n = 0;

	for (int l = 0; l < g->shape->layers; l++) {
		here[l] = places[hx_graph_unit(g, HX_OP_ATTN, l)].pool;
		n += here[l];
	}
	return n;
}

static struct hx_cl_run_options device_options(const struct hx_exec_options *o, unsigned crossing)
{
	return (struct hx_cl_run_options){o->context, rows_at_most(o), o->logit_rows, crossing};
}

struct hx_exec_bytes hx_exec_bytes(const struct hx_graph *g, const struct hx_place *places, const struct hx_exec_options *o)
{
	const struct hx_shape *s = g->shape;
	int threads = threads_of(g, places), device = hx_exec_device(g, places), blocks = widest(s) / WIDEST_UNIT + 1;
	double packed = sizeof(float) * WIDEST_UNIT * (double)blocks * rows_at_most(o), rotary = sizeof(float) * (double)s->d_head * o->context;
	struct hx_exec_bytes bytes = {.host = (s->window ? 2 : 1) * rotary + sizeof(int) * (double)o->context};
	const struct hx_cl_run_options on_device = device_options(o, 0);
	bool here[HX_MAX_LAYERS];
	struct hx_scratch at;
	float **v[FLOATS];
	size_t n[FLOATS];

	bytes.host += hx_kv_bytes(s, cached_here(g, places, here), o->context) + (threads ? INPUTS * packed : 0);
	buffers(&at, s, o, threads, v, n);
	for (int i = 0; i < FLOATS; i++)
		bytes.host += sizeof(float) * (double)n[i];
	if (device >= 0)
		bytes.device = hx_cl_run_bytes(g, device, &on_device);
	return bytes;
}

/* Of packed rows, for weights of any type. */
static size_t input_bytes(const struct hx_kernels *k, int wide, int rows)
{
	size_t most = k->input_bytes(HX_F32, wide, rows);

	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		int block = (int)hx_types[t].block;
		size_t n = k->input_bytes(t, (wide + block - 1) / block * block, rows);

		most = n > most ? n : most;
	}
	return most;
}

static void scratch_init(struct hx_exec *e, int threads)
{
	const struct hx_kernels *k = e->walk.weights->kernels;
	struct hx_scratch *at = &e->walk.at;
	int wide = widest(e->graph->shape), rows = rows_at_most(&e->options);
	float **v[FLOATS];
	size_t n[FLOATS];

	if (!threads)
		return;
	buffers(at, e->graph->shape, &e->options, threads, v, n);
	for (int i = 0; i < FLOATS; i++)
		*v[i] = hx_xcalloc(n[i], sizeof(float));
	for (int i = 0; i < INPUTS; i++)
		at->input[i] = hx_pack_alloc(input_bytes(k, wide, rows));
	at->peak_at = hx_xcalloc(product((size_t)e->options.logit_rows, threads), sizeof(int));
	at->argmax = hx_xcalloc((size_t)e->options.logit_rows, sizeof(int));
}

static void scratch_free(struct hx_scratch *at)
{
	float *floats[FLOATS] = {at->x, at->normed, at->sum, at->qkv, at->att, at->up, at->gate, at->scores, at->logits, at->peak};

	for (int i = 0; i < FLOATS; i++)
		free(floats[i]);
	for (int i = 0; i < INPUTS; i++)
		hx_pack_free(at->input[i]);
	free(at->peak_at);
	free(at->argmax);
}

/* Frequencies are theta^(-2 i / dims) over the model's factors and scale. */
static void rotary_init(struct hx_rotary *t, const struct hx_model *m, double theta, double scale, int context)
{
	int half = m->rope_dims / 2;

	t->cos = hx_xmalloc(sizeof(float) * product((size_t)context, half));
	t->sin = hx_xmalloc(sizeof(float) * product((size_t)context, half));
	for (int i = 0; i < half; i++) {
		double frequency = pow(theta, -2.0 * i / m->rope_dims) / (m->rope_factors ? (double)m->rope_factors[i] : 1) / scale;

		for (int p = 0; p < context; p++) {
			t->cos[product((size_t)p, half) + (size_t)i] = (float)cos(p * frequency);
			t->sin[product((size_t)p, half) + (size_t)i] = (float)sin(p * frequency);
		}
	}
}

/* The flows that cross between host and device, over all chains. */
static unsigned crossing(const struct hx_exec *e)
{
	unsigned flows = hx_turns_crossing(&e->graph->whole, e->places);

	if (e->options.exit_layers)
		flows |= hx_turns_crossing(&e->front, e->places) | hx_turns_crossing(&e->tail, e->places) | hx_turns_crossing(&e->end, e->places);
	return flows;
}

static int device_init(struct hx_exec *e, const struct hx_cl_weights *on_device, struct hx_err *err)
{
	const struct hx_rotary *t = e->walk.rotary;
	const struct hx_cl_rotary rotary = {{t[0].cos, t[1].cos}, {t[0].sin, t[1].sin}};
	const struct hx_cl_run_options options = device_options(&e->options, crossing(e));

	e->turns = (struct hx_turns){.crossing = options.crossing};
	return hx_cl_run_create(&e->device, on_device, e->graph, hx_exec_device(e->graph, e->places), &rotary, &options, err);
}

static void exit_init(struct hx_exec *e)
{
	const struct hx_graph *g = e->graph;
	size_t cut = 0, end = g->n_ops;

	while (hx_graph_layer(g, cut) < e->options.exit_layers)
		cut++;
	while (hx_graph_layer(g, end - 1) < 0)
		end--;
	hx_chain_init(&e->front, g, 0, cut);
	hx_chain_init(&e->tail, g, cut, g->n_ops - cut);
	hx_chain_init(&e->end, g, end, g->n_ops - end);
}

int hx_exec_check(const struct hx_graph *graph, const struct hx_place *places, const struct hx_exec_options *options, struct hx_err *err)
{
	const struct hx_shape *s = graph->shape;

	const int device = hx_exec_device(graph, places);

	for (size_t i = 0; i < graph->n_distinct; i++) {
		const struct hx_place *at = &places[graph->distinct[i].unit];

		if (!at->pool && !at->cl)
			return hx_err_set(err, HX_INPUT, "mapping '%.200s': the engine has no such unit here", graph->mapping->text);
		if (at->cl && graph->distinct[i].unit != device)
			return hx_err_set(err, HX_INPUT, "mapping '%.200s': a model runs on CPUs and one OpenCL device, not on two", graph->mapping->text);
	}
	if (options->context < 1 || options->context > s->context)
		return hx_err_set(err, HX_INPUT, "%s holds 1 to %d tokens, not %d", s->name, s->context, options->context);
	if (options->exit_layers >= s->layers)
		return hx_err_set(err, HX_INPUT, "early-exit:%d is not early: %s has %d layers", options->exit_layers, s->name, s->layers);
	return HX_OK;
}

int hx_exec_create(struct hx_exec **out, const struct hx_graph *graph, const struct hx_weights *weights, const struct hx_cl_weights *on_device,
		   const struct hx_place *places, const struct hx_exec_options *options, struct hx_err *err)
{
	int rc = hx_exec_check(graph, places, options, err);
	const struct hx_model *m = weights->model;
	bool here[HX_MAX_LAYERS];
	struct hx_exec *e;

	if (rc)
		return rc;
	e = hx_xcalloc(1, sizeof(*e));
	e->graph = graph;
	e->places = places;
	e->options = *options;
	e->tokens = hx_xcalloc((size_t)options->context, sizeof(*e->tokens));
	cached_here(graph, places, here);
	hx_kv_init(&e->kv, graph->shape, here, options->context);
	e->walk.model = m;
	e->walk.weights = weights;
	e->walk.kv = &e->kv;
	rotary_init(&e->walk.rotary[0], m, m->rope_theta, m->rope_scale, options->context);
	if (graph->shape->window)
		rotary_init(&e->walk.rotary[1], m, m->rope_theta_local, 1, options->context);
	scratch_init(e, threads_of(graph, places));
	if (options->exit_layers)
		exit_init(e);
	if (hx_exec_device(graph, places) >= 0)
		rc = device_init(e, on_device, err);
	if (rc)
		hx_exec_free(e);
	else
		*out = e;
	return rc;
}

void hx_exec_free(struct hx_exec *e)
{
	if (!e)
		return;
	hx_cl_run_free(e->device);
	hx_chain_free(&e->front);
	hx_chain_free(&e->tail);
	hx_chain_free(&e->end);
	for (int i = 0; i < 2; i++) {
		free(e->walk.rotary[i].cos);
		free(e->walk.rotary[i].sin);
	}
	scratch_free(&e->walk.at);
	hx_kv_free(&e->kv);
	free(e->tokens);
	free(e);
}

void hx_exec_trace(struct hx_exec *e, struct hx_trace *t)
{
	e->trace = t;
	if (e->device)
		hx_cl_run_trace(e->device, t);
}

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
			*at[f] = (float *)hx_cl_run_host(e->device, f) + (f == HX_FLOW_X ? product((size_t)x_row, e->graph->shape->d_model) : 0);
}

/* A stretch of new rows as it goes through a chain. */
struct going {
	int pass, from, rows, logit_rows;
	int x_row; /* where the hidden rows are in the scratch */
};

static int run_on_device(struct hx_exec *e, const struct hx_segment *segment, const struct going *g, const struct hx_cl_handover *h, struct hx_err *err)
{
	const struct hx_cl_stretch stretch = {.first = segment->first, .n = segment->n, .pass = g->pass, .rows = g->rows, .cached = g->from,
					      .logit_rows = g->logit_rows, .x_row = g->x_row, .tokens = e->tokens + g->from};
	int rc = hx_cl_run_to_device(e->device, h, err);

	return rc ? rc : hx_cl_run_stretch(e->device, &stretch, err);
}

static int run_on_threads(struct hx_exec *e, const struct hx_segment *segment, const struct going *g, struct hx_walk *walk, struct hx_cl_handover *h,
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

/* Takes rows new tokens through a chain. */
static int run_chain(struct hx_exec *e, const struct hx_chain *c, const struct going *g, struct hx_err *err)
{
	struct hx_walk walk = e->walk;
	int rc = HX_OK;

	walk.at.x += product((size_t)g->x_row, e->graph->shape->d_model);
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

/* A chain for the text from position `from` on, in walks of which the last are full, so that all logit rows are in the last one. *rows: its rows, NULL: not wanted. */
static int run_text(struct hx_exec *e, int pass, const struct hx_chain *c, int from, int to, int logit_rows, int *last, struct hx_err *err)
{
	int rc = HX_OK;

	for (int rows; from < to && !rc; from += rows) {
		rows = (to - from) % HX_EXEC_ROWS ? (to - from) % HX_EXEC_ROWS : HX_EXEC_ROWS;
		rc = run_chain(e, c, &(struct going){pass, from, rows, from + rows == to ? logit_rows : 0, 0}, err);
		*last = rows;
	}
	return rc;
}

/* The text from length to `to`, whose first rows the front may have taken in. */
static int run_behind_front(struct hx_exec *e, int pass, int to, int logit_rows, struct hx_err *err)
{
	int drafted = e->front_length, rc = HX_OK;

	if (drafted < to)
		rc = run_chain(e, &e->front, &(struct going){HX_PASS_FRONT, drafted, to - drafted, 0, drafted - e->length}, err);
	return rc ? rc : run_chain(e, &e->tail, &(struct going){pass, e->length, to - e->length, logit_rows, 0}, err);
}

/* What the device gave is waited for. */
static int collect(struct hx_exec *e, int pass, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	const bool on_device = e->device && e->places[hx_graph_unit(e->graph, HX_OP_ARGMAX, -1)].cl;
	const unsigned flows = 1u << HX_FLOW_ARGMAX | (out && out->wanted ? 1u << HX_FLOW_LOGITS : 0);
	int rc = HX_OK;

	if (on_device && logit_rows)
		rc = hx_cl_run_to_host(e->device, &(struct hx_cl_handover){pass, flows, flows, 0, logit_rows}, err);
	else if (e->device)
		rc = hx_cl_run_finish(e->device, err);
	if (rc || !out)
		return rc;
	out->rows = logit_rows;
	out->logits = e->walk.at.logits;
	if (on_device || e->turns.crossing >> HX_FLOW_LOGITS & 1)
		out->logits = out->wanted && logit_rows ? hx_cl_run_host(e->device, HX_FLOW_LOGITS) : NULL;
	out->argmax = on_device ? hx_cl_run_host(e->device, HX_FLOW_ARGMAX) : e->walk.at.argmax;
	return HX_OK;
}

static int check(const struct hx_exec *e, int at, const int *tokens, int n, int logit_rows, struct hx_err *err)
{
	const struct hx_shape *s = e->graph->shape;

	if (n < 1 || n > e->options.context - at)
		return hx_err_set(err, HX_INPUT, "%s: %d tokens do not fit behind %d, where there is room for %d", s->name, n, at, e->options.context);
	if (logit_rows > n || logit_rows > e->options.logit_rows)
		return hx_err_set(err, HX_INPUT, "%s: logits of %d rows cannot be had of a pass of %d", s->name, logit_rows, n);
	for (int i = 0; i < n; i++)
		if (tokens[i] < 0 || tokens[i] >= s->vocab)
			return hx_err_set(err, HX_INPUT, "%s has no token %d, its vocabulary ends at %d", s->name, tokens[i], s->vocab - 1);
	return HX_OK;
}

static void told(const struct hx_exec *e, int pass, int cached, int rows, double start_s)
{
	hx_trace_add(e->trace, &(struct hx_event){.pass = pass, .op = HX_EVENT_PASS, .unit = -1, .layer = -1, .rows = rows, .cached = cached, .start_s = start_s,
						  .end_s = hx_trace_now_s()});
}

static int decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_exec *e = self;
	int cached = e->options.kv_cache ? e->length : 0, to = e->length + n, rc = check(e, e->length, tokens, n, logit_rows, err), rows;
	bool drafted = e->front_length > e->length && to >= e->front_length && to - e->length <= HX_EXEC_ROWS &&
		       memcmp(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)(e->front_length - e->length)) == 0;
	double start_s = hx_trace_now_s();

	if (rc)
		return rc;
	memcpy(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)n);
	if (drafted && e->options.kv_cache)
		rc = run_behind_front(e, pass, to, logit_rows, err);
	else
		rc = run_text(e, pass, &e->graph->whole, cached, to, logit_rows, &rows, err);
	if (!rc)
		rc = collect(e, pass, logit_rows, out, err);
	if (rc)
		return rc;
	told(e, pass, cached, to - cached, start_s);
	e->length = e->front_length = to;
	return HX_OK;
}

/* Where the device has the whole model: each draft's token is the next one's input there, and they are read back together, HX_CL_DRAFTS at most. */
static int draft_chain(struct hx_exec *e, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	const struct hx_chain *whole = &e->graph->whole;
	const unsigned argmax = 1u << HX_FLOW_ARGMAX;
	struct hx_cl_stretch stretch = {.first = 0, .n = whole->n, .pass = pass, .rows = n, .cached = e->length, .logit_rows = 1, .tokens = e->tokens + e->length,
					.alone = true};
	int rc = check(e, e->length, tokens, n, 1, err);

	if (!rc && steps - 1 > e->options.context - e->length - n)
		rc = hx_err_set(err, HX_INPUT, "%s: %d drafts at once are too many behind %d tokens", e->graph->shape->name, steps, e->length + n);
	if (rc)
		return rc;
	memcpy(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)n);
	rc = hx_cl_run_to_device(e->device, &(struct hx_cl_handover){.flows = argmax | 1u << HX_FLOW_LOGITS}, err);
	for (int i = 0; i < steps && !rc; i++) {
		stretch.slot = i;
		rc = hx_cl_run_stretch(e->device, &stretch, err);
		stretch.cached += stretch.rows;
		stretch.rows = 1;
		stretch.pass = HX_PASS_DRAFT;
		stretch.tokens = NULL;
	}
	if (!rc)
		rc = hx_cl_run_to_host(e->device, &(struct hx_cl_handover){HX_PASS_DRAFT, argmax, argmax, 0, steps}, err);
	if (rc)
		return rc;
	memcpy(drafts, hx_cl_run_host(e->device, HX_FLOW_ARGMAX), sizeof(*drafts) * (size_t)steps);
	e->length += n;
	memcpy(e->tokens + e->length, drafts, sizeof(*drafts) * (size_t)(steps - 1));
	e->length += steps - 1;
	e->front_length = e->length;
	return HX_OK;
}

static int draft(void *self, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	int rc = HX_OK;

	for (int chain; steps && !rc; steps -= chain) {
		chain = steps < HX_CL_DRAFTS ? steps : HX_CL_DRAFTS;
		rc = draft_chain(self, pass, tokens, n, chain, drafts, err);
		/* the last draft is what the next chain takes in first */
		pass = HX_PASS_DRAFT;
		drafts += chain;
		tokens = drafts - 1;
		n = 1;
	}
	return rc;
}

static void rollback(void *self, int length)
{
	struct hx_exec *e = self;

	e->length = length < e->length ? length : e->length;
	e->front_length = length < e->front_length ? length : e->front_length;
}

/* The front's own passes. With a cache its hidden rows stay where they are until those behind them are verified. */
static int decode_front(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_exec *e = self;
	int cached = e->options.kv_cache ? e->front_length : 0, to = e->front_length + n, rows;
	int rc = check(e, e->front_length, tokens, n, logit_rows, err);
	double start_s = hx_trace_now_s();

	if (!rc && to - e->length > rows_at_most(&e->options))
		rc = hx_err_set(err, HX_INPUT, "%s: an early exit takes %d tokens at most before they are verified", e->graph->shape->name, HX_EXEC_ROWS);
	if (rc)
		return rc;
	memcpy(e->tokens + e->front_length, tokens, sizeof(*tokens) * (size_t)n);
	if (e->options.kv_cache) {
		rows = to - e->length;
		rc = run_chain(e, &e->front, &(struct going){pass, cached, n, 0, rows - n}, err);
	} else {
		rc = run_text(e, pass, &e->front, 0, to, 0, &rows, err);
	}
	if (!rc && logit_rows)
		rc = run_chain(e, &e->end, &(struct going){pass, to - logit_rows, logit_rows, logit_rows, rows - logit_rows}, err);
	if (!rc)
		rc = collect(e, pass, logit_rows, out, err);
	if (rc)
		return rc;
	told(e, pass, cached, to - cached, start_s);
	e->front_length = to;
	return HX_OK;
}

int hx_exec_warm_up(struct hx_exec *e, struct hx_err *err)
{
	int most = rows_at_most(&e->options) < HX_CL_ROWS ? rows_at_most(&e->options) : HX_CL_ROWS, rc = HX_OK;
	struct hx_trace *trace = e->trace;

	rollback(e, 0);
	if (!e->device)
		return HX_OK;
	hx_exec_trace(e, NULL);
	memset(e->tokens, 0, sizeof(*e->tokens) * (size_t)most);
	for (int rows = 1; rows <= most && !rc; rows++) {
		rc = run_text(e, HX_PASS_PREFILL_TARGET, &e->graph->whole, 0, rows, rows < e->options.logit_rows ? rows : e->options.logit_rows, &(int){0}, err);
		if (!rc)
			rc = hx_cl_run_finish(e->device, err);
	}
	hx_exec_trace(e, trace);
	return rc;
}

/* A single segment on a device. */
static bool is_all_on_device(const struct hx_exec *e)
{
	return e->device && e->graph->whole.n_segments == 1;
}

struct hx_lm hx_exec_lm(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode, rollback,
			       is_all_on_device(e) && e->options.kv_cache && e->options.logit_rows > 0 ? draft : NULL};
}

struct hx_lm hx_exec_front(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode_front, rollback, NULL};
}
