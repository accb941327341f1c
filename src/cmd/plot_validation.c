/* hexplore plot validation: predictions beside what was measured. */
#include "cmd/figures.h"
#include "cmd/measured_select.h"
#include "cmd/plot_data.h"
#include "output/plot_validation.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = 96, FIGURES = 10, LABEL = 160 };
static const double least = 1e-6, most = 1e6; /* speedups; a database may have been edited */

/* Points of the same units, whatever the cores. */
struct group {
	char units[UNITS];
	size_t n;
	double error; /* mean of absolute values */
};

struct drawn {
	struct measured_set set; /* of what can be drawn; borrowed but for v itself */
	struct plot_validated *points;
	struct group groups[PLOT_GROUPS];
	size_t n_groups, n_synthesised, n_covered, n_intervals;
	char runs[80], of[400]; /* which runs; which sweeps, with their targets */
	char lines[FIGURES][LABEL];
	size_t n_lines;
};

/* Adds what is not there yet to a list separated by commas. */
static void add_word(char *list, size_t size, const char *word)
{
	size_t at = strlen(list), n = strlen(word);

	for (const char *s = list; (s = strstr(s, word)); s += n)
		if ((s == list || s[-1] == ' ') && (!s[n] || s[n] == ','))
			return;
	if (at + n + 2 < size)
		snprintf(list + at, size - at, "%s%s", at ? ", " : "", word);
}

/* Units of a mapping as people type it, joined by `+`: of `cpux2:0-7+opencl` it is `cpu+opencl`. */
static void units_of(const char *mapping, char *buf, size_t size)
{
	size_t at = strlen(buf);

	for (const char *use = mapping; *use;) {
		int name = (int)strcspn(use, "@:+"), digits = 0;

		while (digits < name && strchr("0123456789", use[name - digits - 1]))
			digits++;
		if (digits && digits + 1 < name && use[name - digits - 1] == 'x')
			name -= digits + 1;
		at += (size_t)snprintf(buf + at, size - at, "%s%.*s", use == mapping ? "" : "+", name, use);
		if (at >= size)
			return;
		use += strcspn(use, "+");
		use += *use == '+';
	}
}

static size_t group_of(struct drawn *x, const struct measured *m)
{
	const struct space *space = &m->s->space;
	char units[UNITS] = "plain";
	size_t i = 0;

	if (m->pt.gamma) {
		*units = '\0';
		units_of(space->target.v[m->pt.target_map].text, units, sizeof(units));
		snprintf(units + strlen(units), sizeof(units) - strlen(units), " <- ");
		units_of(m->pt.draft_map >= 0 ? space->draft[m->pt.drafter].v[m->pt.draft_map].text : m->s->study.drafters[m->pt.drafter].name, units,
			 sizeof(units));
	}
	while (i < x->n_groups && strcmp(x->groups[i].units, units) != 0)
		i++;
	if (i == PLOT_GROUPS) /* the last takes all that has no colour of its own */
		strcpy(x->groups[--i].units, "others");
	else if (i == x->n_groups)
		strcpy(x->groups[x->n_groups++].units, units);
	return i;
}

static void add_point(struct drawn *x, const struct measured *m)
{
	size_t g = group_of(x, m);
	char word[LABEL];

	x->groups[g].n++;
	x->groups[g].error += fabs(measured_error(m));
	x->n_synthesised += m->synthesised;
	x->n_intervals += m->p95 >= m->p05; /* not of NAN */
	x->n_covered += m->measured.median >= m->p05 && m->measured.median <= m->p95;
	x->points[x->set.n] = (struct plot_validated){.predicted = {m->predicted, m->p05, m->p95},
						      .measured = {m->measured.median, m->measured.low, m->measured.high},
						      .group = g,
						      .style = !m->pt.gamma			 ? PLOT_PLAIN
							       : m->pt.mode == HX_OVERLAPPED ? PLOT_OVERLAPPED
											 : PLOT_SEQUENTIAL};
	x->set.v[x->set.n++] = *m;
	snprintf(word, sizeof(word), "%lld", (long long)m->run);
	add_word(x->runs, sizeof(x->runs), word);
	snprintf(word, sizeof(word), "%lld (%.64s)", (long long)m->s->sweep.id, m->s->study.target.name);
	add_word(x->of, sizeof(x->of), word);
}

static void add_points(struct drawn *x, const struct measured_set *all)
{
	x->set.v = hx_xcalloc(all->n, sizeof(*x->set.v));
	x->points = hx_xcalloc(all->n, sizeof(*x->points));
	for (size_t i = 0; i < all->n; i++) {
		const struct measured *m = &all->v[i];

		if (m->predicted > least && m->predicted < most && m->measured.median > least && m->measured.median < most)
			add_point(x, m);
	}
}

__attribute__((format(printf, 2, 3))) static void add_line(struct drawn *x, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(x->lines[x->n_lines++], LABEL, format, args);
	va_end(args);
}

/* What stands in the corner: the figures that a report has of all points. Of several regrets the largest. */
static void sum_up(struct drawn *x, const struct figures *f)
{
	struct figures_regret r;
	double regret = NAN;
	char at[48];

	add_line(x, "%zu points", f->n);
	add_line(x, "mean absolute error %.1f %%", 100 * f->mape);
	add_line(x, "worst %+.1f %% (point %s)", 100 * f->worst, figures_point(&x->set, &x->set.v[f->worst_at], at));
	add_line(x, "bias %+.1f %%", 100 * f->bias);
	if (!isnan(f->spearman))
		add_line(x, "Spearman %.3f", f->spearman);
	if (x->n_intervals)
		add_line(x, "in 90 %% interval: %.0f %%", 100 * (double)x->n_covered / (double)x->n_intervals);
	for (size_t i = 0; i < x->set.n; i++)
		if ((!i || x->set.v[i].s != x->set.v[i - 1].s || x->set.v[i].run != x->set.v[i - 1].run) && figures_regret(&x->set, &x->set.v[i], &r))
			regret = fmax(regret, r.regret);
	if (!isnan(regret))
		add_line(x, "regret %.1f %%", 100 * regret);
}

static void words(struct plotting *p, const struct drawn *x, const struct figures *f)
{
	const struct profile *profile = &x->set.v[0].s->study.profile;
	char marked[80] = "";

	if (x->n_synthesised)
		snprintf(marked, sizeof(marked), " | synthesised: %zu of %zu, timing is real, text is not", x->n_synthesised, x->set.n);
	p->title = hx_xasprintf("Do the predictions hold? %zu point%s, %.1f %% off on average, %+.1f %% at worst", f->n, f->n == 1 ? "" : "s", 100 * f->mape,
				100 * f->worst);
	p->subtitle = hx_xasprintf("%.100s | profile %s (%s) | sweep %s | run %s%s", profile->soc, profile->name, profile_statuses[profile->status], x->of,
				   x->runs, marked);
	p->note = hx_xstrdup("Above the line the prediction was too high.");
}

static int draw(struct plotting *p, struct drawn *x, struct hx_err *err)
{
	char labels[PLOT_GROUPS][LABEL];
	const char *groups[PLOT_GROUPS], *lines[FIGURES];
	struct figures f = figures_of(&x->set, NULL, NULL, false);

	sum_up(x, &f);
	words(p, x, &f);
	for (size_t i = 0; i < x->n_groups; i++) {
		snprintf(labels[i], LABEL, "%.20s%s: %zu, %.1f %%", x->groups[i].units, strlen(x->groups[i].units) > 20 ? ".." : "", x->groups[i].n,
			 100 * x->groups[i].error / (double)x->groups[i].n);
		groups[i] = labels[i];
	}
	for (size_t i = 0; i < x->n_lines; i++)
		lines[i] = x->lines[i];
	return plot_validation(&(struct plot_validation){.head = plot_data_head(p), .groups = groups, .n_groups = x->n_groups, .points = x->points,
							 .n_points = x->set.n, .worst = f.worst_at, .figures = lines, .n_figures = x->n_lines},
			       p->path, err);
}

int plot_validation_draw(struct plotting *p, struct hx_err *err)
{
	struct measured_selection all;
	struct drawn x = {.n_groups = 0};
	int rc = measured_select(&all, p->db, p->sweep_ids, p->run, err);

	if (!rc) {
		add_points(&x, &all.set);
		rc = x.set.n ? draw(p, &x, err) : hx_err_set(err, HX_NO, "none of the points measured has a speedup that can be drawn");
	}
	free(x.set.v);
	free(x.points);
	measured_select_free(&all);
	return rc;
}
