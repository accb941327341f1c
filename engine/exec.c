/* Executors: the cache, the text and the scratch of one model. Walks are in exec_walk.c, passes in exec_pass.c. */
#include "engine/exec_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>


enum {
	FLOATS = 10, /* buffers of float */
	INPUTS = sizeof(((struct hx_scratch *)0)->input) / sizeof(void *),
	WIDEST_UNIT = 256, /* that packed rows are filled up to; of a type that is packed so, no value takes more than an f32 */
};

/* Where each float buffer is kept, and its length; threads: of the largest pool, 0: there is none, and nothing is kept. */
static void buffers(struct hx_scratch *at, const struct hx_shape *s, const struct hx_exec_options *o, int threads, float **v[FLOATS], size_t n[FLOATS])
{
	size_t rows = (size_t)hx_exec_rows(o);
	int q = s->heads * s->d_head, kv = s->kv_heads * s->d_head;
	const struct {
		float **v;
		size_t n;
	} all[FLOATS] = {
		{&at->x, hx_exec_product(rows, s->d_model)},   {&at->normed, hx_exec_product(rows, s->d_model)}, {&at->sum, hx_exec_product(rows, s->d_model)},
		{&at->qkv, hx_exec_product(rows, q + 2 * kv)}, {&at->att, hx_exec_product(rows, q)},             {&at->up, hx_exec_product(rows, s->d_ff)},
		{&at->gate, hx_exec_product(rows, s->d_ff)},   {&at->scores, hx_exec_product(hx_exec_product((size_t)threads, s->heads / s->kv_heads), o->context)},
		{&at->logits, hx_exec_product((size_t)o->logit_rows, s->vocab)}, {&at->peak, hx_exec_product((size_t)o->logit_rows, threads)},
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
	return (struct hx_cl_run_options){o->context, hx_exec_rows(o), o->logit_rows, crossing};
}

struct hx_exec_bytes hx_exec_bytes(const struct hx_graph *g, const struct hx_place *places, const struct hx_exec_options *o)
{
	const struct hx_shape *s = g->shape;
	int threads = threads_of(g, places), device = hx_exec_device(g, places), blocks = hx_shape_widest(s) / WIDEST_UNIT + 1;
	double packed = sizeof(float) * WIDEST_UNIT * (double)blocks * hx_exec_rows(o), rotary = sizeof(float) * (double)s->d_head * o->context;
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
	int wide = hx_shape_widest(e->graph->shape), rows = hx_exec_rows(&e->options);
	float **v[FLOATS];
	size_t n[FLOATS];

	if (!threads)
		return;
	buffers(at, e->graph->shape, &e->options, threads, v, n);
	for (int i = 0; i < FLOATS; i++)
		*v[i] = hx_xcalloc(n[i], sizeof(float));
	for (int i = 0; i < INPUTS; i++)
		at->input[i] = hx_pack_alloc(input_bytes(k, wide, rows));
	at->peak_at = hx_xcalloc(hx_exec_product((size_t)e->options.logit_rows, threads), sizeof(int));
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

	t->cos = hx_xmalloc(sizeof(float) * hx_exec_product((size_t)context, half));
	t->sin = hx_xmalloc(sizeof(float) * hx_exec_product((size_t)context, half));
	for (int i = 0; i < half; i++) {
		double frequency = pow(theta, -2.0 * i / m->rope_dims) / (m->rope_factors ? (double)m->rope_factors[i] : 1) / scale;

		for (int p = 0; p < context; p++) {
			t->cos[hx_exec_product((size_t)p, half) + (size_t)i] = (float)cos(p * frequency);
			t->sin[hx_exec_product((size_t)p, half) + (size_t)i] = (float)sin(p * frequency);
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
