/* What SQLite alone needs for the rows of a sweep: `bench_insert FROM TO` reads all points of database FROM into memory, inserts them into
 * a new one, TO, and prints the seconds from the first insertion to the closed file, and the number of rows. TO is opened as hexplore opens
 * it, and has as many rows a transaction; per row there is nothing but binding, a step and a reset. Without arguments it prints the version
 * of SQLite. For tests/bench.sh. */
#include "core/evaluate.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text {
	struct text *next;
	int n;
	char s[];
};

union value {
	sqlite3_int64 i;
	double d;
	const struct text *t;
};

/* Row-major. types: SQLITE_INTEGER and so on. */
struct rows {
	size_t n;
	int columns;
	unsigned char *types;
	union value *values;
	struct text *texts;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int attach(struct store *s, const char *path, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "ATTACH ? AS source", &st, err);

	if (rc)
		return rc;
	store_bind_text(st, 1, path);
	rc = store_finish(s, st, err);
	sqlite3_finalize(st);
	return rc;
}

/* Most texts repeat the row before, at `above`. */
static const struct text *read_text(struct rows *r, sqlite3_stmt *st, int column, const struct text *above)
{
	const char *s = (const char *)sqlite3_column_text(st, column);
	int n = sqlite3_column_bytes(st, column);
	struct text *t;

	if (above && above->n == n && memcmp(above->s, s, (size_t)n) == 0)
		return above;
	t = hx_xmalloc(sizeof(*t) + (size_t)n);
	t->n = n;
	memcpy(t->s, s, (size_t)n);
	t->next = r->texts;
	r->texts = t;
	return t;
}

static void read_row(struct rows *r, sqlite3_stmt *st)
{
	size_t at = r->n * (size_t)r->columns;

	for (int c = 0; c < r->columns; c++, at++) {
		bool below = r->n > 0 && r->types[at - (size_t)r->columns] == SQLITE_TEXT;

		r->types[at] = (unsigned char)sqlite3_column_type(st, c);
		if (r->types[at] == SQLITE_INTEGER)
			r->values[at].i = sqlite3_column_int64(st, c);
		else if (r->types[at] == SQLITE_FLOAT)
			r->values[at].d = sqlite3_column_double(st, c);
		else if (r->types[at] == SQLITE_TEXT)
			r->values[at].t = read_text(r, st, c, below ? r->values[at - (size_t)r->columns].t : NULL);
	}
	r->n++;
}

static int rows_read(struct store *s, struct rows *r, struct hx_err *err)
{
	sqlite3_stmt *count = NULL, *st = NULL;
	size_t cells = 0;
	int step, rc;

	if ((rc = store_prepare(s, "SELECT count(*) FROM source.point", &count, err)) ||
	    (rc = store_prepare(s, "SELECT * FROM source.point", &st, err)))
		goto out;
	r->columns = sqlite3_column_count(st);
	if (sqlite3_step(count) == SQLITE_ROW)
		cells = (size_t)sqlite3_column_int64(count, 0) * (size_t)r->columns;
	r->types = hx_xcalloc(cells, sizeof(*r->types));
	r->values = hx_xcalloc(cells, sizeof(*r->values));
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		read_row(r, st);
	if (step != SQLITE_DONE)
		rc = store_fail(s, err);
out:
	sqlite3_finalize(count);
	sqlite3_finalize(st);
	return rc;
}

static void rows_free(struct rows *r)
{
	for (struct text *t = r->texts, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	free(r->types);
	free(r->values);
}

static int prepare_insert(struct store *s, int columns, sqlite3_stmt **st, struct hx_err *err)
{
	char sql[256];
	int n = snprintf(sql, sizeof(sql), "INSERT INTO point VALUES (?");

	for (int c = 1; c < columns && n < (int)sizeof(sql); c++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ", ?");
	if (n < (int)sizeof(sql))
		snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	return store_prepare(s, sql, st, err);
}

static void bind(sqlite3_stmt *st, const unsigned char *types, const union value *values, int columns)
{
	for (int c = 0; c < columns; c++)
		switch (types[c]) {
		case SQLITE_INTEGER:
			sqlite3_bind_int64(st, c + 1, values[c].i);
			break;
		case SQLITE_FLOAT:
			sqlite3_bind_double(st, c + 1, values[c].d);
			break;
		case SQLITE_TEXT:
			sqlite3_bind_text(st, c + 1, values[c].t->s, values[c].t->n, SQLITE_STATIC);
			break;
		default:
			sqlite3_bind_null(st, c + 1);
		}
}

static int insert(struct store *s, sqlite3_stmt *st, const struct rows *r, struct hx_err *err)
{
	for (size_t i = 0, end; i < r->n; i = end) {
		int rc = store_execute(s, "BEGIN IMMEDIATE", err);

		end = r->n - i > EVALUATE_BATCH ? i + EVALUATE_BATCH : r->n;
		for (size_t row = i; row < end && !rc; row++) {
			bind(st, r->types + row * (size_t)r->columns, r->values + row * (size_t)r->columns, r->columns);
			if (sqlite3_step(st) != SQLITE_DONE)
				rc = store_fail(s, err);
			sqlite3_reset(st);
		}
		if (rc || (rc = store_execute(s, "COMMIT", err)))
			return rc;
	}
	return HX_OK;
}

int main(int argc, char **argv)
{
	static const char owners[] = "INSERT INTO sweep SELECT * FROM source.sweep; INSERT INTO mapping SELECT * FROM source.mapping";
	struct store *s = NULL;
	sqlite3_stmt *st = NULL;
	struct rows r = {0};
	struct hx_err err = {0};
	double start_s = 0;
	int rc;

	if (argc != 3)
		return puts(sqlite3_libversion()) < 0;
	if ((rc = store_open(&s, argv[2], STORE_WRITE, &err)) || (rc = attach(s, argv[1], &err)) || (rc = store_execute(s, owners, &err)) ||
	    (rc = rows_read(s, &r, &err)) || (rc = store_execute(s, "DETACH source", &err)) || (rc = prepare_insert(s, r.columns, &st, &err)))
		goto out;
	start_s = now_s();
	rc = insert(s, st, &r, &err);
out:
	sqlite3_finalize(st);
	store_close(s);
	if (rc)
		fprintf(stderr, "bench_insert: %s\n", err.msg);
	else
		printf("%.6f %zu\n", now_s() - start_s, r.n);
	rows_free(&r);
	return rc;
}
