/* The database. */
#include "store/store.h"

#include "base/text.h"
#include "store/schema.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUSY_MS = 60000,    /* another process may hold the write lock for a batch */
	FIRST_NUMBER = 15,  /* first parameter of a point's insertion that is a predict_columns row */
};

struct store {
	sqlite3 *db;
	char *path; /* cleaned, for messages */
	sqlite3_stmt *insert;
	int64_t *target_maps, **draft_maps; /* mapping ids of the sweep being written */
	size_t n_drafters;
};

const char *const store_columns[] = {"sweep", "id", "profile", "target", "target_quant", "target_map", "drafter", "draft_quant", "draft_map", "gamma",
				     "mode", "kv_cache", "temperature", "prompt", "generated", "acceptance", "feasible", "reason", "speedup", "tpot_s",
				     "ttft_s", "e2e_s", "speedup_e2e", "speedup_cpu", "speedup_same", "tokens_per_round", "round_s", "draft_s",
				     "verify_s", "transfer_s", "sync_s", "host_s", "memory_bytes", "energy_j_token", "quality", NULL};

/* ---- errors and statements ---- */

static int fail(struct store *s, struct hx_err *err)
{
	int code = sqlite3_errcode(s->db);
	const char *remedy = code == SQLITE_FULL	? "; free some space and run the command again"
			     : code == SQLITE_READONLY	? "; --db names another file"
			     : code == SQLITE_BUSY	? "; another process has held it for a minute"
			     : code == SQLITE_CORRUPT	? "; 'sqlite3 FILE .recover' may save rows"
							: "";

	if (code == SQLITE_NOTADB)
		return hx_err_set(err, HX_INPUT, "'%s' is not a hexplore database", s->path);
	return hx_err_set(err, HX_IO, "database '%s': %s%s", s->path, sqlite3_errmsg(s->db), remedy);
}

static int execute(struct store *s, const char *sql, struct hx_err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? HX_OK : fail(s, err);
}

static int prepare(struct store *s, const char *sql, sqlite3_stmt **st, struct hx_err *err)
{
	return sqlite3_prepare_v2(s->db, sql, -1, st, NULL) == SQLITE_OK ? HX_OK : fail(s, err);
}

/* Runs a statement that returns no rows, and readies it for the next time. */
static int finish(struct store *s, sqlite3_stmt *st, struct hx_err *err)
{
	int rc = sqlite3_step(st) == SQLITE_DONE ? HX_OK : fail(s, err);

	sqlite3_reset(st);
	return rc;
}

static void bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

/* NAN becomes NULL, as SQLite has it. */
static void bind_number(sqlite3_stmt *st, int i, double v)
{
	sqlite3_bind_double(st, i, v);
}

/* The single integer of a query, or `missing` when it has no row. */
static int64_t integer(struct store *s, const char *sql, int64_t missing)
{
	sqlite3_stmt *st = NULL;
	int64_t v = missing;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* ---- opening ---- */

static int create_schema(struct store *s, struct hx_err *err)
{
	char stamp[96];
	int rc = execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	/* another process may have been first */
	if (integer(s, "PRAGMA application_id", 0) == SCHEMA_APPLICATION)
		return execute(s, "COMMIT", err);
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION, SCHEMA_VERSION);
	if ((rc = execute(s, schema_sql, err)) || (rc = execute(s, stamp, err)) || (rc = execute(s, "COMMIT", err)))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int check_identity(struct store *s, enum store_access access, struct hx_err *err)
{
	int64_t application, version, tables;

	if (sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, err);
	application = integer(s, "PRAGMA application_id", 0);
	version = integer(s, "PRAGMA user_version", 0);
	tables = integer(s, "SELECT count(*) FROM sqlite_schema", 0);
	if (application == SCHEMA_APPLICATION && version > SCHEMA_VERSION)
		return hx_err_set(err, HX_INPUT, "database '%s' is of a newer hexplore (schema %d, this one knows %d)", s->path, (int)version, SCHEMA_VERSION);
	if (application == SCHEMA_APPLICATION)
		return HX_OK;
	if (tables > 0 || application != 0)
		return hx_err_set(err, HX_INPUT, "'%s' is a database of another application; --db names another file", s->path);
	if (access == STORE_READ)
		return hx_err_set(err, HX_INPUT, "database '%s' is empty; run 'hexplore sweep' first", s->path);
	return create_schema(s, err);
}

/* Creates the folder of a file, one level. */
static void make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (!slash || slash == path)
		return;
	dir = hx_xasprintf("%.*s", (int)(slash - path), path);
	mkdir(dir, 0777); /* if it fails, opening the file says why */
	free(dir);
}

/* `file:PATH?immutable=1`: SQLite writes beside a WAL database even to read it, which a read-only folder forbids. */
static char *immutable_uri(const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *uri = hx_xmalloc(3 * strlen(path) + 32), *to = uri + sprintf(uri, "file:");

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (isalnum(c) || strchr("/._-", c)) {
			*to++ = (char)c;
		} else {
			*to++ = '%';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		}
	}
	strcpy(to, "?immutable=1");
	return uri;
}

/* Whether nobody like us can be writing: the folder is closed, and no journal is left. */
static bool at_rest(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? hx_xasprintf("%.*s", (int)(slash - path) + 1, path) : hx_xstrdup("."), *wal = hx_xasprintf("%s-wal", path);
	bool rest = access(dir, W_OK) != 0 && access(wal, F_OK) != 0;

	free(dir);
	free(wal);
	return rest;
}

static int open_file(struct store *s, const char *path, enum store_access access)
{
	char *uri;
	int code;

	if (access == STORE_WRITE)
		return sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (!at_rest(path))
		return sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY, NULL);
	uri = immutable_uri(path);
	code = sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	free(uri);
	return code;
}

int store_open(struct store **out, const char *path, enum store_access access, struct hx_err *err)
{
	struct store *s = hx_xcalloc(1, sizeof(*s));
	char shown[512];
	struct stat st;
	int rc = HX_OK;

	*out = NULL;
	s->path = hx_xstrdup(text_clean(shown, sizeof(shown), path));
	if (access == STORE_WRITE)
		make_folder(path);
	else if (stat(path, &st) != 0 && errno == ENOENT)
		rc = hx_err_set(err, HX_INPUT, "no database '%s'; run 'hexplore sweep' first, or name one with --db", s->path);
	if (!rc && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		rc = hx_err_set(err, HX_INPUT, "'%s' is not a regular file; --db names the database", s->path);
	if (!rc && open_file(s, path, access) != SQLITE_OK)
		rc = hx_err_set(err, HX_IO, "cannot open database '%s': %s%s", s->path,
				sqlite3_system_errno(s->db) ? strerror(sqlite3_system_errno(s->db)) : sqlite3_errmsg(s->db),
				sqlite3_system_errno(s->db) == ENOENT ? "; create its folder first" : "");
	if (!rc) {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		rc = check_identity(s, access, err);
	}
	if (!rc)
		rc = execute(s, "PRAGMA foreign_keys = ON", err);
	if (!rc && access == STORE_WRITE)
		rc = execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", err);
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

static void forget_maps(struct store *s)
{
	for (size_t d = 0; s->draft_maps && d < s->n_drafters; d++)
		free(s->draft_maps[d]);
	free(s->draft_maps);
	free(s->target_maps);
	s->draft_maps = NULL;
	s->target_maps = NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	forget_maps(s);
	sqlite3_finalize(s->insert);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

/* ---- writing a sweep ---- */

/* Runs insert (a statement with parameters bound), then select with the same parameters, for the id of a row that may exist. */
static int intern(struct store *s, const char *insert, const char *select, const char *a, const char *b, size_t b_len, int64_t *id, struct hx_err *err)
{
	const char *sql[2] = {insert, select};
	int rc = HX_OK;

	for (int i = 0; i < 2 && !rc; i++) {
		sqlite3_stmt *st = NULL;
		int step;

		if ((rc = prepare(s, sql[i], &st, err)))
			break;
		bind_text(st, 1, a);
		if (b)
			sqlite3_bind_text(st, 2, b, (int)b_len, SQLITE_STATIC);
		step = sqlite3_step(st);
		if (step == SQLITE_ROW)
			*id = sqlite3_column_int64(st, 0);
		else if (step != SQLITE_DONE)
			rc = fail(s, err);
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
	int64_t id;
	int rc = intern(s, "INSERT OR IGNORE INTO input (kind, text) VALUES (?1, ?2)", "SELECT id FROM input WHERE kind = ?1 AND text = ?2",
			input_kinds[in->kind], in->text, in->len, &id, err);

	if (rc || (rc = prepare(s, "INSERT INTO sweep_input (sweep, input, name, path) VALUES (?, ?, ?, ?)", &st, err)))
		return rc;
	sqlite3_bind_int64(st, 1, sweep);
	sqlite3_bind_int64(st, 2, id);
	bind_text(st, 3, in->name);
	bind_text(st, 4, in->path);
	rc = finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

static int add_sweep(struct store *s, struct store_sweep *sweep, const struct study *study, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = prepare(s,
			 "INSERT INTO sweep (created, version, profile, sweep, target, model, temperature, kv_cache, acceptance, costs, keep, size, done) "
			 "VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
			 &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, HX_VERSION);
	bind_text(st, 2, sweep->profile);
	bind_text(st, 3, sweep->sweep);
	bind_text(st, 4, study->target.name);
	bind_text(st, 5, sweep_models[study->sweep.model]);
	bind_number(st, 6, study->sweep.temperature);
	sqlite3_bind_int(st, 7, study->sweep.kv_cache);
	bind_text(st, 8, sweep->acceptance);
	bind_text(st, 9, sweep->costs);
	bind_text(st, 10, sweep->keep);
	sqlite3_bind_int64(st, 11, sweep->size);
	rc = finish(s, st, err);
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
	return prepare(s, sql, &s->insert, err);
}

int store_sweep_create(struct store *s, struct store_sweep *sweep, const struct inputs *in, const struct space *space, struct hx_err *err)
{
	const struct study *study = space->study;
	int rc = execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	/* of the sweep written before */
	forget_maps(s);
	sqlite3_finalize(s->insert);
	s->insert = NULL;
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
		rc = execute(s, "COMMIT", err);
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

	sqlite3_clear_bindings(ins);
	sqlite3_bind_int64(ins, 1, sweep->id);
	sqlite3_bind_int64(ins, 2, pt->index + 1);
	bind_text(ins, 3, hx_type_names[pt->target_type]);
	sqlite3_bind_int64(ins, 4, s->target_maps[pt->target_map]);
	if (pt->drafter >= 0) {
		bind_text(ins, 5, st->drafters[pt->drafter].name);
		bind_text(ins, 9, hx_modes[pt->mode]);
	}
	if (pt->draft_map >= 0) {
		bind_text(ins, 6, hx_type_names[pt->draft_type]);
		sqlite3_bind_int64(ins, 7, s->draft_maps[pt->drafter][pt->draft_map]);
	}
	sqlite3_bind_int(ins, 8, pt->gamma);
	sqlite3_bind_int(ins, 10, w->prompt);
	sqlite3_bind_int(ins, 11, w->generated);
	if (pr->acceptance >= 0) {
		accept_text(&st->sweep.acceptance[pr->acceptance], acceptance, size);
		bind_text(ins, 12, acceptance);
	}
	sqlite3_bind_int(ins, 13, pr->feasible);
	if (!pr->feasible)
		bind_text(ins, 14, pr->reason);
	for (int i = 0; i < PREDICT_COLUMNS; i++)
		bind_number(ins, FIRST_NUMBER + i, *(const double *)((const char *)pr + predict_columns[i].at));
}

static int set_done(struct store *s, const struct store_sweep *sweep, int64_t done, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = prepare(s, "UPDATE sweep SET done = ?2 WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, sweep->id);
	sqlite3_bind_int64(st, 2, done);
	rc = finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

int store_points(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct point *points,
		 const struct prediction *predictions, size_t n, int64_t done, struct hx_err *err)
{
	char acceptance[256];
	int rc = execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		bind_point(s, sweep, p, &points[i], &predictions[i], acceptance, sizeof(acceptance));
		rc = finish(s, s->insert, err);
	}
	if (!rc)
		rc = set_done(s, sweep, done, err);
	if (!rc)
		rc = execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* ---- reading ---- */

static char *column_text(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? hx_xstrdup(text) : NULL;
}

static int read_inputs(struct store *s, int64_t sweep, struct inputs *in, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int step, rc = prepare(s, "SELECT i.kind, u.name, u.path, i.text FROM sweep_input u JOIN input i ON i.id = u.input WHERE u.sweep = ?", &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, sweep);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const char *kind = (const char *)sqlite3_column_text(st, 0), *name = (const char *)sqlite3_column_text(st, 1);
		const char *path = (const char *)sqlite3_column_text(st, 2), *text = (const char *)sqlite3_column_text(st, 3);

		for (int k = 0; kind && name && path && text && k < INPUT_KINDS; k++)
			if (strcmp(input_kinds[k], kind) == 0)
				input_add(in, (enum input_kind)k, name, path, text, (size_t)sqlite3_column_bytes(st, 3));
	}
	if (step != SQLITE_DONE)
		rc = fail(s, err);
	sqlite3_finalize(st);
	in->sealed = true;
	return rc;
}

int store_sweep_read(struct store *s, int64_t id, struct store_sweep *sweep, struct inputs *in, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int step, rc = prepare(s,
			       "SELECT id, profile, sweep, acceptance, costs, keep, size, done FROM sweep WHERE ?1 = 0 OR id = ?1 "
			       "ORDER BY id DESC LIMIT 1",
			       &st, err);

	*sweep = (struct store_sweep){0};
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, id);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		*sweep = (struct store_sweep){sqlite3_column_int64(st, 0), column_text(st, 1), column_text(st, 2), column_text(st, 3),
					      column_text(st, 4), column_text(st, 5), sqlite3_column_int64(st, 6), sqlite3_column_int64(st, 7)};
	else if (step != SQLITE_DONE)
		rc = fail(s, err);
	else if (id)
		rc = hx_err_set(err, HX_INPUT, "database '%s' has no sweep %lld", s->path, (long long)id);
	else
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

/* The text of a query. Names and operators come from fixed lists; every value is a parameter. */
static int query_sql(const struct store_query *q, char *sql, size_t size, struct hx_err *err)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">=", NULL};
	size_t n = (size_t)snprintf(sql, size, "SELECT ");

	for (int i = 0; i < q->n_columns && n < size; i++) {
		if (!known(store_columns, q->columns[i]))
			goto unknown;
		n += (size_t)snprintf(sql + n, size - n, "%s%s", i ? ", " : "", q->columns[i]);
	}
	n += (size_t)snprintf(sql + n, size - n, " FROM prediction WHERE sweep = ?1%s", q->infeasible ? "" : " AND feasible");
	for (int i = 0; i < q->n_filters && n < size; i++) {
		const struct store_filter *f = &q->filters[i];

		if (!known(store_columns, f->column) || !known(ops, f->op))
			goto unknown;
		n += (size_t)snprintf(sql + n, size - n, " AND %s %s ?%d", f->column, f->op, i + 2);
	}
	if (q->order && !known(store_columns, q->order))
		goto unknown;
	if (q->order)
		n += (size_t)snprintf(sql + n, size - n, " ORDER BY %s IS NULL, %s%s, id", q->order, q->order, q->descending ? " DESC" : "");
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
	int step = SQLITE_ROW, rc = query_sql(q, sql, sizeof(sql), err);

	if (rc || (rc = prepare(s, sql, &st, err)))
		goto out;
	sqlite3_bind_int64(st, 1, q->sweep);
	for (int i = 0; i < q->n_filters; i++) {
		if (q->filters[i].text)
			bind_text(st, i + 2, q->filters[i].text);
		else
			bind_number(st, i + 2, q->filters[i].number);
	}
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < q->n_columns; i++) {
			int type = sqlite3_column_type(st, i);

			values[i].text = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(st, i) : NULL;
			values[i].number = type == SQLITE_NULL || type == SQLITE_TEXT ? NAN : sqlite3_column_double(st, i);
		}
		rc = row(arg, values);
	}
	if (!rc && step != SQLITE_DONE)
		rc = fail(s, err);
out:
	sqlite3_finalize(st);
	free(values);
	return rc;
}
