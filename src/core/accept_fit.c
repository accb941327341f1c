/* Reducing match traces. */
#include "core/accept_fit.h"

#include "core/accept_trace.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const double accept_fit_quantiles[ACCEPT_FIT_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

static const double least = 0.01, most = 1000; /* what a source's a and b may be */
static const struct accept_beta none = {NAN, NAN, NAN, NAN};

/* ---- Beta ---- */

struct counts {
	const double *right, *tried;
	size_t n;
};

/* Negative log-likelihood at (log a, log b), without the binomial coefficients; beyond the bounds it rises. */
static double surprise(const gsl_vector *x, void *arg)
{
	const struct counts *c = arg;
	double sum = 0, beyond = 0, p[2], whole;

	for (size_t i = 0; i < 2; i++) {
		double at = gsl_vector_get(x, i), inside = fmin(fmax(at, log(least)), log(most));

		beyond += gsl_pow_2(at - inside);
		p[i] = exp(inside);
	}
	whole = gsl_sf_lnbeta(p[0], p[1]);
	for (size_t i = 0; i < c->n; i++)
		sum += whole - gsl_sf_lnbeta(p[0] + c->right[i], p[1] + c->tried[i] - c->right[i]);
	return sum * (1 + beyond) + beyond;
}

/* Inverse of the second derivatives of `surprise` in a and b. */
static bool errors(const struct counts *c, struct accept_beta *out)
{
	double a = out->a, b = out->b, aa = 0, bb = 0, ab = 0, determinant;

	for (size_t i = 0; i < c->n; i++) {
		double both = gsl_sf_psi_1(a + b + c->tried[i]) - gsl_sf_psi_1(a + b);

		aa += gsl_sf_psi_1(a) - gsl_sf_psi_1(a + c->right[i]) + both;
		bb += gsl_sf_psi_1(b) - gsl_sf_psi_1(b + c->tried[i] - c->right[i]) + both;
		ab += both;
	}
	determinant = aa * bb - ab * ab;
	if (!(determinant > 0 && aa > 0))
		return false;
	out->a_se = sqrt(bb / determinant);
	out->b_se = sqrt(aa / determinant);
	return true;
}

/* (log a, log b) by moments: the mean, and a size that the spread asks for. */
static void start(const struct counts *c, gsl_vector *x)
{
	double right = 0, tried = 0, spread = 0, mean, size;

	for (size_t i = 0; i < c->n; i++) {
		right += c->right[i];
		tried += c->tried[i];
	}
	mean = fmin(fmax(right / tried, 0.02), 0.98);
	for (size_t i = 0; i < c->n; i++)
		spread += gsl_pow_2(c->right[i] / c->tried[i] - mean) / (double)c->n;
	size = fmin(fmax(mean * (1 - mean) / fmax(spread, 1e-6) - 1, 0.5), 200);
	gsl_vector_set(x, 0, log(mean * size));
	gsl_vector_set(x, 1, log((1 - mean) * size));
}

static int minimise(const struct counts *c, gsl_vector *x)
{
	gsl_multimin_function f = {surprise, 2, (void *)c};
	gsl_multimin_fminimizer *m = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, 2);
	gsl_vector *step = gsl_vector_alloc(2);
	int status;

	gsl_vector_set_all(step, 0.5);
	status = gsl_multimin_fminimizer_set(m, &f, x, step);
	for (int i = 0; i < 1000 && !status; i++) {
		status = gsl_multimin_fminimizer_iterate(m);
		if (gsl_multimin_test_size(m->size, 1e-7) == GSL_SUCCESS)
			break;
	}
	gsl_vector_memcpy(x, m->x);
	gsl_vector_free(step);
	gsl_multimin_fminimizer_free(m);
	return status;
}

bool accept_fit_beta(const double *right, const double *tried, size_t n, struct accept_beta *out)
{
	struct counts c = {right, tried, n};
	gsl_vector *x = gsl_vector_alloc(2);
	bool found;

	start(&c, x);
	found = minimise(&c, x) == GSL_SUCCESS;
	*out = (struct accept_beta){exp(gsl_vector_get(x, 0)), exp(gsl_vector_get(x, 1)), NAN, NAN};
	found = found && fmin(out->a, out->b) > 1.01 * least && fmax(out->a, out->b) < 0.99 * most && errors(&c, out);
	if (!found)
		*out = none;
	gsl_vector_free(x);
	return found;
}

/* ---- the rest ---- */

/* Standard error of a ratio of sums over prompts, which are what is independent. */
static double ratio_error(const double *right, const double *tried, size_t n, double ratio)
{
	double squares = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		squares += gsl_pow_2(right[i] - ratio * tried[i]);
		sum += tried[i];
	}
	return n > 1 ? sqrt(squares * (double)n / (double)(n - 1)) / sum : NAN;
}

void accept_fit(const struct accept *t, struct accept_fit *out)
{
	size_t n = t->n_matches;
	double *alpha = hx_xcalloc(n, sizeof(*alpha)), *right = hx_xcalloc(n, sizeof(*right)), *tried = hx_xcalloc(n, sizeof(*tried));

	*out = (struct accept_fit){.alpha = accept_trace_alpha(t)};
	for (size_t i = 0; i < n; i++) {
		tried[i] = (double)accept_trace_tokens(&t->matches[i]);
		alpha[i] = accept_trace_prompt_alpha(&t->matches[i]);
		right[i] = alpha[i] * tried[i];
		out->tokens += tried[i];
	}
	out->alpha_se = ratio_error(right, tried, n, out->alpha);
	accept_fit_beta(right, tried, n, &out->beta);
	accept_trace_positions(t, ACCEPT_FIT_POSITIONS, out->by_position);
	gsl_sort(alpha, 1, n);
	for (int q = 0; q < ACCEPT_FIT_QUANTILES; q++)
		out->quantile[q] = gsl_stats_quantile_from_sorted_data(alpha, 1, n, accept_fit_quantiles[q]);
	free(alpha);
	free(right);
	free(tried);
}

double accept_fit_tokens(const struct accept *t, const struct accept *model, int gamma)
{
	double rounds = 0, tokens = 0, *lengths;

	if (t == model)
		return 1 / accept_rounds(t, gamma, HX_SEQUENTIAL, INFINITY).rounds;
	lengths = hx_xcalloc(t->n_matches, sizeof(*lengths));
	for (size_t i = 0; i < t->n_matches; i++)
		lengths[i] = (double)accept_trace_tokens(&t->matches[i]);
	gsl_sort(lengths, 1, t->n_matches);
	for (size_t i = 0, same; i < t->n_matches; i += same) { /* most outputs are of one length */
		for (same = 1; i + same < t->n_matches && lengths[i + same] == lengths[i];)
			same++;
		rounds += (double)same * accept_rounds(model, gamma, HX_SEQUENTIAL, lengths[i]).rounds;
		tokens += (double)same * lengths[i];
	}
	free(lengths);
	return tokens / rounds;
}
