/* The order of measurements: every model is visited several times, since what disturbs a machine often lasts for seconds, and would be taken for a property of one
 * model; units take turns on its file. */
#include "device/calibrate_bench.h"

#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdlib.h>

/* How far repeats may differ without being flagged. */
static const double restless = 0.15;

static const double clock_step_s = 1e-9;

/* All benches, those of one model side by side. */
struct benches {
	struct calibrate_bench *v;
	int n;
	struct calibrate_model model;
};

/* Every model is visited once on every unit, whatever it takes; what time is left then is for repeats. */
static int visit_all(struct calibrate_step *s, struct benches *all, struct hx_err *err)
{
	int visits = s->visits * all->n, rc = HX_OK;

	for (int i = 0; i < visits && !rc; i++) {
		struct calibrate_bench *b = &all->v[i % all->n];
		double now_s;

		rc = calibrate_cool(s, err);
		now_s = hx_trace_now_s();
		if (rc)
			break;
		if (i < all->n || now_s + b->least_s < s->until_s)
			rc = calibrate_bench_visit(b, &all->model, now_s + (s->until_s - now_s) / (visits - i), err);
		else
			s->c->dropped++;
		s->done++;
		if (s->o->progress && !rc)
			s->o->progress(s->o->arg, s->done, s->steps);
	}
	return rc;
}

/* ---- what it comes to ---- */

/* ---- devices ---- */

/* What a launch adds to each operator of a device: passes that nobody traced, less what kernels take typically, and less an empty kernel that is waited for. Part
 * of the rest goes by the kernels: the more they read, the less of its own the driver finds in a cache. Relative errors count, and those of passes that something
 * disturbed do not. */
static void add_gap(const struct calibrate_bench *b, const struct calibrate_turn *t, double empty_s, gsl_matrix *x, gsl_vector *y, size_t row)
{
	double launches = 0, kernels_s = 0, pass_s = calibrate_times_typical(&t->took[CALIBRATE_PASS]);

	for (size_t i = t->first; i < t->first + t->n_samples; i++) {
		const struct calibrate_sample *s = &b->s->c->samples[i];

		launches += s->count;
		kernels_s += s->count * calibrate_times_typical(&t->took[s->op.kind]);
	}
	gsl_matrix_set(x, row, 0, (launches - 1) / pass_s);
	gsl_matrix_set(x, row, 1, kernels_s / pass_s);
	gsl_vector_set(y, row, 1 - (kernels_s + empty_s) / pass_s);
}

/* *stretch: times of kernels count so much more. */
static int find_gaps(struct unit *u, const struct benches *all, int which, double empty_s, double *stretch, struct hx_err *err)
{
	gsl_vector *y, *c = gsl_vector_alloc(2);
	gsl_matrix *x, *cov = gsl_matrix_alloc(2, 2);
	gsl_multifit_robust_workspace *w;
	size_t n = 0, row = 0;
	int status;

	for (int i = 0; i < all->n; i++)
		n += all->v[i].u == which ? (size_t)all->v[i].n_turns : 0;
	x = gsl_matrix_alloc(n, 2);
	y = gsl_vector_alloc(n);
	w = gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, n, 2);
	for (int i = 0; i < all->n; i++)
		for (int k = 0; k < all->v[i].n_turns && all->v[i].u == which; k++)
			add_gap(&all->v[i], &all->v[i].turns[k], empty_s, x, y, row++);
	status = gsl_multifit_robust(x, y, c, cov, w);
	u->launch_s = fmax(gsl_vector_get(c, 0), 0);
	u->sync_s = fmax(empty_s - u->launch_s, 0);
	*stretch = fmax(1 + gsl_vector_get(c, 1), 1);
	gsl_multifit_robust_free(w);
	gsl_matrix_free(x);
	gsl_matrix_free(cov);
	gsl_vector_free(y);
	gsl_vector_free(c);
	if (status && status != GSL_EMAXITER) /* as far as it got: weights that swing do little harm */
		return hx_err_set(err, HX_INPUT, "%s: passes do not tell what launches take: %s", u->is.name, gsl_strerror(status));
	return HX_OK;
}

/* ---- CPUs ---- */

/* What ends a segment of a CPU: passes of one core less their operators, of all turns. */
static double sync_of(const struct calibrate_bench *b)
{
	double sum = 0;
	int n = 0;

	for (int i = 0; i < b->n_turns; i++)
		if (b->s->c->samples[b->turns[i].first].op.cores == 1) {
			sum += calibrate_times_typical(&b->turns[i].took[CALIBRATE_BESIDE]);
			n++;
		}
	return fmax(sum / n, 0);
}

/* The smallest model's on a unit. */
static const struct calibrate_bench *first_of(const struct benches *all, size_t u)
{
	const struct calibrate_bench *b = all->v;

	while ((size_t)b->u != u)
		b++;
	return b;
}

static double wake_of(const struct benches *all, int which)
{
	struct calibrate_times times = {0};
	double wake_s;

	for (int i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->v[i].wakes.n && all->v[i].u == which; k++)
			calibrate_times_add(&times, all->v[i].wakes.v[k], 0);
	wake_s = times.n ? calibrate_times_typical(&times) : 0;
	calibrate_times_free(&times);
	return wake_s;
}

static void fill_samples(const struct calibrate_bench *b, struct calibrate_turn *t, double stretch)
{
	struct calibration *c = b->s->c;
	const struct unit *u = &c->profile.units[b->u];
	double gap_s = u->is.kind == HX_CPU ? 0 : u->launch_s, pass_s = 0;

	for (size_t i = t->first; i < t->first + t->n_samples; i++) {
		struct calibrate_sample *s = &c->samples[i];

		s->op.clock_hz = u->is.clock_hz;
		s->seconds = stretch * fmax(calibrate_times_typical(&t->took[s->op.kind]), clock_step_s) + gap_s;
		s->spread = calibrate_times_spread(&t->took[s->op.kind]);
		pass_s += s->count * s->seconds;
	}
	for (size_t i = t->first; i < t->first + t->n_samples; i++)
		c->samples[i].share = c->samples[i].count * c->samples[i].seconds / pass_s;
	c->restless += calibrate_times_spread(&t->took[CALIBRATE_PASS]) > restless;
}

/* Of what was timed, that while memory was as it is most of the time. */
static void keep_calm(struct calibrate_bench *b, const bool *calm)
{
	for (int k = 0; k < b->n_turns; k++)
		for (int t = 0; t < CALIBRATE_KINDS; t++)
			calibrate_times_keep(&b->turns[k].took[t], calm);
}

/* What the units' figures are, once all is timed. */
static int settle(struct calibrate_step *s, struct benches *all, const struct calibrate_reads *reads, struct hx_err *err)
{
	bool *calm[HX_MAX_UNITS] = {NULL};
	double stretch[HX_MAX_UNITS], empty_s;
	int rc = HX_OK;

	for (size_t u = 0; u < s->c->profile.n_units; u++)
		if (reads[u].n)
			calm[u] = calibrate_reads_settle(&reads[u], &s->c->profile.units[u]);
	for (int i = 0; i < all->n; i++)
		keep_calm(&all->v[i], calm[all->v[i].reads - reads]);
	for (size_t u = 0; u < s->c->profile.n_units; u++) {
		struct unit *unit = &s->c->profile.units[u];

		stretch[u] = 1;
		if (unit->is.kind == HX_CPU) {
			unit->sync_s = sync_of(first_of(all, u)); /* where it is not lost in what operators take */
			unit->wake_s = wake_of(all, (int)u);
		} else if (!rc && !(rc = hx_cl_launch_s(s->m->engine.devices[s->c->unit_of[u]].cl, &empty_s, err))) {
			rc = find_gaps(unit, all, (int)u, empty_s, &stretch[u], err);
		}
		free(calm[u]);
	}
	for (int i = 0; i < all->n; i++)
		for (int k = 0; k < all->v[i].n_turns; k++)
			fill_samples(&all->v[i], &all->v[i].turns[k], stretch[all->v[i].u]);
	return rc;
}

/* A device's are those of the first CPU, whose memory is its own or beside it. */
static int init_reads(struct calibrate_step *s, struct calibrate_reads *reads, struct probe_reader *reader, struct hx_err *err)
{
	int rc = probe_reader_init(reader, &s->m->probe, err);

	for (size_t u = 0; u < s->c->profile.n_units && !rc; u++)
		if (s->c->profile.units[u].is.kind == HX_CPU)
			rc = calibrate_reads_init(&reads[u], s, (int)u, reader, err);
	return rc;
}

static void init_benches(struct calibrate_step *s, struct benches *all, struct calibrate_reads *reads)
{
	size_t units = s->c->profile.n_units;

	all->v = hx_xcalloc(CALIBRATE_FOOTPRINTS * HX_TYPE_COUNT * units, sizeof(*all->v));
	for (size_t f = 0; f < CALIBRATE_FOOTPRINTS; f++)
		for (int t = 0; t < HX_TYPE_COUNT; t++)
			for (size_t u = 0; u < units && s->o->types[t]; u++)
				if (f < s->c->profile.units[u].bandwidth.n_footprints)
					calibrate_bench_init(&all->v[all->n++], s, (int)u, t, (int)f, &reads[s->c->profile.units[u].is.kind == HX_CPU ? u : 0]);
}

int calibrate_measure(struct calibrate_step *s, struct hx_err *err)
{
	struct calibrate_reads reads[HX_MAX_UNITS] = {{0}};
	struct probe_reader reader = {0};
	struct benches all = {0};
	int rc = init_reads(s, reads, &reader, err);

	init_benches(s, &all, reads);
	if (!rc)
		rc = visit_all(s, &all, err);
	for (size_t u = 0; u < s->c->profile.n_units && !rc; u++)
		if (s->c->profile.units[u].is.kind == HX_CPU)
			calibrate_reads_take(&reads[u], true);
	if (!rc)
		rc = settle(s, &all, reads, err);
	for (size_t u = 0; u < s->c->profile.n_units; u++)
		calibrate_reads_free(&reads[u]);
	free((void *)reader.buffer);
	for (int i = 0; i < all.n; i++)
		calibrate_bench_free(&all.v[i]);
	free(all.v);
	calibrate_model_free(&all.model);
	return rc;
}
