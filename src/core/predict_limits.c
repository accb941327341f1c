/* What forbids a point: memory and the sweep's bounds; and every refusal in words. */
#include "core/predict_internal.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>

enum { PREFILL_CHUNK = 512 /* rows of the largest prefill pass, which sizes the activation buffers */ };

void predict_refuse(struct prediction *out, struct refusal why)
{
	out->feasible = false;
	out->refusal = why;
}

static double usable_memory(const struct profile *p)
{
	return p->memory.capacity_bytes - p->reserved.memory_bytes;
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

void predict_check_memory(const struct predict *p, const struct pair *pair, int gamma, struct prediction *out)
{
	const struct profile *profile = &p->study->profile;
	double usable = usable_memory(profile), allowed = p->study->sweep.constraints.memory_bytes;
	struct hx_buffers b;

	predict_buffers(p, pair, gamma, &b);
	out->memory_bytes = 0;
	for (size_t u = 0; u < profile->n_units; u++) {
		const struct unit *unit = &profile->units[u];
		double on_unit = 0;

		for (int k = 0; k < HX_BUF_COUNT; k++)
			on_unit += b.bytes[u][k];
		out->memory_bytes += on_unit;
		if (on_unit > unit->mem_limit_bytes)
			predict_refuse(out, (struct refusal){REFUSED_UNIT_MEMORY, (short)u, false, on_unit, unit->mem_limit_bytes});
		else if (b.largest[u] > unit->max_alloc_bytes)
			predict_refuse(out, (struct refusal){REFUSED_ALLOCATION, (short)u, false, b.largest[u], unit->max_alloc_bytes});
	}
	if (out->memory_bytes > usable)
		predict_refuse(out, (struct refusal){REFUSED_MEMORY, 0, false, out->memory_bytes, usable});
	else if (out->memory_bytes > allowed)
		predict_refuse(out, (struct refusal){REFUSED_MEMORY_BOUND, 0, false, out->memory_bytes, allowed});
}

void predict_check_bounds(const struct predict *p, struct prediction *out)
{
	const struct constraints *c = &p->study->sweep.constraints;

	if (!out->feasible)
		return;
	if (out->ttft_s > c->ttft_s)
		predict_refuse(out, (struct refusal){REFUSED_TTFT, 0, false, out->ttft_s, c->ttft_s});
	else if (out->tpot_s > c->tpot_s)
		predict_refuse(out, (struct refusal){REFUSED_TPOT, 0, false, out->tpot_s, c->tpot_s});
	else if (!isnan(c->energy_j_token) && isnan(out->energy_j_token))
		predict_refuse(out, (struct refusal){.kind = REFUSED_ENERGY_UNKNOWN});
	else if (out->energy_j_token > c->energy_j_token)
		predict_refuse(out, (struct refusal){REFUSED_ENERGY, 0, false, out->energy_j_token, c->energy_j_token});
}

const char *predict_reason(const struct predict *p, const struct point *pt, const struct refusal *why, char *buf, size_t size)
{
	const struct study *st = p->study;
	const struct hx_unit *unit = st->profile.is.v[why->unit];
	const char *model = why->drafter ? "drafter" : "target";
	const struct drafter *d = pt->drafter >= 0 ? &st->drafters[pt->drafter] : NULL;
	char need[TEXT_MAX], have[TEXT_MAX];

	if (why->kind >= REFUSED_UNIT_MEMORY && why->kind <= REFUSED_MEMORY_BOUND) {
		text_bytes(need, why->need);
		text_bytes(have, why->have);
	}
	*buf = '\0';
	switch (why->kind) {
	case REFUSED_DRAFTER:
		snprintf(buf, size, "drafter: %s", predict_draft(p, pt)->reason);
		break;
	case REFUSED_TARGET:
		snprintf(buf, size, "target: %s", placed_find(&p->target, pt->target_type, pt->target_map)->reason);
		break;
	case REFUSED_UNPRICED:
		snprintf(buf, size, "the costs table, in a unit of its own, has no row for the %s", model);
		break;
	case REFUSED_CONTEXT:
		snprintf(buf, size, "%.0f tokens exceed the %s's context limit of %.0f", why->need, model, why->have);
		break;
	case REFUSED_EQ1:
		snprintf(buf, size, "eq1 knows the sequential mode only");
		break;
	case REFUSED_ACCEPTANCE:
		snprintf(buf, size, "no acceptance source for a %s target with %s in %s", hx_type_names[pt->target_type], d->name,
			 hx_type_names[pt->draft_type]);
		break;
	case REFUSED_SHARED:
		snprintf(buf, size, "overlapped drafter and target share %s", unit->name);
		break;
	case REFUSED_CORES:
		snprintf(buf, size, "overlapped drafter and target need %.0f + %.0f cores of %s, which has %d", why->need, why->have, unit->name,
			 unit->usable);
		break;
	case REFUSED_PROCESSOR:
		snprintf(buf, size, "%s runs on processor %.0f, which %s uses too: take fewer cores of it", unit->name, why->need,
			 st->profile.is.v[(int)why->have]->name);
		break;
	case REFUSED_CLOCKS:
		snprintf(buf, size, "drafter and target run %s at different clocks", unit->name);
		break;
	case REFUSED_MEASURED:
		snprintf(buf, size, "costs are measured at the own clock of %s", unit->name);
		break;
	case REFUSED_UNIT_MEMORY:
		snprintf(buf, size, "%s would hold %s; its limit is %s", unit->name, need, have);
		break;
	case REFUSED_ALLOCATION:
		snprintf(buf, size, "%s would need one allocation of %s; its limit is %s", unit->name, need, have);
		break;
	case REFUSED_MEMORY:
		snprintf(buf, size, "needs %s of memory; %s are available", need, have);
		break;
	case REFUSED_MEMORY_BOUND:
		snprintf(buf, size, "needs %s of memory; the sweep allows %s", need, have);
		break;
	case REFUSED_TTFT:
		snprintf(buf, size, "time to first token %.3g s; the sweep allows %.3g s", why->need, why->have);
		break;
	case REFUSED_TPOT:
		snprintf(buf, size, "%.3g s per token; the sweep allows %.3g s", why->need, why->have);
		break;
	case REFUSED_ENERGY:
		snprintf(buf, size, "%.3g J per token; the sweep allows %.3g J", why->need, why->have);
		break;
	case REFUSED_ENERGY_UNKNOWN:
		snprintf(buf, size, "energy unknown: the profile has no 'power' for these units at this clock; the sweep bounds it");
		break;
	}
	return buf;
}
