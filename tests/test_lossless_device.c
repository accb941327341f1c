/* Losslessness where an OpenCL device takes part: whole models on it, one of the two, or a target cut across it and a CPU. */
#define _GNU_SOURCE /* affinity */
#include "lossless.h"
#include "two_units.h"

enum { MOST_GAMMA = 40 /* more drafts than a device makes in one go */ };

struct way {
	const char *target, *draft;
	const char *beside; /* where another drafter works while the target does */
	int exit;           /* layers before the early exit, of three */
	int first, last;    /* gammas */
	int type;
	struct hx_cl_options options;
};

static void bench_open(struct bench *b, const struct way *way)
{
	struct hx_engine_model want = {.path = target_path, .type = way->type, .mapping = way->target, .options = {256, MOST_GAMMA + 1, true, way->exit}};

	*b = (struct bench){.engine = two_units(NULL, &way->options), .overlaps = way->beside};
	one_cpu_open(&b->target, &b->engine, &want);
	want.path = draft_path;
	want.options.exit_layers = 0;
	want.mapping = way->draft;
	one_cpu_open(&b->draft, &b->engine, &want);
	want.mapping = way->beside;
	want.beside = &b->target;
	if (b->overlaps)
		one_cpu_open(&b->beside, &b->engine, &want);
	bench_lms(b);
}

enum { ROWS_256 = 256 * 272 /* bytes of so many rows of a q8_0 vocabulary, which needs more than one buffer then; GPUs have them by 128 */ };

/* Types are test_forward.c's subject; kernels of each take a second to build. */
static const struct way ways[] = {
	{"opencl", "opencl", NULL, 1, 1, 8, HX_Q8_0, {0}},
	{"opencl", "opencl", NULL, 1, MOST_GAMMA, MOST_GAMMA, HX_Q8_0, {.max_alloc_bytes = ROWS_256}},
	{"opencl", "opencl", "cpux1", 2, 4, 5, HX_Q4_K, {.as_gpu = true, .staged = true}},
	{"cpux1", "opencl", "opencl", 1, 2, 3, HX_Q8_0, {.staged = true}},
	{"cpux1:0-1,embed+opencl", "cpux1:embed+opencl", NULL, 1, 6, 7, HX_Q8_0, {0}},
	{"opencl:0-1,embed+cpux1", "opencl", NULL, 1, 1, 2, HX_Q8_0, {.staged = true}},
	{"opencl:0,embed+cpux1", "opencl:0.ffn,head+cpux1", NULL, 2, 3, 4, HX_Q4_K, {.as_gpu = true}},
	{"cpux1:0-2.attn,embed,head+opencl", "cpux1:0.attn+opencl", NULL, 2, 7, 8, HX_Q8_0, {.staged = true}},
	{"opencl:0-2.attn,head+cpux1", "cpux1", NULL, 1, 5, 6, HX_Q8_0, {0}},
	{"cpux1:embed,head+opencl", "opencl:0,embed+cpux1:head", NULL, 2, 8, 8, HX_Q8_0, {.staged = true}},
};

static void every_way(void **state)
{
	(void)state;
	if (!two_units_here())
		skip();
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct bench b;

		bench_open(&b, &ways[i]);
		assert_in_range(check_drafters(&b, ways[i].target, ways[i].first, ways[i].last), 100, 100000); /* drafters that are never right would test half of it */
		bench_free(&b);
	}
}

/* A model that is asked for no logits. */
static void without_logits(void **state)
{
	static const char *const mappings[] = {"opencl", "opencl:0-1+cpux1"};
	const struct hx_cl_options options = {.cpu = -1};

	(void)state;
	if (!two_units_here())
		skip();
	for (size_t i = 0; i < sizeof(mappings) / sizeof(*mappings); i++) {
		const struct hx_engine_model want = {.path = target_path, .type = -1, .mapping = mappings[i], .options = {PROMPT, 0, true, 0}};
		struct hx_engine engine = two_units(NULL, &options);
		struct hx_instance model;
		struct hx_logits out = {0};
		struct hx_err err = {""};
		struct hx_lm lm;

		one_cpu_open(&model, &engine, &want);
		lm = hx_exec_lm(model.exec);
		if (lm.decode(lm.self, HX_PASS_PREFILL_TARGET, prompt, PROMPT, 0, &out, &err))
			fail_msg("%s", err.msg);
		hx_instance_free(&model);
		hx_engine_free(&engine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_way), cmocka_unit_test(without_logits)};

	target_shape.layers = 3;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
