/* Numbers, units and names as people type and read them. */
#include "base/text.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whole numbers up to here are exact in a double. */
#define EXACT_MAX 9007199254740991.0

struct suffix {
	const char *text;
	double factor;
};

static const struct suffix magnitudes[] = {{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"Ki", 0x1p10},
					   {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"", 1}, {0}};
static const struct suffix spans[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {0}};
static const char *const units[] = {"", "Hz", "B", "s", "W", NULL};

/* Reads a decimal number at the start of s; what strtod takes beyond that (blanks, hexadecimal, nan, inf) is refused. */
static bool decimal(const char *s, double *v, char **end)
{
	*v = strtod(s, end);
	return *end != s && (size_t)(*end - s) <= strspn(s, "+-.0123456789eE");
}

static bool scale(double *v, const char *text, const struct suffix *suffixes)
{
	for (; suffixes->text; suffixes++)
		if (!strcmp(text, suffixes->text)) {
			*v *= suffixes->factor;
			return true;
		}
	return false;
}

/* Cuts a unit off a copy of the suffix, so that `GHz`, `Hz` and `G` are all read. */
static bool scale_with_unit(double *v, const char *text)
{
	for (const char *const *u = units; *u; u++) {
		char magnitude[3] = "";
		size_t n = strlen(text), unit = strlen(*u);

		if (n < unit || n - unit >= sizeof(magnitude) || strcmp(text + n - unit, *u))
			continue;
		memcpy(magnitude, text, n - unit);
		if (scale(v, magnitude, magnitudes))
			return true;
	}
	return false;
}

static int not_a(const char *kind, const char *s, const char *what, struct hx_err *err)
{
	char shown[64];

	return hx_err_set(err, HX_INPUT, "%s: '%s' is not a %s", what, text_clean(shown, sizeof(shown), s), kind);
}

static int check_range(double v, double min, double max, const char *what, struct hx_err *err)
{
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX];

	if (v >= min && v <= max && isfinite(v))
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "%s: must be in [%s, %s], is %s", what, text_exact(a, min), text_exact(b, max), text_exact(c, v));
}

int text_number(const char *s, double min, double max, const char *what, double *out, struct hx_err *err)
{
	char *end;
	double v;
	int rc;

	if (!decimal(s, &v, &end) || !scale_with_unit(&v, end))
		return not_a("number", s, what, err);
	rc = check_range(v, min, max, what, err);
	if (!rc)
		*out = v;
	return rc;
}

int text_seconds(const char *s, double min, double max, const char *what, double *out, struct hx_err *err)
{
	char *end;
	double v;
	int rc;

	if (!decimal(s, &v, &end) || !scale(&v, end, spans))
		return not_a("time", s, what, err);
	rc = check_range(v, min, max, what, err);
	if (!rc)
		*out = v;
	return rc;
}

int text_int(const char *s, long min, long max, const char *what, long *out, struct hx_err *err)
{
	char *end;
	double v;
	int rc;

	if (!decimal(s, &v, &end) || !scale_with_unit(&v, end) || v != floor(v))
		return not_a("whole number", s, what, err);
	rc = check_range(v, fmax((double)min, -EXACT_MAX), fmin((double)max, EXACT_MAX), what, err);
	if (!rc)
		*out = (long)v;
	return rc;
}

/* Three significant digits with a power of 1000 between lowest and highest; 0 is no prefix. */
static const char *prefixed(char *buf, double v, const char *unit, int lowest, int highest)
{
	static const char *const prefixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
	const char *prefix, *blank;
	int step;

	if (!isfinite(v))
		return strcpy(buf, isnan(v) ? "-" : v > 0 ? "inf" : "-inf");
	/* Rounding comes first, so that 999.9 k is 1 M. */
	snprintf(buf, TEXT_MAX, "%.2e", v);
	v = strtod(buf, NULL);
	step = v == 0 ? 0 : (int)floor(atoi(strchr(buf, 'e') + 1) / 3.0);
	step = step < lowest ? lowest : step > highest ? highest : step;
	v /= pow(1000, step);
	prefix = prefixes[step + 3];
	blank = *prefix || *unit ? " " : "";
	snprintf(buf, TEXT_MAX, fabs(v) >= 1000 && fabs(v) < 1e6 ? "%.0f%s%s%s" : "%.3g%s%s%s", v, blank, prefix, unit);
	return buf;
}

const char *text_bytes(char *buf, double bytes)
{
	return prefixed(buf, bytes, "B", 0, 6);
}

const char *text_time(char *buf, double seconds)
{
	return prefixed(buf, seconds, "s", -3, 0);
}

const char *text_si(char *buf, double v, const char *unit)
{
	return prefixed(buf, v, unit, -3, 6);
}

const char *text_count(char *buf, double n)
{
	char digits[TEXT_MAX];
	size_t len;
	char *p = buf;

	if (isnan(n))
		return strcpy(buf, "-");
	if (fabs(n) >= 1e18)
		return text_exact(buf, n);
	len = (size_t)snprintf(digits, sizeof(digits), "%.0f", fabs(n));
	if (n < 0 && strcmp(digits, "0"))
		*p++ = '-';
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return buf;
}

const char *text_exact(char *buf, double v)
{
	/* DBL_DIG digits always come back unchanged, so fewer are needed only where subnormal numbers lose precision. */
	int digits = fabs(v) < DBL_MIN ? 1 : DBL_DIG;
	size_t n, zeros = 0;
	char *exponent;

	do
		n = (size_t)snprintf(buf, TEXT_MAX, "%.*g", digits, v);
	while (digits++ < DBL_DECIMAL_DIG && strtod(buf, NULL) != v);
	if (!strpbrk(buf, ".e"))
		while (zeros < n && buf[n - 1 - zeros] == '0')
			zeros++;
	if (zeros >= 6)
		snprintf(buf, TEXT_MAX, "%.*e", (int)(n - zeros - 1) - (v < 0), v);
	exponent = strchr(buf, 'e');
	if (exponent) /* e+06 is e6 */
		snprintf(exponent, (size_t)(buf + TEXT_MAX - exponent), "e%d", atoi(exponent + 1));
	return buf;
}

enum { NAME_MAX_NEAR = 64 };

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap neighbours) between two names of at most NAME_MAX_NEAR bytes. */
static int distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	int rows[3][NAME_MAX_NEAR + 1];
	int *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= n_b; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= n_a; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = (int)i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[n_b];
}

const char *text_nearest(const char *name, const char *const *candidates)
{
	size_t len = strlen(name);
	/* One edit makes any letter any other, so a near name keeps at least one. */
	int allowed = len < 2 ? 0 : len < 6 ? 1 : (int)(len / 3);
	const char *nearest = NULL;

	if (len > NAME_MAX_NEAR)
		return NULL;
	for (; *candidates; candidates++) {
		size_t n = strlen(*candidates);
		int d = n > NAME_MAX_NEAR ? allowed + 1 : distance(name, len, *candidates, n);

		if (d <= allowed) {
			nearest = *candidates;
			allowed = d - 1;
		}
	}
	return nearest;
}

int text_utf8(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	int n;

	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	for (int i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, surrogate, overlong, beyond U+10FFFF. */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

bool text_is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] == 0xe2 && u[1] == 0x80)
		return u[2] >= 0xa8 && u[2] <= 0xae;
	if (u[0] == 0xe2 && u[1] == 0x81)
		return u[2] >= 0xa6 && u[2] <= 0xa9;
	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0);
}

const char *text_clean(char *buf, size_t size, const char *s)
{
	size_t at = 0;

	while (*s) {
		int n = text_utf8(s);
		bool shown = n && !text_is_control(s);
		size_t width = shown ? (size_t)n : 1;

		if (at + width >= size)
			break;
		memcpy(buf + at, shown ? s : "?", width);
		at += width;
		s += n ? n : 1;
	}
	buf[at] = '\0';
	return buf;
}

bool text_is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

	return n > 0 && n <= 64 && !s[n] && !strchr("._+-", s[0]);
}

const char *text_digits(char *buf, double v, int digits)
{
	int decimals;

	if (isnan(v))
		return strcpy(buf, "-");
	snprintf(buf, TEXT_MAX, "%.*e", digits - 1, v);
	if (!isfinite(v) || (v != 0 && (fabs(v) < 1e-4 || fabs(v) >= 1e15)))
		return buf;
	decimals = digits - 1 - atoi(strchr(buf, 'e') + 1);
	snprintf(buf, TEXT_MAX, "%.*f", v == 0 || decimals < 0 ? 0 : decimals, v);
	return buf;
}
