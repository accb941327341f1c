#include "core/evaluate.h"

#include "fixture.h"

/* 8 + 8 x 2 x 9 x 112 + 8 x 112 points: three batches. */
#define SWEEP                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\"], \"draft_quants\": [\"f16\"],\n"                     \
	"\"target_mappings\": [\"cx1\", \"cx3\", \"g\", \"cx2:0-2+g:3-5\"], \"draft_mappings\": [\"auto\"], \"cuts\": 2,\n"                \
	"\"modes\": [\"sequential\", \"overlapped\"], \"workloads\": [{\"prompt\": 63, \"generated\": 20}], \"gamma\": {\"from\": 1, "     \
	"\"to\": 112},\n"                                                                                                                  \
	"\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}]"

struct seen {
	const struct space *space;
	struct prediction *all;
	struct keeper *keeper;
	struct findings findings;
	int64_t next;
	int batches, stop_after;
};

static const struct keeper everything = {.keep = KEEP_ALL};

static int look(void *arg, const struct batch *b)
{
	struct seen *s = arg;

	assert_int_equal(b->first, s->next);
	assert_true(b->n >= 1 && b->n <= EVALUATE_BATCH);
	for (size_t i = 0; i < b->kept; i++) {
		struct point pt = space_point(s->space, b->point[i].index);

		assert_memory_equal(&pt, &b->point[i], sizeof(pt));
		if (s->all)
			s->all[pt.index] = b->prediction[i];
	}
	s->next += (int64_t)b->n;
	findings_join(&s->findings, &b->findings);
	if (s->keeper)
		keeper_add(s->keeper, b->point, b->prediction, b->kept);
	return ++s->batches == s->stop_after ? 42 : 0;
}

static void load(struct fixture *f)
{
	fixture_load(f, fixture_profile, SWEEP, NULL);
	assert_true(f->space.size > 2 * EVALUATE_BATCH);
}

/* The reference: one by one. */
static struct prediction *reference(const struct fixture *f)
{
	struct prediction *all = hx_xcalloc((size_t)f->space.size, sizeof(*all));
	struct pair pair = {0};

	for (int64_t i = 0; i < f->space.size; i++) {
		struct point pt = space_point(&f->space, i);

		predict_point(&f->predict, &pt, &pair, &all[i]);
	}
	predict_pair_free(&pair);
	return all;
}

static void same_number(double a, double b)
{
	assert_true(a == b || (isnan(a) && isnan(b)));
}

static void same(const struct prediction *a, const struct prediction *b)
{
	assert_int_equal(a->feasible, b->feasible);
	assert_memory_equal(&a->refusal, &b->refusal, sizeof(a->refusal));
	for (int c = 0; c < PREDICT_COLUMNS; c++)
		same_number(*(const double *)((const char *)a + predict_columns[c].at),
			    *(const double *)((const char *)b + predict_columns[c].at));
}

static void threads(void **state)
{
	static const int jobs[] = {1, 2, 5};
	struct fixture f;
	struct prediction *all, *got;

	(void)state;
	load(&f);
	all = reference(&f);
	got = hx_xcalloc((size_t)f.space.size, sizeof(*got));
	for (size_t j = 0; j < COUNT(jobs); j++) {
		struct seen s = {.space = &f.space, .all = got};

		memset(got, 0, (size_t)f.space.size * sizeof(*got));
		assert_int_equal(evaluate(&f.predict, 0, f.space.size, jobs[j], &everything, look, &s), 0);
		assert_int_equal(s.next, f.space.size);
		assert_int_equal(s.batches, (f.space.size + EVALUATE_BATCH - 1) / EVALUATE_BATCH);
		for (int64_t i = 0; i < f.space.size; i++)
			same(&got[i], &all[i]);
	}
	free(all);
	free(got);
	fixture_free(&f);
}

static void part(void **state)
{
	struct fixture f;
	struct seen s = {.next = 100}, none = {.next = 7};

	(void)state;
	load(&f);
	s.space = &f.space;
	assert_int_equal(evaluate(&f.predict, 100, 100 + EVALUATE_BATCH + 1, 2, &everything, look, &s), 0);
	assert_int_equal(s.next, 101 + EVALUATE_BATCH);
	assert_int_equal(s.batches, 2);
	assert_int_equal(evaluate(&f.predict, 7, 7, 2, &everything, look, &none), 0);
	assert_int_equal(none.batches, 0);
	fixture_free(&f);
}

static void sink_ends(void **state)
{
	struct fixture f;

	(void)state;
	load(&f);
	for (int jobs = 1; jobs <= 5; jobs += 2)
		for (int after = 1; after <= 2; after++) {
			struct seen s = {.space = &f.space, .stop_after = after};

			assert_int_equal(evaluate(&f.predict, 0, f.space.size, jobs, &everything, look, &s), 42);
			assert_int_equal(s.batches, after);
		}
	fixture_free(&f);
}

/* Of each quantisation the fastest that drafts, and of those that cannot run the one that needs least memory, each the first of its equals;
 * joined in any order. */
static void finds(void **state)
{
	struct fixture f;
	struct prediction *all;
	struct findings joined, backwards;
	struct seen s = {0};

	(void)state;
	load(&f);
	all = reference(&f);
	findings_init(&s.findings, &f.predict);
	s.space = &f.space;
	assert_int_equal(evaluate(&f.predict, 0, f.space.size, 2, &everything, look, &s), 0);
	assert_int_equal(s.findings.n, 2);
	for (size_t g = 0; g < 2; g++) {
		int64_t best = -1, refused = -1;

		for (int64_t i = f.space.n_plain; i < f.space.size; i++) {
			struct point pt = space_point(&f.space, i);

			if (predict_group(&f.predict, &pt) != g)
				continue;
			if (all[i].feasible && (best < 0 || all[i].tpot_s < all[best].tpot_s))
				best = i;
			if (!all[i].feasible && (refused < 0 || (isnan(all[refused].memory_bytes) && !isnan(all[i].memory_bytes)) ||
						 all[i].memory_bytes < all[refused].memory_bytes))
				refused = i;
		}
		assert_int_equal(s.findings.v[g].best, best);
		assert_int_equal(s.findings.v[g].refused, refused);
	}
	findings_init(&joined, &f.predict);
	findings_init(&backwards, &f.predict);
	for (int64_t i = 0; i < f.space.size; i++) {
		int64_t at[] = {i, f.space.size - 1 - i};

		for (int k = 0; k < 2; k++) {
			struct point pt = space_point(&f.space, at[k]);

			findings_add(k ? &backwards : &joined, predict_group(&f.predict, &pt), at[k], pt.gamma > 0, &all[at[k]]);
		}
	}
	assert_int_equal(joined.feasible, s.findings.feasible);
	assert_int_equal(backwards.feasible, s.findings.feasible);
	for (size_t g = 0; g < 2; g++) {
		assert_memory_equal(&joined.v[g], &s.findings.v[g], sizeof(joined.v[g]));
		assert_memory_equal(&backwards.v[g], &s.findings.v[g], sizeof(joined.v[g]));
	}
	findings_free(&joined);
	findings_free(&backwards);
	findings_free(&s.findings);
	free(all);
	fixture_free(&f);
}

/* Points faster than it, and as fast but before it. */
static size_t rank(const struct prediction *all, int64_t n, int64_t i)
{
	size_t above = 0;

	for (int64_t j = 0; j < n; j++)
		above += all[j].feasible && (all[j].speedup > all[i].speedup || (all[j].speedup == all[i].speedup && j < i));
	return above;
}

/* Gives every point of the space to the keeper, then compares what it keeps. */
static void check_kept(const struct fixture *f, struct keeper *k, const struct prediction *all, const unsigned char *stays)
{
	struct seen s = {.space = &f->space, .keeper = k};
	size_t n = 0;

	assert_int_equal(evaluate(&f->predict, 0, f->space.size, 2, k, look, &s), 0);
	keeper_finish(k);
	for (int64_t i = 0; i < f->space.size; i++)
		if (stays[i]) {
			assert_true(n < k->n);
			assert_int_equal(k->points[n].index, i);
			same(&k->predictions[n], &all[i]);
			n++;
		}
	assert_int_equal(k->n, n);
	keeper_free(k);
}

static void keeps_top(void **state)
{
	static const int tops[] = {1, 10, 300, 1000000};
	struct fixture f;
	struct prediction *all;
	unsigned char *stays;

	(void)state;
	load(&f);
	all = reference(&f);
	stays = hx_xcalloc((size_t)f.space.size, 1);
	for (size_t t = 0; t < COUNT(tops); t++) {
		struct keeper k;

		for (int64_t i = 0; i < f.space.size; i++)
			stays[i] = all[i].feasible && (tops[t] > f.space.size || rank(all, f.space.size, i) < (size_t)tops[t]);
		keeper_init(&k, KEEP_TOP, tops[t], NULL, 0);
		check_kept(&f, &k, all, stays);
	}
	free(stays);
	free(all);
	fixture_free(&f);
}

static void keeps_front(void **state)
{
	static const int sets[][3] = {
		{OBJECTIVE_LATENCY}, {OBJECTIVE_LATENCY, OBJECTIVE_MEMORY}, {OBJECTIVE_MEMORY, OBJECTIVE_ENERGY, OBJECTIVE_LATENCY}};
	struct fixture f;
	struct prediction *all;
	unsigned char *stays;

	(void)state;
	load(&f);
	all = reference(&f);
	stays = hx_xcalloc((size_t)f.space.size, 1);
	for (int n = 1; n <= 3; n++) {
		struct keeper k;

		for (int64_t i = 0; i < f.space.size; i++) {
			stays[i] = all[i].feasible;
			for (int64_t j = 0; j < f.space.size && stays[i]; j++) {
				int worse = 0, better = 0;

				for (int o = 0; o < n; o++) {
					double a = keeper_objective(&all[j], (enum objective)sets[n - 1][o]);
					double b = keeper_objective(&all[i], (enum objective)sets[n - 1][o]);

					worse |= a > b;
					better |= a < b;
				}
				if (all[j].feasible && !worse && (better || j < i))
					stays[i] = 0;
			}
		}
		keeper_init(&k, KEEP_PARETO, 0, sets[n - 1], (size_t)n);
		check_kept(&f, &k, all, stays);
	}
	free(stays);
	free(all);
	fixture_free(&f);
}

/* Of equals the first stay; what cannot run, or has no baseline, does not count. */
static void keeps_first_of_equals(void **state)
{
	static const double speedups[] = {1, 2, 2, NAN, 3, 2, 1, 9};
	struct point points[COUNT(speedups)];
	struct prediction predictions[COUNT(speedups)];
	struct keeper k;

	(void)state;
	for (size_t i = 0; i < COUNT(speedups); i++) {
		points[i] = (struct point){.index = (int64_t)i};
		predictions[i] = (struct prediction){.speedup = speedups[i], .feasible = i != 7};
	}
	keeper_init(&k, KEEP_TOP, 3, NULL, 0);
	keeper_add(&k, points, predictions, COUNT(speedups));
	keeper_finish(&k);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.points[0].index, 1);
	assert_int_equal(k.points[1].index, 2);
	assert_int_equal(k.points[2].index, 4);
	keeper_free(&k);
}

static void objectives(void **state)
{
	struct prediction pr = {.tpot_s = 1, .energy_j_token = 2, .memory_bytes = 3};

	(void)state;
	check_near(keeper_objective(&pr, OBJECTIVE_LATENCY), 1, 0);
	check_near(keeper_objective(&pr, OBJECTIVE_ENERGY), 2, 0);
	check_near(keeper_objective(&pr, OBJECTIVE_MEMORY), 3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads),
		cmocka_unit_test(part),
		cmocka_unit_test(finds),
		cmocka_unit_test(sink_ends),
		cmocka_unit_test(keeps_top),
		cmocka_unit_test(keeps_front),
		cmocka_unit_test(objectives),
		cmocka_unit_test(keeps_first_of_equals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
