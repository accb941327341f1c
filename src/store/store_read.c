/* Reading: a sweep with its inputs, and rows of its views. */
#include "store/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const store_columns[] = {"sweep", "id", "profile", "target", "target_quant", "target_map", "drafter", "draft_quant", "draft_map", "gamma",
				     "mode", "kv_cache", "temperature", "prompt", "generated", "acceptance", "feasible", "reason", "speedup", "tpot_s",
				     "ttft_s", "e2e_s", "speedup_e2e", "speedup_cpu", "speedup_same", "tokens_per_round", "round_s", "draft_s",
				     "verify_s", "transfer_s", "sync_s", "host_s", "memory_bytes", "energy_j_token", "quality",
				     "speedup_p05", "speedup_p95", "p_gain", "speedup_prompt_p05", "speedup_prompt_p95", NULL};

const char *const store_validation_columns[] = {"sweep", "id", "run", "profile", "target", "target_quant", "target_map", "drafter", "draft_quant",
						"draft_map", "gamma", "mode", "baseline_map", "synthesised", "repeats", "predicted_speedup",
						"measured_speedup", "predicted_decode_s", "measured_decode_s", "predicted_tokens_per_round",
						"measured_tokens_per_round", "speedup_p05", "speedup_p95", "p_gain", "measured_low", "measured_high",
						"prompt", "generated", "measured_tpot_s", "measured_baseline_tpot_s", "energy_j_token",
						"measured_energy_j_token", NULL};

/* The views that can be asked. */
static const struct {
	const char *name, *condition;
	const char *const *columns;
	int since; /* version of the schema */
	const char *later; /* the first of the columns that version 4 added */
} views[] = {
	[STORE_PREDICTION] = {"prediction", " AND feasible", store_columns, 2, "speedup_p05"},
	[STORE_VALIDATION] = {"validation", "", store_validation_columns, 3, "speedup_p05"},
};

static char *column_text(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? hx_xstrdup(text) : NULL;
}

static int read_inputs(struct store *s, int64_t sweep, struct inputs *in, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "SELECT i.kind, u.name, u.path, i.text FROM sweep_input u JOIN input i ON i.id = u.input WHERE u.sweep = ?", &st, err);

	sqlite3_bind_int64(st, 1, sweep);
	while (store_next(s, st, &rc, err)) {
		const char *kind = (const char *)sqlite3_column_text(st, 0), *name = (const char *)sqlite3_column_text(st, 1);
		const char *path = (const char *)sqlite3_column_text(st, 2), *text = (const char *)sqlite3_column_text(st, 3);

		for (int k = 0; kind && name && path && text && k < INPUT_KINDS; k++)
			if (strcmp(input_kinds[k], kind) == 0)
				input_add(in, (enum input_kind)k, name, path, text, (size_t)sqlite3_column_bytes(st, 3));
	}
	sqlite3_finalize(st);
	in->sealed = true;
	return rc;
}

int store_sweep_read(struct store *s, int64_t id, struct store_sweep *sweep, struct inputs *in, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s,
			       "SELECT s.id, s.version, s.profile, s.sweep, s.acceptance, s.costs, s.keep, s.size, ifnull(sum(p.done - p.first), 0) AS evaluated, "
			       "count(p.first), (SELECT max(id) FROM sweep) FROM sweep s LEFT JOIN part p ON p.sweep = s.id "
			       "WHERE ?1 = 0 OR s.id = ?1 GROUP BY s.id ORDER BY evaluated = 0, s.id DESC LIMIT 1",
			       &st, err);

	*sweep = (struct store_sweep){0};
	sqlite3_bind_int64(st, 1, id);
	if (store_next(s, st, &rc, err))
		*sweep = (struct store_sweep){.id = sqlite3_column_int64(st, 0),
					      .version = column_text(st, 1),
					      .profile = column_text(st, 2),
					      .sweep = column_text(st, 3),
					      .acceptance = column_text(st, 4),
					      .costs = column_text(st, 5),
					      .keep = column_text(st, 6),
					      .size = sqlite3_column_int64(st, 7),
					      .done = sqlite3_column_int64(st, 8),
					      .parts = sqlite3_column_int(st, 9),
					      .newest = sqlite3_column_int64(st, 10)};
	else if (!rc && id)
		rc = hx_err_set(err, HX_INPUT, "database '%s' has no sweep %lld", s->path, (long long)id);
	else if (!rc)
		rc = hx_err_set(err, HX_INPUT, "database '%s' has no sweep yet; run 'hexplore sweep' first", s->path);
	sqlite3_finalize(st);
	if (!rc && (!sweep->profile || !sweep->sweep))
		rc = hx_err_set(err, HX_INPUT, "database '%s': sweep %lld does not say of which profile and sweep it is", s->path, (long long)sweep->id);
	if (!rc && in)
		rc = read_inputs(s, sweep->id, in, err);
	if (rc)
		store_sweep_free(sweep);
	return rc;
}

void store_sweep_free(struct store_sweep *sweep)
{
	free(sweep->version);
	free(sweep->profile);
	free(sweep->sweep);
	free(sweep->acceptance);
	free(sweep->costs);
	free(sweep->keep);
	*sweep = (struct store_sweep){0};
}

static bool known(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/* A column in SQL, NULL where the database is older; NULL: there is none of that name. */
static const char *column_sql(const struct store *s, enum store_view view, const char *name)
{
	const char *const *list = views[view].columns;
	bool later = false;

	for (; *list; list++) {
		later |= strcmp(*list, views[view].later) == 0;
		if (strcmp(*list, name) == 0)
			return later && s->version < 4 ? "NULL" : *list;
	}
	return NULL;
}

/* The text of a query. Names and operators come from fixed lists; every value is a parameter. */
static int query_sql(const struct store *s, const struct store_query *q, char *sql, size_t size, struct hx_err *err)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">=", NULL};
	const char *column = NULL;
	size_t n = (size_t)snprintf(sql, size, "SELECT ");

	for (int i = 0; i < q->n_columns && n < size; i++) {
		if (!(column = column_sql(s, q->view, q->columns[i])))
			goto unknown;
		n += (size_t)snprintf(sql + n, size - n, "%s%s", i ? ", " : "", column);
	}
	n += (size_t)snprintf(sql + n, size - n, " FROM %s WHERE sweep = ?1%s", views[q->view].name, q->infeasible ? "" : views[q->view].condition);
	for (int i = 0; i < q->n_filters && n < size; i++) {
		const struct store_filter *f = &q->filters[i];

		if (!(column = column_sql(s, q->view, f->column)) || !known(ops, f->op))
			goto unknown;
		n += (size_t)snprintf(sql + n, size - n, " AND %s %s ?%d", column, f->op, i + 2);
	}
	if (q->order && !(column = column_sql(s, q->view, q->order)))
		goto unknown;
	if (q->order)
		n += (size_t)snprintf(sql + n, size - n, " ORDER BY %s IS NULL, %s%s, id", column, column, q->descending ? " DESC" : "");
	else
		n += (size_t)snprintf(sql + n, size - n, " ORDER BY id");
	if (q->limit)
		n += (size_t)snprintf(sql + n, size - n, " LIMIT %lld", (long long)q->limit);
	if (n < size)
		return HX_OK;
unknown:
	return hx_err_set(err, HX_INPUT, "a query names an unknown column or operator");
}

int store_select(struct store *s, const struct store_query *q, store_row *row, void *arg, struct hx_err *err)
{
	struct store_value *values = hx_xcalloc((size_t)q->n_columns, sizeof(*values));
	sqlite3_stmt *st = NULL;
	char sql[2048];
	int rc = query_sql(s, q, sql, sizeof(sql), err);

	if (rc || s->version < views[q->view].since || (rc = store_prepare(s, sql, &st, err)))
		goto out;
	sqlite3_bind_int64(st, 1, q->sweep);
	for (int i = 0; i < q->n_filters; i++) {
		if (q->filters[i].text)
			store_bind_text(st, i + 2, q->filters[i].text);
		else
			sqlite3_bind_double(st, i + 2, q->filters[i].number);
	}
	while (store_next(s, st, &rc, err)) {
		for (int i = 0; i < q->n_columns; i++) {
			int type = sqlite3_column_type(st, i);

			values[i].text = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(st, i) : NULL;
			values[i].number = type == SQLITE_NULL || type == SQLITE_TEXT ? NAN : sqlite3_column_double(st, i);
		}
		rc = row(arg, values);
	}
out:
	sqlite3_finalize(st);
	free(values);
	return rc;
}
