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

static double footprint(const struct profile *profile, const struct placed *p, size_t unit, double context)
{
	double sum = 0;

	for (size_t v = 0; v < profile->n_units && p; v++)
		if ((p->streamed[v] > 0 || p->kv_pos[v] > 0) && share_cache(profile, unit, v))
			sum += p->streamed[v] + p->kv_pos[v] * context;
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

void bandwidth_alone(const struct profile *p, const struct placed *placed, const struct placed *a, const struct placed *b, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double touched = footprint(p, a, u, context) + footprint(p, b, u, context);

		if (!placed->cores[u])
			continue;
		bw[u] = cost_bandwidth(&p->units[u], placed->cores[u], placed->clock_hz[u], touched);
		if (streams(p, u, touched))
			bw[u] = fmin(bw[u], usable_bw(p));
	}
}

/* Share of its bandwidth that unit u keeps while unit v streams too: measured, or in proportion to what both would take. */
static double kept(const struct profile *p, size_t u, double bw_u, size_t v, double bw_v, double cluster_bw)
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
	if (u == v)
		cap = fmin(cap, cluster_bw);
	else if (bw_u > cap || bw_v > cap) /* one of them runs from its cache */
		return 1;
	return fmin(1, cap / (bw_u + bw_v));
}

void bandwidth_contended(const struct profile *p, const struct placed *a, const double *bw_a, const struct placed *b, const double *bw_b, double *out)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double share = 1;

		for (size_t v = 0; v < p->n_units; v++) {
			double cluster =
				u == v && a->cores[u] && b->cores[u] ? cost_bandwidth(&p->units[u], a->cores[u] + b->cores[u], a->clock_hz[u], HUGE_VAL) : 0;

			if (a->cores[u] && b->cores[v])
				share = fmin(share, kept(p, u, bw_a[u], v, bw_b[v], cluster));
		}
		out[u] = bw_a[u] * share;
	}
}
