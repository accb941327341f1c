/* The fit: the parameters of a unit at which the cost model (cost_op, as it is) comes nearest to the samples. Parameters are varied as logarithms, and
 * a sample's error is relative and counts by the square root of its share of the pass: what is fitted is the time of passes. */
#include "device/calibrate_internal.h"

#include "core/cost.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ITERATIONS = 60, ROUNDS = 3 };

/* What ties neighbours in a table together, where samples leave them open: the error that a factor of e between them weighs as. A few rows make no kernel
 * more efficient than some more do; where memory is what takes their time, samples alone would not tell. */
enum { FEW_ROWS = 4 };
static const double tie = 0.01, fall = 0.1;

/* Samples further off than so many times the median, and than that error, count less and less: what disturbed them is not to be fitted. */
static const double outlying = 3, near = 0.05;

/* A sample whose repeats differ by so much counts two thirds. */
static const double scattered = 0.1;

/* Plain decoding, which every speedup is taken against, and drafting are passes of one row. */
static const double one_row = 3;

static const double most_p = 16;

/* Bytes that a core reads in a cycle at most, from its nearest cache. */
static const double load_bytes = 64;

struct parameter {
	double *at;
	char *path;
	double min, max;
	const double *neighbour; /* in the table; NULL: none */
	bool rises;              /* is above its neighbour, that is */
};

struct fit {
	struct calibration *c;
	int u;
	struct parameter *parameters;
	size_t n_parameters;
	const struct calibrate_sample **samples; /* of the unit */
	size_t n_samples;
	double *weights; /* of samples */
};

static struct unit *unit_of(const struct fit *f)
{
	return &f->c->profile.units[f->u];
}

static double predicted(const struct profile *p, const struct calibrate_sample *s)
{
	const struct unit *u = &p->units[s->op.unit];
	double bw = cost_bandwidth(u, s->op.cores, s->op.clock_hz, s->footprint_bytes);

	return cost_op(p, &s->op, s->rows, s->logits, s->cached, bw).time_s;
}

static void add_parameter(struct fit *f, double *at, char *path, double min, double max, const double *neighbour, bool rises)
{
	f->parameters = hx_xrealloc(f->parameters, f->n_parameters + 1, sizeof(*f->parameters));
	f->parameters[f->n_parameters++] = (struct parameter){at, path, min, max, neighbour, rises};
}

static void list_parameters(struct fit *f)
{
	static const char *const act[ACT_COUNT] = {"embed", "norm", "rope", "argmax", "matrix", "out", "gate", "attn"};
	struct unit *u = unit_of(f);
	struct bandwidth *b = &u->bandwidth;
	const char *name = u->is.name;

	for (size_t i = 0; i < b->n_footprints; i++)
		for (size_t k = 0; k < b->n_cores; k++)
			add_parameter(f, &b->bytes_s[i][k], hx_xasprintf("units.%s.bandwidth.bytes_s[%zu][%zu]", name, i, k), 1e6,
				      load_bytes * u->is.clock_hz * b->cores[k],
				      i ? &b->bytes_s[i - 1][k] : NULL, false);
	for (size_t i = 0; i < u->n_kernels; i++)
		for (size_t r = 0; r < u->kernels[i].n_efficiency; r++)
			add_parameter(f, &u->kernels[i].efficiency[r], hx_xasprintf("units.%s.kernels[%zu].efficiency[%zu]", name, i, r), 1e-6, 1,
				      r ? &u->kernels[i].efficiency[r - 1] : NULL, u->kernels[i].rows[r] <= FEW_ROWS);
	add_parameter(f, &u->attn_efficiency, hx_xasprintf("units.%s.attn_efficiency", name), 1e-6, 1, NULL, false);
	add_parameter(f, &u->attn_softmax, hx_xasprintf("units.%s.attn_softmax", name), 0.1, 1e3, NULL, false);
	for (int i = 0; i < ACT_COUNT; i++)
		add_parameter(f, &u->small_bytes_s[i], hx_xasprintf("units.%s.small_bytes_s.%s", name, act[i]), 1e6, load_bytes * u->is.clock_hz, NULL, false);
	add_parameter(f, &u->p, hx_xasprintf("units.%s.p", name), 1, most_p, NULL, false);
	add_parameter(f, &u->p_cache, hx_xasprintf("units.%s.p_cache", name), 1, most_p, NULL, false);
	if (u->is.kind == HX_CPU) /* a device's driver tells */
		add_parameter(f, &u->launch_s, hx_xasprintf("units.%s.launch_s", name), 1e-9, 1, NULL, false);
	if (b->n_cores > 1) {
		add_parameter(f, &u->barrier_s, hx_xasprintf("units.%s.barrier_s", name), 1e-9, 1, NULL, false);
		add_parameter(f, &u->shared_bytes_s, hx_xasprintf("units.%s.shared_bytes_s", name), 1e6, load_bytes * u->is.clock_hz * u->is.cores, NULL, false);
	}
}

static void set(const struct fit *f, const gsl_vector *x)
{
	for (size_t i = 0; i < f->n_parameters; i++)
		*f->parameters[i].at = fmin(fmax(exp(gsl_vector_get(x, i)), f->parameters[i].min), f->parameters[i].max);
}

static double tied(const struct parameter *p)
{
	double above = p->neighbour ? log(*p->at / *p->neighbour) : 0;

	return (p->rises && above < 0 ? fall : tie) * above;
}

static int residuals(const gsl_vector *x, void *data, gsl_vector *out)
{
	const struct fit *f = data;

	set(f, x);
	for (size_t i = 0; i < f->n_samples; i++) {
		const struct calibrate_sample *s = f->samples[i];

		gsl_vector_set(out, i, f->weights[i] * (predicted(&f->c->profile, s) / s->seconds - 1));
	}
	for (size_t i = 0; i < f->n_parameters; i++) {
		const struct parameter *p = &f->parameters[i];
		double beyond = gsl_vector_get(x, i) - log(*p->at); /* its bounds */

		gsl_vector_set(out, f->n_samples + i, beyond + tied(p));
	}
	return GSL_SUCCESS;
}

/* ---- where to start ---- */

static double peak_share(const struct fit *f, const struct kernel *k, const struct calibrate_sample *s)
{
	struct hx_work w = hx_op_work(&s->op, s->rows, s->logits, s->cached);

	return w.flop / s->seconds / cost_peak(unit_of(f), s->op.cores, s->op.clock_hz, k);
}

/* The rates that the samples alone reach: too low, since memory and arithmetic are both at work in each. */
static void start(struct fit *f)
{
	struct unit *u = unit_of(f);
	struct bandwidth *b = &u->bandwidth;

	u->p = u->p_cache = 3;
	if (u->is.kind == HX_CPU)
		u->launch_s = 1e-3;
	u->barrier_s = b->n_cores > 1 ? 1e-6 : NAN;
	u->shared_bytes_s = b->n_cores > 1 ? 1e10 : NAN;
	u->attn_efficiency = 0.1;
	u->attn_softmax = 10;
	for (int i = 0; i < ACT_COUNT; i++)
		u->small_bytes_s[i] = 1e10;
	for (size_t n = 0; n < f->n_samples; n++) {
		const struct calibrate_sample *s = f->samples[n];
		const struct hx_op *op = &s->op;
		const struct hx_work w = hx_op_work(&s->op, s->rows, s->logits, s->cached);
		size_t i = 0, k = 0;

		if (u->is.kind == HX_CPU)
			u->launch_s = fmin(u->launch_s, s->seconds);
		if (!(op->flop_row > 0))
			continue;
		while (i + 1 < b->n_footprints && s->footprint_bytes > sqrt(b->footprint_bytes[i] * b->footprint_bytes[i + 1]))
			i++;
		while (k + 1 < b->n_cores && op->cores > b->cores[k])
			k++;
		b->bytes_s[i][k] = fmax(b->bytes_s[i][k], (w.weight_bytes + w.act_bytes) / s->seconds);
		for (size_t t = 0; t < u->n_kernels; t++)
			for (size_t r = 0; u->kernels[t].type == op->type && r < u->kernels[t].n_rows; r++)
				if (u->kernels[t].rows[r] == w.rows)
					u->kernels[t].efficiency[r] = fmin(1, fmax(u->kernels[t].efficiency[r], peak_share(f, &u->kernels[t], s)));
	}
	for (size_t i = 0; i < f->n_parameters; i++) /* what no sample tells is as its neighbour */
		if (!(*f->parameters[i].at > 0))
			*f->parameters[i].at = f->parameters[i].neighbour ? *f->parameters[i].neighbour : fmax(f->parameters[i].min, 1e-3);
}

/* ---- solving ---- */

static double weight_of(const struct calibrate_sample *s)
{
	return (s->rows == 1 ? one_row : 1) * sqrt(s->share) / hypot(1, s->spread / scattered);
}

/* By the square root of the share, more for those that matter most and less for those that scatter; once there is a fit, less for those that are far from
 * it. */
static void weigh(struct fit *f, bool fitted)
{
	double *off = hx_xcalloc(f->n_samples, sizeof(*off)), *sorted = hx_xcalloc(f->n_samples, sizeof(*off)), median;

	for (size_t i = 0; i < f->n_samples; i++) {
		f->weights[i] = weight_of(f->samples[i]);
		off[i] = sorted[i] = fitted ? f->weights[i] * fabs(predicted(&f->c->profile, f->samples[i]) / f->samples[i]->seconds - 1) : 0;
	}
	gsl_sort(sorted, 1, f->n_samples);
	median = fitted ? sorted[f->n_samples / 2] : 1;
	for (size_t i = 0; i < f->n_samples; i++)
		f->weights[i] /= sqrt(1 + pow(off[i] / (outlying * median + near * f->weights[i]), 2));
	free(off);
	free(sorted);
}

/* Adds the unit's parameters to those of the profile's covariance, which is zero between units. */
static void add_covariance(struct fit *f, const gsl_matrix *cov, double scale)
{
	struct covariance *v = &f->c->profile.covariance;
	size_t old = v->n_parameters, n = old + f->n_parameters;

	v->parameters = hx_xrealloc(v->parameters, n, sizeof(*v->parameters));
	v->matrix = hx_xrealloc(v->matrix, n, sizeof(*v->matrix));
	for (size_t i = 0; i < n; i++) {
		double *row = hx_xcalloc(n, sizeof(*row));

		for (size_t k = 0; k < n; k++)
			if (i < old && k < old)
				row[k] = v->matrix[i][k];
			else if (i >= old && k >= old)
				row[k] = scale * gsl_matrix_get(cov, i - old, k - old);
		if (i < old)
			free(v->matrix[i]);
		else
			v->parameters[i] = hx_xstrdup(f->parameters[i - old].path);
		v->matrix[i] = row;
	}
	v->n_parameters = v->n_rows = v->n_cols = n;
}

/* Fits, weighs by what is left, and fits again. Returns a status of GSL. */
static int minimise(struct fit *f, gsl_multifit_nlinear_workspace *w)
{
	gsl_multifit_nlinear_fdf fdf = {.f = residuals, .n = f->n_samples + f->n_parameters, .p = f->n_parameters, .params = f};
	gsl_vector *x = gsl_vector_alloc(f->n_parameters);
	int status = GSL_SUCCESS, info;

	for (size_t i = 0; i < f->n_parameters; i++)
		gsl_vector_set(x, i, log(*f->parameters[i].at));
	for (int round = 0; round < ROUNDS && !status; round++) {
		weigh(f, round > 0);
		status = gsl_multifit_nlinear_init(x, &fdf, w);
		if (!status) { /* as far as it gets: that a step gains nothing more is no failure */
			gsl_multifit_nlinear_driver(ITERATIONS, 1e-5, 1e-8, 1e-9, NULL, NULL, &info, w);
			gsl_vector_memcpy(x, gsl_multifit_nlinear_position(w));
			set(f, x);
		}
	}
	gsl_vector_free(x);
	return status;
}

static int solve(struct fit *f, bool last, struct hx_err *err)
{
	gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
	gsl_multifit_nlinear_workspace *w;
	gsl_matrix *cov = gsl_matrix_alloc(f->n_parameters, f->n_parameters);
	double chisq;
	int rc = HX_OK, status;

	how.solver = gsl_multifit_nlinear_solver_cholesky;
	w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, f->n_samples + f->n_parameters, f->n_parameters);
	status = minimise(f, w);
	if (!status)
		status = gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0, cov);
	if (status) {
		rc = hx_err_set(err, HX_INPUT, "%s: the samples determine no parameters: %s", unit_of(f)->is.name, gsl_strerror(status));
	} else if (last) {
		gsl_blas_ddot(gsl_multifit_nlinear_residual(w), gsl_multifit_nlinear_residual(w), &chisq);
		add_covariance(f, cov, chisq / (double)f->n_samples);
	}
	gsl_multifit_nlinear_free(w);
	gsl_matrix_free(cov);
	return rc;
}

static int fit_unit(struct calibration *c, int u, bool all, struct hx_err *err)
{
	struct fit f = {.c = c, .u = u, .samples = hx_xcalloc(c->n, sizeof(*f.samples)), .weights = hx_xcalloc(c->n, sizeof(*f.weights))};
	int rc;

	for (size_t i = 0; i < c->n; i++)
		if (c->samples[i].op.unit == u && (all || !c->samples[i].held_out))
			f.samples[f.n_samples++] = &c->samples[i];
	list_parameters(&f);
	if (f.n_samples < f.n_parameters) {
		rc = hx_err_set(err, HX_INPUT, "%s: %zu samples are too few for %zu parameters", unit_of(&f)->is.name, f.n_samples, f.n_parameters);
	} else {
		start(&f);
		rc = solve(&f, all, err);
	}
	for (size_t i = 0; i < f.n_parameters; i++)
		free(f.parameters[i].path);
	free(f.parameters);
	free(f.samples);
	free(f.weights);
	return rc;
}

/* ---- what is left ---- */

static void add_error(struct calibrate_error *e, double relative)
{
	e->n++;
	e->mean += (fabs(relative) - e->mean) / e->n;
	e->bias += (relative - e->bias) / e->n;
	e->worst = fmax(e->worst, fabs(relative));
}

/* The standard deviation of a normal distribution of which nine tenths are as near to 0 as they are of these. NAN: there are none. */
static double deviation(double *off, size_t n)
{
	static const double share = 0.9, deviations = 1.645;

	gsl_sort(off, 1, n);
	return n ? gsl_stats_quantile_from_sorted_data(off, 1, n, share) / deviations : NAN;
}

static void find_errors(struct calibration *c)
{
	double *off[HX_MAX_UNITS]; /* of the passes of each unit */
	size_t n[HX_MAX_UNITS] = {0};

	for (size_t u = 0; u < c->profile.n_units; u++)
		off[u] = hx_xcalloc(c->n + 1, sizeof(*off[u]));
	for (size_t i = 0, end; i < c->n; i = end) {
		double sync_s = c->profile.units[c->samples[i].op.unit].sync_s, model_s = sync_s, measured_s = sync_s;

		for (end = i; end < c->n && c->samples[end].pass == c->samples[i].pass; end++) {
			struct calibrate_sample *s = &c->samples[end];

			s->model_s = predicted(&c->profile, s);
			model_s += s->count * s->model_s;
			measured_s += s->count * s->seconds;
			if (s->held_out)
				add_error(&c->by_op[s->op.kind], s->model_s / s->seconds - 1);
		}
		if (!c->samples[i].held_out)
			continue;
		add_error(&c->passes, model_s / measured_s - 1);
		off[c->samples[i].op.unit][n[c->samples[i].op.unit]++] = fabs(measured_s / model_s - 1);
	}
	for (size_t u = 0; u < c->profile.n_units; u++) {
		c->profile.units[u].residual = deviation(off[u], n[u]);
		free(off[u]);
	}
}

/* Of those that are held out the errors are found; what is to predict other passes is then fitted to all. */
int calibrate_fit(struct calibration *c, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t u = 0; u < c->profile.n_units && !rc; u++)
		rc = fit_unit(c, (int)u, false, err);
	if (!rc)
		find_errors(c);
	for (size_t u = 0; u < c->profile.n_units && !rc; u++)
		rc = fit_unit(c, (int)u, true, err);
	return rc;
}
