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
	hx_engine_place_free(e);
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

/* Threads or devices wherever operators run: on a fallback too, which the mapping need not name. */
static int take_places(struct hx_instance *in, struct hx_engine *e, const struct hx_instance *beside, struct hx_err *err)
{
	int rc = HX_OK, first;

	for (size_t i = 0; !rc && i < in->graph.n_distinct; i++) {
		const struct hx_op *op = &in->graph.distinct[i];

		rc = find_room(in, e, op, beside, &first, err);
		if (!rc)
			rc = hx_engine_place(e, op->unit, first, op->cores, &in->places[op->unit], err);
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
	return rc ? rc : take_places(in, e, want->beside, err);
}

static struct hx_weights_wanted weights_wanted(const struct hx_instance *in, const struct hx_engine *e, const struct hx_engine_model *want)
{
	return (struct hx_weights_wanted){&in->model, want->type, e->kernels, &in->graph, in->places};
}

/* The device that operators run on; NULL: none. */
static struct hx_cl *device_of(const struct hx_instance *in, int *unit)
{
	*unit = hx_exec_device(&in->graph, in->places);
	return *unit < 0 ? NULL : in->places[*unit].cl;
}

/* Whether another instance's weights are all that is wanted. */
static bool has_weights(const struct hx_instance *other, const struct hx_instance *in)
{
	int unit;

	return hx_weights_suffice(&other->weights, &in->graph, in->places) &&
	       (!device_of(in, &unit) || (other->on_device && hx_cl_weights_suffice(other->on_device, in->places[unit].cl, &in->graph, unit)));
}

static int check_device(const struct hx_cl *cl, const struct hx_engine_model *want, double bytes, struct hx_err *err)
{
	const struct hx_cl_info *about = hx_cl_about(cl);
	double left = about->memory_bytes - hx_cl_counts(cl).held_bytes;

	if (bytes <= left)
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "%s needs %.4g GB on %s, and %.4g GB are left there", want->path, 1e-9 * bytes, about->name, 1e-9 * left);
}

/* Takes the instance's memory off the engine's. What a device takes of its own memory is the device's to count. */
static int take_memory(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, const struct hx_exec_options *options,
		       struct hx_err *err)
{
	const struct hx_weights_wanted wanted = weights_wanted(in, e, want);
	struct hx_exec_bytes rest = hx_exec_bytes(&in->graph, in->places, options);
	double weights = in->borrows_weights ? 0 : hx_weights_bytes(&wanted);
	int unit, rc = HX_OK;
	struct hx_cl *cl = device_of(in, &unit);

	if (cl && !in->borrows_weights)
		rest.device += hx_cl_weights_bytes(cl, &in->model, want->type, &in->graph, unit);
	if (cl)
		rc = check_device(cl, want, rest.device, err);
	if (rc)
		return rc;
	in->device_bytes = rest.device;
	if (cl && hx_cl_about(cl)->unified)
		rest.host += rest.device;
	if (weights + rest.host > e->memory_bytes)
		return hx_err_set(err, HX_INPUT, "%s needs %.4g GB (weights %.4g, cache and buffers for %d tokens %.4g), and %.4g GB are available",
				  want->path, 1e-9 * (weights + rest.host), 1e-9 * weights, options->context, 1e-9 * rest.host, 1e-9 * e->memory_bytes);
	in->engine = e;
	in->bytes = weights + rest.host;
	e->memory_bytes -= in->bytes;
	return HX_OK;
}

/* Any of the mapping's pools; NULL: all runs on a device. */
static struct hx_pool *a_pool(const struct hx_instance *in)
{
	for (int u = 0; u < HX_MAX_UNITS; u++)
		if (in->places[u].pool)
			return in->places[u].pool;
	return NULL;
}

static int load_weights(struct hx_instance *in, const struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err)
{
	const struct hx_weights_wanted wanted = weights_wanted(in, e, want);
	int unit;
	struct hx_cl *cl = device_of(in, &unit);

	hx_weights_load(&in->weights, &wanted, a_pool(in));
	return cl ? hx_cl_weights_load(&in->on_device, cl, &in->model, want->type, &in->graph, unit, err) : HX_OK;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

int hx_instance_open(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err)
{
	struct hx_exec_options options = want->options;
	int rc = HX_OK;

	*in = (struct hx_instance){.borrows_model = want->like};
	if (want->like)
		in->model = want->like->model;
	else if ((rc = hx_model_open(&in->model, want->path, err)))
		return rc;
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
	if (!rc && want->like && has_weights(want->like, in)) {
		in->borrows_weights = true;
		in->weights = want->like->weights;
		in->on_device = want->like->on_device;
	}
	if (!rc)
		rc = take_memory(in, e, want, &options, err);
	if (!rc && !in->borrows_weights)
		rc = load_weights(in, e, want, err);
	if (!rc)
		rc = hx_exec_create(&in->exec, &in->graph, &in->weights, in->on_device, in->places, &options, err);
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
	if (!in->borrows_weights) {
		hx_cl_weights_free(in->on_device);
		hx_weights_free(&in->weights);
	}
	if (!in->borrows_model)
		hx_model_free(&in->model);
	*in = (struct hx_instance){0};
}
