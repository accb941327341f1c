/* The answer of a sweep. */
#include "output/verdict.h"

#include "base/text.h"
#include "core/spread.h"

#include <math.h>
#include <stdlib.h>

struct verdict {
	const struct predict *p;
	const struct findings *findings;
	FILE *out;
};

/* What was found for a workload and target quantisation. */
struct answer {
	size_t group;
	struct point point; /* the best speculative one */
	struct prediction best; /* best.feasible: there is one */
	char refused[192]; /* why a speculative one cannot run; empty: there was none */
};

static struct answer answer_of(const struct verdict *v, size_t group)
{
	const struct finding *f = &v->findings->v[group];
	struct answer a = {.group = group};
	struct prediction refused;
	struct pair pair = {0};

	if (f->refused >= 0) {
		a.point = space_point(v->p->space, f->refused);
		predict_point(v->p, &a.point, &pair, &refused);
		predict_reason(v->p, &a.point, &refused.refusal, a.refused, sizeof(a.refused));
	}
	if (f->best >= 0) {
		a.point = space_point(v->p->space, f->best);
		predict_point(v->p, &a.point, &pair, &a.best);
	}
	predict_pair_free(&pair);
	return a;
}

/* A time for people: milliseconds, or units of the costs table where those are relative. */
static const char *duration(const struct verdict *v, char *buf, double s)
{
	char digits[TEXT_MAX];
	bool relative = v->p->study->costs.relative;

	snprintf(buf, TEXT_MAX, "%s%s", text_digits(digits, relative ? s : s * 1e3, 4), relative ? "" : " ms");
	return buf;
}

static void print_drafter(const struct verdict *v, const struct point *pt)
{
	FILE *f = v->out;

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
static void print_remedy(const struct verdict *v, const struct answer *f, double plain_s)
{
	FILE *out = v->out;
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

/* What is uncertain is known for the sweep's baseline. Damaged profiles do not come as far as here. */
static void print_sureness(const struct verdict *v, const struct point *pt)
{
	struct spread s;
	struct hx_err ignored;

	if (!spread_points(v->p, pt, 1, &s, &ignored) && !isnan(s.p_gain))
		fprintf(v->out, "        speculation pays with a probability of %.2f: %.2fx to %.2fx, 90 times of 100\n", s.p_gain, s.p05, s.p95);
}

/* Where no drafter can run, or nothing at all. */
static void print_plain(const struct verdict *v, const struct answer *f)
{
	const struct baseline *plain = &v->p->fastest[f->group];
	int64_t maps = (int64_t)v->p->space->target.n;
	int64_t index = plain->index < 0 ? predict_least(v->p, (int64_t)f->group * maps, maps) : plain->index;
	struct point pt = space_point(v->p->space, index);
	char a[TEXT_MAX], reason[192];

	if (plain->index < 0 || !plain->meets)
		fprintf(v->out, "cannot run: %s\n", predict_reason(v->p, &pt, &v->p->plain[index].refusal, reason, sizeof(reason)));
	else
		fprintf(v->out, "plain on %s: %s a token%s%s\n", target_map(v, &pt), duration(v, a, v->p->plain[index].tpot_s),
			*f->refused ? ";\n        no drafter can run: " : "; no drafter to try", f->refused);
}

/* The answer is over the fastest plain mapping, whatever baseline the sweep names. */
static void print_answer(const struct verdict *v, const struct answer *f)
{
	const struct baseline *plain = &v->p->fastest[f->group], *named = &v->p->best[f->group];
	FILE *out = v->out;
	char a[TEXT_MAX], b[TEXT_MAX];
	struct point pt;
	double plain_s, gain;

	if (!f->best.feasible) {
		print_plain(v, f);
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
	print_drafter(v, &f->point);
	fprintf(out, "\n");
	if (named->index == plain->index)
		print_sureness(v, &f->point);
	if (gain < 1 + PREDICT_TOO_CLOSE) {
		print_remedy(v, f, plain->decode_s);
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
static void print_fastest(const struct verdict *v, const struct answer *answers, size_t n)
{
	double best_s = HUGE_VAL;
	struct point pt = {0};
	char a[TEXT_MAX];

	for (const struct answer *f = answers; f < answers + n; f++) {
		const struct baseline *plain = &v->p->fastest[f->group];

		if (plain->index >= 0 && plain->meets && v->p->plain[plain->index].tpot_s < best_s) {
			best_s = v->p->plain[plain->index].tpot_s;
			pt = space_point(v->p->space, plain->index);
		}
		if (f->best.feasible && f->best.tpot_s < best_s) {
			best_s = f->best.tpot_s;
			pt = f->point;
		}
	}
	if (isinf(best_s) || n < 2)
		return;
	fprintf(v->out, "fastest: %s on %s, %s a token, %s", hx_type_names[pt.target_type], target_map(v, &pt), duration(v, a, best_s),
		pt.gamma ? "with\n        " : "plain");
	if (pt.gamma)
		print_drafter(v, &pt);
	fprintf(v->out, "\n");
}

void verdict_print(const struct predict *p, const struct findings *findings, FILE *out)
{
	const struct sweep *sw = &p->study->sweep;
	const struct verdict v = {p, findings, out};
	struct answer *answers = hx_xcalloc(sw->n_target_quants, sizeof(*answers));

	for (size_t w = 0; w < sw->n_workloads; w++) {
		if (sw->n_workloads > 1)
			fprintf(out, "%d + %d tokens:\n", sw->workloads[w].prompt, sw->workloads[w].generated);
		for (size_t q = 0; q < sw->n_target_quants; q++) {
			answers[q] = answer_of(&v, w * sw->n_target_quants + q);
			fprintf(out, "%-6s  ", hx_type_names[sw->target_quants[q]]);
			print_answer(&v, &answers[q]);
		}
		print_fastest(&v, answers, sw->n_target_quants);
	}
	free(answers);
}
