/* How often a drafter agrees with its target, measured on text that the target generated: a match trace, from which acceptance at any draft length
 * follows without drafting. */
#ifndef ENGINE_AGREE_H
#define ENGINE_AGREE_H

#include "engine/speculate.h"

enum { HX_AGREE_ROWS = 16 /* of a pass, all with logits: both models must be made for as many */ };

/* At one token of the output, given the true text before it. */
struct hx_agreement {
	int drafted;      /* by the drafter, of what comes from here on */
	int agreed;       /* of these, before the first that is wrong */
	float share;      /* chance that the first is accepted: sum over tokens of min(p, q); greedy: 1 or 0 */
	float confidence; /* as for hx_draft_model's min_confidence */
};

/* Of a language model, in one pass over the output in chunks; drafts are as many as there are tokens left. `what` and `text` are what hx_speculate
 * was called with and gave, without a drafter, as the last use of the target. out: text->n_tokens. shared: as for hx_draft_model. */
int hx_agree_model(struct hx_agreement *out, const struct hx_generate *what, const struct hx_generated *text, const struct hx_lm *drafter, bool shared,
		   struct hx_err *err);

/* Of a drafter that is certain of its drafts and keeps nothing between them (hx_draft_ngram), gamma drafts at a time. When the text was sampled a
 * share is 1 or 0 too, with the right mean. */
int hx_agree_lookup(struct hx_agreement *out, const struct hx_generate *what, const struct hx_generated *text, struct hx_draft *drafter, int gamma,
		    struct hx_err *err);

#endif
