/* Operators of a pass, by kind and unit. */
#include "core/predict_ops.h"

static void add(struct predict_op *g, int count, const struct hx_op *op, const struct op_cost *c)
{
	g->count += count;
	g->type = op->type;
	g->cost.time_s += count * c->time_s;
	g->cost.memory_s += count * c->memory_s;
	g->cost.compute_s += count * c->compute_s;
	g->cost.launch_s += count * c->launch_s;
	g->cost.bytes += count * c->bytes;
	g->cost.flop += count * c->flop;
}

void predict_ops(const struct predict *p, const struct pair *pair, const struct hx_pass *pass, double n, struct predict_ops *out)
{
	const struct cost_env *env = predict_env(pair, pass->kind, predict_usually(pair, pass->kind));
	const struct hx_chain *c = pair->plan.chains[pass->chain];
	double rows = pass->rows ? pass->rows : p->study->sweep.workloads[pair->key.workload].prompt;

	n = pass->rows ? n : 0;
	if (!env->kv_cache) {
		rows += n;
		n = 0;
	}
	*out = (struct predict_ops){0};
	for (size_t i = 0; i < c->n_ops; i++) {
		const struct hx_op *op = &c->graph->distinct[c->ops[i].which];
		struct op_cost cost = cost_op(env->profile, op, rows, pass->logit_rows, n, env->bw[op->unit]);

		if (!op->logits || pass->logit_rows)
			add(&out->v[op->kind][op->unit], c->ops[i].count, op, &cost);
	}
}
