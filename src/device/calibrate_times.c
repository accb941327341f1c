/* Times and their statistics. */
#include "device/calibrate_times.h"

#include "engine/err.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <stdlib.h>
#include <string.h>

void calibrate_times_add(struct calibrate_times *t, double seconds, int moment)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->v = hx_xrealloc(t->v, t->room, sizeof(*t->v));
		t->moment = hx_xrealloc(t->moment, t->room, sizeof(*t->moment));
	}
	t->v[t->n] = seconds;
	t->moment[t->n++] = moment;
}

void calibrate_times_free(struct calibrate_times *t)
{
	free(t->v);
	free(t->moment);
	*t = (struct calibrate_times){0};
}

void calibrate_times_keep(struct calibrate_times *t, const bool *calm)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		kept += calm[t->moment[i]];
	if (!kept)
		return;
	kept = 0;
	for (size_t i = 0; i < t->n; i++)
		if (calm[t->moment[i]]) {
			t->v[kept] = t->v[i];
			t->moment[kept++] = t->moment[i];
		}
	t->n = kept;
}

static double *sorted(const struct calibrate_times *t)
{
	double *v = memcpy(hx_xmalloc((t->n + 1) * sizeof(*v)), t->v, t->n * sizeof(*v));

	gsl_sort(v, 1, t->n);
	return v;
}

double calibrate_times_typical(const struct calibrate_times *t)
{
	size_t half = t->n / 2 + 1, first = 0;
	double *v = sorted(t), middle;

	for (size_t i = 0; i + half <= t->n; i++)
		if (v[i + half - 1] - v[i] < v[first + half - 1] - v[first])
			first = i;
	middle = (v[first + (half - 1) / 2] + v[first + half / 2]) / 2;
	free(v);
	return middle;
}

double calibrate_times_spread(const struct calibrate_times *t)
{
	double *v = sorted(t);
	double spread = (gsl_stats_quantile_from_sorted_data(v, 1, t->n, 0.75) - gsl_stats_quantile_from_sorted_data(v, 1, t->n, 0.25)) / 2 /
			gsl_stats_quantile_from_sorted_data(v, 1, t->n, 0.5);

	free(v);
	return spread;
}
