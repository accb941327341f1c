#include "core/shard.h"

#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const variables[] = {
	"SLURM_ARRAY_TASK_ID",
	"SLURM_ARRAY_TASK_COUNT",
	"SLURM_ARRAY_TASK_MIN",
	"SLURM_ARRAY_TASK_MAX",
	"SLURM_ARRAY_TASK_STEP",
	"SGE_TASK_ID",
	"SGE_TASK_FIRST",
	"SGE_TASK_LAST",
	"SGE_TASK_STEPSIZE",
	"LSB_JOBINDEX",
	"LSB_JOBINDEX_END",
	"LSB_JOBINDEX_STEP",
	"PBS_ARRAY_INDEX",
	"JOB_COMPLETION_INDEX",
	"PARALLEL_SEQ",
	"OMPI_COMM_WORLD_RANK",
	"OMPI_COMM_WORLD_SIZE",
	"MV2_COMM_WORLD_RANK",
	"MV2_COMM_WORLD_SIZE",
	"PMI_RANK",
	"PMI_SIZE",
	"FLUX_TASK_RANK",
	"FLUX_JOB_SIZE",
	"SLURM_PROCID",
	"SLURM_STEP_NUM_TASKS",
	"SLURM_NTASKS",
};

#define SLURM(id, count, min, max, step)                                                                                                   \
	"SLURM_ARRAY_TASK_ID=" #id " SLURM_ARRAY_TASK_COUNT=" #count " SLURM_ARRAY_TASK_MIN=" #min " SLURM_ARRAY_TASK_MAX=" #max           \
	" SLURM_ARRAY_TASK_STEP=" #step " "
#define SGE(id, first, last, step) "SGE_TASK_ID=" #id " SGE_TASK_FIRST=" #first " SGE_TASK_LAST=" #last " SGE_TASK_STEPSIZE=" #step " "
#define SYNTAX                     "--shard: must be I/N with 1 <= I <= N <= 10000, auto or auto/N, is "
#define IDS(name, id, count, first, step)                                                                                                  \
	"--shard: " name " is " #id ", and the ids are not " #count " numbers from " #first " in steps of " #step "; use I/N"

/* What shard_parse makes of text where the environment is `env`, blank-separated. message: NULL where it succeeds. */
static const struct {
	const char *text, *env;
	int index, count;
	const char *message;
} rows[] = {
	/* by hand: the environment does not matter */
	{"1/1", "", 1, 1, NULL},
	{"2/4", SLURM(3, 8, 0, 7, 1) "PMI_RANK=x PMI_SIZE=y", 2, 4, NULL},
	{"03/12", "", 3, 12, NULL},
	{"10000/10000", "", 10000, 10000, NULL},
	{"0/4", "", 0, 0, SYNTAX "'0/4'"},
	{"5/4", "", 0, 0, SYNTAX "'5/4'"},
	{"1/10001", "", 0, 0, SYNTAX "'1/10001'"},
	{"1/0", "", 0, 0, SYNTAX "'1/0'"},
	{"-1/4", "", 0, 0, SYNTAX "'-1/4'"},
	{"+1/4", "", 0, 0, SYNTAX "'+1/4'"},
	{" 1/4", "", 0, 0, SYNTAX "' 1/4'"},
	{"1/ 4", "", 0, 0, SYNTAX "'1/ 4'"},
	{"1/4 ", "", 0, 0, SYNTAX "'1/4 '"},
	{"1 of 4", "", 0, 0, SYNTAX "'1 of 4'"},
	{"1/4/2", "", 0, 0, SYNTAX "'1/4/2'"},
	{"1e0/4", "", 0, 0, SYNTAX "'1e0/4'"},
	{"1/1k", "", 0, 0, SYNTAX "'1/1k'"},
	{"1", "", 0, 0, SYNTAX "'1'"},
	{"1/", "", 0, 0, SYNTAX "'1/'"},
	{"/4", "", 0, 0, SYNTAX "'/4'"},
	{"/", "", 0, 0, SYNTAX "'/'"},
	{"", "", 0, 0, SYNTAX "''"},
	{"\033[2J", "", 0, 0, SYNTAX "'?[2J'"},
	{"18446744073709551617/18446744073709551618", "", 0, 0, SYNTAX "'18446744073709551617/18446744073709551618'"},
	{"Auto", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'Auto'"},
	{"automatic", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'automatic'"},
	{"auto/", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'auto/'"},
	{"auto/0", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'auto/0'"},
	{"auto/10001", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'auto/10001'"},
	{"auto/4x", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'auto/4x'"},
	{"auto4", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'auto4'"},
	{"1auto/4", "PARALLEL_SEQ=1", 0, 0, SYNTAX "'1auto/4'"},

	/* job arrays that tell index and count */
	{"auto", SLURM(0, 4, 0, 3, 1), 1, 4, NULL},
	{"auto", SLURM(3, 4, 0, 3, 1), 4, 4, NULL},
	{"auto", SLURM(12, 3, 10, 12, 1), 3, 3, NULL},
	{"auto", SLURM(5, 1, 5, 5, 1), 1, 1, NULL},
	{"auto", SLURM(8, 4, 0, 12, 4), 3, 4, NULL}, /* --array=0-15:4 */
	{"auto", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=3", 2, 3, NULL},
	{"auto", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", 2, 3, NULL},
	{"auto", SLURM(2, 4, 0, 3, 1) "PBS_ARRAY_INDEX=2", 3, 4, NULL}, /* the plugin for PBS scripts */
	{"auto/4", SLURM(2, 4, 0, 3, 1), 3, 4, NULL},
	{"auto", SLURM(9999, 10000, 0, 9999, 1), 10000, 10000, NULL},
	{"auto", SGE(1, 1, 10, 1), 1, 10, NULL},
	{"auto", SGE(10, 1, 10, 3), 4, 4, NULL},
	{"auto", SGE(9, 5, 10, 4), 2, 2, NULL},
	{"auto", "LSB_JOBINDEX=3 LSB_JOBINDEX_END=8", 3, 8, NULL},
	{"auto", "LSB_JOBINDEX=5 LSB_JOBINDEX_END=8 LSB_JOBINDEX_STEP=2", 3, 4, NULL},

	/* ids that do not follow from first, step and count */
	{"auto", SLURM(1, 3, 1, 7, 1), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 1, 3, 1, 1)}, /* --array=1,3,7 */
	{"auto", SLURM(3, 3, 1, 7, 1), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 3, 3, 1, 1)},
	{"auto", SLURM(7, 3, 1, 7, 1), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 7, 3, 1, 1)},
	{"auto/3", SLURM(3, 3, 1, 7, 1), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 3, 3, 1, 1)},
	{"auto", SLURM(1, 3, 0, 4, 2), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 1, 3, 0, 2)}, /* 0,1,4 in steps of 2 */
	{"auto", SLURM(2, 6, 0, 10, 5), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 2, 6, 0, 5)}, /* --array=0-3,5-10:5 */
	{"auto", SLURM(4, 4, 5, 8, 1), 0, 0, IDS("SLURM_ARRAY_TASK_ID", 4, 4, 5, 1)},
	{"auto", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", 0, 0, IDS("SLURM_ARRAY_TASK_ID", 7, 3, 1, 1)},
	{"auto", SGE(3, 1, 10, 3), 0, 0, IDS("SGE_TASK_ID", 3, 4, 1, 3)},
	{"auto", SGE(3, 3, 2, 1), 0, 0, IDS("SGE_TASK_ID", 3, 0, 3, 1)},
	{"auto", SGE(3, 3, 2, 2), 0, 0, IDS("SGE_TASK_ID", 3, 0, 3, 2)},
	{"auto", "LSB_JOBINDEX=9 LSB_JOBINDEX_END=8", 0, 0, IDS("LSB_JOBINDEX", 9, 8, 1, 1)},
	{"auto", "PMI_RANK=4 PMI_SIZE=4", 0, 0, IDS("PMI_RANK", 4, 4, 0, 1)},

	/* an index only */
	{"auto/8", "PARALLEL_SEQ=3", 3, 8, NULL},
	{"auto/8", "PBS_ARRAY_INDEX=8", 8, 8, NULL},
	{"auto/8", "JOB_COMPLETION_INDEX=0", 1, 8, NULL},
	{"auto/8", "JOB_COMPLETION_INDEX=7", 8, 8, NULL},
	{"auto/8", "LSB_JOBINDEX=3", 3, 8, NULL},
	{"auto/8", "JOB_COMPLETION_INDEX=8", 0, 0, IDS("JOB_COMPLETION_INDEX", 8, 8, 0, 1)},
	{"auto/8", "PARALLEL_SEQ=9", 0, 0, IDS("PARALLEL_SEQ", 9, 8, 1, 1)},
	{"auto/8", "PBS_ARRAY_INDEX=0", 0, 0, IDS("PBS_ARRAY_INDEX", 0, 8, 1, 1)},
	{"auto", "PARALLEL_SEQ=3", 0, 0,
	 "--shard: PARALLEL_SEQ tells which part this is, and not how many there are; use auto/N or --shard {#}/N"},
	{"auto", "PBS_ARRAY_INDEX=3", 0, 0, "--shard: PBS_ARRAY_INDEX tells which part this is, and not how many there are; use auto/N"},
	{"auto", "JOB_COMPLETION_INDEX=0", 0, 0,
	 "--shard: JOB_COMPLETION_INDEX tells which part this is, and not how many there are; use auto/N"},
	{"auto", "SLURM_ARRAY_TASK_ID=3", 0, 0,
	 "--shard: SLURM_ARRAY_TASK_ID tells which part this is, and not how many there are; use auto/N"},

	/* ranks */
	{"auto", "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4", 1, 4, NULL},
	{"auto", "MV2_COMM_WORLD_RANK=1 MV2_COMM_WORLD_SIZE=4", 2, 4, NULL},
	{"auto", "PMI_RANK=2 PMI_SIZE=4", 3, 4, NULL},
	{"auto", "FLUX_TASK_RANK=3 FLUX_JOB_SIZE=4", 4, 4, NULL},
	{"auto", "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=8", 2, 2, NULL},
	{"auto/4", "PMI_RANK=2 PMI_SIZE=4", 3, 4, NULL},
	{"auto", "OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2", 6, 8, NULL}, /* mpirun over srun */
	{"auto", SLURM(1, 4, 0, 3, 1) "SLURM_PROCID=0 SLURM_NTASKS=8", 2, 4, NULL},                                  /* a batch script */

	/* ranks in an array */
	{"auto", SLURM(0, 3, 0, 2, 1) "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4", 1, 12, NULL},
	{"auto", SLURM(1, 3, 0, 2, 1) "OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", 7, 12, NULL},
	{"auto", SGE(3, 1, 3, 1) "PMI_RANK=3 PMI_SIZE=4", 12, 12, NULL},
	{"auto/12", SGE(3, 1, 3, 1) "PMI_RANK=3 PMI_SIZE=4", 12, 12, NULL},
	{"auto/12", "PBS_ARRAY_INDEX=2 PMI_RANK=1 PMI_SIZE=4", 6, 12, NULL},
	{"auto/3", "PARALLEL_SEQ=2 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1", 2, 3, NULL},
	{"auto", "PBS_ARRAY_INDEX=2 PMI_RANK=1 PMI_SIZE=4", 0, 0,
	 "--shard: PBS_ARRAY_INDEX tells which part this is, and not how many there are; use auto/N"},
	{"auto/10", "PBS_ARRAY_INDEX=2 PMI_RANK=1 PMI_SIZE=4", 0, 0, "--shard: auto/10 is no multiple of the 4 that PMI_SIZE tells"},
	{"auto/3", "PBS_ARRAY_INDEX=1 PMI_RANK=1 PMI_SIZE=4", 0, 0, "--shard: auto/3 is no multiple of the 4 that PMI_SIZE tells"},
	{"auto/4", "PBS_ARRAY_INDEX=2 PMI_RANK=1 PMI_SIZE=4", 0, 0, IDS("PBS_ARRAY_INDEX", 2, 1, 1, 1)},

	/* what contradicts itself, or is too much */
	{"auto/8", SLURM(0, 4, 0, 3, 1), 0, 0, "--shard: auto/8, but the launcher has 4 parts (SLURM_ARRAY_TASK_ID); use auto"},
	{"auto/8", "PMI_RANK=0 PMI_SIZE=4", 0, 0, "--shard: auto/8, but the launcher has 4 parts (PMI_RANK); use auto"},
	{"auto/8", SGE(1, 1, 3, 1) "PMI_RANK=0 PMI_SIZE=4", 0, 0,
	 "--shard: auto/8, but the launcher has 12 parts (SGE_TASK_ID, PMI_RANK); use auto"},
	{"auto", SLURM(1, 4, 0, 3, 1) "PARALLEL_SEQ=3", 0, 0,
	 "--shard: SLURM_ARRAY_TASK_ID is 1 and PARALLEL_SEQ is 3, one launcher inside another; use I/N"},
	{"auto/8", "JOB_COMPLETION_INDEX=1 PARALLEL_SEQ=3", 0, 0,
	 "--shard: JOB_COMPLETION_INDEX is 1 and PARALLEL_SEQ is 3, one launcher inside another; use I/N"},
	{"auto", SLURM(0, 10001, 0, 10000, 1), 0, 0, "--shard: the launcher has 10001 parts, at most 10000 can be"},
	{"auto", SLURM(0, 200, 0, 199, 1) "PMI_RANK=0 PMI_SIZE=100", 0, 0, "--shard: the launcher has 20000 parts, at most 10000 can be"},
	{"auto", SLURM(999999998, 999999999, 0, 999999998, 1) "PMI_RANK=0 PMI_SIZE=999999999", 0, 0,
	 "--shard: the launcher has 999999998000000001 parts, at most 10000 can be"},

	/* malformed variables */
	{"auto", "PMI_RANK=-1 PMI_SIZE=4", 0, 0, "--shard: PMI_RANK must be a whole number from 0 to 999999999, is '-1'"},
	{"auto", "PMI_RANK=1 PMI_SIZE=0", 0, 0, "--shard: PMI_SIZE must be a whole number from 1 to 999999999, is '0'"},
	{"auto", "PMI_RANK=1 PMI_SIZE=many", 0, 0, "--shard: PMI_SIZE must be a whole number from 1 to 999999999, is 'many'"},
	{"auto", "PMI_RANK=1 PMI_SIZE=4.0", 0, 0, "--shard: PMI_SIZE must be a whole number from 1 to 999999999, is '4.0'"},
	{"auto", "PMI_RANK=1 PMI_SIZE=18446744073709551620", 0, 0,
	 "--shard: PMI_SIZE must be a whole number from 1 to 999999999, is '18446744073709551620'"},
	{"auto/4", "PARALLEL_SEQ=1000000000", 0, 0, "--shard: PARALLEL_SEQ must be a whole number from 0 to 999999999, is '1000000000'"},
	{"auto/4", "PARALLEL_SEQ=\033", 0, 0, "--shard: PARALLEL_SEQ must be a whole number from 0 to 999999999, is '?'"},
	{"auto", SLURM(1, 4, 0, 3, 0), 0, 0, "--shard: SLURM_ARRAY_TASK_STEP must be a whole number from 1 to 999999999, is '0'"},
	{"auto", SLURM(1, 4, x, 3, 1), 0, 0, "--shard: SLURM_ARRAY_TASK_MIN must be a whole number from 0 to 999999999, is 'x'"},
	{"auto", SLURM(1, 4, 0, -3, 1), 0, 0, "--shard: SLURM_ARRAY_TASK_MAX must be a whole number from 0 to 999999999, is '-3'"},
	{"auto", SLURM(1, ?, 0, 3, 1), 0, 0, "--shard: SLURM_ARRAY_TASK_COUNT must be a whole number from 1 to 999999999, is '?'"},
	{"auto", SGE(1, 1, undefined, 1), 0, 0, "--shard: SGE_TASK_LAST must be a whole number from 0 to 999999999, is 'undefined'"},

	/* outside of arrays the variables may be there, and say nothing */
	{"auto", SGE(undefined, undefined, undefined, undefined) "PMI_RANK=1 PMI_SIZE=4", 2, 4, NULL},
	{"auto", "LSB_JOBINDEX=0 LSB_JOBINDEX_END=0 LSB_JOBINDEX_STEP=0 PMI_RANK=1 PMI_SIZE=4", 2, 4, NULL},
	{"auto", "SLURM_ARRAY_TASK_ID= PMI_RANK=1 PMI_SIZE=4", 2, 4, NULL},
};

/* Environments without a launcher; some hold half of one. */
static const char *const nothing[] = {
	"",
	"SLURM_PROCID=0 SLURM_NTASKS=8",
	SGE(undefined, undefined, undefined, undefined),
	"LSB_JOBINDEX=0 LSB_JOBINDEX_END=0",
	"PMI_RANK=1",
	"PMI_SIZE=4",
};

static void set_environment(const char *env)
{
	char copy[512], *save = NULL;

	for (size_t i = 0; i < COUNT(variables); i++)
		unsetenv(variables[i]);
	snprintf(copy, sizeof(copy), "%s", env);
	for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		char *value = strchr(name, '=');
		bool known = false;

		*value++ = '\0';
		for (size_t i = 0; i < COUNT(variables) && !known; i++)
			known = strcmp(name, variables[i]) == 0;
		assert_true(known);
		setenv(name, value, 1);
	}
}

static int clear_environment(void **state)
{
	(void)state;
	set_environment("");
	return 0;
}

static void parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shard s = {-1, -2};
		struct hx_err err = {"untouched"};
		int rc;

		set_environment(rows[i].env);
		rc = shard_parse(rows[i].text, &s, &err);
		if (strcmp(err.msg, rows[i].message ? rows[i].message : "untouched"))
			fail_msg("'%s' with '%s': %s", rows[i].text, rows[i].env, err.msg);
		assert_int_equal(rc, rows[i].message ? HX_INPUT : HX_OK);
		if (s.index != (rc ? -1 : rows[i].index) || s.count != (rc ? -2 : rows[i].count))
			fail_msg("'%s' with '%s': %d/%d", rows[i].text, rows[i].env, s.index, s.count);
	}
}

static void finds_nothing(void **state)
{
	static const char *const texts[] = {"auto", "auto/4"};

	(void)state;
	for (size_t i = 0; i < COUNT(nothing); i++)
		for (size_t k = 0; k < COUNT(texts); k++) {
			struct shard s;
			struct hx_err err;

			set_environment(nothing[i]);
			assert_int_equal(shard_parse(texts[k], &s, &err), HX_INPUT);
			assert_string_equal(
				err.msg,
				"--shard: 'auto' finds no launcher (looked for SLURM_ARRAY_TASK_ID, SGE_TASK_ID, LSB_JOBINDEX, "
				"PBS_ARRAY_INDEX, "
				"JOB_COMPLETION_INDEX, PARALLEL_SEQ, OMPI_COMM_WORLD_SIZE, MV2_COMM_WORLD_SIZE, PMI_SIZE, FLUX_JOB_SIZE, "
				"SLURM_STEP_NUM_TASKS); use I/N");
		}
}

/* Every process of an array of 5, in steps of 3, of 4 ranks each is another part, and together they are all. */
static void multiplies(void **state)
{
	bool seen[20] = {false};

	(void)state;
	for (int task = 0; task < 5; task++)
		for (int rank = 0; rank < 4; rank++) {
			char env[512];
			struct shard s;
			struct hx_err err;

			snprintf(env, sizeof(env),
				 "SLURM_ARRAY_TASK_ID=%d SLURM_ARRAY_TASK_COUNT=5 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=14 "
				 "SLURM_ARRAY_TASK_STEP=3 SLURM_PROCID=%d SLURM_STEP_NUM_TASKS=4",
				 2 + 3 * task, rank);
			set_environment(env);
			if (shard_parse("auto", &s, &err))
				fail_msg("%s", err.msg);
			assert_int_equal(s.count, 20);
			assert_in_range(s.index, 1, 20);
			assert_false(seen[s.index - 1]);
			seen[s.index - 1] = true;
		}
}

static void divides(void **state)
{
	static const int64_t sizes[] = {0,
					1,
					2,
					3,
					7,
					8,
					9,
					9999,
					10000,
					10001,
					19999,
					123456,
					INT32_MAX,
					1LL << 62,
					INT64_MAX,
					INT64_MAX - 1,
					INT64_MAX / 10000 * 10000};
	static const int counts[] = {1, 2, 3, 4, 7, 8, 64, 997, 9999, 10000};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t k = 0; k < COUNT(counts); k++) {
			int64_t covered = 0, least = sizes[i] / counts[k], first, last;

			for (int index = 1; index <= counts[k]; index++) {
				shard_range(&(struct shard){index, counts[k]}, sizes[i], &first, &last);
				assert_true(first == covered); /* no gap, no overlap */
				assert_true(last - first == least || last - first == least + 1);
				covered = last;
			}
			assert_true(covered == sizes[i]);
		}
}

static void ranges(void **state)
{
	static const struct {
		struct shard s;
		int64_t size, first, last;
	} known[] = {
		{{1, 1}, 10, 0, 10}, {{1, 4}, 10, 0, 3}, {{2, 4}, 10, 3, 6}, {{3, 4}, 10, 6, 8},
		{{4, 4}, 10, 8, 10}, {{3, 4}, 2, 2, 2},  {{1, 1}, 0, 0, 0},  {{2, 2}, INT64_MAX, 4611686018427387904, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		int64_t first, last;

		shard_range(&known[i].s, known[i].size, &first, &last);
		assert_true(first == known[i].first && last == known[i].last);
	}
}

static void names(void **state)
{
	static const struct {
		const char *db;
		struct shard s;
		const char *path;
	} known[] = {
		{"results/hexplore.db", {2, 4}, "results/hexplore-2-of-4.db"},
		{"results/hexplore.db", {2, 10}, "results/hexplore-02-of-10.db"},
		{"hexplore.db", {7, 10000}, "hexplore-00007-of-10000.db"},
		{"hexplore.db", {10000, 10000}, "hexplore-10000-of-10000.db"},
		{"hexplore.db", {1, 1}, "hexplore-1-of-1.db"},
		{"a.b.db", {1, 2}, "a.b-1-of-2.db"},
		{"results.d/hexplore", {1, 2}, "results.d/hexplore-1-of-2"},
		{"../hexplore", {1, 2}, "../hexplore-1-of-2"},
		{"./x/.hidden", {1, 2}, "./x/.hidden-1-of-2"},
		{".hidden.db", {1, 2}, ".hidden-1-of-2.db"},
		{"/data/x.sqlite3", {1, 2}, "/data/x-1-of-2.sqlite3"},
		{"x.", {1, 2}, "x-1-of-2."},
		{"100%s.db", {1, 2}, "100%s-1-of-2.db"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		char *path = shard_path(known[i].db, &known[i].s);

		assert_string_equal(path, known[i].path);
		free(path);
	}
}

/* As text the names stand in the order of the parts. */
static void names_sort(void **state)
{
	static const int counts[] = {9, 10, 11, 1000};

	(void)state;
	for (size_t k = 0; k < COUNT(counts); k++)
		for (int index = 2; index <= counts[k]; index++) {
			char *a = shard_path("x.db", &(struct shard){index - 1, counts[k]});
			char *b = shard_path("x.db", &(struct shard){index, counts[k]});

			assert_true(strcmp(a, b) < 0);
			free(a);
			free(b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(parses, clear_environment),
					   cmocka_unit_test_teardown(finds_nothing, clear_environment),
					   cmocka_unit_test_teardown(multiplies, clear_environment),
					   cmocka_unit_test(divides),
					   cmocka_unit_test(ranges),
					   cmocka_unit_test(names),
					   cmocka_unit_test(names_sort)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
