#include "fixture.h"

#include "core/sweep.h"

#include <stdio.h>

/* Line of the first occurrence. */
static int line_of(const char *text, const char *what)
{
	int line = 1;

	for (const char *at = strstr(text, what), *s = text; s < at; s++)
		line += *s == '\n';
	return line;
}

static int parse(struct profile *p, const char *text, struct hx_err *err)
{
	return profile_parse(p, text, strlen(text), "p.json", err);
}

static void toy(struct profile *p)
{
	struct hx_err err;

	if (parse(p, fixture_profile, &err))
		fail_msg("%s", err.msg);
}

static void parses(void **state)
{
	struct profile p;

	(void)state;
	toy(&p);
	assert_int_equal(p.is.n, 2);
	assert_ptr_equal(p.is.v[1], &p.units[1].is);
	assert_int_equal(p.units[0].is.usable, 4);
	assert_int_equal(p.host_unit, 0);
	check_near(p.units[0].mem_limit_bytes, NAN, 0);
	check_near(p.units[0].flop_per_cycle[ARITH_I8_MUL], NAN, 0);
	check_near(p.units[0].bandwidth.bytes_s[1][0], 2e9, 0);
	assert_int_equal(profile_unit(&p, "g"), 1);
	assert_int_equal(profile_unit(&p, "h"), -1);
	assert_ptr_equal(profile_link(&p, 0, 1), &p.links[0]);
	assert_ptr_equal(profile_link(&p, 1, 0), &p.links[0]);
	assert_null(profile_link(&p, 0, 0));
	assert_string_equal(profile_source(&p, "units.c.clock_hz")->path, "units");
	assert_null(profile_source(&p, "thermal.r_k_w"));
	profile_free(&p);
	profile_free(&p);
}

/* Cores kept for the application are not a mapping's. */
static void reserved(void **state)
{
	char *text = fixture_replace(fixture_profile, "\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 3}], ");
	struct profile p;
	struct hx_err err;

	(void)state;
	assert_int_equal(parse(&p, text, &err), HX_OK);
	assert_int_equal(p.units[0].is.cores, 4);
	assert_int_equal(p.units[0].is.usable, 1);
	assert_int_equal(p.units[1].is.usable, 2);
	profile_free(&p);
	free(text);
}

/* What is changed, and the message, which names its line. */
static const struct {
	const char *from, *to, *message;
} bad[] = {
	{"\"name\": \"g\"", "\"name\": \"c\"", "units[1].name: a second unit called 'c'"},
	{"\"cores\": [1, 4],", "\"cores\": [4, 1],", "units[0].bandwidth.cores: must ascend, but 1 follows 4"},
	{"\"cores\": [1, 4],", "\"cores\": [4, 4],", "units[0].bandwidth.cores: must ascend, but 4 follows 4"},
	{"\"footprint_bytes\": [1e6, 1e8]", "\"footprint_bytes\": [1e8, 1e6]",
	 "units[0].bandwidth.footprint_bytes: must ascend, but 1e+06 follows 1e+08"},
	{"\"bytes_s\": [[4e9, 1e10], [2e9, 5e9]]", "\"bytes_s\": [[4e9, 1e10]]",
	 "units[0].bandwidth.bytes_s: must have 2 rows (footprints) of 2 (core counts), has 1 of 2"},
	{"\"bytes_s\": [[4e9, 1e10], [2e9, 5e9]]", "\"bytes_s\": [[4e9], [2e9]]",
	 "units[0].bandwidth.bytes_s: must have 2 rows (footprints) of 2 (core counts), has 2 of 1"},
	{"\"kernels\": [", "\"read_bytes_s\": [2e9], \"kernels\": [",
	 "units[0].read_bytes_s: needs 2 figures, one for each of bandwidth.cores, has 1"},
	{"{\"type\": \"q8_0\", \"arithmetic\": \"i8_dot\"", "{\"type\": \"q8_0\", \"arithmetic\": \"i8_mul\"",
	 "units[0].kernels[2].arithmetic: c has no rate for i8_mul in flop_per_cycle"},
	{"{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\"", "{\"type\": \"f32\", \"arithmetic\": \"f16\", \"ceiling\"",
	 "units[0].kernels[1]: a second kernel for f32"},
	{"{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\": 0.5, \"r_half\": 1}",
	 "{\"type\": \"f16\", \"arithmetic\": \"f16\", \"r_half\": 1}",
	 "units[0].kernels[1]: needs either 'ceiling' (with 'r_half') or 'rows' with 'efficiency'"},
	{"\"arithmetic\": \"f16\", \"rows\"", "\"arithmetic\": \"f16\", \"ceiling\": 1, \"rows\"",
	 "units[1].kernels[0]: needs either 'ceiling' (with 'r_half') or 'rows' with 'efficiency'"},
	{"\"rows\": [1, 4, 16]", "\"rows\": [1, 4]", "units[1].kernels[0]: 'rows' and 'efficiency' must be of one length"},
	{"\"rows\": [1, 4, 16]", "\"rows\": [1, 4, 4]", "units[1].kernels[0]: must ascend, but 4 follows 4"},
	{"\"p\": 4", "\"p\": 4, \"fallback\": \"d\"", "units[1].fallback: no unit is called 'd'"},
	{"\"p\": 4", "\"p\": 4, \"row_sizes\": [8, 4]", "units[1].row_sizes: must ascend"},
	{"\"p\": 4", "\"p\": 4, \"platform\": \"ARM(\"", "units[1].platform: is no regular expression: Unmatched ( or \\("},
	{"\"p\": 4", "\"p\": 4, \"device\": \"[G\"", "units[1].device: is no regular expression: Unmatched [, [^, [:, [., or [="},
	{"\"h0_s\": 5e-5", "\"h0_s\": 5e-5, \"unit\": \"d\"", "host.unit: no unit is called 'd'"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"d\", \"cores\": 1}], ", "reserved.cores[0]: no unit is called 'd'"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 5}], ", "reserved.cores[0]: c has 4 cores"},
	{"\"memory_bytes\": 1e9", "\"memory_bytes\": 2e9", "reserved.memory_bytes: leaves nothing of the 2e+09 bytes installed"},
	{"\"memory_bytes\": 1e9", "\"bw_bytes_s\": 1.2e10", "reserved.bw_bytes_s: leaves nothing of 1.2e+10 B/s"},
	{"\"links\": [", "\"links\": [{\"a\": \"c\", \"b\": \"g\", \"fixed_s\": 0, \"bw_bytes_s\": 1e9}, ", "links[1]: a second link between g and c"},
	{"\"a\": \"g\", \"b\": \"c\"", "\"a\": \"g\", \"b\": \"d\"", "links[0]: no unit is called 'd'"},
	{"\"bw_bytes_s\": 1.2e10",
	 "\"bw_bytes_s\": 1.2e10, \"contention\": [{\"a\": \"d\", \"b\": \"c\", \"factor_a\": 1, \"factor_b\": 1}]",
	 "memory.contention[0]: no unit is called 'd'"},
	{"\"unit\": \"g\", \"active_w\"", "\"unit\": \"d\", \"active_w\"", "power.units[1]: no unit is called 'd'"},
	{"\"active_w\": [0.5, 0.9, 1.2, 1.4]", "\"active_w\": [0.5, 0.9, 1.2]",
	 "power.units[0].active_w: c needs 4 figures, one for each number of cores in use, has 3"},
	{"\"active_w\": [2]", "\"active_w\": [1, 2]",
	 "power.units[1].active_w: g needs 1 figures, one for each number of cores in use, has 2"},
	{"\"clock_hz\": 1e9", "\"clock_hz\": -1", "units[0].clock_hz: must be in [1e6, 2e10] Hz, is -1"},
	{"\"kind\": \"gpu\"", "\"kind\": \"gpus\"", "units[1].kind: unknown value 'gpus', did you mean 'gpu'?"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *text = fixture_replace(fixture_profile, bad[i].from, bad[i].to), message[512];
		struct profile p;
		struct hx_err err = {""};

		snprintf(message, sizeof(message), "p.json:%d: %s", line_of(fixture_profile, bad[i].from), bad[i].message);
		assert_int_equal(parse(&p, text, &err), HX_INPUT);
		assert_string_equal(err.msg, message);
		assert_null(p.units);
		free(text);
	}
}

static void too_many_units(void **state)
{
	const char *one = strstr(fixture_profile, "{\n\"name\": \"c\""), *end = strstr(one, "},\n{\"name\": \"g\"");
	char *list = hx_xstrdup(""), *text;
	struct profile p;
	struct hx_err err;

	(void)state;
	for (int i = 0; i < HX_MAX_UNITS; i++) {
		char *longer = hx_xasprintf("%s{\n\"name\": \"u%d\"%.*s},\n", list, i, (int)(end - one - 13), one + 13);

		free(list);
		list = longer;
	}
	text = hx_xasprintf("%.*s%s%s", (int)(one - fixture_profile), fixture_profile, list, one);
	assert_int_equal(parse(&p, text, &err), HX_INPUT);
	assert_string_equal(err.msg, "p.json:3: units: at most 16 units, has 18");
	free(text);
	free(list);
}

static void host_needs_a_cpu(void **state)
{
	char *text = fixture_replace(fixture_profile, "\"kind\": \"cpu\"", "\"kind\": \"npu\""),
	     *less = fixture_replace(text, "[0.5, 0.9, 1.2, 1.4]", "[1]");
	struct profile p;
	struct hx_err err;

	(void)state;
	assert_int_equal(parse(&p, less, &err), HX_INPUT);
	assert_string_equal(err.msg, "p.json:3: units: no CPU: the host code needs one");
	free(text);
	free(less);
}

static void note(void *arg, const char *path, const char *what)
{
	fprintf(arg, "%s %s\n", path, what);
}

static void check_unsourced(const char *text, int n, const char *first)
{
	char *said;
	size_t size;
	FILE *out = open_memstream(&said, &size);
	struct profile p;
	struct hx_err err;

	assert_int_equal(parse(&p, text, &err), HX_OK);
	assert_int_equal(profile_unsourced(&p, note, out), n);
	fclose(out);
	assert_memory_equal(said, first, strlen(first));
	profile_free(&p);
	free(said);
}

static void unsourced(void **state)
{
	static const struct {
		const char *from, *to, *first;
		int n;
	} rows[] = {
		{"", "", "", 0},
		{"\"memory\": {\"kind\"", "\"memory.capacity_bytes\": {\"kind\"", "memory.bw_bytes_s has no source\n", 1},
		{"\"reserved\": {\"kind\"", "\"reserve\": {\"kind\"", "reserved.", 3}, /* two parameters, and a source for nothing */
		{"\"sources\": {\"units\"", "\"sources\": {\"units.g\"", "units.c.cores has no source\n", 17},
		{"\"sources\": {\"units\"", "\"sources\": {\"unit\": {\"kind\": \"estimate\", \"from\": \"x\"}, \"units\"",
		 "unit is a source for nothing\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = fixture_replace(fixture_profile, rows[i].from, rows[i].to);

		check_unsourced(text, rows[i].n, rows[i].first);
		free(text);
	}
}

/* Every file that is shipped can be read; every figure of a shipped profile says where it comes from. */
static void shipped(void **state)
{
	(void)state;
	for (int kind = 0; kind < INPUT_COSTS; kind++) {
		char **names = input_names((enum input_kind)kind);
		struct inputs in = {0};
		size_t n = 0;

		for (; names[n]; n++) {
			const struct input *file;
			struct profile p;
			struct sweep s;
			struct hx_shape shape;
			struct accept a;
			struct hx_err err;
			int rc = input_find(&in, (enum input_kind)kind, names[n], &file, &err);

			if (!rc && kind == INPUT_PROFILE && !(rc = profile_parse(&p, file->text, file->len, file->path, &err))) {
				assert_string_equal(p.name, names[n]);
				if (profile_unsourced(&p, note, stderr))
					fail_msg("%s has figures without a source", names[n]);
				profile_free(&p);
			} else if (!rc && kind == INPUT_SWEEP && !(rc = sweep_parse(&s, file->text, file->len, file->path, &err))) {
				assert_string_equal(s.name, names[n]);
				sweep_free(&s);
			} else if (!rc && kind == INPUT_MODEL && !(rc = shape_parse(&shape, file->text, file->len, file->path, &err))) {
				shape_free(&shape);
			} else if (!rc && kind == INPUT_ACCEPTANCE && !(rc = accept_parse(&a, file->text, file->len, file->path, &err))) {
				assert_string_equal(a.name, names[n]);
				accept_free(&a);
			}
			if (rc)
				fail_msg("%s", err.msg);
		}
		assert_true(n >= 3);
		input_names_free(names);
		inputs_free(&in);
	}
}

/* Removing any one source of a shipped profile is noticed: either a figure loses its source, or the source was for nothing. */
static void every_source_counts(void **state)
{
	struct inputs in = {0};
	const struct input *file;
	struct hx_err err;
	struct profile p;
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	if (input_find(&in, INPUT_PROFILE, "rpi5", &file, &err) || profile_parse(&p, file->text, file->len, file->path, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < p.n_sources; i++) {
		struct source removed = p.sources[i];
		bool covered = false; /* by a shorter source */

		for (size_t k = 0; k < p.n_sources; k++) {
			size_t len = strlen(p.sources[k].path);

			covered |= k != i && strncmp(removed.path, p.sources[k].path, len) == 0 && strchr(".[", removed.path[len]);
		}
		p.sources[i] = p.sources[--p.n_sources];
		if (!covered)
			assert_true(profile_unsourced(&p, note, out) > 0);
		p.sources[p.n_sources++] = p.sources[i];
		p.sources[i] = removed;
	}
	fclose(out);
	profile_free(&p);
	inputs_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),           cmocka_unit_test(reserved),
		cmocka_unit_test(refuses),          cmocka_unit_test(too_many_units),
		cmocka_unit_test(host_needs_a_cpu), cmocka_unit_test(unsourced),
		cmocka_unit_test(shipped),          cmocka_unit_test(every_source_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
