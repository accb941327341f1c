/* Lists as table, CSV, JSON or JSON lines. */
#include "output/report.h"
#include "base/json.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct report {
	FILE *f;
	enum report_format format;
	const struct report_column *columns;
	int n, column; /* columns, and the one whose cell comes next */
	size_t rows;
	char **cells; /* table only: what is held, row by row, NULL in columns that are not shown */
	size_t room;  /* rows */
};

int report_format_parse(const char *text, enum report_format *out, struct hx_err *err)
{
	static const char *const names[] = {"table", "csv", "json", "jsonl", NULL};
	char shown[32];

	for (int i = 0; names[i]; i++)
		if (!strcmp(text ? text : "table", names[i])) {
			*out = (enum report_format)i;
			return HX_OK;
		}
	return hx_err_set(err, HX_INPUT, "unknown format '%s'; known are: table, csv, json, jsonl", text_clean(shown, sizeof(shown), text));
}

/* A copy without what would steer a terminal. */
static char *cleaned(const char *text)
{
	size_t size = strlen(text) + 1;
	char *clean = hx_xmalloc(size);

	text_clean(clean, size, text);
	return clean;
}

/* RFC 4180: quoted where it must be. */
static void csv_text(FILE *f, const char *text)
{
	char *clean = cleaned(text);
	const char *quote = clean[strcspn(clean, ",\"")] ? "\"" : "";

	fputs(quote, f);
	for (const char *s = clean; *s; s++) {
		if (*s == '"')
			putc('"', f);
		putc(*s, f);
	}
	fputs(quote, f);
	free(clean);
}

/* What stands before a cell in the streaming formats. */
static void lead(struct report *r)
{
	const struct report_column *c = &r->columns[r->column];

	if (r->format == REPORT_CSV) {
		if (r->column)
			putc(',', r->f);
		return;
	}
	if (r->column)
		fputs(", ", r->f);
	else if (r->format == REPORT_JSONL)
		putc('{', r->f);
	else
		fputs(r->rows ? ",\n{" : "\n{", r->f);
	json_quote(r->f, c->name);
	fputs(": ", r->f);
}

static void next(struct report *r)
{
	if (++r->column < r->n)
		return;
	if (r->format == REPORT_CSV)
		putc('\n', r->f);
	else if (r->format != REPORT_TABLE)
		fputs(r->format == REPORT_JSON ? "}" : "}\n", r->f);
	r->column = 0;
	r->rows++;
}

static void hold(struct report *r, const char *cell)
{
	if (r->rows == r->room) {
		r->room = r->room ? 2 * r->room : 32;
		r->cells = hx_xrealloc(r->cells, r->room, (size_t)r->n * sizeof(*r->cells));
	}
	r->cells[r->rows * (size_t)r->n + (size_t)r->column] = r->columns[r->column].title ? hx_xstrdup(cell) : NULL;
}

struct report *report_begin(FILE *f, enum report_format format, const struct report_column *columns, int n)
{
	struct report *r = hx_xcalloc(1, sizeof(*r));

	*r = (struct report){.f = f, .format = format, .columns = columns, .n = n};
	if (format == REPORT_JSON)
		putc('[', f);
	for (int i = 0; i < n && format == REPORT_CSV; i++) {
		csv_text(f, columns[i].name);
		putc(i + 1 < n ? ',' : '\n', f);
	}
	return r;
}

static void hold_text(struct report *r, const char *text)
{
	char *clean = cleaned(text);

	hold(r, clean);
	free(clean);
}

void report_text(struct report *r, const char *text)
{
	assert(r->columns[r->column].type == REPORT_TEXT);
	if (r->format == REPORT_TABLE) {
		hold_text(r, text ? text : "-");
	} else {
		lead(r);
		if (r->format == REPORT_CSV)
			csv_text(r->f, text ? text : "");
		else if (text)
			json_quote(r->f, text);
		else
			fputs("null", r->f);
	}
	next(r);
}

static const char *table_number(char *buf, double v, const struct report_column *c)
{
	if (isnan(v))
		return "-";
	if (c->type == REPORT_BOOL)
		return v != 0 ? "yes" : "no";
	v *= c->scale != 0 ? c->scale : 1;
	if (c->digits < 0) {
		snprintf(buf, TEXT_MAX, "%.0f", v);
		return buf;
	}
	return c->digits ? text_digits(buf, v, c->digits) : text_count(buf, v);
}

void report_number(struct report *r, double v)
{
	const struct report_column *c = &r->columns[r->column];
	bool json = r->format == REPORT_JSON || r->format == REPORT_JSONL;
	char buf[TEXT_MAX];

	assert(c->type != REPORT_TEXT);
	if (r->format == REPORT_TABLE) {
		hold(r, table_number(buf, v, c));
	} else {
		lead(r);
		if (isnan(v) || (json && isinf(v)))
			fputs(json ? "null" : "", r->f);
		else if (json && c->type == REPORT_BOOL)
			fputs(v != 0 ? "true" : "false", r->f);
		else
			fputs(text_exact(buf, v), r->f);
	}
	next(r);
}

/* Columns of a terminal, taken as code points; s is well-formed. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* One line of the table; blanks are put off until something follows them. */
static void print_row(const struct report *r, const int *widths, char *const *cells)
{
	int blanks = 0;

	for (int i = 0; i < r->n; i++) {
		const struct report_column *c = &r->columns[i];
		const char *cell = cells ? cells[i] : c->title;
		int pad;

		if (!c->title)
			continue;
		pad = widths[i] - width(cell);
		if (c->type == REPORT_NUMBER)
			blanks += pad;
		if (*cell) {
			fprintf(r->f, "%*s%s", blanks, "", cell);
			blanks = 0;
		}
		blanks += 2 + (c->type == REPORT_NUMBER ? 0 : pad);
	}
	putc('\n', r->f);
}

static void print_table(const struct report *r)
{
	int *widths = hx_xcalloc((size_t)r->n, sizeof(*widths));

	for (int i = 0; i < r->n; i++) {
		if (!r->columns[i].title)
			continue;
		widths[i] = width(r->columns[i].title);
		for (size_t row = 0; row < r->rows; row++) {
			int w = width(r->cells[row * (size_t)r->n + (size_t)i]);

			widths[i] = w > widths[i] ? w : widths[i];
		}
	}
	print_row(r, widths, NULL);
	for (size_t row = 0; row < r->rows; row++)
		print_row(r, widths, r->cells + row * (size_t)r->n);
	free(widths);
}

void report_end(struct report *r)
{
	assert(r->column == 0);
	if (r->format == REPORT_TABLE)
		print_table(r);
	else if (r->format == REPORT_JSON)
		fputs(r->rows ? "\n]\n" : "]\n", r->f);
	for (size_t i = 0; r->cells && i < r->rows * (size_t)r->n; i++)
		free(r->cells[i]);
	free(r->cells);
	free(r);
}
