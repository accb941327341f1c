/* A language model in the middle of a text: what the speculative loop and its drafters need of whatever runs one (exec.h). */
#ifndef ENGINE_LM_H
#define ENGINE_LM_H

#include "engine/plan.h"

/* What a pass gives for its last rows: borrowed until the next pass. */
struct hx_logits {
	int rows;
	const float *logits; /* rows x vocab, row-major; NULL where they are not wanted and would have to be fetched */
	const int *argmax;   /* of each row: the lowest token of the largest logit */
	bool wanted;         /* set by the caller: the logits themselves, not the argmax alone */
};

struct hx_lm {
	void *self;
	int vocab;
	int context; /* tokens it can hold */

	/* Takes in n tokens behind those it holds, as a pass of that kind, and gives the logits of the last logit_rows of them (0: none). */
	int (*decode)(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err);

	/* Forgets all but the first `length` tokens. */
	void (*rollback)(void *self, int length);

	/* Drafts greedily without coming back to the host: takes in n tokens, then each draft but the last, as passes of that kind, a later one HX_PASS_DRAFT.
	 * steps > 0 drafts. NULL: one decode a draft does as well. */
	int (*draft)(void *self, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err);
};

#endif
