#include "base/text.h"

#include "check.h"

#include <float.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
	} rows[] = {
		{"0", 0},       {"-1.5", -1.5}, {"+2", 2},    {".5", 0.5},      {"1e3", 1e3}, {"1.8GHz", 1.8e9}, {"4GiB", 4294967296.0},
		{"64k", 64000}, {"1Ki", 1024},  {"3MB", 3e6}, {"2Mi", 2097152}, {"1T", 1e12}, {"1TiB", 0x1p40},  {"10s", 10},
		{"5W", 5},      {"100Hz", 100}, {"7B", 7},    {"1kW", 1000},    {"-0", 0},
	};
	struct hx_err err;
	double v;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (text_number(rows[i].text, -1e300, 1e300, "--x", &v, &err))
			fail_msg("%s: %s", rows[i].text, err.msg);
		check_near(v, rows[i].value, 0);
	}
}

static void numbers_refused(void **state)
{
	static const char *const rows[] = {"",    " 1",    "1 ",     "x",   "nan",  "inf", "-inf", "0x10", "1e",  "1.8ghz",   "1K",  "1mm",
					   "10m", "1e999", "1e300T", "--1", "1..2", "1,5", "1Kii", "1BB",  "1sk", "infinity", "1e5x"};
	struct hx_err err;
	double v = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (text_number(rows[i], -DBL_MAX, DBL_MAX, "--x", &v, &err) != HX_INPUT)
			fail_msg("'%s' is taken as %g", rows[i], v);
		assert_int_equal(strncmp(err.msg, "--x: ", 5), 0);
		check_near(v, 42, 0);
	}
	assert_int_equal(text_number("-1", 1e6, 2e10, "clock", &v, &err), HX_INPUT);
	assert_string_equal(err.msg, "clock: must be in [1e6, 2e10], is -1");
	assert_int_equal(text_number("\033[2J", 0, 1, "--x", &v, &err), HX_INPUT);
	assert_string_equal(err.msg, "--x: '?[2J' is not a number");
}

static void spans(void **state)
{
	static const char *const refused[] = {"", "m", "10 m", "1d", "10ms", "nan", "-1s", "0x10"};
	struct hx_err err;
	double v = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(text_seconds(refused[i], 0, 1e6, "--budget", &v, &err), HX_INPUT);
	check_near(v, 42, 0);
	assert_int_equal(text_seconds("30", 0, 1e6, "--budget", &v, &err), HX_OK);
	check_near(v, 30, 0);
	assert_int_equal(text_seconds("90s", 0, 1e6, "--budget", &v, &err), HX_OK);
	check_near(v, 90, 0);
	assert_int_equal(text_seconds("1.5m", 0, 1e6, "--budget", &v, &err), HX_OK);
	check_near(v, 90, 0);
	assert_int_equal(text_seconds("2h", 0, 1e6, "--budget", &v, &err), HX_OK);
	check_near(v, 7200, 0);
}

static void ints(void **state)
{
	struct hx_err err;
	long v = 42;

	(void)state;
	assert_int_equal(text_int("4k", 0, 10000, "--n", &v, &err), HX_OK);
	assert_int_equal(v, 4000);
	assert_int_equal(text_int("-7", LONG_MIN, LONG_MAX, "--n", &v, &err), HX_OK);
	assert_int_equal(v, -7);
	assert_int_equal(text_int("9007199254740991", LONG_MIN, LONG_MAX, "--n", &v, &err), HX_OK);
	assert_true(v == 9007199254740991);
	assert_int_equal(text_int("9007199254740993", LONG_MIN, LONG_MAX, "--n", &v, &err), HX_INPUT);
	assert_int_equal(text_int("1e30", LONG_MIN, LONG_MAX, "--n", &v, &err), HX_INPUT);
	assert_int_equal(text_int("1.5", 0, 10, "--n", &v, &err), HX_INPUT);
	assert_string_equal(err.msg, "--n: '1.5' is not a whole number");
	assert_int_equal(text_int("0", 1, 100, "--n", &v, &err), HX_INPUT);
	assert_string_equal(err.msg, "--n: must be in [1, 100], is 0");
	assert_true(v == 9007199254740991);
}

static void printing(void **state)
{
	char b[TEXT_MAX];

	(void)state;
	assert_string_equal(text_bytes(b, 1.31e9), "1.31 GB");
	assert_string_equal(text_bytes(b, 0), "0 B");
	assert_string_equal(text_bytes(b, 999.9), "1 kB");
	assert_string_equal(text_bytes(b, 999), "999 B");
	assert_string_equal(text_bytes(b, -2e6), "-2 MB");
	assert_string_equal(text_time(b, 0.0123), "12.3 ms");
	assert_string_equal(text_time(b, 1.42), "1.42 s");
	assert_string_equal(text_time(b, 87e-6), "87 us");
	assert_string_equal(text_time(b, 5e-9), "5 ns");
	assert_string_equal(text_time(b, 0.99999), "1 s");
	assert_string_equal(text_time(b, 4000), "4000 s");
	assert_string_equal(text_time(b, 0), "0 s");
	assert_string_equal(text_time(b, NAN), "-");
	assert_string_equal(text_si(b, 25.6e9, "B/s"), "25.6 GB/s");
	assert_string_equal(text_si(b, 1.8e9, "Hz"), "1.8 GHz");
	assert_string_equal(text_si(b, 3, ""), "3");
	assert_string_equal(text_si(b, INFINITY, "W"), "inf");
	assert_string_equal(text_count(b, 1234567), "1,234,567");
	assert_string_equal(text_count(b, 999), "999");
	assert_string_equal(text_count(b, -1000), "-1,000");
	assert_string_equal(text_count(b, 0.4), "0");
	assert_string_equal(text_count(b, -0.4), "0");
	assert_string_equal(text_count(b, NAN), "-");
	assert_string_equal(text_count(b, 1e300), "1e300");
}

static void exact(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{0, "0"},
		{-1, "-1"},
		{0.1, "0.1"},
		{1000, "1000"},
		{100000, "100000"},
		{1e6, "1e6"},
		{1.8e9, "1.8e9"},
		{-2e10, "-2e10"},
		{1234567, "1234567"},
		{1e-6, "1e-6"},
		{0.1 + 0.2, "0.30000000000000004"},
		{5e-324, "5e-324"},
		{1e23, "1e23"},
		{1e22, "1e22"},
		{128256, "128256"},
		{DBL_MAX, "1.7976931348623157e308"},
		{1. / 3, "0.3333333333333333"},
	};
	char b[TEXT_MAX];
	uint64_t bits = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_exact(b, rows[i].v), rows[i].text);
	for (int i = 0; i < 100000; i++) { /* xorshift: any bit pattern, then the like among whole numbers */
		double v;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		assert_true(strtod(text_exact(b, v), NULL) == v);
		v = (double)((int64_t)bits >> (i % 64)) * (i % 3 ? 1 : 1e7);
		assert_true(strtod(text_exact(b, v), NULL) == v);
	}
}

static void nearest(void **state)
{
	static const char *const keys[] = {"gamma", "clock_hz", "target", "drafters", "p", "ab", NULL};
	static const struct {
		const char *typed, *meant;
	} rows[] = {
		{"gama", "gamma"},
		{"gamam", "gamma"},
		{"GAMMA", "gamma"},
		{"gmma", "gamma"},
		{"clock_hx", "clock_hz"},
		{"clokc_hz", "clock_hz"},
		{"clock", NULL},
		{"tagret", "target"},
		{"draffers", "drafters"},
		{"zzzzz", NULL},
		{"x", NULL},
		{"P", "p"},
		{"", NULL},
		{"ba", "ab"},
		{"gxxma", NULL},
		{"drfters_", "drafters"},
	};
	char huge[1000];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *found = text_nearest(rows[i].typed, keys);

		if (found != rows[i].meant && (!found || !rows[i].meant || strcmp(found, rows[i].meant)))
			fail_msg("%s gives %s", rows[i].typed, found ? found : "nothing");
	}
	memset(huge, 'g', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_null(text_nearest(huge, keys));
	assert_null(text_nearest("gamma", (const char *const[]){huge, NULL}));
}

static void utf8(void **state)
{
	static const struct {
		const char *s;
		int n;
	} rows[] = {
		{"", 1},
		{"a", 1},
		{"\x7f", 1},
		{"\xc2\x80", 2},
		{"\xdf\xbf", 2},
		{"\xe0\xa0\x80", 3},
		{"\xed\x9f\xbf", 3},
		{"\xee\x80\x80", 3},
		{"\xef\xbf\xbf", 3},
		{"\xf0\x90\x80\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		{"\x80", 0},
		{"\xbf", 0},
		{"\xc0\x80", 0},
		{"\xc1\xbf", 0},
		{"\xc2", 0},
		{"\xc2q", 0},
		{"\xe0\x9f\xbf", 0},
		{"\xe1\x80", 0},
		{"\xed\xa0\x80", 0},
		{"\xed\xbf\xbf", 0},
		{"\xf0\x8f\xbf\xbf", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xf1\x80\x80", 0},
		{"\xff", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (text_utf8(rows[i].s) != rows[i].n)
			fail_msg("row %zu: %d, not %d", i, text_utf8(rows[i].s), rows[i].n);
}

static void clean(void **state)
{
	char b[16];

	(void)state;
	assert_string_equal(text_clean(b, sizeof(b), "plain é"), "plain é");
	assert_string_equal(text_clean(b, sizeof(b), "\033[31m\r\n\t\x7f"), "?[31m????");
	assert_string_equal(text_clean(b, sizeof(b),
				       "a\xc2\x9b"
				       "b\xff"
				       "c"),
			    "a?b?c");
	/* U+2028, U+202E, U+2066; U+2027, U+202F and U+206A stay */
	assert_string_equal(text_clean(b, sizeof(b), "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6"), "???");
	assert_string_equal(text_clean(b, sizeof(b), "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa"), "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa");
	assert_string_equal(text_clean(b, sizeof(b), "\xc2\xa0"), "\xc2\xa0");
	assert_string_equal(text_clean(b, 4, "abé"), "ab");
	assert_string_equal(text_clean(b, 5, "abé"), "abé");
	assert_string_equal(text_clean(b, 1, "abc"), "");
}

static void names(void **state)
{
	char name[66];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_true(text_is_name(name));
	name[64] = 'a';
	name[65] = '\0';
	assert_false(text_is_name(name));
	assert_true(text_is_name("Llama-3.2_1b+x"));
	assert_true(text_is_name("7"));
	for (const char *const *s = (const char *const[]){"", ".a", "-a", "_a", "+a", "a b", "a/b", "a'b", "é", "a\n", NULL}; *s; s++)
		assert_false(text_is_name(*s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),  cmocka_unit_test(numbers_refused), cmocka_unit_test(spans), cmocka_unit_test(ints),
		cmocka_unit_test(printing), cmocka_unit_test(exact),           cmocka_unit_test(nearest), cmocka_unit_test(utf8),
		cmocka_unit_test(clean),    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
