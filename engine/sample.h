/* From logits to tokens: greedy, or drawn from probabilities after temperature, top-k and top-p, in that order. */
#ifndef ENGINE_SAMPLE_H
#define ENGINE_SAMPLE_H

#include "engine/err.h"
#include "engine/random.h"

#include <stdbool.h>

/* All 0: greedy. */
struct hx_sample_options {
	double temperature; /* 0: greedy */
	int top_k;          /* the likeliest k only; 0: all */
	double top_p;       /* of these the fewest that hold this share; 0: all */
	uint64_t seed;
};

int hx_sample_check(const struct hx_sample_options *o, struct hx_err *err);

struct hx_sampler {
	struct hx_sample_options options;
	struct hx_random random;
	int vocab;
	int *order; /* scratch of top-k and top-p */
};

void hx_sample_init(struct hx_sampler *s, const struct hx_sample_options *o, int vocab);
void hx_sample_free(struct hx_sampler *s);

/* What is drawn from here on depends on the seed and this number, not on what was drawn before; and is unrelated to what the seed alone gives. */
void hx_sample_seek(struct hx_sampler *s, int position);

bool hx_sample_greedy(const struct hx_sampler *s);

/* Probabilities that one row of logits gives, of sum 1 but for rounding; not for greedy. Of equal logits the lower token comes first. */
void hx_sample_probabilities(struct hx_sampler *s, const float *logits, float *p);

/* A token drawn from p, which need not sum to 1. */
int hx_sample_draw(struct hx_sampler *s, const float *p);

/* Rejection sampling (Chen et al., arXiv 2302.01318, algorithm 2) of a token drawn from q; q NULL: q is certain of the token. The output follows p if
 * a token that is not accepted, with the chance of min(1, p/q), is replaced by one drawn from max(0, p - q), which overwrites p. */
bool hx_sample_accept(struct hx_sampler *s, const float *p, const float *q, int token);
int hx_sample_residual(struct hx_sampler *s, float *p, const float *q, int token);

/* The largest of the softmax of logits at temperature 1: how sure of its first choice the model is. */
double hx_sample_confidence(const float *logits, int vocab, int argmax);

#endif
