/* Who gets which bandwidth. */
#include "core/bandwidth.h"

#include "core/cost.h"

#include <math.h>
#include <string.h>

static double usable_bw(const struct profile *p)
{
	return p->memory.bw_bytes_s - p->reserved.bw_bytes_s;
}

/* Units that have a processor in common have its last cache in common: a device that is a CPU, and the cluster that it is of. */
static bool share_cache(const struct profile *p, size_t u, size_t v)
{
	const struct unit *a = &p->units[u], *b = &p->units[v];

	for (size_t i = 0; i < a->n_affinity && u != v; i++)
		for (size_t k = 0; k < b->n_affinity; k++)
			if (a->affinity[i] == b->affinity[k])
				return true;
	return u == v;
}

static double own_footprint(const struct placed *p, size_t unit, double context)
{
	return p ? p->streamed[unit] + p->kv_pos[unit] * context : 0;
}

/* On all units that share the cache of this one. */
static double footprint(const struct profile *profile, const struct placed *p, size_t unit, double context)
{
	double sum = 0;

	for (size_t v = 0; v < profile->n_units; v++)
		if (share_cache(profile, unit, v))
			sum += own_footprint(p, v, context);
	return sum;
}

/* What stays in the cache does not go through main memory. */
static bool streams(const struct profile *p, size_t unit, double touched)
{
	return !(touched <= p->units[unit].cache_bytes);
}

bool bandwidth_streams(const struct profile *p, size_t unit, const struct placed *a, const struct placed *b, double context)
{
	return streams(p, unit, footprint(p, a, unit, context) + footprint(p, b, unit, context));
}

/* As if `cores` had each as much of a model to read as one of those that it runs on: a core's own cache holds the part that is its own. */
static double evenly(const struct placed *p, size_t unit, int cores, double context)
{
	return p && p->cores[unit] ? own_footprint(p, unit, context) * cores / p->cores[unit] : 0;
}

/* What is touched from one pass to the next on so many cores of a unit, the first ones, of a and b there and of c on others (NULL: nothing): these take nothing
 * from the caches of those cores, as long as the last one holds all. */
static double touched(const struct profile *p, size_t unit, int cores, const struct placed *a, const struct placed *b, const struct placed *c, double context)
{
	double all = footprint(p, a, unit, context) + footprint(p, b, unit, context) + footprint(p, c, unit, context);

	if (streams(p, unit, all))
		return all;
	return fmin(evenly(a, unit, cores, context) + evenly(b, unit, cores, context), p->units[unit].cache_bytes);
}

static double reached(const struct profile *p, size_t unit, int cores, double clock_hz, double bytes)
{
	double bw = cost_bandwidth(&p->units[unit], cores, clock_hz, bytes);

	return streams(p, unit, bytes) ? fmin(bw, usable_bw(p)) : bw;
}

void bandwidth_alone(const struct profile *p, const struct placed *placed, const struct placed *a, const struct placed *b, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++)
		if (placed->cores[u])
			bw[u] = reached(p, u, placed->cores[u], placed->clock_hz[u], touched(p, u, placed->cores[u], a, b, NULL, context));
}

void bandwidth_beside(const struct profile *p, const struct placed *a, const struct placed *b, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++)
		if (a->cores[u])
			bw[u] = reached(p, u, a->cores[u], a->clock_hz[u], touched(p, u, a->cores[u], a, NULL, b, context));
}

/* Share of its bandwidth that unit u keeps while another one, v, streams too: measured, or in proportion to what both would take. */
static double kept(const struct profile *p, size_t u, double bw_u, size_t v, double bw_v)
{
	const char *name_u = p->units[u].is.name, *name_v = p->units[v].is.name;
	double cap = usable_bw(p);

	for (size_t i = 0; i < p->memory.n_contention; i++) {
		const struct contention *c = &p->memory.contention[i];

		if (!strcmp(c->a, name_u) && !strcmp(c->b, name_v))
			return c->factor_a;
		if (!strcmp(c->b, name_u) && !strcmp(c->a, name_v))
			return c->factor_b;
	}
	if (bw_u > cap || bw_v > cap) /* one of them runs from its cache */
		return 1;
	return fmin(1, cap / (bw_u + bw_v));
}

/* On cores of one unit: what all of them reach together, of what both models' would alone. */
static double kept_within(const struct profile *p, size_t u, const struct placed *a, const struct placed *b, double context)
{
	double all = footprint(p, a, u, context) + footprint(p, b, u, context), clock_hz = a->clock_hz[u];
	double bytes = streams(p, u, all) ? all : own_footprint(a, u, context) + own_footprint(b, u, context);
	double apart = reached(p, u, a->cores[u], clock_hz, bytes) + reached(p, u, b->cores[u], clock_hz, bytes);

	return fmin(1, reached(p, u, a->cores[u] + b->cores[u], clock_hz, bytes) / apart);
}

void bandwidth_contended(const struct profile *p, const struct placed *a, const double *bw_a, const struct placed *b, const double *bw_b, double context,
			 double *out)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double share = 1;

		for (size_t v = 0; v < p->n_units; v++)
			if (a->cores[u] && b->cores[v])
				share = fmin(share, u == v ? kept_within(p, u, a, b, context) : kept(p, u, bw_a[u], v, bw_b[v]));
		out[u] = bw_a[u] * share;
	}
}
