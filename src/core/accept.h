/* Acceptance sources, and what a number of rounds costs with them (cost-model.md sections 2 to 4). */
#ifndef CORE_ACCEPT_H
#define CORE_ACCEPT_H

#include "base/field.h"
#include "engine/plan.h"

/* A prompt of a match trace: one number a token of the output, but for the first. One of lengths and chances is given. */
struct accept_match {
	double *lengths;    /* drafts that are right from there on, if so many are made */
	double *chances;    /* of a draft of it to be accepted, whatever those before it were */
	double *confidence; /* the drafter's, in its first choice; or none */
	size_t n_lengths, n_chances, n_confidence;
};

/* One of alpha, beta, by_position and matches is given. */
struct accept {
	char *file; /* in a sweep: name or path of a source kept in a file; every other member is then unset */
	char *name, *description;
	char *target, *drafter;           /* NULL: any */
	char *target_quant, *draft_quant; /* NULL: any */
	char *task;
	double temperature;
	int n_prompts;
	double alpha;          /* NAN: not this form */
	double beta_a, beta_b; /* spread of alpha over prompts, Beta(a, b); NAN: not this form */
	double *by_position;   /* chance that draft i is accepted when those before it were */
	size_t n_positions;
	struct accept_match *matches; /* by prompt */
	size_t n_matches;
	int kind; /* enum source_kind */
	char *from;
};

extern const struct field_table accept_fields, accept_inline_fields;

int accept_parse(struct accept *a, const char *text, size_t len, const char *name, struct hx_err *err);
void accept_free(struct accept *a);

/* Checks one source that was read inline; `where` stands in the error. */
int accept_check(const struct accept *a, const char *where, struct hx_err *err);

/* Whether the source speaks of this pair; drafter is a model's name, `ngram` or `early-exit:K`. */
bool accept_matches(const struct accept *a, const char *target, int target_type, const char *drafter, int draft_type, double temperature);

/* Expected counts for an output of N tokens, averaged over prompts (cost-model.md section 2, finite length). Sequentially a catch-up costs
 * T_D(2) - T_D(1) more; overlapped, the rounds that catch-ups lead to find their drafts made. N = INFINITY gives figures per token. A match trace
 * is replayed: the first N tokens of every output; outputs that are shorter go on as they began. */
struct rounds {
	double rounds;
	double catch_ups; /* fully accepted rounds that another round follows */
};
struct rounds accept_rounds(const struct accept *a, int gamma, int mode, double n_tokens);

/* Tokens that a round with so many accepted drafts yields; overlapped drafting gives the bonus token up. */
int accept_yield(int accepted, int gamma, int mode);

/* Shares of the rounds of long outputs, drafted sequentially: p[a] of those that accept exactly a of gamma guesses, for a from 0 to gamma. */
void accept_shares(const struct accept *a, int gamma, double *p);

/* Prompts that stand for the source's spread: their alphas and weights, of sum 1, at most ACCEPT_PROMPTS. Returns how many: 1 for a constant,
 * 0 where alpha is not one number a prompt (by position, lookup). */
enum { ACCEPT_PROMPTS = 48 };
int accept_prompts(const struct accept *a, double *alpha, double *weight);

/* A constant source. */
struct accept accept_constant(double alpha);

/* One line for people: `alpha 0.58`, `Beta(0.3, 0.6)`, `by position 0.8 0.7 ...`,
 * `match trace of 100 prompts, alpha 0.81`. */
void accept_text(const struct accept *a, char *buf, size_t size);

#endif
