/* What was measured, and databases of before there was a place for it. The databases are those that tests/data/schema-N.sql make: sweep 1 has the
 * points 1 and 2, plain, and 3 to 6, drafted; in that of version 3, point 6 was measured once. */
#include "store/store_measure.h"

#include "tempdb.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void make_version(int version)
{
	const char *root = getenv("top_srcdir");
	char path[1024], *sql = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/schema-%d.sql", root ? root : ".", version);
	if (!(f = fopen(path, "r")) || getdelim(&sql, &size, '\0', f) < 0)
		fail_msg("cannot read %s", path);
	fclose(f);
	tempdb_run_sql(sql);
	free(sql);
}

static void make_old(void)
{
	make_version(2);
}

static void check_ok(int rc, const struct hx_err *err)
{
	if (rc)
		fail_msg("%s", err->msg);
}

struct rows {
	double v[8][8];
	char text[8][8][32];
	int n, columns;
};

static int keep_row(void *arg, const struct store_value *values)
{
	struct rows *r = arg;

	for (int c = 0; c < r->columns; c++) {
		r->v[r->n][c] = values[c].number;
		snprintf(r->text[r->n][c], sizeof(r->text[r->n][c]), "%s", values[c].text ? values[c].text : "");
	}
	r->n++;
	return 0;
}

static struct rows read_view(struct store *s, enum store_view view, const char *const *columns, int n)
{
	struct store_query q = {.view = view, .sweep = 1, .columns = columns, .n_columns = n};
	struct rows r = {.columns = n};
	struct hx_err err;

	check_ok(store_select(s, &q, keep_row, &r, &err), &err);
	return r;
}

/* ---- versions ---- */

static const char *const points[] = {"id", "speedup", "p_gain"}, *const measured[] = {"id", "measured_speedup", "measured_low"};

/* Rows of the old database can be read, before and after it has its new tables. */
static void check_points(struct store *s)
{
	struct rows r = read_view(s, STORE_PREDICTION, points, COUNT(points));

	assert_int_equal(r.n, 6);
	check_near(r.v[5][1], 1.3901646127764629, 1e-15);
	assert_true(isnan(r.v[5][2]));
}

static void upgrades(int version)
{
	struct store_sweep sweep;
	struct store *s, *other;
	struct inputs in = {0};
	struct hx_err err;
	struct rows r;
	int64_t n;

	make_version(version);
	s = tempdb_open(STORE_READ);
	check_points(s);
	assert_int_equal(read_view(s, STORE_VALIDATION, measured, COUNT(measured)).n, version > 2);
	check_ok(store_measurements(s, &n, &err), &err);
	assert_int_equal(n, version > 2 ? 2 : 0);
	assert_int_equal(tempdb_ask("PRAGMA user_version"), version); /* reading changes nothing */

	other = tempdb_open(STORE_WRITE);
	assert_int_equal(tempdb_ask("PRAGMA user_version"), 4);
	assert_int_equal(tempdb_ask("PRAGMA application_id"), 0x6878706c);
	check_points(s); /* who reads meanwhile goes on */
	check_points(other);
	r = read_view(other, STORE_VALIDATION, measured, COUNT(measured));
	assert_int_equal(r.n, version > 2);
	if (r.n)
		check_near(r.v[0][1], 2, 1e-15);
	check_ok(store_sweep_read(other, 1, &sweep, &in, &err), &err);
	assert_int_equal(sweep.done, 6);
	assert_int_equal(in.n, 4);
	inputs_free(&in);
	store_sweep_free(&sweep);
	store_close(other);
	store_close(s);
	tempdb_clear();
}

static void upgrades_from_2(void **state)
{
	(void)state;
	upgrades(2);
}

static void upgrades_from_3(void **state)
{
	(void)state;
	upgrades(3);
}

/* An upgraded database and a new one have the same tables and views, word for word. */
static void upgrades_to_the_same(void **state)
{
	static const char objects[] = "SELECT count(*), sum(length(sql)) FROM sqlite_schema";
	int64_t new;

	(void)state;
	store_close(tempdb_open(STORE_WRITE));
	new = tempdb_ask(objects);
	tempdb_clear();
	for (int version = 2; version <= 3; version++) {
		make_version(version);
		store_close(tempdb_open(STORE_WRITE));
		assert_int_equal(tempdb_ask(objects), new);
		store_close(tempdb_open(STORE_WRITE)); /* compares the texts */
		tempdb_clear();
	}
}

static void check_refused(enum store_access access, int rc, const char *message)
{
	struct store *s;
	struct hx_err err = {""};

	assert_int_equal(store_open(&s, tempdb_path, access, &err), rc);
	if (!strstr(err.msg, message))
		fail_msg("%s", err.msg);
}

/* A name that is taken stops the upgrade, which leaves nothing behind. */
static void a_name_is_taken(void **state)
{
	int64_t objects;

	(void)state;
	make_old();
	tempdb_run_sql("CREATE TABLE step (mine TEXT)");
	objects = tempdb_ask("SELECT count(*) FROM sqlite_schema");
	check_refused(STORE_WRITE, HX_INPUT, "cannot be extended: table step already exists; rename that");
	assert_int_equal(tempdb_ask("PRAGMA user_version"), 2);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM sqlite_schema"), objects);
	store_close(tempdb_open(STORE_READ));
	tempdb_run_sql("ALTER TABLE step RENAME TO mine");
	store_close(tempdb_open(STORE_WRITE));
	assert_int_equal(tempdb_ask("PRAGMA user_version"), 4);
	tempdb_clear();
}

/* Of an old database, too, the tables must be its own. */
static void another_making(void **state)
{
	(void)state;
	make_old();
	tempdb_run_sql("ALTER TABLE finding ADD COLUMN more");
	check_refused(STORE_READ, HX_INPUT, "the table 'finding' is not as hexplore makes it");
	check_refused(STORE_WRITE, HX_INPUT, "the table 'finding' is not as hexplore makes it");
	tempdb_clear();
}

/* ---- measurements ---- */

static struct store *begin(int64_t *run)
{
	static const struct store_run_row row = {.command = "validate 6", .device = "{\"machine\": \"toy\"}", .seed = 7, .load = .25};
	struct store *s;
	struct hx_err err;

	make_old();
	s = tempdb_open(STORE_WRITE);
	check_ok(store_run_begin(s, &row, run, &err), &err);
	return s;
}

static void measure(struct store *s, int64_t run, int64_t point, enum store_kind kind, int repeat, double decode_s)
{
	bool baseline = kind == STORE_BASELINE;
	struct store_measurement m = {.of = {run, 1, point, kind}, .repeat = repeat, .target_map = baseline ? "gx9" : "g", .synthesised = true,
				      .prefill_s = .5, .draft_s = baseline ? NAN : .2, .verify_s = decode_s, .host_s = NAN, .decode_s = decode_s,
				      .tokens = baseline ? 20 : 10, .rounds = baseline ? 20 : 4, .accepted = 6, .drafted = 8,
				      .energy_j = baseline ? NAN : 3 * decode_s};
	struct hx_err err;

	check_ok(store_measurement_add(s, &m, &err), &err);
}

/* Seconds of a token of the baseline over those of the configuration, the median over pairs; what has no partner does not count. */
static void validation(void **state)
{
	static const char *const columns[] = {"id", "repeats", "measured_speedup", "measured_decode_s", "predicted_decode_s",
					      "measured_tokens_per_round", "baseline_map", "synthesised"};
	static const double baseline_s[] = {4, 4, 8, 40}, configuration_s[] = {1, 2, 3, 1}; /* speedups 2, 1, 4/3, 20 */
	static const double medians[] = {2, 1.5, 4. / 3, 5. / 3}, medians_s[] = {1, 1.5, 2, 1.5};
	struct store *s;
	struct rows r;
	int64_t run;

	(void)state;
	s = begin(&run);
	for (int i = 0; i < 4; i++) {
		measure(s, run, 6, STORE_BASELINE, i + 1, baseline_s[i]);
		r = read_view(s, STORE_VALIDATION, columns, COUNT(columns));
		assert_int_equal(r.n, i > 0);
		measure(s, run, 6, STORE_CONFIGURATION, i + 1, configuration_s[i]);
		r = read_view(s, STORE_VALIDATION, columns, COUNT(columns));
		assert_int_equal(r.n, 1);
		check_near(r.v[0][0], 6, 0);
		check_near(r.v[0][1], i + 1, 0);
		check_near(r.v[0][2], medians[i], 1e-14);
		check_near(r.v[0][3], medians_s[i], 1e-14);
		check_near(r.v[0][4], .00195044558601603 * 10, 1e-12);
		check_near(r.v[0][5], 2.5, 1e-14);
		assert_string_equal(r.text[0][6], "gx9");
		check_near(r.v[0][7], 1, 0);
	}
	/* another run of the point is another row; a point that is gone has none */
	measure(s, run, 5, STORE_BASELINE, 1, 4);
	measure(s, run, 5, STORE_CONFIGURATION, 1, 4);
	assert_int_equal(read_view(s, STORE_VALIDATION, columns, COUNT(columns)).n, 2);
	store_close(s);
	tempdb_run_sql("DELETE FROM point WHERE id = 5");
	s = tempdb_open(STORE_READ);
	assert_int_equal(read_view(s, STORE_VALIDATION, columns, COUNT(columns)).n, 1);
	store_close(s);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM measurement"), 10);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM measurement WHERE draft_s IS NULL"), 5);
	tempdb_clear();
}

/* What is added is there for others at once, and whole. */
static void commits(void **state)
{
	struct store_step steps[] = {{"verify", "g", "qkv", 1e-3, 1.5e-3, 4}, {"verify", "g", "head", NAN, 2e-3, 4}, {"draft", "c", "qkv", 1, 1, 8}};
	struct store_sample samples[] = {{"c", 2, "matmul", "q8_0", 4, 512, 128, 1e6, 1e-4, false}, {"c", 1, "read", NULL, 1, 0, 0, 1e8, .01, true}};
	struct store_subject of = {.sweep = 1, .point = 6, .kind = STORE_CONFIGURATION};
	struct store_run_row again = {.command = "calibrate", .device = "{\"machine\": \"toy\"}", .load = NAN};
	struct store_measurement twice = {.target_map = "g", .decode_s = 1, .tokens = 1, .rounds = 1};
	struct store *s;
	struct hx_err err;
	int64_t run, n;

	(void)state;
	s = begin(&run);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM run WHERE command = 'validate 6' AND seed = 7 AND load = 0.25 AND ended IS NULL"), 1);
	measure(s, run, 6, STORE_BASELINE, 1, 4);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM measurement WHERE kind = 'baseline'"), 1);
	of.run = twice.of.run = run;
	twice.of.sweep = 1;
	twice.of.point = 6;
	twice.repeat = 1;
	assert_int_equal(store_measurement_add(s, &twice, &err), HX_IO);

	check_ok(store_steps_add(s, &of, steps, 2, &err), &err);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM step WHERE predicted_s IS NULL AND op = 'head' AND n = 4"), 1);
	steps[0] = steps[2];
	steps[1].n = 5;
	check_ok(store_steps_add(s, &of, steps, 2, &err), &err); /* the second in the place of what is there already */
	assert_int_equal(tempdb_ask("SELECT count(*) FROM step"), 3);
	assert_int_equal(tempdb_ask("SELECT n FROM step WHERE op = 'head'"), 5);

	check_ok(store_samples_add(s, run, samples, COUNT(samples), &err), &err);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM calibration_sample WHERE type = 'q8_0' AND rows = 4 AND n_out = 512 AND n_in = 128"), 1);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM calibration_sample WHERE type IS NULL AND held_out AND seconds = 0.01"), 1);

	check_ok(store_run_end(s, run, &err), &err);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM run WHERE ended >= started"), 1);
	check_ok(store_run_begin(s, &again, &run, &err), &err);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM device"), 1);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM run WHERE load IS NULL"), 1);
	check_ok(store_measurements(s, &n, &err), &err);
	assert_int_equal(n, 1);
	store_close(s);
	assert_int_equal(tempdb_ask("PRAGMA foreign_key_check"), -1);
	tempdb_clear();
}

/* What is measured besides time: energy, and how sure the speedup is. */
static void how_sure(void **state)
{
	static const char *const columns[] = {"measured_low", "measured_high", "prompt", "measured_tpot_s", "measured_baseline_tpot_s",
					      "energy_j_token", "measured_energy_j_token", "p_gain"};
	static const double expected[] = {1.25, 2.5, 5, .2, .3, .00697184944250183, .6, NAN};
	struct store_subject of = {.sweep = 1, .point = 6};
	struct store *s;
	struct hx_err err;
	struct rows r;

	(void)state;
	s = begin(&of.run);
	for (int i = 0; i < 3; i++) {
		measure(s, of.run, 6, STORE_BASELINE, i + 1, 4 + 2 * i);
		measure(s, of.run, 6, STORE_CONFIGURATION, i + 1, 1 + i);
	}
	assert_true(isnan(read_view(s, STORE_VALIDATION, columns, COUNT(columns)).v[0][0]));
	check_ok(store_measured_add(s, &of, 1, 2, &err), &err);
	check_ok(store_measured_add(s, &of, 1.25, 2.5, &err), &err);
	r = read_view(s, STORE_VALIDATION, columns, COUNT(columns));
	assert_int_equal(r.n, 1);
	for (size_t i = 0; i < COUNT(columns); i++)
		if (isnan(expected[i]))
			assert_true(isnan(r.v[0][i]));
		else
			check_near(r.v[0][i], expected[i], 1e-12);
	store_close(s);
	tempdb_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upgrades_from_2), cmocka_unit_test(upgrades_from_3), cmocka_unit_test(upgrades_to_the_same), cmocka_unit_test(a_name_is_taken), cmocka_unit_test(another_making),
		cmocka_unit_test(validation), cmocka_unit_test(commits), cmocka_unit_test(how_sure),
	};

	return cmocka_run_group_tests(tests, tempdb_enter, tempdb_leave);
}
