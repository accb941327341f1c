#include "base/field.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define LIST(s, m, n) .at = offsetof(struct s, m), .count_at = offsetof(struct s, n)

struct inner {
	char *name;
	double x;
	int k;
};

struct source {
	char *key, *from;
	double *values;
	size_t n_values;
};

struct named {
	char *file;
	double alpha;
	int kind;
};

struct all {
	char *text, *name;
	double number, unknown;
	int whole, choice, big;
	bool flag;
	double *numbers;
	int *axis, *choices;
	char **strings, **names;
	struct inner one;
	struct inner *keyed, *counted;
	struct source *map;
	struct named *mixed;
	struct named single;
	double **matrix;
	size_t n_numbers, n_axis, n_choices, n_strings, n_names, n_keyed, n_counted, n_map, n_mixed, n_rows, n_cols;
};

static const char *const kinds[] = {"cpu", "gpu", "npu", NULL};

static const struct field inner_rows[] = {
	{"name", FIELD_NAME, .at = offsetof(struct inner, name), .help = "who"},
	{"x_hz", FIELD_NUMBER, FIELD_REQUIRED, .at = offsetof(struct inner, x), .unit = "Hz", .min = 1e6, .max = 2e10, .help = "clock"},
	{"k", FIELD_INT, .at = offsetof(struct inner, k), .min = 0, .max = 9, .missing = 7, .help = "count"},
	{0}};
static const struct field_table keyed = {
	.size = sizeof(struct inner), .keyed = true, .key_at = offsetof(struct inner, name), .fields = inner_rows};
static const struct field_table counted = {.size = sizeof(struct inner), .fields = inner_rows};

static const struct field source_rows[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, .at = offsetof(struct source, key), .help = "parameter"},
	{"from", FIELD_STRING, FIELD_REQUIRED, .at = offsetof(struct source, from), .help = "who says so"},
	{"values", FIELD_NUMBERS, 0, LIST(source, values, n_values), .min = -1, .max = 1, .help = "numbers"},
	{0}};
static const struct field_table source = {.size = sizeof(struct source), .fields = source_rows};

static const struct field named_rows[] = {
	{"alpha", FIELD_NUMBER, .at = offsetof(struct named, alpha), .min = 0, .max = 1, .missing = 0.5, .help = "chance"},
	{"kind", FIELD_CHOICE, .at = offsetof(struct named, kind), .choices = kinds, .missing = 2, .help = "kind"},
	{0}};
static const struct field_table named = {
	.size = sizeof(struct named), .or_string = true, .string_at = offsetof(struct named, file), .fields = named_rows};

static const struct field all_rows[] = {
	{"text", FIELD_STRING, .at = offsetof(struct all, text), .help = "text"},
	{"name", FIELD_NAME, .at = offsetof(struct all, name), .help = "name"},
	{"number", FIELD_NUMBER, .at = offsetof(struct all, number), .min = -1, .max = 1e9, .missing = 0.25, .help = "number"},
	{"unknown", FIELD_NUMBER, .at = offsetof(struct all, unknown), .unit = "s", .min = 0, .max = 1, .missing = NAN, .help = "number"},
	{"whole", FIELD_INT, .at = offsetof(struct all, whole), .unit = "tokens", .min = -5, .max = 5, .missing = 3, .help = "int"},
	{"big", FIELD_INT, .at = offsetof(struct all, big), .min = -1e18, .max = 1e18, .help = "any int"},
	{"choice", FIELD_CHOICE, .at = offsetof(struct all, choice), .choices = kinds, .missing = 1, .help = "choice"},
	{"flag", FIELD_BOOL, .at = offsetof(struct all, flag), .missing = 1, .help = "flag"},
	{"numbers", FIELD_NUMBERS, FIELD_MIN1, LIST(all, numbers, n_numbers), .min = 0, .max = 10, .help = "numbers"},
	{"axis", FIELD_AXIS, FIELD_MIN1, LIST(all, axis, n_axis), .min = -2147483648.0, .max = 2147483647, .help = "axis"},
	{"choices", FIELD_CHOICES, 0, LIST(all, choices, n_choices), .choices = kinds, .help = "choices"},
	{"strings", FIELD_STRINGS, 0, LIST(all, strings, n_strings), .help = "strings"},
	{"names", FIELD_NAMES, 0, LIST(all, names, n_names), .help = "names"},
	{"one", FIELD_OBJECT, .at = offsetof(struct all, one), .sub = &counted, .help = "object"},
	{"keyed", FIELD_OBJECTS, 0, LIST(all, keyed, n_keyed), .sub = &keyed, .help = "objects with names"},
	{"counted", FIELD_OBJECTS, FIELD_MIN1, LIST(all, counted, n_counted), .sub = &counted, .help = "objects"},
	{"map", FIELD_MAP, 0, LIST(all, map, n_map), .sub = &source, .help = "map"},
	{"mixed", FIELD_OBJECTS, 0, LIST(all, mixed, n_mixed), .sub = &named, .help = "file or object"},
	{"single", FIELD_OBJECT, .at = offsetof(struct all, single), .sub = &named, .help = "file or object"},
	{"matrix", FIELD_MATRIX, 0, LIST(all, matrix, n_rows), .cols_at = offsetof(struct all, n_cols), .min = 0, .max = 100,
	 .help = "matrix"},
	{0}};
static const struct field_table table = {.schema = "hexplore/test/1", .size = sizeof(struct all), .fields = all_rows};

/* Reads an object with the given members after the schema. */
static int read(struct all *a, const char *members, struct hx_err *err)
{
	char *text = hx_xasprintf("{\"schema\": \"hexplore/test/1\"%s%s}", *members ? ",\n" : "", members);
	int rc = field_read(a, &table, text, strlen(text), "f.json", err);

	free(text);
	return rc;
}

static const char full[] =
	"\"text\": \"a \\\"é\\\"\", \"name\": \"A-1_b.c+d\", \"number\": 1e9, \"unknown\": 0.5, \"whole\": 3.0, \"big\": -2147483648,\n"
	"\"choice\": \"npu\", \"flag\": false, \"numbers\": [0, 2.5, 10], \"axis\": [4, 1, -2], \"choices\": [\"gpu\", \"cpu\"],\n"
	"\"strings\": [\"a b\", \"\\\"\"], \"names\": [\"x\"], \"one\": {\"x_hz\": 1e6},\n"
	"\"keyed\": [{\"name\": \"a55\", \"x_hz\": 1.8e9, \"k\": 1}, {\"x_hz\": 2e10}], \"counted\": [{\"x_hz\": 1234567}],\n"
	"\"map\": {\"units.a55\": {\"from\": \"me\", \"values\": []}, \"\": {\"from\": \"you\"}},\n"
	"\"mixed\": [\"a.json\", {\"alpha\": 1}], \"single\": \"b.json\", \"matrix\": [[1, 2], [3, 4], [5, 100]]";

static void reads_every_type(void **state)
{
	struct hx_err err;
	struct all a;

	(void)state;
	if (read(&a, full, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(a.text, "a \"é\"");
	assert_string_equal(a.name, "A-1_b.c+d");
	check_near(a.number, 1e9, 0);
	check_near(a.unknown, 0.5, 0);
	assert_int_equal(a.whole, 3);
	assert_int_equal(a.big, INT32_MIN);
	assert_int_equal(a.choice, 2);
	assert_false(a.flag);
	assert_int_equal(a.n_numbers, 3);
	check_near(a.numbers[1], 2.5, 0);
	assert_int_equal(a.n_axis, 3);
	assert_int_equal(a.axis[0], 4);
	assert_int_equal(a.axis[2], -2);
	assert_int_equal(a.n_choices, 2);
	assert_int_equal(a.choices[0], 1);
	assert_int_equal(a.n_strings, 2);
	assert_string_equal(a.strings[1], "\"");
	assert_int_equal(a.n_names, 1);
	check_near(a.one.x, 1e6, 0);
	assert_int_equal(a.one.k, 7);
	assert_int_equal(a.n_keyed, 2);
	assert_int_equal(a.keyed[0].k, 1);
	assert_null(a.keyed[1].name);
	assert_int_equal(a.keyed[1].k, 7);
	assert_int_equal(a.n_map, 2);
	assert_string_equal(a.map[0].key, "units.a55");
	assert_string_equal(a.map[1].key, "");
	assert_string_equal(a.map[1].from, "you");
	assert_string_equal(a.mixed[0].file, "a.json");
	check_near(a.mixed[0].alpha, 0.5, 0);
	assert_int_equal(a.mixed[0].kind, 2);
	assert_null(a.mixed[1].file);
	check_near(a.mixed[1].alpha, 1, 0);
	assert_string_equal(a.single.file, "b.json");
	assert_int_equal(a.n_rows, 3);
	assert_int_equal(a.n_cols, 2);
	check_near(a.matrix[2][1], 100, 0);
	field_free(&a, &table);
	assert_null(a.matrix);
	assert_int_equal(a.n_rows, 0);
	field_free(&a, &table);
}

static void defaults(void **state)
{
	struct hx_err err;
	struct all a;

	(void)state;
	memset(&a, 0xa5, sizeof(a));
	assert_int_equal(read(&a, "", &err), HX_OK);
	check_near(a.number, 0.25, 0);
	check_near(a.unknown, NAN, 0);
	assert_int_equal(a.whole, 3);
	assert_int_equal(a.choice, 1);
	assert_true(a.flag);
	assert_null(a.text);
	assert_null(a.numbers);
	assert_int_equal(a.n_numbers, 0);
	assert_int_equal(a.one.k, 7);
	check_near(a.single.alpha, 0.5, 0);
	assert_null(a.matrix);
	field_free(&a, &table);
}

static void ranges(void **state)
{
	static const struct {
		const char *text;
		int values[5];
		size_t n;
	} rows[] = {
		{"{\"from\": 0, \"to\": 4}", {0, 1, 2, 3, 4}, 5},
		{"{\"to\": 9, \"from\": 1, \"step\": 3}", {1, 4, 7}, 3},
		{"{\"from\": -1, \"to\": -1}", {-1}, 1},
		{"{\"from\": -2147483648, \"to\": 2147483647, \"step\": 2147483647}", {INT32_MIN, -1, INT32_MAX - 1}, 3},
	};
	struct hx_err err;
	struct all a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = hx_xasprintf("\"axis\": %s", rows[i].text);

		if (read(&a, text, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(a.n_axis, rows[i].n);
		assert_memory_equal(a.axis, rows[i].values, rows[i].n * sizeof(int));
		field_free(&a, &table);
		free(text);
	}
	assert_int_equal(read(&a, "\"axis\": {\"from\": 1, \"to\": 100000}", &err), HX_OK);
	assert_int_equal(a.n_axis, 100000);
	field_free(&a, &table);
}

/* Members are on line 2 and later; every message begins with f.json. */
static const struct {
	const char *members, *message;
} refused[] = {
	{"\"text\": 1", ":2: text: must be a string, is 1"},
	{"\"text\": null", ":2: text: must be a string, is null"},
	{"\"text\": \"a\\nb\"", ":2: text: control characters are not accepted"},
	{"\"name\": \"a b\"", ":2: name: must be a name (letters, digits and ._+-, a letter or digit first, at most 64), is 'a b'"},
	{"\"name\": []", ":2: name: must be a name (letters, digits and ._+-, a letter or digit first, at most 64), is a list"},
	{"\"number\": \"\\u001b[1m\"", ":2: number: must be a number, is '?[1m'"},
	{"\"number\": true", ":2: number: must be a number, is true"},
	{"\"number\": -1.5", ":2: number: must be in [-1, 1e9], is -1.5"},
	{"\"unknown\": 2", ":2: unknown: must be in [0, 1] s, is 2"},
	{"\"whole\": 3.5", ":2: whole: must be a whole number, is 3.5"},
	{"\"whole\": 6", ":2: whole: must be in [-5, 5] tokens, is 6"},
	{"\"whole\": 1e300", ":2: whole: must be in [-5, 5] tokens, is 1e300"},
	{"\"big\": 2147483648", ":2: big: must be in [-2147483648, 2147483647], is 2147483648"},
	{"\"flag\": 1", ":2: flag: must be true or false, is 1"},
	{"\"choice\": 0", ":2: choice: must be a string, is 0"},
	{"\"choice\": \"gpus\"", ":2: choice: unknown value 'gpus', did you mean 'gpu'?"},
	{"\"choice\": \"tensor\"", ":2: choice: unknown value 'tensor'; known are: cpu, gpu, npu"},
	{"\"numbers\": 1", ":2: numbers: must be a list, is 1"},
	{"\"numbers\": []", ":2: numbers: must not be empty"},
	{"\"numbers\": [1,\n 11]", ":3: numbers[1]: must be in [0, 10], is 11"},
	{"\"numbers\": [1, null]", ":2: numbers[1]: must be a number, is null"},
	{"\"axis\": 4", ":2: axis: must be a list or {\"from\": A, \"to\": B}, is 4"},
	{"\"axis\": []", ":2: axis: must not be empty"},
	{"\"axis\": [1, 2, 1]", ":2: axis: 1 stands in the list twice"},
	{"\"axis\": [1.5]", ":2: axis[0]: must be a whole number, is 1.5"},
	{"\"axis\": {\"from\": 4, \"to\": 1}", ":2: axis: 'from' (4) is above 'to' (1); swap them"},
	{"\"axis\": {\"from\": 4}", ":2: axis: 'to' is missing (last value)"},
	{"\"axis\": {\"from\": 0, \"to\": 1, \"stop\": 1}", ":2: axis.stop: unknown key, did you mean 'step'?"},
	{"\"axis\": {\"from\": 0, \"to\": 1, \"step\": 0}", ":2: axis.step: must be in [1, 2147483647], is 0"},
	{"\"axis\": {\"from\": 0, \"to\": 100000}", ":2: axis: 100001 values; at most 100000"},
	{"\"axis\": {\"from\": -2147483648, \"to\": 2147483647}", ":2: axis: 4294967296 values; at most 100000"},
	{"\"choices\": [\"cpu\", \"gpu\", \"cpu\"]", ":2: choices: 'cpu' stands in the list twice"},
	{"\"choices\": [\"cpu\", \"gup\"]", ":2: choices[1]: unknown value 'gup', did you mean 'gpu'?"},
	{"\"strings\": [\"a\", 2]", ":2: strings[1]: must be a string, is 2"},
	{"\"strings\": {}", ":2: strings: must be a list, is an object"},
	{"\"names\": [\"a\", \"b\", \"\"]",
	 ":2: names[2]: must be a name (letters, digits and ._+-, a letter or digit first, at most 64), is ''"},
	{"\"one\": []", ":2: one: must be an object, is a list"},
	{"\"one\": {}", ":2: one: 'x_hz' is missing (Hz, clock)"},
	{"\"one\": {\"name\": \"a\", \"x_hz\": -1}", ":2: one.x_hz: must be in [1e6, 2e10] Hz, is -1"},
	{"\"keyed\": [{\"name\": \"a55\", \"x_hz\": 1e9},\n{\"name\": \"b\",\n\"x_hz\": -1}]",
	 ":4: keyed[1].x_hz: must be in [1e6, 2e10] Hz, is -1"},
	{"\"keyed\": [\n{\"name\": \"a55\"}]", ":3: keyed[0]: 'x_hz' is missing (Hz, clock)"},
	{"\"keyed\": [{\"x_hx\": 1e9}]", ":2: keyed[0].x_hx: unknown key, did you mean 'x_hz'?"},
	{"\"keyed\": [{\"frequency\": 1e9}]", ":2: keyed[0].frequency: unknown key; known are: name, x_hz, k"},
	{"\"keyed\": [{\"schema\": \"hexplore/test/1\"}]", ":2: keyed[0].schema: unknown key; known are: name, x_hz, k"},
	{"\"counted\": []", ":2: counted: must not be empty"},
	{"\"counted\": [\"a\"]", ":2: counted[0]: must be an object, is 'a'"},
	{"\"map\": []", ":2: map: must be an object, is a list"},
	{"\"map\": {\"a\": 1}", ":2: map.a: must be an object, is 1"},
	{"\"map\": {\"a\": {\"from\": \"x\"},\n\"b\": {}}", ":3: map.b: 'from' is missing (who says so)"},
	{"\"map\": {\"a\": {\"path\": \"a\", \"from\": \"x\"}}", ":2: map.a.path: unknown key; known are: from, values"},
	{"\"map\": {\"a\": {\"from\": \"x\", \"values\": [0, 2]}}", ":2: map.a.values[1]: must be in [-1, 1], is 2"},
	{"\"map\": {\"a\\tb\": {\"from\": \"x\"}}", ":2: map.a?b: control characters are not accepted"},
	{"\"mixed\": [\"a\", 1]", ":2: mixed[1]: must be an object or a string, is 1"},
	{"\"mixed\": [\"a\", {\"alpha\": 2}]", ":2: mixed[1].alpha: must be in [0, 1], is 2"},
	{"\"mixed\": [\"a\", \"\\u0007\"]", ":2: mixed[1]: control characters are not accepted"},
	{"\"matrix\": [1]", ":2: matrix[0]: must be a list of numbers, is 1"},
	{"\"matrix\": [[1], 2]", ":2: matrix[1]: must be a list of numbers, is 2"},
	{"\"matrix\": [[1, 2],\n[3]]", ":3: matrix[1]: has 1 numbers, the first row has 2"},
	{"\"matrix\": [[1, 2], [3, 101]]", ":2: matrix[1][1]: must be in [0, 100], is 101"},
	{"\"matrix\": [[1, 2], [3, \"x\"]]", ":2: matrix[1][1]: must be a number, is 'x'"},
	{"\"Text\": 1", ":2: Text: unknown key, did you mean 'text'?"},
	{"\"schem\": 1", ":2: schem: unknown key, did you mean 'schema'?"},
	{"\"\\u001b[2Jxyzxyz\": 1",
	 ":2: ?[2Jxyzxyz: unknown key; known are: text, name, number, unknown, whole, big, choice, flag, numbers, axis, "
	 "choices, strings, names, one, keyed, counted, map, mixed, single, matrix, schema"},
	{"\"flag\": true,\n\"flag\": false", ":3: duplicate key 'flag'"},
	{"\"flag\": true,", ":2: trailing comma"},
};

static void refuses(void **state)
{
	struct hx_err err;
	struct all a, zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	for (size_t i = 0; i < COUNT(refused); i++) {
		memset(&a, 0xa5, sizeof(a));
		if (read(&a, refused[i].members, &err) != HX_INPUT)
			fail_msg("taken: %s", refused[i].members);
		assert_int_equal(strncmp(err.msg, "f.json", 6), 0);
		assert_string_equal(err.msg + 6, refused[i].message);
		if (i < COUNT(refused) - 2) /* the last two are not JSON */
			assert_memory_equal(&a, &zero, sizeof(a));
	}
}

/* Whatever was read before an error is freed: every prefix of the full text ends in one. */
static void frees_half_read(void **state)
{
	struct hx_err err;
	struct all a;

	(void)state;
	for (const char *p = full; (p = strchr(p, ',')) != NULL; p++) {
		char *cut = hx_xasprintf("%.*s,\n\"nothing\": 1", (int)(p - full), full);
		char *bad = hx_xasprintf("%s, \"matrix\": [[1], [2], [\"\"]]", full);

		assert_int_equal(read(&a, cut, &err), HX_INPUT);
		bad[p - full] = ';';
		assert_int_equal(read(&a, bad, &err), HX_INPUT);
		free(cut);
		free(bad);
	}
	for (const char *p = full; (p = strchr(p, ':')) != NULL; p++) { /* another type everywhere */
		char *text = hx_xasprintf("%.*s: {\"q\": [null]}, %s", (int)(p - full), full, "\"z\": 1");

		read(&a, text, &err);
		free(text);
	}
	assert_int_equal(read(&a,
			      "\"strings\": [\"a\", \"b\"], \"names\": [\"a\"], \"map\": {\"a\": {\"from\": \"b\"}}, \"text\": \"t\", "
			      "\"matrix\": [[1], [2], [null]]",
			      &err),
			 HX_INPUT);
}

static void schema(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"{}", "f.json:1: 'schema' is missing; the file must begin with \"schema\": \"hexplore/test/1\""},
		{"{\"flag\": 1}", "f.json:1: 'schema' is missing; the file must begin with \"schema\": \"hexplore/test/1\""},
		{"{\n\"schema\": \"hexplore/test/2\"}", "f.json:2: schema: must be 'hexplore/test/1', is 'hexplore/test/2'"},
		{"{\"schema\": 1}", "f.json:1: schema: must be 'hexplore/test/1', is 1"},
		{"[]", "f.json:1: must be an object, is a list"},
		{"", "f.json: empty file"},
	};
	struct hx_err err;
	struct all a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(field_read(&a, &table, rows[i].text, strlen(rows[i].text), "f.json", &err), HX_INPUT);
		assert_string_equal(err.msg, rows[i].message);
	}
}

static void long_input(void **state)
{
	struct hx_err err;
	struct all a;
	char text[1200], *many = hx_xmalloc(2100000);
	size_t n = 0;

	(void)state;
	for (int length = 1000; length <= 1001; length++) {
		snprintf(text, sizeof(text), "\"text\": \"%0*d\"", length, 0);
		assert_int_equal(read(&a, text, &err), length == 1000 ? HX_OK : HX_INPUT);
		field_free(&a, &table);
	}
	assert_string_equal(err.msg, "f.json:2: text: longer than 1000 bytes");
	snprintf(text, sizeof(text), "\"name\": \"%064d\"", 0);
	assert_int_equal(read(&a, text, &err), HX_OK);
	field_free(&a, &table);
	snprintf(text, sizeof(text), "\"name\": \"%065d\"", 0);
	assert_int_equal(read(&a, text, &err), HX_INPUT);
	snprintf(text, sizeof(text), "\"%01000d\": 1", 0);
	assert_int_equal(read(&a, text, &err), HX_INPUT);

	n = (size_t)sprintf(many, "\"numbers\": [0");
	for (int i = 1; i < 1000000; i++, n += 2)
		memcpy(many + n, ",1", 2);
	strcpy(many + n, "]");
	assert_int_equal(read(&a, many, &err), HX_OK);
	assert_int_equal(a.n_numbers, 1000000);
	field_free(&a, &table);
	strcpy(many + n, ",2]");
	assert_int_equal(read(&a, many, &err), HX_INPUT);
	assert_string_equal(err.msg, "f.json:2: numbers: longer than 1000000");
	free(many);
}

static void append(void *arg, const char *path, const struct field *f, const char *value)
{
	assert_non_null(f->help);
	fprintf(arg, "%s = %s\n", path, value);
}

static void check_walk(const char *members, const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct hx_err err;
	struct all a;

	if (read(&a, members, &err))
		fail_msg("%s", err.msg);
	field_walk(&a, &table, append, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	field_free(&a, &table);
}

static void walks(void **state)
{
	(void)state;
	check_walk(
		full,
		"text = a \"é\"\nname = A-1_b.c+d\nnumber = 1e9\nunknown = 0.5\nwhole = 3\nbig = -2147483648\nchoice = npu\nflag = false\n"
		"numbers = [0, 2.5, 10]\naxis = [4, 1, -2]\nchoices = [\"gpu\", \"cpu\"]\nstrings = [\"a b\", \"\\\"\"]\nnames = [\"x\"]\n"
		"one.x_hz = 1e6\none.k = 7\n"
		"keyed.a55.name = a55\nkeyed.a55.x_hz = 1.8e9\nkeyed.a55.k = 1\nkeyed[1].x_hz = 2e10\nkeyed[1].k = 7\n"
		"counted[0].x_hz = 1234567\ncounted[0].k = 7\n"
		"map.units.a55.from = me\nmap.units.a55.values = []\nmap..from = you\n"
		"mixed[0] = a.json\nmixed[1].alpha = 1\nmixed[1].kind = npu\nsingle = b.json\n"
		"matrix = [[1, 2], [3, 4], [5, 100]]\n");
	check_walk("", "number = 0.25\nwhole = 3\nbig = 0\nchoice = gpu\nflag = true\none.x_hz = 0\none.k = 7\nsingle.alpha = "
		       "0.5\nsingle.kind = npu\n");
}

/* A file of another program: a list, as one array or as JSON Lines, of objects with keys that are not read. */
static void foreign_lists(void **state)
{
	static const struct field_table element = {.size = sizeof(struct inner), .foreign = true, .fields = inner_rows};
	static const struct field rows[] = {{"", FIELD_OBJECTS, 0, LIST(all, counted, n_counted), .sub = &element, .help = "elements"}, {0}};
	static const struct field_table file = {.size = sizeof(struct all), .list = true, .fields = rows};
	static const char *const texts[] = {
		"[{\"x_hz\": 1e6, \"other\": {\"k\": 3}},\n{\"k\": 2, \"x_hz\": 2e6}]",
		"{\"x_hz\": 1e6, \"other\": null}\n{\"k\": 2, \"x_hz\": 2e6}\n",
	};
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"[{\"x_hz\": 1e6},\n{\"k\": 1}]", "f.json:2: [1]: 'x_hz' is missing (Hz, clock)"},
		{"{\"x_hz\": 1e6}\n{\"x_hz\": \"fast\"}", "f.json:2: [1].x_hz: must be a number, is 'fast'"},
		{"[1]", "f.json:1: [0]: must be an object, is 1"},
		{"true", "f.json:1: [0]: must be an object, is true"},
	};
	struct all a;
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (field_read(&a, &file, texts[i], strlen(texts[i]), "f.json", &err))
			fail_msg("%s", err.msg);
		assert_int_equal(a.n_counted, 2);
		check_near(a.counted[1].x, 2e6, 0);
		assert_int_equal(a.counted[1].k, 2);
		field_free(&a, &file);
		field_fail(texts[i], strlen(texts[i]), "f.json", "[1].k", &err, "no");
		assert_string_equal(err.msg, "f.json:2: [1].k: no");
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(field_read(&a, &file, bad[i].text, strlen(bad[i].text), "f.json", &err), HX_INPUT);
		assert_string_equal(err.msg, bad[i].message);
		assert_null(a.counted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_type), cmocka_unit_test(defaults), cmocka_unit_test(ranges),     cmocka_unit_test(refuses),
		cmocka_unit_test(frees_half_read),  cmocka_unit_test(schema),   cmocka_unit_test(long_input), cmocka_unit_test(walks),
		cmocka_unit_test(foreign_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
