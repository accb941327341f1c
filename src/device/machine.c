/* Machines: units for the engine. */
#include "device/machine.h"

#include "base/text.h"
#include "device/probe_internal.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const machine_devices[MACHINE_DEVICES] = {"opencl", "opencl2", "opencl3", "opencl4"};

static void add_unit(struct machine *m, const char *name, int kind, int cores, double clock_hz)
{
	struct hx_units *units = &m->engine.units;
	struct hx_unit *u = &m->units[units->n];

	*u = (struct hx_unit){.name = (char *)name, .kind = kind, .cores = cores, .usable = cores, .clock_hz = isnan(clock_hz) ? 1e9 : clock_hz};
	units->v[units->n++] = u;
}

static void add_cluster(struct machine *m, const char *name, const struct probe_cluster *c)
{
	m->engine.cpus[m->engine.units.n] = c->cpus;
	add_unit(m, name, HX_CPU, c->n, c->clock_hz);
}

/* The clusters, and the one with most CPUs (the fastest of these) as `cpu`. */
static void add_clusters(struct machine *m)
{
	const struct probe_cluster *largest = &m->probe.clusters[0];

	for (int i = 0; i < m->probe.n_clusters && i < HX_MAX_UNITS - 1 - MACHINE_DEVICES; i++) {
		struct probe_cluster *c = &m->probe.clusters[i];

		largest = c->n > largest->n ? c : largest;
		add_cluster(m, c->name, c);
	}
	if (hx_unit_find(&m->engine.units, "cpu", 3) < 0)
		add_cluster(m, "cpu", largest);
}

static bool names_cpu(const struct profile *p, int cpu)
{
	for (size_t i = 0; i < p->n_units; i++)
		for (size_t k = 0; k < p->units[i].n_affinity && p->units[i].is.kind == HX_CPU; k++)
			if (p->units[i].affinity[k] == cpu)
				return true;
	return false;
}

int machine_spare_cpu(const struct probe *p, const struct profile *profile)
{
	int last[2] = {-1, -1};

	for (int i = 0; i < p->n_clusters; i++)
		for (int k = 0; k < p->clusters[i].n; k++) {
			int cpu = p->clusters[i].cpus[k];
			bool named = profile && names_cpu(profile, cpu);

			last[named] = cpu > last[named] ? cpu : last[named];
		}
	return last[0] >= 0 ? last[0] : last[1];
}

static void add_devices(struct machine *m)
{
	for (int i = 0; i < MACHINE_DEVICES; i++) {
		m->engine.devices[m->engine.units.n] =
			(struct hx_engine_device){.wanted = true, .wish = {.rank = i}, .options = {.cpu = machine_spare_cpu(&m->probe, NULL)}};
		add_unit(m, machine_devices[i], HX_GPU, 1, NAN);
	}
}

static bool has_cpu(const struct probe *p, int cpu)
{
	for (int i = 0; i < p->n_clusters; i++)
		for (int k = 0; k < p->clusters[i].n; k++)
			if (p->clusters[i].cpus[k] == cpu)
				return true;
	return false;
}

static int check_affinity(const struct machine *m, const struct profile *p, size_t i, struct hx_err *err)
{
	for (size_t k = 0; k < p->units[i].n_affinity; k++)
		if (!has_cpu(&m->probe, p->units[i].affinity[k]))
			return hx_err_set(err, HX_INPUT, "profile '%s': units[%zu].affinity: this machine has no CPU %d, or this process may not use it", p->name, i,
					  p->units[i].affinity[k]);
	return HX_OK;
}

/* A CPU without an affinity, or another unit without an OpenCL name, is left to mappings that do not use it. */
static int add_profile(struct machine *m, const struct profile *p, struct hx_err *err)
{
	int rc = HX_OK;

	m->engine.units = p->is;
	for (size_t i = 0; i < p->n_units && !rc; i++) {
		const struct unit *u = &p->units[i];
		bool cpu = u->is.kind == HX_CPU;

		if (cpu ? u->n_affinity < (size_t)u->is.usable : !u->platform && !u->device)
			continue;
		rc = check_affinity(m, p, i, err);
		if (cpu)
			m->engine.cpus[i] = u->affinity;
		else
			m->engine.devices[i] = (struct hx_engine_device){
				.wanted = true,
				.wish = {u->platform, u->device, 0},
				.options = {.cpu = u->n_affinity ? u->affinity[0] : machine_spare_cpu(&m->probe, p)},
			};
	}
	return rc;
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
	if (!rc && profile) {
		rc = add_profile(m, profile, err);
	} else if (!rc) {
		add_clusters(m);
		add_devices(m);
	}
	m->engine.memory_bytes = isnan(m->probe.available_bytes) ? INFINITY : m->probe.available_bytes;
	if (rc)
		machine_free(m);
	return rc;
}

int machine_keep_awake(struct machine *m, struct hx_err *err)
{
	static const char path[] = "/dev/cpu_dma_latency", driver[] = "/sys/devices/system/cpu/cpuidle/current_driver";
	const int32_t most_us = 0; /* that waking may take; holds while the file is open */
	char name[32];
	FILE *f;

	probe_line(name, sizeof(name), "", "%s", driver);
	if (!*name || strcmp(name, "none") == 0) /* who would heed it? */
		return hx_err_set(err, HX_IO, "processors cannot be kept awake: the system has no driver for idle ones (%s)", driver);
	f = fopen(path, "r+be");
	if (f && fwrite(&most_us, sizeof(most_us), 1, f) == 1 && fflush(f) == 0) {
		m->awake = f;
		return HX_OK;
	}
	hx_err_set(err, HX_IO, "processors cannot be kept awake: %s: %s; try as root", path, strerror(errno));
	if (f)
		fclose(f);
	return HX_IO;
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
	if (m->awake)
		fclose(m->awake);
	m->awake = NULL;
}
