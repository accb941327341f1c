/* Tokens and logits on their way into and out of a model of another vocabulary's size. */
#include "engine/fitted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int *known_tokens(struct hx_fitted *f, const int *tokens, int n)
{
	if (n > f->n_tokens) {
		f->tokens = hx_xrealloc(f->tokens, (size_t)n, sizeof(*f->tokens));
		f->n_tokens = n;
	}
	for (int i = 0; i < n; i++)
		f->tokens[i] = tokens[i] < f->lm.vocab ? tokens[i] : 0;
	return f->tokens;
}

static void make_room(struct hx_fitted *f, int rows)
{
	if (rows <= f->n_rows)
		return;
	f->logits = hx_xrealloc(f->logits, (size_t)rows * (size_t)f->vocab, sizeof(*f->logits));
	f->argmax = hx_xrealloc(f->argmax, (size_t)rows, sizeof(*f->argmax));
	f->n_rows = rows;
}

static int first_of(const float *logits, int n)
{
	int first = 0;

	for (int i = 1; i < n; i++)
		first = logits[i] > logits[first] ? i : first;
	return first;
}

static bool is_cut(const struct hx_fitted *f)
{
	return f->vocab < f->lm.vocab;
}

static void fit(struct hx_fitted *f, struct hx_logits *out)
{
	const int common = is_cut(f) ? f->vocab : f->lm.vocab;

	make_room(f, out->rows);
	for (int i = 0; i < out->rows; i++) {
		float *row = f->logits + (size_t)i * (size_t)f->vocab;

		memcpy(row, out->logits + (size_t)i * (size_t)f->lm.vocab, (size_t)common * sizeof(*row));
		for (int token = common; token < f->vocab; token++)
			row[token] = -INFINITY;
		f->argmax[i] = out->argmax[i] < common ? out->argmax[i] : first_of(row, common);
	}
	out->logits = f->logits;
	out->argmax = f->argmax;
}

static int decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_fitted *f = self;
	int rc;

	out->wanted |= is_cut(f); /* its first choice may be one that is cut off */
	rc = f->lm.decode(f->lm.self, pass, known_tokens(f, tokens, n), n, logit_rows, out, err);
	if (!rc && out->wanted)
		fit(f, out);
	return rc;
}

static int draft(void *self, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	struct hx_fitted *f = self;

	return f->lm.draft(f->lm.self, pass, known_tokens(f, tokens, n), n, steps, drafts, err);
}

static void rollback(void *self, int length)
{
	struct hx_fitted *f = self;

	f->lm.rollback(f->lm.self, length);
}

struct hx_lm hx_fitted_lm(struct hx_fitted *f, const struct hx_lm *lm, int vocab)
{
	*f = (struct hx_fitted){.lm = *lm, .vocab = vocab};
	return lm->vocab == vocab ? *lm : (struct hx_lm){f, vocab, lm->context, decode, rollback, lm->draft && !is_cut(f) ? draft : NULL};
}

void hx_fitted_free(struct hx_fitted *f)
{
	free(f->tokens);
	free(f->argmax);
	free(f->logits);
	*f = (struct hx_fitted){0};
}
