/* What the files of this room share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct store {
	sqlite3 *db;
	char *path; /* cleaned, for messages */
	sqlite3_stmt *insert;
	int64_t *target_maps, **draft_maps; /* mapping ids of the sweep being written */
	size_t n_drafters;
};

/* HX_IO (HX_INPUT: not a database) with what SQLite says of the last call, and a remedy where there is one. */
int store_fail(struct store *s, struct hx_err *err);

int store_execute(struct store *s, const char *sql, struct hx_err *err);
int store_prepare(struct store *s, const char *sql, sqlite3_stmt **st, struct hx_err *err);

/* Runs a statement that returns no rows, and readies it for the next time. */
int store_finish(struct store *s, sqlite3_stmt *st, struct hx_err *err);

/* Binds a text that outlives the statement's run; NULL binds NULL. */
void store_bind_text(sqlite3_stmt *st, int i, const char *text);

/* Frees what the sweep written before needed. */
void store_forget_sweep(struct store *s);

#endif
