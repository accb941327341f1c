/* Pairs: the passes of one target with one drafter, priced by the model or taken from measured costs. */
#include "core/bandwidth.h"
#include "core/predict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

	if (!p->study->costs.n || g->mapping->n_uses > 1 || !whole || !(near = costs_nearest(&p->study->costs, &key, r, context)))
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

const struct cost_env *predict_env(const struct pair *pair, int kind, bool busy)
{
	if (kind == HX_PASS_DRAFT || kind == HX_PASS_CATCH_UP || kind == HX_PASS_PREFILL_DRAFT)
		return busy ? &pair->busy_draft : &pair->env_draft;
	return busy ? &pair->busy : &pair->env;
}

struct pass_cost predict_pass(const struct predict *p, const struct pair *pair, int kind, bool busy)
{
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	const struct hx_pass *pass = hx_plan_pass(&pair->plan, kind);
	const struct cost_env *env = predict_env(pair, kind, busy), *alone_env = predict_env(pair, kind, false);

	if (!pass)
		return (struct pass_cost){0};
	if (!pass->rows)
		return price(p, env, alone_env, pair->plan.chains[pass->chain], w->prompt, pass->logit_rows, 0, 0);
	return price(p, env, alone_env, pair->plan.chains[pass->chain], pass->rows, pass->logit_rows, w->prompt, w->prompt + w->generated);
}

static bool same_pair(const struct point *a, const struct point *b)
{
	return a->workload == b->workload && a->target_type == b->target_type && a->draft_type == b->draft_type && a->target_map == b->target_map &&
	       a->draft_map == b->draft_map && a->drafter == b->drafter && a->mode == b->mode;
}

static void refuse(struct pair *pair, const char *fmt, ...) HX_PRINTF(2, 3);

static void refuse(struct pair *pair, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(pair->reason, sizeof(pair->reason), fmt, ap);
	va_end(ap);
}

static void check_shared_units(const struct predict *p, struct pair *pair)
{
	for (size_t u = 0; u < p->study->profile.n_units; u++) {
		const struct hx_unit *unit = p->study->profile.is.v[u];
		int a = pair->target->cores[u], b = pair->draft->cores[u];

		if (a && b && unit->kind != HX_CPU)
			refuse(pair, "overlapped drafter and target share %s", unit->name);
		else if (a && b && a + b > unit->usable)
			refuse(pair, "overlapped drafter and target need %d + %d cores of %s, which has %d", b, a, unit->name, unit->usable);
	}
}

/* With relative costs a pass that no row speaks of has no price at all. */
static bool unpriced(const struct predict *p, const struct placed *placed)
{
	struct cost_key key;

	if (!p->study->costs.relative || !placed)
		return false;
	key = key_of(p, &placed->graph);
	return placed->graph.mapping->n_uses > 1 || !costs_nearest(&p->study->costs, &key, 1, 0);
}

static void check_pair(const struct predict *p, struct pair *pair)
{
	const struct study *st = p->study;
	const struct workload *w = &st->sweep.workloads[pair->key.workload];

	if (pair->target->reason)
		refuse(pair, "target: %s", pair->target->reason);
	else if (pair->draft && pair->draft->reason)
		refuse(pair, "drafter: %s", pair->draft->reason);
	else if (unpriced(p, pair->target) || unpriced(p, pair->draft))
		refuse(pair, "the costs table, in a unit of its own, has no row for the %s", unpriced(p, pair->target) ? "target" : "drafter");
	else if (w->prompt + w->generated > st->target.context)
		refuse(pair, "%d tokens exceed the target's context limit of %d", w->prompt + w->generated, st->target.context);
	else if (pair->draft && w->prompt + w->generated > pair->draft->graph.shape->context)
		refuse(pair, "%d tokens exceed the drafter's context limit of %d", w->prompt + w->generated, pair->draft->graph.shape->context);
	else if (pair->key.mode == HX_OVERLAPPED && st->sweep.model == COST_EQ1)
		refuse(pair, "eq1 knows the sequential mode only");
	else if (pair->key.drafter >= 0 && study_acceptance(st, pair->key.target_type, pair->key.drafter, pair->key.draft_type) < 0)
		refuse(pair, "no acceptance source for a %s target with %s in %s", hx_type_names[pair->key.target_type],
		       st->drafters[pair->key.drafter].name, hx_type_names[pair->key.draft_type]);
	else if (pair->key.mode == HX_OVERLAPPED)
		check_shared_units(p, pair);
}

static void set_envs(const struct predict *p, struct pair *pair)
{
	const struct profile *profile = &p->study->profile;
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	double context = w->prompt + w->generated / 2.0;
	/* an early exit's layers are the target's: nothing more is touched */
	const struct placed *other = pair->plan.drafter == HX_DRAFT_MODEL ? pair->draft : NULL;

	pair->env = pair->env_draft = (struct cost_env){.profile = profile, .kv_cache = p->study->sweep.kv_cache};
	bandwidth_alone(profile, pair->target, pair->target, other, context, pair->env.bw);
	if (pair->draft)
		bandwidth_alone(profile, pair->draft, pair->target, other, context, pair->env_draft.bw);
	pair->busy = pair->env;
	pair->busy_draft = pair->env_draft;
	if (pair->key.mode == HX_OVERLAPPED) {
		bandwidth_contended(profile, pair->target, pair->env.bw, pair->draft, pair->env_draft.bw, pair->busy.bw);
		bandwidth_contended(profile, pair->draft, pair->env_draft.bw, pair->target, pair->env.bw, pair->busy_draft.bw);
	}
}

static double row_s(const struct study *st, const struct hx_shape *shape)
{
	return st->sweep.temperature > 0 ? shape->vocab * st->profile.host.sample_vocab_s : st->profile.host.greedy_row_s;
}

static void pair_init(const struct predict *p, const struct point *pt, struct pair *pair)
{
	const struct drafter *d = pt->drafter >= 0 ? &p->study->drafters[pt->drafter] : NULL;
	int kind = d ? d->kind : HX_DRAFT_NONE;

	predict_pair_free(pair);
	pair->valid = true;
	pair->key = *pt;
	pair->target = placed_find(&p->target, pt->target_type, pt->target_map);
	if (kind == HX_DRAFT_MODEL)
		pair->draft = placed_find(&p->draft[pt->drafter], pt->draft_type, pt->draft_map);
	else if (kind == HX_DRAFT_EXIT)
		pair->draft = placed_find(&p->draft[pt->drafter], pt->target_type, pt->target_map);
	check_pair(p, pair);
	if (*pair->reason)
		return;
	hx_plan_init(&pair->plan, kind, &pair->target->graph, pair->draft ? &pair->draft->graph : NULL, pt->gamma, pt->mode, p->study->sweep.kv_cache);
	set_envs(p, pair);
	pair->prefill = predict_pass(p, pair, HX_PASS_PREFILL_TARGET, false);
	pair->prefill_draft = predict_pass(p, pair, HX_PASS_PREFILL_DRAFT, false);
	pair->draft1 = predict_pass(p, pair, HX_PASS_DRAFT, false);
	pair->draft2 = predict_pass(p, pair, HX_PASS_CATCH_UP, false);
	pair->draft1_busy = pt->mode == HX_OVERLAPPED ? predict_pass(p, pair, HX_PASS_DRAFT, true) : pair->draft1;
	pair->front = predict_pass(p, pair, HX_PASS_FRONT, false);
	pair->row_s_target = row_s(p->study, &p->study->target);
	pair->row_s_draft = pair->draft ? row_s(p->study, pair->draft->graph.shape) : 0;
}

void predict_pair_free(struct pair *pair)
{
	hx_plan_free(&pair->plan);
	memset(pair, 0, sizeof(*pair));
}

void predict_pair(const struct predict *p, const struct point *pt, struct pair *pair)
{
	if (!pair->valid || !same_pair(&pair->key, pt))
		pair_init(p, pt, pair);
	if (!*pair->reason)
		hx_plan_set_gamma(&pair->plan, pt->gamma);
}
