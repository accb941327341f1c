/* The engine's front: threads by unit and cores, and models ready to run. */
#include "engine/engine.h"

#include <stdlib.h>

struct hx_engine_threads {
	int unit, first, cores;
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
}

int hx_engine_pool(struct hx_engine *e, int unit, int first, int cores, struct hx_pool **out, struct hx_err *err)
{
	struct hx_engine_threads t = {unit, first, cores, NULL};
	int rc;

	for (size_t i = 0; i < e->n_threads; i++)
		if (e->threads[i].unit == unit && e->threads[i].first == first && e->threads[i].cores == cores) {
			*out = e->threads[i].pool;
			return HX_OK;
		}
	if (!e->cpus[unit])
		return hx_err_set(err, HX_INPUT, "the engine cannot run %s here", e->units.v[unit]->name);
	rc = hx_pool_create(&t.pool, cores, e->cpus[unit] + first, err);
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

/* The first core of a unit behind those that an operator runs on, which may be of another unit with the same processors; an instance takes its units' first
 * cores unless it is beside another itself. */
static int first_behind(const struct hx_engine *e, int unit, const struct hx_op *op)
{
	int first = 0;

	for (int i = 0; e->cpus[unit] && e->cpus[op->unit] && i < e->units.v[unit]->usable; i++)
		for (int k = 0; k < op->cores; k++)
			if (e->cpus[unit][i] == e->cpus[op->unit][k])
				first = i + 1;
	return first;
}

/* *first: the first core that an operator may run on. */
static int find_room(const struct hx_instance *in, const struct hx_engine *e, const struct hx_op *op, const struct hx_instance *beside, int *first,
		     struct hx_err *err)
{
	const struct hx_unit *unit = e->units.v[op->unit];

	*first = 0;
	if (!beside)
		return HX_OK;
	for (size_t i = 0; i < beside->graph.n_distinct; i++) {
		const struct hx_op *its = &beside->graph.distinct[i];
		int behind = first_behind(e, op->unit, its);

		if (its->unit == op->unit && unit->kind != HX_CPU)
			return hx_err_set(err, HX_INPUT, "mapping '%.200s' needs %s, and so does '%.200s', which works at the same time; only a CPU's cores can be shared out",
					  in->mapping.text, unit->name, beside->mapping.text);
		*first = behind > *first ? behind : *first;
	}
	if (*first + op->cores > unit->usable)
		return hx_err_set(err, HX_INPUT, "mapping '%.200s' needs %d cores of %s, and '%.200s', which works at the same time, leaves %d; give one of them fewer",
				  in->mapping.text, op->cores, unit->name, beside->mapping.text, unit->usable - *first);
	return HX_OK;
}

/* Threads wherever operators run: on a fallback too, which the mapping need not name. */
static int take_pools(struct hx_instance *in, struct hx_engine *e, const struct hx_instance *beside, struct hx_err *err)
{
	int rc = HX_OK, first;

	for (size_t i = 0; !rc && i < in->graph.n_distinct; i++) {
		const struct hx_op *op = &in->graph.distinct[i];

		rc = find_room(in, e, op, beside, &first, err);
		if (!rc)
			rc = hx_engine_pool(e, op->unit, first, op->cores, &in->places[op->unit].pool, err);
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
	return rc ? rc : take_pools(in, e, want->beside, err);
}

/* Takes the instance's memory off the engine's. */
static int take_memory(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, const struct hx_exec_options *options,
		       struct hx_err *err)
{
	double weights = want->like ? 0 : hx_weights_bytes(&in->model, want->type, e->kernels), rest = hx_exec_bytes(&in->graph, in->places, options);

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
		if (!want->like)
			hx_weights_load(&in->weights, &in->model, want->type, e->kernels, in->places[hx_graph_op(&in->graph, 0)->unit].pool);
		rc = hx_exec_create(&in->exec, &in->graph, &in->weights, in->places, &options, err);
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
