/* Sampling points. */
#include "core/sample.h"

#include <gsl/gsl_rng.h>
#include <stdlib.h>

enum { AXES = 6 };

static int on_axis(const struct point *p, int axis)
{
	const int draft_map = p->draft_map + 1, draft_type = p->draft_map < 0 ? 0 : p->draft_type + 1;
	const int values[AXES] = {p->target_type, p->target_map, draft_type, draft_map, p->mode, p->gamma};

	return values[axis];
}

static int *taken_on(const struct point *v, size_t n, int axis)
{
	int most = 0;

	for (size_t i = 0; i < n; i++)
		most = on_axis(&v[i], axis) > most ? on_axis(&v[i], axis) : most;
	return hx_xcalloc((size_t)most + 1, sizeof(int));
}

/* A random one of those not chosen that have the least sum, by one walk: the k-th of them takes the place of the one before with a chance of 1/k. */
static size_t next(const struct point *v, size_t n, int *const taken[AXES], const bool *is_chosen, gsl_rng *rng)
{
	size_t best = n, equal = 0;
	long least = 0;

	for (size_t i = 0; i < n; i++) {
		long sum = 0;

		for (int a = 0; a < AXES && !is_chosen[i]; a++)
			sum += taken[a][on_axis(&v[i], a)];
		if (is_chosen[i] || (equal && sum > least))
			continue;
		equal = !equal || sum < least ? 1 : equal + 1;
		least = sum;
		if (gsl_rng_uniform_int(rng, equal) == 0)
			best = i;
	}
	return best;
}

size_t sample_spread(const struct point *v, size_t n, size_t want, uint64_t seed, size_t *chosen)
{
	bool *is_chosen = hx_xcalloc(n + 1, sizeof(*is_chosen));
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	int *taken[AXES];
	size_t drawn = 0;

	gsl_rng_set(rng, seed);
	for (int a = 0; a < AXES; a++)
		taken[a] = taken_on(v, n, a);
	for (; drawn < want && drawn < n; drawn++) {
		size_t i = next(v, n, taken, is_chosen, rng);

		is_chosen[i] = true;
		chosen[drawn] = i;
		for (int a = 0; a < AXES; a++)
			taken[a][on_axis(&v[i], a)]++;
	}
	for (int a = 0; a < AXES; a++)
		free(taken[a]);
	gsl_rng_free(rng);
	free(is_chosen);
	return drawn;
}
