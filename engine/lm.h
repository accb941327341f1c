/* A language model in the middle of a text: what the speculative loop and its drafters need of whatever runs one (exec.h). */
#ifndef ENGINE_LM_H
#define ENGINE_LM_H

#include "engine/plan.h"

/* What a pass gives for its last rows: borrowed until the next pass. */
struct hx_logits {
	int rows;
	const float *logits; /* rows x vocab, row-major */
	const int *argmax;   /* of each row: the lowest token of the largest logit */
};

struct hx_lm {
	void *self;
	int vocab;
	int context; /* tokens it can hold */

	/* Takes in n tokens behind those it holds, as a pass of that kind, and gives the logits of the last logit_rows of them (0: none). */
	int (*decode)(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err);

	/* Forgets all but the first `length` tokens. */
	void (*rollback)(void *self, int length);
};

#endif
