/* The database: every prediction with the inputs it came from. The only room that knows SQLite. Tables: hexplore-db(5). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/evaluate.h"
#include "core/spread.h"

struct store;

enum store_access { STORE_READ, STORE_WRITE /* created, with its folder, when it is not there */ };

/* Opens a database; one of an older version is read as it is, and brought to this version for writing. HX_INPUT: none there (for reading), another
 * application's, a newer version's, too old a one, not a database; HX_IO: cannot be read or written. Several processes may have it open. */
int store_open(struct store **out, const char *path, enum store_access access, struct hx_err *err);
void store_close(struct store *s);

/* What a stored sweep was, enough to load its study again. Strings are owned. */
struct store_sweep {
	int64_t id;
	char *version;         /* of the hexplore that predicted it */
	char *profile, *sweep; /* names as they were asked for */
	char *acceptance, *costs, *keep; /* changes from the command line, or NULL */
	int64_t size, done;    /* points in all; evaluated and committed */
	int parts;             /* more than one: merged */
	int64_t newest;        /* once read: the highest id there is */
};

/* The points [first, last) of a sweep that one process evaluates, in order; those before `done` are, of which so many are feasible. */
struct store_part {
	int64_t first, last, done, feasible;
};

/* Stores a new sweep with its inputs and mappings, none of its part done; sets id. only: HX_INPUT where there is the same with that part, which
 * another process has just begun. */
int store_sweep_create(struct store *s, struct store_sweep *sweep, const struct store_part *part, const struct inputs *in, const struct space *space,
		       bool only, struct hx_err *err);

/* Sets id to the latest sweep of the same inputs, changes, size and version that has the same part first to last and no other; 0: there is
 * none. Then also sets the part's done. */
int store_sweep_find(struct store *s, struct store_sweep *sweep, struct store_part *part, const struct inputs *in, struct hx_err *err);

/* The latest sweep of one part that is not done, 0: there is none. */
int store_sweep_unfinished(struct store *s, int64_t *id, struct store_part *part, struct hx_err *err);

/* Whether the rows of a sweep of one part are those that its progress says: all up to done, or some of them. HX_INPUT: they are not, or another
 * process has gone on with the part since it was read. */
int store_part_check(struct store *s, int64_t sweep, const struct store_part *part, bool all, struct hx_err *err);

/* Goes on with a sweep; findings, of its study and with nothing found yet, become those so far. */
int store_sweep_resume(struct store *s, const struct store_sweep *sweep, const struct predict *p, struct findings *findings, struct hx_err *err);

/* Adds points of the sweep that was created or resumed last, or puts them in the place of all that its part has (replace), and records
 * progress, in one transaction. part->done is what it was before. HX_INPUT: another process has gone on with the part. */
struct store_batch {
	const struct point *points;
	const struct prediction *predictions;
	size_t n;
	bool replace;
	int64_t done;
	const struct findings *findings; /* so far */
};
int store_points(struct store *s, const struct store_sweep *sweep, struct store_part *part, const struct predict *p, const struct store_batch *batch,
		 struct hx_err *err);

/* Stores how sure the predictions of n stored points are, in one transaction. */
int store_spreads(struct store *s, int64_t sweep, const struct point *points, const struct spread *spreads, size_t n, struct hx_err *err);

/* Reads what was found in a sweep so far; findings are those of its study, with nothing found yet. */
int store_findings_read(struct store *s, int64_t sweep, const struct space *space, struct findings *findings, struct hx_err *err);

/* The parts of a sweep, by ascending first; the caller frees them. */
int store_parts_read(struct store *s, int64_t sweep, struct store_part **parts, size_t *n, struct hx_err *err);

/* Joins the n databases at paths into `into`, none of which it is, all of them or, on failure, none: sweeps of the same inputs, changes, size and version become one,
 * with all their parts, findings and rows, of which it keeps what the sweep keeps. Joining again changes nothing. touched: ids in `into` of the
 * sweeps that were joined, ascending; the caller frees it. HX_INPUT: parts of one sweep that overlap, or that were computed from other
 * inputs. */
int store_merge(struct store *into, char *const *paths, size_t n, int64_t **touched, size_t *n_touched, struct hx_err *err);

/* Reads a sweep (0: the latest with points, or else the latest) and its inputs; `in` is sealed. HX_INPUT: there is none. */
int store_sweep_read(struct store *s, int64_t id, struct store_sweep *sweep, struct inputs *in, struct hx_err *err);
void store_sweep_free(struct store_sweep *sweep);

/* One value of a row: text, or a number (NAN for NULL). Text is borrowed until the next row. */
struct store_value {
	const char *text;
	double number;
};

struct store_filter {
	const char *column;
	const char *op; /* one of = < <= > >= */
	const char *text; /* compared as a number unless set */
	double number;
};

enum { STORE_MAX_FILTERS = 16 };

enum store_view { STORE_PREDICTION, STORE_VALIDATION };

/* Columns and rows of a view. Column names must be those of store_columns or store_validation_columns. */
struct store_query {
	enum store_view view;
	int64_t sweep;
	const char *const *columns;
	int n_columns;
	struct store_filter filters[STORE_MAX_FILTERS];
	int n_filters;
	const char *order; /* column, or NULL: by id */
	bool descending;
	int64_t limit;     /* 0: all */
	bool infeasible;   /* of predictions, those that cannot run, too */
};

/* Names of the views' columns, NULL-terminated. */
extern const char *const store_columns[], *const store_validation_columns[];

/* Non-zero ends the selection and is returned. */
typedef int store_row(void *arg, const struct store_value *values);
int store_select(struct store *s, const struct store_query *q, store_row *row, void *arg, struct hx_err *err);

#endif
