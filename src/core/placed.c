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
