/* The engine's front: threads by unit and cores, and models ready to run. */
#include "engine/engine.h"

#include <stdlib.h>

struct hx_engine_threads {
	int unit, cores;
	struct hx_pool *pool;
};

enum { DEFAULT_CONTEXT = 4096 };

void hx_engine_free(struct hx_engine *e)
{
	for (size_t i = 0; i < e->n_threads; i++)
		hx_pool_free(e->threads[i].pool);
	free(e->threads);
	e->threads = NULL;
	e->n_threads = 0;
	hx_engine_place_free(e);
}

int hx_engine_pool(struct hx_engine *e, int unit, int cores, struct hx_pool **out, struct hx_err *err)
{
	struct hx_engine_threads t = {unit, cores, NULL};
	int rc;

	for (size_t i = 0; i < e->n_threads; i++)
		if (e->threads[i].unit == unit && e->threads[i].cores == cores) {
			*out = e->threads[i].pool;
			return HX_OK;
		}
	if (!e->cpus[unit])
		return hx_err_set(err, HX_INPUT, "the engine cannot run %s here", e->units.v[unit]->name);
	rc = hx_pool_create(&t.pool, cores, e->cpus[unit], err);
	if (rc)
		return rc;
	e->threads = hx_xrealloc(e->threads, e->n_threads + 1, sizeof(*e->threads));
	e->threads[e->n_threads++] = t;
	*out = t.pool;
	return HX_OK;
}

/* Clocks are the system's to set, and a plan that names one would not be the one that runs. */
static int check_clocks(const struct hx_mapping *m, const struct hx_engine *e, struct hx_err *err)
{
	for (int i = 0; i < m->n_uses; i++)
		if (m->uses[i].clock_hz != e->units.v[m->uses[i].unit]->clock_hz)
			return hx_err_set(err, HX_INPUT, "mapping '%.200s': the engine sets no clocks; leave out @ and what follows it", m->text);
	return HX_OK;
}

/* Threads or devices wherever operators run: on a fallback too, which the mapping need not name. */
static int take_places(struct hx_instance *in, struct hx_engine *e, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t i = 0; !rc && i < in->graph.n_distinct; i++) {
		const struct hx_op *op = &in->graph.distinct[i];

		rc = hx_engine_place(e, op->unit, op->cores, &in->places[op->unit], err);
	}
	return rc;
}

static int place(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err)
{
	const struct hx_shape *s = &in->model.shape;
	int rc = hx_mapping_parse(&in->mapping, want->mapping, s, &e->units, err);

	if (!rc)
		rc = check_clocks(&in->mapping, e, err);
	if (!rc)
		rc = hx_graph_init(&in->graph, s, &in->mapping, want->type < 0 ? in->model.type : want->type, s->layers, &e->units, err);
	return rc ? rc : take_places(in, e, err);
}

static struct hx_weights_wanted weights_wanted(const struct hx_instance *in, const struct hx_engine *e, const struct hx_engine_model *want)
{
	return (struct hx_weights_wanted){&in->model, want->type, e->kernels, &in->graph, in->places};
}

/* Takes the instance's memory off the engine's. */
static int take_memory(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, const struct hx_exec_options *options,
		       struct hx_err *err)
{
	const struct hx_weights_wanted wanted = weights_wanted(in, e, want);
	double weights = want->like ? 0 : hx_weights_bytes(&wanted), rest = hx_exec_bytes(&in->graph, in->places, options).host;

	if (weights + rest > e->memory_bytes)
		return hx_err_set(err, HX_INPUT, "%s needs %.4g GB (weights %.4g, cache and buffers for %d tokens %.4g), and %.4g GB are available",
				  want->path, 1e-9 * (weights + rest), 1e-9 * weights, options->context, 1e-9 * rest, 1e-9 * e->memory_bytes);
	in->engine = e;
	in->bytes = weights + rest;
	e->memory_bytes -= in->bytes;
	return HX_OK;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

int hx_instance_open(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err)
{
	struct hx_exec_options options = want->options;
	int rc = HX_OK;

	*in = (struct hx_instance){.borrows = want->like};
	if (want->like) {
		in->model = want->like->model;
		in->weights = want->like->weights;
	} else {
		rc = hx_model_open(&in->model, want->path, err);
		if (rc)
			return rc;
	}
	if (!options.context)
		options.context = smaller(in->model.shape.context, DEFAULT_CONTEXT);
	if (want->shorter)
		options.context = smaller(in->model.shape.context, options.context);
	if (want->text)
		rc = hx_tokenizer_create(&in->tokenizer, in->model.gguf, err);
	if (!rc)
		rc = place(in, e, want, err);
	if (!rc)
		rc = hx_exec_check(&in->graph, in->places, &options, err);
	if (!rc)
		rc = take_memory(in, e, want, &options, err);
	if (!rc) {
		const struct hx_weights_wanted wanted = weights_wanted(in, e, want);

		if (!want->like)
			hx_weights_load(&in->weights, &wanted, in->places[hx_graph_op(&in->graph, 0)->unit].pool);
		rc = hx_exec_create(&in->exec, &in->graph, &in->weights, NULL, in->places, &options, err);
	}
	if (rc)
		hx_instance_free(in);
	return rc;
}

void hx_instance_free(struct hx_instance *in)
{
	if (in->engine)
		in->engine->memory_bytes += in->bytes;
	hx_exec_free(in->exec);
	hx_graph_free(&in->graph);
	hx_mapping_free(&in->mapping);
	hx_tokenizer_free(in->tokenizer);
	if (!in->borrows) {
		hx_weights_free(&in->weights);
		hx_model_free(&in->model);
	}
	*in = (struct hx_instance){0};
}
