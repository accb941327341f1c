/* Statistics of validation. */
#include "device/validate_stats.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 2000 };

double validate_median(const double *v, size_t n)
{
	double *sorted, median;

	if (!n)
		return NAN;
	sorted = hx_xmalloc(n * sizeof(*sorted));
	memcpy(sorted, v, n * sizeof(*sorted));
	gsl_sort(sorted, 1, n);
	median = gsl_stats_median_from_sorted_data(sorted, 1, n);
	free(sorted);
	return median;
}

struct validate_interval validate_bootstrap(const double *v, size_t n, uint64_t seed)
{
	struct validate_interval i = {validate_median(v, n), NAN, NAN};
	double *medians, *sample;
	gsl_rng *rng;

	if (!n)
		return i;
	rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, seed);
	medians = hx_xmalloc(RESAMPLES * sizeof(*medians));
	sample = hx_xmalloc(n * sizeof(*sample));
	for (int k = 0; k < RESAMPLES; k++) {
		gsl_ran_sample(rng, sample, n, (void *)v, n, sizeof(*v));
		medians[k] = validate_median(sample, n);
	}
	gsl_sort(medians, 1, RESAMPLES);
	i.low = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.025);
	i.high = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.975);
	free(sample);
	free(medians);
	gsl_rng_free(rng);
	return i;
}

double validate_half_width(const struct validate_interval *i)
{
	return (i->high - i->low) / 2 / i->median;
}

struct validate_errors validate_errors(const double *predicted, const double *measured, size_t n)
{
	struct validate_errors e = {.n = n, .mape = n ? 0 : NAN, .bias = n ? 0 : NAN};

	for (size_t i = 0; i < n; i++) {
		double error = predicted[i] / measured[i] - 1;

		e.mape += fabs(error) / (double)n;
		e.bias += error / (double)n;
		if (fabs(error) > fabs(e.worst)) {
			e.worst = error;
			e.worst_at = i;
		}
	}
	return e;
}

double validate_spearman(const double *a, const double *b, size_t n)
{
	double *work, r;

	if (n < 2)
		return NAN;
	work = hx_xmalloc(2 * n * sizeof(*work));
	r = gsl_stats_spearman(a, 1, b, 1, n, work);
	free(work);
	return r;
}

/* The next count of a sequence: that which is most behind its share. */
static int next_count(const double *share, double *due, int gamma)
{
	int most = 0;

	for (int a = 0; a <= gamma; a++) {
		due[a] += share[a];
		if (due[a] > due[most] + 1e-9)
			most = a;
	}
	due[most] -= 1;
	return most;
}

/* Rounds that a sequence takes for an output, and full ones that another round follows. */
static struct rounds rounds_in(const int *accepted, int gamma, int mode, int n_tokens)
{
	struct rounds r = {0, 0};

	for (int n = 0; n < n_tokens; accepted++) {
		n += accept_yield(*accepted, gamma, mode);
		r.rounds++;
		r.catch_ups += *accepted == gamma && n < n_tokens;
	}
	return r;
}

/* A sequence that goes through counts in proportion to their shares, once `lean` of all rounds are taken to accept nothing (below 0: everything). */
static void even_sequence(const double *share, int gamma, double lean, int *all, int n)
{
	double *leaning = hx_xcalloc((size_t)gamma + 1, sizeof(*leaning)), *due = hx_xcalloc((size_t)gamma + 1, sizeof(*due));

	for (int a = 0; a <= gamma; a++)
		leaning[a] = (1 - fabs(lean)) * share[a];
	leaning[lean > 0 ? 0 : gamma] += fabs(lean);
	for (int i = 0; i < n; i++)
		all[i] = next_count(leaning, due, gamma);
	free(leaning);
	free(due);
}

int validate_sequence(const struct accept *a, int gamma, int mode, int n_tokens, int **accepted)
{
	enum { STARTS = 64, LEANS = 10 /* either way */ };
	const double step = 0.02;
	const double of_catch_up = 0.1, of_lean = 0.02; /* in rounds: a catch-up costs a row more, no pass; all else being equal, the less lean the better */
	const struct rounds want = accept_rounds(a, gamma, mode, n_tokens);
	double *share = hx_xcalloc((size_t)gamma + 1, sizeof(*share)), least = INFINITY;
	int *all = hx_xmalloc((size_t)(n_tokens + STARTS) * sizeof(*all)), n = 0;

	*accepted = hx_xmalloc((size_t)(n_tokens + 1) * sizeof(**accepted));
	accept_shares(a, gamma, share);
	for (int lean = -LEANS; lean <= LEANS; lean++) {
		even_sequence(share, gamma, lean * step, all, n_tokens + STARTS);
		for (int i = 0; i < STARTS; i++) {
			struct rounds r = rounds_in(all + i, gamma, mode, n_tokens);
			double off = fabs(r.rounds - want.rounds) + of_catch_up * fabs(r.catch_ups - want.catch_ups) + of_lean * abs(lean);

			if (off < least - 1e-9) {
				least = off;
				n = (int)r.rounds;
				memcpy(*accepted, all + i, (size_t)n * sizeof(*all));
			}
		}
	}
	free(all);
	free(share);
	return n;
}
