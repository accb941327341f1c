/* Pairs: the passes of one target with one drafter, priced by the model or taken from measured costs. */
#include "core/bandwidth.h"
#include "core/memo.h"
#include "core/predict_internal.h"

#include <math.h>
#include <string.h>

enum { MOST_PASSES = 16384, MOST_VERIFIES = 1024 /* prices that a thread remembers: 2 MB, and 60 kB for every draft length */ };
static const double same_clock = 0.01;

/* What measured costs say of a pass: its seconds, or a factor on the model's price where another number of rows was measured; NAN: nothing. */
struct measured {
	double seconds, factor;
};

static struct cost_key key_of(const struct predict *p, const struct hx_graph *g)
{
	const struct hx_use *use = &g->mapping->uses[0];

	return (struct cost_key){g->shape->name, p->study->profile.units[use->unit].is.name, g->type, use->cores};
}

static struct measured look_up(const struct predict *p, const struct cost_env *env, const struct hx_chain *c, double r, double logits,
			       double n0, double n1)
{
	const struct hx_graph *g = c->graph;
	struct cost_key key = key_of(p, g);
	struct measured m = {NAN, NAN};
	const struct cost_row *near;
	bool whole = c->n == g->n_ops && g->layers == g->shape->layers;
	double l, context = (n0 + n1) / 2;

	if (!p->study->costs.n || g->mapping->n_uses > 1 || !whole || !(near = costs_nearest(&p->study->costs, &key, r, context, env->kv_cache)))
		return m;
	m.seconds = costs_find(&p->study->costs, &key, env->kv_cache ? r : r + context, env->kv_cache ? context : 0, env->kv_cache);
	if (!isnan(m.seconds)) {
		if (near->logit_rows && near->logit_rows != logits) /* a table of one program: measured alike */
			m.seconds *= cost_pass_mean(env, c, r, logits, n0, n1).time_s / cost_pass_mean(env, c, r, near->logit_rows, n0, n1).time_s;
		return m;
	}
	/* measured and modelled passes of one model must not mix in a round: the model is scaled to the nearest measurement. A table that
	 * does not tell its logits has a prefill at context 0, with logits for one row, else a verification, with logits for all. */
	l = near->logit_rows ? near->logit_rows : near->context > 0 ? near->rows : 1;
	m.factor = near->seconds / cost_pass(env, c, near->rows, l, near->context).time_s;
	return m;
}

static void scale(struct pass_cost *c, double factor)
{
	c->time_s *= factor;
	c->launch_s *= factor;
	c->transfer_s *= factor;
	c->sync_s *= factor;
	c->energy_j *= factor;
}

static struct pass_cost price(const struct predict *p, const struct cost_env *env, const struct cost_env *uncontended, const struct hx_chain *c,
			      double r, double l, double n0, double n1)
{
	struct pass_cost cost = cost_pass_mean(env, c, r, l, n0, n1);
	struct measured m = look_up(p, uncontended, c, r, l, n0, n1);
	double alone_s = cost.time_s;

	if (!isnan(m.factor))
		scale(&cost, m.factor);
	if (isnan(m.seconds))
		return cost;
	if (env != uncontended) /* measured alone: contention scales it as it scales the model */
		alone_s = cost_pass_mean(uncontended, c, r, l, n0, n1).time_s;
	scale(&cost, m.seconds / alone_s);
	cost.launch_s = cost.transfer_s = cost.sync_s = 0; /* measured passes are whole */
	return cost;
}

enum predict_when predict_usually(const struct pair *pair, int kind)
{
	if (kind == HX_PASS_DRAFT && pair->plan.gamma > 1)
		return PREDICT_AGAIN;
	return kind == HX_PASS_VERIFY ? PREDICT_BUSY : PREDICT_ALONE;
}

const struct cost_env *predict_env(const struct pair *pair, int kind, enum predict_when when)
{
	if (kind == HX_PASS_DRAFT || kind == HX_PASS_CATCH_UP || kind == HX_PASS_PREFILL_DRAFT)
		return when == PREDICT_BUSY ? &pair->busy_draft : when == PREDICT_AGAIN ? &pair->again_draft : &pair->env_draft;
	return when == PREDICT_BUSY ? &pair->busy : &pair->env;
}

struct pass_cost predict_pass(const struct predict *p, const struct pair *pair, int kind, enum predict_when when)
{
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	const struct hx_pass *pass = hx_plan_pass(&pair->plan, kind);
	const struct cost_env *env = predict_env(pair, kind, when), *alone_env = predict_env(pair, kind, when == PREDICT_BUSY ? PREDICT_ALONE : when);

	if (!pass)
		return (struct pass_cost){0};
	if (!pass->rows)
		return price(p, env, alone_env, pair->plan.chains[pass->chain], w->prompt, pass->logit_rows, 0, 0);
	return price(p, env, alone_env, pair->plan.chains[pass->chain], pass->rows, pass->logit_rows, w->prompt, w->prompt + w->generated);
}

static void check_shared_units(const struct predict *p, struct pair *pair)
{
	for (size_t u = 0; u < p->study->profile.n_units; u++) {
		const struct hx_unit *unit = p->study->profile.is.v[u];
		int a = pair->target->cores[u], b = pair->draft->cores[u];

		if (a && b && unit->kind != HX_CPU)
			pair->refusal = (struct refusal){REFUSED_SHARED, (short)u, false, 0, 0};
		else if (a && b && a + b > unit->usable)
			pair->refusal = (struct refusal){REFUSED_CORES, (short)u, false, b, a};
	}
}

/* Threads that wait for the other model's pass keep their processors. */
static void check_processors(const struct predict *p, struct pair *pair)
{
	struct placed_clash clash;
	int cores[HX_MAX_UNITS];

	for (int u = 0; u < HX_MAX_UNITS; u++) {
		int a = pair->target->cores[u], b = pair->draft->cores[u];

		cores[u] = pair->key.mode == HX_OVERLAPPED ? a + b : a > b ? a : b;
	}
	if (placed_clashes(&p->study->profile, cores, &clash))
		pair->refusal = (struct refusal){REFUSED_PROCESSOR, (short)clash.unit, false, clash.processor, clash.other};
}

/* Switching between passes would take longer than they do. Clocks that were rounded to MHz, or written in GHz, are the same. */
static void check_clocks(const struct predict *p, struct pair *pair)
{
	for (size_t u = 0; u < p->study->profile.n_units; u++)
		if (pair->target->cores[u] && pair->draft->cores[u] &&
		    fabs(pair->target->clock_hz[u] / pair->draft->clock_hz[u] - 1) > same_clock)
			pair->refusal = (struct refusal){REFUSED_CLOCKS, (short)u, false, 0, 0};
}

/* Times measured at one clock do not compare with those modelled at another. */
static void check_measured(const struct predict *p, struct pair *pair)
{
	for (size_t u = 0; u < p->study->profile.n_units; u++) {
		double own_hz = p->study->profile.units[u].is.clock_hz;

		if ((pair->target->cores[u] && pair->target->clock_hz[u] != own_hz) ||
		    (pair->draft && pair->draft->cores[u] && pair->draft->clock_hz[u] != own_hz))
			pair->refusal = (struct refusal){REFUSED_MEASURED, (short)u, false, 0, 0};
	}
}

/* With relative costs a pass that no row speaks of has no price at all. */
static bool unpriced(const struct predict *p, const struct placed *placed)
{
	struct cost_key key;

	if (!p->study->costs.relative || !placed)
		return false;
	key = key_of(p, &placed->graph);
	return placed->graph.mapping->n_uses > 1 || !costs_nearest(&p->study->costs, &key, 1, 0, p->study->sweep.kv_cache);
}

static void check_pair(const struct predict *p, struct pair *pair)
{
	const struct study *st = p->study;
	const struct workload *w = &st->sweep.workloads[pair->key.workload];
	double tokens = w->prompt + w->generated;

	if (pair->target->reason)
		pair->refusal.kind = REFUSED_TARGET;
	else if (pair->draft && pair->draft->reason)
		pair->refusal.kind = REFUSED_DRAFTER;
	else if (unpriced(p, pair->target) || unpriced(p, pair->draft))
		pair->refusal = (struct refusal){REFUSED_UNPRICED, 0, !unpriced(p, pair->target), 0, 0};
	else if (tokens > st->target.context)
		pair->refusal = (struct refusal){REFUSED_CONTEXT, 0, false, tokens, st->target.context};
	else if (pair->draft && tokens > pair->draft->graph.shape->context)
		pair->refusal = (struct refusal){REFUSED_CONTEXT, 0, true, tokens, pair->draft->graph.shape->context};
	else if (pair->key.mode == HX_OVERLAPPED && st->sweep.model == COST_EQ1)
		pair->refusal.kind = REFUSED_EQ1;
	else if (pair->key.drafter >= 0 && pair->source < 0)
		pair->refusal.kind = REFUSED_ACCEPTANCE;
	else if (pair->key.mode == HX_OVERLAPPED)
		check_shared_units(p, pair);
	if (!pair->refusal.kind && pair->draft)
		check_processors(p, pair);
	if (!pair->refusal.kind && pair->draft)
		check_clocks(p, pair);
	if (!pair->refusal.kind && st->costs.n)
		check_measured(p, pair);
}

static void set_envs(const struct predict *p, struct pair *pair)
{
	const struct profile *profile = &p->study->profile;
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	double context = w->prompt + w->generated / 2.0;
	/* an early exit's layers are the target's: nothing more is touched */
	const struct placed *other = pair->plan.drafter == HX_DRAFT_MODEL ? pair->draft : NULL;

	pair->env = pair->env_draft = (struct cost_env){.profile = profile, .kv_cache = p->study->sweep.kv_cache, .group = PASS_DRAFT};
	pair->env.group = pair->key.gamma ? PASS_VERIFY : PASS_PLAIN;
	if (pair->key.mode == HX_OVERLAPPED) {
		bandwidth_beside(profile, pair->target, pair->draft, context, pair->env.bw);
		bandwidth_beside(profile, pair->draft, pair->target, context, pair->env_draft.bw);
	} else {
		bandwidth_alone(profile, pair->target, pair->target, other, context, pair->env.bw);
		if (pair->draft)
			bandwidth_alone(profile, pair->draft, pair->target, other, context, pair->env_draft.bw);
	}
	pair->busy = pair->env;
	pair->busy_draft = pair->again_draft = pair->env_draft;
	if (pair->key.mode == HX_OVERLAPPED) {
		bandwidth_contended(profile, pair->target, pair->env.bw, pair->draft, pair->env_draft.bw, context, pair->busy.bw);
		bandwidth_contended(profile, pair->draft, pair->env_draft.bw, pair->target, pair->env.bw, context, pair->busy_draft.bw);
	} else if (pair->draft) {
		bandwidth_alone(profile, pair->draft, pair->draft, NULL, context, pair->again_draft.bw);
	}
}

static double row_s(const struct study *st, const struct hx_shape *shape)
{
	return st->sweep.temperature > 0 ? shape->vocab * st->profile.host.sample_vocab_s : st->profile.host.greedy_row_s;
}

/* What the price of a pass depends on, but for its rows. Bandwidths follow: those it gets, and where costs were measured, those it has alone. */
struct pass_key {
	const struct placed *placed; /* of an early exit's front and tail: the drafter's */
	short kind, mode;
	int workload;
	double bw[2 * HX_MAX_UNITS];
};

static size_t key_size(const struct predict *p)
{
	return offsetof(struct pass_key, bw) + p->study->profile.n_units * sizeof(double) * (p->study->costs.n ? 2 : 1);
}

static struct pass_key pass_key(const struct predict *p, const struct pair *pair, int kind, enum predict_when when)
{
	bool drafts = kind != HX_PASS_PREFILL_TARGET && (kind != HX_PASS_VERIFY || pair->plan.drafter == HX_DRAFT_EXIT);
	size_t n = p->study->profile.n_units;
	struct pass_key key = {.placed = drafts ? pair->draft : pair->target, .kind = (short)kind, .mode = (short)pair->key.mode,
			       .workload = pair->key.workload};

	memcpy(key.bw, predict_env(pair, kind, when)->bw, n * sizeof(double));
	if (p->study->costs.n)
		memcpy(key.bw + n, predict_env(pair, kind, PREDICT_ALONE)->bw, n * sizeof(double));
	return key;
}

/* A pass whose rows do not depend on gamma. */
static struct pass_cost remembered(const struct predict *p, struct pair *pair, int kind, enum predict_when when)
{
	struct pass_key key;
	struct pass_cost *cost;
	bool found;

	if (!hx_plan_pass(&pair->plan, kind))
		return (struct pass_cost){0};
	key = pass_key(p, pair, kind, when);
	key.mode = (short)predict_env(pair, kind, when)->group; /* the mode itself does not matter */
	cost = memo_at(pair->passes, &key, &found);
	if (!found)
		*cost = predict_pass(p, pair, kind, when);
	return *cost;
}

static struct pass_cost *verify_table(const struct predict *p, struct pair *pair)
{
	struct pass_key key = pass_key(p, pair, HX_PASS_VERIFY, PREDICT_BUSY);
	bool found;
	struct pass_cost *table = memo_at(pair->verifies, &key, &found);

	for (size_t i = 0; !found && i <= p->space->n_gamma; i++)
		table[i].time_s = NAN;
	return table;
}

static void price_pair(const struct predict *p, struct pair *pair)
{
	if (!pair->passes) {
		pair->passes = memo_create(key_size(p), sizeof(struct pass_cost), MOST_PASSES);
		pair->verifies = memo_create(key_size(p), (p->space->n_gamma + 1) * sizeof(struct pass_cost), MOST_VERIFIES);
	}
	pair->prefill = remembered(p, pair, HX_PASS_PREFILL_TARGET, PREDICT_ALONE);
	pair->prefill_draft = remembered(p, pair, HX_PASS_PREFILL_DRAFT, PREDICT_ALONE);
	pair->draft1 = remembered(p, pair, HX_PASS_DRAFT, PREDICT_ALONE);
	pair->draft2 = remembered(p, pair, HX_PASS_CATCH_UP, PREDICT_ALONE);
	pair->draft1_again = remembered(p, pair, HX_PASS_DRAFT, PREDICT_AGAIN);
	pair->draft1_busy = remembered(p, pair, HX_PASS_DRAFT, PREDICT_BUSY);
	pair->front = remembered(p, pair, HX_PASS_FRONT, PREDICT_ALONE);
	pair->verify = verify_table(p, pair);
}

const struct placed *predict_draft(const struct predict *p, const struct point *pt)
{
	int kind = pt->drafter >= 0 ? p->study->drafters[pt->drafter].kind : HX_DRAFT_NONE;

	if (kind == HX_DRAFT_MODEL)
		return placed_find(&p->draft[pt->drafter], pt->draft_type, pt->draft_map);
	return kind == HX_DRAFT_EXIT ? placed_find(&p->draft[pt->drafter], pt->target_type, pt->target_map) : NULL;
}

static void pair_init(const struct predict *p, const struct point *pt, struct pair *pair)
{
	const struct drafter *d = pt->drafter >= 0 ? &p->study->drafters[pt->drafter] : NULL;
	const struct hx_quality *quality = shape_quality(&p->study->target, pt->target_type);
	int kind = d ? d->kind : HX_DRAFT_NONE;

	hx_plan_free(&pair->plan);
	*pair = (struct pair){.valid = true, .key = *pt, .passes = pair->passes, .verifies = pair->verifies};
	pair->group = predict_group(p, pt);
	pair->plain = predict_plain(p, pt);
	pair->source = d ? study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
	pair->quality = quality ? quality->value : NAN;
	pair->target = placed_find(&p->target, pt->target_type, pt->target_map);
	pair->draft = predict_draft(p, pt);
	check_pair(p, pair);
	if (pair->refusal.kind)
		return;
	hx_plan_init(&pair->plan, kind, &pair->target->graph, pair->draft ? &pair->draft->graph : NULL, pt->gamma, pt->mode, p->study->sweep.kv_cache);
	set_envs(p, pair);
	price_pair(p, pair);
	pair->row_s_target = row_s(p->study, &p->study->target);
	pair->row_s_draft = pair->draft ? row_s(p->study, pair->draft->graph.shape) : 0;
}

void predict_pair_free(struct pair *pair)
{
	hx_plan_free(&pair->plan);
	memo_free(pair->passes);
	memo_free(pair->verifies);
	*pair = (struct pair){0};
}

void predict_pair(const struct predict *p, const struct point *pt, struct pair *pair)
{
	if (!pair->valid || !space_same_pair(&pair->key, pt))
		pair_init(p, pt, pair);
	if (!pair->refusal.kind)
		hx_plan_set_gamma(&pair->plan, pt->gamma);
}

const struct pass_cost *predict_verify(const struct predict *p, struct pair *pair, size_t gamma_i, int gamma)
{
	struct pass_cost *c = &pair->verify[gamma_i];

	if (isnan(c->time_s)) {
		int was = pair->plan.gamma;

		hx_plan_set_gamma(&pair->plan, gamma);
		*c = predict_pass(p, pair, HX_PASS_VERIFY, PREDICT_BUSY);
		hx_plan_set_gamma(&pair->plan, was);
	}
	return c;
}
