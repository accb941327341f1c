/* Runners: pairs of models from their files. */
#include "device/runner.h"

#include "tiny_model.h"

#include <unistd.h>

enum { TOKENS = 60, PROMPT = 4, SMALL = 264, LARGE = 300 };

static const int prompt[PROMPT] = {1, 75, 108, 35};
static struct machine machine;
static char paths[2][64]; /* by vocabulary: small, large */

static int set_up(void **state)
{
	struct tiny t = {.shape = {.family = "llama", .layers = 2, .d_model = 64, .heads = 4, .kv_heads = 2, .d_head = 16, .d_ff = 96, .context = 256,
				   .tied = true, .rope_theta = 10000, .gated_ffn = true, .norms = 2},
			 .tokenizer = true};
	struct hx_err err;

	(void)state;
	for (int large = 0; large < 2; large++) {
		snprintf(paths[large], sizeof(paths[large]), "runner-%d-%ld.gguf", large, (long)getpid());
		t.shape.vocab = large ? LARGE : SMALL;
		t.shape.context = large ? 200 : 100;
		tiny_write(&t, 1, paths[large]);
	}
	return machine_init(&machine, NULL, NULL, &err);
}

static int tear_down(void **state)
{
	(void)state;
	machine_free(&machine);
	for (int i = 0; i < 2; i++)
		remove(paths[i]);
	return 0;
}

/* As the drafter's table is padded further than the target's, or less far, output stays the target's own, padding that it chooses included. */
static void padded_vocabularies(void **state)
{
	(void)state;
	for (int large = 0; large < 2; large++) {
		struct runner_options o = {.target = paths[large], .draft = paths[!large], .target_type = -1, .draft_type = -1, .gamma = 3, .kv_cache = true,
					   .text = true};
		struct hx_generate what = {.prompt = prompt, .n_prompt = PROMPT, .max_tokens = TOKENS};
		struct hx_generated speculative, plain;
		struct runner r;
		struct hx_err err = {""};

		if (runner_open(&r, &machine, &o, &err))
			fail_msg("%s", err.msg);
		what.gamma = 3;
		if (runner_generate(&r, false, &what, &speculative, &err) || runner_generate(&r, true, &what, &plain, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(plain.n_tokens, TOKENS);
		assert_int_equal(speculative.n_tokens, TOKENS);
		assert_memory_equal(speculative.tokens, plain.tokens, sizeof(*plain.tokens) * TOKENS);
		hx_speculate_free(&plain);
		hx_speculate_free(&speculative);
		runner_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_vocabularies),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
