#include "output/report.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct report_column columns[] = {
	{"name", "Name", REPORT_TEXT, 0, 0}, {"tpot_s", "TPOT ms", REPORT_NUMBER, 3, 1000}, {"bytes", "Bytes", REPORT_NUMBER, 0, 0},
	{"fits", "Fits", REPORT_BOOL, 0, 0}, {"hidden", NULL, REPORT_NUMBER, 3, 0},         {"note", "Note", REPORT_TEXT, 0, 0},
};

struct row {
	const char *name;
	double tpot_s, bytes, fits, hidden;
	const char *note;
};

static char *printed(enum report_format format, const struct row *rows, size_t n)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct report *r = report_begin(f, format, columns, COUNT(columns));

	for (size_t i = 0; i < n; i++) {
		report_text(r, rows[i].name);
		report_number(r, rows[i].tpot_s);
		report_number(r, rows[i].bytes);
		report_number(r, rows[i].fits);
		report_number(r, rows[i].hidden);
		report_text(r, rows[i].note);
	}
	report_end(r);
	fclose(f);
	return text;
}

static void check(enum report_format format, const struct row *rows, size_t n, const char *expected)
{
	char *text = printed(format, rows, n);

	assert_string_equal(text, expected);
	free(text);
}

static const struct row rows[] = {
	{"a55", 0.0123, 1234567, 1, 0.1, "say \"hi\", you"},
	{"gé", 1.5, 12, 0, 2.56e10, NULL},
	{NULL, NAN, NAN, NAN, NAN, ""},
	{"x\ny\033", -0.00002, 1e6, 1, -1, "a, b"},
};

static void table(void **state)
{
	(void)state;
	check(REPORT_TABLE, rows, COUNT(rows),
	      "Name  TPOT ms      Bytes  Fits  Note\n"
	      "a55      12.3  1,234,567  yes   say \"hi\", you\n"
	      "gé       1500         12  no    -\n"
	      "-           -          -  -\n"
	      "x?y?  -0.0200  1,000,000  yes   a, b\n");
	check(REPORT_TABLE, NULL, 0, "Name  TPOT ms  Bytes  Fits  Note\n");
}

static void csv(void **state)
{
	(void)state;
	check(REPORT_CSV, rows, COUNT(rows),
	      "name,tpot_s,bytes,fits,hidden,note\n"
	      "a55,0.0123,1234567,1,0.1,\"say \"\"hi\"\", you\"\n"
	      "gé,1.5,12,0,2.56e10,\n"
	      ",,,,,\n"
	      "x?y?,-2e-5,1e6,1,-1,\"a, b\"\n");
	check(REPORT_CSV, NULL, 0, "name,tpot_s,bytes,fits,hidden,note\n");
}

static void json(void **state)
{
	(void)state;
	check(REPORT_JSON, rows, 2,
	      "[\n"
	      "{\"name\": \"a55\", \"tpot_s\": 0.0123, \"bytes\": 1234567, \"fits\": true, \"hidden\": 0.1, \"note\": \"say \\\"hi\\\", "
	      "you\"},\n"
	      "{\"name\": \"gé\", \"tpot_s\": 1.5, \"bytes\": 12, \"fits\": false, \"hidden\": 2.56e10, \"note\": null}\n"
	      "]\n");
	check(REPORT_JSON, NULL, 0, "[]\n");
	check(REPORT_JSONL, rows + 2, 2,
	      "{\"name\": null, \"tpot_s\": null, \"bytes\": null, \"fits\": null, \"hidden\": null, \"note\": \"\"}\n"
	      "{\"name\": \"x\\u000ay\\u001b\", \"tpot_s\": -2e-5, \"bytes\": 1e6, \"fits\": true, \"hidden\": -1, \"note\": \"a, b\"}\n");
	check(REPORT_JSONL, NULL, 0, "");
}

static void infinite(void **state)
{
	static const struct row row = {"a", INFINITY, -INFINITY, 0, 0, "b"};

	(void)state;
	check(REPORT_TABLE, &row, 1, "Name  TPOT ms  Bytes  Fits  Note\na         inf   -inf  no    b\n");
	check(REPORT_JSONL, &row, 1,
	      "{\"name\": \"a\", \"tpot_s\": null, \"bytes\": null, \"fits\": false, \"hidden\": 0, \"note\": \"b\"}\n");
}

/* Significant digits stay when they are zeros, and rounding up adds none. */
static void digits(void **state)
{
	static const struct {
		double v;
		const char *text;
	} numbers[] = {
		{0, "0"},           {1, "1.00"},        {12, "12.0"},   {123, "123"},
		{123456, "123456"}, {9.996, "10.0"},    {0.1, "0.100"}, {-1.006e-3, "-0.00101"},
		{1e-5, "1.00e-05"}, {1e20, "1.00e+20"},
	};
	static const struct report_column column = {"v", "v", REPORT_NUMBER, 3, 0};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		char *text, *line;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		struct report *r = report_begin(f, REPORT_TABLE, &column, 1);

		report_number(r, numbers[i].v);
		report_end(r);
		fclose(f);
		line = strrchr(text, '\n');
		*line = '\0';
		assert_string_equal(strrchr(text, '\n') + 1, numbers[i].text);
		free(text);
	}
}

static void many_rows(void **state)
{
	struct row *many = calloc(1000, sizeof(*many));
	char *text;
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		many[i] = rows[i % COUNT(rows)];
	text = printed(REPORT_TABLE, many, 1000);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
		assert_true(p[-1] != ' ');
		lines++;
	}
	assert_int_equal(lines, 1001);
	free(text);
	free(many);
}

static void formats(void **state)
{
	static const char *const names[] = {"table", "csv", "json", "jsonl"};
	enum report_format format = REPORT_CSV;
	struct hx_err err;

	(void)state;
	assert_int_equal(report_format_parse(NULL, &format, &err), HX_OK);
	assert_int_equal(format, REPORT_TABLE);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(report_format_parse(names[i], &format, &err), HX_OK);
		assert_int_equal(format, i);
	}
	assert_int_equal(report_format_parse("x\033ml", &format, &err), HX_INPUT);
	assert_string_equal(err.msg, "unknown format 'x?ml'; known are: table, csv, json, jsonl");
	assert_int_equal(report_format_parse("", &format, &err), HX_INPUT);
	assert_int_equal(format, REPORT_JSONL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),    cmocka_unit_test(csv),    cmocka_unit_test(json),      cmocka_unit_test(formats),
		cmocka_unit_test(infinite), cmocka_unit_test(digits), cmocka_unit_test(many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
