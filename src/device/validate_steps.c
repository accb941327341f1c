/* Steps: predicted and measured. */
#include "device/validate_steps.h"

#include "core/predict_ops.h"

#include <math.h>
#include <stdlib.h>

/* Measured seconds, by kind of pass. */
struct sums {
	double op[HX_OP_COUNT][HX_MAX_UNITS];
	double rest; /* of a pass, beyond its operators */
	int64_t n;
};

struct reading {
	const struct pair *pair;
	struct sums of[HX_PASS_COUNT];
	double pending[HX_PASS_COUNT][HX_OP_COUNT][HX_MAX_UNITS]; /* of the pass whose end is not read yet */
	bool seen[HX_PASS_COUNT];                                 /* it has such operators: a verify pass may have those of a front */
	size_t verify;                                            /* event: the first verify pass that ends behind the draft pass looked at */
	double decode_s;                                          /* in passes but prefills */
};

const char *validate_step_op(int op)
{
	return op == VALIDATE_SYNC ? "sync" : op == VALIDATE_HOST ? "host" : hx_op_names[op];
}

const char *validate_step_pass(int pass)
{
	return pass == VALIDATE_ROUND ? "round" : hx_pass_names[pass];
}

static bool is_prefill(int pass)
{
	return pass == HX_PASS_PREFILL_TARGET || pass == HX_PASS_PREFILL_DRAFT;
}

/* The unit of an operator of a layer. */
static int unit_of(const struct hx_graph *g, int kind, int layer)
{
	for (size_t i = 0; i < g->n_ops; i++)
		if (hx_graph_op(g, i)->kind == kind && hx_graph_layer(g, i) == layer)
			return hx_graph_op(g, i)->unit;
	return 0;
}

static const struct hx_pass *planned(const struct reading *r, int kind)
{
	return hx_plan_pass(&r->pair->plan, kind);
}

/* Without a cache every pass has other rows. */
static bool has_rows(const struct reading *r, const struct hx_event *e, int prompt)
{
	const struct hx_pass *pass = planned(r, e->pass);

	return pass && (!r->pair->plan.kv_cache || e->rows == (pass->rows ? pass->rows : prompt));
}

static void read_op(struct reading *r, const struct hx_event *e)
{
	const struct hx_pass *pass = planned(r, e->pass);

	if (!pass)
		return;
	r->seen[e->pass] = true;
	r->pending[e->pass][e->op][unit_of(r->pair->plan.chains[pass->chain]->graph, e->op, e->layer)] += e->end_s - e->start_s;
}

/* Whether a draft pass ran beside one of the target: then it takes longer than alone, and adds nothing to the output's time. The passes of each model are in
 * their order. */
static bool is_hidden(struct reading *r, const struct hx_trace *t, const struct hx_event *e)
{
	if (e->pass != HX_PASS_DRAFT)
		return false;
	while (r->verify < t->n) {
		const struct hx_event *v = &t->events[r->verify];

		if (v->op == HX_EVENT_PASS && v->pass == HX_PASS_VERIFY && v->end_s > e->start_s)
			return v->start_s < e->end_s;
		r->verify++;
	}
	return false;
}

/* The operators read since the last pass are those of this one. */
static void read_end(struct reading *r, const struct hx_trace *t, const struct hx_event *e, int prompt)
{
	bool hidden = is_hidden(r, t, e), keep = has_rows(r, e, prompt) && !hidden;
	double rest = e->end_s - e->start_s;

	if (!is_prefill(e->pass) && !hidden)
		r->decode_s += e->end_s - e->start_s;
	for (int k = 0; k < HX_PASS_COUNT; k++) {
		for (int o = 0; o < HX_OP_COUNT * HX_MAX_UNITS && r->seen[k]; o++) {
			double *seconds = &r->pending[k][o / HX_MAX_UNITS][o % HX_MAX_UNITS];

			rest -= *seconds;
			r->of[k].op[o / HX_MAX_UNITS][o % HX_MAX_UNITS] += keep ? *seconds : 0;
			*seconds = 0;
		}
		r->of[k].n += keep && (r->seen[k] || k == e->pass);
		r->seen[k] = false;
	}
	if (keep)
		r->of[e->pass].rest += rest;
}

static void add(struct validate_steps *out, int pass, int op, int unit, double predicted_s, double measured_s, int64_t n)
{
	out->v = hx_xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = (struct validate_step){pass, op, unit, predicted_s, n ? measured_s / (double)n : NAN, n, !is_prefill(pass)};
}

static void add_pass(struct validate_steps *out, const struct predict *p, const struct reading *r, const struct hx_pass *pass,
		     double context)
{
	const struct hx_chain *chain = r->pair->plan.chains[pass->chain];
	const struct sums *m = &r->of[pass->kind];
	struct pass_cost cost = predict_pass(p, r->pair, pass->kind, PREDICT_ALONE);
	struct predict_ops ops;

	predict_ops(p, r->pair, pass, context, &ops);
	for (int k = 0; k < HX_OP_COUNT; k++)
		for (int u = 0; u < HX_MAX_UNITS; u++)
			if (ops.v[k][u].count)
				add(out, pass->kind, k, u, ops.v[k][u].cost.time_s, m->op[k][u], m->n);
	if (pass->kind != HX_PASS_FRONT) /* it ends within a verify pass */
		add(out, pass->kind, VALIDATE_SYNC, chain->n_segments == 1 ? chain->segments[0].unit : -1, cost.sync_s + cost.transfer_s,
		    m->rest, m->n);
}

void validate_steps(struct validate_steps *out, const struct predict *p, const struct pair *pair, const struct hx_trace *trace,
		    const struct hx_generated *g, double predicted_host_s)
{
	const int prompt = p->study->sweep.workloads[pair->key.workload].prompt;
	struct reading *r = hx_xcalloc(1, sizeof(*r));

	r->pair = pair;
	*out = (struct validate_steps){.decode_s = g->seconds[HX_DRAFTING] + g->seconds[HX_VERIFYING] + g->seconds[HX_HOST]};
	for (size_t i = 0; i < trace->n; i++) {
		if (trace->events[i].op >= 0)
			read_op(r, &trace->events[i]);
		else if (trace->events[i].op == HX_EVENT_PASS)
			read_end(r, trace, &trace->events[i], prompt);
	}
	for (int i = 0; i < pair->plan.n_passes; i++)
		add_pass(out, p, r, &pair->plan.passes[i], prompt + (g->n_tokens - 1) / 2.0);
	add(out, VALIDATE_ROUND, VALIDATE_HOST, -1, predicted_host_s, out->decode_s - r->decode_s, g->n_rounds);
	for (size_t i = 0; i < out->n && p->study->costs.relative; i++)
		out->v[i].predicted_s = NAN; /* seconds do not compare with another unit */
	free(r);
}

void validate_steps_free(struct validate_steps *s)
{
	free(s->v);
	*s = (struct validate_steps){0};
}
