#include "fixture.h"

#define WORK  "\"workloads\": [{\"prompt\": 1, \"generated\": 1}], \"target_quants\": [\"f16\"], \"gamma\": [0],\n"
#define THREE "\"launch_s\": 1e-5, \"sync_s\": 1e-4}],\n\"memory\""
#define THREE_UNIT                                                                                                                         \
	"\"launch_s\": 1e-5, \"sync_s\": 1e-4},\n"                                                                                         \
	"{\"name\": \"h\", \"kind\": \"gpu\", \"core\": \"x\", \"cores\": 1, \"clock_hz\": 1e9, \"flop_per_cycle\": {\"f16\": 1},\n"       \
	"\"bandwidth\": {\"cores\": [1], \"footprint_bytes\": [1], \"bytes_s\": [[1e9]]},\n"                                               \
	"\"kernels\": [{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\": 1}], \"launch_s\": 0, \"sync_s\": 0}],\n\"memory\""

/* Units c (1 to 4 cores), g and h; six layers. One part: 6. Two: 18 ordered pairs (4 each of c with g or h, 1 of g with h) x 5 cuts.
 * Three: 6 orders x 4 core counts x 10 pairs of cuts. */
static void automatic(void **state)
{
	static const struct {
		const char *members;
		size_t n;
	} rows[] = {
		{"\"cuts\": 1", 6},
		{"\"cuts\": 2", 6 + 18 * 5},
		{"\"cuts\": 3", 6 + 18 * 5 + 240},
		{"\"cuts\": 4", 6 + 18 * 5 + 240}, /* no fourth unit */
		{"\"cuts\": 3, \"cut_step\": 2", 6 + 18 * 2 + 24},
		{"\"cuts\": 3, \"cut_step\": 3", 6 + 18},
		{"\"cuts\": 3, \"cut_step\": 6", 6},
		{"\"cuts\": 2, \"cores\": [2]", 3 + 6 * 5},
		{"\"cuts\": 2, \"cores\": [1, 4, 9]", 4 + (4 * 2 + 2) * 5},
		{"\"cuts\": 1, \"cores\": [5]", 2},
		{"\"cuts\": 1, \"target_mappings\": [\"auto\", \"cx2:0+g:1-5\"]", 7},
		{"\"target_mappings\": [\"cx2\", \"g\"]", 2},
		{"\"cuts\": 1, \"clocks\": [1, 0.5]", 12},
		{"\"cuts\": 2, \"clocks\": [0.75, 0.5]", 2 * (6 + 18 * 5)},
		{"\"clocks\": [1, 0.5], \"target_mappings\": [\"cx2\", \"auto\", \"g\"]", 12},
	};
	char *profile = fixture_replace(fixture_profile, THREE, THREE_UNIT);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *members = hx_xasprintf(WORK "%s", rows[i].members);
		struct fixture f;

		fixture_load(&f, profile, members, NULL);
		assert_int_equal(f.space.target.n, rows[i].n);
		for (size_t a = 0; a < f.space.target.n; a++)
			for (size_t b = 0; b < a; b++)
				assert_string_not_equal(f.space.target.v[a].text, f.space.target.v[b].text);
		assert_int_equal(f.space.size, rows[i].n);
		fixture_free(&f);
		free(members);
	}
	free(profile);
}

static void no_mapping(void **state)
{
	char *text = fixture_replace(fixture_profile, "\"kind\": \"gpu\"", "\"kind\": \"cpu\""),
	     *cpus = fixture_replace(text, "[2]}", "[1, 2]}");
	struct fixture f;
	struct hx_err err;

	(void)state;
	assert_int_equal(fixture_try(&f, cpus, WORK "\"cores\": [7]", NULL, &err), HX_INPUT);
	if (!strstr(err.msg, "allows none of the core counts"))
		fail_msg("%s", err.msg);
	fixture_free(&f);
	free(text);
	free(cpus);
}

#define FULL                                                                                                                               \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"ngram\", \"small\", \"early-exit:2\"], \"draft_quants\": [\"q8_0\", "    \
	"\"f16\", \"q4_0\"],\n"                                                                                                            \
	"\"target_mappings\": [\"cx1\", \"g\", \"cx2:0-2+g:3-5\"], \"draft_mappings\": [\"g\", \"cx4\"], \"gamma\": [3, 0, 1],\n"          \
	"\"modes\": [\"overlapped\", \"sequential\"], \"workloads\": [{\"prompt\": 1, \"generated\": 2}, {\"prompt\": 3, \"generated\": "  \
	"4}],\n"                                                                                                                           \
	"\"acceptance\": [{\"alpha\": 0.5, \"kind\": \"estimate\", \"from\": \"x\"}]"

/* Drafter and target are tried at one clock, every mapping at every clock. */
static void one_clock(void **state)
{
	struct fixture f;
	int64_t at[3] = {0};

	(void)state;
	fixture_load(&f, fixture_profile, FULL ", \"clocks\": [0.5, 1, 0.255]", NULL);
	assert_int_equal(f.space.target.n, 9);
	assert_int_equal(f.space.draft[1].n, 6);
	assert_string_equal(f.space.target.v[2].text, "cx2@500MHz:0-2+g@500MHz:3-5");
	assert_string_equal(f.space.target.v[3].text, "cx1");
	assert_string_equal(f.space.draft[1].v[4].text, "g@255MHz");
	for (int64_t i = f.space.n_plain; i < f.space.size; i++) {
		struct point p = space_point(&f.space, i);

		if (p.draft_map >= 0)
			assert_int_equal(p.target_map / 3, p.draft_map / 2);
		at[p.target_map / 3]++;
	}
	assert_int_equal(at[0], at[1]);
	assert_int_equal(at[0], at[2]);
	assert_int_equal(f.space.n_plain, 3 * 12);
	assert_int_equal(f.space.size, 3 * (12 + 12 * 2 + 12 * (3 * 2 * 2 * 2) + 12 * 2));
	fixture_free(&f);
}

/* Texts as long as a file allows are clocked, or refused by the parser: nothing is cut or overrun. */
static void long_mappings(void **state)
{
	char *members[2], uses[1001] = "";
	struct fixture f;
	struct hx_err err;

	(void)state;
	for (int i = 0; i < 249; i++)
		strcat(uses, "cx1+");
	members[0] = hx_xasprintf(WORK "\"clocks\": [0.5], \"target_mappings\": [\"%scx1\"]", uses);
	members[1] = hx_xasprintf(WORK "\"clocks\": [0.5], \"target_mappings\": [\"%.400szzzzzzzzzzzz:%.300s\"]", uses,
				  fixture_profile + strcspn(fixture_profile, "0"));
	memset(members[1] + strlen(members[1]) - 302, 'A', 300);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_try(&f, fixture_profile, members[i], NULL, &err), HX_INPUT);
		if (!strstr(err.msg, "target_mappings[0]: mapping 'cx1@500MHz+"))
			fail_msg("%s", err.msg);
		fixture_free(&f);
		free(members[i]);
	}
	assert_int_equal(fixture_try(&f, fixture_profile, WORK "\"clocks\": [0.5], \"target_mappings\": [\"cx1@600MHz\"]", NULL, &err), HX_INPUT);
	if (!strstr(err.msg, "names a clock"))
		fail_msg("%s", err.msg);
	fixture_free(&f);
}

/* Clocks that are the same in MHz are as many mappings as others. */
static void slow_clocks(void **state)
{
	char *slow = fixture_replace(fixture_profile, "\"clock_hz\": 1e9", "\"clock_hz\": 5e7");
	struct fixture f;

	(void)state;
	fixture_load(&f, slow, WORK "\"clocks\": [0.11, 0.116], \"target_mappings\": [\"cx1\", \"cx2\", \"cx1\"]", NULL);
	assert_int_equal(f.space.target.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(f.space.target.v[i].text, i % 2 ? "cx2@5MHz" : "cx1@5MHz");
	fixture_free(&f);
	free(slow);
}

/* Whatever a file asks for, memory and time are bounded. */
static void too_many_mappings(void **state)
{
	char *profile = fixture_replace(fixture_profile, THREE, THREE_UNIT), members[1024], *to = members;
	struct fixture f;
	struct hx_err err;

	(void)state;
	to += sprintf(to, WORK "\"cuts\": 3, \"clocks\": [1");
	for (int percent = 99; percent > 39; percent--) /* 336 mappings at each clock */
		to += sprintf(to, ", 0.%d", percent);
	sprintf(to, "]");
	assert_int_equal(fixture_try(&f, profile, members, NULL, &err), HX_INPUT);
	if (!strstr(err.msg, "more than 20000 mappings"))
		fail_msg("%s", err.msg);
	fixture_free(&f);
	free(profile);
}

/* 50,000 workloads x 45 mappings x 1000 drafters x 13 mappings x 2 modes x 256 gammas is 1.5e13; eleven quantisations of each make it 1.8e15. */
static void too_many_points(void **state)
{
	static const char head[] = "\"target_quants\": [\"f32\", \"f16\", \"bf16\", \"q4_0\", \"q4_1\", \"q5_0\", \"q5_1\", \"q8_0\", \"q4_k\", \"q5_k\", "
				   "\"q6_k\"],\n\"gamma\": {\"from\": 0, \"to\": 256}, \"modes\": [\"sequential\", \"overlapped\"], \"cuts\": 2, "
				   "\"drafters\": [\"small\"",
			  workload[] = ", {\"prompt\": 1, \"generated\": 1}";
	enum { DRAFTERS = 1000, WORKLOADS = 50000 };
	char *members = hx_xmalloc(sizeof(head) + DRAFTERS * 16 + WORKLOADS * sizeof(workload) + 64), *to = members;
	struct fixture f;
	struct hx_err err;

	(void)state;
	to += sprintf(to, "%s", head);
	for (int i = 1; i < DRAFTERS; i++)
		to += sprintf(to, ", \"small\"");
	to += sprintf(to, "], \"workloads\": [%s", workload + 2);
	for (int i = 1; i < WORKLOADS; i++)
		to += sprintf(to, "%s", workload);
	sprintf(to, "]");
	assert_int_equal(fixture_try(&f, fixture_profile, members, NULL, &err), HX_INPUT);
	if (!strstr(err.msg, "points; 1e+15 are the most"))
		fail_msg("%s", err.msg);
	fixture_free(&f);
	free(members);
}

static void expect(const struct space *s, int64_t *i, int drafter, int w, int tq, int tm, int dq, int dm, int mode, int gamma)
{
	struct point p = space_point(s, *i);

	assert_int_equal(p.index, *i);
	assert_int_equal(p.drafter, drafter);
	assert_int_equal(p.workload, w);
	assert_int_equal(p.target_type, tq);
	assert_int_equal(p.target_map, tm);
	assert_int_equal(p.draft_type, dq);
	assert_int_equal(p.draft_map, dm);
	assert_int_equal(p.mode, mode);
	assert_int_equal(p.gamma, gamma);
	++*i;
}

/* Every point by nested loops: all combinations, each once, plain first, in the documented order. */
static void enumerates(void **state)
{
	static const int tqs[] = {HX_F16, HX_Q8_0}, dqs[] = {HX_Q8_0, HX_F16, HX_Q4_0}, modes[] = {HX_OVERLAPPED, HX_SEQUENTIAL},
			 gammas[] = {3, 1};
	struct fixture f;
	int64_t i = 0;

	(void)state;
	fixture_load(&f, fixture_profile, FULL, NULL);
	assert_int_equal(f.space.n_plain, 2 * 2 * 3);
	assert_int_equal(f.space.size, 12 + 12 * 2 + 12 * (3 * 2 * 2 * 2) + 12 * 2);
	for (int drafter = SPACE_PLAIN; drafter < 3; drafter++)
		for (int w = 0; w < 2; w++)
			for (int tq = 0; tq < 2; tq++)
				for (int tm = 0; tm < 3; tm++) {
					if (drafter == SPACE_PLAIN)
						expect(&f.space, &i, drafter, w, tqs[tq], tm, tqs[tq], -1, 0, 0);
					for (int k = 0; drafter >= 0 && drafter != 1 && k < 2; k++)
						expect(&f.space, &i, drafter, w, tqs[tq], tm, tqs[tq], -1, 0, gammas[k]);
					for (int k = 0; drafter == 1 && k < 3 * 2 * 2 * 2; k++)
						expect(&f.space, &i, drafter, w, tqs[tq], tm, dqs[k / 8], k / 4 % 2, modes[k / 2 % 2],
						       gammas[k % 2]);
				}
	assert_int_equal(i, f.space.size);
	fixture_free(&f);
}

/* Only plain decoding: nothing to draft with, or no length to draft. */
static void plain_only(void **state)
{
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     "\"target_quants\": [\"f16\"], \"gamma\": [2], \"workloads\": [{\"prompt\": 1, \"generated\": 1}]", NULL);
	assert_int_equal(f.space.size, 5);
	fixture_free(&f);
	fixture_load(&f, fixture_profile,
		     "\"target_quants\": [\"f16\"], \"gamma\": [0], \"drafters\": [\"small\"], \"workloads\": [{\"prompt\": 1, "
		     "\"generated\": 1}]",
		     NULL);
	assert_int_equal(f.space.size, 5);
	fixture_free(&f);
}

/* Drafters are mapped by their own layers: two here, one cut. */
static void drafter_mappings(void **state)
{
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     "\"target_quants\": [\"f16\"], \"gamma\": [1], \"drafters\": [\"small\"], \"cuts\": 2, \"workloads\": [{\"prompt\": "
		     "1, \"generated\": 1}]",
		     NULL);
	assert_int_equal(f.space.target.n, 5 + 8 * 5);
	assert_int_equal(f.space.draft[0].n, 5 + 8 * 1);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic),  cmocka_unit_test(no_mapping),       cmocka_unit_test(enumerates),
		cmocka_unit_test(one_clock), cmocka_unit_test(long_mappings), cmocka_unit_test(slow_clocks), cmocka_unit_test(too_many_mappings), cmocka_unit_test(too_many_points),
		cmocka_unit_test(plain_only), cmocka_unit_test(drafter_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
