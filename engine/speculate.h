/* Generating text: a drafter guesses, the target verifies all drafts in one pass and keeps those that it accepts. The output is the
 * target's own: token for token when greedy, in distribution when sampled. */
#ifndef ENGINE_SPECULATE_H
#define ENGINE_SPECULATE_H

#include "engine/draft.h"

/* For timing models whose weights are random: the number of drafts that are accepted is dictated, all else is done as ever. */
struct hx_imposed {
	double alpha; /* the chance of each, independent */
	uint64_t seed;
	const int *accepted; /* n counts, one a round; NULL: alpha. Past its end nothing is accepted */
	int n;
};

struct hx_pool;

struct hx_generate {
	const struct hx_lm *target;
	struct hx_draft *draft; /* NULL: plain decoding, gamma 0 */
	int gamma;              /* drafts a round, at most */
	int mode;               /* enum hx_mode */
	struct hx_pool *sides;  /* overlapped: of hx_speculate_sides; NULL: made for this output */
	struct hx_sample_options sampling;
	const int *prompt;
	int n_prompt, max_tokens;

	/* Each token when it is known; false: stop behind it. NULL: not wanted. With `logits` it is given the target's that the token comes from (vocab,
	 * borrowed), which without may be NULL. */
	bool (*token)(void *to, int token, const float *logits);
	void *to;
	bool logits;
	const struct hx_imposed *imposed; /* NULL: honest */
};

enum hx_ending { HX_END_LENGTH, HX_END_CALLER, HX_END_CONTEXT };
enum hx_phase { HX_PREFILL_TARGET, HX_PREFILL_DRAFT, HX_DRAFTING /* that nothing hides */, HX_VERIFYING, HX_HOST, HX_PHASES };

struct hx_round {
	int drafted, accepted;
};

/* The first token comes from the prefill, each round adds accepted + 1, but for an overlapped one whose gamma drafts are all accepted, which adds gamma; the
 * last round's may be cut by the caller. */
struct hx_generated {
	int *tokens;
	int n_tokens;
	struct hx_round *rounds;
	int n_rounds;
	double seconds[HX_PHASES]; /* add up to the whole */
	int ending;                /* enum hx_ending */
	bool imposed;              /* the text is not the target's */
};

/* The threads of overlapped drafting, for any number of outputs; hx_pool_free. HX_IO: one cannot be started. */
int hx_speculate_sides(struct hx_pool **out, struct hx_err *err);

/* Generates one text; both models forget what they held. HX_INPUT: the prompt does not fit, drafter and target differ in vocabulary, or a drafter that is not
 * apart is to overlap. On failure *out holds what there was.
 * Overlapped, the drafter works on a thread of its own while the target verifies gamma drafts, and goes on behind these as if they were all accepted. Whether it
 * got there in time changes when a text comes, never which. */
int hx_speculate(struct hx_generated *out, const struct hx_generate *what, struct hx_err *err);
void hx_speculate_free(struct hx_generated *g);

#endif
