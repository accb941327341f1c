/* Finding a sweep again: to go on with it, or to join its parts. */
#include "store/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether sweep `id` has just these inputs. Names and paths do not count: another machine has others. */
static int same_inputs(struct store *s, int64_t id, const struct inputs *in, bool *same, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "SELECT count(*), total(i.kind = ?2 AND i.text = ?3) FROM sweep_input u JOIN input i ON i.id = u.input WHERE u.sweep = ?1",
			       &st, err);

	*same = true;
	for (size_t i = 0; i < in->n && *same && !rc; i++) {
		sqlite3_bind_int64(st, 1, id);
		store_bind_text(st, 2, input_kinds[in->items[i]->kind]);
		sqlite3_bind_text(st, 3, in->items[i]->text, (int)in->items[i]->len, SQLITE_STATIC);
		if (sqlite3_step(st) != SQLITE_ROW)
			rc = store_fail(s, err);
		else
			*same = sqlite3_column_int64(st, 0) == (int64_t)in->n && sqlite3_column_double(st, 1) > 0;
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Sweeps that were asked for alike, the latest first: st steps through their ids. */
static int prepare_alike(struct store *s, const struct store_sweep *sweep, sqlite3_stmt **st, struct hx_err *err)
{
	int rc = store_prepare(s,
			       "SELECT id FROM sweep WHERE version = ? AND size = ? AND acceptance IS ? AND costs IS ? AND keep IS ? ORDER BY id DESC", st,
			       err);

	if (rc)
		return rc;
	store_bind_text(*st, 1, sweep->version ? sweep->version : HX_VERSION);
	sqlite3_bind_int64(*st, 2, sweep->size);
	store_bind_text(*st, 3, sweep->acceptance);
	store_bind_text(*st, 4, sweep->costs);
	store_bind_text(*st, 5, sweep->keep);
	return HX_OK;
}

int store_sweep_same(struct store *s, const struct store_sweep *sweep, const struct inputs *in, const struct store_part *only, int64_t *id,
		     struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ROW, rc = prepare_alike(s, sweep, &st, err);

	*id = 0;
	while (!rc && !*id && (step = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t candidate = sqlite3_column_int64(st, 0);
		struct store_part *parts = NULL;
		size_t n = 0;
		bool same = false;

		rc = same_inputs(s, candidate, in, &same, err);
		if (!rc && same && only) {
			rc = store_parts_read(s, candidate, &parts, &n, err);
			same = n == 1 && parts[0].first == only->first && parts[0].last == only->last;
		}
		if (!rc && same)
			*id = candidate;
		free(parts);
	}
	if (!rc && step != SQLITE_ROW && step != SQLITE_DONE)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	return rc;
}

int store_sweep_find(struct store *s, struct store_sweep *sweep, struct store_part *part, const struct inputs *in, struct hx_err *err)
{
	struct store_part *parts = NULL;
	size_t n;
	int rc = store_sweep_same(s, sweep, in, part, &sweep->id, err);

	if (rc || !sweep->id)
		return rc;
	rc = store_parts_read(s, sweep->id, &parts, &n, err);
	if (!rc)
		*part = parts[0];
	free(parts);
	return rc;
}

int store_sweep_unfinished(struct store *s, int64_t *id, struct store_part *part, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	struct store_part *parts = NULL;
	size_t n;
	int step, rc = store_prepare(s, "SELECT sweep FROM part GROUP BY sweep HAVING count(*) = 1 AND max(done < last) ORDER BY sweep DESC LIMIT 1", &st, err);

	*id = 0;
	if (rc)
		return rc;
	step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		*id = sqlite3_column_int64(st, 0);
	else if (step != SQLITE_DONE)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	if (*id && !(rc = store_parts_read(s, *id, &parts, &n, err)))
		*part = parts[0];
	free(parts);
	return rc;
}

int store_parts_read(struct store *s, int64_t sweep, struct store_part **parts, size_t *n, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ROW, rc = store_prepare(s, "SELECT p.first, p.last, p.done, s.size FROM part p JOIN sweep s ON s.id = p.sweep WHERE p.sweep = ? ORDER BY p.first",
						  &st, err);
	struct store_part *part;

	*parts = NULL;
	*n = 0;
	sqlite3_bind_int64(st, 1, sweep);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		*parts = hx_xrealloc(*parts, *n + 1, sizeof(**parts));
		part = &(*parts)[(*n)++];
		*part = (struct store_part){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2)};
		if (part->first < 0 || part->done < part->first || part->last < part->done || part->last > sqlite3_column_int64(st, 3))
			rc = hx_err_set(err, HX_INPUT, "database '%s' is damaged: the progress of sweep %lld cannot be", s->path, (long long)sweep);
	}
	if (!rc && step != SQLITE_DONE)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	return rc;
}

static int64_t index_at(sqlite3_stmt *st, int i, int64_t size)
{
	int64_t id = sqlite3_column_int64(st, i);

	return id >= 1 && id <= size ? id - 1 : -1;
}

static double number_at(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NAN : sqlite3_column_double(st, i);
}

struct finding store_finding(sqlite3_stmt *st, int i, int64_t size)
{
	return (struct finding){index_at(st, i, size), index_at(st, i + 2, size), number_at(st, i + 1), number_at(st, i + 3)};
}

int store_findings_read(struct store *s, int64_t sweep, const struct space *space, struct findings *findings, struct hx_err *err)
{
	const struct sweep *sw = &space->study->sweep;
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ROW, rc = store_prepare(s,
						  "SELECT workload, target_quant, best, best_s, refused, refused_bytes, "
						  "(SELECT sum(feasible) FROM part WHERE sweep = ?1) FROM finding WHERE sweep = ?1",
						  &st, err);

	sqlite3_bind_int64(st, 1, sweep);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t w = sqlite3_column_int64(st, 0);
		const char *quant = (const char *)sqlite3_column_text(st, 1);

		findings->feasible = sqlite3_column_int64(st, 6);
		for (size_t q = 0; quant && q < sw->n_target_quants; q++)
			if (w >= 0 && w < (int64_t)sw->n_workloads && strcmp(hx_type_names[sw->target_quants[q]], quant) == 0)
				findings->v[(size_t)w * sw->n_target_quants + q] = store_finding(st, 2, space->size);
	}
	if (!rc && step != SQLITE_DONE)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	return rc;
}
