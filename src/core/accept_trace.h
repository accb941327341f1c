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

/* Chance that the drafts from token `at` on are right, each of them: n is how many, and less where the output ends. */
double accept_trace_chance(const struct accept_match *m, size_t at, size_t n);

/* Chance of a first draft, the mean over a prompt's tokens; over those of all prompts. */
double accept_trace_prompt_alpha(const struct accept_match *m);
double accept_trace_alpha(const struct accept *a);

/* See accept.h. Every prompt counts by the tokens that it has of the N. */
struct rounds accept_trace_rounds(const struct accept *a, int gamma, int mode, double n_tokens);
int accept_trace_prompts(const struct accept *a, double *alpha, double *weight);

#endif
