/* hexplore plot: the charts of a stored sweep, and of a trace. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plot_data.h"
#include "core/pareto.h"
#include "output/gnuplot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 24, MOST_LINES = 6, MOST_BARS = 8 };

/* ---- speedup by pair and gamma ---- */

static int by_int(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* The first `most` rows of the table as a chart's numbers, gamma ascending; freed by chart_free. */
struct chart {
	struct plot_heatmap map;
	char (*labels)[PLOT_LABEL];
	const char **rows;
	int *gamma;
	double *speedup;
};

static void chart_init(struct chart *c, const struct table *t, size_t most)
{
	const struct plotting *p = t->p;
	size_t n = t->n < most ? t->n : most, g = t->n_gamma;

	*c = (struct chart){.labels = hx_xcalloc(n, PLOT_LABEL),
			    .rows = hx_xcalloc(n, sizeof(*c->rows)),
			    .gamma = hx_xcalloc(g, sizeof(*c->gamma)),
			    .speedup = hx_xcalloc(n * g, sizeof(*c->speedup))};
	memcpy(c->gamma, p->s.space.gamma, g * sizeof(*c->gamma));
	qsort(c->gamma, g, sizeof(*c->gamma), by_int);
	for (size_t r = 0; r < n; r++) {
		plot_data_pair(p, &t->rows[r].point, c->labels[r], PLOT_LABEL);
		c->rows[r] = c->labels[r];
		for (size_t i = 0; i < g; i++)
			c->speedup[r * g + i] = t->rows[r].speedup[space_gamma(&p->s.space, c->gamma[i])];
	}
	c->map = (struct plot_heatmap){.head = plot_data_head(p),
				       .rows = c->rows,
				       .n_rows = n,
				       .gamma = c->gamma,
				       .n_gamma = g,
				       .speedup = c->speedup,
				       .missing = plot_data_kept(p) ? "cannot run or not kept" : "cannot run"};
	while (c->gamma[c->map.best_gamma] != p->best.point.gamma)
		c->map.best_gamma++;
}

static void chart_free(struct chart *c)
{
	free(c->labels);
	free(c->rows);
	free(c->gamma);
	free(c->speedup);
}

static const char *plain_mapping(const struct plotting *p)
{
	const struct baseline *b = predict_baseline(&p->s.predict, &p->best.point);
	struct point pt;

	if (b->index < 0)
		return "none";
	pt = space_point(&p->s.space, b->index);
	return p->s.space.target.v[pt.target_map].text;
}

/* As the verdict has it. */
static const char *answer(double speedup)
{
	if (speedup >= 1 + PREDICT_TOO_CLOSE)
		return "Yes:";
	return speedup > 1 - PREDICT_TOO_CLOSE ? "Too close to call:" : "No: at best";
}

static int draw_heatmap(struct plotting *p, struct hx_err *err)
{
	char label[PLOT_LABEL], hidden[64] = "";
	struct table t;
	struct chart c;
	int rc = plot_data_table(&t, p, err);

	if (!rc) {
		plot_data_pair(p, &p->best.point, label, sizeof(label));
		p->title = hx_xasprintf("Should %s %s speculate on %s? %s %.2fx, %s, gamma %d", p->s.study.target.name,
					hx_type_names[p->best.point.target_type], p->s.study.profile.name,
					answer(p->best.v[SPEEDUP]), p->best.v[SPEEDUP], label, p->best.point.gamma);
		if (t.n > MOST_ROWS)
			snprintf(hidden, sizeof(hidden), "; %zu slower pairs are not shown", t.n - MOST_ROWS);
		p->note = hx_xasprintf("Rows: target mapping <- drafter mapping, each at its best drafter quantisation and mode%s.", hidden);
		chart_init(&c, &t, MOST_ROWS);
		rc = plot_heatmap(&c.map, p->path, err);
		chart_free(&c);
	}
	plot_data_table_free(&t);
	return rc;
}

static int draw_gamma(struct plotting *p, struct hx_err *err)
{
	char label[PLOT_LABEL];
	struct table t;
	struct chart c;
	int rc = plot_data_table(&t, p, err);

	if (!rc) {
		plot_data_pair(p, &p->best.point, label, sizeof(label));
		if (p->best.v[SPEEDUP] >= 1 + PREDICT_TOO_CLOSE)
			p->title = hx_xasprintf("How long should drafts for %s %s be on %s? gamma %d: %.2fx with %s", p->s.study.target.name,
						hx_type_names[p->best.point.target_type], p->s.study.profile.name, p->best.point.gamma, p->best.v[SPEEDUP], label);
		else
			p->title = hx_xasprintf("How long should drafts for %s %s be on %s? None clearly pays: at best %.2fx at gamma %d with %s",
						p->s.study.target.name, hx_type_names[p->best.point.target_type], p->s.study.profile.name,
						p->best.v[SPEEDUP], p->best.point.gamma, label);
		if (t.n > MOST_LINES)
			p->note = hx_xasprintf("%zu slower pairs (target mapping <- drafter mapping) are not shown.", t.n - MOST_LINES);
		chart_init(&c, &t, MOST_LINES);
		rc = plot_gamma(&c.map, plain_mapping(p), p->path, err);
		chart_free(&c);
	}
	plot_data_table_free(&t);
	return rc;
}

/* ---- breakdown ---- */

static void add_bar(const struct plotting *p, struct plot_bar *bar, const struct row *r, const char *what)
{
	*bar = (struct plot_bar){.speedup = r->v[SPEEDUP], .plain = r->point.gamma == 0};
	if (r->point.gamma)
		plot_data_label(p, &r->point, bar->label, sizeof(bar->label));
	else
		snprintf(bar->label, sizeof(bar->label), "%s: %.100s", what, p->s.space.target.v[r->point.target_map].text);
	for (int i = 0; i < PLOT_PHASES; i++)
		bar->phase_ms[i] = r->v[FIRST_PHASE + i] / r->v[TOKENS] * 1e3;
}

/* Bars of the plain points that the best is compared with. */
static void add_baselines(const struct plotting *p, struct plot_bar *bars, size_t *n)
{
	const struct point *pt = &p->best.point;
	const struct baseline *best = predict_baseline(&p->s.predict, pt), *cpu = &p->s.predict.cpu[predict_group(&p->s.predict, pt)];
	struct {
		const char *what;
		int64_t index;
	} plain[] = {{"plain", best->index}, {"plain, CPU only", cpu->index}, {"plain, same mapping", predict_plain(&p->s.predict, pt)}};

	if (!p->s.predict.plain[plain[2].index].feasible)
		plain[2].index = -1;
	for (size_t i = 0; i < (p->id ? 3 : 1); i++) {
		struct pair unused = {0};
		struct prediction pr;
		struct row r;
		bool again = plain[i].index < 0 || plain[i].index + 1 == (int64_t)p->best.v[ID];

		for (size_t k = 0; k < i; k++)
			again |= plain[k].index == plain[i].index;
		if (again)
			continue;
		r.point = space_point(&p->s.space, plain[i].index);
		predict_point(&p->s.predict, &r.point, &unused, &pr);
		predict_pair_free(&unused);
		memcpy(r.v,
		       (double[N_COLUMNS]){(double)plain[i].index + 1, pr.speedup, pr.tpot_s, pr.memory_bytes, pr.energy_j_token,
					   pr.tokens_per_round, pr.draft_s, pr.verify_s, pr.transfer_s, pr.sync_s, pr.host_s},
		       sizeof(r.v));
		add_bar(p, &bars[(*n)++], &r, plain[i].what);
	}
}

static int draw_breakdown(struct plotting *p, struct hx_err *err)
{
	struct plot_bar bars[3 + MOST_BARS];
	struct plot_breakdown chart = {.bars = bars};
	struct table t = {0};
	char label[PLOT_LABEL];
	struct row r;
	int rc = HX_OK;

	add_baselines(p, bars, &chart.n_bars);
	if (p->id)
		add_bar(p, &bars[chart.n_bars++], &p->best, "plain");
	else
		rc = plot_data_table(&t, p, err);
	for (size_t i = 0; i < t.n && i < MOST_BARS && !rc; i++) {
		rc = plot_data_row(p, t.rows[i].best_id, &r, err);
		if (!rc)
			add_bar(p, &bars[chart.n_bars++], &r, "plain");
	}
	if (!rc) {
		plot_data_label(p, &p->best.point, label, sizeof(label));
		p->title = hx_xasprintf("Where does a %s %s token's time go on %s? %.4g ms with %s%s", p->s.study.target.name,
					hx_type_names[p->best.point.target_type], p->s.study.profile.name, p->best.v[TPOT] * 1e3, label,
					!p->best.point.gamma || p->best.v[SPEEDUP] > 1 ? "" : ": slower than plain decoding");
		if (t.n > MOST_BARS)
			p->note =
				hx_xasprintf("Each pair at its best gamma, drafter quantisation and mode; %zu slower pairs are not shown.",
					     t.n - MOST_BARS);
		chart.head = plot_data_head(p);
		rc = plot_breakdown(&chart, p->path, err);
	}
	plot_data_table_free(&t);
	return rc;
}

/* ---- pareto ---- */

/* What the second axis can be. */
static const struct second {
	const char *objectives, *title, *unit, *name;
	enum column column;
	double scale;
} seconds[] = {
	{"latency,memory", "peak memory (GB)", "GB", "memory", MEMORY, 1e-9},
	{"latency,energy", "energy (J/token)", "J/token", "energy", ENERGY, 1},
};

static const struct second *second_of(const char *objectives)
{
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
		if (strcmp(objectives, seconds[i].objectives) == 0)
			return &seconds[i];
	return NULL;
}

static void dot_label(const struct plotting *p, const struct row *r, char *buf, size_t size)
{
	char label[PLOT_LABEL];

	plot_data_label(p, &r->point, label, sizeof(label));
	snprintf(buf, size, "%s: %.100s", hx_type_names[r->point.target_type], label);
}

/* Marks the front, labels its ends and the fastest speculative point, and says in the title where the ends are. */
static void mark_front(struct plotting *p, const struct rows *rows, struct plot_dot *dots, const struct second *y,
		       char (*labels)[PLOT_LABEL])
{
	size_t first = 0, last = 0, fastest = rows->n;
	double *v = hx_xcalloc(2 * rows->n, sizeof(*v));
	unsigned char *front = hx_xcalloc(rows->n, 1);

	for (size_t i = 0; i < rows->n; i++) {
		v[2 * i] = dots[i].x;
		v[2 * i + 1] = dots[i].y;
	}
	pareto_front(v, rows->n, 2, front);
	while (!front[first])
		first++;
	last = first;
	for (size_t i = 0; i < rows->n; i++) {
		dots[i].front = front[i];
		if (front[i] && dots[i].x < dots[first].x)
			first = i;
		if (front[i] && dots[i].x > dots[last].x)
			last = i;
		if (dots[i].speculative && (fastest == rows->n || dots[i].x < dots[fastest].x))
			fastest = i;
	}
	if (fastest < rows->n) {
		dot_label(p, &rows->v[fastest], labels[2], PLOT_LABEL);
		dots[fastest].label = labels[2];
	}
	dot_label(p, &rows->v[first], labels[0], PLOT_LABEL);
	dots[first].label = labels[0];
	if (last != first) {
		dot_label(p, &rows->v[last], labels[1], PLOT_LABEL);
		dots[last].label = labels[1];
		p->title =
			hx_xasprintf("What does speed cost in %s on %s? %.4g ms at %.3g %s, down to %.3g %s at %.4g ms", y->name,
				     p->s.study.profile.name, dots[first].x, dots[first].y, y->unit, dots[last].y, y->unit, dots[last].x);
	} else {
		p->title = hx_xasprintf("What does speed cost in %s on %s? Nothing: %.4g ms at %.3g %s is best in both", y->name,
					p->s.study.profile.name, dots[first].x, dots[first].y, y->unit);
	}
	free(v);
	free(front);
}

static int draw_pareto(struct plotting *p, struct hx_err *err)
{
	const struct second *y = second_of(p->objectives);
	struct rows rows = {.space = &p->s.space};
	struct store_query q = plot_data_query(p);
	struct plot_pareto chart = {.x_title = "latency (ms/token)"};
	struct plot_dot *dots = NULL;
	char labels[3][PLOT_LABEL];
	size_t kept = 0;
	int rc;

	if (!y)
		return hx_err_set(err, HX_INPUT, "--objectives: must be latency,memory or latency,energy, is '%.40s'", p->objectives);
	plot_data_where(&q, "target_quant", p->target_quant);
	plot_data_compare(&q, "tpot_s", ">", 0);
	if ((rc = store_select(p->s.store, &q, plot_data_collect, &rows, err)))
		goto out;
	for (size_t i = 0; i < rows.n; i++) { /* of the first row's workload and the drafter asked for */
		const struct point *pt = &rows.v[i].point;
		bool other = p->drafter && pt->drafter >= 0 && strcmp(p->drafter, p->s.study.drafters[pt->drafter].name) != 0;

		if (pt->workload == rows.v[0].point.workload && !other && !isnan(rows.v[i].v[y->column]))
			rows.v[kept++] = rows.v[i];
	}
	if (!kept) {
		rc = rows.n ? hx_err_set(err, HX_NO, "no point has a known %s: profile '%s' has no powers for its units", y->name,
					 p->s.study.profile.name)
			    : hx_err_set(err, HX_NO, "no point of sweep %lld can run", (long long)p->s.sweep.id);
		goto out;
	}
	rows.n = kept;
	dots = hx_xcalloc(rows.n, sizeof(*dots));
	p->best = rows.v[0];
	for (size_t i = 0; i < rows.n; i++) {
		const struct row *r = &rows.v[i];

		dots[i] = (struct plot_dot){.x = r->v[TPOT] * 1e3, .y = r->v[y->column] * y->scale, .speculative = r->point.gamma > 0};
		if (r->v[TPOT] < p->best.v[TPOT])
			p->best = *r;
	}
	p->workload = &p->s.study.sweep.workloads[p->best.point.workload];
	plot_data_subtitle(p, !p->target_quant && p->s.study.sweep.n_target_quants > 1);
	mark_front(p, &rows, dots, y, labels);
	chart.head = plot_data_head(p);
	chart.y_title = y->title;
	chart.dots = dots;
	chart.n_dots = rows.n;
	rc = plot_pareto(&chart, p->path, err);
out:
	free(dots);
	free(rows.v);
	return rc;
}

/* ---- the command ---- */

static const struct kind {
	const char *name, *help;
	bool takes_id, about_best; /* about_best: drawn around a speculative point, found beforehand */
	bool no_session;           /* of a trace, or of any sweeps */
	int (*draw)(struct plotting *p, struct hx_err *err);
} kinds[] = {
	{"heatmap", "speedup by mapping pair and gamma", false, true, false, draw_heatmap},
	{"gamma", "speedup over gamma, of the best mapping pairs", false, true, false, draw_gamma},
	{"breakdown", "where the time of a token goes, beside plain decoding", true, true, false, draw_breakdown},
	{"roofline", "what the units can do at best, and what the operators do", true, true, false, plot_roofline_draw},
	{"pareto", "latency against memory (or energy) of all points", false, false, false, draw_pareto},
	{"validation", "predicted against measured speedup", false, false, true, plot_validation_draw},
	{"timeline", "what ran when on which unit, from a trace that 'run' wrote", false, false, true, plot_timeline_draw},
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static int find_kind(const char *name, const struct kind **out, struct hx_err *err)
{
	const char *names[N_KINDS + 1] = {NULL}, *near;
	char shown[80];

	for (int i = 0; i < N_KINDS; i++) {
		names[i] = kinds[i].name;
		if (strcmp(kinds[i].name, name) == 0) {
			*out = &kinds[i];
			return HX_OK;
		}
	}
	near = text_nearest(name, names);
	return hx_err_set(err, HX_INPUT, "plot: no chart '%s'; %s%s%s", text_clean(shown, sizeof(shown), name),
			  near ? "did you mean '" : "there are heatmap, gamma, breakdown, roofline, pareto, validation and timeline", near ? near : "",
			  near ? "'?" : "");
}

static int check_target_quant(const struct plotting *p, struct hx_err *err)
{
	const struct sweep *sw = &p->s.study.sweep;

	for (size_t i = 0; p->target_quant && i < sw->n_target_quants; i++)
		if (strcmp(hx_type_names[sw->target_quants[i]], p->target_quant) == 0)
			return HX_OK;
	return p->target_quant ? hx_err_set(err, HX_INPUT, "--target-quant: sweep %lld has no target in '%.40s'", (long long)p->s.sweep.id,
					    p->target_quant)
			       : HX_OK;
}

static int check_drafter(const struct plotting *p, struct hx_err *err)
{
	const struct study *st = &p->s.study;

	for (size_t i = 0; p->drafter && i < st->sweep.n_drafters; i++)
		if (strcmp(st->drafters[i].name, p->drafter) == 0)
			return HX_OK;
	return p->drafter ? hx_err_set(err, HX_INPUT, "--drafter: sweep %lld has no drafter '%.60s'", (long long)p->s.sweep.id, p->drafter)
			  : HX_OK;
}

static int draw(struct plotting *p, const struct kind *kind, struct hx_err *err)
{
	int rc;

	if (kind->no_session)
		return kind->draw(p, err);
	if ((rc = session_open(&p->s, p->db, p->sweep_ids, err)))
		return rc;
	if ((rc = session_load(&p->s, err)) || (rc = check_target_quant(p, err)) || (rc = check_drafter(p, err)))
		return rc;
	if (p->samples && kind->draw == plot_roofline_draw)
		return plot_samples_draw(p, err);
	if (kind->about_best) {
		if ((rc = plot_data_best(p, err)))
			return rc;
		plot_data_subtitle(p, false);
	}
	return kind->draw(p, err);
}

/* Lines of --help that list the charts. */
static char *detail(void)
{
	char *all = hx_xstrdup("Charts:\n");

	for (int i = 0; i < N_KINDS; i++) {
		char *more = hx_xasprintf("%s  %-10s %s\n", all, kinds[i].name, kinds[i].help);

		free(all);
		all = more;
	}
	return all;
}

int cmd_plot(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct plotting p = {.objectives = seconds[0].objectives};
	const char *sweep_id = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"output", 'o', "FILE", "picture: .png, .svg or .pdf (default: text on stdout)", &p.path, NULL},
		{"target-quant", 0, "T", "target quantisation (default: that of the best point; pareto: all)", &p.target_quant, NULL},
		{"drafter", 0, "D", "only that drafter", &p.drafter, NULL},
		{"objectives", 0, "LIST", "of pareto: latency,memory (default) or latency,energy", &p.objectives, NULL},
		{"samples", 0, NULL, "of roofline: what the calibration measured, beside the profile", NULL, &p.samples},
		{"trace", 0, "F", "of timeline: the file that 'run --trace' wrote", &p.trace, NULL},
		{"from", 0, "T", "of timeline: ms, or as in r5 a round (default: in the middle)", &p.from, NULL},
		{"to", 0, "T", "of timeline: likewise, that round included", &p.to, NULL},
		{"run", 0, "N", "of validation: of run N, or of all (default: the sweep's latest)", &p.run, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest); of validation 1,2 or all, too", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &p.db, NULL},
		{0}};
	struct opt_command shown = *about;
	const struct kind *kind = NULL;
	char id_sweep[32], *charts = detail();
	int first, rc;

	shown.detail = charts;
	rc = opt_parse(argc, argv, &shown, opts, &first, &help, err);
	free(charts);
	if (rc || help)
		return rc;
	if (first == argc)
		return hx_err_set(err, HX_INPUT, "plot: which chart? heatmap, gamma, breakdown, roofline, pareto, validation or timeline; see 'hexplore plot "
						 "--help'");
	if ((rc = find_kind(argv[first++], &kind, err)))
		return rc;
	if (first < argc && kind->takes_id && (rc = session_point_id(argv[first++], id_sweep, sizeof(id_sweep), &sweep_id, &p.id, err)))
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (p.path && (rc = gnuplot_path_check(p.path, err))))
		return rc;
	p.sweep_ids = sweep_id;
	rc = draw(&p, kind, err);
	session_close(&p.s);
	free(p.title);
	free(p.subtitle);
	free(p.note);
	return rc;
}
