/* The answer of a sweep. */
#include "output/verdict.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>

/* Best speculative point of a workload and target quantisation, and why points cannot run where none can. */
struct finding {
	struct point point;
	struct prediction best; /* best.feasible: there is one */
	char reason[192];       /* of the point that needs least memory, or else of the first */
	double least_memory;
};

struct verdict {
	const struct predict *p;
	struct finding *findings; /* by workload and target quantisation */
	int64_t feasible;
};

static size_t n_findings(const struct verdict *v)
{
	return v->p->study->sweep.n_workloads * v->p->study->sweep.n_target_quants;
}

static struct finding *finding_of(const struct verdict *v, const struct point *pt)
{
	const struct sweep *sw = &v->p->study->sweep;
	size_t t = 0;

	while (sw->target_quants[t] != pt->target_type)
		t++;
	return &v->findings[(size_t)pt->workload * sw->n_target_quants + t];
}

struct verdict *verdict_create(const struct predict *p)
{
	struct verdict *v = hx_xcalloc(1, sizeof(*v));

	v->p = p;
	v->findings = hx_xcalloc(n_findings(v), sizeof(*v->findings));
	for (size_t i = 0; i < n_findings(v); i++)
		v->findings[i].least_memory = HUGE_VAL;
	return v;
}

void verdict_free(struct verdict *v)
{
	free(v->findings);
	free(v);
}

int64_t verdict_feasible(const struct verdict *v)
{
	return v->feasible;
}

void verdict_add(struct verdict *v, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct point *pt = &b->point[i];
		const struct prediction *pr = &b->prediction[i];
		struct finding *f = finding_of(v, pt);

		v->feasible += pr->feasible;
		if (!pr->feasible && (!*f->reason || pr->memory_bytes < f->least_memory)) {
			snprintf(f->reason, sizeof(f->reason), "%s", pr->reason);
			if (pr->memory_bytes < f->least_memory)
				f->least_memory = pr->memory_bytes;
		}
		if (pr->feasible && pt->gamma && (!f->best.feasible || pr->tpot_s < f->best.tpot_s)) {
			f->point = *pt;
			f->best = *pr;
		}
	}
}

static const char *ms(char *buf, double s)
{
	char digits[TEXT_MAX];

	snprintf(buf, TEXT_MAX, "%s ms", text_digits(digits, s * 1e3, 4));
	return buf;
}

static void print_drafter(const struct verdict *v, const struct point *pt, FILE *f)
{
	fprintf(f, "drafter %s", v->p->study->drafters[pt->drafter].name);
	if (pt->draft_map >= 0)
		fprintf(f, " %s on %s", hx_type_names[pt->draft_type], v->p->space->draft[pt->drafter].v[pt->draft_map].text);
	fprintf(f, ", gamma %d", pt->gamma);
	if (pt->mode == HX_OVERLAPPED)
		fprintf(f, ", overlapped");
}

static const char *target_map(const struct verdict *v, const struct point *pt)
{
	return v->p->space->target.v[pt->target_map].text;
}

/* What would make the losing pair pay. */
static void print_remedy(const struct verdict *v, const struct finding *f, FILE *out)
{
	struct pair pair = {0};
	double alpha = predict_alpha_threshold(v->p, &f->point, &pair), cost = predict_cost_threshold(v->p, &f->point, &pair);
	double oracle = predict_oracle(v->p, &f->point, &pair);
	char known[128];

	accept_text(&v->p->study->sweep.acceptance[f->best.acceptance], known, sizeof(known));
	if (!isnan(alpha))
		fprintf(out, "pays above alpha %.2f (now %s)", alpha, known);
	else
		fprintf(out, "no alpha makes it pay");
	if (!isnan(cost))
		fprintf(out, " or at %.2g x the drafting cost", cost);
	else if (v->p->study->drafters[f->point.drafter].kind != HX_DRAFT_NGRAM)
		fprintf(out, "; a free drafter would not either at %s", known);
	if (!isnan(oracle))
		fprintf(out, ";\n        picking gamma for every prompt, an oracle would reach %.2fx", oracle);
	predict_pair_free(&pair);
}

static void print_finding(const struct verdict *v, const struct finding *f, const struct baseline *base, FILE *out)
{
	char a[TEXT_MAX], b[TEXT_MAX];
	struct point plain;
	double plain_s;

	if (base->index < 0) {
		fprintf(out, "cannot run: %s\n", f->reason);
		return;
	}
	plain = space_point(v->p->space, base->index);
	plain_s = v->p->plain[base->index].tpot_s;
	if (!f->best.feasible) {
		fprintf(out, "plain on %s: %s a token%s%s\n", target_map(v, &plain), ms(a, plain_s),
			*f->reason ? ";\n        no drafter can run: " : "; no drafter to try", f->reason);
		return;
	}
	if (f->best.speedup >= 1 + PREDICT_TOO_CLOSE)
		fprintf(out, "speculate: %.2fx, %s a token instead of %s plain on %s\n", f->best.speedup, ms(a, f->best.tpot_s), ms(b, plain_s),
			target_map(v, &plain));
	else
		fprintf(out, "%s: %.2fx at best; plain on %s: %s a token\n",
			f->best.speedup > 1 - PREDICT_TOO_CLOSE ? "too close to call" : "do not speculate", f->best.speedup,
			target_map(v, &plain), ms(a, plain_s));
	fprintf(out, "        target on %s, ", target_map(v, &f->point));
	print_drafter(v, &f->point, out);
	fprintf(out, "\n        ");
	if (f->best.speedup >= 1 + PREDICT_TOO_CLOSE) {
		fprintf(out, "point %lld, memory %s, first token after %s\n", (long long)f->point.index + 1, text_bytes(a, f->best.memory_bytes),
			text_time(b, f->best.ttft_s));
	} else {
		print_remedy(v, f, out);
		fprintf(out, "\n");
	}
}

void verdict_print(const struct verdict *v, FILE *out)
{
	const struct sweep *sw = &v->p->study->sweep;

	for (size_t i = 0; i < n_findings(v); i++) {
		const struct workload *w = &sw->workloads[i / sw->n_target_quants];

		if (sw->n_workloads > 1 && i % sw->n_target_quants == 0)
			fprintf(out, "%d + %d tokens:\n", w->prompt, w->generated);
		fprintf(out, "%-6s  ", hx_type_names[sw->target_quants[i % sw->n_target_quants]]);
		print_finding(v, &v->findings[i], &v->p->best[i], out);
	}
}
