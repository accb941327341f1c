/* Writing: a sweep with its inputs and mappings, then its points in batches. */
#include "store/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_NUMBER = 15 /* first parameter of a point's insertion that is a predict_columns row */ };

void store_forget_sweep(struct store *s)
{
	for (size_t d = 0; s->draft_maps && d < s->n_drafters; d++)
		free(s->draft_maps[d]);
	for (size_t i = 0; i < s->n_acceptance; i++)
		free(s->acceptance[i]);
	free(s->acceptance);
	free(s->draft_maps);
	free(s->target_maps);
	sqlite3_finalize(s->insert);
	s->acceptance = NULL;
	s->n_acceptance = 0;
	s->draft_maps = NULL;
	s->target_maps = NULL;
	s->insert = NULL;
}

int store_intern(struct store *s, const char *insert, const char *select, const char *a, const char *b, size_t b_len, int64_t *id, struct hx_err *err)
{
	const char *sql[2] = {insert, select};
	int rc = HX_OK;

	for (int i = 0; i < 2 && !rc; i++) {
		sqlite3_stmt *st = NULL;

		if ((rc = store_prepare(s, sql[i], &st, err)))
			break;
		store_bind_text(st, 1, a);
		if (b)
			sqlite3_bind_text(st, 2, b, (int)b_len, SQLITE_STATIC);
		if (store_next(s, st, &rc, err))
			*id = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
	}
	return rc;
}

int store_intern_mapping(struct store *s, const char *text, int64_t *id, struct hx_err *err)
{
	return store_intern(s, "INSERT OR IGNORE INTO mapping (text) VALUES (?1)", "SELECT id FROM mapping WHERE text = ?1", text, NULL, 0, id, err);
}

static int add_mappings(struct store *s, const struct mappings *m, int64_t **ids, struct hx_err *err)
{
	int rc = HX_OK;

	*ids = hx_xcalloc(m->n, sizeof(**ids));
	for (size_t i = 0; i < m->n && !rc; i++)
		rc = store_intern_mapping(s, m->v[i].text, &(*ids)[i], err);
	return rc;
}

static int add_input(struct store *s, int64_t sweep, const struct input *in, struct hx_err *err)
{
	int64_t id = 0;
	int rc = store_intern(s, "INSERT OR IGNORE INTO input (kind, text) VALUES (?1, ?2)", "SELECT id FROM input WHERE kind = ?1 AND text = ?2",
			input_kinds[in->kind], in->text, in->len, &id, err);

	if (rc)
		return rc;
	return store_run(s, err, "INSERT INTO sweep_input (sweep, input, name, path) VALUES (?, ?, ?, ?)", "iitt", sweep, id, in->name, in->path);
}

int store_add_sweep(struct store *s, struct store_sweep *sweep, const char *created, const char *target, const char *model, double temperature,
		    bool kv_cache, const struct inputs *in, struct hx_err *err)
{
	int rc = store_run(s, err,
			   "INSERT INTO sweep (created, version, profile, sweep, target, model, temperature, kv_cache, acceptance, costs, keep, size) "
			   "VALUES (ifnull(?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			   "ttttttdittti", created, sweep->version ? sweep->version : HX_VERSION, sweep->profile, sweep->sweep, target, model, temperature,
			   (int64_t)kv_cache, sweep->acceptance, sweep->costs, sweep->keep, sweep->size);

	sweep->id = sqlite3_last_insert_rowid(s->db);
	for (size_t i = 0; i < in->n && !rc; i++)
		rc = add_input(s, sweep->id, in->items[i], err);
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

/* What the rows of a sweep are written with. */
static int prepare_points(struct store *s, const struct space *space, struct hx_err *err)
{
	const struct study *study = space->study;
	char text[256];
	int rc;

	store_forget_sweep(s);
	s->n_drafters = study->sweep.n_drafters;
	s->draft_maps = hx_xcalloc(s->n_drafters, sizeof(*s->draft_maps));
	s->n_acceptance = study->sweep.n_acceptance;
	s->acceptance = hx_xcalloc(s->n_acceptance, sizeof(*s->acceptance));
	for (size_t i = 0; i < s->n_acceptance; i++) {
		accept_text(&study->sweep.acceptance[i], text, sizeof(text));
		s->acceptance[i] = hx_xstrdup(text);
	}
	rc = add_mappings(s, &space->target, &s->target_maps, err);
	for (size_t d = 0; d < s->n_drafters && !rc; d++)
		rc = add_mappings(s, &space->draft[d], &s->draft_maps[d], err);
	return rc ? rc : prepare_insert(s, err);
}

int store_add_part(struct store *s, int64_t sweep, const struct store_part *part, struct hx_err *err)
{
	return store_run(s, err, "INSERT INTO part (sweep, first, last, done, feasible) VALUES (?, ?, ?, ?, ?)", "iiiii", sweep, part->first, part->last,
			 part->done, part->feasible);
}

int store_another_process(const struct store *s, int64_t sweep, struct hx_err *err)
{
	return hx_err_set(err, HX_INPUT, "another process goes on with sweep %lld of '%s'; this one stops", (long long)sweep, s->path);
}

int store_sweep_create(struct store *s, struct store_sweep *sweep, const struct store_part *part, const struct inputs *in, const struct space *space,
		       bool only, struct hx_err *err)
{
	const struct study *study = space->study;
	int64_t same = 0;
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	if (only && !(rc = store_sweep_same(s, sweep, in, part, &same, err)) && same)
		rc = store_another_process(s, same, err);
	if (!rc)
		rc = store_add_sweep(s, sweep, NULL, study->target.name, sweep_models[study->sweep.model], study->sweep.temperature, study->sweep.kv_cache, in,
			     err);
	if (!rc)
		rc = store_add_part(s, sweep->id, part, err);
	if (!rc)
		rc = prepare_points(s, space, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void bind_id(sqlite3_stmt *st, int i, bool known, int64_t id)
{
	if (known)
		sqlite3_bind_int64(st, i, id);
	else
		sqlite3_bind_null(st, i);
}

/* What points that differ in gamma alone have in common. */
static void bind_pair(struct store *s, const struct store_sweep *sweep, const struct study *st, const struct point *pt)
{
	const struct workload *w = &st->sweep.workloads[pt->workload];
	bool drafts = pt->drafter >= 0, model = pt->draft_map >= 0;
	sqlite3_stmt *ins = s->insert;

	sqlite3_bind_int64(ins, 1, sweep->id);
	store_bind_text(ins, 3, hx_type_names[pt->target_type]);
	sqlite3_bind_int64(ins, 4, s->target_maps[pt->target_map]);
	store_bind_text(ins, 5, drafts ? st->drafters[pt->drafter].name : NULL);
	store_bind_text(ins, 6, model ? hx_type_names[pt->draft_type] : NULL);
	bind_id(ins, 7, model, model ? s->draft_maps[pt->drafter][pt->draft_map] : 0);
	store_bind_text(ins, 9, drafts ? hx_modes[pt->mode] : NULL);
	sqlite3_bind_int(ins, 10, w->prompt);
	sqlite3_bind_int(ins, 11, w->generated);
}

/* reason: why it cannot run; stays until the statement has run. before: the row before, whose values are bound; NULL: none are. */
static void bind_point(struct store *s, const struct point *pt, const struct prediction *pr, const char *reason, const struct prediction *before)
{
	sqlite3_stmt *ins = s->insert;

	sqlite3_bind_int64(ins, 2, pt->index + 1);
	sqlite3_bind_int(ins, 8, pt->gamma);
	store_bind_text(ins, 12, pr->acceptance >= 0 ? s->acceptance[pr->acceptance] : NULL);
	sqlite3_bind_int(ins, 13, pr->feasible);
	store_bind_text(ins, 14, pr->feasible ? NULL : reason);
	if (before && isnan(before->memory_bytes) && isnan(pr->memory_bytes))
		return; /* the first to be known: no number is */
	for (int i = 0; i < PREDICT_COLUMNS; i++) /* NAN becomes NULL */
		sqlite3_bind_double(ins, FIRST_NUMBER + i, *(const double *)((const char *)pr + predict_columns[i].at));
}

static bool same_refusal(const struct refusal *a, const struct refusal *b)
{
	return a->kind == b->kind && a->unit == b->unit && a->drafter == b->drafter && a->need == b->need && a->have == b->have;
}

static int add_points(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct store_batch *b, struct hx_err *err)
{
	char reason[192] = "";
	int rc = HX_OK;

	for (size_t i = 0; i < b->n && !rc; i++) {
		const struct prediction *pr = &b->predictions[i], *before = i ? pr - 1 : NULL;
		bool same = before && space_same_pair(&b->points[i], &b->points[i - 1]);

		if (!same)
			bind_pair(s, sweep, p->study, &b->points[i]);
		if (!pr->feasible && !(same && same_refusal(&pr->refusal, &before->refusal)))
			predict_reason(p, &b->points[i], &pr->refusal, reason, sizeof(reason));
		bind_point(s, &b->points[i], pr, reason, before);
		rc = store_finish(s, s->insert, err);
	}
	return rc;
}

/* Only who knows how far the part is may go on with it. */
static int set_done(struct store *s, const struct store_sweep *sweep, const struct store_part *part, const struct store_batch *b, struct hx_err *err)
{
	int rc = store_run(s, err, "UPDATE part SET done = ?, feasible = ? WHERE sweep = ? AND first = ? AND done = ?", "iiiii", b->done,
			   b->findings->feasible, sweep->id, part->first, part->done);

	if (!rc && sqlite3_changes(s->db) != 1)
		rc = store_another_process(s, sweep->id, err);
	return rc;
}

int store_set_finding(struct store *s, int64_t sweep, int64_t workload, const char *quant, const struct finding *f, struct hx_err *err)
{
	static const char sql[] = "INSERT OR REPLACE INTO finding (sweep, workload, target_quant, best, best_s, refused, refused_bytes) "
				  "VALUES (?, ?, ?, nullif(?, 0), ?, nullif(?, 0), ?)";

	return store_run(s, err, sql, "iitidid", sweep, workload, quant, f->best + 1, f->best >= 0 ? f->best_s : NAN, f->refused + 1, f->refused_bytes);
}

static int set_findings(struct store *s, const struct store_sweep *sweep, const struct sweep *sw, const struct findings *f, struct hx_err *err)
{
	int rc = HX_OK;

	for (size_t i = 0; i < f->n && !rc; i++)
		rc = store_set_finding(s, sweep->id, (int64_t)(i / sw->n_target_quants), hx_type_names[sw->target_quants[i % sw->n_target_quants]],
				       &f->v[i], err);
	return rc;
}

int store_points(struct store *s, const struct store_sweep *sweep, struct store_part *part, const struct predict *p, const struct store_batch *batch,
		 struct hx_err *err)
{
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	rc = set_done(s, sweep, part, batch, err);
	if (!rc && batch->replace)
		rc = store_run(s, err, "DELETE FROM point WHERE sweep = ? AND id > ? AND id <= ?", "iii", sweep->id, part->first, part->last);
	if (!rc)
		rc = add_points(s, sweep, p, batch, err);
	if (!rc)
		rc = set_findings(s, sweep, &p->study->sweep, batch->findings, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	part->done = batch->done;
	part->feasible = batch->findings->feasible;
	return HX_OK;
}

int store_sweep_resume(struct store *s, const struct store_sweep *sweep, const struct predict *p, struct findings *findings, struct hx_err *err)
{
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	rc = prepare_points(s, p->space, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc ? rc : store_findings_read(s, sweep->id, p->space, findings, err);
}

int store_spreads(struct store *s, int64_t sweep, const struct point *points, const struct spread *spreads, size_t n, struct hx_err *err)
{
	static const char sql[] = "UPDATE point SET speedup_p05 = ?, speedup_p95 = ?, p_gain = ?, speedup_prompt_p05 = ?, speedup_prompt_p95 = ? "
				  "WHERE sweep = ? AND id = ?";
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++)
		rc = store_run(s, err, sql, "dddddii", spreads[i].p05, spreads[i].p95, spreads[i].p_gain, spreads[i].prompt_p05, spreads[i].prompt_p95,
			       sweep, points[i].index + 1);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
