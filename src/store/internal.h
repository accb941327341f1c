/* What the files of this room share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct store {
	sqlite3 *db;
	char *path; /* cleaned, for messages */
	int version; /* of its schema; one that is only read may be older than SCHEMA_VERSION */
	sqlite3_stmt *insert;
	int64_t *target_maps, **draft_maps; /* mapping ids of the sweep being written */
	char **acceptance; /* its sources in words */
	size_t n_drafters, n_acceptance;
};

/* HX_IO (HX_INPUT: not a database) with what SQLite says of the last call, and a remedy where there is one. */
int store_fail(struct store *s, struct hx_err *err);

int store_execute(struct store *s, const char *sql, struct hx_err *err);
int store_prepare(struct store *s, const char *sql, sqlite3_stmt **st, struct hx_err *err);

/* Runs SQL that returns no rows, with a value for every parameter: types has a letter for each, i for an int64_t, d for a double (NAN: NULL), t for
 * a text (NULL: NULL). */
int store_run(struct store *s, struct hx_err *err, const char *sql, const char *types, ...);

/* Commits, or where rc says that something failed takes everything back. Returns rc, or what the commit fails with. */
int store_commit(struct store *s, int rc, struct hx_err *err);

/* HX_IO: damaged, so what `so` says follows. Reads all of the file, some 0.2 s for 100 MB. */
int store_check(struct store *s, const char *so, struct hx_err *err);

/* Whether a statement has a next row, which it is at then. None when *rc is not HX_OK; it is set where SQLite fails. */
bool store_next(struct store *s, sqlite3_stmt *st, int *rc, struct hx_err *err);

/* Runs a statement that returns no rows, and readies it for the next time. */
int store_finish(struct store *s, sqlite3_stmt *st, struct hx_err *err);

/* Binds a text that outlives the statement's run; NULL binds NULL. */
void store_bind_text(sqlite3_stmt *st, int i, const char *text);

/* Runs insert (INSERT OR IGNORE) then select with the same text parameters, b (NULL: none) having b_len bytes, for the id of a row that may
 * exist. */
int store_intern(struct store *s, const char *insert, const char *select, const char *a, const char *b, size_t b_len, int64_t *id, struct hx_err *err);
int store_intern_mapping(struct store *s, const char *text, int64_t *id, struct hx_err *err);

int store_add_part(struct store *s, int64_t sweep, const struct store_part *part, struct hx_err *err);
int store_set_finding(struct store *s, int64_t sweep, int64_t workload, const char *quant, const struct finding *f, struct hx_err *err);

/* A number of a row; NAN for NULL. */
double store_number(sqlite3_stmt *st, int i);

/* Reads the columns best, best_s, refused, refused_bytes from column i on. HX_INPUT: they cannot be those of a sweep of that size. */
int store_finding(struct store *s, sqlite3_stmt *st, int i, int64_t size, struct finding *f, struct hx_err *err);

/* Adds a row of table sweep with its inputs; sets id. */
int store_add_sweep(struct store *s, struct store_sweep *sweep, const char *created, const char *target, const char *model, double temperature,
		    bool kv_cache, const struct inputs *in, struct hx_err *err);

/* The latest sweep of the same inputs, changes, size and version; with `only` one that has that part first to last and no other. 0: none. */
int store_sweep_same(struct store *s, const struct store_sweep *sweep, const struct inputs *in, const struct store_part *only, int64_t *id,
		     struct hx_err *err);

/* HX_INPUT: somebody else has gone on with the sweep. */
int store_another_process(const struct store *s, int64_t sweep, struct hx_err *err);

/* Frees what the sweep written before needed. */
void store_forget_sweep(struct store *s);

#endif
