#include "core/memo.h"

#include "check.h"

#include <string.h>

/* Whatever is remembered is what was put there; what was forgotten is asked for anew. */
static void remembers(void **state)
{
	struct {
		double a;
		int b, c;
	} key;
	struct memo *m = memo_create(sizeof(key), sizeof(double), 100);
	int misses = 0;
	bool found;

	(void)state;
	memset(&key, 0, sizeof(key));
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 100; i++) {
			double *value;

			key.a = i / 3.0;
			key.b = i % 7;
			value = memo_at(m, &key, &found);
			assert_int_equal(found, round > 0);
			if (found)
				assert_true(*value == i);
			*value = i;
		}
	for (int i = 0; i < 1000; i++) {
		double *value;

		key.a = i % 250;
		key.b = -1;
		value = memo_at(m, &key, &found);
		misses += !found;
		if (found)
			assert_true(*value == i % 250);
		*value = i % 250;
		value = memo_at(m, &key, &found);
		assert_true(found && *value == i % 250);
	}
	assert_int_equal(misses, 1000); /* 250 keys in turn never fit */
	memo_free(m);
	memo_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(remembers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
