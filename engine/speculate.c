/* The loop: draft, verify, accept, one after the other. Drafting while the target verifies is in speculate_overlapped.c. */
#include "engine/speculate_internal.h"

#include "engine/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void hx_speculate_lap(struct hx_loop *l, enum hx_phase phase)
{
	double now_s = hx_trace_now_s();

	l->out->seconds[phase] += now_s - l->since_s;
	l->since_s = now_s;
}

static const float *at_row(const struct hx_loop *l, const float *rows, int i)
{
	return rows ? rows + (size_t)i * (size_t)l->target->vocab : NULL;
}

/* Room for rows of the target, with the logits only where somebody looks at them. */
static struct hx_logits wanted(const struct hx_loop *l)
{
	return (struct hx_logits){.wanted = l->what->logits || !hx_sample_greedy(&l->sampler)};
}

/* The target's own token behind row i. */
static int choose(struct hx_loop *l, int i)
{
	if (hx_sample_greedy(&l->sampler))
		return l->rows.argmax[i];
	hx_sample_probabilities(&l->sampler, at_row(l, l->rows.logits, i), l->p);
	return hx_sample_draw(&l->sampler, l->p);
}

static bool is_right(struct hx_loop *l, const struct hx_proposal *drafts, int i)
{
	if (hx_sample_greedy(&l->sampler))
		return drafts->tokens[i] == l->rows.argmax[i];
	hx_sample_probabilities(&l->sampler, at_row(l, l->rows.logits, i), l->p);
	return hx_sample_accept(&l->sampler, l->p, at_row(l, drafts->q, i), drafts->tokens[i]);
}

/* The token in place of draft i, which is_right has just refused. */
static int correction(struct hx_loop *l, const struct hx_proposal *drafts, int i)
{
	if (hx_sample_greedy(&l->sampler))
		return l->rows.argmax[i];
	return hx_sample_residual(&l->sampler, l->p, at_row(l, drafts->q, i), drafts->tokens[i]);
}

static bool impose(struct hx_loop *l, const struct hx_imposed *imposed, int i)
{
	if (!imposed->accepted)
		return hx_random_uniform(&l->imposed) < imposed->alpha;
	return l->out->n_rounds < imposed->n && i < imposed->accepted[l->out->n_rounds];
}

static bool accepts(struct hx_loop *l, const struct hx_proposal *drafts, int i)
{
	bool right = is_right(l, drafts, i);

	return l->what->imposed ? impose(l, l->what->imposed, i) : right;
}

int hx_speculate_verify(struct hx_loop *l, const struct hx_proposal *drafts, bool bonus, struct hx_err *err)
{
	const int n = l->n, rows = drafts->n + bonus;
	int accepted = 0, rc;

	for (int i = 0; i < drafts->n; i++)
		l->text[n + i] = drafts->tokens[i];
	l->rows = wanted(l);
	rc = l->target->decode(l->target->self, HX_PASS_VERIFY, l->text + n - 1, rows, rows, &l->rows, err);
	hx_speculate_lap(l, HX_VERIFYING);
	if (rc)
		return rc;
	while (accepted < drafts->n && accepts(l, drafts, accepted))
		accepted++;
	l->all_right = accepted == drafts->n;
	l->fresh = accepted;
	if (!l->all_right)
		l->text[n + l->fresh++] = correction(l, drafts, accepted);
	else if (bonus)
		l->text[n + l->fresh++] = choose(l, accepted);
	l->target->rollback(l->target->self, n + l->fresh - 1);
	l->out->rounds[l->out->n_rounds++] = (struct hx_round){drafts->n, accepted};
	return HX_OK;
}

void hx_speculate_emit(struct hx_loop *l)
{
	for (int i = 0; i < l->fresh && !l->stopped; i++) {
		int token = l->text[l->n++];

		l->stopped = l->what->token && !l->what->token(l->what->to, token, at_row(l, l->rows.logits, i));
	}
	hx_speculate_lap(l, HX_HOST);
}

static int prefill(struct hx_loop *l, struct hx_err *err)
{
	const struct hx_generate *what = l->what;
	int rc;

	l->target->rollback(l->target->self, 0);
	l->rows = wanted(l);
	rc = l->target->decode(l->target->self, HX_PASS_PREFILL_TARGET, what->prompt, what->n_prompt, 1, &l->rows, err);
	hx_speculate_lap(l, HX_PREFILL_TARGET);
	if (rc)
		return rc;
	l->text[l->n] = choose(l, 0);
	l->fresh = 1;
	hx_speculate_emit(l);
	if (what->draft && l->n < l->end && !l->stopped)
		rc = what->draft->start(what->draft->self, what->prompt, what->n_prompt, err);
	hx_speculate_lap(l, HX_PREFILL_DRAFT);
	return rc;
}

static int one_round(struct hx_loop *l, struct hx_err *err)
{
	struct hx_draft *draft = l->what->draft;
	const int room = l->end - l->n - 1; /* for drafts: the target adds a token */
	const int max = l->what->gamma < room ? l->what->gamma : room;
	struct hx_proposal drafts = {0};
	int rc = HX_OK;

	if (draft && max > 0)
		rc = draft->propose(draft->self, l->text, l->n, max, &l->sampler, &drafts, err);
	hx_speculate_lap(l, HX_DRAFTING);
	if (!rc)
		rc = hx_speculate_verify(l, &drafts, true, err);
	if (rc)
		return rc;
	if (draft)
		draft->settle(draft->self, l->n + l->fresh);
	hx_speculate_emit(l);
	return HX_OK;
}

static bool overlaps(const struct hx_generate *what)
{
	return what->mode == HX_OVERLAPPED && what->draft && what->gamma;
}

static int check(const struct hx_generate *what, struct hx_err *err)
{
	assert(what->max_tokens > 0 && what->gamma >= 0);
	if (what->n_prompt < 1)
		return hx_err_set(err, HX_INPUT, "the prompt is empty");
	if (what->n_prompt > what->target->context)
		return hx_err_set(err, HX_INPUT, "the prompt has %d tokens, the target's context holds %d", what->n_prompt, what->target->context);
	if (what->draft && what->draft->vocab && what->draft->vocab != what->target->vocab)
		return hx_err_set(err, HX_INPUT, "the drafter's vocabulary has %d tokens, the target's %d", what->draft->vocab, what->target->vocab);
	if (overlaps(what) && !what->draft->apart)
		return hx_err_set(err, HX_INPUT, "only a drafter with a model of its own can draft while the target verifies");
	return hx_sample_check(&what->sampling, err);
}

int hx_speculate(struct hx_generated *out, const struct hx_generate *what, struct hx_err *err)
{
	struct hx_loop l = {.what = what, .out = out, .target = what->target, .n = what->n_prompt, .since_s = hx_trace_now_s()};
	int room, rc;

	*out = (struct hx_generated){.imposed = what->imposed};
	if ((rc = check(what, err)))
		return rc;
	/* the last token need not be taken in */
	room = what->target->context - what->n_prompt + 1;
	room = what->max_tokens < room ? what->max_tokens : room;
	l.end = what->n_prompt + room;
	l.text = hx_xmalloc((size_t)l.end * sizeof(*l.text));
	memcpy(l.text, what->prompt, (size_t)what->n_prompt * sizeof(*l.text));
	out->rounds = hx_xmalloc((size_t)room * sizeof(*out->rounds));
	hx_sample_init(&l.sampler, &what->sampling, what->target->vocab);
	if (!hx_sample_greedy(&l.sampler))
		l.p = hx_xmalloc((size_t)what->target->vocab * sizeof(*l.p));
	if (what->imposed)
		hx_random_init(&l.imposed, what->imposed->seed);

	rc = prefill(&l, err);
	if (!rc && overlaps(what))
		rc = hx_speculate_overlapped(&l, err);
	while (!rc && !l.stopped && l.n < l.end)
		rc = one_round(&l, err);

	out->ending = l.stopped ? HX_END_CALLER : room == what->max_tokens ? HX_END_LENGTH : HX_END_CONTEXT;
	out->n_tokens = l.n - what->n_prompt;
	out->tokens = memmove(l.text, l.text + what->n_prompt, (size_t)out->n_tokens * sizeof(*l.text));
	hx_sample_free(&l.sampler);
	free(l.p);
	return rc;
}

void hx_speculate_free(struct hx_generated *g)
{
	free(g->tokens);
	free(g->rounds);
	*g = (struct hx_generated){0};
}
