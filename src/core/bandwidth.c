/* Who gets which bandwidth. */
#include "core/bandwidth.h"

#include "core/cost.h"

#include <math.h>
#include <string.h>

static double usable_bw(const struct profile *p)
{
	return p->memory.bw_bytes_s - p->reserved.bw_bytes_s;
}

static double footprint(const struct placed *p, size_t unit, double context)
{
	return p ? p->streamed[unit] + p->kv_pos[unit] * context : 0;
}

/* What stays in the cache does not go through main memory. */
static bool streams(const struct profile *p, size_t unit, double touched)
{
	return !(touched <= p->units[unit].cache_bytes);
}

bool bandwidth_streams(const struct profile *p, size_t unit, const struct placed *a, const struct placed *b, double context)
{
	return streams(p, unit, footprint(a, unit, context) + footprint(b, unit, context));
}

static double reached(const struct profile *p, size_t unit, int cores, double clock_hz, double touched)
{
	double bw = cost_bandwidth(&p->units[unit], cores, clock_hz, touched);

	return streams(p, unit, touched) ? fmin(bw, usable_bw(p)) : bw;
}

void bandwidth_alone(const struct profile *p, const struct placed *placed, const struct placed *a, const struct placed *b, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++)
		if (placed->cores[u])
			bw[u] = reached(p, u, placed->cores[u], placed->clock_hz[u], footprint(a, u, context) + footprint(b, u, context));
}

void bandwidth_beside(const struct profile *p, const struct placed *a, const struct placed *b, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++)
		if (a->cores[u])
			bw[u] = reached(p, u, a->cores[u], a->clock_hz[u],
					footprint(a, u, context) + (bandwidth_streams(p, u, a, b, context) ? footprint(b, u, context) : 0));
}

/* Share of its bandwidth that unit u keeps while unit v streams too: measured, or in proportion to what both would take. cluster_bw: what cores of both on one
 * unit reach. */
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
		cap = cluster_bw;
	else if (bw_u > cap || bw_v > cap) /* one of them runs from its cache */
		return 1;
	return fmin(1, cap / (bw_u + bw_v));
}

static double cluster_bw(const struct profile *p, size_t unit, const struct placed *a, const struct placed *b, double context)
{
	return reached(p, unit, a->cores[unit] + b->cores[unit], a->clock_hz[unit], footprint(a, unit, context) + footprint(b, unit, context));
}

void bandwidth_contended(const struct profile *p, const struct placed *a, const double *bw_a, const struct placed *b, const double *bw_b, double context,
			 double *out)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double share = 1;

		for (size_t v = 0; v < p->n_units; v++) {
			if (a->cores[u] && b->cores[v])
				share = fmin(share, kept(p, u, bw_a[u], v, bw_b[v], u == v ? cluster_bw(p, u, a, b, context) : 0));
		}
		out[u] = bw_a[u] * share;
	}
}
