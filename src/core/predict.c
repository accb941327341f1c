/* Predictions. */
#include "core/predict.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFILL_CHUNK = 512 /* rows of the largest prefill pass, which sizes the activation buffers */ };

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
	int rows = pair->key.mode == HX_OVERLAPPED && gamma ? gamma : gamma + 1; /* that the host samples from */

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
	if (!eq1 && !p->study->costs.relative) /* seconds do not mix with another unit */
		o.host_s = r->rounds * ((gamma ? host->h0_s : host->h0_plain_s) + gamma * pair->row_s_draft + rows * pair->row_s_target);
	o.energy_j += p->study->profile.power.idle_w * output_s(&o);
	return o;
}

/* ---- predictions ---- */

static struct rounds *rounds_at(const struct predict *p, int source, int workload, int mode, size_t gamma_i)
{
	size_t w = p->study->sweep.n_workloads, g = p->space->n_gamma;

	return &p->rounds[(((size_t)source * w + (size_t)workload) * HX_MODES + (size_t)mode) * g + gamma_i];
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

static double usable_memory(const struct profile *p)
{
	return p->memory.capacity_bytes - p->reserved.memory_bytes;
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
	double rows = p->study->sweep.kv_cache ? fmin(w->prompt, PREFILL_CHUNK) : tokens; /* without a cache nothing can be cut */

	*b = (struct hx_buffers){0};
	hx_graph_buffers(&pair->target->graph, fmax(rows, gamma + 1), gamma + 1, n, b);
	if (pair->plan.drafter == HX_DRAFT_MODEL)
		hx_graph_buffers(&pair->draft->graph, rows, 1, n, b);
}

/* The sweep's bounds on time and energy. */
static void check_limits(const struct predict *p, struct prediction *out)
{
	const struct constraints *c = &p->study->sweep.constraints;

	if (!out->feasible)
		return;
	if (out->ttft_s > c->ttft_s)
		infeasible(out, "time to first token %.3g s; the sweep allows %.3g s", out->ttft_s, c->ttft_s);
	else if (out->tpot_s > c->tpot_s)
		infeasible(out, "%.3g s per token; the sweep allows %.3g s", out->tpot_s, c->tpot_s);
	else if (!isnan(c->energy_j_token) && isnan(out->energy_j_token))
		infeasible(out, "energy unknown: the profile has no 'power' for these units; the sweep bounds it");
	else if (out->energy_j_token > c->energy_j_token)
		infeasible(out, "%.3g J per token; the sweep allows %.3g J", out->energy_j_token, c->energy_j_token);
}

size_t predict_group(const struct predict *p, const struct point *pt)
{
	const struct sweep *sw = &p->study->sweep;
	size_t t = 0;

	while (sw->target_quants[t] != pt->target_type)
		t++;
	return (size_t)pt->workload * sw->n_target_quants + t;
}

int64_t predict_plain(const struct predict *p, const struct point *pt)
{
	return (int64_t)(predict_group(p, pt) * p->space->target.n) + pt->target_map;
}

const struct baseline *predict_baseline(const struct predict *p, const struct point *pt)
{
	return &p->best[predict_group(p, pt)];
}

static void set_speedups(const struct predict *p, const struct point *pt, double tokens, struct prediction *out)
{
	const struct prediction *plain = &p->plain[predict_plain(p, pt)];
	size_t t = predict_group(p, pt);
	double decode_s = out->tpot_s * tokens;

	if (p->best[t].index >= 0) {
		out->speedup = p->best[t].decode_s / decode_s;
		out->speedup_e2e = p->best[t].e2e_s / out->e2e_s;
	}
	if (p->cpu[t].index >= 0)
		out->speedup_cpu = p->cpu[t].decode_s / decode_s;
	if (!isnan(plain->tpot_s))
		out->speedup_same = plain->tpot_s / out->tpot_s;
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
	out->ttft_s = pair->prefill.time_s + (p->study->sweep.kv_cache ? pair->prefill_draft.time_s : 0); /* it fills the drafter's cache */
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

/* Everything but speedups and the sweep's bounds. */
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
		r = *rounds_at(p, out->acceptance, pt->workload, pt->mode, space_gamma(p->space, pt->gamma));
	}
	o = output_of(p, pair, pt->gamma, &r, 1);
	fill(p, pt, pair, &r, &o, out);
}

void predict_point(const struct predict *p, const struct point *pt, struct pair *pair, struct prediction *out)
{
	if (pt->gamma == 0) {
		*out = p->plain[pt->index];
	} else {
		predict_alone(p, pt, pair, out);
		check_limits(p, out);
	}
	if (out->feasible)
		set_speedups(p, pt, p->study->sweep.workloads[pt->workload].generated, out);
}

/* ---- tables and baselines ---- */

static void better(struct baseline *b, int64_t index, const struct prediction *plain, double tokens)
{
	struct baseline new = {index, plain->feasible, plain->tpot_s * tokens, plain->e2e_s};

	if (b->index < 0 || new.meets > b->meets || (new.meets == b->meets && new.decode_s < b->decode_s))
		*b = new;
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
	p->fastest = hx_xcalloc(n, sizeof(*p->fastest));
	for (size_t i = 0; i < n; i++)
		p->best[i].index = p->cpu[i].index = p->fastest[i].index = -1;
	for (int64_t i = 0; i < p->space->n_plain; i++) {
		struct point pt = space_point(p->space, i);
		size_t at = predict_group(p, &pt);
		double tokens = sw->workloads[pt.workload].generated;
		bool wanted = !sw->baseline || !strcmp(sw->baseline, p->space->target.v[pt.target_map].text);

		predict_alone(p, &pt, &pair, &p->plain[i]);
		named |= wanted;
		if (!p->plain[i].feasible)
			continue;
		check_limits(p, &p->plain[i]);
		better(&p->fastest[at], i, &p->plain[i], tokens);
		if (wanted)
			better(&p->best[at], i, &p->plain[i], tokens);
		if (placed_find(&p->target, pt.target_type, pt.target_map)->cpu_only)
			better(&p->cpu[at], i, &p->plain[i], tokens);
	}
	predict_pair_free(&pair);
	return named ? HX_OK : study_fail(p->study, err, "baseline", "is none of the target's mappings; add it to target_mappings");
}

const struct prediction *predict_least(const struct predict *p, int64_t first, int64_t n)
{
	const struct prediction *least = &p->plain[first];

	for (int64_t i = first + 1; i < first + n; i++)
		if (isnan(least->memory_bytes) || p->plain[i].memory_bytes < least->memory_bytes)
			least = &p->plain[i];
	return least;
}

/* A plain point that meets no memory limit has no time at all; speculation only needs more. */
int predict_fits(const struct predict *p, struct hx_err *err)
{
	char message[512];

	for (int64_t i = 0; i < p->space->n_plain; i++)
		if (!isnan(p->plain[i].tpot_s))
			return HX_OK;
	snprintf(message, sizeof(message), "%s cannot run anywhere on %s: %s; choose a smaller model or quantisation, another device or wider bounds",
		 p->study->target.name, p->study->profile.name, predict_least(p, 0, p->space->n_plain)->reason);
	return study_fail(p->study, err, "target", message);
}

static void tabulate_rounds(struct predict *p)
{
	const struct sweep *sw = &p->study->sweep;

	p->rounds = hx_xcalloc(sw->n_acceptance * sw->n_workloads * HX_MODES * p->space->n_gamma, sizeof(*p->rounds));
	for (int s = 0; s < (int)sw->n_acceptance; s++)
		for (int w = 0; w < (int)sw->n_workloads; w++)
			for (int m = 0; m < HX_MODES; m++)
				for (size_t g = 0; g < p->space->n_gamma; g++)
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
	free(p->fastest);
	free(p->plain);
	*p = (struct predict){0};
}

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
