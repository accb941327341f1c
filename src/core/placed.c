/* Models placed on mappings. */
#include "core/placed.h"

#include "core/cost.h"

#include <stdlib.h>

static void measure(struct placed *p, const struct profile *profile)
{
	p->cpu_only = true;
	for (size_t i = 0; i < p->graph.whole.n_ops; i++) {
		const struct hx_group *group = &p->graph.whole.ops[i];
		const struct hx_op *op = &p->graph.distinct[group->which];

		p->streamed[op->unit] += group->count * op->weight_bytes;
		p->kv_pos[op->unit] += group->count * op->kv_pos;
		p->cores[op->unit] = op->cores;
		p->clock_hz[op->unit] = op->clock_hz;
		if (profile->units[op->unit].is.kind != HX_CPU)
			p->cpu_only = false;
	}
}

/* Of a unit's processors the first one that it is on, with so many cores, as another one is; -1: none. */
static int shared_processor(const struct unit *u, int cores_u, const struct unit *v, int cores_v)
{
	for (size_t i = 0; i < u->n_affinity && i < (size_t)cores_u; i++)
		for (size_t k = 0; k < v->n_affinity && k < (size_t)cores_v; k++)
			if (u->affinity[i] == v->affinity[k])
				return u->affinity[i];
	return -1;
}

bool placed_clashes(const struct profile *profile, const int cores[HX_MAX_UNITS], struct placed_clash *out)
{
	for (size_t u = profile->n_units; u-- > 1;)
		for (size_t v = 0; v < u; v++) {
			bool swap = profile->units[u].is.kind == HX_CPU;
			int processor = shared_processor(&profile->units[u], cores[u], &profile->units[v], cores[v]);

			if (processor < 0)
				continue;
			*out = (struct placed_clash){(int)(swap ? v : u), (int)(swap ? u : v), processor};
			return true;
		}
	return false;
}

static void check_processors(struct placed *p, const struct profile *profile)
{
	struct placed_clash clash;

	if (!p->reason && placed_clashes(profile, p->cores, &clash))
		p->reason = hx_xasprintf("%s runs on processor %d, which %s uses too: take fewer cores of it", profile->units[clash.unit].is.name, clash.processor,
					 profile->units[clash.other].is.name);
}

static void place(struct placed *p, const struct study *study, const struct hx_shape *shape, int layers, int type, const struct hx_mapping *map)
{
	struct hx_err err;

	if (hx_graph_init(&p->graph, shape, map, type, layers, &study->profile.is, &err)) {
		p->reason = hx_xstrdup(err.msg);
		return;
	}
	if (cost_check(&study->profile, &p->graph, &err))
		p->reason = hx_xstrdup(err.msg);
	measure(p, &study->profile);
	check_processors(p, &study->profile);
}

void placed_init(struct placements *p, const struct study *study, const struct hx_shape *shape, int layers, const int *types, size_t n_types,
		 const struct mappings *maps)
{
	*p = (struct placements){types, n_types, maps->n, hx_xcalloc(n_types * maps->n, sizeof(*p->v))};
	for (size_t t = 0; t < n_types; t++)
		for (size_t m = 0; m < maps->n; m++)
			place(&p->v[t * maps->n + m], study, shape, layers, types[t], &maps->v[m]);
}

void placed_free(struct placements *p)
{
	for (size_t i = 0; i < p->n_types * p->n_maps; i++) {
		free(p->v[i].reason);
		hx_graph_free(&p->v[i].graph);
	}
	free(p->v);
	*p = (struct placements){0};
}

const struct placed *placed_find(const struct placements *p, int type, int map)
{
	for (size_t t = 0; t < p->n_types; t++)
		if (p->types[t] == type)
			return &p->v[t * p->n_maps + (size_t)map];
	return NULL;
}
