#include "core/costs.h"

#include "check.h"
#include "engine/shape.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER   "model,quantisation,unit,cores,rows,context,seconds\n"

static void parse(struct costs *c, const char *text)
{
	struct hx_err err;

	if (costs_parse(c, text, strlen(text), "c.csv", &err))
		fail_msg("%s", err.msg);
}

static const char table[] = "# comment\n"
			    "\n"
			    " seconds , model,\"unit\",quantisation,cores,context,rows\r\n"
			    "0.5,m,c,f16,1,0,8\r\n"
			    "# another\n"
			    "0.1,m,c,f16,1,0,2\n"
			    "\"0.2\", m ,c,f16,1,0,4\n"
			    "1,m,c,f16,1,100,1\n"
			    "3,m,c,f16,1,300,1\n"
			    "9,m,c,f16,2,100,1\n"
			    "8,m,g,f16,1,100,1\n"
			    "7,m,c,q8_0,1,100,1\n"
			    "6,n,c,f16,1,100,1";

/* Without a cache seconds follow rows, with one context; what was not measured is unknown. */
static void finds(void **state)
{
	static const struct {
		const char *model, *unit;
		int type, cores;
		double rows, context, seconds;
	} rows[] = {
		{"m", "c", HX_F16, 1, 2, 0, .1},    {"m", "c", HX_F16, 1, 3, 0, .15},   {"m", "c", HX_F16, 1, 7, 0, .425},
		{"m", "c", HX_F16, 1, 8, 0, .5},    {"m", "c", HX_F16, 1, 1, 0, .1},    {"m", "c", HX_F16, 1, 99, 0, .5},
		{"m", "c", HX_F16, 1, 1, 100, 1},   {"m", "c", HX_F16, 1, 1, 150, 1.5}, {"m", "c", HX_F16, 1, 1, 1, 1},
		{"m", "c", HX_F16, 1, 1, 9e5, 3},   {"m", "c", HX_F16, 1, 2, 150, .1},  {"m", "c", HX_F16, 1, 3, 150, NAN},
		{"m", "c", HX_F16, 2, 1, 150, 9},   {"m", "g", HX_F16, 1, 1, 150, 8},   {"m", "c", HX_Q8_0, 1, 1, 150, 7},
		{"n", "c", HX_F16, 1, 1, 150, 6},   {"m", "c", HX_F16, 3, 1, 150, NAN}, {"o", "c", HX_F16, 1, 1, 150, NAN},
		{"m", "h", HX_F16, 1, 1, 150, NAN}, {"n", "c", HX_F16, 1, 2, 0, NAN},   {"m", "c", HX_F32, 1, 1, 150, NAN},
	};
	static const struct cost_key mc = {"m", "c", HX_F16, 1}, unknown = {"m", "c", HX_F16, 3};
	struct costs c;

	(void)state;
	parse(&c, table);
	assert_int_equal(c.n, 9);
	assert_false(c.relative);
	check_near(costs_nearest(&c, &mc, 63, 0, true)->rows, 8, 0);
	check_near(costs_nearest(&c, &mc, 3, 0, true)->rows, 4, 0); /* by ratio: 4/3 against 3/2 */
	assert_null(costs_nearest(&c, &unknown, 1, 0, true));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cost_key key = {rows[i].model, rows[i].unit, rows[i].type, rows[i].cores};

		check_near(costs_find(&c, &key, rows[i].rows, rows[i].context, rows[i].context != 0), rows[i].seconds, 1e-12);
	}
	/* with a cache, a prefill of rows that were not measured is unknown; the nearest context holds for those that were */
	check_near(costs_find(&c, &mc, 63, 0, true), NAN, 0);
	check_near(costs_find(&c, &mc, 8, 0, true), .5, 1e-12);
	check_near(costs_find(&c, &mc, 1, 0, true), 1, 1e-12);
	costs_free(&c);
	costs_free(&c);
	assert_int_equal(c.n, 0);
}

static const struct {
	const char *text, *message;
} bad[] = {
	{"", "c.csv: no rows; expected the header"},
	{"# nothing\n\n", "c.csv: no rows; expected the header"},
	{HEADER, "c.csv: no rows; expected the header"},
	{"m,f16,c,1,1,0,1\n", "c.csv:1: unknown column 'm'"},
	{"#\nmodel,quantisation,unit,cores,rows,context\n", "c.csv:2: missing column 'seconds'"},
	{"model,quantisation,unit,cores,rows,context,seconds,extra\n", "c.csv:1: unknown column 'extra'"},
	{"model,quantisation,unit,cores,rows,context,time\n", "c.csv:1: unknown column 'time'"},
	{HEADER "m,f16,c,1,1,0\n", "c.csv:2: must have 7 values"},
	{HEADER "m,f16,c,1,1,0,1,1\n", "c.csv:2: must have 7 values"},
	{HEADER "m,f16,c,1,1,0,1\n\nm,f16,c,1,1,0,\n", "c.csv:4: seconds"},
	{HEADER "m,f16,c,0,1,0,1\n", "c.csv:2: cores"},
	{HEADER "m,f16,c,1.5,1,0,1\n", "c.csv:2: cores"},
	{HEADER "m,f16,c,1,0,0,1\n", "c.csv:2: rows"},
	{HEADER "m,f16,c,1,1,-1,1\n", "c.csv:2: context"},
	{HEADER "m,f16,c,1,1,0,0\n", "c.csv:2: seconds"},
	{HEADER "m,f16,c,1,1,0,nan\n", "c.csv:2: seconds"},
	{HEADER "m,f16,c,1,1,0,1e999\n", "c.csv:2: seconds"},
	{HEADER "m,q9,c,1,1,0,1\n", "c.csv:2: unknown quantisation 'q9'"},
	{"\xef\xbb\xbf" HEADER "m,f16,c,1,1,0,1\n", "c.csv:1: byte-order mark; save the file without it"},
	{"\xff\xfem", "c.csv:1: invalid UTF-8; save the file as UTF-8"},
	{HEADER "m\xe9,f16,c,1,1,0,1\n", "c.csv:2: invalid UTF-8; save the file as UTF-8"},
	{"model,quantisation,unit,cores,rows,context,seconds,relative\n", "c.csv:1: a second column of 'seconds'"},
	{"model,model\n", "c.csv:1: a second column of 'model'"},
	{HEADER "m,\033[1m,c,1,1,0,1\n", "c.csv:2: unknown quantisation '?[1m'"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct hx_err err = {""};
		struct costs c;

		if (costs_parse(&c, bad[i].text, strlen(bad[i].text), "c.csv", &err) != HX_INPUT || !strstr(err.msg, bad[i].message))
			fail_msg("row %zu: '%s'", i, err.msg);
		assert_null(c.rows);
	}
}

/* What follows a NUL byte would never be looked at. */
static void refuses_nul(void **state)
{
	static const char text[] = HEADER "m,f16,c,1,1,0,1\n\0nonsense";
	struct hx_err err = {""};
	struct costs c;

	(void)state;
	assert_int_equal(costs_parse(&c, text, sizeof(text) - 1, "c.csv", &err), HX_INPUT);
	assert_string_equal(err.msg, "c.csv:3: NUL byte; save the file as UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(refuses), cmocka_unit_test(refuses_nul)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
