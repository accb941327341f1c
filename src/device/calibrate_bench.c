/* Passes over a synthesised model, timed operator by operator. All core counts, rows and contexts take turns on it. */
#include "device/calibrate_bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 15, ENOUGH_REPEATS = 5 /* of a visit */, LOGIT_ROWS = 17, PLACES = 40, FRONT_ROWS = 128 };

const int calibrate_rows[CALIBRATE_ROWS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 32, 64, 128};

/* How far repeats may differ without being repeated. */
static const double calm = 0.04;

/* Plain decoding and drafting are passes of one row, and what every speedup is taken against: they are repeated so many times as often. */
enum { ONE_ROW_TIMES = 3 };

/* Of --quick one footprint is measured as thoroughly as its plan says, that of more than one context: a model that leaves the nearest caches; of a device a smaller
 * one, since its kernels may be slow. Of these, rows are taken that its kernels take differently: tiles of up to eight, whole ones, and one row more. */
const struct calibrate_plan calibrate_plans[CALIBRATE_FOOTPRINTS] = {
	{0.25, true, false, {"xxxxxxxxx..x...x.x..", {32}}, {NULL, {0}}},
	{1, true, true, {"xxxxxxxxx..x...x....", {32}}, {"xxxxxx.xx......x....", {32}}},
	{3, true, false, {"xx.x.x.xx..x...x.x..", {32}}, {NULL, {0}}},
	{0.125, false, true, {"xx.x.x.x.......x.x..", {32}}, {"xxxxxx.xx......x.xxx", {32, 512}}},
	{0.5, false, true, {"xxxxxxxxxxxxxxxxxxxx", {32, 512, CALIBRATE_CONTEXT}}, {"xxxxxx.xx......x....", {32}}},
	{2, false, true, {"xxxxxxxxx..x...x....", {32}}, {"xx.x.x.xx...........", {32}}},
	{4, false, false, {"xx.x...x............", {32}}, {"xx.x...x............", {32}}},
};

struct calibrate_place {
	struct hx_instance in;
	int cached;
	double footprint_bytes;
};

static const struct unit *unit_of(const struct calibrate_bench *b)
{
	return &b->s->c->profile.units[b->u];
}

static bool on_device(const struct calibrate_bench *b)
{
	return unit_of(b)->is.kind != HX_CPU;
}

static double footprint_of(const struct calibrate_place *p)
{
	const struct hx_graph *g = &p->in.graph;
	double bytes = 0;

	for (size_t i = 0; i < g->whole.n_ops; i++) {
		const struct hx_op *op = &g->distinct[g->whole.ops[i].which];

		bytes += g->whole.ops[i].count * (op->weight_bytes + op->kv_pos * p->cached);
	}
	return bytes;
}

/* ---- places ---- */

static int fill(struct calibrate_bench *b, struct calibrate_place *p, struct hx_err *err)
{
	const struct hx_lm lm = hx_exec_lm(p->in.exec);

	return lm.decode(lm.self, HX_PASS_PREFILL_TARGET, b->tokens, p->cached, 0, NULL, err);
}

/* The first one loads the model. */
static int add_place(struct calibrate_bench *b, const char *path, int cores, int cached, struct hx_err *err)
{
	struct calibrate_place *p = &b->places[b->n_places];
	struct hx_engine *e = &b->s->m->engine;
	const char *name = e->units.v[b->s->c->unit_of[b->u]]->name;
	char *map = on_device(b) ? hx_xstrdup(name) : hx_xasprintf("%sx%d", name, cores);
	const struct hx_engine_model want = {.path = path, .type = -1, .like = b->n_places ? &b->places[0].in : NULL, .mapping = map,
					     .options = {.context = cached + FRONT_ROWS, .logit_rows = LOGIT_ROWS, .kv_cache = true}};
	int rc = hx_instance_open(&p->in, e, &want, err);

	free(map);
	if (rc)
		return rc;
	b->n_places++;
	if (on_device(b) && b->footprint == 0 && (rc = hx_exec_warm_up(p->in.exec, err))) /* builds what all sizes run */
		return rc;
	p->cached = cached;
	p->footprint_bytes = footprint_of(p);
	return fill(b, p, err);
}

static const struct calibrate_passes *plan_of(const struct calibrate_bench *b)
{
	const struct calibrate_plan *plan = &calibrate_plans[b->s->c->plans[b->u][b->footprint]];

	return on_device(b) ? &plan->device : &plan->cpu;
}

/* Contexts that are measured: --quick has the shortest only. */
static int n_contexts(const struct calibrate_bench *b)
{
	int n = 0;

	while (n < CALIBRATE_CONTEXTS && plan_of(b)->contexts[n])
		n++;
	return b->s->o->quick ? 1 : n;
}

/* Most cores first: they load the model soonest. */
static int add_places(struct calibrate_bench *b, const char *path, struct hx_err *err)
{
	const struct bandwidth *bw = &unit_of(b)->bandwidth;
	int rc = HX_OK;

	b->places = hx_xcalloc(PLACES, sizeof(*b->places));
	for (size_t c = bw->n_cores; c-- && !rc;)
		for (int n = 0; n < n_contexts(b) && !rc && b->n_places < PLACES; n++)
			rc = add_place(b, path, (int)bw->cores[c], plan_of(b)->contexts[n], err);
	return rc;
}

static void leave(struct calibrate_bench *b)
{
	while (b->n_places)
		hx_instance_free(&b->places[--b->n_places].in);
	free(b->places);
	b->places = NULL;
}

/* ---- turns ---- */

/* Rows for every place, in its order. */
static void add_turns(struct calibrate_bench *b)
{
	int contexts = n_contexts(b);

	b->turns = hx_xcalloc(PLACES * CALIBRATE_ROWS, sizeof(*b->turns));
	for (int p = 0; p < PLACES && p < contexts * (int)unit_of(b)->bandwidth.n_cores; p++)
		for (int r = 0; r < CALIBRATE_ROWS; r++) {
			bool few = p % contexts || (b->s->o->quick && !plan_of(b)->contexts[1]);
			int rows = calibrate_rows[r];

			if (plan_of(b)->rows[r] == 'x' && (few ? rows == 1 || rows == 4 || rows == 8 || rows == 16 : !b->s->o->quick || rows <= 9 || rows % 16 == 0))
				b->turns[b->n_turns++] = (struct calibrate_turn){.place = p, .rows = rows};
		}
}

/* As a verification has them, or a prompt. */
static int logits_of(const struct calibrate_turn *t)
{
	return t->rows <= LOGIT_ROWS ? t->rows : 1;
}

static int pass(struct calibrate_bench *b, const struct calibrate_turn *t, struct hx_err *err)
{
	const struct calibrate_place *at = &b->places[t->place];
	const struct hx_lm lm = hx_exec_lm(at->in.exec);
	struct hx_logits logits = {0};
	/* others than in the last passes: rows of the embedding that were just read would be in a cache of the core's own */
	const int first = b->next + t->rows <= CALIBRATE_CONTEXT ? b->next : 0;

	b->next = first + t->rows;
	lm.rollback(lm.self, at->cached);
	b->trace.n = 0;
	return lm.decode(lm.self, HX_PASS_VERIFY, b->tokens + first, t->rows, logits_of(t), &logits, err);
}

/* So large a model leaves nothing in caches that matters to its next pass. */
static bool is_cached(const struct calibrate_bench *b, const struct calibrate_turn *t)
{
	return !(b->places[t->place].footprint_bytes > 2 * unit_of(b)->cache_bytes);
}

/* Several rows are verified behind passes of one, which run other code and leave other values in the nearest caches. */
static int pass_of_one(struct calibrate_bench *b, const struct calibrate_turn *t, struct hx_err *err)
{
	const struct calibrate_turn one = {.place = t->place, .rows = 1};

	return t->rows > 1 && is_cached(b, t) ? pass(b, &one, err) : HX_OK;
}

static int untraced_pass(struct calibrate_bench *b, struct calibrate_turn *t, struct hx_err *err)
{
	double start_s = hx_trace_now_s();
	int rc = pass(b, t, err);

	if (!rc)
		calibrate_times_add(&t->took[CALIBRATE_PASS], hx_trace_now_s() - start_s, b->reads->n);
	return rc;
}

static void note(struct calibrate_bench *b, struct calibrate_turn *t)
{
	double beside = 0;

	for (size_t i = 0; i < b->trace.n; i++) {
		const struct hx_event *e = &b->trace.events[i];
		double took_s = e->end_s - e->start_s;

		beside += e->op < 0 ? took_s : -took_s;
		if (e->op >= 0 || !on_device(b))
			calibrate_times_add(&t->took[e->op < 0 ? CALIBRATE_PASS : e->op], took_s, b->reads->n);
	}
	if (!on_device(b))
		calibrate_times_add(&t->took[CALIBRATE_BESIDE], beside, b->reads->n);
}

void calibrate_no_work(void *arg, int thread, int n)
{
	(void)arg, (void)thread, (void)n;
}

/* Threads that waited for other models' passes sleep: that is no part of a pass, and is timed apart. */
static void wake(struct calibrate_bench *b, const struct calibrate_place *at)
{
	struct hx_pool *pool = at->in.places[b->s->c->unit_of[b->u]].pool;
	double start_s = hx_trace_now_s(), awake_s, again_s;

	hx_pool_run(pool, calibrate_no_work, NULL);
	awake_s = hx_trace_now_s();
	hx_pool_run(pool, calibrate_no_work, NULL);
	again_s = hx_trace_now_s();
	if (pool != b->awake && hx_pool_threads(pool) > 1)
		calibrate_times_add(&b->wakes, fmax(0, 2 * awake_s - start_s - again_s), b->reads->n);
	b->awake = pool;
}

static int take_turn(struct calibrate_bench *b, struct calibrate_turn *t, struct hx_err *err)
{
	const struct calibrate_place *at = &b->places[t->place];
	int rc;

	if ((rc = calibrate_stopped(b->s, err)))
		return rc;
	if (calibrate_reads_take(b->reads, false))
		b->awake = b->reads->pools[b->reads->n_cores - 1];
	if (!on_device(b))
		wake(b, at);
	hx_exec_trace(at->in.exec, NULL);
	/* what a cache holds is then this model, as these cores read it */
	if (is_cached(b, t) && (rc = pass(b, t, err)))
		return rc;
	if (on_device(b) && ((rc = pass_of_one(b, t, err)) || (rc = untraced_pass(b, t, err))))
		return rc;
	if ((rc = pass_of_one(b, t, err)))
		return rc;
	hx_exec_trace(at->in.exec, &b->trace);
	if ((rc = pass(b, t, err)))
		return rc;
	note(b, t);
	return HX_OK;
}

static bool is_calm(struct calibrate_bench *b)
{
	for (int i = 0; i < b->n_turns; i++)
		if (calibrate_times_spread(&b->turns[i].took[CALIBRATE_PASS]) > calm)
			return false;
	return true;
}

/* All turns, then so many times those of one row again. */
static int take_each(struct calibrate_bench *b, int again, struct hx_err *err)
{
	int rc = HX_OK;

	for (int k = 0; k <= again && !rc; k++)
		for (int i = 0; i < b->n_turns && !rc; i++)
			if (!k || b->turns[i].rows == 1)
				rc = take_turn(b, &b->turns[i], err);
	return rc;
}

static int take_turns(struct calibrate_bench *b, double began_s, double until_s, struct hx_err *err)
{
	int rc = take_each(b, 0, err);

	b->least_s = hx_trace_now_s() - began_s;
	for (int n = 1; n < MOST_REPEATS && !rc && hx_trace_now_s() < until_s && !(n >= ENOUGH_REPEATS && is_calm(b)); n++)
		rc = take_each(b, ONE_ROW_TIMES - 1, err);
	return rc;
}

/* ---- samples ---- */

/* The operator of a kind, and how many times a pass runs it. */
static const struct hx_op *find_op(const struct hx_graph *g, int kind, int *count)
{
	*count = 0;
	for (size_t i = 0; i < g->whole.n_ops; i++)
		if (g->distinct[g->whole.ops[i].which].kind == kind) {
			*count = g->whole.ops[i].count;
			return &g->distinct[g->whole.ops[i].which];
		}
	return NULL;
}

/* What each operator of a turn is; what it takes is filled in at the end. */
static void add_samples(struct calibrate_bench *b, struct calibrate_turn *t)
{
	struct calibration *c = b->s->c;
	const struct calibrate_place *at = &b->places[t->place];

	t->first = c->n;
	c->samples = hx_xrealloc(c->samples, c->n + HX_OP_COUNT, sizeof(*c->samples));
	for (int k = 0; k < HX_OP_COUNT; k++) {
		int count;
		const struct hx_op *op = find_op(&at->in.graph, k, &count);
		struct calibrate_sample *s = &c->samples[c->n];

		if (!op || !t->took[k].n)
			continue;
		*s = (struct calibrate_sample){.op = *op, .type = b->type, .rows = t->rows, .logits = logits_of(t), .cached = at->cached,
					       .footprint_bytes = at->footprint_bytes, .count = count, .pass = c->n_passes};
		s->op.unit = b->u;
		c->n++;
	}
	t->n_samples = c->n - t->first;
	c->n_passes++;
}

/* ---- the bench ---- */

void calibrate_bench_init(struct calibrate_bench *b, struct calibrate_step *s, int u, int type, int footprint, struct calibrate_reads *reads)
{
	*b = (struct calibrate_bench){.s = s, .u = u, .type = type, .footprint = footprint, .reads = reads, .trace.ops = true};
	for (int i = 0; i < CALIBRATE_CONTEXT; i++)
		b->tokens[i] = i * 7 % CALIBRATE_VOCAB;
	add_turns(b);
}

void calibrate_bench_free(struct calibrate_bench *b)
{
	for (int i = 0; i < b->n_turns; i++)
		for (int k = 0; k < CALIBRATE_KINDS; k++)
			calibrate_times_free(&b->turns[i].took[k]);
	free(b->turns);
	calibrate_times_free(&b->wakes);
	hx_trace_free(&b->trace);
}

int calibrate_bench_visit(struct calibrate_bench *b, struct calibrate_model *model, double until_s, struct hx_err *err)
{
	double began_s = hx_trace_now_s();
	int rc = calibrate_model_want(model, b->type, unit_of(b)->bandwidth.footprint_bytes[b->footprint], b->s->o->stop, err);

	b->awake = NULL;
	if (!rc)
		rc = add_places(b, model->file.path, err);
	if (!rc)
		rc = take_turns(b, began_s, until_s, err);
	for (int i = 0; i < b->n_turns && !rc && !b->turns[i].n_samples; i++)
		add_samples(b, &b->turns[i]);
	leave(b);
	return rc;
}
