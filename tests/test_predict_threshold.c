/* Thresholds: the acceptance and the drafting cost at which speculation pays; the best of all drafters. */
#include "studies.h"

/* Best speedup over gamma of a pair under constant acceptance (or the known source). */
static double best_speedup(const struct fixture *f, const struct point *pt, const struct accept *a, double factor)
{
	struct pair pair = {0};
	double best_s = HUGE_VAL;

	for (size_t g = 0; g < f->space.n_gamma; g++)
		best_s = fmin(best_s, predict_decode_s(&f->predict, pt, &pair, f->space.gamma[g], a, factor));
	predict_pair_free(&pair);
	return predict_baseline(&f->predict, pt)->decode_s / best_s;
}

/* 1 + alpha = 1 + c at gamma 1; longer drafts need more. gamma c <= alpha + ... + alpha^gamma is loosest at gamma 1 as well. */
static void study_thresholds(void **state)
{
	static const struct {
		const char *map;
		double c;
	} rows[] = {{"g310", .41}, {"a55x1", .80}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pair pair = {0};
		struct point pt;
		struct fixture f;

		fixture_shipped(&f, "imx95", "imx95-paper", NULL);
		pt = space_point(&f.space, fixture_point(&f, 0, "a55x1", rows[i].map, HX_SEQUENTIAL, 3));
		check_near(predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), rows[i].c, 1e-5);
		check_near(predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), .9 / rows[i].c, 1e-5);
		predict_pair_free(&pair);
		fixture_free(&f);
		fixture_shipped(&f, "imx95", "imx95-paper", "0"); /* nothing is ever accepted: not even a free drafter gains */
		check_near(predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), NAN, 0);
		check_near(predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), rows[i].c, 1e-5);
		predict_pair_free(&pair);
		fixture_free(&f);
	}
}

static void thresholds(void **state)
{
	struct fixture f;
	int alphas = 0, factors = 0;

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 8; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct accept known = accept_constant(.7);
		struct pair pair = {0};
		double alpha, factor;

		if (pt.gamma != 1 || !fixture_predict(&f, i).feasible)
			continue;
		alpha = predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s);
		factor = predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s);
		if (alpha == 0) {
			struct accept never = accept_constant(0);

			assert_true(best_speedup(&f, &pt, &never, 1) >= 1);
		} else if (!isnan(alpha)) {
			struct accept at = accept_constant(alpha), above = accept_constant(fmin(1, alpha + .01)),
				      below = accept_constant(alpha - .01);

			check_near(best_speedup(&f, &pt, &at, 1), 1, 1e-4);
			assert_true(best_speedup(&f, &pt, &above, 1) > 1);
			assert_true(best_speedup(&f, &pt, &below, 1) < 1);
			alphas++;
		} else {
			struct accept certain = accept_constant(1);

			assert_true(best_speedup(&f, &pt, &certain, 1) < 1);
		}
		if (!isnan(factor)) {
			check_near(best_speedup(&f, &pt, &known, factor), 1, 1e-4);
			assert_true(best_speedup(&f, &pt, &known, factor * .99) >= 1);
			factors++;
		} else if (pt.drafter != 1) { /* n-gram lookup has no drafter's cost */
			assert_true(best_speedup(&f, &pt, &known, 1e-6) < 1);
		}
		predict_pair_free(&pair);
	}
	assert_true(alphas > 5 && factors > 3);
	fixture_free(&f);
}

static void monotonic(void **state)
{
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 8; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		double last = 0;

		if (pt.gamma != 1 || !fixture_predict(&f, i).feasible)
			continue;
		for (int k = 0; k <= 20; k++) { /* higher alpha; overlapped may lose by it when drafting is slower than verifying */
			struct accept a = accept_constant(k / 20.);
			double s = best_speedup(&f, &pt, &a, 1);

			if (pt.mode == HX_SEQUENTIAL)
				assert_true(s >= last);
			last = s;
		}
		last = HUGE_VAL;
		for (double factor = .01; factor < 100; factor *= 1.5) { /* a slower drafter */
			struct accept a = accept_constant(.7);
			double s = best_speedup(&f, &pt, &a, factor);

			assert_true(s <= last);
			last = s;
		}
	}
	fixture_free(&f);
}

/* The oracle picks gamma for every prompt: for Beta(1, 1) and c = .41 (Eq. 1), 1/E[min(1, min over gamma of (1 + gamma c)/Omega)]. */
static void oracle(void **state)
{
	enum { STEPS = 100000 };
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double mean = 0;

	(void)state;
	fixture_load(&f, fixture_ideal,
		     DRAFTER IDEAL_MAPS SHORT "\"model\": \"eq1\", \"gamma\": {\"from\": 1, \"to\": 8},"
					      "\"acceptance\": [{\"beta\": {\"a\": 1, \"b\": 1}, \"kind\": \"estimate\", \"from\": \"x\"}]",
		     HEADER "big,f16,c,1,1,0,1\nsmall,f16,g,1,1,0,.41\n");
	pt = space_point(&f.space, 1);
	for (int i = 0; i < STEPS; i++) {
		double alpha = (i + .5) / STEPS, best = 1;

		for (int g = 1; g <= 8; g++)
			best = fmin(best, (1 + g * .41) * (1 - alpha) / (1 - pow(alpha, g + 1)));
		mean += best / STEPS;
	}
	/* the mean has kinks that a quadrature of 48 prompts smooths */
	check_near(predict_oracle(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), 1 / mean, 1e-3);
	for (int g = 1; g <= 8; g++)
		assert_true(predict_oracle(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s) > fixture_predict(&f, g).speedup);
	predict_pair_free(&pair);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(study_thresholds), cmocka_unit_test(thresholds), cmocka_unit_test(monotonic), cmocka_unit_test(oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
