/* hexplore plot roofline: the operators of one point against what their units can do. */
#include "cmd/plot_data.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_ROOFS = 16 };

struct roofs {
	const struct plotting *p;
	struct plot_roof roof[MOST_ROOFS];
	struct {
		int unit, cores, arithmetic;
		double bw;
	} key[MOST_ROOFS];
	size_t n, n_operators;
	struct plot_operator operators[2 * HX_OP_COUNT * HX_MAX_UNITS];
	double memory_s, total_s; /* of operators bound by memory, of all */
};

static size_t roof_for(struct roofs *r, const struct hx_op *op, double bw)
{
	const struct unit *u = &r->p->s.study.profile.units[op->unit];
	const struct kernel *k = profile_kernel(u, op->type);
	size_t i = 0;

	while (i < r->n &&
	       !(r->key[i].unit == op->unit && r->key[i].cores == op->cores && r->key[i].arithmetic == k->arithmetic && r->key[i].bw == bw))
		i++;
	if (i < r->n || i == MOST_ROOFS)
		return i;
	r->key[i].unit = op->unit;
	r->key[i].cores = op->cores;
	r->key[i].arithmetic = k->arithmetic;
	r->key[i].bw = bw;
	r->roof[i] = (struct plot_roof){.peak_ops_s = cost_peak(u, op->cores, op->clock_hz, k), .bw_bytes_s = bw};
	if (u->is.kind == HX_CPU)
		snprintf(r->roof[i].label, sizeof(r->roof[i].label), "%sx%d %s", u->is.name, op->cores, profile_arithmetics[k->arithmetic]);
	else
		snprintf(r->roof[i].label, sizeof(r->roof[i].label), "%s %s", u->is.name, profile_arithmetics[k->arithmetic]);
	return r->n++;
}

static void add_operator(struct roofs *r, const struct hx_op *op, const struct op_cost *c, double bw, bool verify)
{
	size_t roof, i = 0;

	r->total_s += c->time_s;
	if (c->memory_s > c->compute_s)
		r->memory_s += c->time_s;
	if (!(c->flop > 0) || (roof = roof_for(r, op, bw)) == MOST_ROOFS)
		return;
	while (i < r->n_operators &&
	       !(r->operators[i].roof == roof && r->operators[i].verify == verify && r->operators[i].name == hx_op_names[op->kind]))
		i++;
	if (i == sizeof(r->operators) / sizeof(*r->operators))
		return;
	if (i == r->n_operators)
		r->operators[r->n_operators++] = (struct plot_operator){.name = hx_op_names[op->kind], .roof = roof, .verify = verify};
	r->operators[i].ops += c->flop;
	r->operators[i].bytes += c->bytes;
	r->operators[i].time_s += c->time_s;
	r->operators[i].memory_s += c->memory_s;
	r->operators[i].compute_s += c->compute_s;
}

static void add_pass(struct roofs *r, const struct pair *pair, int kind, const struct cost_env *env, bool verify)
{
	const struct hx_pass *pass = hx_plan_pass(&pair->plan, kind);
	double n = r->p->workload->prompt + r->p->workload->generated / 2.0, rows;
	const struct hx_chain *c;

	if (!pass)
		return;
	c = pair->plan.chains[pass->chain];
	rows = pass->rows + (env->kv_cache ? 0 : n);
	for (size_t i = c->first; i < c->first + c->n; i++) {
		const struct hx_op *op = hx_graph_op(c->graph, i);
		double bw = env->bw[op->unit];
		struct op_cost cost;

		if (op->logits && !pass->logit_rows)
			continue;
		cost = cost_op(env->profile, op, rows, pass->logit_rows, env->kv_cache ? n : 0, bw);
		add_operator(r, op, &cost, bw, verify);
	}
}

int plot_roofline_draw(struct plotting *p, struct hx_err *err)
{
	struct roofs *r = hx_xcalloc(1, sizeof(*r));
	struct accept any = accept_constant(0.5);
	struct plot_roofline chart = {.roofs = r->roof, .operators = r->operators};
	struct pair pair = {0};
	char reason[192];
	char label[PLOT_LABEL];
	int rc;

	/* fills the pair, of plain points too */
	if (isnan(predict_decode_s(&p->s.predict, &p->best.point, &pair, p->best.point.gamma, &any, 1))) {
		rc = hx_err_set(err, HX_NO, "point %.0f cannot run: %s", p->best.v[ID],
				predict_reason(&p->s.predict, &p->best.point, &pair.refusal, reason, sizeof(reason)));
		goto out;
	}
	hx_plan_set_gamma(&pair.plan, p->best.point.gamma);
	r->p = p;
	add_pass(r, &pair, HX_PASS_DRAFT, &pair.env_draft, false);
	add_pass(r, &pair, HX_PASS_FRONT, &pair.env, true);
	add_pass(r, &pair, HX_PASS_VERIFY, &pair.env, true);
	plot_data_label(p, &p->best.point, label, sizeof(label));
	p->title = hx_xasprintf("What bounds %s on %s? %s, for %.0f %% of the operators' time", label, p->s.study.profile.name,
				2 * r->memory_s > r->total_s ? "Memory bandwidth" : "The kernels' arithmetic",
				100 * fmax(r->memory_s, r->total_s - r->memory_s) / r->total_s);
	p->note = hx_xasprintf("One draft step and one target pass at the mean context. Operators without counted operations (norms, "
			       "rotary embedding, table "
			       "look-ups) are not drawn.");
	chart.head = plot_data_head(p);
	chart.n_roofs = r->n;
	chart.n_operators = r->n_operators;
	rc = plot_roofline(&chart, p->path, err);
out:
	predict_pair_free(&pair);
	free(r);
	return rc;
}
