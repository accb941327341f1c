/* Drafters: what guesses how a text goes on. One file implements one; the loop that has the drafts verified is speculate.h. */
#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

#include "engine/lm.h"
#include "engine/sample.h"

/* Drafts, borrowed until the drafter's next call. q: n x vocab, row-major, the probabilities that each token was drawn from; NULL: each is
 * taken as the only one there could be. Whether a token is proposed may depend on those before it, never on the token itself: else sampled
 * output would not follow the target. */
struct hx_proposal {
	int n; /* may be 0 */
	const int *tokens;
	const float *q;
};

/* The members are called by the loop, in the order start, then for each round propose (overlapped: once for each draft) and settle. */
struct hx_draft {
	void *self;
	int vocab; /* it must be the target's; 0: any will do */
	bool apart; /* it shares nothing with the target, and has work to do while that verifies */

	/* A new text: the target has taken the prompt in. */
	int (*start)(void *self, const int *prompt, int n, struct hx_err *err);

	/* At most max drafts, max > 0, of what follows the n tokens of the text, drawn by the sampler unless that is greedy. */
	int (*propose)(void *self, const int *text, int n, int max, struct hx_sampler *sampler, struct hx_proposal *out, struct hx_err *err);

	/* The text is n tokens long now: as many drafts as fit in were accepted, and its last token is none of them. Not called where all were and no token
	 * was added: drafting goes on behind them. */
	void (*settle)(void *self, int n);
	void (*free)(void *self);
};

/* A language model that drafts token by token. With shared it is the front of the target (hx_exec_front): what the target takes in and forgets, it
 * takes in and forgets too. It stops before a token for which the chance of its first choice is below min_confidence; 0: never. lm is borrowed. */
struct hx_draft hx_draft_model(const struct hx_lm *lm, bool shared, double min_confidence);

/* Lookup (Saxena, prompt lookup decoding, 2023): what followed the last place in prompt and output that ends as the text ends, in as many tokens as
 * possible, at most longest, at least shortest. */
struct hx_draft hx_draft_ngram(int shortest, int longest);

void hx_draft_free(struct hx_draft *d);

#endif
