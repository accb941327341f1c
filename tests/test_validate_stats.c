#include "device/validate_stats.h"

#include "check.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void medians(void **state)
{
	static const double v[] = {3, 1, 2, 10};

	(void)state;
	check_near(validate_median(v, 0), NAN, 0);
	check_near(validate_median(v, 1), 3, 0);
	check_near(validate_median(v, 3), 2, 0);
	check_near(validate_median(v, 4), 2.5, 0);
	check_near(v[0], 3, 0); /* in place */
}

/* Of values that are all alike there is nothing to doubt; a lone outlier moves no median. */
static void intervals(void **state)
{
	static const double same[] = {1.5, 1.5, 1.5}, outlier[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9};
	struct validate_interval i = validate_bootstrap(same, COUNT(same), 1);

	(void)state;
	check_near(i.median, 1.5, 0);
	check_near(i.low, 1.5, 0);
	check_near(i.high, 1.5, 0);
	check_near(validate_half_width(&i), 0, 0);
	i = validate_bootstrap(outlier, COUNT(outlier), 1);
	check_near(i.low, 1, 0);
	check_near(i.high, 1, 0);
}

/* Resampled medians of two values are either, or their mean: a quarter, a quarter, a half. */
static void two_values(void **state)
{
	static const double v[] = {1, 3};
	struct validate_interval i = validate_bootstrap(v, COUNT(v), 7), again = validate_bootstrap(v, COUNT(v), 7);

	(void)state;
	check_near(i.median, 2, 0);
	check_near(i.low, 1, 0);
	check_near(i.high, 3, 0);
	check_near(validate_half_width(&i), 0.5, 0);
	check_near(again.low, i.low, 0);
	check_near(again.high, i.high, 0);
}

/* For 25 ordered values the median lies between the 8th and the 18th with 95.7 %, by the binomial distribution; the bootstrap says much the same. */
static void many_values(void **state)
{
	double v[25];
	struct validate_interval i;

	(void)state;
	for (int k = 0; k < 25; k++)
		v[k] = (k * 7) % 25 + 1;
	i = validate_bootstrap(v, 25, 1);
	check_near(i.median, 13, 0);
	assert_in_range((int)i.low, 7, 9);
	assert_in_range((int)i.high, 17, 19);
}

static void errors(void **state)
{
	static const double predicted[] = {1.1, 1.6, 3}, measured[] = {1, 2, 3};
	struct validate_errors e = validate_errors(predicted, measured, 3);

	(void)state;
	assert_int_equal(e.n, 3);
	check_near(e.mape, 0.1, 1e-12); /* 10, 20 and 0 % */
	check_near(e.worst, -0.2, 1e-12);
	assert_int_equal(e.worst_at, 1);
	check_near(e.bias, -0.1 / 3, 1e-12);
	e = validate_errors(predicted, measured, 0);
	check_near(e.mape, NAN, 0);
}

/* ---- imposed sequences ---- */

static int rounds_of(const int *accepted, int n, int gamma, int mode, int n_tokens)
{
	int tokens = 0;

	for (int i = 0; i < n; i++) {
		assert_true(tokens < n_tokens); /* no round too many */
		tokens += accept_yield(accepted[i], gamma, mode);
	}
	assert_true(tokens >= n_tokens); /* none too few */
	return n;
}

/* Of short outputs the number of rounds is within half of what is expected; of long ones every count has its share. */
static void sequences(void **state)
{
	static const double alphas[] = {0, 0.1, 0.5, 0.8, 0.95, 1};
	static const int lengths[] = {1, 12, 48, 200};

	(void)state;
	for (size_t i = 0; i < COUNT(alphas); i++)
		for (int gamma = 1; gamma <= 8; gamma++)
			for (size_t k = 0; k < COUNT(lengths) * HX_MODES; k++) {
				struct accept a = accept_constant(alphas[i]);
				const int length = lengths[k / HX_MODES], mode = (int)k % HX_MODES;
				int *accepted, n = validate_sequence(&a, gamma, mode, length, &accepted);

				if (fabs(rounds_of(accepted, n, gamma, mode, length) - accept_rounds(&a, gamma, mode, length).rounds) > 0.75)
					fail_msg("alpha %g, gamma %d, %s, %d tokens: %d rounds", alphas[i], gamma, hx_modes[mode], length, n);
				free(accepted);
			}
}

/* Ten outputs of thirteen tokens, each with a last round that is cut: an output of fifty-two takes as many rounds as four of these. */
static void cut_often(void **state)
{
	enum { N = 10, TOKENS = 13, GAMMA = 7, LENGTH = 52 };
	double lengths[N][TOKENS];
	struct accept_match match[N];
	struct accept a = accept_constant(NAN);

	(void)state;
	for (int i = 0; i < N; i++) {
		for (int k = TOKENS; k-- > 0;) /* one of five drafts is wrong, from output to output another one */
			lengths[i][k] = (k + i) % 5 == 0 ? 0 : 1 + (k + 1 < TOKENS ? lengths[i][k + 1] : 0);
		match[i] = (struct accept_match){.lengths = lengths[i], .n_lengths = TOKENS};
	}
	a.matches = match;
	a.n_matches = N;
	for (int mode = 0; mode < HX_MODES; mode++) {
		int *accepted, n = validate_sequence(&a, GAMMA, mode, LENGTH, &accepted);

		check_near(rounds_of(accepted, n, GAMMA, mode, LENGTH), accept_rounds(&a, GAMMA, mode, LENGTH).rounds, 0.05);
		free(accepted);
	}
}

static void shares(void **state)
{
	enum { GAMMA = 4, TOKENS = 100000 };
	struct accept a = accept_constant(0.8);
	double p[GAMMA + 1], counted[GAMMA + 1] = {0};
	int *accepted, n = validate_sequence(&a, GAMMA, HX_SEQUENTIAL, TOKENS, &accepted);

	(void)state;
	accept_shares(&a, GAMMA, p);
	for (int i = 0; i < n; i++)
		counted[accepted[i]]++;
	for (int k = 0; k <= GAMMA; k++)
		check_near(counted[k] / n, p[k], 1e-3);
	free(accepted);
}

/* 1 - 6 sum d^2 / (n (n^2 - 1)) without ties; of ties, the correlation of mean ranks. */
static void ranks(void **state)
{
	static const double a[] = {1, 2, 3, 4, 5}, order[] = {10, 20, 30, 40, 1000}, swapped[] = {2, 1, 4, 3, 5}, against[] = {5, 4, 3, 2, 1};
	static const double tied[] = {1, 1, 2, 2, 3};

	(void)state;
	check_near(validate_spearman(a, order, COUNT(a)), 1, 1e-12);
	check_near(validate_spearman(a, swapped, COUNT(a)), 1 - 6 * 4 / 120., 1e-12);
	check_near(validate_spearman(a, against, COUNT(a)), -1, 1e-12);
	check_near(validate_spearman(a, tied, COUNT(a)), 9 / sqrt(10 * 9), 1e-12);
	check_near(validate_spearman(a, order, 1), NAN, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ranks), 
		cmocka_unit_test(medians), cmocka_unit_test(intervals), cmocka_unit_test(two_values), cmocka_unit_test(many_values),
		cmocka_unit_test(errors),  cmocka_unit_test(sequences), cmocka_unit_test(shares),
		cmocka_unit_test(cut_often),
	};

	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
