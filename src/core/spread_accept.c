/* What an acceptance source leaves open: other prompts would have given other counts, and prompts differ. */
#include "core/accept_trace.h"
#include "core/spread_internal.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

/* Prompts that a source is of, or that stand for its distribution: how often each is drawn, the tokens it counts by, and its rounds. */
struct prompts {
	double chance[ACCEPT_PROMPTS], *chances;
	struct rounds *rounds;
	double *tokens;
	size_t n;
};

bool spread_sampled(const struct accept *a)
{
	return a->n_matches > 1 || a->n_prompts > 0;
}

static struct accept one_match(const struct accept *a, size_t i)
{
	struct accept one = *a;

	one.matches = &a->matches[i];
	one.n_matches = 1;
	return one;
}

/* Draws `of` prompts again and again. */
static void resample(gsl_rng *rng, const struct prompts *q, unsigned of, struct rounds *out)
{
	unsigned *counts = hx_xcalloc(q->n, sizeof(*counts));

	for (int d = 0; d < SPREAD_DRAWS; d++) {
		struct rounds sum = {0, 0};
		double tokens = 0;

		gsl_ran_multinomial(rng, q->n, of, q->chances, counts);
		for (size_t i = 0; i < q->n; i++) {
			sum.rounds += counts[i] * q->tokens[i] * q->rounds[i].rounds;
			sum.catch_ups += counts[i] * q->tokens[i] * q->rounds[i].catch_ups;
			tokens += counts[i] * q->tokens[i];
		}
		out[d] = (struct rounds){sum.rounds / tokens, sum.catch_ups / tokens};
	}
	free(counts);
}

/* A match trace's own prompts; of a Beta, those of its quadrature. */
static void prompts_of(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens, struct prompts *q)
{
	double alpha[ACCEPT_PROMPTS];

	q->n = a->n_matches ? a->n_matches : (size_t)accept_prompts(a, alpha, q->chance);
	q->chances = hx_xcalloc(q->n, sizeof(*q->chances));
	q->rounds = hx_xcalloc(q->n, sizeof(*q->rounds));
	q->tokens = hx_xcalloc(q->n, sizeof(*q->tokens));
	for (size_t i = 0; i < q->n; i++) {
		struct accept one = a->n_matches ? one_match(a, i) : accept_constant(alpha[i]);

		q->chances[i] = a->n_matches ? 1 : q->chance[i];
		q->tokens[i] = a->n_matches ? fmin(n_tokens, (double)accept_trace_tokens(one.matches)) : 1;
		q->rounds[i] = predict_rounds(p, &one, gamma, mode, n_tokens);
	}
}

static void prompts_free(struct prompts *q)
{
	free(q->chances);
	free(q->rounds);
	free(q->tokens);
}

/* A chance of which no more is known than that it was found on so many prompts, at quantile u. Each counts as one draft: no spread over prompts makes
 * their mean vary more. */
static double chance_at(double chance, double n, double u)
{
	return chance > 0 && chance < 1 ? gsl_cdf_beta_Pinv(u, n * chance, n * (1 - chance)) : chance;
}

static void vary(const struct predict *p, gsl_rng *rng, const struct accept *a, int gamma, int mode, int n_tokens, struct rounds *out)
{
	struct accept drawn = *a;

	drawn.by_position = hx_xcalloc(a->n_positions + 1, sizeof(double));
	for (int d = 0; d < SPREAD_DRAWS; d++) {
		double u = gsl_rng_uniform_pos(rng);

		drawn.alpha = isnan(a->alpha) ? NAN : chance_at(a->alpha, a->n_prompts, u);
		for (size_t i = 0; i < a->n_positions; i++)
			drawn.by_position[i] = chance_at(a->by_position[i], a->n_prompts, u);
		out[d] = predict_rounds(p, &drawn, gamma, mode, n_tokens);
	}
	free(drawn.by_position);
}

void spread_rounds(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens, unsigned long seed, struct rounds *out)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct prompts q = {0};

	gsl_rng_set(rng, seed);
	if (a->n_matches || !isnan(a->beta_a)) {
		prompts_of(p, a, gamma, mode, n_tokens, &q);
		resample(rng, &q, a->n_matches ? (unsigned)a->n_matches : (unsigned)a->n_prompts, out);
		prompts_free(&q);
	} else {
		vary(p, rng, a, gamma, mode, n_tokens, out);
	}
	gsl_rng_free(rng);
}

size_t spread_prompts(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens, struct rounds **out)
{
	struct prompts q = {0};

	*out = NULL;
	if (!isnan(a->beta_a)) { /* more is accepted, faster it is */
		*out = hx_xcalloc(2, sizeof(**out));
		for (int i = 0; i < 2; i++) {
			struct accept one = accept_constant(gsl_cdf_beta_Pinv(i ? 0.95 : 0.05, a->beta_a, a->beta_b));

			(*out)[i] = predict_rounds(p, &one, gamma, mode, n_tokens);
		}
		return 2;
	}
	if (a->n_matches < 2)
		return 0;
	prompts_of(p, a, gamma, mode, n_tokens, &q);
	*out = q.rounds;
	q.rounds = NULL;
	prompts_free(&q);
	return q.n;
}
