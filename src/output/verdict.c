/* The answer of a sweep. */
#include "output/verdict.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>

/* Best speculative point of a workload and target quantisation, and why points cannot run where none can. */
struct finding {
	struct point point;
	struct prediction best; /* best.feasible: there is one */
	char reason[192];       /* why no speculative point can run: of the one that needs least memory, or else of the first */
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
		struct finding *f = &v->findings[predict_group(v->p, pt)];

		v->feasible += pr->feasible;
		if (pt->gamma && !pr->feasible && (!*f->reason || pr->memory_bytes < f->least_memory)) {
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

/* A time for people: milliseconds, or units of the costs table where those are relative. */
static const char *duration(const struct verdict *v, char *buf, double s)
{
	char digits[TEXT_MAX];
	bool relative = v->p->study->costs.relative;

	snprintf(buf, TEXT_MAX, "%s%s", text_digits(digits, relative ? s : s * 1e3, 4), relative ? "" : " ms");
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
static void print_remedy(const struct verdict *v, const struct finding *f, double plain_s, FILE *out)
{
	struct pair pair = {0};
	double alpha = predict_alpha_threshold(v->p, &f->point, &pair, plain_s), cost = predict_cost_threshold(v->p, &f->point, &pair, plain_s);
	double oracle = predict_oracle(v->p, &f->point, &pair, plain_s);
	char known[128];

	accept_text(&v->p->study->sweep.acceptance[f->best.acceptance], known, sizeof(known));
	if (!isnan(alpha))
		fprintf(out, "        pays above alpha %.2f (now %s)", alpha, known);
	else
		fprintf(out, "        no alpha makes it pay (now %s)", known);
	if (!isnan(cost))
		fprintf(out, "%s at %.2f x the drafting cost\n", isnan(alpha) ? ", but it pays" : " or", cost);
	else if (v->p->study->drafters[f->point.drafter].kind != HX_DRAFT_NGRAM)
		fprintf(out, ";\n        even a free drafter would lose\n");
	else
		fprintf(out, "\n");
	if (!isnan(oracle))
		fprintf(out, "        picking gamma for every prompt, an oracle would reach %.2fx\n", oracle);
	predict_pair_free(&pair);
}

/* Where no drafter can run, or nothing at all. */
static void print_plain(const struct verdict *v, size_t group, FILE *out)
{
	const struct baseline *plain = &v->p->fastest[group];
	const struct finding *f = &v->findings[group];
	int64_t maps = (int64_t)v->p->space->target.n;
	struct point pt;
	char a[TEXT_MAX];

	if (plain->index < 0 || !plain->meets) {
		fprintf(out, "cannot run: %s\n",
			plain->index < 0 ? predict_least(v->p, (int64_t)group * maps, maps)->reason : v->p->plain[plain->index].reason);
		return;
	}
	pt = space_point(v->p->space, plain->index);
	fprintf(out, "plain on %s: %s a token%s%s\n", target_map(v, &pt), duration(v, a, v->p->plain[plain->index].tpot_s),
		*f->reason ? ";\n        no drafter can run: " : "; no drafter to try", f->reason);
}

/* The answer is over the fastest plain mapping, whatever baseline the sweep names. */
static void print_finding(const struct verdict *v, size_t group, FILE *out)
{
	const struct finding *f = &v->findings[group];
	const struct baseline *plain = &v->p->fastest[group], *named = &v->p->best[group];
	char a[TEXT_MAX], b[TEXT_MAX];
	struct point pt;
	double plain_s, gain;

	if (!f->best.feasible) {
		print_plain(v, group, out);
		return;
	}
	pt = space_point(v->p->space, plain->index);
	plain_s = v->p->plain[plain->index].tpot_s;
	gain = plain_s / f->best.tpot_s;
	if (gain >= 1 + PREDICT_TOO_CLOSE)
		fprintf(out, "speculate: %.2fx, %s a token instead of %s\n", gain, duration(v, a, f->best.tpot_s), duration(v, b, plain_s));
	else
		fprintf(out, "%s: %.2fx at best; plain on %s: %s a token\n", gain > 1 - PREDICT_TOO_CLOSE ? "too close to call" : "do not speculate", gain,
			target_map(v, &pt), duration(v, a, plain_s));
	fprintf(out, "        target on %s, ", target_map(v, &f->point));
	print_drafter(v, &f->point, out);
	fprintf(out, "\n");
	if (gain < 1 + PREDICT_TOO_CLOSE) {
		print_remedy(v, f, plain->decode_s, out);
	} else {
		fprintf(out, "        point %lld, memory %s; ", (long long)f->point.index + 1, text_bytes(a, f->best.memory_bytes));
		if (!v->p->study->costs.relative)
			fprintf(out, "first token after %s; ", text_time(b, f->best.ttft_s));
		fprintf(out, "plain on %s%s\n", target_map(v, &pt), plain->meets ? "" : ", beyond the bounds");
	}
	if (named->index >= 0 && named->index != plain->index)
		fprintf(out, "        %.2fx over the baseline\n", f->best.speedup);
}

/* Of the quantisations of one workload, the one with the fastest configuration. */
static void print_fastest(const struct verdict *v, size_t first, FILE *out)
{
	const struct sweep *sw = &v->p->study->sweep;
	double best_s = HUGE_VAL;
	struct point pt = {0};
	char a[TEXT_MAX];

	for (size_t i = first; i < first + sw->n_target_quants; i++) {
		const struct baseline *plain = &v->p->fastest[i];

		if (plain->index >= 0 && plain->meets && v->p->plain[plain->index].tpot_s < best_s) {
			best_s = v->p->plain[plain->index].tpot_s;
			pt = space_point(v->p->space, plain->index);
		}
		if (v->findings[i].best.feasible && v->findings[i].best.tpot_s < best_s) {
			best_s = v->findings[i].best.tpot_s;
			pt = v->findings[i].point;
		}
	}
	if (isinf(best_s) || sw->n_target_quants < 2)
		return;
	fprintf(out, "fastest: %s on %s, %s a token, %s", hx_type_names[pt.target_type], target_map(v, &pt), duration(v, a, best_s),
		pt.gamma ? "with\n        " : "plain");
	if (pt.gamma)
		print_drafter(v, &pt, out);
	fprintf(out, "\n");
}

void verdict_print(const struct verdict *v, FILE *out)
{
	const struct sweep *sw = &v->p->study->sweep;

	for (size_t i = 0; i < n_findings(v); i++) {
		const struct workload *w = &sw->workloads[i / sw->n_target_quants];

		if (sw->n_workloads > 1 && i % sw->n_target_quants == 0)
			fprintf(out, "%d + %d tokens:\n", w->prompt, w->generated);
		fprintf(out, "%-6s  ", hx_type_names[sw->target_quants[i % sw->n_target_quants]]);
		print_finding(v, i, out);
		if ((i + 1) % sw->n_target_quants == 0)
			print_fastest(v, i + 1 - sw->n_target_quants, out);
	}
}
