#define _GNU_SOURCE /* sched_getcpu */
#include "engine/cpu/pool.h"

#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200, THREADS = 7 };

struct shared {
	int sums[THREADS * 16]; /* a line of memory each */
	int runs, wrong;
};

/* Two processors that this process may use; -1: there is one only. */
static int cpus[2] = {-1, -1};

static void find_cpus(void)
{
	cpu_set_t set;
	int n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
}

struct job {
	struct hx_pool *pool;
	struct shared *s;
};

/* Every thread writes, all read what all have written, twice: so a barrier that lets anyone through early is seen. */
static void add_up(void *arg, int thread, int n)
{
	struct job *j = arg;
	int sum;

	for (int round = 0; round < 2; round++) {
		j->s->sums[thread * 16]++;
		hx_pool_barrier(j->pool, thread);
		sum = 0;
		for (int i = 0; i < n; i++)
			sum += j->s->sums[i * 16];
		hx_pool_barrier(j->pool, thread);
		if (thread == 0) {
			j->s->runs++;
			j->s->wrong += sum != n * j->s->runs;
		}
	}
}

/* With and without processors, more threads than there are, and all on one. */
static void runs(void **state)
{
	int same[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		same[i] = cpus[0];
	for (int n = 1; n <= THREADS; n++)
		for (int pinned = 0; pinned < 2; pinned++) {
			struct shared s = {.runs = 0};
			struct job j = {.s = &s};
			struct hx_err err;

			if (hx_pool_create(&j.pool, n, pinned ? same : NULL, &err))
				fail_msg("%s", err.msg);
			assert_int_equal(hx_pool_threads(j.pool), n);
			for (int i = 0; i < ROUNDS; i++)
				hx_pool_run(j.pool, add_up, &j);
			assert_int_equal(s.runs, 2 * ROUNDS);
			assert_int_equal(s.wrong, 0);
			hx_pool_free(j.pool);
		}
	hx_pool_free(NULL);
}

static void where(void *arg, int thread, int n)
{
	(void)n;
	((int *)arg)[thread] = sched_getcpu();
}

/* Threads run where they were asked to; the caller goes with the pool that runs last. */
static void pins(void **state)
{
	struct hx_pool *a, *b;
	struct hx_err err;
	int swapped[2], seen[2];

	(void)state;
	if (cpus[1] < 0)
		skip();
	swapped[0] = cpus[1];
	swapped[1] = cpus[0];
	if (hx_pool_create(&a, 1, cpus, &err) || hx_pool_create(&b, 2, swapped, &err))
		fail_msg("%s", err.msg);
	for (int i = 0; i < 3; i++) {
		hx_pool_run(a, where, seen);
		assert_int_equal(seen[0], cpus[0]);
		hx_pool_run(b, where, seen);
		assert_int_equal(seen[0], cpus[1]);
		assert_int_equal(seen[1], cpus[0]);
	}
	hx_pool_free(a);
	hx_pool_free(b);
}

static void refuses(void **state)
{
	static const int missing[] = {1000000, 1023, -1};
	struct hx_pool *p;
	struct hx_err err;

	(void)state;
	for (int i = 0; i < 6; i++) {
		int bad[2] = {cpus[0], cpus[0]};

		bad[i % 2] = missing[i / 2];
		assert_int_equal(hx_pool_create(&p, 2, bad, &err), HX_IO);
		if (strncmp(err.msg, "processor ", 10) != 0 || atoi(err.msg + 10) != missing[i / 2])
			fail_msg("%s", err.msg);
	}
}

/* Shares follow one another, cover everything, start at multiples of the step and differ by one step at most. */
static void shares(void **state)
{
	static const int64_t sizes[] = {0, 1, 7, 16, 17, 100, 4096, 128256}, steps[] = {1, 8, 16};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k < 3; k++)
			for (int threads = 1; threads < 9; threads++) {
				int64_t end = 0, all = (sizes[i] + steps[k] - 1) / steps[k];

				for (int t = 0; t < threads; t++) {
					int64_t first, last;

					hx_pool_share(sizes[i], steps[k], t, threads, &first, &last);
					assert_true(first == end && last >= first && (first % steps[k] == 0 || first == sizes[i]));
					assert_true(last - first <= (all + threads - 1) / threads * steps[k]);
					end = last;
				}
				assert_true(end == sizes[i]);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(runs), cmocka_unit_test(pins), cmocka_unit_test(refuses),
					   cmocka_unit_test(shares)};

	find_cpus();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
