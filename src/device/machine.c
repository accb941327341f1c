/* Machines: units for the engine. */
#include "device/machine.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void add_unit(struct machine *m, char *name, const struct probe_cluster *c)
{
	struct hx_units *units = &m->engine.units;
	struct hx_unit *u = &m->units[units->n];

	*u = (struct hx_unit){.name = name, .kind = HX_CPU, .cores = c->n, .usable = c->n, .clock_hz = isnan(c->clock_hz) ? 1e9 : c->clock_hz};
	m->engine.cpus[units->n] = c->cpus;
	units->v[units->n++] = u;
}

/* The clusters, and the one with most CPUs (the fastest of these) as `cpu`. */
static void add_clusters(struct machine *m)
{
	static char cpu[] = "cpu";
	const struct probe_cluster *largest = &m->probe.clusters[0];

	for (int i = 0; i < m->probe.n_clusters && i < HX_MAX_UNITS - 1; i++) {
		struct probe_cluster *c = &m->probe.clusters[i];

		largest = c->n > largest->n ? c : largest;
		add_unit(m, c->name, c);
	}
	if (hx_unit_find(&m->engine.units, cpu, 3) < 0)
		add_unit(m, cpu, largest);
}

static bool has_cpu(const struct probe *p, int cpu)
{
	for (int i = 0; i < p->n_clusters; i++)
		for (int k = 0; k < p->clusters[i].n; k++)
			if (p->clusters[i].cpus[k] == cpu)
				return true;
	return false;
}

/* A CPU without an affinity is left to mappings that do not use it. */
static int add_profile(struct machine *m, const struct profile *p, struct hx_err *err)
{
	m->engine.units = p->is;
	for (size_t i = 0; i < p->n_units; i++) {
		const struct unit *u = &p->units[i];

		if (u->is.kind != HX_CPU || u->n_affinity < (size_t)u->is.usable)
			continue;
		for (size_t k = 0; k < u->n_affinity; k++)
			if (!has_cpu(&m->probe, u->affinity[k]))
				return hx_err_set(err, HX_INPUT, "profile '%s': units[%zu].affinity: this machine has no CPU %d, or this process may not use it",
						  p->name, i, u->affinity[k]);
		m->engine.cpus[i] = u->affinity;
	}
	return HX_OK;
}

static int find_kernels(struct machine *m, const char *name, struct hx_err *err)
{
	char names[160] = "", shown[40];
	size_t n = 0;

	m->engine.kernels = hx_kernels_find(name);
	if (m->engine.kernels)
		return HX_OK;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k && n < sizeof(names) - 32; k++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", (*k)->name);
	return hx_err_set(err, HX_INPUT, "no kernels '%s' on this machine; there are %s", text_clean(shown, sizeof(shown), name), names);
}

int machine_init(struct machine *m, const struct profile *profile, const char *kernels, struct hx_err *err)
{
	int rc;

	*m = (struct machine){0};
	rc = probe_init(&m->probe, err);
	if (!rc)
		rc = find_kernels(m, kernels, err);
	if (!rc && profile)
		rc = add_profile(m, profile, err);
	else if (!rc)
		add_clusters(m);
	m->engine.memory_bytes = isnan(m->probe.available_bytes) ? INFINITY : m->probe.available_bytes;
	if (rc)
		machine_free(m);
	return rc;
}

double machine_load(void)
{
	double load = NAN;
	FILE *f = fopen("/proc/loadavg", "r");

	if (f && fscanf(f, "%lf", &load) != 1)
		load = NAN;
	if (f)
		fclose(f);
	return load;
}

void machine_free(struct machine *m)
{
	hx_engine_free(&m->engine);
	probe_free(&m->probe);
}
