/* Executors: the passes of one model, with its cache, its text and its scratch. Operators are in exec_ops.c. */
#include "engine/exec.h"

#include "engine/exec_ops.h"

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

/* Where each float buffer is kept, and its length; threads: of the largest pool. */
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
		n[i] = all[i].n;
	}
}

/* The largest pool's threads, or 0 where an operator's unit has no pool. */
static int threads_of(const struct hx_graph *g, const struct hx_place *places)
{
	int most = 0;

	for (size_t i = 0; i < g->n_distinct; i++) {
		struct hx_pool *pool = places[g->distinct[i].unit].pool;
		int n = pool ? hx_pool_threads(pool) : 0;

		if (!n)
			return 0;
		most = n > most ? n : most;
	}
	return most;
}

double hx_exec_bytes(const struct hx_graph *g, const struct hx_place *places, const struct hx_exec_options *o)
{
	const struct hx_shape *s = g->shape;
	int threads = threads_of(g, places), blocks = widest(s) / WIDEST_UNIT + 1;
	double packed = sizeof(float) * WIDEST_UNIT * (double)blocks * rows_at_most(o), rotary = sizeof(float) * (double)s->d_head * o->context;
	double bytes = hx_kv_bytes(s, o->context) + INPUTS * packed + (s->window ? 2 : 1) * rotary + sizeof(int) * (double)o->context;
	struct hx_scratch at;
	float **v[FLOATS];
	size_t n[FLOATS];

	buffers(&at, s, o, threads, v, n);
	for (int i = 0; i < FLOATS; i++)
		bytes += sizeof(float) * (double)n[i];
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

	if (!threads_of(graph, places))
		return hx_err_set(err, HX_INPUT, "mapping '%.200s': the engine has no such unit here", graph->mapping->text);
	if (options->context < 1 || options->context > s->context)
		return hx_err_set(err, HX_INPUT, "%s holds 1 to %d tokens, not %d", s->name, s->context, options->context);
	if (options->exit_layers >= s->layers)
		return hx_err_set(err, HX_INPUT, "early-exit:%d is not early: %s has %d layers", options->exit_layers, s->name, s->layers);
	return HX_OK;
}

int hx_exec_create(struct hx_exec **out, const struct hx_graph *graph, const struct hx_weights *weights, const struct hx_place *places,
		   const struct hx_exec_options *options, struct hx_err *err)
{
	int rc = hx_exec_check(graph, places, options, err);
	const struct hx_model *m = weights->model;
	struct hx_exec *e;

	if (rc)
		return rc;
	e = hx_xcalloc(1, sizeof(*e));
	e->graph = graph;
	e->places = places;
	e->options = *options;
	e->tokens = hx_xcalloc((size_t)options->context, sizeof(*e->tokens));
	hx_kv_init(&e->kv, graph->shape, options->context);
	e->walk.model = m;
	e->walk.weights = weights;
	e->walk.kv = &e->kv;
	rotary_init(&e->walk.rotary[0], m, m->rope_theta, m->rope_scale, options->context);
	if (graph->shape->window)
		rotary_init(&e->walk.rotary[1], m, m->rope_theta_local, 1, options->context);
	scratch_init(e, threads_of(graph, places));
	if (options->exit_layers)
		exit_init(e);
	*out = e;
	return HX_OK;
}

void hx_exec_free(struct hx_exec *e)
{
	if (!e)
		return;
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

		if (op->logits && !run->walk->logit_rows) /* norm and head of rows that nobody asked for */
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

/* Takes rows new tokens from position `from` on through a chain; x_row: where their hidden rows are in the scratch. */
static void run_chain(struct hx_exec *e, int pass, const struct hx_chain *c, int from, int rows, int logit_rows, int x_row)
{
	struct hx_walk walk = e->walk;

	walk.at.x += product((size_t)x_row, e->graph->shape->d_model);
	walk.tokens = e->tokens + from;
	walk.rows = rows;
	walk.cached = from;
	walk.logit_rows = logit_rows;
	for (size_t i = 0; i < c->n_segments; i++) {
		walk.pool = e->places[c->segments[i].unit].pool;
		hx_pool_run(walk.pool, run_segment, &(struct running){e, &c->segments[i], &walk, pass});
	}
}

/* A chain for the text from position `from` on, in walks of which the last are full, so that all logit rows are in the last one: its rows. */
static int run_text(struct hx_exec *e, int pass, const struct hx_chain *c, int from, int to, int logit_rows)
{
	int rows = 0;

	for (; from < to; from += rows) {
		rows = (to - from) % HX_EXEC_ROWS ? (to - from) % HX_EXEC_ROWS : HX_EXEC_ROWS;
		run_chain(e, pass, c, from, rows, from + rows == to ? logit_rows : 0, 0);
	}
	return rows;
}

/* The text from length to `to`, whose first rows the front may have taken in. */
static void run_behind_front(struct hx_exec *e, int pass, int to, int logit_rows)
{
	int drafted = e->front_length;

	if (drafted < to)
		run_chain(e, HX_PASS_FRONT, &e->front, drafted, to - drafted, 0, drafted - e->length);
	run_chain(e, pass, &e->tail, e->length, to - e->length, logit_rows, 0);
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

static void told(struct hx_exec *e, int pass, int cached, int rows, double start_s, int logit_rows, struct hx_logits *out)
{
	hx_trace_add(e->trace, &(struct hx_event){.pass = pass, .op = HX_EVENT_PASS, .unit = -1, .layer = -1, .rows = rows, .cached = cached, .start_s = start_s,
						  .end_s = hx_trace_now_s()});
	if (!out)
		return;
	out->rows = logit_rows;
	out->logits = e->walk.at.logits;
	out->argmax = e->walk.at.argmax;
}

static int decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_exec *e = self;
	int cached = e->options.kv_cache ? e->length : 0, to = e->length + n, rc = check(e, e->length, tokens, n, logit_rows, err);
	bool drafted = e->front_length > e->length && to >= e->front_length && to - e->length <= HX_EXEC_ROWS &&
		       memcmp(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)(e->front_length - e->length)) == 0;
	double start_s = hx_trace_now_s();

	if (rc)
		return rc;
	memcpy(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)n);
	if (drafted && e->options.kv_cache)
		run_behind_front(e, pass, to, logit_rows);
	else
		run_text(e, pass, &e->graph->whole, cached, to, logit_rows);
	told(e, pass, cached, to - cached, start_s, logit_rows, out);
	e->length = e->front_length = to;
	return HX_OK;
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
		run_chain(e, pass, &e->front, cached, n, 0, rows - n);
	} else {
		rows = run_text(e, pass, &e->front, 0, to, 0);
	}
	if (logit_rows)
		run_chain(e, pass, &e->end, to - logit_rows, logit_rows, logit_rows, rows - logit_rows);
	told(e, pass, cached, to - cached, start_s, logit_rows, out);
	e->front_length = to;
	return HX_OK;
}

struct hx_lm hx_exec_lm(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode, rollback, NULL};
}

struct hx_lm hx_exec_front(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode_front, rollback, NULL};
}
