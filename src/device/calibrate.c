/* Calibration: a profile's skeleton from what the machine is, then measuring, then the fit. */
#include "device/calibrate_internal.h"

#include "core/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VISITS = 3, QUICK_VISITS = 2 };

/* No model is smaller; and none for a cache of one core that is not well below those for the last. */
static const double least_bytes = 4e5, apart = 2;

/* Seconds in which the passes of a unit with so many types end, the first unit's with the host's; every pass is run once even where that takes longer. The fit
 * comes on top. */
enum { BUDGET_TYPES = 3 };
static const double full_s = 180, quick_s = 18;

const double calibrate_default_cache = 4 << 20;

/* What is not measured is as a type that is unpacked alike, the first of the list that is. */
static const struct family {
	int type, like[2];
} families[] = {
	{HX_F32, {HX_F16, HX_F16}},   {HX_BF16, {HX_F16, HX_F16}},  {HX_Q4_0, {HX_Q4_K, HX_Q8_0}}, {HX_Q4_1, {HX_Q4_0, HX_Q8_0}},
	{HX_Q5_0, {HX_Q4_0, HX_Q8_0}}, {HX_Q5_1, {HX_Q4_0, HX_Q8_0}}, {HX_Q8_0, {HX_Q4_0, HX_Q4_K}}, {HX_Q4_K, {HX_Q4_0, HX_Q8_0}},
	{HX_Q5_K, {HX_Q4_0, HX_Q8_0}}, {HX_Q6_K, {HX_Q4_0, HX_Q8_0}},
};
enum { FAMILIES = sizeof(families) / sizeof(*families) };

/* ---- the skeleton ---- */

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

/* 1, 2, 4, ... and all. */
static void list_cores(struct bandwidth *b, int cores)
{
	b->cores = numbers(32);
	for (int k = 1; k < cores; k *= 2)
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

/* --quick halves the largest. */
static void list_footprints(struct bandwidth *b, int *plans, const struct calibrate_options *o, double own_bytes, double cache_bytes, double room_bytes)
{
	double last = calibrate_plans[CALIBRATE_FOOTPRINTS - 1].caches / (o->quick ? 2 : 1), unit = fmin(cache_bytes, room_bytes / last), least = INFINITY;

	if (o->largest_bytes > 0)
		unit = fmin(unit, o->largest_bytes / last);
	for (int i = 0; i < CALIBRATE_FOOTPRINTS; i++)
		if (!calibrate_plans[i].own)
			least = fmin(least, unit * calibrate_plans[i].caches);
	b->footprint_bytes = numbers(CALIBRATE_FOOTPRINTS);
	for (int i = 0; i < CALIBRATE_FOOTPRINTS; i++) {
		const struct calibrate_plan *plan = &calibrate_plans[i];
		double bytes = round(plan->own ? own_bytes * plan->caches : unit * fmin(plan->caches, last));

		if ((o->quick && !plan->quick) || (plan->own && (bytes < least_bytes || bytes * apart > least)))
			continue;
		plans[b->n_footprints] = i;
		b->footprint_bytes[b->n_footprints++] = bytes;
	}
	b->bytes_s = hx_xcalloc(b->n_footprints, sizeof(*b->bytes_s));
	for (size_t i = 0; i < b->n_footprints; i++)
		b->bytes_s[i] = numbers(b->n_cores);
	b->n_rows = b->n_footprints;
	b->n_cols = b->n_cores;
}

static void list_kernels(struct unit *u, const struct calibrate_options *o, const struct hx_kernels *kernels)
{
	u->kernels = hx_xcalloc(HX_TYPE_COUNT, sizeof(*u->kernels));
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		struct kernel *k = &u->kernels[u->n_kernels];

		if (!o->types[t])
			continue;
		*k = (struct kernel){.type = t, .arithmetic = calibrate_arithmetic(kernels, t), .ceiling = NAN, .rows = numbers(CALIBRATE_ROWS),
				     .efficiency = numbers(CALIBRATE_ROWS), .n_rows = CALIBRATE_ROWS, .n_efficiency = CALIBRATE_ROWS};
		for (int r = 0; r < CALIBRATE_ROWS; r++)
			k->rows[r] = calibrate_rows[r];
		u->n_kernels++;
	}
}

static int add_unit(struct calibration *c, struct machine *m, const struct calibrate_options *o, int from, struct hx_err *err)
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
			   .attn_efficiency = NAN, .mem_limit_bytes = NAN, .max_alloc_bytes = NAN};
	c->clock_told[c->profile.n_units] = !isnan(peak.clock_hz);
	c->unit_of[c->profile.n_units++] = from;
	hx_pool_run(one, measure_peak, &peak);
	u->is.clock_hz = peak.clock_hz;
	u->affinity = hx_xcalloc((size_t)is->cores, sizeof(*u->affinity));
	u->n_affinity = (size_t)is->cores;
	memcpy(u->affinity, m->engine.cpus[from], u->n_affinity * sizeof(*u->affinity));
	list_cores(&u->bandwidth, is->cores);
	list_footprints(&u->bandwidth, c->plans[c->profile.n_units - 1], o, own_cache(cluster), isnan(cache) ? calibrate_default_cache : cache,
			m->engine.memory_bytes / 8);
	list_kernels(u, o, m->engine.kernels);
	return HX_OK;
}

static int add_units(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err)
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
			rc = add_unit(c, m, o, (int)i, err);
	return rc;
}

/* ---- what follows from the fit ---- */

/* What main memory gives at best: the model takes nothing above it from there. */
static void set_memory(struct profile *p)
{
	for (size_t u = 0; u < p->n_units; u++) {
		const struct bandwidth *b = &p->units[u].bandwidth;

		for (size_t f = 0; f < b->n_footprints; f++)
			for (size_t k = 0; k < b->n_cores; k++)
				if (b->footprint_bytes[f] > p->units[u].cache_bytes || f + 1 == b->n_footprints)
					p->memory.bw_bytes_s = fmax(p->memory.bw_bytes_s, b->bytes_s[f][k]);
	}
}

static double *copy(const double *v, size_t n)
{
	return memcpy(numbers(n), v, n * sizeof(*v));
}

static void derive_kernels(struct unit *u, const struct hx_kernels *kernels)
{
	size_t measured = u->n_kernels;

	for (int i = 0; i < FAMILIES; i++)
		for (int n = 0; n < 2 && !profile_kernel(u, families[i].type); n++)
			for (size_t k = 0; k < measured; k++)
				if (u->kernels[k].type == families[i].like[n] &&
				    calibrate_arithmetic(kernels, families[i].type) == u->kernels[k].arithmetic) {
					struct kernel *new = &u->kernels[u->n_kernels++];

					*new = u->kernels[k];
					new->type = families[i].type;
					new->rows = copy(new->rows, new->n_rows);
					new->efficiency = copy(new->efficiency, new->n_efficiency);
					break;
				}
}

/* Passes of which every fifth is, in turn, another one. */
static void hold_out(struct calibration *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->samples[i].held_out = c->samples[i].pass % 5 == c->samples[i].pass / 5 % 5;
}

int calibrate_stopped(const struct calibrate_step *s, struct hx_err *err)
{
	return s->o->stop && *s->o->stop ? hx_err_set(err, HX_IO, "interrupted: nothing is written") : HX_OK;
}

int calibrate(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err)
{
	struct calibrate_step step = {.c = c, .m = m, .o = o, .visits = o->quick ? QUICK_VISITS : VISITS, .until_s = hx_trace_now_s()};
	int types = 0, rc;

	*c = (struct calibration){0};
	rc = add_units(c, m, o, err);
	for (int t = 0; t < HX_TYPE_COUNT; t++)
		types += o->types[t];
	for (size_t u = 0; u < c->profile.n_units; u++)
		step.steps += step.visits * types * (int)c->profile.units[u].bandwidth.n_footprints;
	if (!rc)
		rc = calibrate_host(&step, err);
	if (!rc && o->progress)
		o->progress(o->arg, 0, step.steps);
	for (step.u = 0; step.u < (int)c->profile.n_units && !rc; step.u++) {
		step.until_s += (o->quick ? quick_s : full_s) * fmax(1, (double)types / BUDGET_TYPES);
		rc = calibrate_measure(&step, err);
	}
	hold_out(c);
	if (!rc)
		rc = calibrate_fit(c, err);
	if (rc) {
		calibrate_free(c);
		return rc;
	}
	set_memory(&c->profile);
	c->n_measured = (size_t)types;
	for (size_t u = 0; u < c->profile.n_units; u++)
		derive_kernels(&c->profile.units[u], m->engine.kernels);
	return HX_OK;
}

void calibrate_free(struct calibration *c)
{
	profile_free(&c->profile);
	free(c->samples);
	*c = (struct calibration){0};
}
