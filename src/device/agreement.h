/* Measuring a match trace, prompt by prompt. */
#ifndef DEVICE_AGREEMENT_H
#define DEVICE_AGREEMENT_H

#include "core/accept.h"
#include "device/runner.h"

enum { AGREEMENT_LOOKUP = 64 /* drafts that a lookup is asked for: lengths are known up to there */ };

/* Generates one text plainly, as `what` says, and finds where the drafter agrees. The runner has a drafter, and logit_rows of HX_AGREE_ROWS or more.
 * *n_tokens: of the output; *out, owned by the caller, has one position less and is empty below 2. Nothing is in *out where what->token ended
 * the text and `stopped` says so: then the text is not whole. */
int agreement_measure(struct accept_match *out, int *n_tokens, struct runner *r, struct hx_generate *what, bool (*stopped)(void), struct hx_err *err);

#endif
