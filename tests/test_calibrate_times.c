/* What times are most of the time. */
#include "device/calibrate_times.h"

#include "check.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct calibrate_times times(const double *v, const int *moments, size_t n)
{
	struct calibrate_times t = {0};

	for (size_t i = 0; i < n; i++)
		calibrate_times_add(&t, v[i], moments ? moments[i] : 0);
	return t;
}

/* Neither a disturbance nor another state that did not last moves it. */
static void typical(void **state)
{
	static const struct {
		double v[9];
		size_t n;
		double typical;
	} cases[] = {
		{{3}, 1, 3},
		{{5, 1}, 2, 3},
		{{1, 1.1, 1.2, 9, 30}, 5, 1.1},
		{{2, 2, 2, 1, 1}, 5, 2},
		{{2, 2, 1, 1, 1}, 5, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct calibrate_times t = times(cases[i].v, NULL, cases[i].n);

		check_near(calibrate_times_typical(&t), cases[i].typical, 1e-12);
		calibrate_times_free(&t);
	}
}

static void spread(void **state)
{
	static const double v[] = {5, 1, 3, 2, 4};
	struct calibrate_times t = times(v, NULL, COUNT(v));

	(void)state;
	check_near(calibrate_times_spread(&t), 1.0 / 3, 1e-12);
	calibrate_times_free(&t);
}

static void keeps_calm_moments(void **state)
{
	static const double v[] = {4, 1, 5, 2, 3};
	static const int moments[] = {0, 1, 1, 2, 3};
	static const bool some[] = {false, true, false, true}, none[] = {false, false, false, false};
	struct calibrate_times t = times(v, moments, COUNT(v));

	(void)state;
	calibrate_times_keep(&t, none);
	assert_int_equal(t.n, 5);
	calibrate_times_keep(&t, some);
	assert_int_equal(t.n, 3);
	check_near(calibrate_times_typical(&t), 2, 1e-12);
	calibrate_times_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(typical), cmocka_unit_test(spread), cmocka_unit_test(keeps_calm_moments)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
