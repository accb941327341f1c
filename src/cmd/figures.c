/* Figures of validation. */
#include "cmd/figures.h"

#include "device/validate_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_one_sweep(const struct measured_set *set)
{
	for (size_t i = 1; i < set->n; i++)
		if (set->v[i].s != set->v[0].s)
			return false;
	return true;
}

const char *figures_point(const struct measured_set *set, const struct measured *m, char *buf)
{
	if (has_one_sweep(set))
		snprintf(buf, 48, "%lld", (long long)m->id);
	else
		snprintf(buf, 48, "%lld:%lld", (long long)m->s->sweep.id, (long long)m->id);
	return buf;
}

struct figures figures_of(const struct measured_set *set, figures_wanted *wanted, const void *arg, bool eq1)
{
	double *predicted = hx_xmalloc((set->n + 1) * sizeof(*predicted)), *measured = hx_xmalloc((set->n + 1) * sizeof(*measured));
	size_t *at = hx_xmalloc((set->n + 1) * sizeof(*at));
	struct validate_errors e;
	struct figures f = {0};

	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];
		double speedup = eq1 ? m->eq1 : m->predicted;

		if (isnan(speedup) || (wanted && !wanted(m, arg)))
			continue;
		at[f.n] = i;
		predicted[f.n] = speedup;
		measured[f.n++] = m->measured.median;
		f.right += measured_agree(speedup, m->measured.median);
	}
	e = validate_errors(predicted, measured, f.n);
	f.worst_at = f.n ? at[e.worst_at] : 0;
	f.mape = e.mape;
	f.bias = e.bias;
	f.worst = e.worst;
	f.spearman = validate_spearman(predicted, measured, f.n);
	free(predicted);
	free(measured);
	free(at);
	return f;
}

/* ---- the points ---- */

static void list_point(const struct measured *m, struct report *r)
{
	const struct space *space = &m->s->space;
	const struct measured_step *blame = measured_blame(m);
	bool has_map = m->pt.drafter >= 0 && m->pt.draft_map >= 0;

	report_number(r, (double)m->s->sweep.id);
	report_number(r, (double)m->id);
	report_number(r, (double)m->run);
	report_text(r, hx_type_names[m->pt.target_type]);
	report_text(r, space->target.v[m->pt.target_map].text);
	report_text(r, m->pt.drafter < 0 ? NULL : m->s->study.drafters[m->pt.drafter].name);
	report_text(r, has_map ? hx_type_names[m->pt.draft_type] : NULL);
	report_text(r, has_map ? space->draft[m->pt.drafter].v[m->pt.draft_map].text : NULL);
	report_number(r, m->pt.gamma);
	report_text(r, m->pt.drafter < 0 ? NULL : hx_modes[m->pt.mode]);
	report_number(r, m->predicted);
	report_number(r, m->measured.median);
	report_number(r, m->measured.low);
	report_number(r, m->measured.high);
	report_number(r, validate_half_width(&m->measured));
	report_number(r, m->p05);
	report_number(r, m->p95);
	report_number(r, m->p_gain);
	report_number(r, m->eq1);
	report_number(r, measured_error(m));
	report_number(r, m->realised / m->measured.median - 1);
	report_number(r, m->predicted / m->realised - 1);
	report_number(r, m->predicted_decode_s);
	report_number(r, m->decode_s);
	report_number(r, m->tokens_per_round);
	report_number(r, m->memory - 1);
	report_number(r, m->pairs);
	report_number(r, m->left_out);
	report_number(r, m->synthesised);
	report_text(r, blame ? blame->plain ? "plain" : "point" : NULL);
	report_text(r, blame ? blame->pass : NULL);
	report_text(r, blame ? blame->op : NULL);
	report_text(r, blame && *blame->unit ? blame->unit : NULL);
	report_number(r, blame ? blame->share : NAN);
}

void figures_list(const struct measured_set *set, enum report_format format)
{
	static const struct report_column columns[] = {
		{"sweep", NULL, REPORT_NUMBER, 0, 0},
		{"id", "id", REPORT_NUMBER, -1, 0},
		{"run", NULL, REPORT_NUMBER, 0, 0},
		{"target_quant", "target", REPORT_TEXT, 0, 0},
		{"target_map", "on", REPORT_TEXT, 0, 0},
		{"drafter", NULL, REPORT_TEXT, 0, 0},
		{"draft_quant", "draft", REPORT_TEXT, 0, 0},
		{"draft_map", "on", REPORT_TEXT, 0, 0},
		{"gamma", "gamma", REPORT_NUMBER, 0, 0},
		{"mode", NULL, REPORT_TEXT, 0, 0},
		{"predicted_speedup", "predicted", REPORT_NUMBER, 4, 0},
		{"measured_speedup", "measured", REPORT_NUMBER, 4, 0},
		{"measured_low", NULL, REPORT_NUMBER, 3, 0},
		{"measured_high", NULL, REPORT_NUMBER, 3, 0},
		{"measured_half_width", "+- %", REPORT_NUMBER, 2, 100},
		{"speedup_p05", NULL, REPORT_NUMBER, 4, 0},
		{"speedup_p95", NULL, REPORT_NUMBER, 4, 0},
		{"p_gain", NULL, REPORT_NUMBER, 3, 0},
		{"eq1_speedup", NULL, REPORT_NUMBER, 4, 0},
		{"error", "off %", REPORT_NUMBER, 2, 100},
		{"timing_error", NULL, REPORT_NUMBER, 2, 100},
		{"acceptance_error", NULL, REPORT_NUMBER, 2, 100},
		{"predicted_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_decode_s", NULL, REPORT_NUMBER, 4, 0},
		{"measured_tokens_per_round", NULL, REPORT_NUMBER, 4, 0},
		{"memory_speed", NULL, REPORT_NUMBER, 2, 100},
		{"pairs", "pairs", REPORT_NUMBER, 0, 0},
		{"pairs_left_out", NULL, REPORT_NUMBER, 0, 0},
		{"synthesised", NULL, REPORT_BOOL, 0, 0},
		{"blame_output", NULL, REPORT_TEXT, 0, 0},
		{"blame_pass", NULL, REPORT_TEXT, 0, 0},
		{"blame_operator", NULL, REPORT_TEXT, 0, 0},
		{"blame_unit", NULL, REPORT_TEXT, 0, 0},
		{"blame_share", NULL, REPORT_NUMBER, 2, 100},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < set->n; i++)
		list_point(&set->v[i], r);
	report_end(r);
}

/* ---- of all ---- */

/* The two parts of the errors, where both are known; and the order of the points. */
static void print_parts_and_order(const struct measured_set *set, const struct figures *all, FILE *f)
{
	double timing = 0, acceptance = 0;
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];

		if (isnan(m->realised) || isnan(m->predicted))
			continue;
		timing += fabs(m->realised / m->measured.median - 1);
		acceptance += fabs(m->predicted / m->realised - 1);
		n++;
	}
	if (n)
		fprintf(f, "mean absolute error of times alone %.1f %%, of acceptance alone %.1f %%\n", 100 * timing / (double)n,
			100 * acceptance / (double)n);
	if (!isnan(all->spearman))
		fprintf(f, "Spearman's rank correlation %.3f\n", all->spearman);
}

static void print_coverage(const struct measured_set *set, FILE *f)
{
	size_t n = 0, inside = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];

		if (isnan(m->p05) || isnan(m->p95))
			continue;
		n++;
		inside += m->measured.median >= m->p05 && m->measured.median <= m->p95;
	}
	if (n)
		fprintf(f, "intervals of the 5th to the 95th percentile cover %zu of %zu points (%.0f %%)\n", inside, n, 100 * (double)inside / (double)n);
}

bool figures_regret(const struct measured_set *set, const struct measured *of, struct figures_regret *r)
{
	*r = (struct figures_regret){0};
	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];

		if (m->s != of->s || m->run != of->run || isnan(m->again_s))
			continue;
		if (!r->predicted || m->tpot_s < r->predicted->tpot_s)
			r->predicted = m;
		if (!r->best || m->again_s < r->best->again_s)
			r->best = m;
	}
	if (r->best)
		r->regret = r->predicted->again_s / r->best->again_s - 1;
	return r->best;
}

static void print_regrets(const struct measured_set *set, FILE *f)
{
	struct figures_regret r;
	char a[48], b[48];

	for (size_t i = 0; i < set->n; i++) {
		if (i && set->v[i].s == set->v[i - 1].s && set->v[i].run == set->v[i - 1].run)
			continue;
		if (figures_regret(set, &set->v[i], &r))
			fprintf(f, "regret %.1f %%: point %s was predicted fastest, %s is (run %lld)\n", 100 * r.regret, figures_point(set, r.predicted, a),
				figures_point(set, r.best, b), (long long)set->v[i].run);
	}
}

static bool same_step(const struct measured_step *a, const struct measured_step *b)
{
	return a->plain == b->plain && strcmp(a->pass, b->pass) == 0 && strcmp(a->op, b->op) == 0;
}

/* The step of most effect over all points, whatever its unit. */
static void print_blame(const struct measured_set *set, FILE *f)
{
	struct measured_step *sums = NULL;
	size_t n = 0, most = 0;

	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->v[i].n_steps; k++) {
			const struct measured_step *step = &set->v[i].steps[k];
			size_t at = 0;

			while (at < n && !same_step(&sums[at], step))
				at++;
			if (at == n) {
				sums = hx_xrealloc(sums, n + 1, sizeof(*sums));
				sums[n] = *step;
				sums[n++].share = 0;
			}
			sums[at].share += step->share / (double)set->n;
		}
	for (size_t k = 0; k < n; k++)
		if (fabs(sums[k].share) > fabs(sums[most].share))
			most = k;
	if (n && sums[most].share != 0)
		fprintf(f, "most of it by %s of %s%s: %+.1f %% of the speedup\n", sums[most].op, sums[most].pass,
			sums[most].plain ? " in plain decoding" : "", 100 * sums[most].share);
	free(sums);
}

/* ---- what the reader must know ---- */

static void print_notes(const struct measured_set *set, FILE *f)
{
	bool synthesised = false;
	size_t restless = 0, worst = 0;
	int pairs = 0, left_out = 0;
	char at[48];

	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];

		synthesised |= m->synthesised;
		pairs += m->pairs;
		left_out += m->left_out;
		if (validate_is_calm(m->memory))
			continue;
		restless++;
		if (restless == 1 || fabs(m->memory - 1) > fabs(set->v[worst].memory - 1))
			worst = i;
	}
	if (restless)
		fprintf(f, "memory was not what it was when calibrated, at %zu of %zu points (%+.0f %% at %s):\nvalidate again, or calibrate again\n", restless,
			set->n, 100 * (set->v[worst].memory - 1), figures_point(set, &set->v[worst], at));
	if (left_out)
		fprintf(f, "left out: %d of %d pairs, for memory changed while they ran\n", left_out, pairs + left_out);
	if (synthesised)
		fputs("synthesised: random weights or imposed acceptance; timing is real, text is not\n", f);
}

void figures_print(const struct measured_set *set, FILE *f)
{
	struct figures all = figures_of(set, NULL, NULL, false);
	char at[48];

	if (all.n) {
		fprintf(f, "%zu point%s: mean absolute error %.1f %%, worst %+.1f %% (point %s), bias %+.1f %%\n", all.n, all.n == 1 ? "" : "s", 100 * all.mape,
			100 * all.worst, figures_point(set, &set->v[all.worst_at], at), 100 * all.bias);
		print_blame(set, f);
		print_parts_and_order(set, &all, f);
	}
	print_coverage(set, f);
	print_regrets(set, f);
	print_notes(set, f);
}
