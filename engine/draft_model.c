/* A language model as drafter, on a cache of its own or on the target's. */
#include "engine/draft.h"

#include <assert.h>
#include <stdlib.h>

struct drafter {
	struct hx_lm lm;
	bool shared;
	double min_confidence;
	int held; /* tokens of the text that it has taken in, and drafts behind them */
	int room;
	int *tokens; /* room */
	float *q;    /* room x vocab */
};

static int start(void *self, const int *prompt, int n, struct hx_err *err)
{
	struct drafter *d = self;
	struct hx_logits none = {0};

	d->held = n;
	if (d->shared)
		return HX_OK;
	d->lm.rollback(d->lm.self, 0);
	if (n > d->lm.context) /* it will never have room for a draft */
		return HX_OK;
	return d->lm.decode(d->lm.self, HX_PASS_PREFILL_DRAFT, prompt, n, 0, &none, err);
}

static void make_room(struct drafter *d, int max, bool greedy)
{
	if (max > d->room) {
		d->tokens = hx_xrealloc(d->tokens, (size_t)max, sizeof(*d->tokens));
		free(d->q);
		d->q = NULL;
		d->room = max;
	}
	if (!greedy && !d->q)
		d->q = hx_xmalloc((size_t)d->room * (size_t)d->lm.vocab * sizeof(*d->q));
}

/* The token behind a row of logits, the i-th draft; -1: it is not sure enough of any. */
static int choose(struct drafter *d, const struct hx_logits *row, struct hx_sampler *sampler, int i)
{
	const int first = row->argmax[0];
	float *q;

	if (hx_sample_greedy(sampler))
		return d->min_confidence > 0 && hx_sample_confidence(row->logits, d->lm.vocab, first) < d->min_confidence ? -1 : first;
	q = d->q + (size_t)i * (size_t)d->lm.vocab;
	hx_sample_probabilities(sampler, row->logits, q);
	return q[first] < d->min_confidence ? -1 : hx_sample_draw(sampler, q);
}

/* All drafts of a round at once, where nobody needs to look at any before the next. */
static int draft_through(struct drafter *d, const int *next, int pending, int max, struct hx_proposal *out, struct hx_err *err)
{
	int rc = d->lm.draft(d->lm.self, pending > 1 ? HX_PASS_CATCH_UP : HX_PASS_DRAFT, next, pending, max, d->tokens, err);

	if (rc)
		return rc;
	d->held += pending + max - 1;
	*out = (struct hx_proposal){.n = max, .tokens = d->tokens};
	return HX_OK;
}

static int propose(void *self, const int *text, int n, int max, struct hx_sampler *sampler, struct hx_proposal *out, struct hx_err *err)
{
	struct drafter *d = self;
	const int room = d->lm.context - n + 1; /* the last draft need not be taken in */
	const bool greedy = hx_sample_greedy(sampler), looks = !greedy || d->min_confidence > 0;
	const int *next = text + d->held;
	int pending = n - d->held; /* two after all drafts were accepted: the last one and the target's token behind it */

	assert(pending > 0);
	*out = (struct hx_proposal){0};
	max = max < room ? max : room;
	if (max <= 0)
		return HX_OK;
	make_room(d, max, greedy);
	if (d->lm.draft && !looks)
		return draft_through(d, next, pending, max, out, err);
	while (out->n < max) {
		struct hx_logits row = {.wanted = looks};
		int rc = d->lm.decode(d->lm.self, pending > 1 ? HX_PASS_CATCH_UP : HX_PASS_DRAFT, next, pending, 1, &row, err);

		if (rc)
			return rc;
		d->held += pending;
		d->tokens[out->n] = choose(d, &row, sampler, out->n);
		if (d->tokens[out->n] < 0)
			break;
		next = &d->tokens[out->n++];
		pending = 1;
	}
	out->tokens = d->tokens;
	out->q = greedy ? NULL : d->q;
	return HX_OK;
}

static void settle(void *self, int n)
{
	struct drafter *d = self;

	if (!d->shared && d->held < n)
		return;
	if (!d->shared)
		d->lm.rollback(d->lm.self, n - 1);
	d->held = n - 1;
}

static void drop(void *self)
{
	struct drafter *d = self;

	free(d->tokens);
	free(d->q);
	free(d);
}

struct hx_draft hx_draft_model(const struct hx_lm *lm, bool shared, double min_confidence)
{
	struct drafter *d = hx_xcalloc(1, sizeof(*d));

	*d = (struct drafter){.lm = *lm, .shared = shared, .min_confidence = min_confidence};
	return (struct hx_draft){d, lm->vocab, !shared, start, propose, settle, drop};
}
