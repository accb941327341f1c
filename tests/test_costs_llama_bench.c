#include "core/costs.h"

#include "fixture.h"

/* A test as llama-bench reports it, one field a line; the numbers here and in tests/data/ are invented. `big` has 15211008 parameters. */
static const char bench[] = "[{\n"
			    "\"build_commit\": \"0\",\n"
			    "\"backends\": \"CPU\", \"gpu_info\": \"a GPU\",\n"
			    "\"model_type\": \"llama 15M Q8_0\",\n"
			    "\"model_n_params\": 15211008,\n"
			    "\"n_threads\": 2,\n"
			    "\"cpu_mask\": \"0x0\",\n"
			    "\"type_k\": \"f16\",\n"
			    "\"type_v\": \"f16\",\n"
			    "\"n_gpu_layers\": -1,\n"
			    "\"no_kv_offload\": false,\n"
			    "\"devices\": \"auto\",\n"
			    "\"tensor_buft_overrides\": \"none\",\n"
			    "\"embeddings\": false,\n"
			    "\"n_prompt\": 4,\n"
			    "\"n_gen\": 0,\n"
			    "\"n_depth\": 100,\n"
			    "\"avg_ns\": 7000000,\n"
			    "\"samples_ns\": [ 6000000, 20000000, 5000000, 6500000 ]\n"
			    "}]";

/* Four fast CPUs, two slow ones, eight of middling speed, a GPU. */
static int fast_cpus[] = {4, 5, 6, 7}, slow_cpus[] = {0, 1}, many_cpus[] = {8, 9, 10, 11, 12, 13, 14, 15};
static struct unit units[] = {
	{.is = {.name = "slow", .kind = HX_CPU, .cores = 2},
	 .is.clock_hz = 1e9,
	 .flop_per_cycle = {8, NAN, NAN, NAN},
	 .affinity = slow_cpus,
	 .n_affinity = 2},
	{.is = {.name = "fast", .kind = HX_CPU, .cores = 4},
	 .is.clock_hz = 2e9,
	 .flop_per_cycle = {8, 16, NAN, NAN},
	 .affinity = fast_cpus,
	 .n_affinity = 4},
	{.is = {.name = "many", .kind = HX_CPU, .cores = 8},
	 .is.clock_hz = 1e9,
	 .flop_per_cycle = {8, 16, NAN, NAN},
	 .affinity = many_cpus,
	 .n_affinity = 8},
	{.is = {.name = "gpu", .kind = HX_GPU, .cores = 3, .clock_hz = 1e9}},
	{.is = {.name = "gpu2", .kind = HX_GPU, .cores = 3, .clock_hz = 1e9}},
};

struct models {
	struct profile profile;
	struct hx_shape big, small;
	const struct hx_shape *shapes[2];
	struct costs_models are;
};

static void models_init(struct models *m, size_t first, size_t n_units)
{
	struct hx_err err;

	*m = (struct models){.profile = {.name = "p", .units = units + first, .n_units = n_units}, .shapes = {&m->big, &m->small}};
	if (shape_parse(&m->big, fixture_big, strlen(fixture_big), "big.json", &err) ||
	    shape_parse(&m->small, fixture_small, strlen(fixture_small), "small.json", &err))
		fail_msg("%s", err.msg);
	assert_int_equal(hx_shape_params(&m->big), 15211008);
	m->are = (struct costs_models){&m->profile, m->shapes, 2};
}

static void models_free(struct models *m)
{
	shape_free(&m->big);
	shape_free(&m->small);
}

static int parse(struct costs *c, const struct models *m, const char *text, struct hx_err *err)
{
	return costs_llama_bench_parse(c, &m->are, text, strlen(text), "b.json", err);
}

/* The text with up to three replacements, pairs of strings up to a NULL. */
static char *changed(const char *text, const char *const *pairs)
{
	char *now = hx_xstrdup(text);

	for (; *pairs; pairs += 2) {
		char *next = fixture_replace(now, pairs[0], pairs[1]);

		free(now);
		now = next;
	}
	return now;
}

/* What each field makes of the one row. */
static void rows(void **state)
{
	static const struct {
		const char *change[7];
		struct cost_row is;
	} t[] = {
		/* the median of an even number of repetitions; without a mask the fastest CPU that is large enough */
		{{NULL}, {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"\"samples_ns\": [ 6000000, 20000000, 5000000, 6500000 ]", "\"samples_ns\": []"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 7e-3}},
		{{"7000000,\n\"samples_ns\": [ 6000000, 20000000, 5000000, 6500000 ]", "7e6"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 7e-3}},
		{{"6000000, 20000000, 5000000, 6500000", "3e6, 9e6, 4e6"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 4e-3}},
		/* five passes of one row after 100 to 104 tokens */
		{{"\"n_prompt\": 4", "\"n_prompt\": 0", "\"n_gen\": 0", "\"n_gen\": 5"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 1, .context = 102, .seconds = 1.25e-3}},
		{{"\"n_depth\": 100,\n", ""}, {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 0, .seconds = 6.25e-3}},
		{{"\"type_k\": \"f16\",\n\"type_v\": \"f16\",\n", "", "\"cpu_mask\": \"0x0\",\n", "", "\"devices\": \"auto\",\n", ""},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		/* quantisations as llama.cpp spells them, and parameters of a few tensors more */
		{{"15M Q8_0", "?B mostly Q4_0 (guessed)"},
		 {.unit = "fast", .type = HX_Q4_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"Q8_0", "Q4_K - Medium", "15211008", "15211072"},
		 {.unit = "fast", .type = HX_Q4_K, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"Q8_0", "all F32"}, {.unit = "fast", .type = HX_F32, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"Q8_0", "BF16"}, {.unit = "fast", .type = HX_BF16, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		/* units */
		{{"\"n_threads\": 2", "\"n_threads\": 5"},
		 {.unit = "many", .type = HX_Q8_0, .cores = 5, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"0x0", "0x3"}, {.unit = "slow", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"0x0", "FF00"}, {.unit = "many", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"0x0", "0x0000000000000000000000000090"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"CPU", "BLAS,CPU", "a GPU", ""},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"CPU", "Vulkan", "layers\": -1", "layers\": 0"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"CPU", "Vulkan", "auto", "none", "\"n_prompt\": 4", "\"n_prompt\": 512"},
		 {.unit = "fast", .type = HX_Q8_0, .cores = 2, .rows = 512, .context = 100, .seconds = 6.25e-3}},
		{{"CPU", "OpenCL"}, {.unit = "gpu", .type = HX_Q8_0, .cores = 3, .rows = 4, .context = 100, .seconds = 6.25e-3}},
		{{"CPU", "Metal,BLAS", "layers\": -1", "layers\": 7", "\"n_threads\": 2", "\"n_threads\": 64"},
		 {.unit = "gpu", .type = HX_Q8_0, .cores = 3, .rows = 4, .context = 100, .seconds = 6.25e-3}},
	};
	struct models m;

	(void)state;
	models_init(&m, 0, 4);
	for (size_t i = 0; i < COUNT(t); i++) {
		char *text = changed(bench, t[i].change);
		struct hx_err err;
		struct costs c;

		if (parse(&c, &m, text, &err))
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(c.n, 1);
		assert_false(c.relative);
		if (strcmp(c.rows->model, "big") != 0 || strcmp(c.rows->unit, t[i].is.unit) != 0 || c.rows->type != t[i].is.type ||
		    c.rows->cores != t[i].is.cores)
			fail_msg("row %zu: %s on %s, type %d, cores %d", i, c.rows->model, c.rows->unit, c.rows->type, c.rows->cores);
		check_near(c.rows->rows, t[i].is.rows, 0);
		check_near(c.rows->context, t[i].is.context, 0);
		check_near(c.rows->seconds, t[i].is.seconds, 1e-12);
		check_near(c.rows->logit_rows, 1, 0);
		costs_free(&c);
		free(text);
	}
	models_free(&m);
}

/* What is left out, and the message where nothing else is there; beside a test that is of use it does no harm. */
static void left_out(void **state)
{
	static const struct {
		const char *change[7], *message;
	} t[] = {
		{{"15211008", "15300000"}, "b.json: no row is of big or of its drafters"}, /* 0.6 % more */
		{{"15211008", "16259584"}, "b.json: no row is of big or of its drafters"}, /* a head of its own */
		{{"llama 15M", "llama4 15M"}, "b.json: no row is of big or of its drafters"},
		{{"\"n_gen\": 0", "\"n_gen\": 4"},
		 "b.json:16: [0].n_gen: with a prompt is a mixture of passes; no other test is of use either"},
		{{"Q8_0", "IQ4_XS - 4.25 bpw"}, "b.json:4: [0].model_type: ends in a quantisation that is not known here"},
		{{"Q8_0", ""}, "b.json:4: [0].model_type: ends in a quantisation that is not known here"},
		{{"Q8_0", "MXFP4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx MoE"},
		 "b.json:4: [0].model_type: ends in a quantisation that is not known here"},
		{{"\"type_k\": \"f16\"", "\"type_k\": \"q8_0\""}, "b.json:8: [0].type_k: is not f16"},
		{{"\"type_v\": \"f16\"", "\"type_v\": \"q8_0\""}, "b.json:9: [0].type_v: is not f16"},
		{{"\"embeddings\": false", "\"embeddings\": true"}, "b.json:14: [0].embeddings: has no logits"},
		{{"CPU", "Vulkan", "layers\": -1", "layers\": 3"}, "b.json:10: [0].n_gpu_layers: leaves the pass on neither"},
		{{"CPU", "Vulkan", "layers\": -1", "layers\": 6"},
		 "b.json:10: [0].n_gpu_layers: leaves the pass on neither"}, /* all but the head */
		{{"CPU", "Vulkan", "layers\": -1", "layers\": 0", "\"n_prompt\": 4", "\"n_prompt\": 32"},
		 "b.json:10: [0].n_gpu_layers: leaves the pass on neither"},
		{{"CPU", "Vulkan", "\"no_kv_offload\": false", "\"no_kv_offload\": true"},
		 "b.json:10: [0].n_gpu_layers: leaves the pass on neither"},
		{{"CPU", "Vulkan", "\"no_kv_offload\": false", "\"no_kv_offload\": false, \"fit_target\": 512"},
		 "b.json:11: [0].fit_target: leaves open which layers the GPU took"},
		{{"CPU", "Vulkan", "\"none\"", "\"ffn=CPU\""}, "b.json:10: [0].n_gpu_layers: leaves the pass on neither"},
		{{"CPU", "Vulkan", "a GPU", ""}, "b.json:3: [0].gpu_info: does not tell that there was a GPU"},
		{{"CPU", "Vulkan,RPC"}, "b.json:10: [0].n_gpu_layers: leaves the pass on neither"},
		{{"0x0", "0x30000"}, "b.json:7: [0].cpu_mask: names CPUs that are not those of one unit"},
		{{"0x0", "0x81"}, "b.json:7: [0].cpu_mask: names CPUs that are not those of one unit"},
	};
	struct models m;

	(void)state;
	models_init(&m, 0, 4);
	for (size_t i = 0; i < COUNT(t); i++) {
		char *text = changed(bench, t[i].change), *both = hx_xasprintf("%.*s,%s", (int)strlen(text) - 1, text, bench + 1);
		struct hx_err err = {""};
		struct costs c;

		if (parse(&c, &m, text, &err) != HX_INPUT || strncmp(err.msg, t[i].message, strlen(t[i].message)) != 0)
			fail_msg("row %zu: '%s'", i, err.msg);
		assert_null(c.rows);
		if (parse(&c, &m, both, &err))
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(c.n, 1);
		costs_free(&c);
		free(both);
		free(text);
	}
	models_free(&m);
}

static void refuses(void **state)
{
	static const struct {
		size_t first, n_units; /* of the units above */
		const char *change[7], *message;
	} t[] = {
		{0,
		 4,
		 {"\"model_n_params\": 15211008,\n", ""},
		 "b.json:1: [0]: 'model_n_params' is missing (llama-bench: parameters of the model)"},
		{0, 4, {"\"backends\": \"CPU\",", ""}, "b.json:1: [0]: 'backends' is missing"},
		{0, 4, {"\"avg_ns\": 7000000,\n", ""}, "b.json:1: [0]: 'avg_ns' is missing (ns, llama-bench: mean time of the test)"},
		{0, 4, {"\"n_threads\": 2,\n", ""}, "b.json:1: [0]: 'n_threads' is missing"},
		{0, 4, {"15211008", "\"15211008\""}, "b.json:5: [0].model_n_params: must be a number, is '15211008'"},
		{0, 4, {"\"llama 15M Q8_0\"", "7"}, "b.json:4: [0].model_type: must be a string, is 7"},
		{0, 4, {"\"n_prompt\": 4", "\"n_prompt\": 0"}, "b.json:15: [0].n_prompt: and n_gen are 0: nothing was measured"},
		{0, 4, {"\"n_prompt\": 4", "\"n_prompt\": -4"}, "b.json:15: [0].n_prompt: must be in [0, 1e6] tokens, is -4"},
		{0, 4, {"\"n_prompt\": 4", "\"n_prompt\": 4.5"}, "b.json:15: [0].n_prompt: must be a whole number, is 4.5"},
		{0, 4, {"\"n_prompt\": 4", "\"n_prompt\": 1e300"}, "b.json:15: [0].n_prompt: must be in [0, 1e6] tokens, is 1e300"},
		{0, 4, {"\"n_depth\": 100", "\"n_depth\": 1e10"}, "b.json:17: [0].n_depth: must be in"},
		{0, 4, {"7000000", "0"}, "b.json:18: [0].avg_ns: must be in [1, 1e15] ns, is 0"},
		{0, 4, {"7000000", "1e999"}, "b.json:18: '1e999' is too large"},
		{0, 4, {"20000000", "-1"}, "b.json:19: [0].samples_ns[1]: must be in [1, 1e15] ns, is -1"},
		{0, 4, {"20000000", "\"slow\""}, "b.json:19: [0].samples_ns[1]: must be a number, is 'slow'"},
		{0, 4, {"7000000", "nan"}, "b.json:18: expected a value, found 'nan'"},
		{0, 4, {"}]", "}"}, "b.json:20: the file ends, but the '[' of line 1 is not closed"},
		{0, 4, {"\"n_gen\": 0", "\"n_gen\": 0, \"n_gen\": 1"}, "b.json:16: duplicate key 'n_gen'"},
		{0, 4, {"[{", "[3, {"}, "b.json:1: [0]: must be an object, is 3"},
		{0, 4, {"0x0", "0xfg"}, "b.json:7: [0].cpu_mask: must be a hexadecimal number"},
		{0, 4, {"0x0", ""}, "b.json:7: [0].cpu_mask: must be a hexadecimal number"},
		{0, 4, {"0x0", "0x80", "\"n_threads\": 2", "\"n_threads\": 2"}, "b.json:6: [0].n_threads: is 2; cpu_mask names 1 CPUs"},
		{0, 4, {"\"n_threads\": 2", "\"n_threads\": 9"}, "b.json:6: [0].n_threads: is 9; no CPU of profile 'p' has so many cores"},
		{0, 1, {"\"n_threads\": 2", "\"n_threads\": 3"}, "b.json:6: [0].n_threads: is 3; slow has 2 cores"},
		{3, 2, {"CPU", "Vulkan"}, "b.json:3: [0].backends: profile 'p' has several GPUs; name the unit in a CSV"},
		{0, 2, {"CPU", "Vulkan"}, "b.json:3: [0].backends: is a GPU, which the profile has not; no other"},
	};
	struct hx_shape twin;
	struct hx_err err;
	struct costs c;
	struct models m;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		char *text = changed(bench, t[i].change);

		models_init(&m, t[i].first, t[i].n_units);
		if (parse(&c, &m, text, &err) != HX_INPUT || strncmp(err.msg, t[i].message, strlen(t[i].message)) != 0)
			fail_msg("row %zu: '%s'", i, err.msg);
		assert_null(c.rows);
		models_free(&m);
		free(text);
	}
	models_init(&m, 0, 4);
	assert_int_equal(parse(&c, &m, "[]", &err), HX_INPUT);
	assert_string_equal(err.msg, "b.json: no row is of big or of its drafters");
	/* two models of one size: unclear; one model twice: not */
	m.shapes[1] = &m.big;
	assert_int_equal(parse(&c, &m, bench, &err), HX_OK);
	costs_free(&c);
	twin = m.big;
	twin.name = "twin";
	m.shapes[1] = &twin;
	assert_int_equal(parse(&c, &m, bench, &err), HX_INPUT);
	assert_string_equal(err.msg, "b.json:5: [0].model_n_params: may be of big or of twin; name the model in a CSV of costs instead");
	models_free(&m);
}

/* A CPU whose profile does not number its cores takes any mask, when it is the only one. */
static void lone_cpu(void **state)
{
	struct fixture f;
	char *text = fixture_replace(bench, "0x0", "0xf0");

	(void)state;
	fixture_load(&f, fixture_profile,
		     "\"gamma\": [0], \"target_quants\": [\"q8_0\"], \"target_mappings\": [\"cx2\"], \"workloads\": [{\"prompt\": 8, "
		     "\"generated\": 8}]",
		     text);
	assert_int_equal(f.study.costs.n, 1);
	assert_string_equal(f.study.costs.rows->unit, "c");
	fixture_free(&f);
	free(text);
}

/* Of one pass measured several ways the fastest stays, whatever the order; rows are in the order that look-ups count on. */
static void repeats(void **state)
{
	static const struct {
		int prompt, depth, ms;
	} in[] = {{8, 0, 9}, {2, 100, 5}, {2, 0, 4}, {8, 0, 7}, {2, 0, 6}, {8, 0, 8}}, out[] = {{2, 0, 4}, {2, 100, 5}, {8, 0, 7}};
	char *text = hx_xstrdup("");
	struct hx_err err;
	struct models m;
	struct costs c;

	(void)state;
	models_init(&m, 0, 4);
	for (size_t i = 0; i < COUNT(in); i++) {
		char *more = hx_xasprintf(
			"%s{\"model_type\": \"llama 15M Q8_0\", \"model_n_params\": 15211008, \"backends\": \"CPU\", \"n_threads\": 4, "
			"\"n_gpu_layers\": 99, \"n_prompt\": %d, \"n_gen\": 0, \"n_depth\": %d, \"avg_ns\": %de6}\n",
			text, in[i].prompt, in[i].depth, in[i].ms);

		free(text);
		text = more;
	}
	if (parse(&c, &m, text, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(c.n, COUNT(out));
	for (size_t i = 0; i < COUNT(out); i++) {
		check_near(c.rows[i].rows, out[i].prompt, 0);
		check_near(c.rows[i].context, out[i].depth, 0);
		check_near(c.rows[i].seconds, out[i].ms * 1e-3, 1e-12);
	}
	costs_free(&c);
	models_free(&m);
	free(text);
}

/* A pass measured with logits for its last row gains what the model says the other logits take; one that was not measured is the model's,
 * scaled by the nearest. CSV speaks of the pass as it is looked up. */
static void priced(void **state)
{
	static const char members[] =
		"\"drafters\": [\"small\"], \"gamma\": [3, 5], \"target_quants\": [\"q8_0\"], \"draft_quants\": [\"q8_0\"], "
		"\"target_mappings\": [\"cx2\"], \"draft_mappings\": [\"cx4\"], \"modes\": [\"sequential\"], "
		"\"workloads\": [{\"prompt\": 4, \"generated\": 8}], \"acceptance\": [{\"alpha\": 0.5, \"kind\": \"estimate\", \"from\": "
		"\"x\"}]";
	static const char csv[] = "model,quantisation,unit,cores,rows,context,seconds\nbig,q8_0,c,2,4,100,6.25e-3\n";
	struct fixture f;
	double measured = 6.25e-3;

	(void)state;
	for (int from_csv = 0; from_csv < 2; from_csv++) {
		struct pair pair = {0};
		struct point pt;
		const struct hx_chain *chain;
		const struct cost_env *env;
		double mean = 4 + 8 / 2., near;

		fixture_load(&f, fixture_profile, members, from_csv ? csv : bench);
		pt = space_point(&f.space, fixture_point(&f, 0, "cx2", "cx4", HX_SEQUENTIAL, 3));
		predict_pair(&f.predict, &pt, &pair);
		assert_int_equal(pair.refusal.kind, REFUSED_NOT);
		chain = &pair.target->graph.whole;
		env = &pair.env;
		/* four rows: measured, with logits for one of them or for all */
		check_near(predict_pass(&f.predict, &pair, HX_PASS_VERIFY, false).time_s,
			   from_csv ? measured
				    : measured * cost_pass(env, chain, 4, 4, mean).time_s / cost_pass(env, chain, 4, 1, mean).time_s,
			   1e-12);
		/* the prompt's four: logits for one in either */
		check_near(pair.prefill.time_s, measured, 1e-12);
		/* six rows: the model's price, scaled at four */
		hx_plan_set_gamma(&pair.plan, 5);
		near = cost_pass(env, chain, 4, from_csv ? 4 : 1, 100).time_s;
		check_near(predict_pass(&f.predict, &pair, HX_PASS_VERIFY, false).time_s,
			   cost_pass(env, chain, 6, 6, mean).time_s * measured / near, 1e-12);
		/* the drafter has no row */
		check_near(pair.draft1.time_s, cost_pass(&pair.env_draft, &pair.draft->graph.whole, 1, 1, mean).time_s, 1e-12);
		predict_pair_free(&pair);
		fixture_free(&f);
	}
}

/* Realistic files, of two versions: see what they hold there. */
static void shipped(void **state)
{
	static const struct cost_key cpu = {"llama-3.2-3b", "a76", HX_Q4_0, 4}, little = {"llama-3.2-3b", "a55", HX_Q4_0, 4},
				     gpu = {"llama-3.2-3b", "g610", HX_Q4_0, 4}, drafter = {"llama-3.2-1b", "a76", HX_Q4_0, 4};
	struct study_changes changes = {.costs = HX_SRCDIR "/tests/data/llama-bench.json"};
	struct inputs in = {0};
	struct study st;
	struct hx_err err;

	(void)state;
	if (study_load(&st, &in, "rk3588", "translation", &changes, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(st.costs.n, 2 * 7 + 1 + 1 + 3);
	check_near(costs_find(&st.costs, &cpu, 4, 0, true), .26, 1e-12);
	check_near(costs_find(&st.costs, &cpu, 4, 256, true), .2856, 1e-12);
	check_near(costs_find(&st.costs, &cpu, 1, 32, true), .2, 1e-12);
	check_near(costs_find(&st.costs, &little, 1, 0, true), .6, 1e-12);
	check_near(costs_find(&st.costs, &gpu, 1, 0, true), .4, 1e-12);
	check_near(costs_find(&st.costs, &drafter, 2, 0, true), .09, 1e-12);
	study_free(&st);
	changes.costs = HX_SRCDIR "/tests/data/llama-bench.jsonl";
	if (study_load(&st, &in, "rk3588", "translation", &changes, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(st.costs.n, 2);
	check_near(st.costs.rows[1].context, 32, 0);
	check_near(st.costs.rows[1].seconds, .2, 1e-12);
	study_free(&st);
	inputs_free(&in);
}

static void detected(void **state)
{
	(void)state;
	assert_true(costs_llama_bench("[]"));
	assert_true(costs_llama_bench("\r\n\t {"));
	assert_false(costs_llama_bench(""));
	assert_false(costs_llama_bench("model,quantisation"));
	assert_false(costs_llama_bench("# {"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),    cmocka_unit_test(left_out), cmocka_unit_test(refuses), cmocka_unit_test(lone_cpu),
		cmocka_unit_test(repeats), cmocka_unit_test(priced),   cmocka_unit_test(shipped), cmocka_unit_test(detected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
