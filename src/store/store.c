/* The database: opening it, and what went wrong. */
#include "store/internal.h"

#include "base/text.h"
#include "store/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 60000 /* another process may hold the write lock for a batch */, MOST_CHECKED_BYTES = 1 << 30 };

/* ---- errors and statements ---- */

int store_fail(struct store *s, struct hx_err *err)
{
	int code = sqlite3_errcode(s->db);
	const char *remedy = code == SQLITE_FULL	? "; free some space and run the command again"
			     : code == SQLITE_READONLY	? "; --db names another file"
			     : code == SQLITE_BUSY	? "; another process has held it for a minute"
			     : code == SQLITE_IOERR	? "; is its disk full, or failing?"
			     : code == SQLITE_CORRUPT	? "; 'sqlite3 FILE .recover' may save rows"
							: "";

	if (code == SQLITE_NOTADB)
		return hx_err_set(err, HX_INPUT, "'%s' is not a hexplore database", s->path);
	return hx_err_set(err, HX_IO, "database '%s': %s%s", s->path, sqlite3_errmsg(s->db), remedy);
}

int store_execute(struct store *s, const char *sql, struct hx_err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? HX_OK : store_fail(s, err);
}

int store_prepare(struct store *s, const char *sql, sqlite3_stmt **st, struct hx_err *err)
{
	return sqlite3_prepare_v2(s->db, sql, -1, st, NULL) == SQLITE_OK ? HX_OK : store_fail(s, err);
}

bool store_next(struct store *s, sqlite3_stmt *st, int *rc, struct hx_err *err)
{
	int step = *rc ? SQLITE_DONE : sqlite3_step(st);

	if (step != SQLITE_ROW && step != SQLITE_DONE)
		*rc = store_fail(s, err);
	return step == SQLITE_ROW;
}

int store_finish(struct store *s, sqlite3_stmt *st, struct hx_err *err)
{
	int rc = sqlite3_step(st) == SQLITE_DONE ? HX_OK : store_fail(s, err);

	sqlite3_reset(st);
	return rc;
}

int store_run(struct store *s, struct hx_err *err, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, sql, &st, err);
	va_list ap;

	if (rc)
		return rc;
	va_start(ap, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(st, i + 1, va_arg(ap, int64_t));
		else if (types[i] == 'd')
			sqlite3_bind_double(st, i + 1, va_arg(ap, double)); /* which makes NAN NULL */
		else
			store_bind_text(st, i + 1, va_arg(ap, const char *));
	}
	va_end(ap);
	rc = store_finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

void store_bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
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

/* Makes what the versions after `from` up to `to` brought. */
static int make_schema(struct store *s, int from, int to, struct hx_err *err)
{
	int rc = HX_OK;

	for (int v = from < SCHEMA_OLDEST ? SCHEMA_OLDEST : from + 1; v <= to && !rc; v++)
		rc = store_execute(s, schema_steps[v - SCHEMA_OLDEST], err);
	return rc;
}

/* Creates the schema, or brings it to the latest version. */
static int upgrade_schema(struct store *s, struct hx_err *err)
{
	char stamp[96];
	int version, rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	/* another process may have been first */
	version = integer(s, "PRAGMA application_id", 0) == SCHEMA_APPLICATION ? (int)integer(s, "PRAGMA user_version", 0) : 0;
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION, SCHEMA_VERSION);
	if (version < SCHEMA_VERSION && (rc = make_schema(s, version, SCHEMA_VERSION, err)) && version && sqlite3_errcode(s->db) == SQLITE_ERROR)
		rc = hx_err_set(err, HX_INPUT, "database '%s' is of an older hexplore and cannot be extended: %s; rename that, or --db names another file",
				s->path, sqlite3_errmsg(s->db)); /* something of the user's has the name of a new table */
	if (!rc && version < SCHEMA_VERSION)
		rc = store_execute(s, stamp, err);
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	else
		s->version = SCHEMA_VERSION;
	return rc;
}

/* A file that says it is ours may come from anywhere: a view or table that is not the schema's could compute anything, for ever. Other
 * objects, such as indexes that somebody added, are let be; triggers are off. */
static int check_schema(struct store *s, struct hx_err *err)
{
	static const char wanted_sql[] = "SELECT sql, name, type FROM sqlite_schema WHERE sql IS NOT NULL";
	static const char found_sql[] = "SELECT 1 FROM sqlite_schema WHERE sql = ?1";
	sqlite3_stmt *wanted = NULL, *found = NULL;
	struct store fresh = {.path = s->path};
	int rc = HX_OK;

	if (sqlite3_open(":memory:", &fresh.db) != SQLITE_OK)
		rc = store_fail(&fresh, err);
	if (rc || (rc = make_schema(&fresh, 0, s->version, err)) || (rc = store_prepare(&fresh, wanted_sql, &wanted, err)) ||
	    (rc = store_prepare(s, found_sql, &found, err)))
		goto out;
	while (store_next(&fresh, wanted, &rc, err)) {
		store_bind_text(found, 1, (const char *)sqlite3_column_text(wanted, 0));
		if (!store_next(s, found, &rc, err) && !rc)
			rc = hx_err_set(err, HX_INPUT, "'%s': the %s '%s' is not as hexplore makes it; --db names another file", s->path,
					(const char *)sqlite3_column_text(wanted, 2), (const char *)sqlite3_column_text(wanted, 1));
		sqlite3_reset(found);
	}
out:
	sqlite3_finalize(wanted);
	sqlite3_finalize(found);
	sqlite3_close(fresh.db);
	return rc;
}

int store_check(struct store *s, const char *so, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "PRAGMA quick_check(1)", &st, err);

	if (store_next(s, st, &rc, err) && strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		rc = hx_err_set(err, HX_IO, "database '%s' is damaged, so %s; 'sqlite3 FILE .recover' may save rows", s->path, so);
	sqlite3_finalize(st);
	return rc;
}

/* SQLite notices damage only where it comes across it. A free list that names a page in use, for one, it follows, and writes over what was
 * stored there. Its quick_check misses just that where the newest table is a view (3.40), so the views go while it runs. */
static int check_undamaged(struct store *s, struct hx_err *err)
{
	static const char drops[] = "SELECT group_concat(printf('DROP VIEW \"%w\"', name), ';') FROM sqlite_schema WHERE type = 'view'";
	sqlite3_stmt *views = NULL;
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	if ((rc = store_prepare(s, drops, &views, err)))
		goto out;
	if (sqlite3_step(views) != SQLITE_ROW)
		rc = store_fail(s, err);
	if (!rc)
		rc = store_execute(s, (const char *)sqlite3_column_text(views, 0), err);
	if (!rc)
		rc = store_check(s, "nothing is added to it", err);
out:
	sqlite3_finalize(views);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int check_identity(struct store *s, enum store_access access, struct hx_err *err)
{
	int64_t application, version, tables;
	int rc = HX_OK;

	/* of one moment: another process may be creating the schema, or bringing it to the latest version */
	if (sqlite3_exec(s->db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, err);
	application = integer(s, "PRAGMA application_id", 0);
	version = integer(s, "PRAGMA user_version", 0);
	tables = integer(s, "SELECT count(*) FROM sqlite_schema", 0);
	s->version = (int)version;
	if (application == SCHEMA_APPLICATION && version >= SCHEMA_OLDEST && version <= SCHEMA_VERSION)
		rc = check_schema(s, err);
	sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (application == SCHEMA_APPLICATION && version > SCHEMA_VERSION)
		return hx_err_set(err, HX_INPUT, "database '%s' is of a newer hexplore (schema %d, this one knows %d)", s->path, (int)version, SCHEMA_VERSION);
	if (application == SCHEMA_APPLICATION && version < SCHEMA_OLDEST)
		return hx_err_set(err, HX_INPUT, "database '%s' is of an older hexplore (schema %d, this one knows %d); sweep again into another with --db",
				  s->path, (int)version, SCHEMA_VERSION);
	if (application == SCHEMA_APPLICATION) {
		if (rc || access == STORE_READ)
			return rc;
		/* the check holds the write lock: of a file larger than this it could take longer than others wait */
		if (integer(s, "PRAGMA page_count", 0) * integer(s, "PRAGMA page_size", 0) <= MOST_CHECKED_BYTES && (rc = check_undamaged(s, err)))
			return rc;
		return s->version < SCHEMA_VERSION ? upgrade_schema(s, err) : HX_OK;
	}
	if (tables > 0 || application != 0)
		return hx_err_set(err, HX_INPUT, "'%s' is a database of another application; --db names another file", s->path);
	if (access == STORE_READ)
		return hx_err_set(err, HX_INPUT, "database '%s' is empty; run 'hexplore sweep' first", s->path);
	return upgrade_schema(s, err);
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

/* Whether nobody like us can be writing: the folder is closed, and no journal is left. An empty one is: readers leave it behind. */
static bool at_rest(const char *path)
{
	char *real = realpath(path, NULL), *wal, *slash; /* the journal lies beside the file, not beside a link to it */
	struct stat st;
	bool rest;

	if (!real)
		return false;
	wal = hx_xasprintf("%s-wal", real);
	slash = strrchr(real, '/');
	slash[slash == real] = '\0';
	rest = access(real, W_OK) != 0 && (stat(wal, &st) != 0 || st.st_size == 0);
	free(wal);
	free(real);
	return rest;
}

/* One thread at a time uses a store, so SQLite need not lock. */
static int open_file(struct store *s, const char *path, enum store_access access)
{
	char *uri;
	int code;

	if (access == STORE_WRITE)
		return sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!at_rest(path))
		return sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	uri = immutable_uri(path);
	code = sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	free(uri);
	return code;
}

/* As SQLite advises for files that others may have written: their SQL runs no function with effects, their triggers not at all, and SQL
 * cannot reach the file's format. */
static int distrust(struct store *s, struct hx_err *err)
{
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
	    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK)
		return store_fail(s, err);
	return store_execute(s, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON", err);
}

/* Of processes that switch a new file's journal at the same time, SQLite turns all but one away without waiting. */
static int use_wal(struct store *s, struct hx_err *err)
{
	static const char sql[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";

	for (int waited_ms = 0; waited_ms < BUSY_MS; waited_ms += sqlite3_sleep(10))
		if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_BUSY)
			break;
	return sqlite3_errcode(s->db) == SQLITE_OK ? HX_OK : store_fail(s, err);
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
		rc = distrust(s, err);
	}
	if (!rc)
		rc = check_identity(s, access, err);
	if (!rc && access == STORE_WRITE)
		rc = use_wal(s, err);
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_forget_sweep(s);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
