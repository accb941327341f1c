/* What memory is read for, and which readings count, without reading any. */
#define _GNU_SOURCE /* sched_getcpu */
#include "device/validate_memory.h"

#include "fixture.h"

#include <sched.h>

/* Where a target of about 30 MB and a drafter of 1.8 MB are read: both, with the cores of each, unless a cache holds what a round touches. */
static const struct {
	const char *cache, *read, *target_map, *draft_map;
	int n;
	double bytes_s[2];
} places[] = {
	{"1e6", "[2e9, 5e9]", "cx4", "cx1", 2, {5e9, 2e9}},
	{"1e6", "[2e9, 5e9]", "cx4", "cx4", 1, {5e9}},
	{"1e6", "[2e9, 5e9]", "cx2", "cx2", 1, {3e9}},
	{"1e6", "[2e9, 5e9]", "g", "cx1", 1, {2e9}},
	{"1e9", "[2e9, 5e9]", "cx4", "cx1", 0, {0}},
	{"1e6", NULL, "cx4", "cx1", 0, {0}},
};

static const char members[] = "\"target_quants\": [\"f16\"], \"drafters\": [\"small\"], \"draft_quants\": [\"f16\"], \"target_mappings\": "
			      "[\"cx4\", \"cx2\", \"g\"], \"draft_mappings\": [\"cx1\", \"cx2\", \"cx4\"], \"gamma\": [2], \"workloads\": "
			      "[{\"prompt\": 8, \"generated\": 4}],\n"
			      "\"acceptance\": [{\"alpha\": 0.5, \"kind\": \"estimate\", \"from\": \"x\"}]";

static void reads_what_streams(void **state)
{
	const int here = sched_getcpu(), cpus[] = {here, here, here, here};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		char *added = hx_xasprintf("\"cache_bytes\": %s, %s%s%s\"kernels\": [", places[i].cache, places[i].read ? "\"read_bytes_s\": " : "",
					   places[i].read ? places[i].read : "", places[i].read ? ", " : "");
		char *profile = fixture_replace(fixture_profile, "\"kernels\": [", added);
		struct validate_memory m = {0};
		struct hx_engine engine = {.memory_bytes = INFINITY};
		struct pair pair = {0};
		struct fixture f;
		struct hx_err err;
		struct point pt;

		fixture_load(&f, profile, members, NULL);
		engine.units = f.study.profile.is;
		engine.cpus[0] = engine.cpus[1] = cpus;
		pt = space_point(&f.space, fixture_point(&f, 0, places[i].target_map, places[i].draft_map, HX_SEQUENTIAL, 2));
		predict_pair(&f.predict, &pt, &pair);
		assert_int_equal(validate_memory_add(&m, &f.predict, &pair, &engine, &err), HX_OK);
		assert_int_equal(m.n, places[i].n);
		for (int k = 0; k < m.n; k++)
			check_near(m.bytes_s[k], places[i].bytes_s[k], 1e-12);
		predict_pair_free(&pair);
		hx_engine_free(&engine);
		fixture_free(&f);
		free(profile);
		free(added);
	}
}

static const struct {
	struct validate_reading before, after;
	double speed;
	bool changed;
} readings[] = {
	{{.n = 0}, {.n = 0}, NAN, false},
	{{{1}, 1}, {{1.08}, 1}, 1.04, false},
	{{{1, 1.1}, 2}, {{1, 1.1}, 2}, 1.1, false},
	{{{1, 0.9}, 2}, {{1.02, 1.05}, 2}, 0.975, true}, /* one core finds it changed, all together do not */
	{{{1.5}, 1}, {{1.5}, 1}, 1.5, false},
};

static void readings_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(readings); i++) {
		check_near(validate_memory_speed(&readings[i].before, &readings[i].after), readings[i].speed, 1e-12);
		assert_int_equal(validate_memory_changed(&readings[i].before, &readings[i].after), readings[i].changed);
	}
	assert_true(validate_is_calm(NAN) && validate_is_calm(1.1) && !validate_is_calm(1.2) && !validate_is_calm(0.8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_streams), cmocka_unit_test(readings_compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
