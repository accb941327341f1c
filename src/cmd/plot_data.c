/* What the charts of `plot` are made of. */
#include "cmd/plot_data.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const columns[N_COLUMNS] = {"id", "speedup", "tpot_s", "memory_bytes", "energy_j_token", "tokens_per_round",
					       "draft_s", "verify_s", "transfer_s", "sync_s", "host_s"};

/* ---- rows ---- */

/* A database may have been edited: what no sweep writes is not drawn. */
static bool plausible(const struct rows *rows, const struct store_value *v)
{
	for (int i = 0; i < N_COLUMNS; i++)
		if (v[i].number > 1e18 || v[i].number < 0)
			return false;
	return v[ID].number >= 1 && v[ID].number <= (double)rows->space->size && v[TPOT].number > 1e-18 && v[TOKENS].number > 1e-18 &&
	       !isnan(v[MEMORY].number);
}

int plot_data_collect(void *arg, const struct store_value *values)
{
	struct rows *rows = arg;
	struct row *r;

	if (!plausible(rows, values))
		return 0;
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

void plot_data_where(struct store_query *q, const char *column, const char *text)
{
	if (text)
		q->filters[q->n_filters++] = (struct store_filter){column, "=", text, 0};
}

void plot_data_compare(struct store_query *q, const char *column, const char *op, double number)
{
	q->filters[q->n_filters++] = (struct store_filter){column, op, NULL, number};
}

struct store_query plot_data_query(const struct plotting *p)
{
	return (struct store_query){.sweep = p->s.sweep.id, .columns = columns, .n_columns = N_COLUMNS};
}

/* Rows of the same workload and target quantisation as the best. */
static struct store_query query_like_best(const struct plotting *p)
{
	struct store_query q = plot_data_query(p);

	plot_data_compare(&q, "prompt", "=", p->workload->prompt);
	plot_data_compare(&q, "generated", "=", p->workload->generated);
	plot_data_where(&q, "target_quant", hx_type_names[p->best.point.target_type]);
	return q;
}

int plot_data_row(struct plotting *p, int64_t id, struct row *out, struct hx_err *err)
{
	struct rows rows = {.space = &p->s.space};
	struct store_query q = plot_data_query(p);
	int rc;

	plot_data_compare(&q, "id", "=", (double)id);
	rc = store_select(p->s.store, &q, plot_data_collect, &rows, err);
	if (!rc && rows.n)
		*out = rows.v[0];
	else if (!rc)
		rc = hx_err_set(err, HX_NO, "point %lld of sweep %lld cannot run or was not kept; 'hexplore explain %lld' says why", (long long)id,
				(long long)p->s.sweep.id, (long long)id);
	free(rows.v);
	return rc;
}

const char *plot_data_kept(const struct plotting *p)
{
	const char *keep = p->s.sweep.keep ? p->s.sweep.keep : p->s.study.sweep.keep;

	return keep && strcmp(keep, "all") != 0 ? keep : NULL;
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
		return hx_err_set(err, HX_NO,
				  "sweep %lld has plain points only, so there is no speculation to draw; 'hexplore plot pareto' shows them",
				  (long long)p->s.sweep.id);
	if (plot_data_kept(p))
		return hx_err_set(err, HX_NO, "sweep %lld kept no speculative point (--keep %.40s); 'hexplore sweep --keep all' keeps every one",
				  (long long)p->s.sweep.id, plot_data_kept(p));
	plot_data_compare(&q, "gamma", ">", 0);
	plot_data_compare(&q, "feasible", "=", 0);
	plot_data_where(&q, "target_quant", p->target_quant);
	plot_data_where(&q, "drafter", p->drafter);
	rc = store_select(p->s.store, &q, keep_reason, reason, err);
	return rc ? rc : hx_err_set(err, HX_NO, "no speculative point of sweep %lld can run and be compared%s%s", (long long)p->s.sweep.id,
				    *reason ? "; the first: " : "", reason);
}

int plot_data_best(struct plotting *p, struct hx_err *err)
{
	struct rows rows = {.space = &p->s.space};
	struct store_query q = plot_data_query(p);
	int rc;

	if (p->id) {
		rc = plot_data_row(p, p->id, &p->best, err);
	} else {
		q.order = "speedup";
		q.descending = true;
		q.limit = 1;
		plot_data_compare(&q, "gamma", ">", 0);
		plot_data_compare(&q, "speedup", ">", 0);
		plot_data_where(&q, "target_quant", p->target_quant);
		plot_data_where(&q, "drafter", p->drafter);
		rc = store_select(p->s.store, &q, plot_data_collect, &rows, err);
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

void plot_data_pair(const struct plotting *p, const struct point *pt, char *buf, size_t size)
{
	const char *target = p->s.space.target.v[pt->target_map].text,
		   *drafter = pt->drafter >= 0 ? p->s.study.drafters[pt->drafter].name : "";
	bool named = p->s.study.sweep.n_drafters > 1 && !p->drafter;

	if (pt->drafter < 0)
		snprintf(buf, size, "%s", target);
	else if (pt->draft_map < 0)
		snprintf(buf, size, "%s <- %s", target, drafter);
	else
		snprintf(buf, size, "%s <- %s%s%s", target, named ? drafter : "", named ? " on " : "", draft_map(p, pt));
}

void plot_data_label(const struct plotting *p, const struct point *pt, char *buf, size_t size)
{
	char pair[PLOT_LABEL];

	plot_data_pair(p, pt, pair, sizeof(pair));
	if (pt->gamma)
		snprintf(buf, size, "%.100s, gamma %d%s", pair, pt->gamma, pt->mode == HX_OVERLAPPED ? ", overlapped" : "");
	else
		snprintf(buf, size, "%.100s, plain", pair);
}

void plot_data_subtitle(struct plotting *p, bool all_quants)
{
	const struct study *st = &p->s.study;
	const struct sweep *sw = &st->sweep;
	const struct point *pt = &p->best.point;
	int source = pt->drafter >= 0 ? study_acceptance(st, pt->target_type, pt->drafter, pt->draft_type) : -1;
	const char *keep = plot_data_kept(p);
	char acceptance[200] = "", model[160] = "", quants[200] = "";

	if (source >= 0) {
		char text[160];

		accept_text(&sw->acceptance[source], text, sizeof(text));
		snprintf(acceptance, sizeof(acceptance), " | acceptance %s%s", text, all_quants ? " for the best" : "");
	}
	if (pt->drafter >= 0)
		snprintf(model, sizeof(model), ", drafter %s%s%s", st->drafters[pt->drafter].name, pt->draft_map >= 0 && !all_quants ? " " : "",
			 pt->draft_map >= 0 && !all_quants ? hx_type_names[pt->draft_type] : "");
	for (size_t i = 0; i < sw->n_target_quants; i++)
		if (all_quants || sw->target_quants[i] == pt->target_type)
			snprintf(quants + strlen(quants), sizeof(quants) - strlen(quants), "%s%s", *quants ? ", " : "",
				 hx_type_names[sw->target_quants[i]]);
	p->subtitle = hx_xasprintf("profile %s (%s) | target %s %s%s | prompt %d, output %d tokens%s%s%s | sweep %lld, point %lld%s%s%s%s",
				   st->profile.name, profile_statuses[st->profile.status], st->target.name, quants, model,
				   p->workload->prompt, p->workload->generated, sw->kv_cache ? "" : ", no KV cache",
				   sw->temperature > 0 ? ", sampled" : "", acceptance, (long long)p->s.sweep.id, (long long)p->best.v[ID],
				   sw->model == COST_EQ1 ? " | model eq1" : "",
				   st->costs.relative ? " | read s as the unit of the costs table" : "", keep ? " | kept points only: " : "", keep ? keep : "");
}

struct plot_head plot_data_head(const struct plotting *p)
{
	return (struct plot_head){p->title, p->subtitle, p->note};
}

/* ---- speedup by pair and gamma ---- */

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
	g = space_gamma(&t->p->s.space, pt.gamma);
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

int plot_data_table(struct table *t, struct plotting *p, struct hx_err *err)
{
	struct store_query q = query_like_best(p);
	int rc;

	*t = (struct table){.p = p, .n_gamma = p->s.space.n_gamma};
	plot_data_compare(&q, "gamma", ">", 0);
	plot_data_where(&q, "drafter", p->drafter);
	rc = store_select(p->s.store, &q, table_take, t, err);
	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), by_best);
	return rc;
}

void plot_data_table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i].speedup);
	free(t->rows);
}
