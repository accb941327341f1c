/* A database in a folder of its own, for tests of the store. */
#ifndef TESTS_TEMPDB_H
#define TESTS_TEMPDB_H

#include "check.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char tempdb_dir[256], tempdb_path[300];

static inline int tempdb_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(tempdb_dir, sizeof(tempdb_dir), "%.200s/hxstore.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(tempdb_dir))
		return -1;
	snprintf(tempdb_path, sizeof(tempdb_path), "%s/t.db", tempdb_dir);
	return 0;
}

static inline void tempdb_clear(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[320];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", tempdb_path, suffixes[i]);
		unlink(path);
	}
}

static inline int tempdb_leave(void **state)
{
	(void)state;
	tempdb_clear();
	return rmdir(tempdb_dir);
}

static inline struct store *tempdb_open(enum store_access access)
{
	struct store *s;
	struct hx_err err;

	if (store_open(&s, tempdb_path, access, &err))
		fail_msg("%s", err.msg);
	return s;
}

/* The first value of a statement run beside the store. */
static inline int64_t tempdb_ask(const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *raw = NULL;
	int64_t v;

	assert_int_equal(sqlite3_open(tempdb_path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &st, NULL), SQLITE_OK);
	v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	sqlite3_finalize(st);
	sqlite3_close(raw);
	return v;
}

/* Runs statements beside the store; creates the file when it is not there. */
static inline void tempdb_run_sql(const char *sql)
{
	sqlite3 *raw = NULL;

	assert_int_equal(sqlite3_open(tempdb_path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
}

#endif
