#include "core/evaluate.h"

#include "fixture.h"

/* 8 + 8 x 2 x 13 x 112 + 8 x 112 points: three batches. */
#define SWEEP                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\"], \"draft_quants\": [\"f16\"],\n"                     \
	"\"target_mappings\": [\"cx1\", \"cx3\", \"g\", \"cx2:0-2+g:3-5\"], \"draft_mappings\": [\"auto\"], \"cuts\": 2,\n"                \
	"\"modes\": [\"sequential\", \"overlapped\"], \"workloads\": [{\"prompt\": 63, \"generated\": 20}], \"gamma\": {\"from\": 1, "     \
	"\"to\": 112},\n"                                                                                                                  \
	"\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}]"

/* 90 + 90 x 13 x 128 points: where not all are kept, the batches of one thread hold more than EVALUATE_BATCH. */
#define LARGE                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\"], \"draft_quants\": [\"f16\"],\n"                                \
	"\"target_mappings\": [\"auto\"], \"draft_mappings\": [\"auto\"], \"cuts\": 2,\n"                                                  \
	"\"workloads\": [{\"prompt\": 63, \"generated\": 20}], \"gamma\": {\"from\": 1, \"to\": 128},\n"                                   \
	"\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}]"

struct seen {
	const struct space *space;
	struct prediction *all;
	struct keeper *keeper;
	struct findings findings;
	int64_t next;
	size_t largest; /* batch */
	int batches, stop_after;
};

static const struct keeper everything = {.keep = KEEP_ALL};

static int look(void *arg, const struct batch *b)
{
	struct seen *s = arg;

	assert_int_equal(b->first, s->next);
	assert_true(b->n >= 1 && (b->n <= EVALUATE_BATCH || s->keeper));
	s->largest = b->n > s->largest ? b->n : s->largest;
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

static void same(const struct prediction *a, const struct prediction *b)
{
	assert_int_equal(a->feasible, b->feasible);
	assert_int_equal(a->acceptance, b->acceptance);
	assert_memory_equal(&a->refusal, &b->refusal, sizeof(a->refusal));
	for (int c = 0; c < PREDICT_COLUMNS; c++) {
		size_t at = predict_columns[c].at;

		check_near_at(*(const double *)((const char *)a + at), *(const double *)((const char *)b + at), 0, predict_columns[c].name,
			      __FILE__, __LINE__);
	}
}

/* The reference: one by one; every step-th is the same when nothing is remembered of the others. */
static struct prediction *reference(const struct fixture *f, int64_t step)
{
	struct prediction *all = hx_xcalloc((size_t)f->space.size, sizeof(*all));
	struct pair pair = {0};

	for (int64_t i = 0; i < f->space.size; i++) {
		struct point pt = space_point(&f->space, i);
		struct prediction alone;

		predict_point(&f->predict, &pt, &pair, &all[i]);
		if (i % step)
			continue;
		alone = fixture_predict(f, i);
		same(&all[i], &alone);
	}
	predict_pair_free(&pair);
	return all;
}

/* ---- prices that a pair remembers ---- */

/* Two workloads of the same mean context, and so of the same bandwidths, and a third; drafters of every kind, two of them the target's own
 * layers; on g bandwidth is the same whatever streams. */
#define MEMO_AXES                                                                                                                          \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\", \"early-exit:2\", \"early-exit:4\"],\n"              \
	"\"draft_quants\": [\"f16\"], \"target_mappings\": [\"cx1\", \"cx2\", \"g\", \"cx2:0-2+g:3-5\"],\n"                                \
	"\"draft_mappings\": [\"cx1\", \"cx2\", \"g\"], \"modes\": [\"sequential\", \"overlapped\"], \"gamma\": [0, 1, 2, 5],\n"           \
	"\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}],\n"                                                   \
	"\"workloads\": [{\"prompt\": 63, \"generated\": 62}, {\"prompt\": 74, \"generated\": 40}, {\"prompt\": 5, \"generated\": 40}]"

#define BW_MEMORY     "\"bw_bytes_s\": 1.2e10"
#define BW_C          "\"cores\": [1, 4],\n\"footprint_bytes\": [1e6, 1e8],\n\"bytes_s\": [[4e9, 1e10], [2e9, 5e9]]"
#define SHARING(kept) BW_MEMORY ", \"contention\": [{\"a\": \"c\", \"b\": \"g\", \"factor_a\": " kept ", \"factor_b\": " kept "}]"

/* Some passes measured, some scaled to them, some of a quantisation that nothing speaks of. */
static const char measured[] = "model,quantisation,unit,cores,rows,context,seconds\n"
			       "big,f16,c,1,1,0,.02\nbig,f16,c,1,3,0,.03\nbig,f16,c,2,1,0,.01\nbig,f16,c,2,2,0,.015\nbig,f16,g,2,1,0,.005\n"
			       "small,f16,c,1,1,0,.002\nsmall,f16,c,2,1,0,.001\nsmall,f16,g,2,2,0,.003\n";

static const struct {
	const char *memory, *c;              /* bandwidths of the device, and of c; NULL: as in the fixture */
	const char *shape, *members, *costs; /* members put into the target's shape, and into the sweep; measured passes. NULL: none */
} remembered[] = {
	{0},
	{.memory = SHARING("1")}, /* modes differ in their rows alone */
	{.memory = SHARING("0.6")},
	{.members = "\"kv_cache\": false,"},
	{.members = "\"clocks\": [1, 0.6],"},
	{.shape = "\"window\": 80, \"global_every\": 3,"},
	{.shape = "\"window\": 80,", .members = "\"kv_cache\": false, \"clocks\": [1, 0.6],"},
	{.costs = measured},
	{.costs = measured, .memory = SHARING("1")},
	{.costs = measured, .shape = "\"window\": 80, \"global_every\": 3,"},
	{.costs = measured, .members = "\"kv_cache\": false,"},
	/* The target has 8 GB/s on two cores of c, and 4 GB/s where a drafter on c pushes it out of the cache. A drafter on g halves the first,
	 * that on c leaves the second: what it gets is the same, what it has alone, by which measured passes are scaled, is not. */
	{.costs = measured,
	 .memory = SHARING("0.5"),
	 .c = "\"cores\": [2, 4],\n\"footprint_bytes\": [3.11e7, 3.2e7],\n\"bytes_s\": [[8e9, 8e9], [4e9, 8e9]]"},
};

static void load_remembered(struct fixture *f, size_t row)
{
	const char *shape = remembered[row].shape, *members = remembered[row].members;
	char *memory = fixture_replace(fixture_profile, BW_MEMORY, remembered[row].memory ? remembered[row].memory : BW_MEMORY);
	char *profile = fixture_replace(memory, BW_C, remembered[row].c ? remembered[row].c : BW_C);
	char *target = hx_xasprintf("{%s%s", shape ? shape : "", fixture_big + 1);
	char *sweep = hx_xasprintf("%s" MEMO_AXES, members ? members : "");
	struct hx_err err;

	if (fixture_try_target(f, profile, target, sweep, remembered[row].costs, &err))
		fail_msg("row %zu: %s", row, err.msg);
	free(sweep);
	free(target);
	free(profile);
	free(memory);
}

/* What predict_init has priced and kept. */
static void check_plain(const struct fixture *f, const struct prediction *all)
{
	for (int64_t i = 0; i < f->space.n_plain; i++) {
		struct point pt = space_point(&f->space, i);
		struct pair pair = {0};

		predict_pair(&f->predict, &pt, &pair);
		check_near(all[i].verify_s + all[i].transfer_s + all[i].sync_s,
			   predict_pass(&f->predict, &pair, HX_PASS_VERIFY, false).time_s, 1e-12);
		check_near(all[i].ttft_s, predict_pass(&f->predict, &pair, HX_PASS_PREFILL_TARGET, false).time_s, 0);
		predict_pair_free(&pair);
	}
}

/* Points, and runs from points, in an order of chance, each after what others left in the pair. */
static void check_at_random(const struct fixture *f, const struct prediction *all)
{
	struct prediction *run = hx_xcalloc(f->space.n_gamma + 1, sizeof(*run));
	struct pair pair = {0};
	uint64_t chance = 1;

	for (int64_t k = 0; k < 2 * f->space.size; k++) {
		struct point pt;
		size_t n = 1, rest;

		chance = chance * 6364136223846793005u + 1442695040888963407u;
		pt = space_point(&f->space, (int64_t)((chance >> 33) % (uint64_t)f->space.size));
		rest = pt.gamma ? f->space.n_gamma - space_gamma(&f->space, pt.gamma) : 1;
		if (k % 2)
			predict_point(&f->predict, &pt, &pair, run);
		else
			n = predict_run(&f->predict, &pt, f->space.n_gamma + 1, &pair, run);
		assert_int_equal(n, k % 2 ? 1 : rest);
		for (size_t i = 0; i < n; i++)
			same(&run[i], &all[pt.index + (int64_t)i]);
	}
	predict_pair_free(&pair);
	free(run);
}

static void memory(void **state)
{
	(void)state;
	for (size_t row = 0; row < COUNT(remembered); row++) {
		struct fixture f;
		struct prediction *all, *got;

		load_remembered(&f, row);
		all = reference(&f, 1);
		check_plain(&f, all);
		check_at_random(&f, all);
		got = hx_xcalloc((size_t)f.space.size, sizeof(*got));
		for (int jobs = 1; jobs <= 2; jobs++) {
			struct seen s = {.space = &f.space, .all = got};

			memset(got, 0, (size_t)f.space.size * sizeof(*got));
			assert_int_equal(evaluate(&f.predict, 0, f.space.size, jobs, &everything, look, &s), 0);
			for (int64_t i = 0; i < f.space.size; i++)
				same(&got[i], &all[i]);
		}
		free(got);
		free(all);
		fixture_free(&f);
	}
}

/* ---- batches ---- */

static void threads(void **state)
{
	static const int jobs[] = {1, 2, 5};
	struct fixture f;
	struct prediction *all, *got;

	(void)state;
	load(&f);
	all = reference(&f, 101);
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
	all = reference(&f, 101);
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

/* ---- what is kept ---- */

/* A point and what it is ordered by, smallest first; the earlier of equals first. */
struct ranked {
	double by[3];
	int64_t index;
};

static int ascending(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;

	for (int k = 0; k < 3; k++)
		if (a->by[k] != b->by[k])
			return a->by[k] < b->by[k] ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* A space, its predictions, room for its feasible points in some order, and which of all points stay. */
struct large {
	struct fixture f;
	struct prediction *all;
	struct ranked *ranked;
	size_t n; /* feasible */
	unsigned char *stays;
};

static void load_large(struct large *l)
{
	*l = (struct large){0};
	fixture_load(&l->f, fixture_profile, LARGE, NULL);
	l->all = reference(&l->f, 4999);
	l->ranked = hx_xcalloc((size_t)l->f.space.size, sizeof(*l->ranked));
	l->stays = hx_xcalloc((size_t)l->f.space.size, 1);
}

static void free_large(struct large *l)
{
	free(l->stays);
	free(l->ranked);
	free(l->all);
	fixture_free(&l->f);
}

/* Orders the feasible points by n objectives, or without them by speedup, the fastest first. */
static void rank(struct large *l, const int *objectives, size_t n)
{
	l->n = 0;
	for (int64_t i = 0; i < l->f.space.size; i++) {
		struct ranked *r = &l->ranked[l->n];

		if (!l->all[i].feasible)
			continue;
		*r = (struct ranked){.by = {n ? 0 : -l->all[i].speedup}, .index = i};
		for (size_t o = 0; o < n; o++)
			r->by[o] = keeper_objective(&l->all[i], (enum objective)objectives[o]);
		l->n++;
	}
	qsort(l->ranked, l->n, sizeof(*l->ranked), ascending);
}

/* Gives every point of the space to the keeper, then compares what it keeps. Frees the keeper. */
static void check_kept(const struct large *l, struct keeper *k, int jobs)
{
	const struct space *space = &l->f.space;
	struct seen s = {.space = space, .keeper = k};
	size_t n = 0;

	assert_int_equal(evaluate(&l->f.predict, 0, space->size, jobs, k, look, &s), 0);
	assert_int_equal(s.next, space->size);
	assert_true(s.largest > EVALUATE_BATCH || jobs > 1);
	keeper_finish(k);
	for (int64_t i = 0; i < space->size; i++)
		if (l->stays[i]) {
			assert_true(n < k->n);
			assert_int_equal(k->points[n].index, i);
			same(&k->predictions[n], &l->all[i]);
			n++;
		}
	assert_int_equal(k->n, n);
	keeper_free(k);
}

/* Fewer than half the room that a batch begins with, more, more than all of it, more than a batch, more than there are. */
static void keeps_top(void **state)
{
	static const struct {
		int top, jobs;
	} rows[] = {{1, 1}, {300, 2}, {5000, 1}, {9000, 1}, {40000, 2}, {1000000, 1}};
	struct large l;

	(void)state;
	load_large(&l);
	rank(&l, NULL, 0);
	for (size_t t = 0; t < COUNT(rows); t++) {
		struct keeper k;

		memset(l.stays, 0, (size_t)l.f.space.size);
		for (size_t i = 0; i < l.n && i < (size_t)rows[t].top; i++)
			l.stays[l.ranked[i].index] = 1;
		keeper_init(&k, KEEP_TOP, rows[t].top, NULL, 0);
		check_kept(&l, &k, rows[t].jobs);
	}
	free_large(&l);
}

static bool as_good(const struct ranked *a, const struct ranked *b)
{
	return a->by[0] <= b->by[0] && a->by[1] <= b->by[1] && a->by[2] <= b->by[2];
}

/* In ascending order none is beaten by a later one: those stay that none before is as good as. */
static void mark_front(struct large *l)
{
	size_t n = 0;

	memset(l->stays, 0, (size_t)l->f.space.size);
	for (size_t i = 0; i < l->n; i++) {
		size_t k = 0;

		while (k < n && !as_good(&l->ranked[k], &l->ranked[i]))
			k++;
		if (k < n)
			continue;
		l->stays[l->ranked[i].index] = 1;
		l->ranked[n++] = l->ranked[i];
	}
}

static void keeps_front(void **state)
{
	static const int sets[][3] = {
		{OBJECTIVE_LATENCY}, {OBJECTIVE_LATENCY, OBJECTIVE_MEMORY}, {OBJECTIVE_MEMORY, OBJECTIVE_ENERGY, OBJECTIVE_LATENCY}};
	struct large l;

	(void)state;
	load_large(&l);
	for (size_t n = 1; n <= 3; n++) {
		struct keeper k;

		rank(&l, sets[n - 1], n);
		mark_front(&l);
		keeper_init(&k, KEEP_PARETO, 0, sets[n - 1], n);
		check_kept(&l, &k, n == 2 ? 2 : 1);
	}
	free_large(&l);
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
	for (int o = 0; sweep_objectives[o]; o++) {
		const struct predict_column *c = predict_columns;

		while (strcmp(c->name, sweep_objective_columns[o]) != 0)
			c++;
		check_near(keeper_objective(&pr, (enum objective)o), *(double *)((char *)&pr + c->at), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory),      cmocka_unit_test(threads),    cmocka_unit_test(part),
		cmocka_unit_test(finds),       cmocka_unit_test(sink_ends),  cmocka_unit_test(keeps_top),
		cmocka_unit_test(keeps_front), cmocka_unit_test(objectives), cmocka_unit_test(keeps_first_of_equals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
