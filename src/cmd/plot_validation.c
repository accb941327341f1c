/* hexplore plot validation: predictions beside what was measured. */
#include "base/text.h"
#include "cmd/plot_data.h"
#include "device/validate_stats.h"
#include "output/plot_validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 4000, UNITS = 96, FIGURES = 8, LABEL = 160 };
static const double least = 1e-6, most = 1e6; /* speedups; a database may have been edited */

enum { SWEEP, POINT, RUN, TARGET, TARGET_MAP, DRAFTER, DRAFT_MAP, GAMMA, MODE, SYNTHESISED, PREDICTED, P05, P95, MEASURED, LOW, HIGH, N_READ };
static const char *const read_columns[N_READ] = {"sweep", "id", "run", "target", "target_map", "drafter", "draft_map", "gamma", "mode", "synthesised",
						 "predicted_speedup", "speedup_p05", "speedup_p95", "measured_speedup", "measured_low", "measured_high"};

/* Points of the same units, whatever the cores. */
struct group {
	char units[UNITS];
	size_t n;
	double error; /* mean of absolute values */
};

struct validated {
	struct plot_validated v[MOST_POINTS];
	long long sweep[MOST_POINTS], point[MOST_POINTS];
	double predicted[MOST_POINTS], measured[MOST_POINTS];
	size_t n, n_synthesised;
	struct group groups[PLOT_GROUPS];
	size_t n_groups;
	char runs[80], of[400]; /* which runs; which sweeps, with their targets */
	double run;             /* the last named in runs */
	bool many;              /* more than fit */
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

static size_t group_of(struct validated *x, const struct store_value *v, bool plain)
{
	char units[UNITS] = "plain";
	size_t i = 0;

	if (!plain) {
		*units = '\0';
		units_of(v[TARGET_MAP].text ? v[TARGET_MAP].text : "", units, sizeof(units));
		snprintf(units + strlen(units), sizeof(units) - strlen(units), " <- ");
		units_of(v[DRAFT_MAP].text ? v[DRAFT_MAP].text : v[DRAFTER].text ? v[DRAFTER].text : "", units, sizeof(units));
	}
	while (i < x->n_groups && strcmp(x->groups[i].units, units) != 0)
		i++;
	if (i == PLOT_GROUPS) /* the last takes all that has no colour of its own */
		strcpy(x->groups[--i].units, "others");
	else if (i == x->n_groups)
		strcpy(x->groups[x->n_groups++].units, units);
	return i;
}

static int collect(void *arg, const struct store_value *v)
{
	struct validated *x = arg;
	double predicted = v[PREDICTED].number, measured = v[MEASURED].number;
	bool plain = !(v[GAMMA].number > 0);
	char word[LABEL];
	size_t g;

	if (!(predicted > least && predicted < most && measured > least && measured < most))
		return 0;
	x->many = x->n == MOST_POINTS;
	if (x->many)
		return 1;
	g = group_of(x, v, plain);
	x->groups[g].n++;
	x->groups[g].error += fabs(predicted / measured - 1);
	x->sweep[x->n] = (long long)v[SWEEP].number;
	x->point[x->n] = (long long)v[POINT].number;
	x->predicted[x->n] = predicted;
	x->measured[x->n] = measured;
	x->n_synthesised += v[SYNTHESISED].number > 0;
	x->v[x->n++] = (struct plot_validated){.predicted = {predicted, v[P05].number, v[P95].number},
					       .measured = {measured, v[LOW].number, v[HIGH].number},
					       .group = g,
					       .style = plain								? PLOT_PLAIN
							: v[MODE].text && strcmp(v[MODE].text, "overlapped") == 0 ? PLOT_OVERLAPPED
														: PLOT_SEQUENTIAL};
	snprintf(word, sizeof(word), "%.0f", v[RUN].number);
	add_word(x->runs, sizeof(x->runs), word);
	snprintf(word, sizeof(word), "%.0f (%.64s)", v[SWEEP].number, v[TARGET].text ? v[TARGET].text : "");
	add_word(x->of, sizeof(x->of), word);
	return 0;
}

static int read_points(struct plotting *p, struct validated *x, struct hx_err *err)
{
	struct store_query q = {.view = STORE_VALIDATION, .sweep = p->all_sweeps ? 0 : p->s.sweep.id, .columns = read_columns, .n_columns = N_READ};
	long run;
	int rc = HX_OK;

	if (p->run && strcmp(p->run, "all") != 0 && !(rc = text_int(p->run, 1, 1000000000, "--run", &run, err)))
		plot_data_compare(&q, "run", "=", (double)run);
	if (rc)
		return rc;
	rc = store_select(p->s.store, &q, collect, x, err);
	if (x->many)
		rc = hx_err_set(err, HX_INPUT, "more than %d points were measured; --run and --sweep-id choose some", MOST_POINTS);
	if (!rc && !x->n && p->run)
		rc = hx_err_set(err, HX_NO, "run %.20s has measured no point of %s", p->run, p->all_sweeps ? "a sweep" : "this sweep");
	else if (!rc && !x->n && p->all_sweeps)
		rc = hx_err_set(err, HX_NO, "no point was measured yet; 'hexplore validate' measures some");
	else if (!rc && !x->n)
		rc = hx_err_set(err, HX_NO, "no point of sweep %lld was measured yet; 'hexplore validate' measures some, --sweep-id names another sweep",
				(long long)p->s.sweep.id);
	return rc;
}

static void words(struct plotting *p, const struct validated *x, const struct validate_errors *e)
{
	const struct profile *profile = &p->s.study.profile;
	char marked[80] = "";

	if (x->n_synthesised)
		snprintf(marked, sizeof(marked), " | synthesised: %zu of %zu, timing is real, text is not", x->n_synthesised, x->n);
	p->title = hx_xasprintf("Do the predictions hold? %zu point%s, %.1f %% off on average, %+.1f %% at worst", x->n, x->n == 1 ? "" : "s",
				100 * e->mape, 100 * e->worst);
	p->subtitle = hx_xasprintf("%.100s | profile %s (%s) | sweep %s | run %s%s", profile->soc, profile->name, profile_statuses[profile->status],
				   x->of, x->runs, marked);
	p->note = hx_xasprintf("Above the line the prediction was too high.");
}

int plot_validation_draw(struct plotting *p, struct hx_err *err)
{
	struct validated *x = hx_xcalloc(1, sizeof(*x));
	char labels[PLOT_GROUPS][LABEL], lines[FIGURES][LABEL];
	const char *groups[PLOT_GROUPS], *figures[FIGURES];
	struct plot_validation chart = {.groups = groups, .points = x->v, .figures = figures};
	struct validate_errors e;
	int rc = read_points(p, x, err);

	if (!rc) {
		e = validate_errors(x->predicted, x->measured, x->n);
		words(p, x, &e);
		for (size_t i = 0; i < x->n_groups; i++) {
			snprintf(labels[i], LABEL, "%.20s%s: %zu, %.1f %%", x->groups[i].units, strlen(x->groups[i].units) > 20 ? ".." : "",
				 x->groups[i].n, 100 * x->groups[i].error / (double)x->groups[i].n);
			groups[i] = labels[i];
		}
		snprintf(lines[chart.n_figures++], LABEL, "%zu points", x->n);
		snprintf(lines[chart.n_figures++], LABEL, "mean absolute error %.1f %%", 100 * e.mape);
		snprintf(lines[chart.n_figures++], LABEL, "worst %+.1f %% (point %lld:%lld)", 100 * e.worst, x->sweep[e.worst_at], x->point[e.worst_at]);
		snprintf(lines[chart.n_figures++], LABEL, "bias %+.1f %%", 100 * e.bias);
		for (size_t i = 0; i < chart.n_figures; i++)
			figures[i] = lines[i];
		chart.head = plot_data_head(p);
		chart.n_groups = x->n_groups;
		chart.n_points = x->n;
		chart.worst = e.worst_at;
		rc = plot_validation(&chart, p->path, err);
	}
	free(x);
	return rc;
}
