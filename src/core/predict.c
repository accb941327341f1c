/* Predictions. */
#include "core/predict.h"

#include "core/predict_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	COLUMN(sync_s, "s", "of a round: ends of segments, waking threads"),
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

/* Adds draft passes that take `factor` times as long as priced: 1 but for thresholds. */
static void add_draft(struct output *o, const struct pass_cost *c, double times, double factor)
{
	o->draft_s += times * (factor - 1) * c->time_s;
	add_pass(o, &o->draft_s, c, times);
}

/* Until the side that waits for the other goes on: it sleeps. */
static double hand_over_s(const struct predict *p)
{
	const double wake_s = p->study->profile.units[p->study->profile.host_unit].wake_s;

	return wake_s > 0 && !p->study->costs.relative ? wake_s : 0;
}

/* cost-model.md section 3. A round that follows a fully accepted one finds its drafts made, the first and every other drafts alone, which is handed over and
 * back. What drafting costs beyond the verify pass counts as drafting; hidden drafting costs energy alone. */
static void output_overlapped(const struct predict *p, const struct pair *pair, int gamma, const struct rounds *r, const struct pass_cost *verify, double factor,
			      struct output *o)
{
	double wake_s = hand_over_s(p);
	double alone_s = gamma * pair->draft1.time_s * factor + 2 * wake_s, busy_s = gamma * pair->draft1_busy.time_s * factor + wake_s;
	double drafted = r->catch_ups, undrafted = r->rounds - drafted;

	add_pass(o, &o->verify_s, verify, r->rounds);
	o->draft_s += undrafted * alone_s + drafted * fmax(0, busy_s - verify->time_s);
	o->energy_j += r->rounds * gamma * pair->draft1_busy.energy_j + undrafted * gamma * pair->draft1.energy_j;
}

/* A model's threads sleep while the other's work, unless they are the same ones; a lone thread is the host's own. */
static double wake_s(const struct predict *p, const struct pair *pair)
{
	double sum = 0;

	for (size_t u = 0; u < p->study->profile.n_units && pair->plan.drafter == HX_DRAFT_MODEL; u++) {
		int a = pair->target->cores[u], b = pair->draft->cores[u];

		if (a != b && p->study->profile.units[u].wake_s > 0)
			sum += ((a > 1) + (b > 1)) * p->study->profile.units[u].wake_s;
	}
	return sum;
}

/* Waits of a round that drafting alone would have and a drafter that is wholly on a device has not: it drafts greedily without coming back to the host. */
static double spared_waits_s(const struct predict *p, const struct pair *pair, int gamma)
{
	const struct sweep *sw = &p->study->sweep;
	const struct hx_chain *draft = pair->plan.chains[HX_CHAIN_DRAFT];
	bool through = pair->plan.drafter == HX_DRAFT_MODEL && draft->n_segments == 1 && p->study->profile.units[draft->segments[0].unit].is.kind != HX_CPU;

	return through && sw->kv_cache && !(sw->temperature > 0) && sw->model != COST_EQ1 ? (gamma - 1) * pair->draft1_again.sync_s : 0;
}

/* gamma_i: index into pair->verify. */
static struct output output_of(const struct predict *p, struct pair *pair, size_t gamma_i, int gamma, const struct rounds *r, double draft_factor)
{
	const struct host *host = &p->study->profile.host;
	struct output o = {0};
	bool eq1 = p->study->sweep.model == COST_EQ1;
	int rows = pair->key.mode == HX_OVERLAPPED && gamma ? gamma : gamma + 1; /* that the host samples from */
	const struct pass_cost *verify = predict_verify(p, pair, gamma_i, eq1 ? 0 : gamma);

	if (pair->key.mode == HX_OVERLAPPED && gamma) {
		output_overlapped(p, pair, gamma, r, verify, draft_factor, &o);
	} else {
		add_pass(&o, &o.verify_s, verify, r->rounds);
		if (gamma) {
			double twos = pair->plan.drafter == HX_DRAFT_MODEL && !eq1 ? r->catch_ups : 0;
			const struct pass_cost *again = eq1 ? &pair->draft1 : &pair->draft1_again; /* Eq. 1 knows one cost */

			add_pass(&o, &o.verify_s, &pair->front, r->rounds);
			add_draft(&o, &pair->draft1, r->rounds - twos, draft_factor);
			add_draft(&o, &pair->draft2, twos, draft_factor);
			add_draft(&o, again, r->rounds * (gamma - 1), draft_factor);
			o.sync_s -= r->rounds * spared_waits_s(p, pair, gamma);
		}
	}
	if (!eq1 && !p->study->costs.relative && gamma && pair->key.mode == HX_SEQUENTIAL)
		o.sync_s += r->rounds * wake_s(p, pair);
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
struct rounds predict_rounds(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens)
{
	struct rounds r;

	if (p->study->sweep.model != COST_EQ1)
		return accept_rounds(a, gamma, mode, n_tokens);
	r = accept_rounds(a, gamma, mode, INFINITY);
	return (struct rounds){r.rounds * n_tokens, r.catch_ups * n_tokens};
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

static void set_speedups(const struct predict *p, const struct pair *pair, double tokens, struct prediction *out)
{
	const struct prediction *plain = &p->plain[pair->plain];
	const struct baseline *best = &p->best[pair->group], *cpu = &p->cpu[pair->group];
	double decode_s = out->tpot_s * tokens;

	if (best->index >= 0) {
		out->speedup = best->decode_s / decode_s;
		out->speedup_e2e = best->e2e_s / out->e2e_s;
	}
	if (cpu->index >= 0)
		out->speedup_cpu = cpu->decode_s / decode_s;
	if (!isnan(plain->tpot_s))
		out->speedup_same = plain->tpot_s / out->tpot_s;
}

static void fill(const struct predict *p, const struct pair *pair, double tokens, const struct rounds *r, const struct output *o, struct prediction *out)
{
	double decode_s = output_s(o), per_round = 1 / r->rounds;

	out->tokens_per_round = tokens / r->rounds;
	out->round_s = decode_s / r->rounds;
	out->draft_s = o->draft_s * per_round;
	out->verify_s = o->verify_s * per_round;
	out->transfer_s = o->transfer_s * per_round;
	out->sync_s = o->sync_s * per_round;
	out->host_s = o->host_s * per_round;
	out->tpot_s = decode_s / tokens;
	out->ttft_s = pair->prefill.time_s + (p->study->sweep.kv_cache ? pair->prefill_draft.time_s : 0); /* it fills the drafter's cache */
	out->e2e_s = out->ttft_s + decode_s;
	out->energy_j_token = p->study->sweep.model == COST_EQ1 ? NAN : o->energy_j / tokens; /* Eq. 1 speaks of time alone */
	out->quality = pair->quality;
}

static const struct prediction unknown = {
	.feasible = true, .acceptance = -1, .tokens_per_round = NAN, .round_s = NAN, .draft_s = NAN, .verify_s = NAN, .transfer_s = NAN, .sync_s = NAN,
	.host_s = NAN, .tpot_s = NAN, .ttft_s = NAN, .e2e_s = NAN, .speedup = NAN, .speedup_e2e = NAN, .speedup_cpu = NAN, .speedup_same = NAN,
	.memory_bytes = NAN, .energy_j_token = NAN, .quality = NAN,
};

/* Everything but speedups and the sweep's bounds; gamma_i: index of gamma in the space, ignored where it is 0. */
static void predict_alone(const struct predict *p, struct pair *pair, size_t gamma_i, int gamma, struct prediction *out)
{
	double tokens = p->study->sweep.workloads[pair->key.workload].generated;
	struct rounds r = {tokens, 0};
	struct output o;

	*out = unknown;
	if (pair->refusal.kind)
		predict_refuse(out, pair->refusal);
	else
		predict_check_memory(p, pair, gamma, out);
	if (!out->feasible)
		return;
	if (gamma) {
		out->acceptance = pair->source;
		r = *rounds_at(p, pair->source, pair->key.workload, pair->key.mode, gamma_i);
	}
	o = output_of(p, pair, gamma ? gamma_i + 1 : 0, gamma, &r, 1);
	fill(p, pair, tokens, &r, &o, out);
}

static void predict_gamma(const struct predict *p, struct pair *pair, size_t gamma_i, int gamma, struct prediction *out)
{
	if (gamma == 0) {
		*out = p->plain[pair->plain];
	} else {
		predict_alone(p, pair, gamma_i, gamma, out);
		predict_check_bounds(p, out);
	}
	if (out->feasible)
		set_speedups(p, pair, p->study->sweep.workloads[pair->key.workload].generated, out);
}

void predict_point(const struct predict *p, const struct point *pt, struct pair *pair, struct prediction *out)
{
	predict_pair(p, pt, pair);
	predict_gamma(p, pair, space_gamma(p->space, pt->gamma), pt->gamma, out);
}

size_t predict_run(const struct predict *p, const struct point *pt, size_t n, struct pair *pair, struct prediction *out)
{
	size_t first = space_gamma(p->space, pt->gamma), run = pt->gamma ? p->space->n_gamma - first : 1;

	predict_pair(p, pt, pair);
	for (size_t i = 0; i < run && i < n; i++)
		predict_gamma(p, pair, first + i, pt->gamma ? p->space->gamma[first + i] : 0, &out[i]);
	return run < n ? run : n;
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
		double tokens = sw->workloads[pt.workload].generated;
		bool wanted = !sw->baseline || !strcmp(sw->baseline, p->space->target.v[pt.target_map].text);

		predict_pair(p, &pt, &pair);
		predict_alone(p, &pair, 0, 0, &p->plain[i]);
		named |= wanted;
		if (!p->plain[i].feasible)
			continue;
		predict_check_bounds(p, &p->plain[i]);
		better(&p->fastest[pair.group], i, &p->plain[i], tokens);
		if (wanted)
			better(&p->best[pair.group], i, &p->plain[i], tokens);
		if (pair.target->cpu_only)
			better(&p->cpu[pair.group], i, &p->plain[i], tokens);
	}
	predict_pair_free(&pair);
	return named ? HX_OK : study_fail(p->study, err, "baseline", "is none of the target's mappings; add it to target_mappings");
}

int64_t predict_least(const struct predict *p, int64_t first, int64_t n)
{
	int64_t least = first;

	for (int64_t i = first + 1; i < first + n; i++)
		if (isnan(p->plain[least].memory_bytes) || p->plain[i].memory_bytes < p->plain[least].memory_bytes)
			least = i;
	return least;
}

/* A plain point that meets no memory limit has no time at all; speculation only needs more. */
int predict_fits(const struct predict *p, struct hx_err *err)
{
	int64_t least = predict_least(p, 0, p->space->n_plain);
	struct point pt = space_point(p->space, least);
	char message[512], reason[192];

	for (int64_t i = 0; i < p->space->n_plain; i++)
		if (!isnan(p->plain[i].tpot_s))
			return HX_OK;
	snprintf(message, sizeof(message), "%s cannot run anywhere on %s: %s; choose a smaller model or quantisation, another device or wider bounds",
		 p->study->target.name, p->study->profile.name, predict_reason(p, &pt, &p->plain[least].refusal, reason, sizeof(reason)));
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
						predict_rounds(p, &sw->acceptance[s], p->space->gamma[g], m, sw->workloads[w].generated);
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

/* Draft length gamma with those rounds; draft_factor as of predict_decode_s. */
static double decode_s(const struct predict *p, const struct point *pt, struct pair *pair, int gamma, const struct rounds *r, double draft_factor)
{
	struct output o;

	predict_pair(p, pt, pair);
	assert(!gamma || space_gamma(p->space, gamma) < p->space->n_gamma);
	if (pair->refusal.kind)
		return NAN;
	o = output_of(p, pair, gamma ? space_gamma(p->space, gamma) + 1 : 0, gamma, r, draft_factor);
	return output_s(&o);
}

double predict_decode_s(const struct predict *p, const struct point *pt, struct pair *pair, int gamma, const struct accept *a, double draft_factor)
{
	struct rounds r = predict_rounds(p, a, gamma, pt->mode, p->study->sweep.workloads[pt->workload].generated);

	return decode_s(p, pt, pair, gamma, &r, draft_factor);
}

double predict_rounds_s(const struct predict *p, const struct point *pt, struct pair *pair, const struct rounds *r)
{
	return decode_s(p, pt, pair, pt->gamma, r, 1);
}
