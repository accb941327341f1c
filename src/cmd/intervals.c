/* Intervals of predictions. */
#include "cmd/intervals.h"

#include "core/pareto.h"
#include "core/spread.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 1000 /* rows of a sweep that keeps some */ };
enum { ID, P_GAIN, PROMPT, FIRST_OBJECTIVE };

/* Rows of a sweep, the fastest first. */
struct rows {
	int64_t *ids, last; /* last: highest id of the space */
	double *v;          /* k objectives each */
	bool *done;         /* it has its interval */
	size_t n, max, k;
};

static int collect(void *arg, const struct store_value *values)
{
	struct rows *r = arg;

	if (!(values[ID].number >= 1 && values[ID].number <= (double)r->last)) /* the database may have been edited */
		return HX_OK;
	if (r->n == r->max) {
		r->max = r->max ? 2 * r->max : 1024;
		r->ids = hx_xrealloc(r->ids, r->max, sizeof(*r->ids));
		r->done = hx_xrealloc(r->done, r->max, sizeof(*r->done));
		r->v = hx_xrealloc(r->v, r->max * r->k, sizeof(*r->v));
	}
	r->ids[r->n] = (int64_t)values[ID].number;
	r->done[r->n] = !isnan(values[P_GAIN].number) || !isnan(values[PROMPT].number);
	for (size_t o = 0; o < r->k; o++)
		r->v[r->n * r->k + o] = values[FIRST_OBJECTIVE + o].number;
	r->n++;
	return HX_OK;
}

static int read_rows(struct store *s, int64_t sweep, const struct predict *p, int64_t limit, struct rows *r, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;
	const char *columns[FIRST_OBJECTIVE + OBJECTIVE_MEMORY + 1] = {"id", "p_gain", "speedup_prompt_p05"};
	struct store_query q = {.sweep = sweep, .columns = columns, .n_columns = FIRST_OBJECTIVE + (int)sw->n_objectives, .order = "speedup",
				.descending = true, .limit = limit};

	*r = (struct rows){.k = sw->n_objectives, .last = p->space->size};
	for (size_t o = 0; o < sw->n_objectives; o++)
		columns[FIRST_OBJECTIVE + o] = sweep_objective_columns[sw->objectives[o]];
	return store_select(s, &q, collect, r, err);
}

static void rows_free(struct rows *r)
{
	free(r->ids);
	free(r->done);
	free(r->v);
}

/* The best and the baseline of every group. */
static bool is_answer(const struct predict *p, const struct findings *found, int64_t id)
{
	for (size_t g = 0; g < found->n; g++)
		if (id == found->v[g].best + 1 || id == p->best[g].index + 1)
			return true;
	return false;
}

static int store_wanted(struct store *s, int64_t sweep, const struct predict *p, const struct rows *r, const unsigned char *wanted, struct hx_err *err)
{
	struct point *points = hx_xcalloc(r->n + 1, sizeof(*points));
	struct spread *spreads = hx_xcalloc(r->n + 1, sizeof(*spreads));
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < r->n; i++)
		if (wanted[i] && !r->done[i])
			points[n++] = space_point(p->space, r->ids[i] - 1);
	rc = spread_points(p, points, n, spreads, err);
	if (!rc && n)
		rc = store_spreads(s, sweep, points, spreads, n, err);
	free(points);
	free(spreads);
	return rc;
}

int intervals_store(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct findings *found, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;
	unsigned char *wanted;
	struct rows r;
	enum keep keep;
	int top, rc = sweep_keep(sweep->keep ? sweep->keep : sw->keep, &keep, &top, err);

	if (rc || !spread_known(p))
		return rc;
	rc = read_rows(s, sweep->id, p, keep == KEEP_ALL ? 0 : MOST, &r, err);
	wanted = hx_xcalloc(r.n + 1, 1);
	if (!rc && keep == KEEP_ALL)
		pareto_front(r.v, r.n, (int)r.k, wanted);
	for (size_t i = 0; i < r.n; i++)
		wanted[i] |= keep != KEEP_ALL || is_answer(p, found, r.ids[i]);
	if (!rc)
		rc = store_wanted(s, sweep->id, p, &r, wanted, err);
	free(wanted);
	rows_free(&r);
	return rc;
}

int intervals_store_ids(struct store *s, int64_t sweep, const struct predict *p, const int64_t *ids, size_t n, struct hx_err *err)
{
	unsigned char *wanted;
	struct rows r;
	int rc;

	if (!spread_known(p))
		return HX_OK;
	rc = read_rows(s, sweep, p, 0, &r, err);
	wanted = hx_xcalloc(r.n + 1, 1);
	for (size_t i = 0; i < r.n; i++)
		for (size_t k = 0; k < n; k++)
			wanted[i] |= r.ids[i] == ids[k];
	if (!rc)
		rc = store_wanted(s, sweep, p, &r, wanted, err);
	free(wanted);
	rows_free(&r);
	return rc;
}
