/* Language models whose logits are a table's row for the last two tokens. They fail the test when used as no model may be: a token taken in twice
 * behind the same text, a guess checked that the front did not make, the wrong pass, too many rows; and have no logits to look at unless these are wanted. */
#ifndef TESTS_FAKE_LM_H
#define TESTS_FAKE_LM_H

#include "engine/lm.h"
#include "engine/random.h"

#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum fake_role { FAKE_TARGET, FAKE_DRAFTER };

struct fake {
	int vocab, context, role;
	const float *table; /* vocab x vocab x vocab: the last token but one, the last, the next */
	const float *front; /* of its front; NULL: it has none */
	bool again;         /* a refused guess may come back: imposed acceptance, a second walk */
	int *tokens;        /* context */
	int length, fronted, stale; /* held; through the front; the token behind those held was held once, if stale is above length */
	float *rows;        /* context x vocab */
	int *argmax;        /* context */
	int passes[HX_PASS_COUNT], taken[HX_PASS_COUNT]; /* times; tokens */
	int fails_after;    /* passes until one fails; 0: none does */
	struct hx_random *jitter; /* it gives the processor away a few times before each pass; NULL: it does not */
	bool drafts;        /* it can draft several tokens at once */
	int rounds;         /* that it drafted so */
};

static inline void fake_init(struct fake *f, int role, int vocab, int context, const float *table, const float *front)
{
	*f = (struct fake){.vocab = vocab, .context = context, .role = role, .table = table, .front = front};
	f->tokens = malloc((size_t)context * sizeof(*f->tokens));
	f->rows = malloc((size_t)context * (size_t)vocab * sizeof(*f->rows));
	f->argmax = malloc((size_t)context * sizeof(*f->argmax));
	assert_non_null(f->tokens);
	assert_non_null(f->rows);
	assert_non_null(f->argmax);
}

static inline void fake_free(struct fake *f)
{
	free(f->tokens);
	free(f->rows);
	free(f->argmax);
}

/* Logits behind the first n tokens of a text, n > 0. */
static inline const float *fake_row(const float *table, int vocab, const int *text, int n)
{
	int before = n > 1 ? text[n - 2] : 0;

	return table + ((size_t)before * (size_t)vocab + (size_t)text[n - 1]) * (size_t)vocab;
}

static inline int fake_first(const float *row, int vocab)
{
	int first = 0;

	for (int i = 1; i < vocab; i++)
		if (row[i] > row[first])
			first = i;
	return first;
}

static inline void fake_logits(struct fake *f, const float *table, int end, int rows, struct hx_logits *out)
{
	for (int i = 0; i < rows; i++) {
		const float *row = fake_row(table, f->vocab, f->tokens, end - rows + i + 1);

		memcpy(f->rows + (size_t)i * (size_t)f->vocab, row, (size_t)f->vocab * sizeof(*row));
		f->argmax[i] = fake_first(row, f->vocab);
	}
	*out = (struct hx_logits){rows, out->wanted ? f->rows : NULL, f->argmax, out->wanted};
}

static inline int fake_take(struct fake *f, int pass, int at, const int *tokens, int n, struct hx_err *err)
{
	for (uint64_t times = f->jitter ? hx_random_bits(f->jitter) % 32 : 0; times; times--)
		sched_yield();
	if (f->fails_after && --f->fails_after == 0)
		return hx_err_set(err, HX_IO, "the device is gone");
	f->passes[pass]++;
	f->taken[pass] += n;
	assert_true(n > 0 && at + n <= f->context);
	for (int i = 0; i < n; i++)
		assert_true(tokens[i] >= 0 && tokens[i] < f->vocab);
	if (at < f->stale && tokens[0] == f->tokens[at] && !f->again)
		fail_msg("token %d at %d is taken in twice", tokens[0], at);
	return HX_OK;
}

static inline int fake_decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct fake *f = self;
	int ahead = f->fronted > f->length ? f->fronted - f->length : 0;

	if (f->role == FAKE_TARGET)
		assert_true(pass == HX_PASS_VERIFY || (pass == HX_PASS_PREFILL_TARGET && f->length == 0 && logit_rows == 1));
	else
		assert_true(pass == HX_PASS_DRAFT || (pass == HX_PASS_CATCH_UP && n == 2 && logit_rows == 1) ||
			    (pass == HX_PASS_PREFILL_DRAFT && f->length == 0 && logit_rows == 0));
	assert_true(ahead <= n);
	if (ahead) {
		assert_memory_equal(f->tokens + f->length, tokens, (size_t)ahead * sizeof(*tokens));
		f->stale = 0; /* the front has looked */
	}
	if (fake_take(f, pass, f->length, tokens, n, err))
		return HX_IO;
	memcpy(f->tokens + f->length, tokens, (size_t)n * sizeof(*tokens));
	f->length += n;
	f->fronted = f->stale = f->length;
	fake_logits(f, f->table, f->length, logit_rows, out);
	return HX_OK;
}

static inline int fake_front_decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out,
				    struct hx_err *err)
{
	struct fake *f = self;

	assert_int_equal(pass, HX_PASS_DRAFT);
	if (fake_take(f, pass, f->fronted, tokens, n, err))
		return HX_IO;
	memcpy(f->tokens + f->fronted, tokens, (size_t)n * sizeof(*tokens));
	f->fronted += n;
	f->stale = f->fronted;
	fake_logits(f, f->front, f->fronted, logit_rows, out);
	return HX_OK;
}

static inline void fake_rollback(void *self, int length)
{
	struct fake *f = self;

	assert_in_range(length, 0, f->length);
	f->length = f->fronted = length;
	if (length == 0)
		f->stale = 0; /* a new text */
}

static inline int fake_draft(void *self, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	struct fake *f = self;

	f->rounds++;
	for (int i = 0; i < steps; i++) {
		struct hx_logits row = {0};

		if (fake_decode(f, i ? HX_PASS_DRAFT : pass, i ? &drafts[i - 1] : tokens, i ? 1 : n, 1, &row, err))
			return HX_IO;
		drafts[i] = row.argmax[0];
	}
	return HX_OK;
}

static inline struct hx_lm fake_lm(struct fake *f)
{
	return (struct hx_lm){f, f->vocab, f->context, fake_decode, fake_rollback, f->drafts ? fake_draft : NULL};
}

static inline struct hx_lm fake_front(struct fake *f)
{
	return (struct hx_lm){f, f->vocab, f->context, fake_front_decode, fake_rollback, NULL};
}

#endif
