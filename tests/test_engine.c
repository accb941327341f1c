/* Opening models and running them, at the edges: what is refused, memory, rollback, early exits. Logits themselves: test_forward.c. */
#define _GNU_SOURCE /* affinity */
#include "engine/speculate.h"

#include "one_cpu.h"
#include "tiny_model.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CONTEXT = 40, LAYERS = 4, VOCAB = 60 };
static const char file[] = "test_engine.tmp.gguf";
static const struct tiny tiny = {.shape = {.family = "llama", .layers = LAYERS, .d_model = 64, .heads = 4, .kv_heads = 2, .d_head = 16, .d_ff = 96,
					   .vocab = VOCAB, .context = CONTEXT, .norms = 2, .gated_ffn = true, .rope_theta = 1e4}};

static int set_up(void **state)
{
	(void)state;
	tiny_write(&tiny, 1, file);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

static void refuses(void **state)
{
	static const struct {
		const char *mapping;
		struct hx_exec_options options;
		double memory_bytes;
		const char *message;
	} cases[] = {
		{"cpux1@0.5GHz", {8, 1, true, 0}, INFINITY, "mapping 'cpux1@0.5GHz': the engine sets no clocks; leave out @ and what follows it"},
		{"gpu", {8, 1, true, 0}, INFINITY, "the engine cannot run gpu here"},
		{"cpu:0+gpu", {8, 1, true, 0}, INFINITY, "the engine cannot run gpu here"},
		{"cpu", {CONTEXT + 1, 1, true, 0}, INFINITY, "test_engine.tmp holds 1 to 40 tokens, not 41"},
		{"cpu", {8, 1, true, LAYERS}, INFINITY, "early-exit:4 is not early: test_engine.tmp has 4 layers"},
		{"cpu", {8, 1, true, 1000}, INFINITY, "early-exit:1000 is not early: test_engine.tmp has 4 layers"},
		{"cpu", {8, 1, true, 0}, 1e5, "test_engine.tmp.gguf needs 0.000"},
	};
	static char name[] = "gpu";
	struct hx_unit gpu = {.name = name, .kind = HX_GPU, .cores = 1, .usable = 1, .clock_hz = 1e9};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hx_engine engine = one_cpu(NULL);
		const struct hx_engine_model want = {.path = file, .type = -1, .mapping = cases[i].mapping, .options = cases[i].options};
		struct hx_instance in;
		struct hx_err err = {""};

		engine.units.v[engine.units.n++] = &gpu;
		engine.memory_bytes = cases[i].memory_bytes;
		if (hx_instance_open(&in, &engine, &want, &err) != HX_INPUT)
			fail_msg("'%s' is not refused", cases[i].message);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("'%s', not '%s'", err.msg, cases[i].message);
		check_near(engine.memory_bytes, cases[i].memory_bytes, 0);
		hx_engine_free(&engine);
	}
}

static size_t allocated(void)
{
#if defined(__GLIBC__)
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#else
	return 0;
#endif
}

/* What a model takes is the engine's again when it is freed, and is what was foreseen. The context is long, so that tables and scores weigh. */
static void memory(void **state)
{
	static const int types[] = {HX_F32, HX_Q8_0, HX_Q4_0};
	struct tiny large = tiny;

	(void)state;
	large.shape.context = 1 << 13;
	tiny_write(&large, 1, file);
	for (size_t i = 0; i < COUNT(types); i++) {
		struct hx_engine engine = one_cpu(NULL);
		const struct hx_engine_model want = {.path = file, .type = types[i], .mapping = "cpux2", .options = {1 << 13, CONTEXT, true, 1}};
		struct hx_pool *pool;
		struct hx_instance in;
		struct hx_err err = {""};
		size_t before, taken;

		engine.memory_bytes = 1e9;
		assert_int_equal(hx_engine_pool(&engine, 0, 0, 2, &pool, &err), HX_OK);
		before = allocated();
		one_cpu_open(&in, &engine, &want);
		taken = allocated() - before;
		assert_true(in.bytes > 0);
		check_near(engine.memory_bytes, 1e9 - in.bytes, 1e-12);
		if ((double)taken > in.bytes + 32e3) /* of the graph, the file's index and the allocator itself */
			fail_msg("%s: %zu bytes are taken, %g were foreseen", hx_type_names[types[i]], taken, in.bytes);
		hx_instance_free(&in);
		check_near(engine.memory_bytes, 1e9, 0);
		hx_engine_free(&engine);
	}
	tiny_write(&tiny, 1, file);
}

struct bench {
	struct hx_engine engine;
	struct hx_instance in;
	struct hx_lm lm, front;
};

static void bench_init(struct bench *b, const char *mapping, bool kv_cache, int exit_layers)
{
	const struct hx_engine_model want = {.path = file, .type = -1, .mapping = mapping, .options = {CONTEXT, CONTEXT, kv_cache, exit_layers}};

	b->engine = one_cpu(NULL);
	one_cpu_open(&b->in, &b->engine, &want);
	b->lm = hx_exec_lm(b->in.exec);
	b->front = hx_exec_front(b->in.exec);
}

static void bench_free(struct bench *b)
{
	hx_instance_free(&b->in);
	hx_engine_free(&b->engine);
}

static struct hx_logits take(const struct hx_lm *lm, const int *tokens, int n, int logit_rows)
{
	struct hx_logits out = {.wanted = true};
	struct hx_err err = {""};

	if (lm->decode(lm->self, HX_PASS_VERIFY, tokens, n, logit_rows, &out, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(out.rows, logit_rows);
	return out;
}

static const int text[CONTEXT] = {5, 3, 59, 1, 0, 7, 7, 12, 33, 41, 2, 5, 3, 58, 9, 11, 4, 4, 4, 20, 21, 22, 8, 6, 50, 13, 2, 2, 1, 30, 31, 5, 3, 59, 1, 17, 18, 19, 0, 3};

/* A model that takes and forgets in any order gives the logits of one that did not. */
static void rolls_back(void **state)
{
	(void)state;
	for (int kv_cache = 0; kv_cache < 2; kv_cache++) {
		static float want[CONTEXT][VOCAB];
		static const int other[] = {40, 41, 42, 43};
		struct bench b;

		bench_init(&b, "cpux2", kv_cache, 1);
		memcpy(want, take(&b.lm, text, CONTEXT, CONTEXT).logits, sizeof(want));
		b.lm.rollback(b.lm.self, CONTEXT); /* nothing */
		for (int at = 0; at < CONTEXT - 6; at++) {
			b.lm.rollback(b.lm.self, at);
			/* drafts that are wrong from the second on, then others than drafted, then the right ones */
			take(&b.front, text + at, 1, 1);
			take(&b.front, other, 3, 1);
			take(&b.lm, text + at, 1, 0);
			take(&b.lm, other, 4, 4);
			b.lm.rollback(b.lm.self, at);
			take(&b.front, text + at, 1, 1);
			take(&b.front, other, 2, 1);
			b.front.rollback(b.front.self, at + 1);
			take(&b.front, text + at + 1, 2, 1);
			assert_memory_equal(take(&b.lm, text + at, 5, 5).logits, want[at], sizeof(want[0]) * 5);
		}
		bench_free(&b);
	}
}

static void where_is_it(void *cpu, int thread, int threads)
{
	(void)thread, (void)threads;
	*(int *)cpu = sched_getcpu();
}

/* Beside another instance a model runs on other cores, whatever their unit is called; not on a GPU that is in use. */
static void instances_side_by_side(void **state)
{
	static struct hx_unit again = {.name = "again", .kind = HX_CPU, .cores = 2, .usable = 2, .clock_hz = 1e9},
			      gpu = {.name = "g", .kind = HX_GPU, .cores = 1, .usable = 1, .clock_hz = 1e9};
	static const struct {
		const char *first, *beside, *message; /* NULL: it runs on the second processor */
	} cases[] = {
		{"cpux1", "cpux1", NULL},
		{"cpux1", "againx1", NULL},
		{"againx1", "cpux1", NULL},
		{"cpux1", "cpux2", "mapping 'cpux2' needs 2 cores of cpu, and 'cpux1', which works at the same time, leaves 1; give one of them fewer"},
		{"cpu", "againx1", "mapping 'againx1' needs 1 cores of again, and 'cpu', which works at the same time, leaves 0; give one of them fewer"},
		{"cpux1:0+g:1-3,head", "g", "mapping 'g' needs g, and so does 'cpux1:0+g:1-3,head', which works at the same time; only a CPU's cores can be shared out"},
	};
	struct hx_engine engine = one_cpu(NULL);

	(void)state;
	if (one_cpu_ids[0] == one_cpu_ids[1])
		skip();
	engine.units = (struct hx_units){3, {&one_cpu_unit, &again, &gpu}};
	engine.cpus[1] = engine.cpus[2] = one_cpu_ids;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hx_engine_model want = {.path = file, .type = -1, .mapping = cases[i].first, .options = {CONTEXT, 1, true, 0}};
		struct hx_instance first, beside;
		struct hx_err err = {""};
		int cpu, rc;

		one_cpu_open(&first, &engine, &want);
		want.mapping = cases[i].beside;
		want.beside = &first;
		rc = hx_instance_open(&beside, &engine, &want, &err);
		assert_string_equal(err.msg, cases[i].message ? cases[i].message : "");
		if (!rc) {
			hx_pool_run(beside.places[beside.graph.distinct[0].unit].pool, where_is_it, &cpu);
			assert_int_equal(cpu, one_cpu_ids[1]);
			hx_instance_free(&beside);
		}
		hx_instance_free(&first);
	}
	hx_engine_free(&engine);
}

/* The last early exit: its drafts differ from the target by one layer, and the target's text does not. */
static void exits_late(void **state)
{
	static const int prompt[] = {1, 2, 3};

	(void)state;
	for (int layers = 1; layers < LAYERS; layers++) {
		struct bench b;
		struct hx_generated plain, drafted;
		struct hx_err err;

		bench_init(&b, "cpux1", true, layers);
		{
			struct hx_draft draft = hx_draft_model(&b.front, true, 0);
			struct hx_generate what = {.target = &b.lm, .sampling = {.top_p = 1}, .prompt = prompt, .n_prompt = COUNT(prompt), .max_tokens = 100};

			assert_int_equal(hx_speculate(&plain, &what, &err), HX_OK);
			what.draft = &draft;
			what.gamma = 5;
			assert_int_equal(hx_speculate(&drafted, &what, &err), HX_OK);
			hx_draft_free(&draft);
		}
		assert_int_equal(plain.n_tokens, CONTEXT - (int)COUNT(prompt) + 1);
		assert_int_equal(drafted.ending, HX_END_CONTEXT);
		assert_int_equal(drafted.n_tokens, plain.n_tokens);
		assert_memory_equal(drafted.tokens, plain.tokens, sizeof(*plain.tokens) * (size_t)plain.n_tokens);
		hx_speculate_free(&plain);
		hx_speculate_free(&drafted);
		bench_free(&b);
	}
}

static void prompt_fills_the_context(void **state)
{
	struct bench b;
	struct hx_generated out;
	struct hx_err err;
	struct hx_generate what = {.target = &b.lm, .sampling = {.top_p = 1}, .prompt = text, .n_prompt = CONTEXT, .max_tokens = 100};

	(void)state;
	bench_init(&b, "cpux2", true, 0);
	assert_int_equal(hx_speculate(&out, &what, &err), HX_OK);
	assert_int_equal(out.n_tokens, 1);
	hx_speculate_free(&out);
	what.n_prompt++;
	assert_int_equal(hx_speculate(&out, &what, &err), HX_INPUT);
	assert_string_equal(err.msg, "the prompt has 41 tokens, the target's context holds 40");
	hx_speculate_free(&out);
	bench_free(&b);
}

static void refuses_tokens(void **state)
{
	static const struct {
		int token, n, logit_rows;
		const char *message;
	} cases[] = {
		{VOCAB, 1, 1, "test_engine.tmp has no token 60, its vocabulary ends at 59"},
		{-1, 1, 1, "test_engine.tmp has no token -1, its vocabulary ends at 59"},
		{0, CONTEXT, 1, "test_engine.tmp: 40 tokens do not fit behind 2, where there is room for 40"},
		{0, 0, 0, "test_engine.tmp: 0 tokens do not fit behind 2, where there is room for 40"},
		{0, 1, 2, "test_engine.tmp: logits of 2 rows cannot be had of a pass of 1"},
	};
	struct bench b;

	(void)state;
	bench_init(&b, "cpux1", true, 1);
	take(&b.lm, text, 2, 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct hx_lm *const lms[] = {&b.lm, &b.front};
		int tokens[CONTEXT] = {cases[i].token};
		struct hx_logits out;
		struct hx_err err;

		for (int k = 0; k < 2; k++) {
			assert_int_equal(lms[k]->decode(lms[k]->self, HX_PASS_DRAFT, tokens, cases[i].n, cases[i].logit_rows, &out, &err), HX_INPUT);
			assert_string_equal(err.msg, cases[i].message);
		}
	}
	bench_free(&b);
}

/* An undefined logit is never the largest, whichever thread finds it. */
static void undefined_logits(void **state)
{
	struct tiny damaged = tiny;
	int found[2];

	(void)state;
	damaged.undefined = NAN;
	tiny_write(&damaged, 1, file);
	for (int threads = 1; threads <= 2; threads++) {
		struct bench b;
		struct hx_logits out;

		bench_init(&b, threads == 1 ? "cpux1" : "cpux2", true, 0);
		out = take(&b.lm, text, 3, 1);
		assert_true(isnan(out.logits[0]));
		found[threads - 1] = out.argmax[0];
		assert_int_not_equal(found[threads - 1], 0);
		bench_free(&b);
	}
	assert_int_equal(found[0], found[1]);
	tiny_write(&tiny, 1, file);
}

/* Traces: operators whose rows nobody asked for do not run. */
static void traces(void **state)
{
	struct hx_trace trace = {.ops = true};
	struct bench b;
	int heads = 0, passes = 0;

	(void)state;
	bench_init(&b, "cpux1", true, 0);
	hx_exec_trace(b.in.exec, &trace);
	take(&b.lm, text, 3, 0);
	take(&b.lm, text + 3, 3, 2);
	for (size_t i = 0; i < trace.n; i++) {
		const struct hx_event *e = &trace.events[i];

		passes += e->op < 0;
		heads += e->op == HX_OP_HEAD;
		assert_int_equal(e->rows, e->op >= HX_OP_NORM ? 2 : 3);
		assert_int_equal(e->cached, passes - (e->op < 0) ? 3 : 0);
		assert_true(e->end_s >= e->start_s);
	}
	assert_int_equal(passes, 2);
	assert_int_equal(heads, 1);
	hx_trace_free(&trace);
	bench_free(&b);
}

/* Operators that a unit does not take run on its fallback, named by the mapping or not; a unit that is left without any need not be one that the engine
 * can run. */
static void falls_back(void **state)
{
	static const struct {
		int first, last; /* operators the unit takes */
		bool runs;       /* it has processors */
		const char *mapping;
	} cases[] = {
		{HX_OP_ATTN_OUT, HX_OP_FFN_DOWN, true, "part"},
		{HX_OP_ATTN_OUT, HX_OP_FFN_DOWN, true, "part:0-2+cpux1:3"},
		{HX_OP_EMBED, HX_OP_QKV, true, "partx1"},
		{HX_OP_COUNT, HX_OP_COUNT, false, "part"},
	};
	static float want[CONTEXT][VOCAB];
	static char name[] = "part", cpu[] = "cpu";
	struct bench b;

	(void)state;
	bench_init(&b, "cpu", true, 1);
	memcpy(want, take(&b.lm, text, CONTEXT, CONTEXT).logits, sizeof(want));
	bench_free(&b);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct hx_engine_model wanted = {.path = file, .type = -1, .mapping = cases[i].mapping, .options = {CONTEXT, CONTEXT, true, 1}};
		struct hx_support supports[HX_OP_COUNT + 1] = {{.op = -1}};
		struct hx_unit part = {.name = name, .kind = HX_CPU, .cores = 2, .usable = 2, .clock_hz = 1e9, .supports = supports, .n_supports = 1,
				       .fallback = cpu};

		for (int op = cases[i].first; op <= cases[i].last; op++)
			supports[part.n_supports++].op = op;
		b.engine = one_cpu(NULL);
		b.engine.units.v[b.engine.units.n++] = &part;
		b.engine.cpus[1] = cases[i].runs ? one_cpu_ids : NULL;
		one_cpu_open(&b.in, &b.engine, &wanted);
		b.lm = hx_exec_lm(b.in.exec);
		assert_memory_equal(take(&b.lm, text, CONTEXT, CONTEXT).logits, want, sizeof(want));
		bench_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),        cmocka_unit_test(memory),           cmocka_unit_test(rolls_back),
		cmocka_unit_test(exits_late),     cmocka_unit_test(prompt_fills_the_context), cmocka_unit_test(refuses_tokens),
		cmocka_unit_test(instances_side_by_side),
		cmocka_unit_test(undefined_logits), cmocka_unit_test(traces),     cmocka_unit_test(falls_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
