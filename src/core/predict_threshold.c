/* Thresholds: what would make a pair pay. */
#include "core/predict.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>

enum { MAX_FACTOR = 1000 /* where the search for a drafter's highest tolerable cost ends */ };

/* Decode seconds at the best gamma of the space. */
static double fastest(const struct predict *p, const struct point *pt, struct pair *pair, const struct accept *a, double draft_factor)
{
	double best = HUGE_VAL;

	for (size_t g = 0; g < p->space->n_gamma; g++)
		best = fmin(best, predict_decode_s(p, pt, pair, p->space->gamma[g], a, draft_factor));
	return best;
}

struct threshold {
	double plain_s; /* decode seconds to be matched */
	const struct predict *p;
	const struct point *pt;
	struct pair *pair;
	const struct accept *a; /* NULL: x is a constant alpha; else x is the drafter's factor */
};

/* Logarithm of the best speedup over gamma. */
static double gain(double x, void *arg)
{
	const struct threshold *t = arg;
	struct accept constant = accept_constant(x);

	return log(t->plain_s / fastest(t->p, t->pt, t->pair, t->a ? t->a : &constant, t->a ? x : 1));
}

/* Root of gain in [pays, loses] by Brent's method, gain being positive at `pays` if anywhere: `loses` where it pays even there, NAN where
 * it never does. */
static double solve(struct threshold *t, double pays, double loses)
{
	gsl_function f = {gain, t};
	gsl_root_fsolver *s;
	double root = NAN, lo = fmin(pays, loses), hi = fmax(pays, loses);
	int status;

	if (!(gain(pays, t) > 0))
		return NAN;
	if (gain(loses, t) >= 0)
		return loses;
	s = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
	status = gsl_root_fsolver_set(s, &f, lo, hi);
	for (int i = 0; i < 100 && status == GSL_SUCCESS; i++) {
		status = gsl_root_fsolver_iterate(s);
		root = gsl_root_fsolver_root(s);
		if (gsl_root_test_interval(gsl_root_fsolver_x_lower(s), gsl_root_fsolver_x_upper(s), 0, 1e-6) == GSL_SUCCESS)
			break;
	}
	gsl_root_fsolver_free(s);
	return status == GSL_SUCCESS ? root : NAN;
}

double predict_alpha_threshold(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s)
{
	struct threshold t = {plain_s, p, pt, pair, NULL};

	return solve(&t, 1, 0);
}

double predict_cost_threshold(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s)
{
	int source = pt->drafter >= 0 ? study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
	struct threshold t = {plain_s, p, pt, pair, source >= 0 ? &p->study->sweep.acceptance[source] : NULL};

	if (source < 0 || p->study->drafters[pt->drafter].kind == HX_DRAFT_NGRAM)
		return NAN;
	return solve(&t, 0, MAX_FACTOR);
}

double predict_oracle(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s)
{
	double alpha[ACCEPT_PROMPTS], weight[ACCEPT_PROMPTS], mean_s = 0;
	int source = pt->drafter >= 0 ? study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
	int n = source >= 0 ? accept_prompts(&p->study->sweep.acceptance[source], alpha, weight) : 0;

	if (n < 2)
		return NAN;
	for (int i = 0; i < n; i++) {
		struct accept constant = accept_constant(alpha[i]);

		mean_s += weight[i] * fmin(plain_s, fastest(p, pt, pair, &constant, 1));
	}
	return plain_s / mean_s;
}
