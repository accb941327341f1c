/* N-gram lookup. */
#include "engine/draft.h"

#include <stdlib.h>

struct drafter {
	int shortest, longest;
	int room;
	int *tokens; /* room */
};

static int start(void *self, const int *prompt, int n, struct hx_err *err)
{
	(void)self, (void)prompt, (void)n, (void)err;
	return HX_OK;
}

/* How many tokens before `end` equal the last ones of the text, up to most. */
static int matching(const int *text, int n, int end, int most)
{
	int k = 0;

	while (k < most && k < end && text[end - 1 - k] == text[n - 1 - k])
		k++;
	return k;
}

static int propose(void *self, const int *text, int n, int max, struct hx_sampler *sampler, struct hx_proposal *out, struct hx_err *err)
{
	struct drafter *d = self;
	int best = d->shortest - 1, at = n;

	(void)sampler, (void)err;
	*out = (struct hx_proposal){0};
	for (int end = n - 1; end > 0 && best < d->longest; end--) {
		int k = matching(text, n, end, d->longest);

		if (k > best) {
			best = k;
			at = end;
		}
	}
	if (at == n)
		return HX_OK;
	if (max > d->room)
		d->tokens = hx_xrealloc(d->tokens, (size_t)(d->room = max), sizeof(*d->tokens));
	/* where the text ends, it goes on with the drafts: a loop is expected to last */
	for (int i = 0; i < max; i++)
		d->tokens[i] = at + i < n ? text[at + i] : d->tokens[at + i - n];
	out->n = max;
	out->tokens = d->tokens;
	return HX_OK;
}

static void settle(void *self, int n)
{
	(void)self, (void)n;
}

static void drop(void *self)
{
	struct drafter *d = self;

	free(d->tokens);
	free(d);
}

struct hx_draft hx_draft_ngram(int shortest, int longest)
{
	struct drafter *d = hx_xmalloc(sizeof(*d));

	*d = (struct drafter){.shortest = shortest, .longest = longest};
	return (struct hx_draft){d, 0, false, start, propose, settle, drop};
}
