/* Bandwidths and clocks of a pair of models. */
#include "studies.h"

/* Bandwidth at the round's footprint: weights of each model on the unit and its cache at the mean context of 94.5.
 * f16, bytes: big on c or g 28,338,176 streamed (6 layers of 4,722,688 and last norm) + table 2,097,152, 6144 a position;
 * small 2 x (4 x 32 x 128 x 2 + 2 x 64 x 128 x 2 + 3 x 256 x 128 x 2 + 2 x 128 x 4) + 512 + 2048 x 128 x 2, 512 a position. */
static const double big = 6 * 4722688. + 2048 + 2097152 + 6144 * 94.5;
static const double small = 2 * (128 * 128 * 2 + 128 * 128 * 2 + 128 * 128 * 2 + 3 * 256 * 128 * 2 + 1024.) + 512 + 524288 + 512 * 94.5;

static void footprints(void **state)
{
	struct pair pair = {0};
	struct point pt;
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     DRAFTER SHORT
		     "\"target_mappings\": [\"cx1\", \"g\"], \"draft_mappings\": [\"cx3\", \"g\"], \"gamma\": [2]," ALPHA("0.5"),
		     NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "cx3", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.env.bw[0], 4e9 - 2e9 * log((big + small) / 1e6) / log(100), 1e-9);
	check_near(pair.env_draft.bw[0], 8e9 - 4e9 * log((big + small) / 1e6) / log(100), 1e-9);
	check_near(pair.again_draft.bw[0], 8e9 - 4e9 * log(small / 1e6) / log(100), 1e-9);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.env.bw[0], 4e9 - 2e9 * log(big / 1e6) / log(100), 1e-9);
	check_near(pair.env_draft.bw[1], 8e9, 0);
	assert_memory_equal(&pair.busy, &pair.env, sizeof(pair.env));
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* A device that is one of c's processors evicts what c has in its cache. */
static void shared_cache(void **state)
{
	char *c = fixture_replace(fixture_profile, "\"p\": 2", "\"affinity\": [0, 1, 2, 7], \"p\": 2");
	char *both = fixture_replace(c, "\"p\": 4", "\"affinity\": [7], \"p\": 4");
	struct pair pair = {0};
	struct point pt;
	struct fixture f;

	(void)state;
	fixture_load(&f, both, DRAFTER SHORT "\"target_mappings\": [\"cx1\"], \"draft_mappings\": [\"g\"], \"gamma\": [2]," ALPHA("0.5"), NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.env.bw[0], 4e9 - 2e9 * log((big + small) / 1e6) / log(100), 1e-9);
	predict_pair_free(&pair);
	fixture_free(&f);
	free(both);
	free(c);
}

/* Two streams share 12 GB/s in proportion, two halves of a cluster what all its cores reach; a measured factor goes before. */
static void contention(void **state)
{
	static const char members[] = DRAFTER SHORT
		"\"modes\": [\"overlapped\"], \"target_mappings\": [\"cx3\", \"g\"], \"draft_mappings\": [\"cx1\"], \"gamma\": [2]," ALPHA(
			"0.5");
	char *measured = fixture_replace(
		fixture_profile, "\"bw_bytes_s\": 1.2e10",
		"\"bw_bytes_s\": 1.2e10, \"contention\": [{\"a\": \"c\", \"b\": \"g\", \"factor_a\": 0.6, \"factor_b\": 0.9}]");
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double both, four = 1e10 - 5e9 * log((big + small) / 1e6) / log(100);

	(void)state;
	fixture_load(&f, fixture_profile, members, NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "g", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	both = pair.env.bw[1] + pair.env_draft.bw[0];
	check_near(pair.busy.bw[1], pair.env.bw[1] * fmin(1, 1.2e10 / both), 1e-12);
	check_near(pair.busy_draft.bw[0], pair.env_draft.bw[0] * fmin(1, 1.2e10 / both), 1e-12);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx3", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	both = pair.env.bw[0] + pair.env_draft.bw[0];
	assert_true(both > four);
	check_near(pair.busy.bw[0] + pair.busy_draft.bw[0], four, 1e-12);
	check_near(pair.busy.bw[0], pair.env.bw[0] * four / both, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	fixture_load(&f, measured, members, NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "g", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.busy.bw[1], pair.env.bw[1] * .9, 1e-12);
	check_near(pair.busy_draft.bw[0], pair.env_draft.bw[0] * .6, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	free(measured);
}

/* At half the clock a byte takes longer by what it takes in the cache: .25 ns with one core, .125 with three, .1 with four. What all four reach
 * of both models is what these share. */
static void slow_clocks(void **state)
{
	double beyond = log((big + small) / 1e6) / log(100), cluster = 1 / (1 / (1e10 - 5e9 * beyond) + 1e-10);
	struct pair pair = {0};
	struct point pt;
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     DRAFTER SHORT BOTH
		     "\"gamma\": [2], \"target_mappings\": [\"cx3@500MHz\"], \"draft_mappings\": [\"cx1@500MHz\"]," ALPHA("0.5"),
		     NULL);
	for (int mode = HX_SEQUENTIAL; mode <= HX_OVERLAPPED; mode++) {
		pt = space_point(&f.space, fixture_point(&f, 0, NULL, "cx1@500MHz", mode, 2));
		predict_pair(&f.predict, &pt, &pair);
		check_near(pair.env.bw[0], 1 / (1 / (8e9 - 4e9 * beyond) + .125e-9), 1e-9);
		check_near(pair.env_draft.bw[0], 1 / (1 / (4e9 - 2e9 * beyond) + .25e-9), 1e-9);
	}
	assert_true(pair.env.bw[0] + pair.env_draft.bw[0] > cluster);
	check_near(pair.busy.bw[0] + pair.busy_draft.bw[0], cluster, 1e-12);
	check_near(pair.busy.bw[0] / pair.busy_draft.bw[0], pair.env.bw[0] / pair.env_draft.bw[0], 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* An operator that falls back runs on the other unit at the clock of the configuration. */
static void fallback_clock(void **state)
{
	char *text = fixture_replace(fixture_profile, "\"p\": 4", "\"fallback\": \"c\", \"supports\": [{\"op\": \"attn\"}], \"p\": 4");
	struct fixture f;
	const struct placed *placed;
	bool seen = false;

	(void)state;
	fixture_load(&f, text, DRAFTER SHORT "\"gamma\": [2], \"clocks\": [0.6], \"target_mappings\": [\"g\"], \"draft_mappings\": [\"cx4\"]," ALPHA("0.5"), NULL);
	placed = placed_find(&f.predict.target, HX_F16, 0);
	for (size_t i = 0; i < placed->graph.n_ops; i++)
		if (hx_graph_op(&placed->graph, i)->unit == 0) {
			check_near(hx_graph_op(&placed->graph, i)->clock_hz, 6e8, 1e-12);
			seen = true;
		}
	assert_true(seen);
	assert_true(fixture_predict(&f, fixture_point(&f, 0, NULL, NULL, HX_SEQUENTIAL, 2)).feasible);
	fixture_free(&f);
	free(text);
}

/* A drafter that is wholly on a device is waited for once a round, unless somebody looks at every draft. */
static void waits_of_a_device(void **state)
{
	static const struct {
		const char *draft_map;
		int temperature;
		const char *kv_cache;
		double sync_s;
	} cases[] = {
		{"g", 0, "true", 1e-5 + 1e-4},         {"g", 1, "true", 1e-5 + 4 * 1e-4},
		{"g", 0, "false", 1e-5 + 4 * 1e-4},    {"cx3", 0, "true", 1e-5 + 4 * 1e-5},
		{"g:0+cx1:1", 0, "true", 1e-5 + 4 * (1e-4 + 1e-5)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *members = hx_xasprintf(DRAFTER SHORT
					     "\"target_mappings\": [\"cx1\"], \"draft_mappings\": [\"%s\"], \"gamma\": [4], \"temperature\": %d, \"kv_cache\": %s,"
					     "\"acceptance\": [{\"alpha\": 0.8, \"temperature\": %d, \"kind\": \"estimate\", \"from\": \"x\"}]",
					     cases[i].draft_map, cases[i].temperature, cases[i].kv_cache, cases[i].temperature);
		struct prediction pr;
		struct fixture f;

		fixture_load(&f, fixture_profile, members, NULL);
		pr = fixture_predict(&f, fixture_point(&f, 0, NULL, NULL, HX_SEQUENTIAL, 4));
		check_near(pr.sync_s, cases[i].sync_s, 1e-9);
		check_near(pr.round_s, pr.draft_s + pr.verify_s + pr.transfer_s + pr.sync_s + pr.host_s, 1e-12);
		fixture_free(&f);
		free(members);
	}
}

/* A device that is a CPU has its processor for itself. */
static void shared_processors(void **state)
{
	static const struct {
		const char *target_map, *draft_map;
		int mode;
		bool feasible;
	} cases[] = {
		{"cx3", "g", HX_SEQUENTIAL, true},    {"cx4", "g", HX_SEQUENTIAL, false},   {"cx4", "cx4", HX_SEQUENTIAL, true},
		{"g", "cx4", HX_SEQUENTIAL, false},   {"g", "cx3", HX_OVERLAPPED, true},    {"cx3+g:5", "cx1", HX_SEQUENTIAL, true},
		{"cx3+g:5", "cx1", HX_OVERLAPPED, false}, {"cx4+g:5", "cx1", HX_SEQUENTIAL, false},
	};
	char *c = fixture_replace(fixture_profile, "\"p\": 2", "\"affinity\": [0, 1, 2, 7], \"p\": 2");
	char *both = fixture_replace(c, "\"p\": 4", "\"affinity\": [7], \"p\": 4");
	struct fixture f;

	(void)state;
	fixture_load(&f, both,
		     DRAFTER SHORT BOTH "\"target_mappings\": [\"cx3\", \"cx4\", \"g\", \"cx3+g:5\", \"cx4+g:5\"],"
					"\"draft_mappings\": [\"cx1\", \"cx3\", \"cx4\", \"g\"], \"gamma\": [2]," ALPHA("0.5"), NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t at = fixture_point(&f, 0, cases[i].target_map, cases[i].draft_map, cases[i].mode, 2);
		struct prediction pr = fixture_predict(&f, at);
		struct point pt = space_point(&f.space, at);
		char reason[200];

		predict_reason(&f.predict, &pt, &pr.refusal, reason, sizeof(reason));
		if (pr.feasible != cases[i].feasible || (!pr.feasible && !strstr(reason, "g runs on processor 7, which c uses too")))
			fail_msg("%s with %s: %s", cases[i].target_map, cases[i].draft_map, reason);
	}
	fixture_free(&f);
	free(both);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(footprints), cmocka_unit_test(contention), cmocka_unit_test(slow_clocks), cmocka_unit_test(fallback_clock),
		cmocka_unit_test(shared_cache), cmocka_unit_test(waits_of_a_device), cmocka_unit_test(shared_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
