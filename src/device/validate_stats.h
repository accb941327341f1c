/* Statistics of repeats, and of predictions beside measurements (cost-model.md section 9). */
#ifndef DEVICE_VALIDATE_STATS_H
#define DEVICE_VALIDATE_STATS_H

#include "core/accept.h"

#include <stddef.h>
#include <stdint.h>

/* NAN of no values. */
double validate_median(const double *v, size_t n);

/* A median, and the interval that holds it with a probability of 95 %. */
struct validate_interval {
	double median, low, high;
};

/* By the bootstrap: the percentiles of the medians of samples drawn again from v with replacement. The same seed gives the same interval. */
struct validate_interval validate_bootstrap(const double *v, size_t n, uint64_t seed);

/* Half the interval's width, as a share of the median. */
double validate_half_width(const struct validate_interval *i);

/* Errors are predicted/measured - 1. */
struct validate_errors {
	size_t n, worst_at;
	double mape;        /* mean absolute percentage error, as a share; NAN of no points */
	double worst, bias; /* signed: of the largest absolute value; the mean */
};
struct validate_errors validate_errors(const double *predicted, const double *measured, size_t n);

/* Rank correlation of Spearman, ties having their mean rank; NAN of fewer than two. */
double validate_spearman(const double *a, const double *b, size_t n);

/* How many guesses each round accepts until an output has n_tokens tokens, the last round being cut: in the proportions of the source's, as evenly as they
 * go, so that short outputs differ little from long ones. Of all places to begin at, and of proportions that lean to none or to all by a fifth of the rounds at most,
 * that is taken where the number of rounds and of full ones is nearest to what is expected: the outputs of a match trace are cut more often than once. The caller frees
 * *accepted; returns its length. */
int validate_sequence(const struct accept *a, int gamma, int mode, int n_tokens, int **accepted);

#endif
