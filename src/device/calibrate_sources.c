/* Where the figures of a calibration come from. */
#include "device/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char told[] = "as the system or the driver tells", fitted[] = "fitted to operators of synthesised models";

static void add(struct profile *p, int kind, char *path, const char *by, const char *from)
{
	p->sources = hx_xrealloc(p->sources, p->n_sources + 1, sizeof(*p->sources));
	p->sources[p->n_sources++] = (struct source){path, kind, hx_xasprintf("%s: %s", by, from)};
}

static void add_unit(struct calibration *c, size_t u, const char *by)
{
	struct profile *p = &c->profile;
	const struct unit *unit = &p->units[u];
	const bool device = unit->is.kind != HX_CPU;
	const struct {
		const char *member, *from;
		bool left_out;
	} all[] = {
		{"cores", told, false},
		{"affinity", told, !unit->n_affinity},
		{"clock_hz", c->clock_told[u] ? told : "a chain of dependent additions", false},
		{"flop_per_cycle", "loops of independent instructions, rounded to halves of an instruction a cycle", device && !unit->n_affinity},
		{"bandwidth", fitted, false},
		{"read_bytes_s", "plain reads of memory between the passes, what they are most of the time", device},
		{"kernels", fitted, false},
		{"attn_efficiency", fitted, false},
		{"attn_softmax", fitted, false},
		{"small_bytes_s", fitted, false},
		{"p", fitted, false},
		{"p_cache", fitted, false},
		{"shared_bytes_s", fitted, isnan(unit->shared_bytes_s)},
		{"launch_s", device ? "passes less their kernels, by how many these are" : fitted, false},
		{"barrier_s", fitted, isnan(unit->barrier_s)},
		{"sync_s", device ? "an empty kernel that is waited for, less its launch" : "passes on one core less their operators", false},
		{"wake_s", "the first of two empty runs after a pause, less the second", device},
		{"residual", "passes that the fit was not told of, nine tenths of them", isnan(unit->residual)},
		{"cache_bytes", told, isnan(unit->cache_bytes)},
		{"mem_limit_bytes", told, isnan(unit->mem_limit_bytes)},
		{"max_alloc_bytes", told, isnan(unit->max_alloc_bytes)},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!all[i].left_out)
			add(p, SOURCE_MEASURED, hx_xasprintf("units.%s.%s", unit->is.name, all[i].member), by, all[i].from);
	if (device && !unit->n_affinity)
		add(p, SOURCE_ESTIMATE, hx_xasprintf("units.%s.flop_per_cycle", unit->is.name), by, "as much as a shader core does at most: efficiencies are of that");
	for (size_t k = c->n_measured; k < unit->n_kernels; k++)
		add(p, SOURCE_DERIVED, hx_xasprintf("units.%s.kernels[%zu]", unit->is.name, k), by,
		    "not measured, but taken as a type that is computed alike");
}

void calibrate_sources(struct calibration *c, const char *by)
{
	struct profile *p = &c->profile;

	for (size_t u = 0; u < p->n_units; u++)
		add_unit(c, u, by);
	add(p, SOURCE_MEASURED, hx_xstrdup("memory.capacity_bytes"), by, told);
	add(p, SOURCE_MEASURED, hx_xstrdup("memory.bw_bytes_s"), by, "the highest bandwidth of a unit beyond its cache");
	if (p->memory.n_contention)
		add(p, SOURCE_MEASURED, hx_xstrdup("memory.contention"), by, "passes over models beyond the cache, on two units at once and on each alone");
	if (p->n_links)
		add(p, SOURCE_MEASURED, hx_xstrdup("links"), by, "passes of a model that is cut, less operators, launches and syncs");
	add(p, SOURCE_MEASURED, hx_xstrdup("host"), by, "generation, less its passes");
	add(p, SOURCE_DERIVED, hx_xstrdup("reserved"), by, "nothing is kept for an application");
	add(p, SOURCE_DERIVED, hx_xstrdup("covariance"), by, "residuals of the fit");
}
