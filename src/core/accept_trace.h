/* Match traces: agreement of drafter and target at every token of every prompt's output, replayed at any draft length (cost-model.md section 4).
 * What accept.h does with the other forms, for sources that have matches; nothing here is called for one that has none. */
#ifndef CORE_ACCEPT_TRACE_H
#define CORE_ACCEPT_TRACE_H

#include "core/accept.h"

/* Tokens of all prompts together. A file of them stays below the size that is read, and a sweep's replays take seconds at worst. */
enum { ACCEPT_TRACE_TOKENS = 500000 };

extern const struct field_table accept_trace_fields;

int accept_trace_check(const struct accept *a, const char *where, struct hx_err *err);

/* Output tokens of a prompt, without the first, which comes from the pass over the prompt. */
size_t accept_trace_tokens(const struct accept_match *m);

/* Chance of a first draft, the mean over a prompt's tokens; over those of all prompts. */
double accept_trace_prompt_alpha(const struct accept_match *m);
double accept_trace_alpha(const struct accept *a);

/* Chance that each of gamma drafts of a round is accepted if those before it were, over sequential rounds; NAN from where none came so far. Drafts of
 * tokens that an output no longer has do not count. */
void accept_trace_positions(const struct accept *a, int gamma, double *by_position);

/* See accept.h. Every prompt counts by the tokens that it has of the N. */
struct rounds accept_trace_rounds(const struct accept *a, int gamma, int mode, double n_tokens);
int accept_trace_prompts(const struct accept *a, double *alpha, double *weight);

#endif
