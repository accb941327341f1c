#include "fixture.h"
#include "tempdb.h"

/* Feasible and infeasible points, plain and drafted, of both kinds of drafters. */
#define SWEEP                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\"], \"draft_quants\": [\"f16\"],\n"                     \
	"\"target_mappings\": [\"cx2\", \"g\"], \"draft_mappings\": [\"cx3\", \"g\"], \"modes\": [\"sequential\", \"overlapped\"],\n"      \
	"\"workloads\": [{\"prompt\": 5, \"generated\": 7}], \"gamma\": [1, 3],\n"                                                         \
	"\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}]"

/* Stores the whole of a study. */
static void save(struct store *s, const struct fixture *f, struct store_sweep *sweep)
{
	struct point *points = hx_xcalloc((size_t)f->space.size, sizeof(*points));
	struct prediction *all = hx_xcalloc((size_t)f->space.size, sizeof(*all));
	struct store_part part = {0, f->space.size, 0, 0};
	struct findings found;
	struct store_batch batch = {points, all, (size_t)f->space.size, false, f->space.size, &found};
	struct hx_err err;

	findings_init(&found, &f->predict);
	*sweep = (struct store_sweep){.profile = "p", .sweep = "s", .size = f->space.size};
	for (int64_t i = 0; i < f->space.size; i++) {
		points[i] = space_point(&f->space, i);
		all[i] = fixture_predict(f, i);
	}
	if (store_sweep_create(s, sweep, &part, &f->in, &f->space, false, &err) || store_points(s, sweep, &part, &f->predict, &batch, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(part.done, f->space.size);
	findings_free(&found);
	free(points);
	free(all);
}

/* Saves the fixture's sweep in a new database and opens that again for reading. */
static struct store *saved(const struct fixture *f, struct store_sweep *sweep)
{
	struct store *s = tempdb_open(STORE_WRITE);

	save(s, f, sweep);
	store_close(s);
	return tempdb_open(STORE_READ);
}

enum { ID, TARGET, TQ, TM, DRAFTER, DQ, DM, GAMMA, MODE, PROMPT, GENERATED, ACCEPTANCE, FEASIBLE, REASON, FIRST };
static const char *const columns[FIRST + PREDICT_COLUMNS] = {
	"id",       "target",     "target_quant", "target_map",  "drafter",      "draft_quant",      "draft_map", "gamma",
	"mode",     "prompt",     "generated",    "acceptance",  "feasible",     "reason",           "speedup",   "tpot_s",
	"ttft_s",   "e2e_s",      "speedup_e2e",  "speedup_cpu", "speedup_same", "tokens_per_round", "round_s",   "draft_s",
	"verify_s", "transfer_s", "sync_s",       "host_s",      "memory_bytes", "energy_j_token",   "quality"};

struct reading {
	const struct fixture *f;
	int64_t next;
};

static void same_text(const char *stored, const char *expected)
{
	if (expected)
		assert_string_equal(stored, expected);
	else
		assert_null(stored);
}

static int compare(void *arg, const struct store_value *v)
{
	struct reading *r = arg;
	const struct space *space = &r->f->space;
	struct point pt = space_point(space, r->next);
	struct prediction pr = fixture_predict(r->f, r->next);
	bool model = pt.draft_map >= 0;
	char reason[192];

	check_near(v[ID].number, (double)++r->next, 0);
	same_text(v[TARGET].text, "big");
	same_text(v[TQ].text, hx_type_names[pt.target_type]);
	same_text(v[TM].text, space->target.v[pt.target_map].text);
	same_text(v[DRAFTER].text, pt.drafter < 0 ? NULL : r->f->study.drafters[pt.drafter].name);
	same_text(v[DQ].text, model ? "f16" : NULL);
	same_text(v[DM].text, model ? space->draft[0].v[pt.draft_map].text : NULL);
	check_near(v[GAMMA].number, pt.gamma, 0);
	same_text(v[MODE].text, pt.drafter < 0 ? NULL : hx_modes[pt.mode]);
	check_near(v[PROMPT].number, 5, 0);
	check_near(v[GENERATED].number, 7, 0);
	same_text(v[ACCEPTANCE].text, pr.acceptance < 0 ? NULL : "alpha 0.7");
	check_near(v[FEASIBLE].number, pr.feasible, 0);
	same_text(v[REASON].text, pr.feasible ? NULL : predict_reason(&r->f->predict, &pt, &pr.refusal, reason, sizeof(reason)));
	for (int i = 0; i < PREDICT_COLUMNS; i++) {
		assert_string_equal(columns[FIRST + i], predict_columns[i].name);
		check_near(v[FIRST + i].number, *(double *)((char *)&pr + predict_columns[i].at), 0);
	}
	return 0;
}

static void round_trip(void **state)
{
	struct store_query q = {.columns = columns, .n_columns = COUNT(columns), .infeasible = true};
	struct store_sweep sweep;
	struct reading r = {0};
	struct fixture f;
	struct store *s;
	struct hx_err err;

	(void)state;
	fixture_load(&f, fixture_profile, SWEEP, NULL);
	s = saved(&f, &sweep);
	q.sweep = sweep.id;
	r.f = &f;
	if (store_select(s, &q, compare, &r, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(r.next, f.space.size);
	store_close(s);
	fixture_free(&f);
	tempdb_clear();
}

/* Two sweeps through one store share their inputs and mappings; NULLs are NULLs. */
static void shares(void **state)
{
	struct store_sweep first, second;
	struct fixture f;
	struct store *s;
	int64_t size;

	(void)state;
	fixture_load(&f, fixture_profile, SWEEP, NULL);
	size = f.space.size;
	s = tempdb_open(STORE_WRITE);
	save(s, &f, &first);
	save(s, &f, &second);
	assert_int_not_equal(first.id, second.id);
	store_close(s);
	fixture_free(&f);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM input"), 4);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM sweep_input"), 8);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM mapping"), 3);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM point"), 2 * size);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM part JOIN sweep ON sweep.id = part.sweep WHERE first = 0 AND last = size AND done = size"), 2);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM point WHERE feasible AND target_quant = 'f16' AND quality IS NOT NULL"), 0);
	assert_true(tempdb_ask("SELECT count(*) FROM point WHERE target_quant = 'q8_0' AND quality = 9.5") > 0);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM point WHERE NOT feasible AND speedup IS NOT NULL"), 0);
	assert_true(tempdb_ask("SELECT count(*) FROM point WHERE NOT feasible AND reason IS NOT NULL") > 0);
	assert_int_equal(tempdb_ask("PRAGMA application_id"), 0x6878706c);
	assert_int_equal(tempdb_ask("PRAGMA foreign_key_check"), -1);
	tempdb_clear();
}

/* A part of a sweep: found by what it is of, gone on with from where it was left by one process at a time. */
static void goes_on(void **state)
{
	struct fixture f, other;
	struct findings found, again;
	struct store_part part = {4, 44, 4, 0}, seen = {4, 44, 4, 0}, elsewhere = {0, 44, 0, 0}, late = {4, 44, 4, 0};
	struct store_sweep sweep = {.profile = "p", .sweep = "s", .keep = "all"}, named = {.profile = "q", .sweep = "r", .keep = "all"};
	struct point points[40];
	struct prediction all[40];
	struct store_batch batch = {points, all, 30, false, 34, &found};
	struct store *s = tempdb_open(STORE_WRITE);
	struct hx_err err;
	int64_t id;

	(void)state;
	fixture_load(&f, fixture_profile, SWEEP, NULL);
	fixture_load(&other, fixture_profile, SWEEP ", \"seed\": 2", NULL);
	sweep.size = named.size = f.space.size;
	findings_init(&found, &f.predict);
	findings_init(&again, &f.predict);
	for (int i = 0; i < 40; i++) {
		points[i] = space_point(&f.space, 4 + i);
		all[i] = fixture_predict(&f, 4 + i);
		if (i < 30)
			findings_add(&found, predict_group(&f.predict, &points[i]), 4 + i, points[i].gamma > 0, &all[i]);
	}
	assert_int_equal(store_sweep_unfinished(s, &id, &seen, &err), HX_OK);
	assert_int_equal(id, 0);
	assert_int_equal(store_sweep_create(s, &sweep, &part, &f.in, &f.space, false, &err), HX_OK);
	assert_int_equal(store_points(s, &sweep, &part, &f.predict, &batch, &err), HX_OK);
	assert_int_equal(part.done, 34);

	/* by another name of the same inputs; not with another part, version, change or input */
	assert_int_equal(store_sweep_find(s, &named, &seen, &f.in, &err), HX_OK);
	assert_int_equal(named.id, sweep.id);
	assert_int_equal(seen.done, 34);
	assert_int_equal(store_sweep_find(s, &named, &elsewhere, &f.in, &err), HX_OK);
	assert_int_equal(named.id, 0);
	assert_int_equal(store_sweep_find(s, &named, &seen, &other.in, &err), HX_OK);
	assert_int_equal(named.id, 0);
	named.keep = NULL;
	assert_int_equal(store_sweep_find(s, &named, &seen, &f.in, &err), HX_OK);
	assert_int_equal(named.id, 0);
	named.keep = "all";
	named.version = "0.0.0";
	assert_int_equal(store_sweep_find(s, &named, &seen, &f.in, &err), HX_OK);
	assert_int_equal(named.id, 0);
	assert_int_equal(store_sweep_unfinished(s, &id, &seen, &err), HX_OK);
	assert_int_equal(id, sweep.id);
	assert_int_equal(seen.done, 34);

	assert_int_equal(store_sweep_resume(s, &sweep, &f.predict, &again, &err), HX_OK);
	assert_int_equal(again.feasible, found.feasible);
	for (size_t i = 0; i < found.n; i++) {
		assert_int_equal(again.v[i].best, found.v[i].best);
		assert_int_equal(again.v[i].refused, found.v[i].refused);
		check_near(again.v[i].refused_bytes, found.v[i].refused_bytes, 0);
	}
	/* who believes that nothing is done is late */
	assert_int_equal(store_points(s, &sweep, &late, &f.predict, &batch, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "another process goes on with sweep"));
	batch = (struct store_batch){points + 30, all + 30, 10, false, 44, &found};
	assert_int_equal(store_points(s, &sweep, &part, &f.predict, &batch, &err), HX_OK);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM point WHERE id BETWEEN 5 AND 44"), 40);
	assert_int_equal(store_sweep_unfinished(s, &id, &seen, &err), HX_OK);
	assert_int_equal(id, 0);
	batch = (struct store_batch){points + 7, all + 7, 2, true, 44, &found};
	assert_int_equal(store_points(s, &sweep, &part, &f.predict, &batch, &err), HX_OK);
	assert_int_equal(tempdb_ask("SELECT count(*) FROM point"), 2);
	assert_int_equal(tempdb_ask("SELECT min(id) FROM point"), 12);
	assert_int_equal(tempdb_ask("UPDATE part SET last = 1000000"), -1);
	assert_int_equal(store_sweep_unfinished(s, &id, &seen, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "is damaged"));
	findings_free(&found);
	findings_free(&again);
	store_close(s);
	fixture_free(&f);
	fixture_free(&other);
	tempdb_clear();
}

/* A study loaded from the database alone predicts the same. */
static void reloads(void **state)
{
	struct study_changes changes = {0};
	struct store_sweep sweep, read;
	struct fixture f, again = {0};
	struct store *s;
	struct hx_err err;

	(void)state;
	fixture_load(&f, fixture_profile, SWEEP, NULL);
	s = saved(&f, &sweep);
	if (store_sweep_read(s, 0, &read, &again.in, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(read.id, sweep.id);
	assert_int_equal(read.size, f.space.size);
	assert_int_equal(read.done, f.space.size);
	assert_null(read.acceptance);
	assert_true(again.in.sealed);
	if (study_load(&again.study, &again.in, read.profile, read.sweep, &changes, &err) || space_init(&again.space, &again.study, &err) ||
	    predict_init(&again.predict, &again.study, &again.space, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(again.space.size, f.space.size);
	for (int64_t i = 0; i < f.space.size; i++) {
		struct prediction a = fixture_predict(&f, i), b = fixture_predict(&again, i);

		assert_memory_equal(&a.refusal, &b.refusal, sizeof(a.refusal));
		for (int c = 0; c < PREDICT_COLUMNS; c++)
			check_near(*(double *)((char *)&a + predict_columns[c].at), *(double *)((char *)&b + predict_columns[c].at), 0);
	}
	store_sweep_free(&read);
	assert_int_equal(store_sweep_read(s, 99, &read, NULL, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "has no sweep 99"));
	store_close(s);
	fixture_free(&again);
	fixture_free(&f);
	tempdb_clear();
}

struct list {
	double ids[100];
	int n, stop_at;
};

static int collect(void *arg, const struct store_value *v)
{
	struct list *l = arg;

	l->ids[l->n++] = v[0].number;
	return l->n == l->stop_at ? 7 : 0;
}

static void queries(void **state)
{
	static const char *const id[] = {"id", "speedup"}, *const wrong[] = {"id", "speed"}, *const attack[] = {"1; DROP TABLE point --"};
	struct store_query all = {.columns = id, .n_columns = 2}, q;
	struct store_sweep sweep;
	struct list l = {0};
	struct fixture f;
	struct store *s;
	struct hx_err err;
	int feasible = 0, on_g = 0;

	(void)state;
	fixture_load(&f, fixture_profile, SWEEP, NULL);
	s = tempdb_open(STORE_WRITE);
	save(s, &f, &sweep);
	all.sweep = sweep.id;
	for (int64_t i = 0; i < f.space.size; i++) {
		struct prediction pr = fixture_predict(&f, i);

		feasible += pr.feasible;
		on_g += pr.feasible && space_point(&f.space, i).target_map == 1 && pr.speedup >= .5;
	}
	assert_int_equal(store_select(s, &all, collect, &l, &err), 0);
	assert_int_equal(l.n, feasible);

	q = all;
	q.n_filters = 2;
	q.filters[0] = (struct store_filter){"target_map", "=", "g", 0};
	q.filters[1] = (struct store_filter){"speedup", ">=", NULL, .5};
	l = (struct list){0};
	assert_int_equal(store_select(s, &q, collect, &l, &err), 0);
	assert_true(on_g > 0);
	assert_int_equal(l.n, on_g);

	q.filters[0].text = "g' OR '1' = '1";
	l = (struct list){0};
	assert_int_equal(store_select(s, &q, collect, &l, &err), 0);
	assert_int_equal(l.n, 0);

	q = all;
	q.order = "speedup";
	q.descending = true;
	q.limit = 3;
	l = (struct list){0};
	assert_int_equal(store_select(s, &q, collect, &l, &err), 0);
	assert_int_equal(l.n, 3);
	for (int64_t i = 0; i < f.space.size; i++) {
		struct prediction pr = fixture_predict(&f, i), third = fixture_predict(&f, (int64_t)l.ids[2] - 1);

		if (i + 1 != (int64_t)l.ids[0] && i + 1 != (int64_t)l.ids[1] && pr.feasible)
			assert_true(pr.speedup <= third.speedup);
	}

	q = all;
	l = (struct list){.stop_at = 2};
	assert_int_equal(store_select(s, &q, collect, &l, &err), 7);
	assert_int_equal(l.n, 2);

	q.columns = wrong;
	assert_int_equal(store_select(s, &q, collect, &l, &err), HX_INPUT);
	q.columns = attack;
	q.n_columns = 1;
	assert_int_equal(store_select(s, &q, collect, &l, &err), HX_INPUT);
	q = all;
	q.order = "speedup DESC --";
	assert_int_equal(store_select(s, &q, collect, &l, &err), HX_INPUT);
	q = all;
	q.n_filters = 1;
	q.filters[0] = (struct store_filter){"nothing", "=", NULL, 1};
	assert_int_equal(store_select(s, &q, collect, &l, &err), HX_INPUT);
	q.filters[0] = (struct store_filter){"id", "LIKE", NULL, 1};
	assert_int_equal(store_select(s, &q, collect, &l, &err), HX_INPUT);
	store_close(s);
	fixture_free(&f);
	tempdb_clear();
}

static void check_refused(enum store_access access, int rc, const char *message)
{
	struct hx_err err = {""};
	struct store *s;

	assert_int_equal(store_open(&s, tempdb_path, access, &err), rc);
	assert_null(s);
	if (!strstr(err.msg, message) || !strstr(err.msg, "t.db"))
		fail_msg("%s", err.msg);
}

static void others(void **state)
{
	FILE *text;

	(void)state;
	check_refused(STORE_READ, HX_INPUT, "no database '");
	tempdb_run_sql("CREATE TABLE theirs (x)");
	check_refused(STORE_READ, HX_INPUT, "is a database of another application");
	check_refused(STORE_WRITE, HX_INPUT, "is a database of another application");
	tempdb_clear();
	tempdb_run_sql("PRAGMA application_id = 5; CREATE TABLE theirs (x)");
	check_refused(STORE_WRITE, HX_INPUT, "is a database of another application");
	tempdb_clear();
	store_close(tempdb_open(STORE_WRITE));
	tempdb_run_sql("PRAGMA user_version = 999");
	check_refused(STORE_READ, HX_INPUT, "is of a newer hexplore (schema 999");
	check_refused(STORE_WRITE, HX_INPUT, "is of a newer hexplore (schema 999");
	tempdb_run_sql("PRAGMA user_version = 1");
	check_refused(STORE_READ, HX_INPUT, "is of an older hexplore (schema 1");
	check_refused(STORE_WRITE, HX_INPUT, "is of an older hexplore (schema 1");
	tempdb_clear();
	text = fopen(tempdb_path, "w");
	for (int i = 0; i < 200; i++)
		fputs("This is no database at all.\n", text);
	fclose(text);
	check_refused(STORE_READ, HX_INPUT, "is not a hexplore database");
	check_refused(STORE_WRITE, HX_INPUT, "is not a hexplore database");
	tempdb_clear();
	text = fopen(tempdb_path, "w");
	fclose(text);
	check_refused(STORE_READ, HX_INPUT, "is empty; run 'hexplore sweep' first");
	tempdb_clear();
}

static void nothing_yet(void **state)
{
	struct store *s = tempdb_open(STORE_WRITE);
	struct store_sweep sweep;
	struct hx_err err;

	(void)state;
	assert_int_equal(store_sweep_read(s, 0, &sweep, NULL, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "has no sweep yet; run 'hexplore sweep' first"));
	store_close(s);
	store_close(NULL);
	s = tempdb_open(STORE_READ);
	store_close(s);
	tempdb_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(shares), cmocka_unit_test(goes_on), cmocka_unit_test(reloads),
		cmocka_unit_test(queries),    cmocka_unit_test(others), cmocka_unit_test(nothing_yet),
	};

	return cmocka_run_group_tests(tests, tempdb_enter, tempdb_leave);
}
