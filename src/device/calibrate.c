/* Calibration: a profile's skeleton from what the machine is, then measuring, then the fit. */
#include "device/calibrate_internal.h"

#include "engine/cpu/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VISITS = 3, QUICK_VISITS = 2 };

/* Seconds in which the passes of all units with so many types end, with the host's; every pass is run once even where that takes longer. Links and the fit come on
 * top. */
enum { BUDGET_TYPES = 3 };
static const double full_s = 195, quick_s = 24;

/* Seconds that a throttled clock is waited for, in all. */
static const double most_cooled_s = 20;

/* What is not measured is as a type that is unpacked alike, the first of the list that is. */
static const struct family {
	int type, like[2];
} families[] = {
	{HX_F32, {HX_F16, HX_F16}},   {HX_BF16, {HX_F16, HX_F16}},  {HX_Q4_0, {HX_Q4_K, HX_Q8_0}}, {HX_Q4_1, {HX_Q4_0, HX_Q8_0}},
	{HX_Q5_0, {HX_Q4_0, HX_Q8_0}}, {HX_Q5_1, {HX_Q4_0, HX_Q8_0}}, {HX_Q8_0, {HX_Q4_0, HX_Q4_K}}, {HX_Q4_K, {HX_Q4_0, HX_Q8_0}},
	{HX_Q5_K, {HX_Q4_0, HX_Q8_0}}, {HX_Q6_K, {HX_Q4_0, HX_Q8_0}},
};
enum { FAMILIES = sizeof(families) / sizeof(*families) };

/* ---- what follows from the fit ---- */

/* What main memory gives at best: the model takes nothing above it from there. */
static void set_memory(struct profile *p)
{
	for (size_t u = 0; u < p->n_units; u++) {
		const struct bandwidth *b = &p->units[u].bandwidth;

		for (size_t f = 0; f < b->n_footprints; f++)
			for (size_t k = 0; k < b->n_cores; k++)
				if (b->footprint_bytes[f] > p->units[u].cache_bytes || f + 1 == b->n_footprints)
					p->memory.bw_bytes_s = fmax(p->memory.bw_bytes_s, b->bytes_s[f][k]);
	}
}

static double *copy(const double *v, size_t n)
{
	return memcpy(hx_xcalloc(n, sizeof(*v)), v, n * sizeof(*v));
}

static void derive_kernels(struct unit *u)
{
	size_t measured = u->n_kernels;

	for (int i = 0; i < FAMILIES; i++)
		for (int n = 0; n < 2 && !profile_kernel(u, families[i].type); n++)
			for (size_t k = 0; k < measured; k++)
				if (u->kernels[k].type == families[i].like[n]) {
					struct kernel *new = &u->kernels[u->n_kernels++];

					*new = u->kernels[k];
					new->type = families[i].type;
					new->rows = copy(new->rows, new->n_rows);
					new->efficiency = copy(new->efficiency, new->n_efficiency);
					break;
				}
}

/* Passes of which every fifth is, in turn, another one. */
static void hold_out(struct calibration *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->samples[i].held_out = c->samples[i].pass % 5 == c->samples[i].pass / 5 % 5;
}

int calibrate_stopped(const struct calibrate_step *s, struct hx_err *err)
{
	return s->o->stop && *s->o->stop ? hx_err_set(err, HX_IO, "interrupted: nothing is written") : HX_OK;
}

static void take_clock(void *arg, int thread, int threads)
{
	(void)thread, (void)threads;
	*(double *)arg = calibrate_clock_hz();
}

/* Of the first core; 0: it cannot be asked. */
static double clock_of(struct calibrate_step *s)
{
	struct hx_err ignored;
	struct hx_pool *one;
	double clock_hz = 0;

	if (!hx_engine_pool(&s->m->engine, s->c->unit_of[0], 0, 1, &one, &ignored))
		hx_pool_run(one, take_clock, &clock_hz);
	return clock_hz;
}

int calibrate_cool(struct calibrate_step *s, struct hx_err *err)
{
	const struct timespec pause = {.tv_sec = 1};
	struct calibration *c = s->c;
	int rc = calibrate_stopped(s, err);

	for (; !rc && clock_of(s) < CALIBRATE_THROTTLED * c->clock_first_hz && c->cooled_s < most_cooled_s; c->cooled_s++) {
		nanosleep(&pause, NULL);
		s->until_s++;
		rc = calibrate_stopped(s, err);
	}
	return rc;
}

int calibrate(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err)
{
	struct calibrate_step step = {.c = c, .m = m, .o = o, .visits = o->quick ? QUICK_VISITS : VISITS, .until_s = hx_trace_now_s()};
	int types = 0, rc;

	*c = (struct calibration){0};
	rc = calibrate_units(c, m, o, err);
	for (int t = 0; t < HX_TYPE_COUNT; t++)
		types += o->types[t];
	for (size_t u = 0; u < c->profile.n_units; u++)
		step.steps += step.visits * types * (int)c->profile.units[u].bandwidth.n_footprints;
	if (!rc)
		c->clock_first_hz = clock_of(&step);
	if (!rc)
		rc = calibrate_host(&step, err);
	if (!rc && o->progress)
		o->progress(o->arg, 0, step.steps);
	step.until_s += (o->quick ? quick_s : full_s) * fmax(1, (double)types / BUDGET_TYPES);
	if (!rc)
		rc = calibrate_measure(&step, err);
	if (!rc)
		rc = calibrate_links(&step, err);
	if (!rc)
		c->clock_last_hz = clock_of(&step);
	hold_out(c);
	if (!rc)
		rc = calibrate_fit(c, err);
	if (rc) {
		calibrate_free(c);
		return rc;
	}
	set_memory(&c->profile);
	c->n_measured = (size_t)types;
	for (size_t u = 0; u < c->profile.n_units; u++)
		derive_kernels(&c->profile.units[u]);
	return HX_OK;
}

void calibrate_free(struct calibration *c)
{
	profile_free(&c->profile);
	free(c->samples);
	*c = (struct calibration){0};
}
