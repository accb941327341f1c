/* Writing: a sweep with its inputs and mappings, then its points in batches. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_NUMBER = 15 /* first parameter of a point's insertion that is a predict_columns row */ };

/* NAN becomes NULL, as SQLite has it. */
static void bind_number(sqlite3_stmt *st, int i, double v)
{
	sqlite3_bind_double(st, i, v);
}

void store_forget_sweep(struct store *s)
{
	for (size_t d = 0; s->draft_maps && d < s->n_drafters; d++)
		free(s->draft_maps[d]);
	free(s->draft_maps);
	free(s->target_maps);
	sqlite3_finalize(s->insert);
	s->draft_maps = NULL;
	s->target_maps = NULL;
	s->insert = NULL;
}

/* Runs insert (a statement with parameters bound), then select with the same parameters, for the id of a row that may exist. */
static int intern(struct store *s, const char *insert, const char *select, const char *a, const char *b, size_t b_len, int64_t *id, struct hx_err *err)
{
	const char *sql[2] = {insert, select};
	int rc = HX_OK;

	for (int i = 0; i < 2 && !rc; i++) {
		sqlite3_stmt *st = NULL;
		int step;

		if ((rc = store_prepare(s, sql[i], &st, err)))
			break;
		store_bind_text(st, 1, a);
		if (b)
			sqlite3_bind_text(st, 2, b, (int)b_len, SQLITE_STATIC);
		step = sqlite3_step(st);
		if (step == SQLITE_ROW)
			*id = sqlite3_column_int64(st, 0);
		else if (step != SQLITE_DONE)
			rc = store_fail(s, err);
		sqlite3_finalize(st);
	}
	return rc;
}

static int add_mappings(struct store *s, const struct mappings *m, int64_t **ids, struct hx_err *err)
{
	int rc = HX_OK;

	*ids = hx_xcalloc(m->n, sizeof(**ids));
	for (size_t i = 0; i < m->n && !rc; i++)
		rc = intern(s, "INSERT OR IGNORE INTO mapping (text) VALUES (?1)", "SELECT id FROM mapping WHERE text = ?1", m->v[i].text, NULL, 0,
			    &(*ids)[i], err);
	return rc;
}

static int add_input(struct store *s, int64_t sweep, const struct input *in, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0;
	int rc = intern(s, "INSERT OR IGNORE INTO input (kind, text) VALUES (?1, ?2)", "SELECT id FROM input WHERE kind = ?1 AND text = ?2",
			input_kinds[in->kind], in->text, in->len, &id, err);

	if (rc || (rc = store_prepare(s, "INSERT INTO sweep_input (sweep, input, name, path) VALUES (?, ?, ?, ?)", &st, err)))
		return rc;
	sqlite3_bind_int64(st, 1, sweep);
	sqlite3_bind_int64(st, 2, id);
	store_bind_text(st, 3, in->name);
	store_bind_text(st, 4, in->path);
	rc = store_finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

static int add_sweep(struct store *s, struct store_sweep *sweep, const struct study *study, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s,
			 "INSERT INTO sweep (created, version, profile, sweep, target, model, temperature, kv_cache, acceptance, costs, keep, size, done) "
			 "VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
			 &st, err);

	if (rc)
		return rc;
	store_bind_text(st, 1, HX_VERSION);
	store_bind_text(st, 2, sweep->profile);
	store_bind_text(st, 3, sweep->sweep);
	store_bind_text(st, 4, study->target.name);
	store_bind_text(st, 5, sweep_models[study->sweep.model]);
	bind_number(st, 6, study->sweep.temperature);
	sqlite3_bind_int(st, 7, study->sweep.kv_cache);
	store_bind_text(st, 8, sweep->acceptance);
	store_bind_text(st, 9, sweep->costs);
	store_bind_text(st, 10, sweep->keep);
	sqlite3_bind_int64(st, 11, sweep->size);
	rc = store_finish(s, st, err);
	sqlite3_finalize(st);
	sweep->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static int prepare_insert(struct store *s, struct hx_err *err)
{
	char sql[2048];
	int n = snprintf(sql, sizeof(sql), "INSERT INTO point (sweep, id, target_quant, target_map, drafter, draft_quant, draft_map, gamma, mode, prompt, "
					   "generated, acceptance, feasible, reason");

	for (int i = 0; predict_columns[i].name; i++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ", %s", predict_columns[i].name);
	n += snprintf(sql + n, sizeof(sql) - (size_t)n, ") VALUES (?1");
	for (int i = 2; i < FIRST_NUMBER + PREDICT_COLUMNS; i++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ", ?%d", i);
	snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	return store_prepare(s, sql, &s->insert, err);
}

int store_sweep_create(struct store *s, struct store_sweep *sweep, const struct inputs *in, const struct space *space, struct hx_err *err)
{
	const struct study *study = space->study;
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	store_forget_sweep(s);
	s->n_drafters = study->sweep.n_drafters;
	s->draft_maps = hx_xcalloc(s->n_drafters, sizeof(*s->draft_maps));
	rc = add_sweep(s, sweep, study, err);
	for (size_t i = 0; i < in->n && !rc; i++)
		rc = add_input(s, sweep->id, in->items[i], err);
	if (!rc)
		rc = add_mappings(s, &space->target, &s->target_maps, err);
	for (size_t d = 0; d < s->n_drafters && !rc; d++)
		rc = add_mappings(s, &space->draft[d], &s->draft_maps[d], err);
	if (!rc)
		rc = prepare_insert(s, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void bind_point(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct point *pt, const struct prediction *pr,
		       char *acceptance, size_t size)
{
	const struct study *st = p->study;
	const struct workload *w = &st->sweep.workloads[pt->workload];
	sqlite3_stmt *ins = s->insert;
	char reason[192];

	sqlite3_clear_bindings(ins);
	sqlite3_bind_int64(ins, 1, sweep->id);
	sqlite3_bind_int64(ins, 2, pt->index + 1);
	store_bind_text(ins, 3, hx_type_names[pt->target_type]);
	sqlite3_bind_int64(ins, 4, s->target_maps[pt->target_map]);
	if (pt->drafter >= 0) {
		store_bind_text(ins, 5, st->drafters[pt->drafter].name);
		store_bind_text(ins, 9, hx_modes[pt->mode]);
	}
	if (pt->draft_map >= 0) {
		store_bind_text(ins, 6, hx_type_names[pt->draft_type]);
		sqlite3_bind_int64(ins, 7, s->draft_maps[pt->drafter][pt->draft_map]);
	}
	sqlite3_bind_int(ins, 8, pt->gamma);
	sqlite3_bind_int(ins, 10, w->prompt);
	sqlite3_bind_int(ins, 11, w->generated);
	if (pr->acceptance >= 0) {
		accept_text(&st->sweep.acceptance[pr->acceptance], acceptance, size);
		store_bind_text(ins, 12, acceptance);
	}
	sqlite3_bind_int(ins, 13, pr->feasible);
	if (!pr->feasible)
		sqlite3_bind_text(ins, 14, predict_reason(p, pt, &pr->refusal, reason, sizeof(reason)), -1, SQLITE_TRANSIENT);
	for (int i = 0; i < PREDICT_COLUMNS; i++)
		bind_number(ins, FIRST_NUMBER + i, *(const double *)((const char *)pr + predict_columns[i].at));
}

static int set_done(struct store *s, const struct store_sweep *sweep, int64_t done, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "UPDATE sweep SET done = ?2 WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, sweep->id);
	sqlite3_bind_int64(st, 2, done);
	rc = store_finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

int store_points(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct point *points,
		 const struct prediction *predictions, size_t n, int64_t done, struct hx_err *err)
{
	char acceptance[256];
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		bind_point(s, sweep, p, &points[i], &predictions[i], acceptance, sizeof(acceptance));
		rc = store_finish(s, s->insert, err);
	}
	if (!rc)
		rc = set_done(s, sweep, done, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
