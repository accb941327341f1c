/* What sampling should give, in doubles and by sorting, and how far counts are from it. */
#ifndef TESTS_PROBABILITIES_H
#define TESTS_PROBABILITIES_H

#include "engine/sample.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum { MOST_TOKENS = 512 };

/* Probabilities behind a row of logits: temperature, then the first top_k, then the fewest that hold top_p. */
static inline void probabilities(const struct hx_sample_options *o, const float *logits, int vocab, double *p)
{
	int order[MOST_TOKENS], n = vocab, kept = 0;
	double sum = 0, share = 0;

	for (int i = 0; i < vocab; i++) {
		int at = i;

		for (; at > 0 && logits[order[at - 1]] < logits[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	if (o->top_k && o->top_k < n)
		n = o->top_k;
	for (int i = 0; i < vocab; i++)
		p[i] = 0;
	for (int i = 0; i < n; i++)
		sum += p[order[i]] = exp(((double)logits[order[i]] - (double)logits[order[0]]) / o->temperature);
	while (kept < n && (kept == 0 || o->top_p == 0 || o->top_p == 1 || share < o->top_p * sum))
		share += p[order[kept++]];
	for (int i = 0; i < n; i++)
		p[order[i]] = i < kept ? p[order[i]] / share : 0;
}

/* Chance of counts that are farther from p; cells in which fewer than 5 are expected are taken together. */
static inline double chi_square(const int *counts, const double *p, int n)
{
	double total = 0, few = 0, few_expected = 0, sum = 0;
	int cells = 0;

	for (int i = 0; i < n; i++)
		total += counts[i];
	for (int i = 0; i < n; i++) {
		double expected = total * p[i];

		if (expected == 0 && counts[i])
			return 0;
		if (expected < 5) {
			few += counts[i];
			few_expected += expected;
			continue;
		}
		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
		cells++;
	}
	if (few_expected > 0) {
		sum += (few - few_expected) * (few - few_expected) / few_expected;
		cells++;
	}
	return gsl_cdf_chisq_Q(sum, cells - 1);
}

#endif
