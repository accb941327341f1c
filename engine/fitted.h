/* A language model as one of another vocabulary's size: tables of one tokenizer are padded to different sizes from model to model. */
#ifndef ENGINE_FITTED_H
#define ENGINE_FITTED_H

#include "engine/lm.h"

/* Zeroed where it is not used. */
struct hx_fitted {
	struct hx_lm lm;
	int vocab; /* it shows */
	int *tokens, *argmax, n_tokens, n_rows; /* room */
	float *logits;
};

/* A drafter that fits a target of vocab tokens. Logits beyond it are dropped; of tokens that the model lacks the logit is -INFINITY, and where the text
 * has one the model takes in its first token instead: its guesses there are bad, and checked like any. The model itself where nothing is to be done;
 * lm's self is borrowed, f stays where it is. */
struct hx_lm hx_fitted_lm(struct hx_fitted *f, const struct hx_lm *lm, int vocab);
void hx_fitted_free(struct hx_fitted *f);

#endif
