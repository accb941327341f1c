#include "base/json.h"

#include "check.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void accepts(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		" \r\n\t{ } ",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"\"\"",
		"1.5e+3",
		"1E5",
		"-0.0e-0",
		"1e-999",
		"[1,[2,[3]]]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
		"\"\\ud83d\\ude00\"",
		"\"\xf0\x9f\x98\x80 \xc3\xa9\"",
		"{\"a\":{\"a\":1},\"A\":2,\"\":3}",
		"1.7976931348623157e308",
		"123456789012345678901234567890123456789012345678901234567890123",
		"\"\x7f\"",
	};
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json *j = NULL;

		if (json_parse(&j, rows[i], strlen(rows[i]), "x.json", &err))
			fail_msg("%s: %s", rows[i], err.msg);
		assert_non_null(json_root(j));
		assert_string_equal(json_name(j), "x.json");
		json_free(j);
	}
}

static const struct {
	const char *text, *message;
} refused[] = {
	{"", "x.json: empty file"},
	{" \n\n", "x.json: empty file"},
	{"\xef\xbb\xbf{}", "x.json:1: byte-order mark; save the file without it"},
	{"{\"a\": 01}", "x.json:1: '01': leading zero"},
	{"[-01]", "x.json:1: '-01': leading zero"},
	{"[1,\n-]", "x.json:2: '-' is not a JSON number"},
	{"1.", "x.json:1: '1.' is not a JSON number"},
	{"1.e5", "x.json:1: '1.e5' is not a JSON number"},
	{"1e", "x.json:1: '1e' is not a JSON number"},
	{"1e+", "x.json:1: '1e+' is not a JSON number"},
	{"-Infinity", "x.json:1: '-Infinity' is not a JSON number"},
	{".5", "x.json:1: expected a value, found '.5'"},
	{"+1", "x.json:1: expected a value, found '+1'"},
	{"NaN", "x.json:1: expected a value, found 'NaN'"},
	{"True", "x.json:1: expected a value, found 'True'"},
	{"nul", "x.json:1: expected a value, found 'nul'"},
	{"nulll", "x.json:1: expected the end of the file, found 'l'"},
	{"0x10", "x.json:1: expected the end of the file, found 'x10'"},
	{"[1e999]", "x.json:1: '1e999' is too large"},
	{"[-1e999]", "x.json:1: '-1e999' is too large"},
	{"1234567890123456789012345678901234567890123456789012345678901234", "x.json:1: number of more than 63 characters"},
	{"{} {}", "x.json:1: expected the end of the file, found '{'"},
	{"{}\n\nx", "x.json:3: expected the end of the file, found 'x'"},
	{"[1,]", "x.json:1: trailing comma"},
	{"{\n\"a\": 1,\n\n}", "x.json:2: trailing comma"},
	{"[,1]", "x.json:1: expected a value, found ','"},
	{"[1 2]", "x.json:1: expected ',' or ']', found '2'"},
	{"{\"a\": 1\n\"b\": 2}", "x.json:2: expected ',' or '}', found '\"b\"'"},
	{"{\"a\" 1}", "x.json:1: expected ':', found '1'"},
	{"{a: 1}", "x.json:1: expected a key in double quotes, found 'a'"},
	{"{1: 1}", "x.json:1: expected a key in double quotes, found '1'"},
	{"{'a': 1}", "x.json:1: strings take double quotes"},
	{"['a']", "x.json:1: strings take double quotes"},
	{"{\n\n// no\n}", "x.json:3: comments are not JSON"},
	{"[1 /* no */]", "x.json:1: comments are not JSON"},
	{"# no\n{}", "x.json:1: comments are not JSON"},
	{"[1\n,2\n", "x.json:3: the file ends, but the '[' of line 1 is not closed"},
	{"\n{\"a\": {\n\"b\": 1\n}\n", "x.json:5: the file ends, but the '{' of line 2 is not closed"},
	{"{", "x.json:1: the file ends where a key in double quotes is expected"},
	{"{\"a\":", "x.json:1: the file ends where a value is expected"},
	{"[}", "x.json:1: expected a value, found '}'"},
	{"\"a", "x.json:1: string is not closed on its line"},
	{"\"a\\", "x.json:1: '\\' is not an escape; a backslash is written \\\\"},
	{"[\n\"a\n\"]", "x.json:2: string is not closed on its line"},
	{"\"\t\"", "x.json:1: control character in a string; write \\u0009"},
	{"\"\\x41\"", "x.json:1: '\\x' is not an escape; a backslash is written \\\\"},
	{"\"\\u12g4\"", "x.json:1: '\\u12g4' is not an escape; a backslash is written \\\\"},
	{"\"\\u0000\"", "x.json:1: \\u0000 is not accepted"},
	{"{\"\\u0000\": 1}", "x.json:1: \\u0000 is not accepted"},
	{"\"\\ud800\"", "x.json:1: \\ud800 is half of a surrogate pair"},
	{"\"\\ud800\\u0041\"", "x.json:1: \\ud800 is half of a surrogate pair"},
	{"\"\\ud800\\ud800\"", "x.json:1: \\ud800 is half of a surrogate pair"},
	{"\"\\udc00\"", "x.json:1: \\udc00 is half of a surrogate pair"},
	{"\"\\ud83d\\u\"", "x.json:1: \\ud83d is half of a surrogate pair"},
	{"{\"a\": 1,\n\"a\": 2}", "x.json:2: duplicate key 'a'"},
	{"{\"a\": 1,\n\"b\": 2,\n\"\\u0061\": 3}", "x.json:3: duplicate key 'a'"},
	{"[{\"x\": {\"\": 1,\n\"\": 1}}]", "x.json:2: duplicate key ''"},
	{"{\"\\u001b[2J\": 1, \"\\u001b[2J\": 1}", "x.json:1: duplicate key '?[2J'"},
	{"\xff\xfe", "x.json:1: invalid UTF-8; save the file as UTF-8"},
	{"\033[2J", "x.json:1: expected a value, found '?'"},
	{"[\"\xe9\"]", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xc0\x80\"", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xe0\x80\x80\"", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xed\xa0\x80\"", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xf4\x90\x80\x80\"", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xe2\x82\"", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"\"\xe2\x82", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
	{"{\"\x80\": 1}", "x.json:1: invalid UTF-8 in a string; save the file as UTF-8"},
};

static void refuses(void **state)
{
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct json *j = NULL;
		size_t len = strlen(refused[i].text);
		char *text = hx_xmalloc(len); /* no NUL behind it: reading past the end is found */

		memcpy(text, refused[i].text, len);
		if (json_parse(&j, text, len, "x.json", &err) != HX_INPUT)
			fail_msg("taken: %s", refused[i].text);
		assert_string_equal(err.msg, refused[i].message);
		assert_null(j);
		free(text);
	}
}

static void refuses_nul(void **state)
{
	static const char text[] = "{\n\"a\0b\": 1}";
	struct json *j = NULL;
	struct hx_err err;

	(void)state;
	assert_int_equal(json_parse(&j, text, sizeof(text) - 1, "x.json", &err), HX_INPUT);
	assert_string_equal(err.msg, "x.json:2: NUL byte; save the file as UTF-8");
	assert_int_equal(json_parse(&j, "{}", 3, "x.json", &err), HX_INPUT);
	assert_int_equal(json_parse(&j, NULL, 0, "x.json", &err), HX_INPUT);
}

static char *repeat(const char *unit, size_t n, const char *end)
{
	size_t len = strlen(unit);
	char *s = hx_xmalloc(n * len + strlen(end) + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(s + i * len, unit, len);
	strcpy(s + n * len, end);
	return s;
}

static void depth(void **state)
{
	static const struct {
		const char *unit, *end;
		size_t n;
	} rows[] = {{"[", "", 100000}, {"{\"a\":", "", 100000}, {"[", "1", JSON_MAX_DEPTH + 1}, {"[{\"a\":", "", 50000}};
	struct json *j = NULL;
	struct hx_err err;
	char *text, *close;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		text = repeat(rows[i].unit, rows[i].n, rows[i].end);
		assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_INPUT);
		assert_string_equal(err.msg, "x.json:1: nested deeper than 64 levels");
		free(text);
	}
	close = repeat("]", JSON_MAX_DEPTH, "");
	text = repeat("[", JSON_MAX_DEPTH, close);
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_OK);
	json_free(j);
	free(close);
	free(text);
}

static void large(void **state)
{
	struct json *j = NULL;
	struct hx_err err;
	char *text = repeat("x", 20000000, "\"");

	(void)state;
	text[0] = '"';
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_OK);
	assert_int_equal(strlen(json_root(j)->valuestring), 19999999);
	json_free(j);
	free(text);

	text = repeat("\\u0041", 1000000, "\"");
	memcpy(text, "\"     ", 6);
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_OK);
	json_free(j);
	free(text);

	text = repeat("0,\n", 300000, "0]");
	text[0] = '[';
	text[1] = '1';
	text[2] = ',';
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_OK);
	assert_int_equal(json_line(j, cJSON_GetArrayItem(json_root(j), 299999)), 299999);
	json_free(j);
	free(text);

	text = repeat("1,", JSON_MAX_VALUES, "1]");
	text[0] = '[';
	text[1] = ' ';
	j = NULL;
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_INPUT);
	assert_string_equal(err.msg, "x.json:1: more than 2000000 values");
	assert_null(j);
	free(text);
}

/* The first and the last of many keys are the same. */
static void many_keys(void **state)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);
	struct json *j = NULL;
	struct hx_err err;

	(void)state;
	for (int i = 0; i < 200000; i++)
		fprintf(f, "%s\"%d\":\n0", i ? "," : "{", i % 199999);
	fputs("}", f);
	fclose(f);
	assert_int_equal(json_parse(&j, text, size, "x.json", &err), HX_INPUT);
	assert_string_equal(err.msg, "x.json:200001: duplicate key '0'");
	free(text);
}

static void lines(void **state)
{
	static const char text[] = "\n{\"a\":\n 1, \"b\": [\r\n 2,\n\n [ ], {\"c\":\n\n\"x\"}]\n, \"d\": \"\\n\", \"e\": null }\n";
	const cJSON *root, *b;
	struct json *j = NULL;
	struct hx_err err;

	(void)state;
	assert_int_equal(json_parse(&j, text, strlen(text), "x.json", &err), HX_OK);
	root = json_root(j);
	b = cJSON_GetObjectItem(root, "b");
	assert_int_equal(json_line(j, root), 2);
	assert_int_equal(json_line(j, cJSON_GetObjectItem(root, "a")), 3);
	assert_int_equal(json_line(j, b), 3);
	assert_int_equal(json_line(j, cJSON_GetArrayItem(b, 0)), 4);
	assert_int_equal(json_line(j, cJSON_GetArrayItem(b, 1)), 6);
	assert_int_equal(json_line(j, cJSON_GetArrayItem(b, 2)), 6);
	assert_int_equal(json_line(j, cJSON_GetArrayItem(b, 2)->child), 8);
	assert_int_equal(json_line(j, cJSON_GetObjectItem(root, "e")), 9);
	json_free(j);
	json_free(NULL);
}

/* A list is an array or JSON Lines; the root is the array, and lines are those of the file. */
static void list(void **state)
{
	static const struct {
		const char *text;
		int n, line; /* of the last element */
	} rows[] = {
		{"[]", 0, 0},         {" [1,\n[2]]", 2, 2},     {"\n{\"a\": 1}", 1, 2}, {"{}\n{}\n", 2, 2},
		{"{}\r\n\n\n{} {}", 3, 4}, {"{\n\"a\": [1, 2]\n}\n{}\n\n", 2, 4}, {"1\n\"x\"", 2, 2},
	};
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", "x.json: empty file"},
		{"{}{}", "x.json:1: expected a new line, found '{'"},
		{"{}\n{}, {}", "x.json:2: expected a new line, found ','"},
		{"[] []", "x.json:1: expected the end of the file, found '['"},
		{"[{}\n", "x.json:2: the file ends, but the '[' of line 1 is not closed"},
		{"{}\n{\"a\": 1,\n", "x.json:3: the file ends where a key"},
		{"{}\n{\"a\": 1, \"a\": 2}", "x.json:2: duplicate key 'a'"},
		{"{}\n]", "x.json:2: expected a value, found ']'"},
		{"{}\n{\"a\": 1e999}", "x.json:2: '1e999' is too large"},
		{"\xef\xbb\xbf{}", "x.json:1: byte-order mark"},
	};
	struct json *j = NULL;
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const cJSON *root;

		if (json_parse_list(&j, rows[i].text, strlen(rows[i].text), "x.json", &err))
			fail_msg("%s: %s", rows[i].text, err.msg);
		root = json_root(j);
		assert_true(cJSON_IsArray(root));
		assert_int_equal(cJSON_GetArraySize(root), rows[i].n);
		if (rows[i].n)
			assert_int_equal(json_line(j, cJSON_GetArrayItem(root, rows[i].n - 1)), rows[i].line);
		json_free(j);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (json_parse_list(&j, bad[i].text, strlen(bad[i].text), "x.json", &err) != HX_INPUT || !strstr(err.msg, bad[i].message))
			fail_msg("%s: '%s'", bad[i].text, err.msg);
	assert_int_equal(json_parse_list(&j, "{}\n\0", 4, "x.json", &err), HX_INPUT);
}

static void quote(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{"", "\"\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"\n\t\033\x7f", "\"\\u000a\\u0009\\u001b\\u007f\""},
		{"\xc3\xa9", "\"\xc3\xa9\""},
		{"\xc2\x9b\xe2\x80\xae", "\"\\u009b\\u202e\""},
		{"a\xff"
		 "b\xe2\x82",
		 "\"a\\ufffdb\\ufffd\\ufffd\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		struct json *j = NULL;
		struct hx_err err;

		json_quote(f, rows[i].text);
		fclose(f);
		assert_string_equal(text, rows[i].json);
		assert_int_equal(json_parse(&j, text, size, "x.json", &err), HX_OK);
		if (!strstr(text, "ufffd"))
			assert_string_equal(json_root(j)->valuestring, rows[i].text);
		json_free(j);
		free(text);
	}
}

/* Children as text, with their lines; a child that ends the walk; what is wrong deep inside. */
static int collect(void *arg, const struct json_item *item, struct hx_err *err)
{
	FILE *f = arg;

	fprintf(f, "%d:%.*s=%.*s;", item->line, (int)item->key_len, item->key ? item->key : "", (int)item->len, item->text);
	return item->len == 4 ? hx_err_set(err, HX_NO, "enough") : HX_OK;
}

static void each(void **state)
{
	static const struct {
		const char *text, *said;
		int status;
	} rows[] = {
		{"[]", "", HX_OK},
		{" 12 ", "", HX_OK},
		{"[1,\n[2, 3] , \"a\"]\n", "1:=1;2:=[2, 3];2:=\"a\";", HX_OK},
		{"{\"a\": {\"b\": [1]},\n\n\"c\\\"\": 2}", "1:a={\"b\": [1]};3:c\\\"=2;", HX_OK},
		{"[1, null, 2]", "1:=1;1:=null;", HX_NO},
		{"[1, {\"a\": 01}]", "1:=1;", HX_INPUT},
		{"[1,", "1:=1;", HX_INPUT},
		{"[1] 2", "1:=1;", HX_INPUT},
		{"", "", HX_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *said;
		size_t size;
		FILE *f = open_memstream(&said, &size);
		struct hx_err err;

		assert_int_equal(json_each(rows[i].text, strlen(rows[i].text), 1, "x.json", collect, f, &err), rows[i].status);
		fclose(f);
		assert_string_equal(said, rows[i].said);
		free(said);
	}
}

/* An item within its text: it ends where it ends, and keeps its line. */
static int parse_again(void *arg, const struct json_item *item, struct hx_err *err)
{
	struct json *j;
	int rc = json_parse_item(&j, item, "x.json", err);

	if (rc)
		return rc;
	*(int *)arg += json_line(j, json_root(j)) * cJSON_GetArraySize(json_root(j));
	json_free(j);
	return json_each(item->text, item->len, item->line, "x.json", parse_again, arg, err);
}

static void items(void **state)
{
	static const char text[] = "[\n[7, 7],\n\n[[1,2,3]]\n]", twice[] = "[\n{\"a\": 1,\n\"a\": 2}]";
	int sum = 0;
	struct hx_err err;

	(void)state;
	if (json_each(text, strlen(text), 1, "x.json", parse_again, &sum, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(sum, 2 * 2 + 4 * 1 + 4 * 3);
	assert_int_equal(json_each(twice, strlen(twice), 1, "x.json", parse_again, &sum, &err), HX_INPUT);
	assert_string_equal(err.msg, "x.json:3: duplicate key 'a'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts), cmocka_unit_test(refuses),   cmocka_unit_test(refuses_nul), cmocka_unit_test(depth),
		cmocka_unit_test(large),   cmocka_unit_test(many_keys), cmocka_unit_test(lines),       cmocka_unit_test(quote),
		cmocka_unit_test(list),    cmocka_unit_test(each),      cmocka_unit_test(items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
