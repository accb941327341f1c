#include "fixture.h"

/* Profile and a model on a mapping. */
struct priced {
	struct profile profile;
	struct hx_shape shape;
	struct hx_mapping map;
	struct hx_graph graph;
	struct hx_chain chain;
	struct cost_env env;
};

static void price(struct priced *t, const char *profile, size_t len, const char *shape, const char *mapping, int type)
{
	struct hx_err err;

	*t = (struct priced){.env = {.profile = &t->profile, .bw = {2e9, 4e9}, .kv_cache = true}};
	if (profile_parse(&t->profile, profile, len, "p.json", &err) || shape_parse(&t->shape, shape, strlen(shape), "m.json", &err) ||
	    hx_mapping_parse(&t->map, mapping, &t->shape, &t->profile.is, &err) ||
	    hx_graph_init(&t->graph, &t->shape, &t->map, type, t->shape.layers, &t->profile.is, &err))
		fail_msg("%s", err.msg);
	hx_chain_init(&t->chain, &t->graph, 0, t->graph.n_ops);
}

static void toy(struct priced *t, const char *mapping, int type)
{
	price(t, fixture_profile, strlen(fixture_profile), fixture_big, mapping, type);
}

static void done(struct priced *t)
{
	hx_chain_free(&t->chain);
	hx_graph_free(&t->graph);
	hx_mapping_free(&t->map);
	shape_free(&t->shape);
	profile_free(&t->profile);
}

static void bandwidth(void **state)
{
	static const struct {
		int unit, cores;
		double footprint, bw;
	} rows[] = {
		{0, 1, 1e6, 4e9},      {0, 4, 1e6, 1e10},  {0, 2, 1e6, 6e9},
		{0, 3, 1e6, 8e9},      {0, 8, 1e6, 1e10},  {0, 1, 1, 4e9},
		{0, 1, 0, 4e9},        {0, 1, 1e8, 2e9},   {0, 4, 1e12, 5e9},
		{0, 2, 1e8, 3e9},      {0, 1, 1e7, 3e9}, /* half way in the logarithm */
		{0, 2, 1e7, 4.5e9},    {0, 4, 1e7, 7.5e9}, {0, 4, 3.1622776601683795e6, 8.75e9},
		{0, 1, INFINITY, 2e9}, {1, 2, 1, 8e9},     {1, 2, 1e12, 8e9},
	};
	struct priced t;

	(void)state;
	toy(&t, "c", HX_F16);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_near(cost_bandwidth(&t.profile.units[rows[i].unit], rows[i].cores, 1e9, rows[i].footprint), rows[i].bw, 1e-12);
	done(&t);
}

static void efficiency(void **state)
{
	static const struct {
		int unit, type;
		double rows, e;
	} rows[] = {
		{0, HX_F16, 1, .25}, {0, HX_F16, 3, .375}, {0, HX_F16, 1e15, .5}, {0, HX_Q8_0, 1, .0625}, {0, HX_Q8_0, 3, .125},
		{1, HX_F16, 1, .1},  {1, HX_F16, .5, .1},  {1, HX_F16, 4, .2},    {1, HX_F16, 2.5, .15},  {1, HX_F16, 10, .4},
		{1, HX_F16, 16, .6}, {1, HX_F16, 99, .6},  {1, HX_Q8_0, 1, .5},
	};
	struct priced t;

	(void)state;
	toy(&t, "c", HX_F16);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_near(cost_efficiency(profile_kernel(&t.profile.units[rows[i].unit], rows[i].type), rows[i].rows), rows[i].e, 1e-12);
	check_near(cost_peak(&t.profile.units[0], 3, 1e9, profile_kernel(&t.profile.units[0], HX_Q8_0)), 3 * 1e9 * 32, 0);
	check_near(cost_peak(&t.profile.units[1], 2, 1e9, profile_kernel(&t.profile.units[1], HX_Q8_0)), 2 * 1e9 * 64, 0);
	assert_null(profile_kernel(&t.profile.units[1], HX_F32));
	done(&t);
}

/* A matrix of f16 on two cores of c with 2 GB/s: 1,003,000 bytes take 501.5 us; 6e6 operations at 32 GFLOPS x .375 take 500 us. */
/* Half the clock: arithmetic takes twice as long; a byte takes as much longer as it took in the cache, .25 ns; and no power is known. */
static void clocks(void **state)
{
	struct priced t;
	const struct unit *c;

	(void)state;
	toy(&t, "cx1@500MHz", HX_F16);
	c = &t.profile.units[0];
	check_near(cost_peak(c, 2, 5e8, profile_kernel(c, HX_F16)), 2 * 5e8 * 16, 0);
	check_near(cost_bandwidth(c, 1, 5e8, 1e6), 2e9, 1e-12);
	check_near(cost_bandwidth(c, 1, 5e8, 1e9), 1 / (.5e-9 + .25e-9), 1e-12);
	check_near(cost_bandwidth(&t.profile.units[1], 2, 5e8, 1e9), 8e9, 0); /* one footprint */
	check_near(hx_graph_op(&t.graph, 2)->clock_hz, 5e8, 0);
	check_near(cost_op(&t.profile, hx_graph_op(&t.graph, 2), 64, 1, 0, 1e15).compute_s,
		   2 * cost_op(&t.profile, &(struct hx_op){.kind = HX_OP_QKV, .unit = 0, .cores = 1, .clock_hz = 1e9, .type = HX_F16,
							    .flop_row = hx_graph_op(&t.graph, 2)->flop_row},
			       64, 1, 0, 1e15)
			       .compute_s,
		   1e-12);
	check_near(cost_active_w(&t.profile, 0, 1, 5e8), NAN, 0);
	done(&t);
}

static void operator(void **state)
{
	struct hx_op op = {.kind = HX_OP_QKV, .unit = 0, .cores = 2, .clock_hz = 1e9, .type = HX_F16, .weight_bytes = 1e6, .act_row = 1000, .flop_row = 2e6};
	struct op_cost c;
	struct priced t;

	(void)state;
	toy(&t, "c", HX_F16);
	c = cost_op(&t.profile, &op, 3, 1, 7, 2e9);
	check_near(c.memory_s, 5.015e-4, 1e-12);
	check_near(c.compute_s, 5e-4, 1e-12);
	check_near(c.time_s, sqrt(5.015e-4 * 5.015e-4 + 5e-4 * 5e-4) + 1e-6, 1e-12);
	check_near(c.launch_s, 1e-6, 0);
	check_near(c.bytes, 1003000, 0);
	check_near(c.flop, 6e6, 0);
	t.profile.units[0].p = 64; /* nearly the roofline's maximum */
	check_near(cost_op(&t.profile, &op, 300, 1, 7, 2e9).time_s, 6e8 / (3.2e10 * .5 * 300 / 301) + 1e-6, 1e-9);
	t.profile.units[0].p = 1; /* no overlap at all */
	check_near(cost_op(&t.profile, &op, 3, 1, 7, 2e9).time_s, 1.0015e-3 + 1e-6, 1e-12);
	/* no operations: bandwidth alone; a gather reads a row of weights for each row */
	op = (struct hx_op){.kind = HX_OP_EMBED, .type = HX_Q8_0, .weight_row = 544, .act_row = 2048};
	check_near(cost_op(&t.profile, &op, 5, 1, 7, 1e9).time_s, 5 * (544 + 2048) / 1e9 + 1e-6, 1e-12);
	op.logits = true;
	check_near(cost_op(&t.profile, &op, 5, 2, 7, 1e9).bytes, 2 * (544 + 2048), 1e-12);
	done(&t);
}

/* After 100 positions two rows attend to 101 and 102 of them. */
static void attention(void **state)
{
	struct hx_op op = {
		.kind = HX_OP_ATTN, .unit = 1, .cores = 2, .clock_hz = 1e9, .type = HX_F16, .act_row = 4096, .kv_pos = 1024, .flop_row_pos = 2048};
	struct op_cost c;
	struct priced t;

	(void)state;
	toy(&t, "c", HX_F16);
	c = cost_op(&t.profile, &op, 2, 1, 100, 8e9);
	check_near(c.bytes, 2 * 4096 + 102 * 1024, 0);
	check_near(c.flop, 2048 * (101 + 102), 0);
	check_near(c.compute_s, 2048 * 203 / (2 * 1e9 * 64 * (.1 + .1 / 3)), 1e-12);
	t.profile.units[1].attn_efficiency = 0.02; /* its own, at any number of rows */
	for (int r = 1; r < 4; r++)
		check_near(cost_op(&t.profile, &op, r, 1, 0, 8e9).compute_s, 2048 * r * (r + 1) / 2 / (2 * 1e9 * 64 * .02), 1e-12);
	op.window = 50;
	c = cost_op(&t.profile, &op, 2, 1, 100, 8e9);
	check_near(c.bytes, 2 * 4096 + 51 * 1024, 0);
	check_near(c.flop, 2048 * 100, 0);
	done(&t);
}

/* Batches of an NPU are padded: what rows cost, not weights. */
static void padding(void **state)
{
	static const struct {
		double rows, run, batches; /* beyond the largest batch the weights are read, and the kernel launched, once a batch */
	} rows[] = {{1, 4, 1}, {4, 4, 1}, {5, 16, 1}, {16, 16, 1}, {17, 32, 2}, {33, 48, 3}};
	struct hx_op op = {
		.kind = HX_OP_QKV, .unit = 1, .cores = 2, .clock_hz = 1e9, .type = HX_Q8_0, .weight_bytes = 1e6, .act_row = 1000, .flop_row = 2e6};
	char *text = fixture_replace(fixture_profile, "\"p\": 4", "\"row_sizes\": [4, 16], \"p\": 4");
	struct priced t;

	(void)state;
	price(&t, text, strlen(text), fixture_big, "c", HX_F16);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct op_cost c = cost_op(&t.profile, &op, rows[i].rows, 1, 0, 8e9);

		check_near(c.bytes, 1e6 * rows[i].batches + 1000 * rows[i].run, 0);
		check_near(c.flop, 2e6 * rows[i].run, 0);
		check_near(c.launch_s, t.profile.units[1].launch_s * rows[i].batches, 1e-15);
	}
	op.logits = true;
	check_near(cost_op(&t.profile, &op, 30, 1, 0, 8e9).flop, 2e6 * 4, 0);
	done(&t);
	free(text);
}

/* What no matrix is of takes a core's own rate, where that is known; a piece is one core's, so that the slowest has whole ones. */
static void small_operators(void **state)
{
	struct hx_op norm = {.kind = HX_OP_FFN_NORM, .unit = 0, .cores = 2, .clock_hz = 1e9, .type = HX_F32, .act_row = 1000, .items_row = 1};
	struct hx_op attn = {.kind = HX_OP_ATTN, .unit = 0, .cores = 2, .clock_hz = 1e9, .type = HX_F16, .flop_row_pos = 1e6};
	struct priced t;
	double even_s;

	(void)state;
	toy(&t, "c", HX_F16);
	check_near(cost_op(&t.profile, &norm, 3, 1, 0, 2e9).memory_s, 3000 / 2e9, 1e-12);
	t.profile.units[0].small_bytes_s[ACT_NORM] = 1e10;
	check_near(cost_op(&t.profile, &norm, 3, 1, 0, 2e9).memory_s, 2000 / 1e10, 1e-12);
	check_near(cost_op(&t.profile, &norm, 4, 1, 0, 2e9).memory_s, 2000 / 1e10, 1e-12);
	check_near(cost_op(&t.profile, &norm, 1, 1, 0, 2e9).memory_s, 1000 / 1e10, 1e-12);
	norm.clock_hz = 5e8;
	check_near(cost_op(&t.profile, &norm, 1, 1, 0, 2e9).memory_s, 2000 / 1e10, 1e-12);
	norm.kind = HX_OP_ARGMAX; /* whose rate is not known */
	check_near(cost_op(&t.profile, &norm, 1, 1, 0, 2e9).memory_s, 1000 / 2e9, 1e-12);
	even_s = cost_op(&t.profile, &attn, 1, 1, 9, 2e9).compute_s;
	attn.items_row = 3; /* heads: two of them on one core */
	check_near(cost_op(&t.profile, &attn, 1, 1, 9, 2e9).compute_s, even_s * 4 / 3, 1e-12);
	check_near(cost_op(&t.profile, &attn, 2, 1, 9, 2e9).compute_s, cost_op(&t.profile, &attn, 2, 1, 9, 1e15).compute_s, 1e-12);
	done(&t);
}

/* On several cores: a barrier, and values that come from other cores. In a cache the roofs are joined by another exponent, and by one between in between. */
static void several_cores(void **state)
{
	struct hx_op op = {.kind = HX_OP_QKV, .unit = 0, .cores = 2, .clock_hz = 1e9, .type = HX_F16, .weight_bytes = 4e6, .flop_row = 4e6, .act_row = 4000, .in_row = 3000};
	struct unit *u;
	struct priced t;
	double memory, cache, even_s;

	(void)state;
	toy(&t, "c", HX_F16);
	u = &t.profile.units[0];
	memory = cost_bandwidth(u, 2, 1e9, 1e12);
	cache = cost_bandwidth(u, 2, 1e9, 1);
	u->small_bytes_s[ACT_MATRIX] = 1e9;
	even_s = cost_op(&t.profile, &op, 1, 1, 0, memory).time_s;
	u->small_bytes_s[ACT_OUT] = 5e8;
	check_near(cost_op(&t.profile, &op, 1, 1, 0, memory).time_s, even_s + 1000 / 1e9, 1e-12);
	op.kind = HX_OP_FFN_UP; /* activated at a rate of its own, which is not known */
	check_near(cost_op(&t.profile, &op, 1, 1, 0, memory).time_s, even_s, 1e-12);
	u->barrier_s = 1e-6;
	u->shared_bytes_s = 4e9;
	/* half of the half that a core converts, half of what comes of it, and half of what is written */
	check_near(cost_op(&t.profile, &op, 1, 1, 0, memory).time_s, even_s + 2e-6 + (0.75 * 3000 + 0.5 * 1000) / 4e9, 1e-12);
	op.cores = 1;
	check_near(cost_op(&t.profile, &op, 1, 1, 0, memory).launch_s, u->launch_s, 0);
	op.cores = 2;
	op.kind = HX_OP_QKV;
	u->small_bytes_s[ACT_MATRIX] = u->barrier_s = NAN;
	for (int i = 0; i < 3; i++) {
		double bw = memory * pow(cache / memory, i / 2.0), p = 2 * pow(4, i / 2.0);
		struct op_cost c;

		u->p = 2;
		u->p_cache = 8;
		c = cost_op(&t.profile, &op, 1, 1, 0, bw);
		check_near(c.time_s - c.launch_s, pow(pow(c.memory_s, p) + pow(c.compute_s, p), 1 / p), 1e-9);
	}
	done(&t);
}

/* A pass is its operators, one sync a segment, and transfers of 2048 bytes a row: six into g, five back into c. */
static void pass(void **state)
{
	static const double active_w[] = {.9, 2};
	struct pass_cost c;
	double time_s = 0, bytes = 0, flop = 0, energy_j = 0;
	struct priced t;

	(void)state;
	toy(&t, "cx2:0-5.attn+g:0-5.ffn", HX_Q8_0);
	c = cost_pass(&t.env, &t.chain, 5, 5, 40);
	for (size_t i = 0; i < t.graph.n_ops; i++) {
		struct op_cost op = cost_op(&t.profile, hx_graph_op(&t.graph, i), 5, 5, 40, t.env.bw[hx_graph_op(&t.graph, i)->unit]);

		time_s += op.time_s;
		bytes += op.bytes;
		flop += op.flop;
		energy_j += op.time_s * active_w[hx_graph_op(&t.graph, i)->unit] + op.bytes * 1e-10;
	}
	check_near(c.sync_s, 6 * 1e-5 + 6 * 1e-4, 1e-12);
	check_near(c.transfer_s, 11 * (2e-5 + 5 * 2048 / 1e9), 1e-12);
	check_near(c.launch_s, (1 + 6 * 5) * 1e-6 + (6 * 3 + 3) * 1e-5, 1e-12);
	check_near(c.time_s, time_s + c.sync_s + c.transfer_s, 1e-12);
	check_near(c.bytes, bytes, 1e-12);
	check_near(c.flop, flop, 1e-12);
	check_near(c.energy_j, energy_j, 1e-12);
	t.env.kv_cache = false; /* the 40 before are computed again, without their logits */
	check_near(cost_pass(&t.env, &t.chain, 5, 5, 40).flop,
		   45 * 2 * 6 * (1024. + 512 + 2048 + 1024) * 512 + 5 * 2 * 2048. * 512 + 6 * 4 * 512. * (45 * 46 / 2), 1e-12);
	done(&t);
}

/* Without logits the head is not run; without powers the energy is unknown. */
static void front(void **state)
{
	char *text = fixture_replace(fixture_profile, ", {\"unit\": \"g\", \"active_w\": [2]}", "");
	struct priced t;

	(void)state;
	price(&t, text, strlen(text), fixture_big, "c", HX_F16);
	check_near(cost_pass(&t.env, &t.chain, 5, 1, 0).flop - cost_pass(&t.env, &t.chain, 5, 0, 0).flop, 2. * 2048 * 512, 1e-9);
	assert_false(isnan(cost_pass(&t.env, &t.chain, 5, 1, 0).energy_j));
	check_near(cost_active_w(&t.profile, 0, 1, 1e9), .5, 0);
	check_near(cost_active_w(&t.profile, 0, 3, 1e9), 1.2, 0);
	check_near(cost_active_w(&t.profile, 1, 2, 1e9), NAN, 0);
	done(&t);
	price(&t, text, strlen(text), fixture_big, "g", HX_F16);
	check_near(cost_pass(&t.env, &t.chain, 5, 1, 0).energy_j, NAN, 0);
	done(&t);
	free(text);
}

/* The mean over contexts against every one of them, on a shipped profile. */
static void mean_context(void **state)
{
	static const struct {
		const char *model, *mapping;
		int type, r, n0, n1;
		bool kv_cache;
	} rows[] = {
		{"llama-3.2-1b", "a55x6", HX_Q4_0, 1, 63, 126, true},  {"llama-3.2-1b", "a55x1", HX_Q8_0, 5, 63, 1063, true},
		{"llama-3.2-3b", "g310", HX_F16, 9, 1000, 3000, true}, {"gemma3-1b", "a55x6", HX_Q4_0, 5, 300, 900, true},
		{"gemma3-1b", "g310", HX_F16, 1, 100, 3000, true},     {"llama-3.2-1b", "a55x6", HX_Q4_0, 1, 63, 126, false},
		{"llama-3.2-1b", "g310", HX_F16, 5, 20, 300, false},   {"gemma3-1b", "a55x1", HX_Q8_0, 5, 300, 900, false},
	};
	struct inputs in = {0};
	const struct input *profile, *shape;
	struct hx_err err;

	(void)state;
	if (input_find(&in, INPUT_PROFILE, "imx95", &profile, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < COUNT(rows); i++) {
		double mean_s = 0, bytes = 0;
		struct pass_cost c;
		struct priced t;

		if (input_find(&in, INPUT_MODEL, rows[i].model, &shape, &err))
			fail_msg("%s", err.msg);
		price(&t, profile->text, profile->len, shape->text, rows[i].mapping, rows[i].type);
		t.env.kv_cache = rows[i].kv_cache;
		for (int n = rows[i].n0; n <= rows[i].n1; n++) {
			c = cost_pass(&t.env, &t.chain, rows[i].r, rows[i].r, n);
			mean_s += c.time_s / (rows[i].n1 - rows[i].n0 + 1);
			bytes += c.bytes / (rows[i].n1 - rows[i].n0 + 1);
		}
		c = cost_pass_mean(&t.env, &t.chain, rows[i].r, rows[i].r, rows[i].n0, rows[i].n1);
		check_near(c.time_s, mean_s, 1e-3);
		check_near(c.bytes, bytes, 1e-2);
		done(&t);
	}
	inputs_free(&in);
}

static void no_kernel(void **state)
{
	struct hx_err err;
	struct priced t;

	(void)state;
	toy(&t, "c", HX_Q8_0);
	assert_int_equal(cost_check(&t.profile, &t.graph, &err), HX_OK);
	done(&t);
	toy(&t, "c", HX_Q4_0);
	assert_int_equal(cost_check(&t.profile, &t.graph, &err), HX_INPUT);
	assert_string_equal(err.msg, "c has no kernel for q4_0 (qkv)");
	done(&t);
	toy(&t, "c+g:3.ffn", HX_F32);
	assert_int_equal(cost_check(&t.profile, &t.graph, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "no kernel for"));
	done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bandwidth), cmocka_unit_test(clocks),       cmocka_unit_test(efficiency), cmocka_unit_test(operator),
		cmocka_unit_test(attention), cmocka_unit_test(padding),      cmocka_unit_test(small_operators), cmocka_unit_test(several_cores), cmocka_unit_test(pass),
		cmocka_unit_test(front),     cmocka_unit_test(mean_context), cmocka_unit_test(no_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
