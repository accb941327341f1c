/* Agreement of drafter and target along a given text. */
#include "engine/agree.h"

#include <stdlib.h>
#include <string.h>

struct walk {
	const struct hx_lm *target, *drafter;
	struct hx_sampler sampler;
	int *text;   /* prompt and output */
	float *p, *q; /* sampled: vocab; HX_AGREE_ROWS x vocab */
};

static int *joined(const struct hx_generate *what, const struct hx_generated *text)
{
	int *all = hx_xmalloc((size_t)(what->n_prompt + text->n_tokens) * sizeof(*all));

	memcpy(all, what->prompt, (size_t)what->n_prompt * sizeof(*all));
	memcpy(all + what->n_prompt, text->tokens, (size_t)text->n_tokens * sizeof(*all));
	return all;
}

static float overlap(const float *p, const float *q, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += p[i] < q[i] ? p[i] : q[i];
	return (float)sum;
}

/* The n tokens from `at` on, each given those before it. */
static int chunk(struct walk *w, struct hx_agreement *out, int at, int n, bool with_target, struct hx_err *err)
{
	const bool greedy = hx_sample_greedy(&w->sampler);
	const size_t vocab = (size_t)w->target->vocab;
	struct hx_logits rows = {.wanted = true};
	int rc = w->drafter->decode(w->drafter->self, HX_PASS_DRAFT, w->text + at - 1, n, n, &rows, err);

	for (int i = 0; i < n && !rc; i++) {
		const float *logits = rows.logits + (size_t)i * vocab;
		const int first = rows.argmax[i];

		out[i].agreed = out[i].share = first == w->text[at + i];
		if (!greedy)
			hx_sample_probabilities(&w->sampler, logits, w->q + (size_t)i * vocab);
		out[i].confidence = greedy ? (float)hx_sample_confidence(logits, (int)vocab, first) : w->q[(size_t)i * vocab + (size_t)first];
	}
	if (!rc && with_target)
		rc = w->target->decode(w->target->self, HX_PASS_VERIFY, w->text + at - 1, n, greedy ? 0 : n, &rows, err);
	for (int i = 0; i < n && !rc && !greedy; i++) {
		hx_sample_probabilities(&w->sampler, rows.logits + (size_t)i * vocab, w->p);
		out[i].share = overlap(w->p, w->q + (size_t)i * vocab, (int)vocab);
	}
	return rc;
}

/* Both models hold the prompt but for its last token. */
static int rewind_to_prompt(struct walk *w, int n_prompt, bool shared, struct hx_err *err)
{
	struct hx_logits none = {0};

	w->target->rollback(w->target->self, n_prompt - 1);
	if (shared)
		return HX_OK;
	w->drafter->rollback(w->drafter->self, 0);
	return n_prompt == 1 ? HX_OK : w->drafter->decode(w->drafter->self, HX_PASS_PREFILL_DRAFT, w->text, n_prompt - 1, 0, &none, err);
}

int hx_agree_model(struct hx_agreement *out, const struct hx_generate *what, const struct hx_generated *text, const struct hx_lm *drafter, bool shared,
		   struct hx_err *err)
{
	const int n = text->n_tokens, vocab = what->target->vocab;
	/* the target's second walk gives p; a shared cache has to be filled behind the front */
	const bool with_target = shared || what->sampling.temperature > 0;
	struct walk w = {.target = what->target, .drafter = drafter};
	int rc;

	if (drafter->vocab != vocab)
		return hx_err_set(err, HX_INPUT, "the drafter's vocabulary has %d tokens, the target's %d", drafter->vocab, vocab);
	if (drafter->context < what->n_prompt + n - 1)
		return hx_err_set(err, HX_INPUT, "prompt and output have %d tokens, the drafter's context holds %d", what->n_prompt + n,
				  drafter->context);
	w.text = joined(what, text);
	hx_sample_init(&w.sampler, &what->sampling, vocab);
	if (!hx_sample_greedy(&w.sampler)) {
		w.p = hx_xmalloc((size_t)vocab * sizeof(*w.p));
		w.q = hx_xmalloc(HX_AGREE_ROWS * (size_t)vocab * sizeof(*w.q));
	}
	rc = rewind_to_prompt(&w, what->n_prompt, shared, err);
	for (int i = 0; i < n && !rc; i += HX_AGREE_ROWS)
		rc = chunk(&w, out + i, what->n_prompt + i, n - i < HX_AGREE_ROWS ? n - i : HX_AGREE_ROWS, with_target, err);
	for (int i = n - 1; i >= 0 && !rc; i--) {
		out[i].drafted = n - i;
		if (out[i].agreed && i + 1 < n)
			out[i].agreed += out[i + 1].agreed;
	}
	hx_sample_free(&w.sampler);
	free(w.text);
	free(w.p);
	free(w.q);
	return rc;
}

int hx_agree_lookup(struct hx_agreement *out, const struct hx_generate *what, const struct hx_generated *text, struct hx_draft *drafter, int gamma,
		    struct hx_err *err)
{
	struct hx_sampler greedy = {0};
	int *all = joined(what, text), rc = HX_OK;

	for (int i = 0; i < text->n_tokens && !rc; i++) {
		const int left = text->n_tokens - i;
		struct hx_proposal drafts;
		int agreed = 0;

		rc = drafter->propose(drafter->self, all, what->n_prompt + i, gamma < left ? gamma : left, &greedy, &drafts, err);
		if (rc)
			break;
		while (agreed < drafts.n && drafts.tokens[agreed] == text->tokens[i + agreed])
			agreed++;
		out[i] = (struct hx_agreement){drafts.n, agreed, agreed > 0, drafts.n > 0};
	}
	free(all);
	return rc;
}
