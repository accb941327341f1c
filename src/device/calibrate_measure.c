/* The order of measurements: every model is visited several times, since what disturbs a machine often lasts for seconds, and would be taken for a property of one
 * model; units take turns on its file. */
#include "device/calibrate_bench.h"

#include <math.h>
#include <stdlib.h>

/* How far repeats may differ without being flagged. */
static const double restless = 0.15;

static const double clock_step_s = 1e-9;

/* Times to hand an operator over that are tried. */
static const double least_enqueue_s = 1e-7, most_enqueue_s = 1e-3, enqueue_step = 1.05;

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

/* Passes of a device that nobody traced, less what their operators take, each no less than the host's part in it: what is left is the wait at the end. */
static void add_waits(const struct calibrate_bench *b, double enqueue_s, struct calibrate_times *waits, double *passes_s)
{
	const struct calibration *c = b->s->c;
	double launch_s = c->profile.units[b->u].launch_s;

	for (int k = 0; k < b->n_turns; k++) {
		const struct calibrate_turn *t = &b->turns[k];
		double wait_s = passes_s[waits->n] = calibrate_times_typical(&t->took[CALIBRATE_PASS]);

		for (size_t i = t->first; i < t->first + t->n_samples; i++)
			wait_s -= c->samples[i].count * fmax(calibrate_times_typical(&t->took[c->samples[i].op.kind]) + launch_s, enqueue_s);
		calibrate_times_add(waits, wait_s, 0);
	}
}

/* By that much, of passes, the waits differ from the most usual one, which *wait_s becomes. */
static double differ(const struct benches *all, size_t u, double enqueue_s, double *wait_s)
{
	double *passes_s, sum = 0;
	struct calibrate_times waits = {0};
	size_t n = 0;

	for (int i = 0; i < all->n; i++)
		n += all->v[i].u == (int)u ? (size_t)all->v[i].n_turns : 0;
	passes_s = hx_xcalloc(n, sizeof(*passes_s));
	for (int i = 0; i < all->n; i++)
		if (all->v[i].u == (int)u)
			add_waits(&all->v[i], enqueue_s, &waits, passes_s);
	*wait_s = fmax(calibrate_times_typical(&waits), 0);
	for (size_t i = 0; i < n; i++)
		sum += fabs(waits.v[i] - *wait_s) / passes_s[i];
	calibrate_times_free(&waits);
	free(passes_s);
	return sum;
}

/* The time to hand an operator over, and the wait, that explain most passes best. */
static void find_waits(struct calibrate_step *s, const struct benches *all, size_t u)
{
	struct unit *unit = &s->c->profile.units[u];
	double least = INFINITY;

	for (double enqueue_s = least_enqueue_s; enqueue_s < most_enqueue_s; enqueue_s *= enqueue_step) {
		double wait_s, by = differ(all, u, enqueue_s, &wait_s);

		if (by < least) {
			least = by;
			s->c->enqueue_s[u] = enqueue_s;
			unit->sync_s = wait_s;
		}
	}
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

/* Of a unit's wakes, or with a device its gaps. */
static double typical_of(const struct benches *all, int which, bool gaps)
{
	struct calibrate_times times = {0};
	double typical_s;

	for (int i = 0; i < all->n; i++) {
		const struct calibrate_times *of = gaps ? &all->v[i].gaps : &all->v[i].wakes;

		for (size_t k = 0; k < of->n && all->v[i].u == which; k++)
			calibrate_times_add(&times, of->v[k], 0);
	}
	typical_s = times.n ? calibrate_times_typical(&times) : 0;
	calibrate_times_free(&times);
	return typical_s;
}

static void fill_samples(const struct calibrate_bench *b, struct calibrate_turn *t)
{
	struct calibration *c = b->s->c;
	const struct unit *u = &c->profile.units[b->u];
	double gap_s = u->is.kind == HX_CPU ? 0 : u->launch_s, pass_s = 0;

	for (size_t i = t->first; i < t->first + t->n_samples; i++) {
		struct calibrate_sample *s = &c->samples[i];

		s->op.clock_hz = u->is.clock_hz;
		s->seconds = fmax(calibrate_times_typical(&t->took[s->op.kind]), clock_step_s) + gap_s;
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
static void settle(struct calibrate_step *s, struct benches *all, const struct calibrate_reads *reads)
{
	bool *calm[HX_MAX_UNITS] = {NULL};

	for (size_t u = 0; u < s->c->profile.n_units; u++)
		if (reads[u].n)
			calm[u] = calibrate_reads_settle(&reads[u], &s->c->profile.units[u]);
	for (int i = 0; i < all->n; i++)
		keep_calm(&all->v[i], calm[all->v[i].reads - reads]);
	for (size_t u = 0; u < s->c->profile.n_units; u++) {
		struct unit *unit = &s->c->profile.units[u];

		if (unit->is.kind == HX_CPU) {
			unit->sync_s = sync_of(first_of(all, u)); /* where it is not lost in what operators take */
			unit->wake_s = typical_of(all, (int)u, false);
			s->c->enqueue_s[u] = NAN;
		} else {
			unit->launch_s = fmax(typical_of(all, (int)u, true), 0);
			find_waits(s, all, u);
		}
		free(calm[u]);
	}
	for (int i = 0; i < all->n; i++)
		for (int k = 0; k < all->v[i].n_turns; k++)
			fill_samples(&all->v[i], &all->v[i].turns[k]);
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
		settle(s, &all, reads);
	for (size_t u = 0; u < s->c->profile.n_units; u++)
		calibrate_reads_free(&reads[u]);
	free((void *)reader.buffer);
	for (int i = 0; i < all.n; i++)
		calibrate_bench_free(&all.v[i]);
	free(all.v);
	calibrate_model_free(&all.model);
	return rc;
}
