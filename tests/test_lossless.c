/* Losslessness: greedy speculative output is greedy plain output, token for token and logit for logit, whatever drafts, however it runs. Small random
 * models; their texts wander, and drafters agree with them now and then. */
#define _GNU_SOURCE /* affinity */
#include "engine/speculate.h"
#include "engine/synth.h"

#include "emulated.h"
#include "one_cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOKENS = 210, EMULATED_TOKENS = 40, PROMPT = 5, EXIT = 1 };

static const int prompt[PROMPT] = {72, 101, 108, 108, 111};
static char target_path[64], draft_path[64];
static int tokens; /* of a text */

/* Rows of 256, so that every block type applies. */
static struct hx_shape target_shape = {.name = "tiny target", .family = "llama", .layers = 2, .d_model = 256, .heads = 4, .kv_heads = 2, .d_head = 64,
				       .d_ff = 256, .vocab = 300, .context = 512, .tied = true, .gated_ffn = true, .norms = 2, .rope_theta = 10000};

static int set_up(void **state)
{
	struct hx_shape draft = target_shape;
	struct hx_err err;

	(void)state;
	tokens = emulated() ? EMULATED_TOKENS : TOKENS;
	draft.layers = 1;
	snprintf(target_path, sizeof(target_path), "lossless-target-%ld.gguf", (long)getpid());
	snprintf(draft_path, sizeof(draft_path), "lossless-draft-%ld.gguf", (long)getpid());
	return hx_synth_write(&target_shape, &(struct hx_synth_options){.type = HX_F32, .seed = 1}, target_path, &err) ||
	       hx_synth_write(&draft, &(struct hx_synth_options){.type = HX_F32, .seed = 1}, draft_path, &err);
}

static int tear_down(void **state)
{
	(void)state;
	remove(target_path);
	remove(draft_path);
	return 0;
}

/* A target and a drafter, as a test wants them. */
struct setting {
	const char *kernels;
	int type, threads;
	bool kv_cache;
};

struct bench {
	struct hx_engine engine;
	struct hx_instance target, draft;
	struct hx_lm lm, lm_draft, lm_front;
};

static void bench_init(struct bench *b, const struct setting *s)
{
	struct hx_engine_model want = {.path = target_path, .type = s->type, .mapping = s->threads == 1 ? "cpux1" : "cpux2",
				       .options = {400, 12, s->kv_cache, EXIT}};

	*b = (struct bench){.engine = one_cpu(s->kernels)};
	one_cpu_open(&b->target, &b->engine, &want);
	want.path = draft_path;
	want.options.exit_layers = 0;
	one_cpu_open(&b->draft, &b->engine, &want);
	b->lm = hx_exec_lm(b->target.exec);
	b->lm_draft = hx_exec_lm(b->draft.exec);
	b->lm_front = hx_exec_front(b->target.exec);
}

static void bench_free(struct bench *b)
{
	hx_instance_free(&b->draft);
	hx_instance_free(&b->target);
	hx_engine_free(&b->engine);
}

/* The tokens of a text, and the logits that each came from. */
struct text {
	int n, tokens[TOKENS];
	float logits[TOKENS][300];
};

static bool keep(void *to, int token, const float *logits)
{
	struct text *t = to;

	memcpy(t->logits[t->n], logits, sizeof(t->logits[0]));
	t->tokens[t->n++] = token;
	return true;
}

static struct hx_generated generate(struct bench *b, struct hx_draft *draft, int gamma, struct text *text)
{
	struct hx_generate what = {.target = &b->lm, .draft = draft, .gamma = gamma, .sampling = {.top_p = 1}, .prompt = prompt, .n_prompt = PROMPT,
				   .max_tokens = tokens, .token = keep, .to = text};
	struct hx_generated out;
	struct hx_err err = {""};

	text->n = 0;
	if (hx_speculate(&out, &what, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(text->n, tokens);
	return out;
}

static void check_same(const struct text *a, const struct text *b, const struct setting *s, const char *drafter, int gamma)
{
	for (int i = 0; i < a->n; i++)
		if (a->tokens[i] != b->tokens[i] || memcmp(a->logits[i], b->logits[i], sizeof(a->logits[0])) != 0)
			fail_msg("%s %s, %d threads, cache %d, %s, gamma %d: token %d differs", s->kernels, hx_type_names[s->type], s->threads,
				 s->kv_cache, drafter, gamma, i);
}

/* Every drafter at each gamma from first to last, against plain decoding. Returns how many drafts were accepted. */
static int check_setting(const struct setting *s, int first, int last)
{
	static struct text plain, speculated;
	struct bench b;
	int accepted = 0;

	bench_init(&b, s);
	{
		struct hx_draft drafters[] = {hx_draft_model(&b.lm_draft, false, 0), hx_draft_ngram(1, 3), hx_draft_model(&b.lm_front, true, 0)};
		static const char *const names[] = {"model", "ngram", "early exit"};
		struct hx_generated g = generate(&b, NULL, 0, &plain);

		hx_speculate_free(&g);
		for (int d = 0; d < 3; d++) {
			for (int gamma = first; gamma <= last; gamma++) {
				g = generate(&b, &drafters[d], gamma, &speculated);
				check_same(&plain, &speculated, s, names[d], gamma);
				for (int i = 0; i < g.n_rounds; i++)
					accepted += g.rounds[i].accepted;
				hx_speculate_free(&g);
			}
			hx_draft_free(&drafters[d]);
		}
	}
	bench_free(&b);
	return accepted;
}

static void every_gamma(void **state)
{
	const struct setting s = {hx_kernels_find(NULL)->name, HX_Q8_0, 2, true};

	(void)state;
	assert_in_range(check_setting(&s, 1, 8), tokens / 2, 100000); /* drafters that are never right would test half of it */
}

static void every_type(void **state)
{
	(void)state;
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		const struct setting s = {hx_kernels_find(NULL)->name, t, 1 + t % 2, true};

		check_setting(&s, 3, 3);
	}
}

static void every_kernel_set(void **state)
{
	static const int types[] = {HX_F16, HX_Q8_0, HX_Q4_0, HX_Q6_K};

	(void)state;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
			check_setting(&(struct setting){(*k)->name, types[t], 1 + (int)t % 2, true}, 2, 2);
}

static void without_cache(void **state)
{
	(void)state;
	check_setting(&(struct setting){hx_kernels_find(NULL)->name, HX_Q4_0, 1, false}, 1, 1);
	check_setting(&(struct setting){hx_kernels_find(NULL)->name, HX_F16, 2, false}, 8, 8);
}

/* Plain output does not depend on threads, nor on the cache. */
static void the_same_everywhere(void **state)
{
	static struct text texts[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct setting s = {hx_kernels_find(NULL)->name, HX_Q8_0, 1 + i % 2, i < 2};
		struct bench b;
		struct hx_generated g;

		bench_init(&b, &s);
		g = generate(&b, NULL, 0, &texts[i]);
		hx_speculate_free(&g);
		bench_free(&b);
		check_same(&texts[0], &texts[i], &s, "plain", 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_gamma),   cmocka_unit_test(every_type),          cmocka_unit_test(every_kernel_set),
		cmocka_unit_test(without_cache), cmocka_unit_test(the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
