#include "core/accept_fit.h"
#include "core/accept_trace.h"

#include "check.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PROMPTS = 150, DRAFTS = 60, SETS = 60 };

static gsl_rng *dice;

static int set_up(void **state)
{
	(void)state;
	gsl_set_error_handler_off();
	dice = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(dice, 11);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gsl_rng_free(dice);
	return 0;
}

/* Over many sets of counts of a known Beta: the mean is right, and the deviations are as large as the standard errors say. */
static void beta_is_recovered(void **state)
{
	static const struct {
		double a, b;
	} rows[] = {{6, 2}, {.3, .6}, {2, 2}, {20, 4}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double logs = 0, squares = 0;

		for (int set = 0; set < SETS; set++) {
			double right[PROMPTS], tried[PROMPTS];
			struct accept_beta fit;

			for (int p = 0; p < PROMPTS; p++) {
				tried[p] = DRAFTS + p % 7;
				right[p] = gsl_ran_binomial(dice, gsl_ran_beta(dice, rows[i].a, rows[i].b), (unsigned)tried[p]);
			}
			assert_true(accept_fit_beta(right, tried, PROMPTS, &fit));
			assert_true(fit.a_se > 0 && fit.b_se > 0);
			logs += log(fit.a / rows[i].a) / SETS;
			squares += (pow(log(fit.a / rows[i].a) * fit.a / fit.a_se, 2) + pow(log(fit.b / rows[i].b) * fit.b / fit.b_se, 2)) / (2 * SETS);
		}
		assert_true(fabs(logs) < .06);
		assert_true(squares > .6 && squares < 1.6);
	}
}

/* The maximum, where derivatives by differences vanish and bend as the errors say. */
static double likelihood(const double *right, const double *tried, size_t n, double a, double b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += lgamma(a + right[i]) + lgamma(b + tried[i] - right[i]) - lgamma(a + b + tried[i]) + lgamma(a + b) - lgamma(a) - lgamma(b);
	return sum;
}

static void errors_are_the_curvature(void **state)
{
	static const double right[] = {3, 9, 10, 5, 7, 0, 8.5, 10}, tried[] = {10, 10, 11, 12, 10, 9, 10, 10};
	const size_t n = COUNT(right);
	const double h = 1e-3;
	struct accept_beta f;
	double at, aa, bb, ab;

	(void)state;
	assert_true(accept_fit_beta(right, tried, n, &f));
	at = likelihood(right, tried, n, f.a, f.b);
	assert_true(fabs(likelihood(right, tried, n, f.a + h, f.b) - likelihood(right, tried, n, f.a - h, f.b)) < 1e-7);
	assert_true(fabs(likelihood(right, tried, n, f.a, f.b + h) - likelihood(right, tried, n, f.a, f.b - h)) < 1e-7);
	aa = -(likelihood(right, tried, n, f.a + h, f.b) - 2 * at + likelihood(right, tried, n, f.a - h, f.b)) / (h * h);
	bb = -(likelihood(right, tried, n, f.a, f.b + h) - 2 * at + likelihood(right, tried, n, f.a, f.b - h)) / (h * h);
	ab = -(likelihood(right, tried, n, f.a + h, f.b + h) - likelihood(right, tried, n, f.a + h, f.b - h) -
	       likelihood(right, tried, n, f.a - h, f.b + h) + likelihood(right, tried, n, f.a - h, f.b - h)) /
	     (4 * h * h);
	check_near(f.a_se, sqrt(bb / (aa * bb - ab * ab)), 1e-3);
	check_near(f.b_se, sqrt(aa / (aa * bb - ab * ab)), 1e-3);
}

/* No spread, or no end of it. */
static void no_beta(void **state)
{
	static const double tried[] = {50, 50, 50, 50}, right[][4] = {{25, 25, 25, 25}, {50, 50, 50, 50}, {0, 0, 0, 0}, {50, 0, 50, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(right); i++) {
		struct accept_beta f;

		assert_false(accept_fit_beta(right[i], tried, 4, &f));
		assert_true(isnan(f.a) && isnan(f.b) && isnan(f.a_se) && isnan(f.b_se));
	}
}

/* By hand. */
static void small_traces(void **state)
{
	double one[] = {3, 2, 1, 0, 0, 1}, two[] = {0, 1};
	struct accept_match m[] = {{.lengths = one, .n_lengths = 6}, {.lengths = two, .n_lengths = 2}};
	struct accept a = accept_constant(NAN);
	struct accept_fit f;

	(void)state;
	a.matches = m;
	a.n_matches = 2;
	accept_fit(&a, &f);
	check_near(f.tokens, 8, 0);
	check_near(f.alpha, 5 / 8., 1e-12);
	/* (4 - 6 * 5/8)^2 + (1 - 2 * 5/8)^2, times 2/1, rooted, over 8 */
	check_near(f.alpha_se, sqrt(2 * (.0625 + .0625)) / 8, 1e-12);
	/* rounds of up to 8 begin at tokens 0, 4 and 5 of one, 0 and 1 of two */
	check_near(f.by_position[0], 3 / 5., 1e-12);
	check_near(f.by_position[1], 1, 1e-12);
	check_near(f.by_position[2], 1, 1e-12);
	check_near(f.by_position[3], 0, 1e-12);
	assert_true(isnan(f.by_position[4]));
	check_near(f.quantile[2], (.5 + 4 / 6.) / 2, 1e-12);
	check_near(accept_fit_tokens(&a, &a, 8), 8 / 5., 1e-12);
	check_near(accept_fit_tokens(&a, &a, 1), 8 / 6., 1e-12);
	a.n_matches = 1;
	accept_fit(&a, &f);
	assert_true(isnan(f.alpha_se));
}

/* Chances that differ by prompt only: the constant of each prompt. By position they are what rounds meet. */
static void chances(void **state)
{
	double high[300], low[200];
	struct accept_match m[] = {{.chances = high, .n_chances = COUNT(high)}, {.chances = low, .n_chances = COUNT(low)}};
	struct accept a = accept_constant(NAN), alike = accept_constant(.9), position = accept_constant(NAN);
	struct accept_fit f;

	(void)state;
	for (size_t i = 0; i < COUNT(high); i++)
		high[i] = .9;
	for (size_t i = 0; i < COUNT(low); i++)
		low[i] = .4;
	a.matches = m;
	a.n_matches = 1;
	accept_fit(&a, &f);
	for (int p = 0; p < ACCEPT_FIT_POSITIONS; p++)
		check_near(f.by_position[p], .9, 1e-9);
	for (int gamma = 1; gamma <= 8; gamma++)
		check_near(accept_fit_tokens(&a, &a, gamma), accept_fit_tokens(&a, &alike, gamma), 1e-9);
	a.n_matches = 2;
	accept_fit(&a, &f);
	check_near(f.alpha, .7, 1e-12);
	position.by_position = f.by_position;
	position.n_positions = ACCEPT_FIT_POSITIONS;
	check_near(accept_fit_tokens(&a, &position, 8), accept_fit_tokens(&a, &a, 8), 5e-3);
	assert_true(f.by_position[0] < .7);
	assert_true(f.by_position[7] > .85);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beta_is_recovered), cmocka_unit_test(errors_are_the_curvature), cmocka_unit_test(no_beta),
		cmocka_unit_test(small_traces),      cmocka_unit_test(chances),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
