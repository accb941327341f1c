/* Predictions. */
#include "core/predict.h"

#include "base/text.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PREFILL_CHUNK = 512, /* rows of the largest prefill pass, which sizes the activation buffers */
	MAX_FACTOR = 1000,   /* where the search for a drafter's highest tolerable cost ends */
};

#define COLUMN(member, unit, help) {#member, offsetof(struct prediction, member), unit, help}

const struct predict_column predict_columns[] = {
	COLUMN(speedup, "", "of decoding, against the baseline"),
	COLUMN(tpot_s, "s", "time per output token"),
	COLUMN(ttft_s, "s", "time to first token: prefill of both models"),
	COLUMN(e2e_s, "s", "prefill and decoding of the workload"),
	COLUMN(speedup_e2e, "", "end to end, against the baseline"),
	COLUMN(speedup_cpu, "", "of decoding, against the best CPU-only plain mapping"),
	COLUMN(speedup_same, "", "of decoding, against plain decoding on the same mapping"),
	COLUMN(tokens_per_round, "", "mean tokens that a round yields"),
	COLUMN(round_s, "s", "mean time of a round"),
	COLUMN(draft_s, "s", "of a round: drafting (overlapped: what is not hidden)"),
	COLUMN(verify_s, "s", "of a round: the target's pass"),
	COLUMN(transfer_s, "s", "of a round: transfers between units"),
	COLUMN(sync_s, "s", "of a round: ends of segments"),
	COLUMN(host_s, "s", "of a round: host code"),
	COLUMN(memory_bytes, "B", "peak memory"),
	COLUMN(energy_j_token, "J", "energy per output token"),
	COLUMN(quality, "", "of the target's quantisation, in the model's own metric"),
	{0},
};
_Static_assert(sizeof(predict_columns) / sizeof(*predict_columns) == PREDICT_COLUMNS + 1, "PREDICT_COLUMNS counts the rows");

/* ---- pairs: what does not depend on gamma ---- */

static double usable_bw(const struct profile *p)
{
	return p->memory.bw_bytes_s - p->reserved.bw_bytes_s;
}

static double usable_memory(const struct profile *p)
{
	return p->memory.capacity_bytes - p->reserved.memory_bytes;
}

/* Bandwidth of each unit that placed uses, when it and `other` share the caches. */
static void alone(const struct profile *p, const struct placed *placed, const struct placed *other, double context, double *bw)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double footprint = placed->streamed[u] + placed->kv_pos[u] * context;

		if (other)
			footprint += other->streamed[u] + other->kv_pos[u] * context;
		if (!placed->cores[u])
			continue;
		bw[u] = cost_bandwidth(&p->units[u], placed->cores[u], footprint);
		if (!(footprint <= p->units[u].cache_bytes)) /* what stays in the cache does not go through main memory */
			bw[u] = fmin(bw[u], usable_bw(p));
	}
}

/* Share of its bandwidth that unit u keeps while unit v streams too: measured, or in proportion to what both would take. */
static double kept(const struct profile *p, size_t u, double bw_u, size_t v, double bw_v, double cluster_bw)
{
	const char *name_u = p->units[u].is.name, *name_v = p->units[v].is.name;
	double cap = usable_bw(p);

	for (size_t i = 0; i < p->memory.n_contention; i++) {
		const struct contention *c = &p->memory.contention[i];

		if (!strcmp(c->a, name_u) && !strcmp(c->b, name_v))
			return c->factor_a;
		if (!strcmp(c->b, name_u) && !strcmp(c->a, name_v))
			return c->factor_b;
	}
	if (u == v)
		cap = fmin(cap, cluster_bw);
	return fmin(1, cap / (bw_u + bw_v));
}

static void contend(const struct profile *p, const struct placed *a, const double *bw_a, const struct placed *b, const double *bw_b, double *out)
{
	for (size_t u = 0; u < p->n_units; u++) {
		double share = 1;

		for (size_t v = 0; v < p->n_units; v++) {
			double cluster = u == v && a->cores[u] && b->cores[u] ? cost_bandwidth(&p->units[u], a->cores[u] + b->cores[u], HUGE_VAL) : 0;

			if (a->cores[u] && b->cores[v])
				share = fmin(share, kept(p, u, bw_a[u], v, bw_b[v], cluster));
		}
		out[u] = bw_a[u] * share;
	}
}

/* Seconds of a pass from the costs table, NAN where it does not speak of it. */
static double measured_s(const struct predict *p, const struct hx_chain *c, double r, double n0, double n1)
{
	const struct hx_graph *g = c->graph;
	const struct hx_use *use = &g->mapping->uses[0];
	double context = (n0 + n1) / 2;
	bool kv = p->study->sweep.kv_cache, whole = c->n == g->n_ops && g->layers == g->shape->layers;

	if (!p->study->costs.n || g->mapping->n_uses > 1 || !whole)
		return NAN;
	return costs_find(&p->study->costs, g->shape->name, g->type, p->study->profile.units[use->unit].is.name, use->cores, kv ? r : r + context,
			  kv ? context : 0, kv);
}

static struct pass_cost price(const struct predict *p, const struct cost_env *env, const struct cost_env *uncontended, const struct hx_chain *c,
			      double r, double l, double n0, double n1)
{
	struct pass_cost cost = cost_pass_mean(env, c, r, l, n0, n1);
	double seconds = measured_s(p, c, r, n0, n1);

	if (isnan(seconds))
		return cost;
	if (env != uncontended) /* measured alone: contention scales it as it scales the model */
		seconds *= cost.time_s / cost_pass_mean(uncontended, c, r, l, n0, n1).time_s;
	cost.energy_j *= seconds / cost.time_s;
	cost.launch_s = cost.transfer_s = cost.sync_s = 0;
	cost.time_s = seconds;
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
		return price(p, env, alone_env, &pair->plan.chains[pass->chain], w->prompt, pass->logit_rows, 0, 0);
	return price(p, env, alone_env, &pair->plan.chains[pass->chain], pass->rows, pass->logit_rows, w->prompt, w->prompt + w->generated);
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

static void check_pair(const struct predict *p, struct pair *pair)
{
	const struct study *st = p->study;
	const struct workload *w = &st->sweep.workloads[pair->key.workload];

	if (pair->target->reason)
		refuse(pair, "target: %s", pair->target->reason);
	else if (pair->draft && pair->draft->reason)
		refuse(pair, "drafter: %s", pair->draft->reason);
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
	alone(profile, pair->target, other, context, pair->env.bw);
	if (pair->draft)
		alone(profile, pair->draft, other ? pair->target : NULL, context, pair->env_draft.bw);
	pair->busy = pair->env;
	pair->busy_draft = pair->env_draft;
	if (pair->key.mode == HX_OVERLAPPED) {
		contend(profile, pair->target, pair->env.bw, pair->draft, pair->env_draft.bw, pair->busy.bw);
		contend(profile, pair->draft, pair->env_draft.bw, pair->target, pair->env.bw, pair->busy_draft.bw);
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
	pair->draft1_busy = predict_pass(p, pair, HX_PASS_DRAFT, true);
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

/* ---- the time and energy of an output ---- */

/* Totals over an output. draft to host add up to the time. */
struct output {
	double draft_s, verify_s, transfer_s, sync_s, host_s, energy_j;
};

static double output_s(const struct output *o)
{
	return o->draft_s + o->verify_s + o->transfer_s + o->sync_s + o->host_s;
}

/* Adds `times` executions of a pass to the output, its own time to *phase_s. */
static void add_pass(struct output *o, double *phase_s, const struct pass_cost *c, double times)
{
	*phase_s += times * (c->time_s - c->transfer_s - c->sync_s);
	o->transfer_s += times * c->transfer_s;
	o->sync_s += times * c->sync_s;
	o->energy_j += times * c->energy_j;
}

/* cost-model.md section 3. A round that follows a fully accepted one finds its drafts made, the first and every other drafts alone. What
 * drafting costs beyond the verify pass counts as drafting; hidden drafting costs energy alone. */
static void output_overlapped(const struct pair *pair, int gamma, const struct rounds *r, const struct pass_cost *verify, double factor,
			      struct output *o)
{
	double alone_s = gamma * pair->draft1.time_s * factor, busy_s = gamma * pair->draft1_busy.time_s * factor;
	double drafted = r->catch_ups, undrafted = r->rounds - drafted;

	add_pass(o, &o->verify_s, verify, r->rounds);
	o->draft_s += undrafted * alone_s + drafted * fmax(0, busy_s - verify->time_s);
	o->energy_j += r->rounds * gamma * pair->draft1_busy.energy_j + undrafted * gamma * pair->draft1.energy_j;
}

static struct output output_of(const struct predict *p, struct pair *pair, int gamma, const struct rounds *r, double draft_factor)
{
	const struct host *host = &p->study->profile.host;
	struct output o = {0};
	struct pass_cost verify, draft = pair->draft1;
	bool eq1 = p->study->sweep.model == COST_EQ1;

	draft.time_s *= draft_factor; /* 1 but for thresholds */
	hx_plan_set_gamma(&pair->plan, eq1 ? 0 : gamma);
	verify = predict_pass(p, pair, HX_PASS_VERIFY, true);
	if (pair->key.mode == HX_OVERLAPPED && gamma) {
		output_overlapped(pair, gamma, r, &verify, draft_factor, &o);
	} else {
		add_pass(&o, &o.verify_s, &verify, r->rounds);
		add_pass(&o, &o.verify_s, &pair->front, gamma ? r->rounds : 0);
		add_pass(&o, &o.draft_s, &draft, r->rounds * gamma);
		if (pair->plan.drafter == HX_DRAFT_MODEL && !eq1) {
			add_pass(&o, &o.draft_s, &draft, -r->catch_ups);
			draft = pair->draft2;
			draft.time_s *= draft_factor;
			add_pass(&o, &o.draft_s, &draft, r->catch_ups);
		}
	}
	if (!eq1)
		o.host_s = r->rounds * ((gamma ? host->h0_s : host->h0_plain_s) + gamma * pair->row_s_draft + (gamma + 1) * pair->row_s_target);
	o.energy_j += p->study->profile.power.idle_w * output_s(&o);
	return o;
}

/* ---- predictions ---- */

static int gamma_index(const struct space *s, int gamma)
{
	size_t i = 0;

	while (s->gamma[i] != gamma)
		i++;
	return (int)i;
}

static struct rounds *rounds_at(const struct predict *p, int source, int workload, int mode, int gamma_i)
{
	size_t w = p->study->sweep.n_workloads, g = p->space->n_gamma;

	return &p->rounds[(((size_t)source * w + (size_t)workload) * HX_MODES + (size_t)mode) * g + (size_t)gamma_i];
}

/* Eq. 1 is a limit of long outputs. */
static struct rounds rounds_for(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens)
{
	struct rounds r;

	if (p->study->sweep.model != COST_EQ1)
		return accept_rounds(a, gamma, mode, n_tokens);
	r = accept_rounds(a, gamma, mode, INFINITY);
	return (struct rounds){r.rounds * n_tokens, r.catch_ups * n_tokens};
}

static void infeasible(struct prediction *out, const char *fmt, ...) HX_PRINTF(2, 3);

static void infeasible(struct prediction *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
	out->feasible = false;
}

static void check_memory(const struct predict *p, const struct hx_buffers *b, struct prediction *out)
{
	char need[TEXT_MAX], have[TEXT_MAX];
	const struct profile *profile = &p->study->profile;

	out->memory_bytes = 0;
	for (size_t u = 0; u < profile->n_units; u++) {
		const struct unit *unit = &profile->units[u];
		double on_unit = 0;

		for (int k = 0; k < HX_BUF_COUNT; k++)
			on_unit += b->bytes[u][k];
		out->memory_bytes += on_unit;
		if (on_unit > unit->mem_limit_bytes)
			infeasible(out, "%s would hold %s; its limit is %s", unit->is.name, text_bytes(need, on_unit), text_bytes(have, unit->mem_limit_bytes));
		else if (b->largest[u] > unit->max_alloc_bytes)
			infeasible(out, "%s would need one allocation of %s; its limit is %s", unit->is.name, text_bytes(need, b->largest[u]),
				   text_bytes(have, unit->max_alloc_bytes));
	}
	if (out->memory_bytes > usable_memory(profile))
		infeasible(out, "needs %s of memory; %s are available", text_bytes(need, out->memory_bytes), text_bytes(have, usable_memory(profile)));
	else if (out->memory_bytes > p->study->sweep.constraints.memory_bytes)
		infeasible(out, "needs %s of memory; the sweep allows %s", text_bytes(need, out->memory_bytes),
			   text_bytes(have, p->study->sweep.constraints.memory_bytes));
}

void predict_buffers(const struct predict *p, const struct pair *pair, int gamma, struct hx_buffers *b)
{
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	double tokens = w->prompt + w->generated + gamma + 1, n = p->study->sweep.kv_cache ? tokens : 0;
	double rows = fmin(p->study->sweep.kv_cache ? w->prompt : tokens, PREFILL_CHUNK);

	*b = (struct hx_buffers){0};
	hx_graph_buffers(&pair->target->graph, fmax(rows, gamma + 1), gamma + 1, n, b);
	if (pair->plan.drafter == HX_DRAFT_MODEL)
		hx_graph_buffers(&pair->draft->graph, rows, 1, n, b);
}

static void check_limits(const struct predict *p, struct prediction *out)
{
	const struct constraints *c = &p->study->sweep.constraints;

	if (out->ttft_s > c->ttft_s)
		infeasible(out, "time to first token %.3g s; the sweep allows %.3g s", out->ttft_s, c->ttft_s);
	else if (out->tpot_s > c->tpot_s)
		infeasible(out, "%.3g s per token; the sweep allows %.3g s", out->tpot_s, c->tpot_s);
	else if (!isnan(c->energy_j_token) && isnan(out->energy_j_token))
		infeasible(out, "energy unknown: the profile has no 'power' for these units; the sweep bounds it");
	else if (out->energy_j_token > c->energy_j_token)
		infeasible(out, "%.3g J per token; the sweep allows %.3g J", out->energy_j_token, c->energy_j_token);
}

static size_t baseline_at(const struct predict *p, const struct point *pt)
{
	const struct sweep *sw = &p->study->sweep;
	size_t t = 0;

	while (sw->target_quants[t] != pt->target_type)
		t++;
	return (size_t)pt->workload * sw->n_target_quants + t;
}

const struct baseline *predict_baseline(const struct predict *p, const struct point *pt)
{
	return &p->best[baseline_at(p, pt)];
}

static void set_speedups(const struct predict *p, const struct point *pt, double tokens, struct prediction *out)
{
	size_t t = baseline_at(p, pt), plain = t * p->space->target.n + (size_t)pt->target_map;
	double decode_s = out->tpot_s * tokens;

	if (p->best[t].index >= 0) {
		out->speedup = p->best[t].decode_s / decode_s;
		out->speedup_e2e = p->best[t].e2e_s / out->e2e_s;
	}
	if (p->cpu[t].index >= 0)
		out->speedup_cpu = p->cpu[t].decode_s / decode_s;
	if (p->plain[plain].feasible)
		out->speedup_same = p->plain[plain].tpot_s / out->tpot_s;
}

static void fill(const struct predict *p, const struct point *pt, const struct pair *pair, const struct rounds *r, const struct output *o,
		 struct prediction *out)
{
	double tokens = p->study->sweep.workloads[pt->workload].generated, decode_s = output_s(o);
	const struct hx_quality *quality = shape_quality(&p->study->target, pt->target_type);

	out->tokens_per_round = tokens / r->rounds;
	out->round_s = decode_s / r->rounds;
	out->draft_s = o->draft_s / r->rounds;
	out->verify_s = o->verify_s / r->rounds;
	out->transfer_s = o->transfer_s / r->rounds;
	out->sync_s = o->sync_s / r->rounds;
	out->host_s = o->host_s / r->rounds;
	out->tpot_s = decode_s / tokens;
	out->ttft_s = pair->prefill.time_s + pair->prefill_draft.time_s;
	out->e2e_s = out->ttft_s + decode_s;
	out->energy_j_token = p->study->sweep.model == COST_EQ1 ? NAN : o->energy_j / tokens; /* Eq. 1 speaks of time alone */
	if (quality)
		out->quality = quality->value;
}

static void unknown(struct prediction *out)
{
	*out = (struct prediction){.feasible = true, .acceptance = -1, .tokens_per_round = NAN, .round_s = NAN, .draft_s = NAN, .verify_s = NAN,
				   .transfer_s = NAN, .sync_s = NAN, .host_s = NAN, .tpot_s = NAN, .ttft_s = NAN, .e2e_s = NAN, .speedup = NAN,
				   .speedup_e2e = NAN, .speedup_cpu = NAN, .speedup_same = NAN, .memory_bytes = NAN, .energy_j_token = NAN, .quality = NAN};
}

/* Everything but speedups. */
static void predict_alone(const struct predict *p, const struct point *pt, struct pair *pair, struct prediction *out)
{
	struct hx_buffers buffers;
	struct rounds r = {p->study->sweep.workloads[pt->workload].generated, 0};
	struct output o;

	unknown(out);
	predict_pair(p, pt, pair);
	if (*pair->reason) {
		infeasible(out, "%s", pair->reason);
		return;
	}
	predict_buffers(p, pair, pt->gamma, &buffers);
	check_memory(p, &buffers, out);
	if (!out->feasible)
		return;
	if (pt->gamma) {
		out->acceptance = study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type);
		r = *rounds_at(p, out->acceptance, pt->workload, pt->mode, gamma_index(p->space, pt->gamma));
	}
	o = output_of(p, pair, pt->gamma, &r, 1);
	fill(p, pt, pair, &r, &o, out);
	check_limits(p, out);
}

void predict_point(const struct predict *p, const struct point *pt, struct pair *pair, struct prediction *out)
{
	if (pt->gamma == 0)
		*out = p->plain[pt->index];
	else
		predict_alone(p, pt, pair, out);
	if (out->feasible)
		set_speedups(p, pt, p->study->sweep.workloads[pt->workload].generated, out);
}

/* ---- tables and baselines ---- */

static void better(struct baseline *b, int64_t index, const struct prediction *plain, double tokens)
{
	double decode_s = plain->tpot_s * tokens;

	if (b->index < 0 || decode_s < b->decode_s)
		*b = (struct baseline){index, decode_s, plain->e2e_s};
}

static int find_baselines(struct predict *p, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;
	size_t n = sw->n_workloads * sw->n_target_quants;
	bool named = false;
	struct pair pair = {0};

	p->best = hx_xcalloc(n, sizeof(*p->best));
	p->cpu = hx_xcalloc(n, sizeof(*p->cpu));
	p->plain = hx_xcalloc((size_t)p->space->n_plain, sizeof(*p->plain));
	for (size_t i = 0; i < n; i++)
		p->best[i].index = p->cpu[i].index = -1;
	for (int64_t i = 0; i < p->space->n_plain; i++) {
		struct point pt = space_point(p->space, i);
		size_t at = baseline_at(p, &pt);
		double tokens = sw->workloads[pt.workload].generated;
		bool wanted = !sw->baseline || !strcmp(sw->baseline, p->space->target.v[pt.target_map].text);

		predict_alone(p, &pt, &pair, &p->plain[i]);
		named |= wanted;
		if (p->plain[i].feasible && wanted)
			better(&p->best[at], i, &p->plain[i], tokens);
		if (p->plain[i].feasible && placed_find(&p->target, pt.target_type, pt.target_map)->cpu_only)
			better(&p->cpu[at], i, &p->plain[i], tokens);
	}
	predict_pair_free(&pair);
	return named ? HX_OK : study_fail(p->study, err, "baseline", "is none of the target's mappings; add it to target_mappings");
}

/* A plain point that meets no memory limit has no time at all; speculation only needs more. */
int predict_fits(const struct predict *p, struct hx_err *err)
{
	const struct prediction *least = &p->plain[0];
	char message[512];

	for (int64_t i = 0; i < p->space->n_plain; i++) {
		if (!isnan(p->plain[i].tpot_s))
			return HX_OK;
		if (p->plain[i].memory_bytes < least->memory_bytes)
			least = &p->plain[i];
	}
	snprintf(message, sizeof(message), "%s cannot run anywhere on %s: %s; choose a smaller model or quantisation, or another device",
		 p->study->target.name, p->study->profile.name, least->reason);
	return study_fail(p->study, err, "target", message);
}

static void tabulate_rounds(struct predict *p)
{
	const struct sweep *sw = &p->study->sweep;

	p->rounds = hx_xcalloc(sw->n_acceptance * sw->n_workloads * HX_MODES * p->space->n_gamma, sizeof(*p->rounds));
	for (int s = 0; s < (int)sw->n_acceptance; s++)
		for (int w = 0; w < (int)sw->n_workloads; w++)
			for (int m = 0; m < HX_MODES; m++)
				for (int g = 0; g < (int)p->space->n_gamma; g++)
					*rounds_at(p, s, w, m, g) =
						rounds_for(p, &sw->acceptance[s], p->space->gamma[g], m, sw->workloads[w].generated);
}

int predict_init(struct predict *p, const struct study *study, const struct space *space, struct hx_err *err)
{
	const struct sweep *sw = &study->sweep;
	int rc;

	*p = (struct predict){.study = study, .space = space};
	placed_init(&p->target, study, &study->target, study->target.layers, sw->target_quants, sw->n_target_quants, &space->target);
	p->draft = hx_xcalloc(sw->n_drafters, sizeof(*p->draft));
	for (size_t d = 0; d < sw->n_drafters; d++) {
		const struct drafter *dr = &study->drafters[d];

		if (dr->kind == HX_DRAFT_MODEL)
			placed_init(&p->draft[d], study, dr->shape, dr->layers, sw->draft_quants, sw->n_draft_quants, &space->draft[d]);
		else if (dr->kind == HX_DRAFT_EXIT)
			placed_init(&p->draft[d], study, dr->shape, dr->layers, sw->target_quants, sw->n_target_quants, &space->target);
	}
	tabulate_rounds(p);
	rc = find_baselines(p, err);
	if (rc)
		predict_free(p);
	return rc;
}

void predict_free(struct predict *p)
{
	placed_free(&p->target);
	for (size_t d = 0; p->draft && d < p->study->sweep.n_drafters; d++)
		placed_free(&p->draft[d]);
	free(p->draft);
	free(p->rounds);
	free(p->best);
	free(p->cpu);
	free(p->plain);
	*p = (struct predict){0};
}

/* ---- thresholds ---- */

double predict_decode_s(const struct predict *p, const struct point *pt, struct pair *pair, int gamma, const struct accept *a, double draft_factor)
{
	struct rounds r = rounds_for(p, a, gamma, pt->mode, p->study->sweep.workloads[pt->workload].generated);
	struct output o;

	predict_pair(p, pt, pair);
	if (*pair->reason)
		return NAN;
	o = output_of(p, pair, gamma, &r, draft_factor);
	return output_s(&o);
}

/* Decode seconds at the best gamma of the space. */
static double fastest(const struct predict *p, const struct point *pt, struct pair *pair, const struct accept *a, double draft_factor)
{
	double best = HUGE_VAL;

	for (size_t g = 0; g < p->space->n_gamma; g++)
		best = fmin(best, predict_decode_s(p, pt, pair, p->space->gamma[g], a, draft_factor));
	return best;
}

struct threshold {
	const struct predict *p;
	const struct point *pt;
	struct pair *pair;
	const struct accept *a; /* NULL: x is a constant alpha; else x is the drafter's factor */
};

/* Logarithm of the best speedup over gamma. */
static double gain(double x, void *arg)
{
	const struct threshold *t = arg;
	struct accept constant = accept_constant(x);

	return log(predict_baseline(t->p, t->pt)->decode_s / fastest(t->p, t->pt, t->pair, t->a ? t->a : &constant, t->a ? x : 1));
}

/* Root of gain in [pays, loses] by Brent's method, gain being positive at `pays` if anywhere: `loses` where it pays even there, NAN where
 * it never does. */
static double solve(struct threshold *t, double pays, double loses)
{
	gsl_function f = {gain, t};
	gsl_root_fsolver *s;
	double root = NAN, lo = fmin(pays, loses), hi = fmax(pays, loses);
	int status;

	if (predict_baseline(t->p, t->pt)->index < 0 || !(gain(pays, t) > 0))
		return NAN;
	if (gain(loses, t) >= 0)
		return loses;
	s = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
	status = gsl_root_fsolver_set(s, &f, lo, hi);
	for (int i = 0; i < 100 && status == GSL_SUCCESS; i++) {
		status = gsl_root_fsolver_iterate(s);
		root = gsl_root_fsolver_root(s);
		if (gsl_root_test_interval(gsl_root_fsolver_x_lower(s), gsl_root_fsolver_x_upper(s), 0, 1e-6) == GSL_SUCCESS)
			break;
	}
	gsl_root_fsolver_free(s);
	return status == GSL_SUCCESS ? root : NAN;
}

double predict_alpha_threshold(const struct predict *p, const struct point *pt, struct pair *pair)
{
	struct threshold t = {p, pt, pair, NULL};

	return solve(&t, 1, 0);
}

double predict_cost_threshold(const struct predict *p, const struct point *pt, struct pair *pair)
{
	int source = pt->drafter >= 0 ? study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
	struct threshold t = {p, pt, pair, source >= 0 ? &p->study->sweep.acceptance[source] : NULL};

	if (source < 0 || p->study->drafters[pt->drafter].kind == HX_DRAFT_NGRAM)
		return NAN;
	return solve(&t, 0, MAX_FACTOR);
}

double predict_oracle(const struct predict *p, const struct point *pt, struct pair *pair)
{
	double alpha[ACCEPT_PROMPTS], weight[ACCEPT_PROMPTS], plain_s = predict_baseline(p, pt)->decode_s, mean_s = 0;
	int source = pt->drafter >= 0 ? study_acceptance(p->study, pt->target_type, pt->drafter, pt->draft_type) : -1;
	int n = source >= 0 ? accept_prompts(&p->study->sweep.acceptance[source], alpha, weight) : 0;

	if (n < 2 || predict_baseline(p, pt)->index < 0)
		return NAN;
	for (int i = 0; i < n; i++) {
		struct accept constant = accept_constant(alpha[i]);

		mean_s += weight[i] * fmin(plain_s, fastest(p, pt, pair, &constant, 1));
	}
	return plain_s / mean_s;
}
