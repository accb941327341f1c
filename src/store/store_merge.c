/* Joining databases: of the shards of a sweep, of several devices. */
#include "store/internal.h"

#include "base/text.h"
#include "core/pareto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One sweep on its way. */
struct move {
	struct store *into, *from;
	struct store_sweep sweep; /* as it is in from */
	struct inputs in;
	struct store_part *parts; /* of it, by ascending first */
	size_t n_parts;
	int64_t id; /* in into */
	struct hx_err *err;
};

static const char *who(const struct move *m)
{
	return m->from->path;
}

/* ---- parts ---- */

/* Whether all that b has done is among what a has, and a goes at least as far. */
static bool covers(const struct store_part *a, const struct store_part *b)
{
	return a->first <= b->first && a->last >= b->last && a->done >= b->done;
}

static int add_part(struct move *m, const struct store_part *part, const struct store_part *had, size_t n)
{
	int rc = HX_OK;

	for (size_t i = 0; i < n; i++)
		if (covers(&had[i], part))
			return HX_OK;
	for (size_t i = 0; i < n && !rc; i++) {
		if (covers(part, &had[i]))
			rc = store_run(m->into, m->err, "DELETE FROM part WHERE sweep = ? AND first = ?", "ii", m->id, had[i].first);
		else if (part->first < had[i].last && had[i].first < part->last)
			rc = hx_err_set(m->err, HX_INPUT,
					"'%s' holds points %lld to %lld of sweep '%.64s' on '%.64s', '%s' those from %lld to %lld: parts of one sweep "
					"must be cut alike",
					who(m), (long long)part->first + 1, (long long)part->last, m->sweep.sweep, m->sweep.profile, m->into->path,
					(long long)had[i].first + 1, (long long)had[i].last);
	}
	return rc ? rc : store_add_part(m->into, m->id, part, m->err);
}

static int move_parts(struct move *m)
{
	struct store_part *had = NULL;
	size_t n_had = 0;
	int rc = store_parts_read(m->from, m->sweep.id, &m->parts, &m->n_parts, m->err);

	if (!rc)
		rc = store_parts_read(m->into, m->id, &had, &n_had, m->err);
	for (size_t i = 0; i < m->n_parts && !rc; i++)
		rc = add_part(m, &m->parts[i], had, n_had);
	free(had);
	return rc;
}

/* ---- findings ---- */

static int move_finding(struct move *m, int64_t workload, const char *quant, struct finding f)
{
	sqlite3_stmt *st = NULL;
	struct finding had;
	int rc = store_prepare(m->into, "SELECT best, best_s, refused, refused_bytes FROM finding WHERE sweep = ? AND workload = ? AND target_quant = ?", &st,
			       m->err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, m->id);
	sqlite3_bind_int64(st, 2, workload);
	store_bind_text(st, 3, quant);
	if (store_next(m->into, st, &rc, m->err) && !(rc = store_finding(m->into, st, 0, m->sweep.size, &had, m->err)))
		findings_join_one(&f, &had);
	sqlite3_finalize(st);
	return rc ? rc : store_set_finding(m->into, m->id, workload, quant, &f, m->err);
}

static int move_findings(struct move *m)
{
	sqlite3_stmt *st = NULL;
	struct finding f;
	int rc = store_prepare(m->from, "SELECT workload, target_quant, best, best_s, refused, refused_bytes FROM finding WHERE sweep = ?", &st, m->err);

	sqlite3_bind_int64(st, 1, m->sweep.id);
	while (store_next(m->from, st, &rc, m->err))
		if (!(rc = store_finding(m->from, st, 2, m->sweep.size, &f, m->err)))
			rc = move_finding(m, sqlite3_column_int64(st, 0), (const char *)sqlite3_column_text(st, 1), f);
	sqlite3_finalize(st);
	return rc;
}

/* ---- rows ---- */

/* Ids of one mapping in both databases. */
struct twin {
	int64_t from, into;
};

static int by_from(const void *pa, const void *pb)
{
	const struct twin *a = pa, *b = pb;

	return (a->from > b->from) - (a->from < b->from);
}

static int move_mappings(struct move *m, struct twin **twins, size_t *n)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(m->from, "SELECT id, text FROM mapping ORDER BY id", &st, m->err);

	*twins = NULL;
	*n = 0;
	while (store_next(m->from, st, &rc, m->err)) {
		if ((*n & (*n - 1)) == 0) /* powers of two: space for as many again */
			*twins = hx_xrealloc(*twins, *n ? 2 * *n : 1, sizeof(**twins));
		(*twins)[*n].from = sqlite3_column_int64(st, 0);
		rc = store_intern_mapping(m->into, (const char *)sqlite3_column_text(st, 1), &(*twins)[(*n)++].into, m->err);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Whether one of the parts, from *at on, has computed point `id`; ids ascend. */
static bool computed(const struct move *m, size_t *at, int64_t id)
{
	while (*at < m->n_parts && id > m->parts[*at].last)
		++*at;
	return *at < m->n_parts && id > m->parts[*at].first && id <= m->parts[*at].done;
}

/* Copies the row that `row` is at. */
static int move_row(struct move *m, sqlite3_stmt *row, sqlite3_stmt *insert, const struct twin *twins, size_t n)
{
	for (int i = 0; i < sqlite3_column_count(row); i++) {
		const char *name = sqlite3_column_name(row, i);

		if (strcmp(name, "sweep") == 0) {
			sqlite3_bind_int64(insert, i + 1, m->id);
		} else if ((strcmp(name, "target_map") == 0 || strcmp(name, "draft_map") == 0) && sqlite3_column_type(row, i) != SQLITE_NULL) {
			struct twin key = {sqlite3_column_int64(row, i), 0};
			const struct twin *t = bsearch(&key, twins, n, sizeof(*twins), by_from);

			if (!t)
				return hx_err_set(m->err, HX_INPUT, "'%s' is damaged: a point has mapping %lld, which is not there", who(m), (long long)key.from);
			sqlite3_bind_int64(insert, i + 1, t->into);
		} else {
			sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
		}
	}
	return store_finish(m->into, insert, m->err);
}

static int move_points(struct move *m)
{
	sqlite3_stmt *row = NULL, *insert = NULL;
	struct twin *twins = NULL;
	size_t n, at, part = 0;
	int n_columns;
	char sql[1024] = "INSERT OR IGNORE INTO point (";
	int rc = move_mappings(m, &twins, &n);

	if (rc || (rc = store_prepare(m->from, "SELECT * FROM point WHERE sweep = ? ORDER BY id", &row, m->err)))
		goto out;
	at = strlen(sql);
	n_columns = sqlite3_column_count(row); /* an older file has fewer */
	for (int i = 0; i < n_columns; i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s%s", i ? ", " : "", sqlite3_column_name(row, i));
	at += (size_t)snprintf(sql + at, sizeof(sql) - at, ") VALUES (?");
	for (int i = 1; i < n_columns; i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, ", ?");
	snprintf(sql + at, sizeof(sql) - at, ")");
	sqlite3_bind_int64(row, 1, m->sweep.id);
	rc = store_prepare(m->into, sql, &insert, m->err);
	while (store_next(m->from, row, &rc, m->err)) {
		int64_t id = sqlite3_column_int64(row, 1);

		if (!computed(m, &part, id))
			rc = hx_err_set(m->err, HX_INPUT, "'%s' is damaged: sweep %lld has point %lld, which no part of it has computed", who(m),
					(long long)m->sweep.id, (long long)id);
		else
			rc = move_row(m, row, insert, twins, n);
	}
out:
	sqlite3_finalize(row);
	sqlite3_finalize(insert);
	free(twins);
	return rc;
}

/* ---- keeping what the sweep keeps ---- */

static int keep_top(struct move *m, int top)
{
	static const char sql[] = "DELETE FROM point WHERE sweep = ?1 AND id NOT IN "
				  "(SELECT id FROM point WHERE sweep = ?1 ORDER BY speedup DESC, id LIMIT ?2)";

	return store_run(m->into, m->err, sql, "ii", m->id, (int64_t)top);
}

/* Rows with the values of the objectives, ascending by id. */
struct front {
	int64_t *id;
	double *v;
	size_t n;
};

static int read_front(struct move *m, const struct sweep *sw, struct front *f)
{
	static const int at[] = {[OBJECTIVE_LATENCY] = 1, [OBJECTIVE_ENERGY] = 2, [OBJECTIVE_MEMORY] = 3};
	size_t k = sw->n_objectives;
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(m->into, "SELECT id, tpot_s, energy_j_token, memory_bytes FROM point WHERE sweep = ? ORDER BY id", &st, m->err);

	sqlite3_bind_int64(st, 1, m->id);
	while (store_next(m->into, st, &rc, m->err)) {
		if ((f->n & (f->n - 1)) == 0) {
			f->id = hx_xrealloc(f->id, f->n ? 2 * f->n : 1, sizeof(*f->id));
			f->v = hx_xrealloc(f->v, (f->n ? 2 * f->n : 1) * k, sizeof(*f->v));
		}
		f->id[f->n] = sqlite3_column_int64(st, 0);
		for (size_t o = 0; o < k; o++)
			f->v[f->n * k + o] = store_number(st, at[sw->objectives[o]]);
		f->n++;
	}
	sqlite3_finalize(st);
	return rc;
}

static int keep_front(struct move *m, const struct sweep *sw)
{
	struct front f = {0};
	unsigned char *stays;
	sqlite3_stmt *st = NULL;
	int rc = read_front(m, sw, &f);

	stays = hx_xcalloc(f.n + 1, 1);
	if (!rc)
		pareto_front(f.v, f.n, (int)sw->n_objectives, stays);
	if (!rc)
		rc = store_prepare(m->into, "DELETE FROM point WHERE sweep = ? AND id = ?", &st, m->err);
	for (size_t i = 0; i < f.n && !rc; i++)
		if (!stays[i]) {
			sqlite3_bind_int64(st, 1, m->id);
			sqlite3_bind_int64(st, 2, f.id[i]);
			rc = store_finish(m->into, st, m->err);
		}
	sqlite3_finalize(st);
	free(stays);
	free(f.id);
	free(f.v);
	return rc;
}

static int keep_what_is_kept(struct move *m)
{
	const struct input *file = NULL;
	struct sweep sw;
	enum keep keep;
	int top, rc;

	for (size_t i = 0; i < m->in.n; i++)
		if (m->in.items[i]->kind == INPUT_SWEEP)
			file = m->in.items[i];
	if (!file)
		return hx_err_set(m->err, HX_INPUT, "'%s' is damaged: sweep %lld has no text", who(m), (long long)m->sweep.id);
	if ((rc = sweep_parse(&sw, file->text, file->len, file->path, m->err)))
		return rc;
	rc = sweep_keep(m->sweep.keep ? m->sweep.keep : sw.keep, &keep, &top, m->err);
	if (!rc && keep == KEEP_TOP)
		rc = keep_top(m, top);
	else if (!rc && keep == KEEP_PARETO)
		rc = keep_front(m, &sw);
	sweep_free(&sw);
	return rc;
}

/* ---- sweeps ---- */

/* The row of table sweep as it was. */
static int add_sweep(struct move *m)
{
	sqlite3_stmt *st = NULL;
	struct store_sweep sweep = m->sweep;
	int rc = store_prepare(m->from, "SELECT created, target, model, temperature, kv_cache FROM sweep WHERE id = ?", &st, m->err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, m->sweep.id);
	if (sqlite3_step(st) != SQLITE_ROW)
		rc = store_fail(m->from, m->err);
	else
		rc = store_add_sweep(m->into, &sweep, (const char *)sqlite3_column_text(st, 0), (const char *)sqlite3_column_text(st, 1),
				     (const char *)sqlite3_column_text(st, 2), sqlite3_column_double(st, 3), sqlite3_column_int(st, 4), &m->in, m->err);
	m->id = sweep.id;
	sqlite3_finalize(st);
	return rc;
}

static int move_sweep(struct move *m)
{
	int rc = store_sweep_same(m->into, &m->sweep, &m->in, NULL, &m->id, m->err);

	if (!rc && !m->id)
		rc = add_sweep(m);
	if (rc || (rc = move_parts(m)) || (rc = move_findings(m)) || (rc = move_points(m)))
		return rc;
	return keep_what_is_kept(m);
}

static int by_number(const void *pa, const void *pb)
{
	const int64_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* Sweeps of `into` that were joined, and which of the files was the first that had one. */
struct touched {
	int64_t *id;
	size_t *path;
	size_t n;
};

static void touch(struct touched *t, int64_t id, size_t path)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->id[i] == id)
			return;
	t->id = hx_xrealloc(t->id, t->n + 1, sizeof(*t->id));
	t->path = hx_xrealloc(t->path, t->n + 1, sizeof(*t->path));
	t->id[t->n] = id;
	t->path[t->n++] = path;
}

static int move_all(struct store *into, struct store *from, size_t path, struct touched *t, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(from, "SELECT id FROM sweep ORDER BY id", &st, err);

	while (store_next(from, st, &rc, err)) {
		struct move m = {.into = into, .from = from, .err = err};

		rc = store_sweep_read(from, sqlite3_column_int64(st, 0), &m.sweep, &m.in, err);
		if (!rc)
			rc = move_sweep(&m);
		if (!rc)
			touch(t, m.id, path);
		free(m.parts);
		store_sweep_free(&m.sweep);
		inputs_free(&m.in);
	}
	sqlite3_finalize(st);
	return rc;
}

/* ---- what does not belong together ---- */

/* Whether a sweep waits for other parts. */
static int lacks_parts(struct store *s, int64_t id, bool *lacks, struct hx_err *err)
{
	struct store_part *parts = NULL;
	struct store_sweep sweep;
	int64_t done = 0;
	bool cut = false;
	size_t n = 0;
	int rc = store_sweep_read(s, id, &sweep, NULL, err);

	if (rc)
		return rc;
	rc = store_parts_read(s, id, &parts, &n, err);
	for (size_t i = 0; i < n && !rc; i++) {
		done += parts[i].done - parts[i].first;
		cut |= parts[i].first > 0 || parts[i].last < sweep.size;
	}
	*lacks = cut && done < sweep.size;
	free(parts);
	store_sweep_free(&sweep);
	return rc;
}

/* Says in what two sweeps that were asked for alike differ. path: where the first came from. */
static int differ(struct store *s, int64_t id, const char *path, int64_t other, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	struct store_sweep a, b;
	struct inputs in = {0};
	const struct input *odd = NULL;
	int rc = store_sweep_read(s, id, &a, &in, err);

	if (rc)
		return rc;
	if ((rc = store_sweep_read(s, other, &b, NULL, err)))
		goto out;
	if (strcmp(a.version, b.version) != 0) {
		rc = hx_err_set(err, HX_INPUT, "'%s' holds a part of sweep '%.64s' on '%.64s' computed by hexplore %.32s; another part is of %.32s", path,
				a.sweep, a.profile, a.version, b.version);
		goto out;
	}
	rc = store_prepare(s, "SELECT 1 FROM sweep_input u JOIN input i ON i.id = u.input WHERE u.sweep = ? AND i.kind = ? AND i.text = ?", &st, err);
	for (size_t i = 0; i < in.n && !odd && !rc; i++) {
		sqlite3_bind_int64(st, 1, other);
		store_bind_text(st, 2, input_kinds[in.items[i]->kind]);
		sqlite3_bind_text(st, 3, in.items[i]->text, (int)in.items[i]->len, SQLITE_STATIC);
		if (!store_next(s, st, &rc, err))
			odd = in.items[i];
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	if (!rc)
		rc = hx_err_set(err, HX_INPUT, "'%s' holds a part of sweep '%.64s' on '%.64s' with another %s '%.64s' than other parts; was it edited in between?",
				path, a.sweep, a.profile, odd ? input_kinds[odd->kind] : "list of inputs", odd ? odd->name : "");
out:
	store_sweep_free(&b);
	store_sweep_free(&a);
	inputs_free(&in);
	return rc;
}

/* Two sweeps of one command that both wait for parts: a file was edited between the parts, and each would wait for ever. One that is whole is
 * of an earlier run. path: where the sweep came from. */
static int check_mixture(struct store *s, int64_t id, const char *path, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	bool lacks, other = false;
	int rc = lacks_parts(s, id, &lacks, err);

	if (rc || !lacks)
		return rc;
	rc = store_prepare(s,
			   "SELECT b.id FROM sweep a JOIN sweep b ON b.profile = a.profile AND b.sweep = a.sweep AND b.acceptance IS a.acceptance "
			   "AND b.costs IS a.costs AND b.keep IS a.keep AND b.id <> a.id WHERE a.id = ? ORDER BY b.id",
			   &st, err);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, id);
	while (!other && store_next(s, st, &rc, err)) {
		rc = lacks_parts(s, sqlite3_column_int64(st, 0), &other, err);
		if (!rc && other)
			rc = differ(s, id, path, sqlite3_column_int64(st, 0), err);
	}
	sqlite3_finalize(st);
	return rc;
}

int store_merge(struct store *into, char *const *paths, size_t n, int64_t **touched, size_t *n_touched, struct hx_err *err)
{
	char shown[512];
	struct touched t = {0};
	int rc = store_execute(into, "BEGIN IMMEDIATE", err);

	*touched = NULL;
	*n_touched = 0;
	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		struct store *from;

		if ((rc = store_open(&from, paths[i], STORE_READ, err)))
			break;
		/* of one moment: a sweep may be writing it */
		if (!(rc = store_execute(from, "BEGIN", err)) && !(rc = store_check(from, "nothing is joined", err)))
			rc = move_all(into, from, i, &t, err);
		store_close(from);
	}
	for (size_t i = t.n; i-- > 0 && !rc;)
		rc = check_mixture(into, t.id[i], text_clean(shown, sizeof(shown), paths[t.path[i]]), err);
	if (!rc)
		rc = store_execute(into, "COMMIT", err);
	if (rc)
		sqlite3_exec(into->db, "ROLLBACK", NULL, NULL, NULL);
	if (t.n)
		qsort(t.id, t.n, sizeof(*t.id), by_number);
	*touched = t.id;
	*n_touched = t.n;
	free(t.path);
	return rc;
}
