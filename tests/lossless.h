/* What tests of losslessness share: a target and its drafters, and greedy texts of theirs, which are plain decoding's token for token and logit for logit. Small random
 * models, whose texts wander and whose drafters agree with them now and then. */
#ifndef TESTS_LOSSLESS_H
#define TESTS_LOSSLESS_H

#include "engine/speculate.h"
#include "engine/synth.h"

#include "emulated.h"
#include "one_cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOKENS = 210, EMULATED_TOKENS = 40, PROMPT = 5, VOCAB = 2048 /* at most */ };

/* Of a text. */
static inline int text_tokens(void)
{
	return emulated() ? EMULATED_TOKENS : TOKENS;
}

static const int prompt[PROMPT] = {72, 101, 108, 108, 111};
static char target_path[64], draft_path[64];

/* Rows of 256, so that every block type applies. */
static struct hx_shape target_shape = {.name = "tiny target", .family = "llama", .layers = 2, .d_model = 256, .heads = 4, .kv_heads = 2, .d_head = 64,
				       .d_ff = 256, .vocab = 300, .context = 512, .tied = true, .gated_ffn = true, .norms = 2, .rope_theta = 10000};

static int set_up(void **state)
{
	struct hx_shape draft = target_shape;
	struct hx_err err;

	(void)state;
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

struct bench {
	struct hx_engine engine;
	struct hx_instance target, draft, beside; /* beside: a drafter that works while the target does, if there is one */
	bool overlaps;
	struct hx_lm lm, lm_draft, lm_front, lm_beside;
};

/* When the models are open. */
static void bench_lms(struct bench *b)
{
	b->lm = hx_exec_lm(b->target.exec);
	b->lm_draft = hx_exec_lm(b->draft.exec);
	b->lm_front = hx_exec_front(b->target.exec);
	if (b->overlaps)
		b->lm_beside = hx_exec_lm(b->beside.exec);
}

static void bench_free(struct bench *b)
{
	hx_instance_free(&b->beside);
	hx_instance_free(&b->draft);
	hx_instance_free(&b->target);
	hx_engine_free(&b->engine);
}

/* The tokens of a text, and the logits that each came from. */
struct text {
	int vocab, n, tokens[TOKENS];
	float logits[TOKENS][VOCAB];
};

static bool keep(void *to, int token, const float *logits)
{
	struct text *t = to;

	memcpy(t->logits[t->n], logits, sizeof(*logits) * (size_t)t->vocab);
	t->tokens[t->n++] = token;
	return true;
}

static struct hx_generated generate(struct bench *b, struct hx_draft *draft, int gamma, int mode, int tokens, struct text *text)
{
	struct hx_generate what = {.target = &b->lm, .draft = draft, .gamma = gamma, .mode = mode, .sampling = {.top_p = 1}, .prompt = prompt, .n_prompt = PROMPT,
				   .max_tokens = tokens, .token = keep, .to = text, .logits = true};
	struct hx_generated out;
	struct hx_err err = {""};

	text->vocab = b->lm.vocab;
	text->n = 0;
	if (hx_speculate(&out, &what, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(text->n, tokens);
	return out;
}

static void check_same(const struct text *a, const struct text *b, const char *setting, const char *drafter, int gamma)
{
	for (int i = 0; i < a->n; i++)
		if (a->tokens[i] != b->tokens[i] || memcmp(a->logits[i], b->logits[i], sizeof(a->logits[0][0]) * (size_t)a->vocab) != 0)
			fail_msg("%s, %s, gamma %d: token %d differs", setting, drafter, gamma, i);
}

/* Every drafter at each gamma from first to last, against plain decoding. Returns how many drafts were accepted. */
static int check_drafters(struct bench *b, const char *setting, int first, int last)
{
	static struct text plain, speculated;
	struct hx_draft drafters[] = {hx_draft_model(&b->lm_draft, false, 0), hx_draft_ngram(1, 3), hx_draft_model(&b->lm_front, true, 0),
				      hx_draft_model(&b->lm_beside, false, 0)};
	static const char *const names[] = {"model", "ngram", "early exit", "overlapped"};
	struct hx_generated g = generate(b, NULL, 0, HX_SEQUENTIAL, text_tokens(), &plain);
	int accepted = 0;

	hx_speculate_free(&g);
	for (int d = 0; d < 4; d++) {
		for (int gamma = first; gamma <= last && (d < 3 || b->overlaps); gamma++) {
			g = generate(b, &drafters[d], gamma, d == 3 ? HX_OVERLAPPED : HX_SEQUENTIAL, text_tokens(), &speculated);
			check_same(&plain, &speculated, setting, names[d], gamma);
			for (int i = 0; i < g.n_rounds; i++)
				accepted += g.rounds[i].accepted;
			hx_speculate_free(&g);
		}
		hx_draft_free(&drafters[d]);
	}
	return accepted;
}

#endif
