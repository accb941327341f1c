/* What cannot run, and why; memory. */
#include "studies.h"

static const struct {
	const char *from, *to, *members; /* change of the profile; the sweep */
	int drafter;
	const char *target_map, *draft_map;
	int mode, gamma;
	const char *reason;
} refused[] = {
	{"", "", ONE SHORT "\"acceptance\": []", 0, "g", "cx3", HX_SEQUENTIAL, 2,
	 "no acceptance source for a f16 target with small in f16"},
	{"", "", ONE SHORT "\"acceptance\": []", 0, "g", "cx3", HX_OVERLAPPED, 2,
	 "no acceptance source for a f16 target with small in f16"},
	{"", "", ONE SHORT "\"temperature\": 1," ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2, "no acceptance source"},
	{"", "", ONE SHORT ALPHA("0.5"), 0, "g", "g", HX_OVERLAPPED, 2, "overlapped drafter and target share g"},
	{"", "", ONE SHORT ALPHA("0.5"), 0, "cx2", "cx3", HX_OVERLAPPED, 2,
	 "overlapped drafter and target need 3 + 2 cores of c, which has 4"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 1}], ", ONE SHORT ALPHA("0.5"), 0, "cx2", "cx3",
	 HX_OVERLAPPED, 2, "overlapped drafter and target need 3 + 2 cores of c, which has 3"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 1}], ",
	 DRAFTER SHORT BOTH "\"gamma\": [2], \"target_mappings\": [\"cx2\"], \"draft_mappings\": [\"cx2\"]," ALPHA("0.5"), 0, "cx2", "cx2",
	 HX_OVERLAPPED, 2, "overlapped drafter and target need 2 + 2 cores of c, which has 3"},
	{"", "", DRAFTER SHORT BOTH "\"gamma\": [2], \"target_mappings\": [\"cx2@500MHz\"], \"draft_mappings\": [\"cx2\"]," ALPHA("0.5"), 0,
	 "cx2@500MHz", "cx2", HX_SEQUENTIAL, 2, "drafter and target run c at different clocks"},
	{"", "", ONE SHORT "\"model\": \"eq1\"," ALPHA("0.5"), 0, "g", "cx3", HX_OVERLAPPED, 2, "eq1 knows the sequential mode only"},
	{"", "", ONE "\"workloads\": [{\"prompt\": 950000, \"generated\": 50001}]," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "1000001 tokens exceed the target's context limit of 1000000"},
	{"\"kernels\": [\n{\"type\": \"f16\", \"arithmetic\": \"f16\", \"rows\": [1, 4, 16], \"efficiency\": [0.1, 0.2, 0.6]},\n",
	 "\"kernels\": [\n", ONE SHORT ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2, "target: g has no kernel for f16 (qkv)"},
	{"\"kernels\": [\n{\"type\": \"f16\", \"arithmetic\": \"f16\", \"rows\": [1, 4, 16], \"efficiency\": [0.1, 0.2, 0.6]},\n",
	 "\"kernels\": [\n", ONE SHORT ALPHA("0.5"), 0, "cx2", "g", HX_SEQUENTIAL, 2, "drafter: g has no kernel for f16 (qkv)"},
	{"\"memory_bytes\": 1e9", "\"memory_bytes\": 1.99e9", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "of memory; 10 MB are available"},
	{"\"p\": 4,", "\"p\": 4, \"mem_limit_bytes\": 2e7,", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "g would hold "},
	{"\"p\": 4,", "\"p\": 4, \"max_alloc_bytes\": 2e6,", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "g would need one allocation of 2.1 MB; its limit is 2 MB"},
	{"", "", ONE SHORT "\"constraints\": {\"memory_bytes\": 2e7}," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "the sweep allows 20 MB"},
	{"", "", ONE SHORT "\"constraints\": {\"ttft_s\": 1e-6}," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "s; the sweep allows 1e-06 s"},
	{"", "", ONE SHORT "\"constraints\": {\"tpot_s\": 1e-6}," ALPHA("0.5"), 0, "g", "cx3", HX_OVERLAPPED, 2,
	 "per token; the sweep allows 1e-06 s"},
	{"", "", ONE SHORT "\"constraints\": {\"energy_j_token\": 1e-6}," ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2,
	 "J per token; the sweep allows"},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		char *profile = fixture_replace(fixture_profile, refused[i].from, refused[i].to);
		struct prediction pr;
		struct fixture f;
		struct point pt;
		char reason[192];

		fixture_load(&f, profile, refused[i].members, NULL);
		pt = space_point(&f.space, fixture_point(&f, refused[i].drafter, refused[i].target_map, refused[i].draft_map, refused[i].mode,
							 refused[i].gamma));
		pr = fixture_predict(&f, pt.index);
		if (pr.feasible || !strstr(predict_reason(&f.predict, &pt, &pr.refusal, reason, sizeof(reason)), refused[i].reason))
			fail_msg("row %zu: feasible %d, '%s', not '%s'", i, pr.feasible, reason, refused[i].reason);
		check_near(pr.speedup, NAN, 0);
		fixture_free(&f);
		free(profile);
	}
}

/* A constraint that holds exactly, or is just missed. */
static void constraint_bounds(void **state)
{
	static const char *const bounds[] = {"memory_bytes", "energy_j_token", "ttft_s", "tpot_s"};
	struct fixture f;
	struct prediction free_pr;

	(void)state;
	fixture_load(&f, fixture_profile, ONE SHORT ALPHA("0.5"), NULL);
	free_pr = fixture_predict(&f, 0);
	fixture_free(&f);
	for (size_t i = 0; i < COUNT(bounds); i++)
		for (int above = 0; above < 2; above++) {
			double value = (double[]){free_pr.memory_bytes, free_pr.energy_j_token, free_pr.ttft_s, free_pr.tpot_s}[i] *
				       (above ? 1 + 1e-9 : 1 - 1e-9);
			char *members = hx_xasprintf(ONE SHORT "\"constraints\": {\"%s\": %.17g}," ALPHA("0.5"), bounds[i], value);

			fixture_load(&f, fixture_profile, members, NULL);
			assert_int_equal(fixture_predict(&f, 0).feasible, above);
			fixture_free(&f);
			free(members);
		}
}

/* Memory of both models, by hand from the engine's buffers: 63 rows of prefill, 63 + 63 + gamma + 1 positions. */
static void memory(void **state)
{
	struct hx_buffers b = {0};
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double sum = 0;

	(void)state;
	fixture_load(&f, fixture_profile, ONE SHORT ALPHA("0.5"), NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx2", "g", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	hx_graph_buffers(&pair.target->graph, 63, 3, 129, &b);
	hx_graph_buffers(&pair.draft->graph, 63, 1, 129, &b);
	for (int u = 0; u < HX_MAX_UNITS; u++)
		for (int k = 0; k < HX_BUF_COUNT; k++)
			sum += b.bytes[u][k];
	check_near(fixture_predict(&f, pt.index).memory_bytes, sum, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	/* an early exit's layers are the target's: more rows of logits and positions, nothing else */
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.5"), NULL);
	check_near(fixture_predict(&f, fixture_point(&f, 2, "g", NULL, HX_SEQUENTIAL, 2)).memory_bytes,
		   fixture_predict(&f, fixture_point(&f, SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0)).memory_bytes + 2 * (2048 * 4 + 6144),
		   1e-12);
	fixture_free(&f);
}

static void bad_studies(void **state)
{
	static const struct {
		const char *members, *message;
	} rows[] = {
		{ONE SHORT "\"baseline\": \"cx1\"," ALPHA("0.5"), "is none of the target's mappings; add it to target_mappings"},
		{"\"target_quants\": [\"f16\"], \"target_mappings\": [\"d\"], \"gamma\": [0], " SHORT ALPHA("0.5"),
		 "no unit 'd'; the profile has c, g"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"early-exit:6\"], \"gamma\": [1], " SHORT ALPHA("0.5"), "early-exit:6"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"early-exit:0\"], \"gamma\": [1], " SHORT ALPHA("0.5"), "early-exit:0"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"gemma3-1b\"], \"gamma\": [1], " SHORT ALPHA("0.5"),
		 "gemma3-1b cannot draft for big: its vocabulary is gemma3, the target's is toy"},
		{"\"target_quants\": [\"f16\"], \"cores\": [7], \"target_mappings\": [\"auto\"], \"drafters\": [\"smal\"], \"gamma\": "
		 "[1], " SHORT ALPHA("0.5"),
		 "no model 'smal'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct hx_err err = {""};

		assert_int_equal(fixture_try(&f, fixture_profile, rows[i].members, NULL, &err), HX_INPUT);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("%s", err.msg);
		fixture_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals), cmocka_unit_test(constraint_bounds), cmocka_unit_test(memory), cmocka_unit_test(bad_studies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
