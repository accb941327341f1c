/* Where the figures of a calibration come from. */
#include "device/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char told[] = "as the operating system tells", fitted[] = "fitted to operators of synthesised models";

static void add(struct profile *p, int kind, char *path, const char *by, const char *from)
{
	p->sources = hx_xrealloc(p->sources, p->n_sources + 1, sizeof(*p->sources));
	p->sources[p->n_sources++] = (struct source){path, kind, hx_xasprintf("%s: %s", by, from)};
}

static void add_unit(struct calibration *c, size_t u, const char *by)
{
	struct profile *p = &c->profile;
	const struct unit *unit = &p->units[u];
	const struct {
		const char *member, *from;
	} all[] = {
		{"cores", told},
		{"affinity", told},
		{"clock_hz", c->clock_told[u] ? told : "a chain of dependent additions"},
		{"flop_per_cycle", "loops of independent instructions, rounded to halves of an instruction a cycle"},
		{"bandwidth", fitted},
		{"read_bytes_s", "plain reads of memory between the passes, what they are most of the time"},
		{"kernels", fitted},
		{"attn_efficiency", fitted},
		{"small_bytes_s", fitted},
		{"p", fitted},
		{"p_cache", fitted},
		{"launch_s", fitted},
		{"sync_s", "passes on one core less their operators"},
		{"wake_s", "the first of two empty runs after a pause, less the second"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		add(p, SOURCE_MEASURED, hx_xasprintf("units.%s.%s", unit->is.name, all[i].member), by, all[i].from);
	if (unit->bandwidth.n_cores > 1) {
		add(p, SOURCE_MEASURED, hx_xasprintf("units.%s.barrier_s", unit->is.name), by, fitted);
		add(p, SOURCE_MEASURED, hx_xasprintf("units.%s.shared_bytes_s", unit->is.name), by, fitted);
	}
	if (!isnan(unit->cache_bytes))
		add(p, SOURCE_MEASURED, hx_xasprintf("units.%s.cache_bytes", unit->is.name), by, told);
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
	add(p, SOURCE_MEASURED, hx_xstrdup("host"), by, "generation, less its passes, which empty the cache as a model's do");
	add(p, SOURCE_DERIVED, hx_xstrdup("reserved"), by, "nothing is kept for an application");
	add(p, SOURCE_DERIVED, hx_xstrdup("covariance"), by, "residuals of the fit");
}
