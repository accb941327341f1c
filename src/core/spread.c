/* How sure a speedup is. */
#include "core/spread.h"

#include "core/spread_internal.h"
#include "core/variation.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

/* No pass takes less than this share of its time in any draw. */
static const double least_time = 0.1;

struct spreading {
	const struct predict *p;
	struct variation v;
	struct variation_parameter **parameters; /* of the covariance */
	gsl_matrix *roots;                       /* one column times a standard normal number each: the logarithms' deviations */
	gsl_rng *rng;
	struct rounds **rounds; /* by source, workload, mode and gamma, SPREAD_DRAWS each; NULL: not drawn so far */
};

static bool profile_known(const struct profile *p)
{
	bool known = p->covariance.n_parameters > 0;

	for (size_t u = 0; u < p->n_units; u++)
		known |= !isnan(p->units[u].residual);
	return known;
}

static bool source_known(const struct accept *a)
{
	return spread_sampled(a) || !isnan(a->beta_a);
}

bool spread_known(const struct predict *p)
{
	bool known = profile_known(&p->study->profile);

	for (size_t i = 0; i < p->study->sweep.n_acceptance; i++)
		known |= source_known(&p->study->sweep.acceptance[i]);
	return known;
}

/* ---- draws ---- */

/* A square root of the covariance, which may be singular: eigenvectors times the roots of their values, those below 0 being rounding. */
static int find_roots(struct spreading *s, struct hx_err *err)
{
	const struct covariance *c = &s->p->study->profile.covariance;
	size_t n = c->n_parameters;
	gsl_matrix *m = gsl_matrix_alloc(n, n);
	gsl_vector *values = gsl_vector_alloc(n);
	gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(n);
	int status;

	s->roots = gsl_matrix_alloc(n, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			gsl_matrix_set(m, i, k, (c->matrix[i][k] + c->matrix[k][i]) / 2);
	status = gsl_eigen_symmv(m, values, s->roots, w);
	for (size_t k = 0; k < n; k++) {
		gsl_vector_view column = gsl_matrix_column(s->roots, k);

		gsl_vector_scale(&column.vector, sqrt(fmax(gsl_vector_get(values, k), 0)));
	}
	gsl_eigen_symmv_free(w);
	gsl_vector_free(values);
	gsl_matrix_free(m);
	return status ? hx_err_set(err, HX_INPUT, "profile '%s': covariance.matrix: %s", s->p->study->profile.name, gsl_strerror(status)) : HX_OK;
}

/* A profile that was read has them all. */
static int find_parameters(struct spreading *s, struct hx_err *err)
{
	const struct covariance *c = &s->p->study->profile.covariance;

	s->parameters = hx_xcalloc(c->n_parameters + 1, sizeof(*s->parameters));
	for (size_t i = 0; i < c->n_parameters; i++)
		s->parameters[i] = variation_find(&s->v, c->parameters[i]);
	return c->n_parameters ? find_roots(s, err) : HX_OK;
}

static void draw_parameters(struct spreading *s)
{
	size_t n = s->p->study->profile.covariance.n_parameters;
	double *z = hx_xcalloc(n + 1, sizeof(*z));

	for (size_t k = 0; k < n; k++)
		z[k] = gsl_ran_ugaussian(s->rng);
	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		for (size_t k = 0; k < n; k++)
			sum += gsl_matrix_get(s->roots, i, k) * z[k];
		*s->parameters[i]->at = s->parameters[i]->value * exp(sum);
	}
	free(z);
}

static void draw_passes(struct spreading *s)
{
	struct profile *p = &s->v.study.profile;

	for (size_t u = 0; u < p->n_units; u++) {
		struct unit *unit = &p->units[u];

		for (int g = 0; g < PASS_GROUPS; g++)
			unit->drawn[g] = isnan(unit->residual) ? 0 : fmax(gsl_ran_gaussian(s->rng, unit->residual), least_time - 1);
	}
}

static int source_of(const struct spreading *s, const struct point *pt)
{
	return pt->gamma ? study_acceptance(s->p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
}

static struct rounds rounds_of(struct spreading *s, const struct point *pt, int draw)
{
	const struct sweep *sw = &s->p->study->sweep;
	int source = source_of(s, pt), generated = sw->workloads[pt->workload].generated;
	size_t gammas = s->p->space->n_gamma, at;

	if (source < 0)
		return (struct rounds){generated, 0};
	at = (((size_t)source * sw->n_workloads + (size_t)pt->workload) * HX_MODES + (size_t)pt->mode) * gammas + space_gamma(s->p->space, pt->gamma);
	if (!spread_sampled(&sw->acceptance[source]))
		return s->p->rounds[at];
	if (!s->rounds[at]) {
		s->rounds[at] = hx_xcalloc(SPREAD_DRAWS, sizeof(**s->rounds));
		/* one seed a source: all draft lengths meet the same prompts */
		spread_rounds(s->p, &sw->acceptance[source], pt->gamma, pt->mode, generated, (unsigned long)sw->seed + 1 + (unsigned long)source, s->rounds[at]);
	}
	return s->rounds[at][draw];
}

/* ---- what is said of them ---- */

static void over_prompts(struct spreading *s, const struct point *pt, struct spread *out)
{
	const struct sweep *sw = &s->p->study->sweep;
	int source = source_of(s, pt);
	struct rounds *rounds = NULL;
	double *speedup;
	size_t n = 0;

	if (source >= 0)
		n = spread_prompts(s->p, &sw->acceptance[source], pt->gamma, pt->mode, sw->workloads[pt->workload].generated, &rounds);
	if (!n)
		return;
	speedup = hx_xcalloc(n, sizeof(*speedup));
	for (size_t i = 0; i < n; i++)
		speedup[i] = variation_speedup(&s->v, pt, &rounds[i]);
	gsl_sort(speedup, 1, n);
	out->prompt_p05 = gsl_stats_quantile_from_sorted_data(speedup, 1, n, n == 2 ? 0 : 0.05);
	out->prompt_p95 = gsl_stats_quantile_from_sorted_data(speedup, 1, n, n == 2 ? 1 : 0.95);
	free(speedup);
	free(rounds);
}

static void summarise(double *speedup, struct spread *out)
{
	int above = 0;

	for (int d = 0; d < SPREAD_DRAWS; d++)
		above += speedup[d] > 1;
	gsl_sort(speedup, 1, SPREAD_DRAWS);
	out->p05 = gsl_stats_quantile_from_sorted_data(speedup, 1, SPREAD_DRAWS, 0.05);
	out->p95 = gsl_stats_quantile_from_sorted_data(speedup, 1, SPREAD_DRAWS, 0.95);
	out->p_gain = (double)above / SPREAD_DRAWS;
}

/* Whether a draw changes anything of the point. */
static bool drawn(const struct spreading *s, const struct point *pt)
{
	int source = source_of(s, pt);

	return profile_known(&s->p->study->profile) || (source >= 0 && spread_sampled(&s->p->study->sweep.acceptance[source]));
}

/* Draws in the outer loop: prices are shared by the points of one. */
static void draw_all(struct spreading *s, const struct point *points, size_t n, struct spread *out)
{
	double *speedup = hx_xcalloc(n * SPREAD_DRAWS + 1, sizeof(*speedup));

	for (size_t i = 0; i < n; i++)
		over_prompts(s, &points[i], &out[i]);
	for (int d = 0; d < SPREAD_DRAWS; d++) {
		draw_parameters(s);
		draw_passes(s);
		variation_changed(&s->v);
		for (size_t i = 0; i < n; i++) {
			struct rounds r = rounds_of(s, &points[i], d);

			speedup[i * SPREAD_DRAWS + (size_t)d] = variation_speedup(&s->v, &points[i], &r);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (drawn(s, &points[i]) && !isnan(speedup[i * SPREAD_DRAWS]))
			summarise(&speedup[i * SPREAD_DRAWS], &out[i]);
	free(speedup);
}

int spread_points(const struct predict *p, const struct point *points, size_t n, struct spread *out, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;
	size_t tables = sw->n_acceptance * sw->n_workloads * HX_MODES * p->space->n_gamma;
	struct spreading s = {.p = p};
	int rc;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct spread){NAN, NAN, NAN, NAN, NAN};
	if (!n || !spread_known(p))
		return HX_OK;
	variation_init(&s.v, p);
	s.rounds = hx_xcalloc(tables + 1, sizeof(*s.rounds));
	s.rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(s.rng, (unsigned long)sw->seed);
	if (!(rc = find_parameters(&s, err)))
		draw_all(&s, points, n, out);
	for (size_t i = 0; i < tables; i++)
		free(s.rounds[i]);
	free(s.rounds);
	free(s.parameters);
	if (s.roots)
		gsl_matrix_free(s.roots);
	gsl_rng_free(s.rng);
	variation_free(&s.v);
	return rc;
}
