/* Match traces of the models that are loaded. */
#include "device/agreement.h"

#include "engine/agree.h"

#include <stdlib.h>

static int agree(struct hx_agreement *at, struct runner *r, const struct hx_generate *what, const struct hx_generated *text, struct hx_err *err)
{
	if (r->lookup)
		return hx_agree_lookup(at, what, text, &r->drafter, AGREEMENT_LOOKUP, err);
	return hx_agree_model(at, what, text, &r->lm_draft, r->early_exit, err);
}

/* Lookups are certain of their drafts: sampled or not, the text says which are right. */
static void keep(struct accept_match *out, const struct hx_agreement *at, size_t n, const struct runner *r, bool greedy)
{
	double *numbers = hx_xcalloc(n, sizeof(*numbers));

	if (greedy || r->lookup)
		*out = (struct accept_match){.lengths = numbers, .n_lengths = n};
	else
		*out = (struct accept_match){.chances = numbers, .n_chances = n};
	for (size_t i = 0; i < n; i++)
		numbers[i] = out->lengths ? at[i].agreed : at[i].share < 1 ? at[i].share : 1;
	if (r->lookup)
		return;
	out->confidence = hx_xcalloc(n, sizeof(*out->confidence));
	out->n_confidence = n;
	for (size_t i = 0; i < n; i++)
		out->confidence[i] = at[i].confidence < 1 ? at[i].confidence : 1;
}

int agreement_measure(struct accept_match *out, int *n_tokens, struct runner *r, struct hx_generate *what, bool (*stopped)(void), struct hx_err *err)
{
	struct hx_generated text = {0};
	struct hx_agreement *at = NULL;
	int rc = runner_generate(r, true, what, &text, err);

	*out = (struct accept_match){0};
	*n_tokens = text.n_tokens;
	if (!rc && text.n_tokens > 1 && !stopped()) {
		at = hx_xcalloc((size_t)text.n_tokens, sizeof(*at));
		rc = agree(at, r, what, &text, err);
		if (!rc)
			keep(out, at + 1, (size_t)text.n_tokens - 1, r, what->sampling.temperature == 0);
	}
	free(at);
	hx_speculate_free(&text);
	return rc;
}
