/* What the two loops share: text that grows round by round. */
#ifndef ENGINE_SPECULATE_INTERNAL_H
#define ENGINE_SPECULATE_INTERNAL_H

#include "engine/speculate.h"

/* The target holds all of the text but its last token, which the next pass takes in with drafts behind it. */
struct hx_loop {
	const struct hx_generate *what;
	struct hx_generated *out;
	const struct hx_lm *target;
	struct hx_sampler sampler; /* of the target's tokens, and in a sequential loop of the drafts */
	struct hx_random imposed;
	float *p;  /* vocab: the target's probabilities at the row looked at */
	int *text; /* prompt and output, and what is not emitted yet */
	int n, end; /* its length, and the most it may be */
	struct hx_logits rows; /* of the target's last pass */
	int fresh; /* tokens behind the text that may be emitted */
	bool all_right; /* the last drafts */
	bool stopped; /* by the caller */
	double since_s;
};

/* What ran since the last call was of that phase. */
void hx_speculate_lap(struct hx_loop *l, enum hx_phase phase);

/* Has the target verify drafts: those accepted, and its own token where one is refused, are fresh then. With bonus it adds one behind the last draft
 * too, which takes a row more; without there is a draft. */
int hx_speculate_verify(struct hx_loop *l, const struct hx_proposal *drafts, bool bonus, struct hx_err *err);

/* The text grows by what is fresh, until the caller stops it. */
void hx_speculate_emit(struct hx_loop *l);

/* All rounds behind the prefill, in overlapped mode. */
int hx_speculate_overlapped(struct hx_loop *l, struct hx_err *err);

#endif
