/* Reading what was measured. */
#include "store/store_measured.h"

#include "store/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SINCE = 4 /* version of the schema */ };

static void copy_text(char *buf, size_t size, sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	snprintf(buf, size, "%s", text ? text : "");
}

int store_runs(struct store *s, struct store_run_found **runs, size_t *n, struct hx_err *err)
{
	static const char sql[] = "SELECT r.id, m.sweep, r.seed, r.ended NOTNULL, r.started, r.version FROM run r JOIN "
				  "(SELECT run, sweep FROM chosen UNION SELECT run, sweep FROM measurement) m ON m.run = r.id ORDER BY r.id, m.sweep";
	sqlite3_stmt *st = NULL;
	int rc;

	*runs = NULL;
	*n = 0;
	if (s->version < SINCE)
		return HX_OK;
	rc = store_prepare(s, sql, &st, err);
	while (store_next(s, st, &rc, err)) {
		struct store_run_found *r;

		*runs = hx_xrealloc(*runs, *n + 1, sizeof(**runs));
		r = &(*runs)[(*n)++];
		*r = (struct store_run_found){.run = sqlite3_column_int64(st, 0),
					      .sweep = sqlite3_column_int64(st, 1),
					      .seed = sqlite3_column_int64(st, 2),
					      .ended = sqlite3_column_int(st, 3)};
		copy_text(r->started, sizeof(r->started), st, 4);
		copy_text(r->version, sizeof(r->version), st, 5);
	}
	sqlite3_finalize(st);
	return rc;
}

int store_chosen_add(struct store *s, int64_t run, int64_t sweep, const int64_t *points, size_t n, struct hx_err *err)
{
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++)
		rc = store_run(s, err, "INSERT INTO chosen (run, sweep, place, point) VALUES (?, ?, ?, ?)", "iiii", run, sweep, (int64_t)i + 1, points[i]);
	return store_commit(s, rc, err);
}

int store_chosen(struct store *s, int64_t run, int64_t sweep, int64_t **points, size_t *n, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(s, "SELECT point FROM chosen WHERE run = ? AND sweep = ? ORDER BY place", &st, err);

	*points = NULL;
	*n = 0;
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, sweep);
	while (store_next(s, st, &rc, err)) {
		*points = hx_xrealloc(*points, *n + 1, sizeof(**points));
		(*points)[(*n)++] = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return rc;
}

int store_repeats(struct store *s, int64_t run, int64_t sweep, store_repeat_row *row, void *arg, struct hx_err *err)
{
	static const char sql[] = "SELECT c.point, c.repeat, c.kind LIKE '%left out', c.kind = 'again', c.synthesised, b.decode_s / b.tokens, c.decode_s, "
				  "c.tokens, c.rounds, c.catch_ups, c.memory FROM measurement c LEFT JOIN measurement b ON b.run = c.run AND b.sweep = c.sweep "
				  "AND b.point = c.point AND b.repeat = c.repeat AND b.kind = replace(c.kind, 'configuration', 'baseline') AND b.kind != c.kind "
				  "LEFT JOIN chosen h ON h.run = c.run AND h.sweep = c.sweep AND h.point = c.point "
				  "WHERE c.run = ? AND c.sweep = ? AND c.kind NOT LIKE 'baseline%' ORDER BY h.place, c.point, c.repeat";
	sqlite3_stmt *st = NULL;
	int rc;

	if (s->version < SINCE)
		return HX_OK;
	rc = store_prepare(s, sql, &st, err);
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, sweep);
	while (store_next(s, st, &rc, err)) {
		struct store_repeat r = {.point = sqlite3_column_int64(st, 0),
					 .repeat = sqlite3_column_int(st, 1),
					 .left_out = sqlite3_column_int(st, 2),
					 .again = sqlite3_column_int(st, 3),
					 .synthesised = sqlite3_column_int(st, 4),
					 .baseline_s = store_number(st, 5),
					 .decode_s = store_number(st, 6),
					 .tokens = store_number(st, 7),
					 .rounds = store_number(st, 8),
					 .catch_ups = store_number(st, 9),
					 .memory = store_number(st, 10)};

		rc = row(arg, &r);
	}
	sqlite3_finalize(st);
	return rc;
}

int store_steps(struct store *s, int64_t run, int64_t sweep, store_step_row *row, void *arg, struct hx_err *err)
{
	static const char sql[] = "SELECT point, kind = 'configuration', pass, unit, op, predicted_s, measured_s, n FROM step WHERE run = ? AND sweep = ? "
				  "ORDER BY point, kind, pass, unit, op";
	sqlite3_stmt *st = NULL;
	int rc;

	if (s->version < SINCE)
		return HX_OK;
	rc = store_prepare(s, sql, &st, err);
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, sweep);
	while (store_next(s, st, &rc, err)) {
		struct store_subject of = {run, sweep, sqlite3_column_int64(st, 0), sqlite3_column_int(st, 1) ? STORE_CONFIGURATION : STORE_BASELINE};
		struct store_step step = {(const char *)sqlite3_column_text(st, 2), (const char *)sqlite3_column_text(st, 3),
					  (const char *)sqlite3_column_text(st, 4), store_number(st, 5), store_number(st, 6), sqlite3_column_int64(st, 7)};

		if (step.pass && step.unit && step.op)
			rc = row(arg, &of, &step);
	}
	sqlite3_finalize(st);
	return rc;
}
