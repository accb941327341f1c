#include "core/pareto.h"

#include "check.h"

#include <stdlib.h>

enum { MAX = 400 };

static uint64_t seed = 0x2545f4914f6cdd1d;

static unsigned draw(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static int unknown(const double *v, int k)
{
	for (int i = 0; i < k; i++)
		if (isnan(v[i]))
			return 1;
	return 0;
}

/* By the definition: a is at least as good in all, and better in one or the earlier of two equals. */
static int beats(const double *v, size_t a, size_t b, int k)
{
	int better = 0;

	for (int i = 0; i < k; i++) {
		if (v[a * (size_t)k + (size_t)i] > v[b * (size_t)k + (size_t)i])
			return 0;
		better |= v[a * (size_t)k + (size_t)i] < v[b * (size_t)k + (size_t)i];
	}
	return better || a < b;
}

static void check_front(const double *v, size_t n, int k)
{
	unsigned char front[MAX];
	size_t count = 0, found = pareto_front(v, n, k, front);

	for (size_t i = 0; i < n; i++) {
		int stays = !unknown(v + i * (size_t)k, k);

		for (size_t j = 0; j < n && stays; j++)
			stays = j == i || unknown(v + j * (size_t)k, k) || !beats(v, j, i, k);
		assert_int_equal(front[i], stays);
		count += (size_t)stays;
	}
	assert_int_equal(found, count);
}

/* Few distinct values make ties, many make large fronts. */
static void random_data(void **state)
{
	static const unsigned distinct[] = {2, 5, 1000000};
	double v[MAX * 3];

	(void)state;
	for (int k = 1; k <= 3; k++)
		for (size_t d = 0; d < 3; d++)
			for (size_t n = 1; n <= MAX; n = 2 * n + 1) {
				for (size_t i = 0; i < n * (size_t)k; i++)
					v[i] = draw(20) == 0 ? NAN : (double)draw(distinct[d]) - 2;
				check_front(v, n, k);
			}
}

static void small(void **state)
{
	static const double line[] = {1, 3, 2, 2, 3, 1, 4, 0}, equal[] = {1, 1, 1, 1, 1, 1}, nothing[] = {NAN, 1, 2, NAN};
	static const double infinite[] = {1, INFINITY, 1, 2, -INFINITY, INFINITY};
	unsigned char front[4];

	(void)state;
	assert_int_equal(pareto_front(line, 4, 2, front), 4);
	assert_int_equal(pareto_front(equal, 3, 2, front), 1);
	assert_memory_equal(front, "\1\0\0", 3);
	assert_int_equal(pareto_front(nothing, 2, 2, front), 0);
	assert_int_equal(pareto_front(infinite, 3, 2, front), 2);
	assert_memory_equal(front, "\0\1\1", 3);
	assert_int_equal(pareto_front(NULL, 0, 2, front), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_data), cmocka_unit_test(small)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
