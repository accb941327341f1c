/* A report of validation for people. */
#include "cmd/report_print.h"

#include "cmd/figures.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

static const char *quantisation(const struct measured *m)
{
	return hx_type_names[m->pt.target_type];
}

static const char *mode(const struct measured *m)
{
	return m->pt.drafter < 0 ? "plain" : hx_modes[m->pt.mode];
}

static bool has_device(const struct profile *p, const struct hx_mapping *m)
{
	for (int i = 0; i < m->n_uses; i++)
		if (p->units[m->uses[i].unit].is.kind != HX_CPU)
			return true;
	return false;
}

static const char *units(const struct measured *m)
{
	const struct profile *p = &m->s->study.profile;
	const struct space *space = &m->s->space;
	bool device = has_device(p, &space->target.v[m->pt.target_map]);

	if (m->pt.drafter >= 0 && m->pt.draft_map >= 0)
		device |= has_device(p, &space->draft[m->pt.drafter].v[m->pt.draft_map]);
	return device ? "with a device" : "CPU only";
}

static const struct axis {
	const char *name;
	const char *(*value)(const struct measured *m);
} axes[] = {{"quantisation", quantisation}, {"mode", mode}, {"units", units}};

struct group {
	const struct axis *axis;
	const char *value;
};

static bool in_group(const struct measured *m, const void *arg)
{
	const struct group *g = arg;

	return strcmp(g->axis->value(m), g->value) == 0;
}

static void list_figures(struct report *r, const struct measured_set *set, const char *name, const char *value, const struct figures *f)
{
	char at[48];

	report_text(r, name);
	report_text(r, value);
	report_number(r, (double)f->n);
	report_number(r, f->mape);
	report_number(r, f->bias);
	report_number(r, f->worst);
	report_text(r, f->n ? figures_point(set, &set->v[f->worst_at], at) : NULL);
}

/* A row for each value, in the order in which points have them. */
static void list_axis(struct report *r, const struct measured_set *set, const struct axis *axis)
{
	for (size_t i = 0; i < set->n; i++) {
		struct group g = {axis, axis->value(&set->v[i])};
		struct figures f;
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = in_group(&set->v[k], &g);
		if (seen)
			continue;
		f = figures_of(set, in_group, &g, false);
		list_figures(r, set, axis->name, g.value, &f);
	}
}

static void print_groups(const struct measured_set *set)
{
	static const struct report_column columns[] = {
		{"by", "by", REPORT_TEXT, 0, 0},	 {"value", "", REPORT_TEXT, 0, 0},	{"n", "n", REPORT_NUMBER, 0, 0},
		{"mape", "mean %", REPORT_NUMBER, 3, 100}, {"bias", "bias %", REPORT_NUMBER, 3, 100}, {"worst", "worst %", REPORT_NUMBER, 3, 100},
		{"worst_id", "point", REPORT_TEXT, 0, 0},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	struct figures all = figures_of(set, NULL, NULL, false);

	list_figures(r, set, "all", NULL, &all);
	for (size_t i = 0; i < sizeof(axes) / sizeof(*axes); i++)
		list_axis(r, set, &axes[i]);
	report_end(r);
}

/* ---- the naive model ---- */

/* Points that both models have a prediction of. */
static bool has_both(const struct measured *m, const void *arg)
{
	(void)arg;
	return m->pt.drafter >= 0 && !isnan(m->eq1) && !isnan(m->predicted);
}

static void print_models(const struct measured_set *set)
{
	static const struct report_column columns[] = {
		{"model", "model", REPORT_TEXT, 0, 0},		{"n", "n", REPORT_NUMBER, 0, 0},
		{"mape", "mean %", REPORT_NUMBER, 3, 100},	{"bias", "bias %", REPORT_NUMBER, 3, 100},
		{"worst", "worst %", REPORT_NUMBER, 3, 100},	{"worst_id", "point", REPORT_TEXT, 0, 0},
		{"spearman", "Spearman", REPORT_NUMBER, 3, 0},	{"right", "right verdicts", REPORT_NUMBER, 0, 0},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	bool overlapped = false;
	char at[48];

	for (int eq1 = 0; eq1 < 2; eq1++) {
		struct figures f = figures_of(set, has_both, NULL, eq1);

		report_text(r, eq1 ? "Eq. 1" : "hexplore");
		report_number(r, (double)f.n);
		report_number(r, f.mape);
		report_number(r, f.bias);
		report_number(r, f.worst);
		report_text(r, f.n ? figures_point(set, &set->v[f.worst_at], at) : NULL);
		report_number(r, f.spearman);
		report_number(r, (double)f.right);
	}
	report_end(r);
	for (size_t i = 0; i < set->n; i++)
		overlapped |= set->v[i].pt.drafter >= 0 && set->v[i].pt.mode == HX_OVERLAPPED;
	if (overlapped)
		puts("Eq. 1 knows no overlap: such points are what it says of the same drafter in turns.");
}

/* ---- points ---- */

static void print_worst(const struct measured_set *set, size_t n_worst)
{
	static const struct report_column columns[] = {
		{"id", "id", REPORT_TEXT, 0, 0},
		{"predicted", "predicted", REPORT_NUMBER, 4, 0},
		{"measured", "measured", REPORT_NUMBER, 4, 0},
		{"error", "off %", REPORT_NUMBER, 2, 100},
		{"output", "most by", REPORT_TEXT, 0, 0},
		{"pass", "pass", REPORT_TEXT, 0, 0},
		{"operator", "operator", REPORT_TEXT, 0, 0},
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"share", "its %", REPORT_NUMBER, 2, 100},
	};
	double *sizes = hx_xmalloc(set->n * sizeof(*sizes));
	size_t *order = hx_xmalloc(set->n * sizeof(*order));
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	char at[48];

	for (size_t i = 0; i < set->n; i++)
		sizes[i] = isnan(measured_error(&set->v[i])) ? 0 : -fabs(measured_error(&set->v[i]));
	gsl_sort_index(order, sizes, 1, set->n);
	for (size_t i = 0; i < n_worst && i < set->n; i++) {
		const struct measured *m = &set->v[order[i]];
		const struct measured_step *b = measured_blame(m);

		report_text(r, figures_point(set, m, at));
		report_number(r, m->predicted);
		report_number(r, m->measured.median);
		report_number(r, measured_error(m));
		report_text(r, b ? b->plain ? "plain" : "point" : NULL);
		report_text(r, b ? b->pass : NULL);
		report_text(r, b ? b->op : NULL);
		report_text(r, b && *b->unit ? b->unit : NULL);
		report_number(r, b ? b->share : NAN);
	}
	report_end(r);
	free(order);
	free(sizes);
}

static void print_verdict(const struct measured_set *set)
{
	const struct measured *best = NULL, *no = NULL;
	char at[48];

	for (size_t i = 0; i < set->n; i++) {
		const struct measured *m = &set->v[i];

		if (m->pt.drafter < 0)
			continue;
		if (!best || m->measured.median > best->measured.median)
			best = m;
		if (m->predicted < 1 && m->measured.median < 1 && (!no || m->measured.median < no->measured.median))
			no = m;
	}
	if (best)
		printf("%s: %.2fx at best over plain decoding (point %s, predicted %.2fx)\n",
		       best->measured.median > 1 ? "speculation pays" : "speculation does not pay", best->measured.median, figures_point(set, best, at),
		       best->predicted);
	if (no)
		printf("rightly advised against: %.2fx at point %s (predicted %.2fx)\n", no->measured.median, figures_point(set, no, at), no->predicted);
}

/* ---- several runs ---- */

/* The range of a point's measured speedups over all runs; false: only one, or told already. */
static bool range_of(const struct measured_set *set, size_t first, double *low, double *high)
{
	const struct measured *m = &set->v[first];
	size_t n = 0;

	*low = *high = m->measured.median;
	for (size_t i = 0; i < set->n; i++) {
		const struct measured *other = &set->v[i];

		if (other->s != m->s || other->id != m->id)
			continue;
		if (i < first)
			return false;
		*low = fmin(*low, other->measured.median);
		*high = fmax(*high, other->measured.median);
		n++;
	}
	return n > 1;
}

static void print_agreement(const struct measured_set *set)
{
	double *spreads = hx_xmalloc(set->n * sizeof(*spreads)), low, high;
	size_t n = 0, agree = 0, worst = 0, worst_at = 0;
	char at[48];

	for (size_t i = 0; i < set->n; i++) {
		if (!range_of(set, i, &low, &high))
			continue;
		spreads[n] = high / low - 1;
		agree += measured_agree(low, high);
		if (spreads[n] > spreads[worst] || !n) {
			worst = n;
			worst_at = i;
		}
		n++;
	}
	if (n)
		printf("runs: %zu points were measured more than once; their speedups differ by %.1f %%\n"
		       "(median), %.1f %% at worst (point %s), whether they pay agrees at %zu of %zu\n",
		       n, 100 * validate_median(spreads, n), 100 * spreads[worst], figures_point(set, &set->v[worst_at], at), agree, n);
	free(spreads);
}

void report_print(const struct measured_set *set, size_t n_worst)
{
	figures_print(set, stdout);
	print_agreement(set);
	print_verdict(set);
	puts("");
	print_groups(set);
	puts("");
	print_models(set);
	if (n_worst) {
		puts("");
		print_worst(set, n_worst);
	}
}
