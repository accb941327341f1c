/* hexplore plot: gathers the numbers of a stored sweep for a chart. */
#include "output/plot.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "core/pareto.h"
#include "output/gnuplot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 128, MOST_ROWS = 24, MOST_LINES = 6, MOST_BARS = 8, MOST_ROOFS = 16 };

/* Columns read of every row, in this order. */
enum column { ID, SPEEDUP, TPOT, MEMORY, ENERGY, TOKENS, FIRST_PHASE, N_COLUMNS = FIRST_PHASE + PLOT_PHASES };
static const char *const columns[N_COLUMNS] = {"id", "speedup", "tpot_s", "memory_bytes", "energy_j_token", "tokens_per_round",
					       "draft_s", "verify_s", "transfer_s", "sync_s", "host_s"};

struct row {
	struct point point;
	double v[N_COLUMNS];
};

/* What a chart is drawn from. */
struct plotting {
	struct session s;
	const char *path, *target_quant, *drafter, *objectives;
	int64_t id; /* asked for; 0: none */
	struct row best;            /* the point asked for, or the best speculative one */
	const struct workload *workload; /* of best */
	char *title, *subtitle, *note;
};

/* ---- rows ---- */

struct rows {
	const struct space *space;
	struct row *v;
	size_t n, max;
};

static int collect(void *arg, const struct store_value *values)
{
	struct rows *rows = arg;
	struct row *r;

	if (!(values[ID].number >= 1 && values[ID].number <= (double)rows->space->size))
		return 0; /* of another program's making */
	if (rows->n == rows->max) {
		rows->max = rows->max ? 2 * rows->max : 64;
		rows->v = hx_xrealloc(rows->v, rows->max, sizeof(*rows->v));
	}
	r = &rows->v[rows->n++];
	for (int i = 0; i < N_COLUMNS; i++)
		r->v[i] = values[i].number;
	r->point = space_point(rows->space, (int64_t)values[ID].number - 1);
	return 0;
}

static void filter_text(struct store_query *q, const char *column, const char *text)
{
	if (text)
		q->filters[q->n_filters++] = (struct store_filter){column, "=", text, 0};
}

static void filter_number(struct store_query *q, const char *column, const char *op, double number)
{
	q->filters[q->n_filters++] = (struct store_filter){column, op, NULL, number};
}

static struct store_query query(const struct plotting *p)
{
	return (struct store_query){.sweep = p->s.sweep.id, .columns = columns, .n_columns = N_COLUMNS};
}

/* Rows of the same workload and target quantisation as the best. */
static struct store_query query_like_best(const struct plotting *p)
{
	struct store_query q = query(p);

	filter_number(&q, "prompt", "=", p->workload->prompt);
	filter_number(&q, "generated", "=", p->workload->generated);
	filter_text(&q, "target_quant", hx_type_names[p->best.point.target_type]);
	return q;
}

/* The row of a point that can run. HX_NO when it cannot, or was not kept. */
static int find_row(struct plotting *p, int64_t id, struct row *out, struct hx_err *err)
{
	struct rows rows = {.space = &p->s.space};
	struct store_query q = query(p);
	int rc;

	filter_number(&q, "id", "=", (double)id);
	rc = store_select(p->s.store, &q, collect, &rows, err);
	if (!rc && rows.n)
		*out = rows.v[0];
	else if (!rc)
		rc = hx_err_set(err, HX_NO, "point %lld of sweep %lld cannot run or was not kept; 'hexplore explain %lld' says why", (long long)id,
				(long long)p->s.sweep.id, (long long)id);
	free(rows.v);
	return rc;
}

static int keep_reason(void *arg, const struct store_value *values)
{
	char *reason = arg;

	text_clean(reason, 192, values[0].text ? values[0].text : "");
	return 0;
}

/* Why there is no speculative point to draw. */
static int none(struct plotting *p, struct hx_err *err)
{
	static const char *const reason_column[] = {"reason"};
	struct store_query q = {.sweep = p->s.sweep.id, .columns = reason_column, .n_columns = 1, .limit = 1, .infeasible = true};
	char reason[192] = "";
	int rc;

	if (!p->s.space.n_gamma || !p->s.study.sweep.n_drafters)
		return hx_err_set(err, HX_NO, "sweep %lld has plain points only, so there is no speculation to draw; 'hexplore plot pareto' shows them",
				  (long long)p->s.sweep.id);
	filter_number(&q, "gamma", ">", 0);
	filter_number(&q, "feasible", "=", 0);
	filter_text(&q, "target_quant", p->target_quant);
	filter_text(&q, "drafter", p->drafter);
	rc = store_select(p->s.store, &q, keep_reason, reason, err);
	return rc ? rc : hx_err_set(err, HX_NO, "no speculative point of sweep %lld can run and be compared%s%s", (long long)p->s.sweep.id,
				    *reason ? "; the first: " : "", reason);
}

/* Finds the point that the chart is about. */
static int find_best(struct plotting *p, struct hx_err *err)
{
	struct rows rows = {.space = &p->s.space};
	struct store_query q = query(p);
	int rc;

	if (p->id) {
		rc = find_row(p, p->id, &p->best, err);
	} else {
		q.order = "speedup";
		q.descending = true;
		q.limit = 1;
		filter_number(&q, "gamma", ">", 0);
		filter_number(&q, "speedup", ">", 0);
		filter_text(&q, "target_quant", p->target_quant);
		filter_text(&q, "drafter", p->drafter);
		rc = store_select(p->s.store, &q, collect, &rows, err);
		if (!rc && rows.n)
			p->best = rows.v[0];
		else if (!rc)
			rc = none(p, err);
	}
	if (!rc)
		p->workload = &p->s.study.sweep.workloads[p->best.point.workload];
	free(rows.v);
	return rc;
}

/* ---- words ---- */

static const char *draft_map(const struct plotting *p, const struct point *pt)
{
	return p->s.space.draft[pt->drafter].v[pt->draft_map].text;
}

/* `g52 <- a73x4`, with the drafter's name where several are compared. */
static void pair_label(const struct plotting *p, const struct point *pt, char *buf, size_t size)
{
	const char *target = p->s.space.target.v[pt->target_map].text, *drafter = pt->drafter >= 0 ? p->s.study.drafters[pt->drafter].name : "";
	bool named = p->s.study.sweep.n_drafters > 1 && !p->drafter;

	if (pt->drafter < 0)
		snprintf(buf, size, "%s", target);
	else if (pt->draft_map < 0)
		snprintf(buf, size, "%s <- %s", target, drafter);
	else
		snprintf(buf, size, "%s <- %s%s%s", target, named ? drafter : "", named ? " on " : "", draft_map(p, pt));
}

/* Profile, models, workload, acceptance. all_quants: the chart mixes quantisations. */
static void set_subtitle(struct plotting *p, bool all_quants)
{
	const struct study *st = &p->s.study;
	const struct sweep *sw = &st->sweep;
	const struct point *pt = &p->best.point;
	int source = pt->drafter >= 0 ? study_acceptance(st, pt->target_type, pt->drafter, pt->draft_type) : -1;
	const char *keep = p->s.sweep.keep ? p->s.sweep.keep : sw->keep;
	char acceptance[200] = "", model[160] = "";

	if (source >= 0) {
		char text[160];

		accept_text(&sw->acceptance[source], text, sizeof(text));
		snprintf(acceptance, sizeof(acceptance), " | acceptance %s%s", text, all_quants ? " for the best" : "");
	}
	if (pt->drafter >= 0)
		snprintf(model, sizeof(model), ", drafter %s%s%s", st->drafters[pt->drafter].name, pt->draft_map >= 0 && !all_quants ? " " : "",
			 pt->draft_map >= 0 && !all_quants ? hx_type_names[pt->draft_type] : "");
	p->subtitle = hx_xasprintf("profile %s (%s) | target %s%s%s%s | prompt %d, output %d tokens%s%s%s | sweep %lld%s%s%s", st->profile.name,
				   profile_statuses[st->profile.status], st->target.name, all_quants ? "" : " ",
				   all_quants ? "" : hx_type_names[pt->target_type], model, p->workload->prompt, p->workload->generated,
				   sw->kv_cache ? "" : ", no KV cache", sw->temperature > 0 ? ", sampled" : "", acceptance, (long long)p->s.sweep.id,
				   sw->model == COST_EQ1 ? " | model eq1" : "", keep && strcmp(keep, "all") != 0 ? " | kept points only: " : "",
				   keep && strcmp(keep, "all") != 0 ? keep : "");
}

static struct plot_head head(const struct plotting *p)
{
	return (struct plot_head){p->title, p->subtitle, p->note};
}

/* ---- speedup by pair and gamma ---- */

struct pair_row {
	struct point point;
	double *speedup; /* by index of gamma */
	int64_t best_id;
	double best;
};

struct table {
	struct plotting *p;
	size_t n, max, last, n_gamma;
	struct pair_row *rows;
};

static bool same_pair(const struct point *a, const struct point *b)
{
	return a->target_map == b->target_map && a->drafter == b->drafter && a->draft_map == b->draft_map;
}

static struct pair_row *table_row(struct table *t, const struct point *pt)
{
	if (t->n && same_pair(&t->rows[t->last].point, pt))
		return &t->rows[t->last]; /* rows come in the order of the space */
	for (t->last = 0; t->last < t->n; t->last++)
		if (same_pair(&t->rows[t->last].point, pt))
			return &t->rows[t->last];
	if (t->n == t->max) {
		t->max = t->max ? 2 * t->max : 64;
		t->rows = hx_xrealloc(t->rows, t->max, sizeof(*t->rows));
	}
	t->rows[t->n] = (struct pair_row){.point = *pt, .speedup = hx_xcalloc(t->n_gamma, sizeof(double)), .best = -1};
	for (size_t g = 0; g < t->n_gamma; g++)
		t->rows[t->n].speedup[g] = NAN;
	return &t->rows[t->n++];
}

static size_t gamma_at(const struct space *s, int gamma)
{
	size_t i = 0;

	while (i < s->n_gamma && s->gamma[i] != gamma)
		i++;
	return i;
}

static int table_take(void *arg, const struct store_value *values)
{
	struct table *t = arg;
	double speedup = values[SPEEDUP].number, id = values[ID].number;
	struct pair_row *row;
	struct point pt;
	size_t g;

	if (!(id >= 1 && id <= (double)t->p->s.space.size) || !(speedup > 0))
		return 0;
	pt = space_point(&t->p->s.space, (int64_t)id - 1);
	if (pt.drafter < 0)
		return 0;
	g = gamma_at(&t->p->s.space, pt.gamma);
	row = table_row(t, &pt);
	row->speedup[g] = fmax(row->speedup[g], speedup);
	if (speedup > row->best) {
		row->best = speedup;
		row->best_id = (int64_t)id;
	}
	return 0;
}

static int by_best(const void *a, const void *b)
{
	const struct pair_row *p = a, *q = b;

	return p->best != q->best ? (p->best < q->best) - (p->best > q->best) : (p->best_id > q->best_id) - (p->best_id < q->best_id);
}

/* Fills the table with all pairs, the best first. */
static int table_read(struct table *t, struct plotting *p, struct hx_err *err)
{
	struct store_query q = query_like_best(p);
	int rc;

	*t = (struct table){.p = p, .n_gamma = p->s.space.n_gamma};
	filter_number(&q, "gamma", ">", 0);
	filter_text(&q, "drafter", p->drafter);
	rc = store_select(p->s.store, &q, table_take, t, err);
	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), by_best);
	return rc;
}

static void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i].speedup);
	free(t->rows);
}

static int by_int(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* The first `most` rows of the table as a chart's numbers, gamma ascending; freed by chart_free. */
struct chart {
	struct plot_heatmap map;
	char (*labels)[LABEL];
	const char **rows;
	int *gamma;
	double *speedup;
};

static void chart_init(struct chart *c, const struct table *t, size_t most)
{
	const struct plotting *p = t->p;
	size_t n = t->n < most ? t->n : most, g = t->n_gamma;

	*c = (struct chart){.labels = hx_xcalloc(n, LABEL), .rows = hx_xcalloc(n, sizeof(*c->rows)), .gamma = hx_xcalloc(g, sizeof(*c->gamma)),
			    .speedup = hx_xcalloc(n * g, sizeof(*c->speedup))};
	memcpy(c->gamma, p->s.space.gamma, g * sizeof(*c->gamma));
	qsort(c->gamma, g, sizeof(*c->gamma), by_int);
	for (size_t r = 0; r < n; r++) {
		pair_label(p, &t->rows[r].point, c->labels[r], LABEL);
		c->rows[r] = c->labels[r];
		for (size_t i = 0; i < g; i++)
			c->speedup[r * g + i] = t->rows[r].speedup[gamma_at(&p->s.space, c->gamma[i])];
	}
	c->map = (struct plot_heatmap){.head = head(p), .rows = c->rows, .n_rows = n, .gamma = c->gamma, .n_gamma = g, .speedup = c->speedup};
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

static int draw_heatmap(struct plotting *p, struct hx_err *err)
{
	char label[LABEL];
	struct table t;
	struct chart c;
	int rc = table_read(&t, p, err);

	if (!rc) {
		pair_label(p, &p->best.point, label, sizeof(label));
		p->title = hx_xasprintf("Should %s speculate on %s? %s %.2fx with %s, gamma %d", p->s.study.target.name, p->s.study.profile.name,
					p->best.v[SPEEDUP] > 1 ? "Yes:" : "No: at best", p->best.v[SPEEDUP], label, p->best.point.gamma);
		p->note = hx_xasprintf("Rows: target mapping <- drafter mapping, each at its best drafter quantisation and mode. Grey: cannot run%s.",
				       t.n > MOST_ROWS ? "" : "");
		if (t.n > MOST_ROWS) {
			free(p->note);
			p->note = hx_xasprintf("Rows: target mapping <- drafter mapping, each at its best drafter quantisation and mode; %zu slower pairs are "
					       "not shown. Grey: cannot run.", t.n - MOST_ROWS);
		}
		chart_init(&c, &t, MOST_ROWS);
		rc = plot_heatmap(&c.map, p->path, err);
		chart_free(&c);
	}
	table_free(&t);
	return rc;
}

static int draw_gamma(struct plotting *p, struct hx_err *err)
{
	char label[LABEL];
	struct table t;
	struct chart c;
	int rc = table_read(&t, p, err);

	if (!rc) {
		pair_label(p, &p->best.point, label, sizeof(label));
		if (p->best.v[SPEEDUP] > 1)
			p->title = hx_xasprintf("How long should drafts be on %s? gamma %d: %.2fx with %s", p->s.study.profile.name, p->best.point.gamma,
						p->best.v[SPEEDUP], label);
		else
			p->title = hx_xasprintf("How long should drafts be on %s? None pays: at best %.2fx at gamma %d with %s", p->s.study.profile.name,
						p->best.v[SPEEDUP], p->best.point.gamma, label);
		if (t.n > MOST_LINES)
			p->note = hx_xasprintf("%zu slower pairs (target mapping <- drafter mapping) are not shown.", t.n - MOST_LINES);
		chart_init(&c, &t, MOST_LINES);
		rc = plot_gamma(&c.map, plain_mapping(p), p->path, err);
		chart_free(&c);
	}
	table_free(&t);
	return rc;
}

/* ---- breakdown ---- */

static void add_bar(const struct plotting *p, struct plot_bar *bar, const struct row *r, const char *what)
{
	char label[LABEL];

	pair_label(p, &r->point, label, sizeof(label));
	*bar = (struct plot_bar){.speedup = r->v[SPEEDUP], .plain = r->point.gamma == 0};
	if (r->point.gamma)
		snprintf(bar->label, sizeof(bar->label), "%.100s, gamma %d%s", label, r->point.gamma, r->point.mode == HX_OVERLAPPED ? " overlap" : "");
	else
		snprintf(bar->label, sizeof(bar->label), "%s: %.100s", what, label);
	for (int i = 0; i < PLOT_PHASES; i++)
		bar->phase_ms[i] = r->v[FIRST_PHASE + i] / r->v[TOKENS] * 1e3;
}

/* Bars of the plain points that the best is compared with. */
static int add_baselines(struct plotting *p, struct plot_bar *bars, size_t *n, struct hx_err *err)
{
	const struct point *pt = &p->best.point;
	const struct baseline *best = predict_baseline(&p->s.predict, pt), *cpu = &p->s.predict.cpu[best - p->s.predict.best];
	struct {
		const char *what;
		int64_t index;
	} plain[] = {{"plain", best->index}, {"plain, CPU only", cpu->index}, {"plain, same mapping", -1}};
	struct row r;
	int rc = HX_OK;

	for (int64_t i = 0; i < p->s.space.n_plain; i++) {
		struct point q = space_point(&p->s.space, i);

		if (q.workload == pt->workload && q.target_type == pt->target_type && q.target_map == pt->target_map)
			plain[2].index = p->s.predict.plain[i].feasible ? i : -1;
	}
	for (size_t i = 0; i < (p->id ? 3 : 1) && !rc; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= plain[k].index == plain[i].index;
		if (plain[i].index < 0 || again || plain[i].index + 1 == (int64_t)p->best.v[ID])
			continue;
		rc = find_row(p, plain[i].index + 1, &r, err);
		if (rc == HX_NO) { /* not kept */
			rc = HX_OK;
			continue;
		}
		if (!rc)
			add_bar(p, &bars[(*n)++], &r, plain[i].what);
	}
	return rc;
}

static int draw_breakdown(struct plotting *p, struct hx_err *err)
{
	struct plot_bar bars[3 + MOST_BARS];
	struct plot_breakdown chart = {.bars = bars};
	struct table t = {0};
	char label[LABEL];
	struct row r;
	int rc = add_baselines(p, bars, &chart.n_bars, err);

	if (!rc && p->id)
		add_bar(p, &bars[chart.n_bars++], &p->best, "plain");
	else if (!rc)
		rc = table_read(&t, p, err);
	for (size_t i = 0; i < t.n && i < MOST_BARS && !rc; i++) {
		rc = find_row(p, t.rows[i].best_id, &r, err);
		if (!rc)
			add_bar(p, &bars[chart.n_bars++], &r, "plain");
	}
	if (!rc) {
		pair_label(p, &p->best.point, label, sizeof(label));
		p->title = hx_xasprintf("Where does the time of a token go on %s? %.4g ms with %s%s%.*d%s", p->s.study.profile.name, p->best.v[TPOT] * 1e3, label,
					p->best.point.gamma ? ", gamma " : ", plain", p->best.point.gamma ? 1 : 0, p->best.point.gamma,
					p->best.v[SPEEDUP] > 1 ? "" : ": not faster than plain decoding");
		if (t.n > MOST_BARS)
			p->note = hx_xasprintf("Each pair at its best gamma, drafter quantisation and mode; %zu slower pairs are not shown.", t.n - MOST_BARS);
		chart.head = head(p);
		rc = plot_breakdown(&chart, p->path, err);
	}
	table_free(&t);
	return rc;
}

/* ---- roofline ---- */

struct roofs {
	const struct plotting *p;
	struct plot_roof roof[MOST_ROOFS];
	struct {
		int unit, cores, arithmetic;
		double bw;
	} key[MOST_ROOFS];
	size_t n, n_operators;
	struct plot_operator operators[2 * HX_OP_COUNT * HX_MAX_UNITS];
	double memory_s, total_s; /* of operators bound by memory, of all */
};

static size_t roof_for(struct roofs *r, const struct hx_op *op, double bw)
{
	const struct unit *u = &r->p->s.study.profile.units[op->unit];
	const struct kernel *k = profile_kernel(u, op->type);
	size_t i = 0;

	while (i < r->n && !(r->key[i].unit == op->unit && r->key[i].cores == op->cores && r->key[i].arithmetic == k->arithmetic && r->key[i].bw == bw))
		i++;
	if (i < r->n || i == MOST_ROOFS)
		return i;
	r->key[i].unit = op->unit;
	r->key[i].cores = op->cores;
	r->key[i].arithmetic = k->arithmetic;
	r->key[i].bw = bw;
	r->roof[i] = (struct plot_roof){.peak_ops_s = cost_peak(u, op->cores, k), .bw_bytes_s = bw};
	if (u->is.kind == HX_CPU)
		snprintf(r->roof[i].label, sizeof(r->roof[i].label), "%sx%d %s", u->is.name, op->cores, profile_arithmetics[k->arithmetic]);
	else
		snprintf(r->roof[i].label, sizeof(r->roof[i].label), "%s %s", u->is.name, profile_arithmetics[k->arithmetic]);
	return r->n++;
}

static void add_operator(struct roofs *r, const struct hx_op *op, const struct op_cost *c, double bw, bool verify)
{
	size_t roof, i = 0;

	r->total_s += c->time_s;
	if (c->memory_s > c->compute_s)
		r->memory_s += c->time_s;
	if (!(c->flop > 0) || (roof = roof_for(r, op, bw)) == MOST_ROOFS)
		return;
	while (i < r->n_operators && !(r->operators[i].roof == roof && r->operators[i].verify == verify && r->operators[i].name == hx_op_names[op->kind]))
		i++;
	if (i == sizeof(r->operators) / sizeof(*r->operators))
		return;
	if (i == r->n_operators)
		r->operators[r->n_operators++] = (struct plot_operator){.name = hx_op_names[op->kind], .roof = roof, .verify = verify};
	r->operators[i].ops += c->flop;
	r->operators[i].bytes += c->bytes;
	r->operators[i].time_s += c->time_s;
}

static void add_pass(struct roofs *r, const struct pair *pair, int kind, const struct cost_env *env, bool verify)
{
	const struct hx_pass *pass = hx_plan_pass(&pair->plan, kind);
	double n = r->p->workload->prompt + r->p->workload->generated / 2.0, rows;
	const struct hx_chain *c;

	if (!pass)
		return;
	c = &pair->plan.chains[pass->chain];
	rows = pass->rows + (env->kv_cache ? 0 : n);
	for (size_t i = c->first; i < c->first + c->n; i++) {
		const struct hx_op *op = &c->graph->ops[i];
		double bw = env->bw[op->unit];
		struct op_cost cost;

		if (op->logits && !pass->logit_rows)
			continue;
		cost = cost_op(env->profile, op, rows, pass->logit_rows, env->kv_cache ? n : 0, bw);
		add_operator(r, op, &cost, bw, verify);
	}
}

static int draw_roofline(struct plotting *p, struct hx_err *err)
{
	struct roofs *r = hx_xcalloc(1, sizeof(*r));
	struct accept any = accept_constant(0.5);
	struct plot_roofline chart = {.roofs = r->roof, .operators = r->operators};
	struct pair pair = {0};
	char label[LABEL];
	int rc;

	/* fills the pair, of plain points too */
	if (isnan(predict_decode_s(&p->s.predict, &p->best.point, &pair, p->best.point.gamma, &any, 1))) {
		rc = hx_err_set(err, HX_NO, "point %.0f cannot run: %s", p->best.v[ID], pair.reason);
		goto out;
	}
	hx_plan_set_gamma(&pair.plan, p->best.point.gamma);
	r->p = p;
	add_pass(r, &pair, HX_PASS_DRAFT, &pair.env_draft, false);
	add_pass(r, &pair, HX_PASS_FRONT, &pair.env, true);
	add_pass(r, &pair, HX_PASS_VERIFY, &pair.env, true);
	pair_label(p, &p->best.point, label, sizeof(label));
	p->title = hx_xasprintf("What bounds %s%s%.*d on %s? Memory, for %.0f %% of the operators' time", label,
				p->best.point.gamma ? ", gamma " : ", plain", p->best.point.gamma ? 1 : 0, p->best.point.gamma, p->s.study.profile.name,
				100 * r->memory_s / r->total_s);
	p->note = hx_xasprintf("One draft step and one target pass at the mean context. Norms, rotary embedding and table look-ups do no counted operations.");
	chart.head = head(p);
	chart.n_roofs = r->n;
	chart.n_operators = r->n_operators;
	rc = plot_roofline(&chart, p->path, err);
out:
	predict_pair_free(&pair);
	free(r);
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
	char label[LABEL], shown[48];
	size_t n;

	pair_label(p, &r->point, label, sizeof(label));
	n = strlen(label);
	snprintf(shown, sizeof(shown), n < sizeof(shown) ? "%s" : "%.44s..", label);
	if (r->point.gamma)
		snprintf(buf, size, "%s, gamma %d", shown, r->point.gamma);
	else
		snprintf(buf, size, "%s, plain", shown);
}

/* Marks the front, labels its ends and says in the title where they are. */
static void mark_front(struct plotting *p, const struct rows *rows, struct plot_dot *dots, const struct second *y, char (*labels)[LABEL])
{
	size_t first = 0, last = 0;
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
	}
	dot_label(p, &rows->v[first], labels[0], LABEL);
	dots[first].label = labels[0];
	if (last != first) {
		dot_label(p, &rows->v[last], labels[1], LABEL);
		dots[last].label = labels[1];
		p->title = hx_xasprintf("What does speed cost in %s on %s? %.4g ms at %.3g %s, down to %.3g %s at %.4g ms", y->name, p->s.study.profile.name,
					dots[first].x, dots[first].y, y->unit, dots[last].y, y->unit, dots[last].x);
	} else {
		p->title = hx_xasprintf("What does speed cost in %s on %s? Nothing: %.4g ms at %.3g %s is best in both", y->name, p->s.study.profile.name,
					dots[first].x, dots[first].y, y->unit);
	}
	free(v);
	free(front);
}

static int draw_pareto(struct plotting *p, struct hx_err *err)
{
	const struct second *y = second_of(p->objectives);
	struct rows rows = {.space = &p->s.space};
	struct store_query q = query(p);
	struct plot_pareto chart = {.x_title = "latency (ms/token)"};
	struct plot_dot *dots = NULL;
	char labels[2][LABEL];
	size_t kept = 0;
	int rc;

	if (!y)
		return hx_err_set(err, HX_INPUT, "--objectives: must be latency,memory or latency,energy, is '%.40s'", p->objectives);
	filter_text(&q, "target_quant", p->target_quant);
	filter_number(&q, "tpot_s", ">", 0);
	if ((rc = store_select(p->s.store, &q, collect, &rows, err)))
		goto out;
	for (size_t i = 0; i < rows.n; i++) { /* of the first row's workload and the drafter asked for */
		const struct point *pt = &rows.v[i].point;
		bool other = p->drafter && pt->drafter >= 0 && strcmp(p->drafter, p->s.study.drafters[pt->drafter].name) != 0;

		if (pt->workload == rows.v[0].point.workload && !other && !isnan(rows.v[i].v[y->column]))
			rows.v[kept++] = rows.v[i];
	}
	if (!kept) {
		rc = rows.n ? hx_err_set(err, HX_NO, "no point has a known %s: profile '%s' has no powers for its units", y->name, p->s.study.profile.name)
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
	set_subtitle(p, !p->target_quant && p->s.study.sweep.n_target_quants > 1);
	mark_front(p, &rows, dots, y, labels);
	chart.head = head(p);
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
	int (*draw)(struct plotting *p, struct hx_err *err);
} kinds[] = {
	{"heatmap", "speedup by mapping pair and gamma", false, true, draw_heatmap},
	{"gamma", "speedup over gamma, of the best mapping pairs", false, true, draw_gamma},
	{"breakdown", "where the time of a token goes, beside plain decoding", true, true, draw_breakdown},
	{"roofline", "what the units can do at best, and what the operators do", true, true, draw_roofline},
	{"pareto", "latency against memory (or energy) of all points", false, false, draw_pareto},
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
			  near ? "did you mean '" : "there are heatmap, gamma, breakdown, roofline and pareto", near ? near : "", near ? "'?" : "");
}

static int check_target_quant(const struct plotting *p, struct hx_err *err)
{
	const struct sweep *sw = &p->s.study.sweep;

	for (size_t i = 0; p->target_quant && i < sw->n_target_quants; i++)
		if (strcmp(hx_type_names[sw->target_quants[i]], p->target_quant) == 0)
			return HX_OK;
	return p->target_quant ? hx_err_set(err, HX_INPUT, "--target-quant: sweep %lld has no target in '%.40s'", (long long)p->s.sweep.id, p->target_quant)
			       : HX_OK;
}

static int check_drafter(const struct plotting *p, struct hx_err *err)
{
	const struct study *st = &p->s.study;

	for (size_t i = 0; p->drafter && i < st->sweep.n_drafters; i++)
		if (strcmp(st->drafters[i].name, p->drafter) == 0)
			return HX_OK;
	return p->drafter ? hx_err_set(err, HX_INPUT, "--drafter: sweep %lld has no drafter '%.60s'", (long long)p->s.sweep.id, p->drafter) : HX_OK;
}

static int draw(struct plotting *p, const struct kind *kind, struct hx_err *err)
{
	int rc;

	if ((rc = session_load(&p->s, err)) || (rc = check_target_quant(p, err)) || (rc = check_drafter(p, err)))
		return rc;
	if (kind->about_best) {
		if ((rc = find_best(p, err)))
			return rc;
		set_subtitle(p, false);
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
	const char *db = NULL, *sweep_id = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"output", 'o', "FILE", "picture: .png, .svg or .pdf (default: text on stdout)", &p.path, NULL},
		{"target-quant", 0, "T", "target quantisation (default: that of the best point; pareto: all)", &p.target_quant, NULL},
		{"drafter", 0, "D", "only that drafter", &p.drafter, NULL},
		{"objectives", 0, "LIST", "of pareto: latency,memory (default) or latency,energy", &p.objectives, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
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
		return hx_err_set(err, HX_INPUT, "plot: which chart? heatmap, gamma, breakdown, roofline or pareto; see 'hexplore plot --help'");
	if ((rc = find_kind(argv[first++], &kind, err)))
		return rc;
	if (first < argc && kind->takes_id && (rc = session_point_id(argv[first++], id_sweep, sizeof(id_sweep), &sweep_id, &p.id, err)))
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (p.path && (rc = gnuplot_path_check(p.path, err))))
		return rc;
	if ((rc = session_open(&p.s, db, sweep_id, err)))
		return rc;
	rc = draw(&p, kind, err);
	session_close(&p.s);
	free(p.title);
	free(p.subtitle);
	free(p.note);
	return rc;
}
