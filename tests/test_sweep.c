#include "core/sweep.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Members are on line 2 and later. */
#define SWEEP(members) "{\"schema\": \"hexplore/sweep/1\", \"name\": \"s\", \"target\": \"t\",\n" members "}"
#define BASE           "\"target_quants\": [\"q8_0\", \"f16\"], \"workloads\": [{\"prompt\": 3, \"generated\": 5}]"
#define SOURCE         "\"kind\": \"measured\", \"from\": \"x\""

static void defaults(void **state)
{
	static const char text[] = SWEEP(BASE ", \"gamma\": [0, 4, 2]");
	struct sweep s;
	struct hx_err err;

	(void)state;
	if (sweep_parse(&s, text, strlen(text), "s.json", &err))
		fail_msg("%s", err.msg);
	assert_int_equal(s.n_modes, 1);
	assert_int_equal(s.modes[0], HX_SEQUENTIAL);
	assert_int_equal(s.n_objectives, 2);
	assert_int_equal(s.objectives[0], OBJECTIVE_LATENCY);
	assert_int_equal(s.objectives[1], OBJECTIVE_MEMORY);
	assert_int_equal(s.n_draft_quants, 2);
	assert_int_equal(s.draft_quants[0], HX_Q8_0);
	assert_int_equal(s.draft_quants[1], HX_F16);
	assert_int_equal(s.n_drafters, 0);
	assert_int_equal(s.cuts, 1);
	assert_int_equal(s.cut_step, 1);
	assert_int_equal(s.n_cores, 0);
	assert_int_equal(s.n_gamma, 3);
	assert_int_equal(s.gamma[1], 4);
	assert_true(s.kv_cache);
	assert_int_equal(s.workloads[0].generated, 5);
	check_near(s.temperature, 0, 0);
	check_near(s.constraints.memory_bytes, NAN, 0);
	assert_int_equal(s.model, COST_FULL);
	assert_null(s.baseline);
	assert_null(s.keep);
	sweep_free(&s);
	sweep_free(&s);
}

static void reads(void **state)
{
	static const char text[] =
		SWEEP(BASE ", \"gamma\": {\"from\": 1, \"to\": 8, \"step\": 3}, \"draft_quants\": [\"q4_0\"], \"modes\": [\"overlapped\"], "
			   "\"keep\": \"top:7\","
			   "\"objectives\": [\"energy\"], \"model\": \"eq1\", \"kv_cache\": false, \"cores\": [2],"
			   "\"acceptance\": [\"paper-fp\", {\"alpha\": 0.5, " SOURCE "}, {\"by_position\": [1, 0.5], " SOURCE "}]");
	struct sweep s;
	struct hx_err err;

	(void)state;
	if (sweep_parse(&s, text, strlen(text), "s.json", &err))
		fail_msg("%s", err.msg);
	assert_int_equal(s.n_gamma, 3);
	assert_int_equal(s.gamma[2], 7);
	assert_int_equal(s.n_draft_quants, 1);
	assert_int_equal(s.draft_quants[0], HX_Q4_0);
	assert_int_equal(s.modes[0], HX_OVERLAPPED);
	assert_int_equal(s.objectives[0], OBJECTIVE_ENERGY);
	assert_int_equal(s.n_objectives, 1);
	assert_int_equal(s.model, COST_EQ1);
	assert_false(s.kv_cache);
	assert_string_equal(s.acceptance[0].file, "paper-fp");
	assert_null(s.acceptance[1].file);
	check_near(s.acceptance[1].alpha, .5, 0);
	check_near(s.acceptance[2].alpha, NAN, 0);
	assert_int_equal(s.acceptance[2].n_positions, 2);
	sweep_free(&s);
}

static const struct {
	const char *members, *message;
} bad[] = {
	{BASE ",\n\"gamma\": {\"from\": 8, \"to\": 1}", "s.json:3: gamma: 'from' (8) is above 'to' (1); swap them"},
	{BASE ",\n\"gamma\": [257]", "s.json:3: gamma[0]: must be in [0, 256] tokens, is 257"},
	{BASE ",\n\"gamma\": []", "s.json:3: gamma: must not be empty"},
	{BASE, "s.json:1: 'gamma' is missing (tokens, draft lengths)"},
	{"\"gamma\": [1], \"workloads\": [{\"prompt\": 1, \"generated\": 1}],\n\"target_quants\": [\"q8_00\"]",
	 "s.json:3: target_quants[0]: unknown value 'q8_00', did you mean 'q8_0'?"},
	{"\"gamma\": [1], \"workloads\": [{\"prompt\": 1, \"generated\": 1}],\n\"target_quants\": [\"int8\"]",
	 "s.json:3: target_quants[0]: unknown value 'int8'; known are: f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k"},
	{BASE ", \"gamma\": [1],\n\"draft_quants\": [\"f16\", \"f16\"]", "s.json:3: draft_quants: 'f16' stands in the list twice"},
	{"\"gamma\": [1], \"target_quants\": [\"f16\"],\n\"workloads\": [{\"prompt\": 0, \"generated\": 1}]",
	 "s.json:3: workloads[0].prompt: must be in [1, 1e6] tokens, is 0"},
	{"\"gamma\": [1], \"target_quants\": [\"f16\"],\n\"workloads\": [{\"prompt\": 1}]",
	 "s.json:3: workloads[0]: 'generated' is missing (tokens, tokens generated)"},
	{BASE ", \"gamma\": [1],\n\"keep\": \"best\"", "s.json:3: keep: must be all, pareto or top:N with N from 1 to 1000000, is 'best'"},
	{BASE ", \"gamma\": [1],\n\"modes\": [\"parallel\"]",
	 "s.json:3: modes[0]: unknown value 'parallel'; known are: sequential, overlapped"},
	{BASE ", \"gamma\": [1],\n\"model\": \"eq2\"", "s.json:3: model: unknown value 'eq2', did you mean 'eq1'?"},
	{BASE ", \"gamma\": [1],\n\"objectives\": [\"speed\"]",
	 "s.json:3: objectives[0]: unknown value 'speed'; known are: latency, energy, memory"},
	{BASE ", \"gamma\": [1],\n\"cuts\": 5", "s.json:3: cuts: must be in [1, 4], is 5"},
	{BASE ", \"gamma\": [1], \"acceptance\": [\"a\",\n{\"alpha\": 0.5, \"by_position\": [1], " SOURCE "}]",
	 "s.json:3: acceptance[1]: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
	{BASE ", \"gamma\": [1], \"acceptance\": [\n{" SOURCE "}]",
	 "s.json:3: acceptance[0]: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
	{BASE ", \"gamma\": [1], \"acceptance\": [\n{\"alpha\": 1, \"target_quant\": \"q8\", " SOURCE "}]",
	 "s.json:3: acceptance[0]: target_quant: unknown type 'q8'"},
	{BASE ", \"gamma\": [1],\n\"gama\": [1]", "s.json:3: gama: unknown key, did you mean 'gamma'?"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *text = hx_xasprintf(SWEEP("%s"), bad[i].members);
		struct sweep s;
		struct hx_err err = {""};

		assert_int_equal(sweep_parse(&s, text, strlen(text), "s.json", &err), HX_INPUT);
		assert_string_equal(err.msg, bad[i].message);
		assert_null(s.gamma);
		free(text);
	}
}

static void keeps(void **state)
{
	static const struct {
		const char *text;
		int rc;
		enum keep keep;
		int top;
	} rows[] = {
		{NULL, HX_OK, KEEP_ALL, -1},
		{"all", HX_OK, KEEP_ALL, -1},
		{"pareto", HX_OK, KEEP_PARETO, -1},
		{"top:1", HX_OK, KEEP_TOP, 1},
		{"top:1000000", HX_OK, KEEP_TOP, 1000000},
		{"top:0", HX_INPUT, KEEP_TOP, -1},
		{"top:", HX_INPUT, KEEP_TOP, -1},
		{"top", HX_INPUT, KEEP_TOP, -1},
		{"top:-1", HX_INPUT, KEEP_TOP, -1},
		{"top:5x", HX_INPUT, KEEP_TOP, -1},
		{"top:1000001", HX_INPUT, KEEP_TOP, -1},
		{"top:99999999999999999999", HX_INPUT, KEEP_TOP, -1},
		{"All", HX_INPUT, KEEP_TOP, -1},
		{"", HX_INPUT, KEEP_TOP, -1},
		{"top:1.5", HX_INPUT, KEEP_TOP, -1},
		{"top: 5", HX_INPUT, KEEP_TOP, -1},
		{"top:+5", HX_INPUT, KEEP_TOP, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hx_err err;
		enum keep keep;
		int top = -1;

		if (sweep_keep(rows[i].text, &keep, &top, &err) != rows[i].rc)
			fail_msg("'%s'", rows[i].text);
		if (rows[i].rc == HX_OK)
			assert_int_equal(keep, rows[i].keep);
		assert_int_equal(top, rows[i].top);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(defaults), cmocka_unit_test(reads), cmocka_unit_test(refuses),
					   cmocka_unit_test(keeps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
