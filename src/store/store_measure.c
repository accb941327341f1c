/* Writing what was measured. */
#include "store/store_measure.h"

#include "store/internal.h"

static const char *const kinds[] = {[STORE_BASELINE] = "baseline", [STORE_CONFIGURATION] = "configuration", [STORE_AGAIN] = "again"};

/* A kind of its own, so that whoever asks for the others does not count it. */
static const char *const left_out[] = {[STORE_BASELINE] = "baseline left out", [STORE_CONFIGURATION] = "configuration left out", [STORE_AGAIN] = "again left out"};

int store_commit(struct store *s, int rc, struct hx_err *err)
{
	if (!rc)
		rc = store_execute(s, "COMMIT", err);
	if (rc)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int store_run_begin(struct store *s, const struct store_run_row *run, int64_t *id, struct hx_err *err)
{
	int64_t device = 0;
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	rc = store_intern(s, "INSERT OR IGNORE INTO device (fingerprint) VALUES (?1)", "SELECT id FROM device WHERE fingerprint = ?1", run->device, NULL, 0,
			  &device, err);
	if (!rc)
		rc = store_run(s, err,
			       "INSERT INTO run (device, command, version, seed, started, load) VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)",
			       "ittid", device, run->command, HX_VERSION, run->seed, run->load);
	*id = sqlite3_last_insert_rowid(s->db);
	return store_commit(s, rc, err);
}

int store_run_end(struct store *s, int64_t id, struct hx_err *err)
{
	return store_run(s, err, "UPDATE run SET ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?", "i", id);
}

int store_measurement_add(struct store *s, const struct store_measurement *m, struct hx_err *err)
{
	int64_t map = 0;
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	rc = store_intern_mapping(s, m->target_map, &map, err);
	if (!rc)
		rc = store_run(s, err,
			       "INSERT INTO measurement (run, sweep, point, kind, repeat, target_map, synthesised, prefill_s, draft_s, verify_s, host_s, "
			       "decode_s, tokens, rounds, accepted, drafted, catch_ups, energy_j, memory) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			       "iiitiiidddddiiiiidd", m->of.run, m->of.sweep, m->of.point, (m->left_out ? left_out : kinds)[m->of.kind], (int64_t)m->repeat, map, (int64_t)m->synthesised,
			       m->prefill_s, m->draft_s, m->verify_s, m->host_s, m->decode_s, m->tokens, m->rounds, m->accepted, m->drafted, m->catch_ups,
			       m->energy_j, m->memory);
	return store_commit(s, rc, err);
}

int store_measured_add(struct store *s, const struct store_subject *of, double low, double high, struct hx_err *err)
{
	return store_run(s, err, "INSERT OR REPLACE INTO measured_speedup (run, sweep, point, low, high) VALUES (?, ?, ?, ?, ?)", "iiidd", of->run, of->sweep,
			 of->point, low, high);
}

int store_steps_add(struct store *s, const struct store_subject *of, const struct store_step *steps, size_t n, struct hx_err *err)
{
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++)
		rc = store_run(s, err,
			       "INSERT OR REPLACE INTO step (run, sweep, point, kind, pass, unit, op, predicted_s, measured_s, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			       "iiittttddi", of->run, of->sweep, of->point, kinds[of->kind], steps[i].pass, steps[i].unit, steps[i].op,
			       steps[i].predicted_s, steps[i].measured_s, steps[i].n);
	return store_commit(s, rc, err);
}

int store_samples_add(struct store *s, int64_t run, const struct store_sample *samples, size_t n, struct hx_err *err)
{
	int rc = store_execute(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		const struct store_sample *p = &samples[i];

		rc = store_run(s, err,
			       "INSERT INTO calibration_sample (run, unit, cores, kind, type, rows, n_out, n_in, footprint_bytes, seconds, held_out) "
			       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			       "itittiiiddi", run, p->unit, (int64_t)p->cores, p->kind, p->type, p->rows, p->n_out, p->n_in, p->footprint_bytes,
			       p->seconds, (int64_t)p->held_out);
	}
	return store_commit(s, rc, err);
}

int store_samples(struct store *s, store_sample_row *row, void *arg, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (s->version < 3)
		return HX_OK;
	rc = store_prepare(s,
			   "SELECT unit, cores, kind, type, rows, n_out, n_in, footprint_bytes, seconds, held_out FROM calibration_sample "
			   "WHERE run = (SELECT max(run) FROM calibration_sample) ORDER BY id",
			   &st, err);
	while (store_next(s, st, &rc, err)) {
		struct store_sample sample = {.unit = (const char *)sqlite3_column_text(st, 0),
					      .cores = sqlite3_column_int(st, 1),
					      .kind = (const char *)sqlite3_column_text(st, 2),
					      .type = (const char *)sqlite3_column_text(st, 3),
					      .rows = sqlite3_column_int64(st, 4),
					      .n_out = sqlite3_column_int64(st, 5),
					      .n_in = sqlite3_column_int64(st, 6),
					      .footprint_bytes = sqlite3_column_double(st, 7),
					      .seconds = sqlite3_column_double(st, 8),
					      .held_out = sqlite3_column_int(st, 9) != 0};

		rc = row(arg, &sample);
	}
	sqlite3_finalize(st);
	return rc;
}

int store_measurements(struct store *s, int64_t *n, struct hx_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	*n = 0;
	if (s->version < 3)
		return HX_OK;
	rc = store_prepare(s, "SELECT count(*) FROM measurement", &st, err);
	if (!rc && sqlite3_step(st) == SQLITE_ROW)
		*n = sqlite3_column_int64(st, 0);
	else if (!rc)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	return rc;
}
