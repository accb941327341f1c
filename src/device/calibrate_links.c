/* What units do to each other: links, by passes of a model whose layers are cut between a CPU and a device, and contention, by two models that stream from memory at
 * the same time. */
#include "device/calibrate_times.h"
#include "device/calibrate_internal.h"

#include "engine/cpu/pool.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

enum { REPEATS = 15, QUICK_REPEATS = 5, ROUNDS = 5, QUICK_ROUNDS = 2, MOST_ROWS = 128, SIDES = 2 };

/* Small: a pass is to be little more than its transfers. */
static const double cut_bytes = 16e6;
static const int rows[] = {1, 8, 32, MOST_ROWS};
enum { ROW_COUNTS = sizeof(rows) / sizeof(*rows) };

static const double window_s = 0.4, quick_window_s = 0.2;

static const int tokens[MOST_ROWS];

static int open_model(struct hx_instance *in, struct calibrate_step *s, struct calibrate_model *model, double bytes, const char *mapping, struct hx_err *err)
{
	int rc = calibrate_model_want(model, HX_F16, bytes, s->o->stop, err);
	const struct hx_engine_model want = {.path = model->file.path, .type = -1, .mapping = mapping,
					     .options = {.context = 2 * MOST_ROWS, .logit_rows = 1, .kv_cache = true}};

	if (!rc)
		rc = hx_instance_open(in, &s->m->engine, &want, err);
	return rc;
}

static int pass(struct hx_instance *in, int n, struct hx_err *err)
{
	const struct hx_lm lm = hx_exec_lm(in->exec);

	lm.rollback(lm.self, 0);
	return lm.decode(lm.self, HX_PASS_VERIFY, tokens, n, 1, &(struct hx_logits){0}, err);
}

/* The machine's name of a unit of the profile, and how many of its cores leave another unit's processors alone: those before them, since a unit's first cores are
 * taken first. */
static const char *name_of(const struct calibrate_step *s, size_t u)
{
	return s->m->engine.units.v[s->c->unit_of[u]]->name;
}

static int free_cores(const struct unit *of, const struct unit *beside)
{
	int n = 0;

	for (bool taken = false; n < of->is.cores; n++) {
		for (size_t i = 0; i < beside->n_affinity && of->n_affinity; i++)
			taken |= of->affinity[n] == beside->affinity[i];
		if (taken)
			break;
	}
	return n;
}

/* ---- links ---- */

/* A pass that is cut, by what is known: what is left of it is the links'. */
struct cut {
	int crossings;
	double row_bytes; /* of one crossing, of a row */
	double beside_s;  /* launches of the device, and syncs of both */
};

static struct cut cut_of(const struct hx_graph *g, const struct calibrate_step *s, size_t cpu, size_t device)
{
	const struct unit *units = s->c->profile.units;
	const struct hx_chain *c = &g->whole;
	struct cut cut = {0};

	for (size_t i = 0; i < c->n_segments; i++) {
		const struct hx_segment *at = &c->segments[i];
		bool on_device = at->unit == s->c->unit_of[device];

		cut.beside_s += units[on_device ? device : cpu].sync_s + (on_device ? units[device].launch_s * (double)at->n : 0);
		cut.crossings += at->from >= 0;
		cut.row_bytes = fmax(cut.row_bytes, at->transfer_row);
	}
	return cut;
}

static double traced_s(const struct hx_trace *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->events[i].op >= 0 ? t->events[i].end_s - t->events[i].start_s : 0;
	return sum;
}

/* Typical seconds of passes that are not traced, and of the operators of others. */
static int time_passes(struct calibrate_step *s, struct hx_instance *in, int n, double *pass_s, double *ops_s, struct hx_err *err)
{
	struct calibrate_times passes = {0}, ops = {0};
	struct hx_trace trace = {.ops = true};
	int rc = HX_OK;

	for (int i = 0; i < (s->o->quick ? QUICK_REPEATS : REPEATS) && !rc; i++) {
		double start_s;

		if ((rc = calibrate_stopped(s, err)))
			break;
		hx_exec_trace(in->exec, NULL);
		start_s = hx_trace_now_s();
		rc = pass(in, n, err);
		calibrate_times_add(&passes, hx_trace_now_s() - start_s, 0);
		hx_exec_trace(in->exec, &trace);
		trace.n = 0;
		if (!rc)
			rc = pass(in, n, err);
		calibrate_times_add(&ops, traced_s(&trace), 0);
	}
	if (!rc) {
		*pass_s = calibrate_times_typical(&passes);
		*ops_s = calibrate_times_typical(&ops);
	}
	calibrate_times_free(&passes);
	calibrate_times_free(&ops);
	hx_trace_free(&trace);
	return rc;
}

static struct link *new_link(struct profile *p, size_t a, size_t b)
{
	struct link *l;

	p->links = hx_xrealloc(p->links, p->n_links + 1, sizeof(*p->links));
	l = &p->links[p->n_links++];
	*l = (struct link){.a = hx_xstrdup(p->units[a].is.name), .b = hx_xstrdup(p->units[b].is.name)};
	return l;
}

static int fit_link(struct calibrate_step *s, struct hx_instance *in, const struct cut *cut, struct link *l, struct hx_err *err)
{
	double x[ROW_COUNTS], y[ROW_COUNTS], w[ROW_COUNTS], fixed_s, byte_s, cov00, cov01, cov11, chisq, pass_s, ops_s;
	int rc = HX_OK;

	for (int i = 0; i < ROW_COUNTS && !rc; i++) {
		if ((rc = time_passes(s, in, rows[i], &pass_s, &ops_s, err)))
			return rc;
		x[i] = cut->row_bytes * rows[i];
		y[i] = (pass_s - ops_s - cut->beside_s) / cut->crossings;
		w[i] = 1 / (pass_s * pass_s);
	}
	gsl_fit_wlinear(x, 1, w, 1, y, 1, ROW_COUNTS, &fixed_s, &byte_s, &cov00, &cov01, &cov11, &chisq);
	l->fixed_s = fmax(fixed_s, 0);
	l->bw_bytes_s = 1 / fmax(byte_s, 1e-12);
	return HX_OK;
}

static int link_cpu(struct calibrate_step *s, struct calibrate_model *model, size_t cpu, size_t device, struct hx_err *err)
{
	struct hx_instance *in = hx_xcalloc(1, sizeof(*in));
	const struct bandwidth *b = &s->c->profile.units[cpu].bandwidth;
	double bytes = fmin(cut_bytes, b->footprint_bytes[b->n_footprints - 1]);
	int rc = calibrate_model_want(model, HX_F16, bytes, s->o->stop, err);
	char *map = hx_xasprintf("%s:0-%d.ffn+%sx1", name_of(s, device), model->layers - 1, name_of(s, cpu));
	struct hx_cl *cl;
	const char *name;
	struct cut cut;

	if (!rc)
		rc = open_model(in, s, model, bytes, map, err);
	if (!rc)
		rc = hx_exec_warm_up(in->exec, err);
	if (!rc) {
		struct link *l = new_link(&s->c->profile, cpu, device);

		cl = hx_instance_device(in, &name);
		l->zero_copy = cl && hx_cl_about(cl)->unified;
		cut = cut_of(&in->graph, s, cpu, device);
		rc = fit_link(s, in, &cut, l, err);
	}
	hx_instance_free(in);
	free(in);
	free(map);
	return rc;
}

/* From one device to another everything goes through the host. */
static void link_devices(struct profile *p, size_t a, size_t b)
{
	const struct link of_a = *profile_link(p, 0, (int)a), of_b = *profile_link(p, 0, (int)b);
	struct link *l = new_link(p, a, b);

	l->fixed_s = of_a.fixed_s + of_b.fixed_s;
	l->bw_bytes_s = 1 / (1 / of_a.bw_bytes_s + 1 / of_b.bw_bytes_s);
}

static bool is_cpu(const struct calibrate_step *s, size_t u)
{
	return s->c->profile.units[u].is.kind == HX_CPU;
}

static int measure_links(struct calibrate_step *s, struct calibrate_model *model, struct hx_err *err)
{
	size_t n = s->c->profile.n_units;
	int rc = HX_OK;

	for (size_t a = 0; a < n && !rc; a++)
		for (size_t b = a + 1; b < n && !rc; b++)
			if (is_cpu(s, a) && !is_cpu(s, b))
				rc = link_cpu(s, model, a, b, err);
	for (size_t a = 0; a < n && !rc; a++)
		for (size_t b = a + 1; b < n; b++)
			if (!is_cpu(s, a) && !is_cpu(s, b))
				link_devices(&s->c->profile, a, b);
	return rc;
}

/* ---- contention ---- */

/* Two models, each on its unit, that run passes of one row until a time. */
struct streams {
	struct hx_instance *in[SIDES];
	bool runs[SIDES];
	double until_s, rate[SIDES]; /* passes a second */
	int status[SIDES];
	struct hx_err err[SIDES];
};

static void stream(void *arg, int side, int sides)
{
	struct streams *st = arg;
	double start_s = hx_trace_now_s(), now_s = start_s;
	int n = 0;

	(void)sides;
	for (st->status[side] = HX_OK; st->runs[side] && now_s < st->until_s && !st->status[side]; n++) {
		st->status[side] = pass(st->in[side], 1, &st->err[side]);
		now_s = hx_trace_now_s();
	}
	st->rate[side] = n / (now_s - start_s);
}

static int run_window(struct calibrate_step *s, struct streams *st, struct hx_pool *pool, bool a, bool b, struct hx_err *err)
{
	int rc = calibrate_stopped(s, err);

	st->runs[0] = a;
	st->runs[1] = b;
	st->until_s = hx_trace_now_s() + (s->o->quick ? quick_window_s : window_s);
	if (!rc)
		hx_pool_run(pool, stream, st);
	for (int side = 0; side < SIDES && !rc; side++)
		if ((rc = st->status[side]))
			*err = st->err[side];
	return rc;
}

/* Rates alone and together take turns. */
static int run_windows(struct calibrate_step *s, struct streams *st, struct contention *out, struct hx_err *err)
{
	struct calibrate_times alone[SIDES] = {{0}}, together[SIDES] = {{0}};
	struct hx_pool *pool;
	int rc = hx_pool_create(&pool, SIDES, NULL, err);

	if (rc)
		return rc;
	hx_pool_rest(pool);
	for (int i = 0; i < (s->o->quick ? QUICK_ROUNDS : ROUNDS) && !rc; i++) {
		for (int side = 0; side < SIDES && !rc; side++) {
			rc = run_window(s, st, pool, side == 0, side == 1, err);
			calibrate_times_add(&alone[side], st->rate[side], 0);
		}
		if (!rc)
			rc = run_window(s, st, pool, true, true, err);
		for (int side = 0; side < SIDES; side++)
			calibrate_times_add(&together[side], st->rate[side], 0);
	}
	out->factor_a = fmin(1, calibrate_times_typical(&together[0]) / calibrate_times_typical(&alone[0]));
	out->factor_b = fmin(1, calibrate_times_typical(&together[1]) / calibrate_times_typical(&alone[1]));
	for (int side = 0; side < SIDES; side++) {
		calibrate_times_free(&alone[side]);
		calibrate_times_free(&together[side]);
	}
	hx_pool_free(pool);
	return rc;
}

/* The smallest of a unit's footprints that none of two caches holds. */
static double streamed_bytes(const struct unit *a, const struct unit *b)
{
	const struct bandwidth *bw = &b->bandwidth;
	size_t i = 0;

	while (i + 1 < bw->n_footprints && !(bw->footprint_bytes[i] > fmax(a->cache_bytes, b->cache_bytes)))
		i++;
	return bw->footprint_bytes[i];
}

static int contend(struct calibrate_step *s, struct calibrate_model *model, size_t a, size_t b, struct hx_err *err)
{
	struct profile *p = &s->c->profile;
	struct hx_instance *in = hx_xcalloc(SIDES, sizeof(*in));
	struct streams st = {.in = {&in[0], &in[1]}};
	double bytes = streamed_bytes(&p->units[a], &p->units[b]);
	char *map_a = hx_xasprintf("%sx%d", name_of(s, a), free_cores(&p->units[a], &p->units[b]));
	struct contention out;
	int rc = open_model(&in[0], s, model, bytes, is_cpu(s, a) ? map_a : name_of(s, a), err);

	if (!rc)
		rc = open_model(&in[1], s, model, bytes, name_of(s, b), err);
	if (!rc)
		rc = run_windows(s, &st, &out, err);
	if (!rc) {
		out.a = hx_xstrdup(p->units[a].is.name);
		out.b = hx_xstrdup(p->units[b].is.name);
		p->memory.contention = hx_xrealloc(p->memory.contention, p->memory.n_contention + 1, sizeof(out));
		p->memory.contention[p->memory.n_contention++] = out;
	}
	for (int side = 0; side < SIDES; side++)
		hx_instance_free(&in[side]);
	free(in);
	free(map_a);
	return rc;
}

/* Units that have no processor to themselves never run together. */
static int measure_contention(struct calibrate_step *s, struct calibrate_model *model, struct hx_err *err)
{
	const struct unit *units = s->c->profile.units;
	int rc = HX_OK;

	for (size_t a = 0; a < s->c->profile.n_units && !rc; a++)
		for (size_t b = a + 1; b < s->c->profile.n_units && !rc; b++)
			if (free_cores(&units[a], &units[b]))
				rc = contend(s, model, a, b, err);
	return rc;
}

int calibrate_links(struct calibrate_step *s, struct hx_err *err)
{
	struct calibrate_model model = {0};
	int rc = measure_links(s, &model, err);

	if (!rc)
		rc = measure_contention(s, &model, err);
	calibrate_model_free(&model);
	return rc;
}
