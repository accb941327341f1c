/* A match trace reduced to the other forms of a source, and how well they stand for it. */
#ifndef CORE_ACCEPT_FIT_H
#define CORE_ACCEPT_FIT_H

#include "core/accept.h"

enum { ACCEPT_FIT_POSITIONS = 8, ACCEPT_FIT_QUANTILES = 5 };

extern const double accept_fit_quantiles[ACCEPT_FIT_QUANTILES]; /* 0.05 to 0.95 */

/* Beta distribution of alpha over prompts, with standard errors. */
struct accept_beta {
	double a, b, a_se, b_se;
};

struct accept_fit {
	double tokens;          /* drafts tried, all prompts together */
	double alpha, alpha_se; /* the error lets prompts differ; NAN: one prompt */
	struct accept_beta beta; /* NAN: none */
	double by_position[ACCEPT_FIT_POSITIONS]; /* in rounds of so many drafts; NAN from where none came so far */
	double quantile[ACCEPT_FIT_QUANTILES];    /* of the prompts' alphas, each prompt counting once */
};

/* Of a source with matches. */
void accept_fit(const struct accept *traces, struct accept_fit *out);

/* Maximum likelihood of the beta-binomial distribution: right[i] of tried[i] drafts were accepted. False, and all NAN: there are no finite
 * a and b, or none that a source may have, since prompts differ by no more than chance, or are all right or all wrong. */
bool accept_fit_beta(const double *right, const double *tried, size_t n, struct accept_beta *out);

/* Tokens per round at a draft length, sequentially, if the traces' outputs, each of its own length, were drafted with the acceptance of `model`:
 * the traces themselves, replayed, or a form that they were reduced to. */
double accept_fit_tokens(const struct accept *traces, const struct accept *model, int gamma);

#endif
