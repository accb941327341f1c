/* A profile's skeleton: the units, from what the system and drivers tell, and which cores, footprints, types and rows are to be measured of each. */
#include "device/calibrate_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* No model is smaller; and none for a cache of one core that is not well below those for the last. */
static const double least_bytes = 4e5, apart = 2;

const double calibrate_default_cache = 4 << 20;

/* Rows that calibrate_bench.c takes of devices. */
static const int device_rows[] = {1, 2, 3, 4, 5, 6, 8, 9, 16, 32, 64, 128};
enum { DEVICE_ROWS = sizeof(device_rows) / sizeof(*device_rows) };

/* Operations per shader core and cycle: as many as any of today's has, so that efficiencies are below 1 and tell little else. */
static const double device_rates[ARITH_COUNT] = {[ARITH_F32] = 256, [ARITH_F16] = NAN, [ARITH_I8_DOT] = 1024, [ARITH_I8_MUL] = 512};

/* A cluster may be a unit under two names; NULL: none of the machine's. */
static const struct probe_cluster *cluster_of(const struct machine *m, int unit)
{
	for (int i = 0; i < m->probe.n_clusters; i++)
		if (m->probe.clusters[i].cpus == m->engine.cpus[unit])
			return &m->probe.clusters[i];
	return NULL;
}

struct peak {
	const struct hx_kernels *kernels;
	double clock_hz;
	double *rate;
};

static void measure_peak(void *arg, int thread, int threads)
{
	struct peak *p = arg;
	double clock_hz = calibrate_clock_hz();

	(void)thread;
	(void)threads;
	if (isnan(p->clock_hz))
		p->clock_hz = clock_hz;
	calibrate_rates(p->kernels, clock_hz, p->rate);
}

static double *numbers(size_t n)
{
	return hx_xcalloc(n, sizeof(double));
}

/* 1, 2, 4, ... and all; of large clusters, which would take too long, 1, 4, 16, ... and all. */
static void list_cores(struct bandwidth *b, int cores)
{
	const int large = 8, step = cores > large ? 4 : 2;

	b->cores = numbers(32);
	for (int k = 1; k < cores; k *= step)
		b->cores[b->n_cores++] = k;
	b->cores[b->n_cores++] = cores;
}

/* Of a core alone: of the level before the last. */
static double own_cache(const struct probe_cluster *c)
{
	int last = PROBE_LEVELS - 1;

	while (c && last > 0 && !(c->cache_bytes[last] > 0))
		last--;
	return c && last > 0 ? c->cache_bytes[last - 1] : 0;
}

/* Of unit u of the profile. own_bytes: of a cache that one core has to itself; 0: there is none. */
static void list_footprints(struct calibration *c, size_t u, const struct calibrate_options *o, double own_bytes, double cache_bytes, double room_bytes)
{
	struct bandwidth *b = &c->profile.units[u].bandwidth;
	bool device = c->profile.units[u].is.kind != HX_CPU;
	double last = calibrate_plans[CALIBRATE_FOOTPRINTS - 1].caches, unit = fmin(cache_bytes, room_bytes / last), least = INFINITY;

	if (o->largest_bytes > 0)
		unit = fmin(unit, o->largest_bytes / last);
	for (int i = 0; i < CALIBRATE_FOOTPRINTS; i++)
		if (!calibrate_plans[i].own)
			least = fmin(least, unit * calibrate_plans[i].caches);
	b->footprint_bytes = numbers(CALIBRATE_FOOTPRINTS);
	for (int i = 0; i < CALIBRATE_FOOTPRINTS; i++) {
		const struct calibrate_plan *plan = &calibrate_plans[i];
		double bytes = round((plan->own ? own_bytes : unit) * plan->caches);

		if ((o->quick && !plan->quick) || !(device ? plan->device : plan->cpu).rows || (plan->own && (bytes < least_bytes || bytes * apart > least)))
			continue;
		c->plans[u][b->n_footprints] = i;
		b->footprint_bytes[b->n_footprints++] = bytes;
	}
	b->bytes_s = hx_xcalloc(b->n_footprints, sizeof(*b->bytes_s));
	for (size_t i = 0; i < b->n_footprints; i++)
		b->bytes_s[i] = numbers(b->n_cores);
	b->n_rows = b->n_footprints;
	b->n_cols = b->n_cores;
}

/* quantised: the arithmetic of quantised types. */
static void list_kernels(struct unit *u, const struct calibrate_options *o, int quantised, const int *rows, size_t n_rows)
{
	u->kernels = hx_xcalloc(HX_TYPE_COUNT, sizeof(*u->kernels));
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		struct kernel *k = &u->kernels[u->n_kernels];

		if (!o->types[t])
			continue;
		*k = (struct kernel){.type = t, .arithmetic = hx_types[t].block == 1 ? ARITH_F32 : quantised, .ceiling = NAN, .rows = numbers(n_rows),
				     .efficiency = numbers(n_rows), .n_rows = n_rows, .n_efficiency = n_rows};
		for (size_t r = 0; r < n_rows; r++)
			k->rows[r] = rows[r];
		u->n_kernels++;
	}
}

static int add_cpu(struct calibration *c, struct machine *m, const struct calibrate_options *o, int from, struct hx_err *err)
{
	const struct hx_unit *is = m->engine.units.v[from];
	const struct probe_cluster *cluster = cluster_of(m, from);
	struct unit *u = &c->profile.units[c->profile.n_units];
	struct peak peak = {m->engine.kernels, !cluster || cluster->clock_is_now ? NAN : cluster->clock_hz, u->flop_per_cycle};
	double cache = cluster && cluster->last_cache_bytes > 0 ? cluster->last_cache_bytes : NAN;
	struct hx_pool *one;
	int rc = hx_engine_pool(&m->engine, from, 0, 1, &one, err);

	if (rc)
		return rc;
	*u = (struct unit){.is = {.name = hx_xstrdup(is->name), .kind = HX_CPU, .cores = is->cores, .usable = is->cores},
			   .core = hx_xstrdup(cluster && *cluster->core ? cluster->core : "unknown"), .sustained_clock_hz = NAN, .cache_bytes = cache,
			   .attn_efficiency = NAN, .shared_bytes_s = NAN, .barrier_s = NAN, .mem_limit_bytes = NAN, .max_alloc_bytes = NAN};
	c->clock_told[c->profile.n_units] = !isnan(peak.clock_hz);
	c->unit_of[c->profile.n_units++] = from;
	hx_pool_run(one, measure_peak, &peak);
	u->is.clock_hz = peak.clock_hz;
	u->affinity = hx_xcalloc((size_t)is->cores, sizeof(*u->affinity));
	u->n_affinity = (size_t)is->cores;
	memcpy(u->affinity, m->engine.cpus[from], u->n_affinity * sizeof(*u->affinity));
	list_cores(&u->bandwidth, is->cores);
	list_footprints(c, c->profile.n_units - 1, o, own_cache(cluster), isnan(cache) ? calibrate_default_cache : cache, m->engine.memory_bytes / 8);
	list_kernels(u, o, calibrate_arithmetic(m->engine.kernels, HX_Q8_0), calibrate_rows, CALIBRATE_ROWS);
	return HX_OK;
}

/* An expression that matches this name alone. */
static char *exactly(const char *name)
{
	char *out = hx_xmalloc(2 * strlen(name) + 3), *to = out;

	*to++ = '^';
	for (; *name; name++) {
		if (strchr(".[]\\()*+?{}|^$", *name))
			*to++ = '\\';
		*to++ = *name;
	}
	strcpy(to, "$");
	return out;
}

static double told(double v)
{
	return v > 0 ? v : NAN;
}

/* A device that is a CPU computes as its processor does, whatever the instructions. */
static void set_rates(struct unit *u, const struct unit *host)
{
	const double *of = host->flop_per_cycle;
	double quantised = fmax(of[ARITH_I8_DOT], of[ARITH_I8_MUL]); /* the one that is no NAN */

	memcpy(u->flop_per_cycle, device_rates, sizeof(device_rates));
	if (!u->n_affinity)
		return;
	u->flop_per_cycle[ARITH_F32] = of[ARITH_F32];
	u->flop_per_cycle[ARITH_I8_DOT] = u->flop_per_cycle[ARITH_I8_MUL] = quantised;
}

/* Opens it; the machine's unit is then what the profile's is. */
static int add_device(struct calibration *c, struct machine *m, const struct calibrate_options *o, int from, struct hx_err *err)
{
	struct unit *u = &c->profile.units[c->profile.n_units], *host = &c->profile.units[0];
	struct hx_unit *is = &m->units[from];
	struct hx_place place;
	const struct hx_cl_info *info;
	int rc = hx_engine_place(&m->engine, from, 0, 1, &place, err);

	if (rc)
		return rc;
	info = hx_cl_about(place.cl);
	is->cores = is->usable = info->is_cpu ? 1 : info->compute_units;
	is->clock_hz = info->is_cpu ? host->is.clock_hz : info->clock_hz > 0 ? info->clock_hz : 1e9;
	*u = (struct unit){.is = {.name = hx_xstrdup(is->name), .kind = HX_GPU, .cores = is->cores, .usable = is->cores, .clock_hz = is->clock_hz},
			   .core = hx_xstrdup(info->name), .sustained_clock_hz = NAN, .wake_s = NAN, .attn_efficiency = NAN, .shared_bytes_s = NAN, .barrier_s = NAN,
			   .cache_bytes = info->is_cpu ? host->cache_bytes : told(info->cache_bytes), .mem_limit_bytes = told(info->memory_bytes),
			   .max_alloc_bytes = told(info->max_alloc_bytes), .platform = exactly(info->platform), .device = exactly(info->name)};
	c->clock_told[c->profile.n_units] = !info->is_cpu;
	c->unit_of[c->profile.n_units++] = from;
	if (info->is_cpu) {
		u->affinity = hx_xcalloc(1, sizeof(*u->affinity));
		u->affinity[u->n_affinity++] = m->engine.devices[from].options.cpu;
	}
	set_rates(u, host);
	u->bandwidth.cores = numbers(1);
	u->bandwidth.cores[u->bandwidth.n_cores++] = is->cores;
	list_footprints(c, c->profile.n_units - 1, o, info->is_cpu ? own_cache(cluster_of(m, c->unit_of[0])) : 0,
			isnan(u->cache_bytes) ? calibrate_default_cache : u->cache_bytes, fmin(m->engine.memory_bytes / 8, info->memory_bytes / 4));
	list_kernels(u, o, info->dot ? ARITH_I8_DOT : ARITH_I8_MUL, device_rows, DEVICE_ROWS);
	return HX_OK;
}

int calibrate_units(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err)
{
	struct profile *p = &c->profile;
	int rc = HX_OK;

	p->status = PROFILE_MEASURED;
	p->units = hx_xcalloc(HX_MAX_UNITS, sizeof(*p->units));
	p->memory.capacity_bytes = isnan(m->probe.memory_bytes) ? 1e9 : m->probe.memory_bytes;
	p->power.idle_w = p->power.dram_j_byte = NAN;
	p->thermal = (struct thermal){.r_k_w = NAN, .c_j_k = NAN, .trip_c = NAN, .ambient_c = NAN};
	for (size_t i = 0; i < m->engine.units.n && !rc; i++)
		if (o->units[i])
			rc = (m->engine.cpus[i] ? add_cpu : add_device)(c, m, o, (int)i, err);
	return rc;
}
