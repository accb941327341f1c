/* Finding a sweep again: to go on with it, or to join its parts. */
#include "store/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A source by name or file, of which the text counts, rather than a number. */
static bool names_source(const char *acceptance)
{
	char *end;

	if (!acceptance)
		return false;
	strtod(acceptance, &end);
	return end == acceptance || *end;
}

/* Whether sweep `id` has just these inputs. Paths do not count, for another machine has others, and of names only those in the sweep's text,
 * which say what an input is for. */
static int same_inputs(struct store *s, int64_t id, const struct store_sweep *sweep, const struct inputs *in, bool *same, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "SELECT count(*), total(i.kind = ?2 AND i.text = ?3 AND (u.name = ?4 OR NOT ?5)) "
				  "FROM sweep_input u JOIN input i ON i.id = u.input WHERE u.sweep = ?1",
			       &st, err);

	*same = true;
	for (size_t i = 0; i < in->n && *same && !rc; i++) {
		sqlite3_bind_int64(st, 1, id);
		store_bind_text(st, 2, input_kinds[in->items[i]->kind]);
		sqlite3_bind_text(st, 3, in->items[i]->text, (int)in->items[i]->len, SQLITE_STATIC);
		store_bind_text(st, 4, in->items[i]->name);
		sqlite3_bind_int(st, 5, in->items[i]->kind == INPUT_MODEL || (in->items[i]->kind == INPUT_ACCEPTANCE && !sweep->acceptance));
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
			       "SELECT id FROM sweep WHERE version = ?1 AND size = ?2 AND (acceptance IS ?3 OR (?4 AND acceptance NOTNULL)) "
			       "AND (costs NOTNULL) = ?5 AND keep IS ?6 ORDER BY id DESC",
			       st, err);

	if (rc)
		return rc;
	store_bind_text(*st, 1, sweep->version ? sweep->version : HX_VERSION);
	sqlite3_bind_int64(*st, 2, sweep->size);
	store_bind_text(*st, 3, sweep->acceptance);
	sqlite3_bind_int(*st, 4, names_source(sweep->acceptance));
	sqlite3_bind_int(*st, 5, sweep->costs != NULL);
	store_bind_text(*st, 6, sweep->keep);
	return HX_OK;
}

int store_sweep_same(struct store *s, const struct store_sweep *sweep, const struct inputs *in, const struct store_part *only, int64_t *id,
		     struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = prepare_alike(s, sweep, &st, err);

	*id = 0;
	while (!*id && store_next(s, st, &rc, err)) {
		int64_t candidate = sqlite3_column_int64(st, 0);
		struct store_part *parts = NULL;
		size_t n = 0;
		bool same = false;

		rc = same_inputs(s, candidate, sweep, in, &same, err);
		if (!rc && same && only) {
			rc = store_parts_read(s, candidate, &parts, &n, err);
			same = n == 1 && parts[0].first == only->first && parts[0].last == only->last;
		}
		if (!rc && same)
			*id = candidate;
		free(parts);
	}
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
	int rc = store_prepare(s, "SELECT sweep FROM part GROUP BY sweep HAVING count(*) = 1 AND max(done < last) ORDER BY sweep DESC LIMIT 1", &st, err);

	*id = 0;
	if (store_next(s, st, &rc, err))
		*id = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	if (*id && !(rc = store_parts_read(s, *id, &parts, &n, err)))
		*part = parts[0];
	free(parts);
	return rc;
}

int store_parts_read(struct store *s, int64_t sweep, struct store_part **parts, size_t *n, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t next = 0;
	int rc = store_prepare(s,
			       "SELECT p.first, p.last, p.done, s.size, p.feasible FROM part p JOIN sweep s ON s.id = p.sweep WHERE p.sweep = ? "
			       "ORDER BY p.first",
			       &st, err);
	struct store_part *part;

	*parts = NULL;
	*n = 0;
	sqlite3_bind_int64(st, 1, sweep);
	while (store_next(s, st, &rc, err)) {
		*parts = hx_xrealloc(*parts, *n + 1, sizeof(**parts));
		part = &(*parts)[(*n)++];
		*part = (struct store_part){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2),
					    sqlite3_column_int64(st, 4)};
		if (part->first < next || part->done < part->first || part->last < part->done || part->last > sqlite3_column_int64(st, 3) ||
		    part->feasible < 0 || part->feasible > part->done - part->first)
			rc = hx_err_set(err, HX_INPUT, "database '%s' is damaged: the progress of sweep %lld cannot be", s->path, (long long)sweep);
		next = part->last;
	}
	sqlite3_finalize(st);
	return rc;
}

int store_part_check(struct store *s, int64_t sweep, const struct store_part *part, bool all, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t least, most;
	bool none;
	int rc = store_prepare(s,
			       "SELECT (SELECT min(id) FROM point WHERE sweep = ?1), (SELECT max(id) FROM point WHERE sweep = ?1), "
			       "(SELECT done FROM part WHERE sweep = ?1 AND first = ?2)",
			       &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, sweep);
	sqlite3_bind_int64(st, 2, part->first);
	if (sqlite3_step(st) != SQLITE_ROW)
		rc = store_fail(s, err);
	else if (sqlite3_column_int64(st, 2) != part->done) /* since the part was read */
		rc = store_another_process(s, sweep, err);
	none = sqlite3_column_type(st, 0) == SQLITE_NULL;
	least = sqlite3_column_int64(st, 0);
	most = sqlite3_column_int64(st, 1);
	sqlite3_finalize(st);
	if (rc || (none && (!all || part->done == part->first)))
		return rc;
	if (none || least <= part->first || most > part->done || (all && (least != part->first + 1 || most != part->done)))
		return hx_err_set(err, HX_INPUT, "database '%s' is damaged: the rows of sweep %lld are not those that its progress says", s->path,
				  (long long)sweep);
	return HX_OK;
}

/* -1 for NULL. */
static int64_t index_at(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, i) - 1;
}

/* Whether an index read is none or one of a sweep of that size. */
static bool index_fits(sqlite3_stmt *st, int i, int64_t size)
{
	int64_t id = sqlite3_column_int64(st, i);

	return sqlite3_column_type(st, i) == SQLITE_NULL || (id >= 1 && id <= size);
}

double store_number(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NAN : sqlite3_column_double(st, i);
}

static int findings_damaged(struct store *s, struct hx_err *err)
{
	return hx_err_set(err, HX_INPUT, "database '%s' is damaged: table finding holds what cannot have been found", s->path);
}

int store_finding(struct store *s, sqlite3_stmt *st, int i, int64_t size, struct finding *f, struct hx_err *err)
{
	*f = (struct finding){index_at(st, i), index_at(st, i + 2), store_number(st, i + 1), store_number(st, i + 3)};
	if (index_fits(st, i, size) && index_fits(st, i + 2, size) && (f->best < 0 || f->best_s >= 0))
		return HX_OK;
	return findings_damaged(s, err);
}

/* Whether an index is none or a speculative point of that workload and quantisation. */
static bool of_group(const struct space *space, int64_t index, size_t group)
{
	struct point pt;

	if (index < 0)
		return true;
	pt = space_point(space, index);
	return pt.gamma > 0 && pt.workload == (int)(group / space->study->sweep.n_target_quants) &&
	       pt.target_type == space->study->sweep.target_quants[group % space->study->sweep.n_target_quants];
}

/* Reads the row that st is at, of a group of the study. */
static int read_finding(struct store *s, sqlite3_stmt *st, const struct space *space, size_t group, struct finding *f, struct hx_err *err)
{
	int rc = store_finding(s, st, 2, space->size, f, err);

	if (!rc && !(of_group(space, f->best, group) && of_group(space, f->refused, group)))
		rc = findings_damaged(s, err);
	return rc;
}

int store_findings_read(struct store *s, int64_t sweep, const struct space *space, struct findings *findings, struct hx_err *err)
{
	const struct sweep *sw = &space->study->sweep;
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s,
			       "SELECT workload, target_quant, best, best_s, refused, refused_bytes, "
			       "(SELECT sum(feasible) FROM part WHERE sweep = ?1) FROM finding WHERE sweep = ?1",
			       &st, err);

	sqlite3_bind_int64(st, 1, sweep);
	while (store_next(s, st, &rc, err)) {
		int64_t w = sqlite3_column_int64(st, 0);
		const char *quant = (const char *)sqlite3_column_text(st, 1);

		findings->feasible = sqlite3_column_int64(st, 6);
		for (size_t q = 0; quant && q < sw->n_target_quants && !rc; q++) {
			size_t group = (size_t)w * sw->n_target_quants + q;

			if (w >= 0 && w < (int64_t)sw->n_workloads && strcmp(hx_type_names[sw->target_quants[q]], quant) == 0)
				rc = read_finding(s, st, space, group, &findings->v[group], err);
		}
	}
	sqlite3_finalize(st);
	return rc;
}
