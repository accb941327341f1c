/* A stratified sample of points. */
#include "core/sample.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { QUANTS = 3, MAPS = 4, MODES = 2, GAMMAS = 8, ALL = QUANTS * MAPS * MODES * GAMMAS, WANTED = 24 };

static size_t make(struct point *v)
{
	size_t n = 0;

	for (int q = 0; q < QUANTS; q++)
		for (int m = 0; m < MAPS; m++)
			for (int o = 0; o < MODES; o++)
				for (int g = 1; g <= GAMMAS; g++, n++)
					v[n] = (struct point){.index = (int64_t)n, .target_type = q, .target_map = m, .draft_map = -1, .mode = o, .gamma = g};
	return n;
}

/* Every value of an axis is drawn as often as every other, give or take two; no point twice. */
static void is_spread(void **state)
{
	struct point v[ALL];
	size_t chosen[ALL], n = make(v);

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		int quants[QUANTS] = {0}, maps[MAPS] = {0}, modes[MODES] = {0}, gammas[GAMMAS + 1] = {0}, times[ALL] = {0};

		assert_int_equal(sample_spread(v, n, WANTED, seed, chosen), WANTED);
		for (size_t i = 0; i < WANTED; i++) {
			const struct point *p = &v[chosen[i]];

			assert_int_equal(times[chosen[i]]++, 0);
			quants[p->target_type]++;
			maps[p->target_map]++;
			modes[p->mode]++;
			gammas[p->gamma]++;
		}
		for (int q = 0; q < QUANTS; q++)
			assert_in_range(quants[q], WANTED / QUANTS - 2, WANTED / QUANTS + 2);
		for (int m = 0; m < MAPS; m++)
			assert_in_range(maps[m], WANTED / MAPS - 2, WANTED / MAPS + 2);
		for (int o = 0; o < MODES; o++)
			assert_in_range(modes[o], WANTED / MODES - 2, WANTED / MODES + 2);
		for (int g = 1; g <= GAMMAS; g++)
			assert_in_range(gammas[g], WANTED / GAMMAS - 2, WANTED / GAMMAS + 2);
	}
}

static void is_seeded(void **state)
{
	struct point v[ALL];
	size_t a[ALL], b[ALL], c[ALL], n = make(v);

	(void)state;
	sample_spread(v, n, WANTED, 1, a);
	sample_spread(v, n, WANTED, 1, b);
	sample_spread(v, n, WANTED, 2, c);
	assert_memory_equal(a, b, WANTED * sizeof(*a));
	assert_int_not_equal(memcmp(a, c, WANTED * sizeof(*a)), 0);
}

/* A value that few points have is drawn as often as it can be: all of it. */
static void rare_values(void **state)
{
	struct point v[ALL];
	size_t chosen[ALL], n = make(v), rare = 0;

	(void)state;
	for (size_t i = 0; i < n; i++)
		v[i].mode = i == 5 || i == 100;
	sample_spread(v, n, WANTED, 3, chosen);
	for (size_t i = 0; i < WANTED; i++)
		rare += v[chosen[i]].mode == 1;
	assert_int_equal(rare, 2);
}

static void all_of_few(void **state)
{
	struct point v[ALL];
	size_t chosen[ALL];

	(void)state;
	make(v);
	assert_int_equal(sample_spread(v, 3, WANTED, 1, chosen), 3);
	assert_int_equal(chosen[0] + chosen[1] + chosen[2], 0 + 1 + 2);
	assert_int_equal(sample_spread(v, 0, WANTED, 1, chosen), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_spread), cmocka_unit_test(is_seeded), cmocka_unit_test(rare_values), cmocka_unit_test(all_of_few)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
