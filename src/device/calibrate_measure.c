/* Passes over synthesised models, timed operator by operator. All core counts, rows and contexts take turns on a model; and every model is visited
 * several times, since what disturbs a machine often lasts for seconds, and would be taken for a property of one model. */
#include "device/calibrate_reads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 15, ENOUGH_REPEATS = 5 /* of a visit */, LOGIT_ROWS = 17, EXECS = 40, FRONT_ROWS = 128, MOST_CONTEXT = 2048 };

const int calibrate_rows[CALIBRATE_ROWS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 32, 64, 128};

/* How far repeats may differ without being repeated, and without being flagged. */
static const double calm = 0.04, restless = 0.15;

/* Plain decoding and drafting are passes of one row, and what every speedup is taken against: they are repeated so many times as often. */
enum { ONE_ROW_TIMES = 3 };

static const double clock_step_s = 1e-9;

const struct calibrate_plan calibrate_plans[CALIBRATE_FOOTPRINTS] = {
	{0.25, true, false, "xxxxxxxxx..x...x.x..", {32}},
	{1, true, true, "xxxxxxxxx..x...x....", {32}},
	{3, true, false, "xx.x.x.xx..x...x.x..", {32}},
	{0.125, false, true, "xx.x.x.x.......x.x..", {32}},
	{0.5, false, true, "xxxxxxxxxxxxxxxxxxxx", {32, 512, MOST_CONTEXT}},
	{1, false, false, "xx.x...x............", {32}},
	{2, false, true, "xxxxxxxxx..x...x....", {32}},
	{8, false, true, "xxxxxxxxx..x...xx...", {32}},
};

/* A model on some cores behind some tokens. */
struct place {
	struct hx_mapping mapping;
	struct hx_graph graph;
	struct hx_place places[HX_MAX_UNITS];
	struct hx_exec *exec;
	int cached;
	double footprint_bytes;
};

/* Rows on a place: of each operator what every layer of every repeat took, so that what interrupts one layer is one value of many; behind the
 * operators the passes, and what these took beside them. */
enum { PASS = HX_OP_COUNT, BESIDE, KINDS };
struct turn {
	int place; /* index */
	int rows;
	struct calibrate_times took[KINDS];
	size_t first, n_samples; /* of the calibration: one an operator, which the first visit adds */
};

/* A model with its turns; it is in memory, and has places, during a visit alone. */
struct bench {
	struct calibrate_step *s;
	int type, footprint;
	struct calibrate_model model;
	struct place places[EXECS];
	int n_places;
	struct turn *turns;
	int n_turns;
	const struct hx_pool *awake; /* its threads ran last */
	struct calibrate_times wakes;
	struct calibrate_reads *reads; /* of the unit */
	double least_s; /* of a visit: making the model, and every turn once */
	struct hx_trace trace;
	int tokens[MOST_CONTEXT];
};

static const struct unit *unit_of(const struct calibrate_step *s)
{
	return &s->c->profile.units[s->u];
}

static const struct calibrate_plan *plan_of(const struct bench *b)
{
	return &calibrate_plans[b->s->c->plans[b->s->u][b->footprint]];
}

static double footprint_of(const struct place *p)
{
	double bytes = 0;

	for (size_t i = 0; i < p->graph.whole.n_ops; i++) {
		const struct hx_op *op = &p->graph.distinct[p->graph.whole.ops[i].which];

		bytes += p->graph.whole.ops[i].count * (op->weight_bytes + op->kv_pos * p->cached);
	}
	return bytes;
}

static int fill(struct bench *b, struct place *p, struct hx_err *err)
{
	const struct hx_lm lm = hx_exec_lm(p->exec);

	return lm.decode(lm.self, HX_PASS_PREFILL_TARGET, b->tokens, p->cached, 0, NULL, err);
}

static int add_place(struct bench *b, int cores, int cached, struct hx_err *err)
{
	struct place *p = &b->places[b->n_places];
	struct hx_engine *e = &b->s->m->engine;
	const struct hx_model *model = &b->model.model;
	const struct hx_exec_options options = {.context = cached + FRONT_ROWS, .logit_rows = LOGIT_ROWS, .kv_cache = true};
	int unit = b->s->c->unit_of[b->s->u], rc;
	char *map = hx_xasprintf("%sx%d", e->units.v[unit]->name, cores);

	b->n_places++;
	p->cached = cached;
	rc = hx_mapping_parse(&p->mapping, map, &model->shape, &e->units, err);
	free(map);
	if (!rc)
		rc = hx_graph_init(&p->graph, &model->shape, &p->mapping, b->type, model->shape.layers, &e->units, err);
	if (!rc)
		rc = hx_engine_pool(e, unit, 0, cores, &p->places[unit].pool, err);
	if (!rc)
		rc = hx_exec_create(&p->exec, &p->graph, &b->model.weights, NULL, p->places, &options, err);
	if (rc)
		return rc;
	p->footprint_bytes = footprint_of(p);
	return fill(b, p, err);
}

/* Contexts that are measured: --quick has the shortest only. */
static int contexts_of(const struct bench *b)
{
	int n = 0;

	while (n < 4 && plan_of(b)->contexts[n])
		n++;
	return b->s->o->quick ? 1 : n;
}

static int add_places(struct bench *b, struct hx_err *err)
{
	const struct unit *u = unit_of(b->s);
	int rc = HX_OK;

	for (size_t c = 0; c < u->bandwidth.n_cores && !rc; c++)
		for (int n = 0; n < contexts_of(b) && !rc && b->n_places < EXECS; n++)
			rc = add_place(b, (int)u->bandwidth.cores[c], plan_of(b)->contexts[n], err);
	return rc;
}

/* Rows for every place, in its order. */
static void add_turns(struct bench *b)
{
	const struct calibrate_plan *plan = plan_of(b);
	int contexts = contexts_of(b);

	b->turns = hx_xcalloc(EXECS * CALIBRATE_ROWS, sizeof(*b->turns));
	for (int p = 0; p < EXECS && p < contexts * (int)unit_of(b->s)->bandwidth.n_cores; p++)
		for (int r = 0; r < CALIBRATE_ROWS; r++) {
			bool few = p % contexts || (b->s->o->quick && !plan->contexts[1]);
			int rows = calibrate_rows[r];

			if (plan->rows[r] == 'x' && (!few || rows == 1 || rows == 4 || rows == 8 || rows == 16))
				b->turns[b->n_turns++] = (struct turn){.place = p, .rows = rows};
		}
}

/* As a verification has them, or a prompt. */
static int logits_of(const struct turn *t)
{
	return t->rows <= LOGIT_ROWS ? t->rows : 1;
}

static int pass(struct bench *b, const struct turn *t, struct hx_err *err)
{
	const struct place *at = &b->places[t->place];
	const struct hx_lm lm = hx_exec_lm(at->exec);
	struct hx_logits logits = {0};

	lm.rollback(lm.self, at->cached);
	b->trace.n = 0;
	return lm.decode(lm.self, HX_PASS_VERIFY, b->tokens, t->rows, logits_of(t), &logits, err);
}

static void note(struct bench *b, struct turn *t)
{
	double beside = 0;

	for (size_t i = 0; i < b->trace.n; i++) {
		const struct hx_event *e = &b->trace.events[i];
		double took_s = e->end_s - e->start_s;

		calibrate_times_add(&t->took[e->op < 0 ? PASS : e->op], took_s, b->reads->n);
		beside += e->op < 0 ? took_s : -took_s;
	}
	calibrate_times_add(&t->took[BESIDE], beside, b->reads->n);
}

void calibrate_no_work(void *arg, int thread, int n)
{
	(void)arg, (void)thread, (void)n;
}

/* Threads that waited for other models' passes sleep: that is no part of a pass, and is timed apart. */
static void wake(struct bench *b, const struct place *at)
{
	struct hx_pool *pool = at->places[b->s->c->unit_of[b->s->u]].pool;
	double start_s = hx_trace_now_s(), awake_s, again_s;

	hx_pool_run(pool, calibrate_no_work, NULL);
	awake_s = hx_trace_now_s();
	hx_pool_run(pool, calibrate_no_work, NULL);
	again_s = hx_trace_now_s();
	if (pool != b->awake && hx_pool_threads(pool) > 1)
		calibrate_times_add(&b->wakes, fmax(0, 2 * awake_s - start_s - again_s), b->reads->n);
	b->awake = pool;
}

static int take_turn(struct bench *b, struct turn *t, struct hx_err *err)
{
	const struct place *at = &b->places[t->place];
	int rc;

	if ((rc = calibrate_stopped(b->s, err)))
		return rc;
	if (calibrate_reads_take(b->reads, false))
		b->awake = b->reads->pools[b->reads->n_cores - 1];
	wake(b, at);
	hx_exec_trace(at->exec, NULL);
	/* what a cache holds is then this model, as these cores read it */
	if (!(at->footprint_bytes > 2 * unit_of(b->s)->cache_bytes) && (rc = pass(b, t, err)))
		return rc;
	hx_exec_trace(at->exec, &b->trace);
	if ((rc = pass(b, t, err)))
		return rc;
	note(b, t);
	return HX_OK;
}

static bool is_calm(struct bench *b)
{
	for (int i = 0; i < b->n_turns; i++)
		if (calibrate_times_spread(&b->turns[i].took[PASS]) > calm)
			return false;
	return true;
}

/* All turns, then so many times those of one row again. */
static int take_each(struct bench *b, int again, struct hx_err *err)
{
	int rc = HX_OK;

	for (int k = 0; k <= again && !rc; k++)
		for (int i = 0; i < b->n_turns && !rc; i++)
			if (!k || b->turns[i].rows == 1)
				rc = take_turn(b, &b->turns[i], err);
	return rc;
}

static int take_turns(struct bench *b, double began_s, double until_s, struct hx_err *err)
{
	int rc = take_each(b, 0, err);

	b->least_s = hx_trace_now_s() - began_s;
	for (int n = 1; n < MOST_REPEATS && !rc && hx_trace_now_s() < until_s && !(n >= ENOUGH_REPEATS && is_calm(b)); n++)
		rc = take_each(b, ONE_ROW_TIMES - 1, err);
	return rc;
}

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
static void add_samples(struct bench *b, struct turn *t)
{
	struct calibration *c = b->s->c;
	const struct place *at = &b->places[t->place];

	t->first = c->n;
	c->samples = hx_xrealloc(c->samples, c->n + HX_OP_COUNT, sizeof(*c->samples));
	for (int k = 0; k < HX_OP_COUNT; k++) {
		int count;
		const struct hx_op *op = find_op(&at->graph, k, &count);
		struct calibrate_sample *s = &c->samples[c->n];

		if (!op || !t->took[k].n)
			continue;
		*s = (struct calibrate_sample){.op = *op, .type = b->type, .rows = t->rows, .logits = logits_of(t), .cached = at->cached,
					       .footprint_bytes = at->footprint_bytes, .count = count, .pass = c->n_passes};
		s->op.unit = b->s->u;
		c->n++;
	}
	t->n_samples = c->n - t->first;
	c->n_passes++;
}

static void fill_samples(struct bench *b, struct turn *t)
{
	struct calibration *c = b->s->c;
	double pass_s = 0;

	for (size_t i = t->first; i < t->first + t->n_samples; i++) {
		struct calibrate_sample *s = &c->samples[i];

		s->op.clock_hz = unit_of(b->s)->is.clock_hz;
		s->seconds = fmax(calibrate_times_typical(&t->took[s->op.kind]), clock_step_s);
		s->spread = calibrate_times_spread(&t->took[s->op.kind]);
		pass_s += s->count * s->seconds;
	}
	for (size_t i = t->first; i < t->first + t->n_samples; i++)
		c->samples[i].share = c->samples[i].count * c->samples[i].seconds / pass_s;
	c->restless += calibrate_times_spread(&t->took[PASS]) > restless;
}

/* What ends a segment: passes of one core less their operators, of all turns. */
static double sync_of(struct bench *b)
{
	const int contexts = contexts_of(b);
	double sum = 0;
	int n = 0;

	for (int i = 0; i < b->n_turns; i++)
		if (b->turns[i].place < contexts) { /* of the first number of cores, which is one */
			sum += calibrate_times_typical(&b->turns[i].took[BESIDE]);
			n++;
		}
	return fmax(sum / n, 0);
}

static double wake_of(struct bench *benches, int n)
{
	struct calibrate_times all = {0};
	double wake_s;

	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < benches[i].wakes.n; k++)
			calibrate_times_add(&all, benches[i].wakes.v[k], 0);
	wake_s = all.n ? calibrate_times_typical(&all) : 0;
	calibrate_times_free(&all);
	return wake_s;
}

static void leave(struct bench *b)
{
	for (int i = 0; i < b->n_places; i++) {
		hx_exec_free(b->places[i].exec);
		hx_graph_free(&b->places[i].graph);
		hx_mapping_free(&b->places[i].mapping);
		b->places[i] = (struct place){0};
	}
	b->n_places = 0;
	calibrate_model_close(&b->model);
}

static int visit(struct bench *b, double until_s, struct hx_err *err)
{
	struct calibrate_step *s = b->s;
	const struct unit *u = unit_of(s);
	double began_s = hx_trace_now_s();
	struct hx_pool *pool;
	int rc = hx_engine_pool(&s->m->engine, s->c->unit_of[s->u], 0, u->is.cores, &pool, err);

	b->awake = NULL;
	if (!rc)
		rc = calibrate_model_open(&b->model, b->type, u->bandwidth.footprint_bytes[b->footprint], s->m->engine.kernels, pool, s->o->stop, err);
	for (int i = 0; i < MOST_CONTEXT && !rc; i++)
		b->tokens[i] = i * 7 % b->model.model.shape.vocab;
	if (!rc)
		rc = add_places(b, err);
	if (!rc)
		rc = take_turns(b, began_s, until_s, err);
	for (int i = 0; i < b->n_turns && !rc && !b->turns[i].n_samples; i++)
		add_samples(b, &b->turns[i]);
	leave(b);
	return rc;
}

static void bench_free(struct bench *b)
{
	for (int i = 0; i < b->n_turns; i++)
		for (int k = 0; k < KINDS; k++)
			calibrate_times_free(&b->turns[i].took[k]);
	free(b->turns);
	calibrate_times_free(&b->wakes);
	hx_trace_free(&b->trace);
}

/* Every model is visited once, whatever it takes; what time is left then is for repeats. */
static int visit_all(struct calibrate_step *s, struct bench *benches, int n, struct hx_err *err)
{
	int rc = HX_OK;

	for (int i = 0; i < s->visits * n && !rc; i++) {
		struct bench *b = &benches[i % n];
		double now_s = hx_trace_now_s();

		if (i < n || now_s + b->least_s < s->until_s)
			rc = visit(b, now_s + (s->until_s - now_s) / (s->visits * n - i), err);
		else
			s->c->dropped++;
		s->done++;
		if (s->o->progress && !rc)
			s->o->progress(s->o->arg, s->done, s->steps);
	}
	return rc;
}

/* What a unit's figures are, once all is timed: by what was timed while memory was as it is most of the time. */
static void settle(struct calibrate_step *s, struct bench *benches, int n, const struct calibrate_reads *reads)
{
	struct unit *u = &s->c->profile.units[s->u];
	bool *quiet = calibrate_reads_settle(reads, u);

	for (int i = 0; i < n; i++)
		for (int k = 0; k < benches[i].n_turns; k++) {
			for (int t = 0; t < KINDS; t++)
				calibrate_times_keep(&benches[i].turns[k].took[t], quiet);
			fill_samples(&benches[i], &benches[i].turns[k]);
		}
	u->sync_s = sync_of(&benches[0]); /* where it is not lost in what operators take */
	u->wake_s = wake_of(benches, n);
	free(quiet);
}

int calibrate_measure(struct calibrate_step *s, struct hx_err *err)
{
	struct bench *benches = hx_xcalloc(CALIBRATE_FOOTPRINTS * HX_TYPE_COUNT, sizeof(*benches));
	struct calibrate_reads reads;
	int n = 0, rc;

	for (size_t f = 0; f < unit_of(s)->bandwidth.n_footprints; f++)
		for (int t = 0; t < HX_TYPE_COUNT; t++)
			if (s->o->types[t]) {
				benches[n] = (struct bench){.s = s, .type = t, .footprint = (int)f, .reads = &reads, .trace.ops = true};
				add_turns(&benches[n++]);
			}
	rc = calibrate_reads_init(&reads, s, err);
	if (!rc)
		rc = visit_all(s, benches, n, err);
	if (!rc) {
		calibrate_reads_take(&reads, true);
		settle(s, benches, n, &reads);
	}
	calibrate_reads_free(&reads);
	for (int i = 0; i < n; i++)
		bench_free(&benches[i]);
	free(benches);
	return rc;
}
