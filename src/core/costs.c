/* Measured forward passes from CSV. */
#include "core/costs.h"

#include "base/text.h"
#include "engine/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum column { MODEL, QUANTISATION, UNIT, CORES, ROWS, CONTEXT, SECONDS, COLUMNS };
static const char *const columns[] = {"model", "quantisation", "unit", "cores", "rows", "context", "seconds", NULL};
static const char relative[] = "relative"; /* stands for seconds */

struct reader {
	const char *name;
	int line;
	struct costs *costs;
	int order[COLUMNS]; /* field index of each column */
	struct hx_err *err;
};

static int fail(const struct reader *r, const char *what, const char *value)
{
	char shown[80];

	return hx_err_set(r->err, HX_INPUT, "%s:%d: %s%s%s%s", r->name, r->line, what, value ? " '" : "", value ? text_clean(shown, sizeof(shown), value) : "",
			  value ? "'" : "");
}

/* Cuts a line at commas in place; surrounding blanks and quotes go. */
static int split(char *line, char **field, int max)
{
	int n = 0;

	for (char *s = line; s && n < max; n++) {
		char *end = strchr(s, ','), *next = end ? end + 1 : NULL;

		if (!end)
			end = s + strlen(s);
		while (*s == ' ' || *s == '\t' || *s == '"')
			s++;
		while (end > s && strchr(" \t\r\"", end[-1]))
			end--;
		*end = '\0';
		field[n] = s;
		s = next;
	}
	return n;
}

static int read_header(struct reader *r, char **field, int n)
{
	for (int c = 0; c < COLUMNS; c++)
		r->order[c] = -1;
	for (int i = 0; i < n; i++) {
		int c = 0;

		if (strcmp(field[i], relative) == 0) {
			r->costs->relative = true;
			field[i] = (char *)columns[SECONDS];
		}
		while (columns[c] && strcmp(columns[c], field[i]) != 0)
			c++;
		if (!columns[c])
			return fail(r, "unknown column", field[i]);
		if (r->order[c] >= 0)
			return fail(r, "a second column of", columns[c]);
		r->order[c] = i;
	}
	for (int c = 0; c < COLUMNS; c++)
		if (r->order[c] < 0)
			return fail(r, "missing column", columns[c]);
	return HX_OK;
}

static int read_row(struct reader *r, char **field, int n, struct cost_row *row)
{
	struct hx_err why;
	double v[COLUMNS];
	static const double min[COLUMNS] = {[CORES] = 1, [ROWS] = 1, [CONTEXT] = 0, [SECONDS] = 1e-12};
	static const double max[COLUMNS] = {[CORES] = 1024, [ROWS] = 1e6, [CONTEXT] = 1e9, [SECONDS] = 1e6};

	if (n != COLUMNS)
		return fail(r, "must have 7 values, as the header has", NULL);
	for (int c = CORES; c < COLUMNS; c++)
		if (text_number(field[r->order[c]], min[c], max[c], columns[c], &v[c], &why))
			return fail(r, why.msg, NULL);
	if (v[CORES] != floor(v[CORES]))
		return fail(r, "cores: must be a whole number, is", field[r->order[CORES]]);
	row->type = hx_shape_type(field[r->order[QUANTISATION]]);
	if (row->type < 0)
		return fail(r, "unknown quantisation", field[r->order[QUANTISATION]]);
	row->model = hx_xstrdup(field[r->order[MODEL]]);
	row->unit = hx_xstrdup(field[r->order[UNIT]]);
	row->cores = (int)v[CORES];
	row->line = r->line;
	row->rows = v[ROWS];
	row->context = v[CONTEXT];
	row->seconds = v[SECONDS];
	row->logit_rows = 0;
	return HX_OK;
}

static int by_key(const void *pa, const void *pb)
{
	const struct cost_row *a = pa, *b = pb;

	if (a->rows != b->rows)
		return a->rows < b->rows ? -1 : 1;
	return (a->context > b->context) - (a->context < b->context);
}

/* Spreadsheets save tables in several encodings; what is not plain text is named rather than half read. */
static int check_text(struct reader *r, const char *text, size_t len)
{
	const char *p = text;

	r->line = 1;
	if (len > 2 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return fail(r, "byte-order mark; save the file without it", NULL);
	while (p < text + len) {
		int n = *p ? text_utf8(p) : 0;

		if (!n)
			return fail(r, *p ? "invalid UTF-8; save the file as UTF-8" : "NUL byte; save the file as UTF-8", NULL);
		r->line += *p == '\n';
		p += n;
	}
	r->line = 0;
	return HX_OK;
}

int costs_parse(struct costs *c, const char *text, size_t len, const char *name, struct hx_err *err)
{
	struct reader r = {.name = name, .costs = c, .err = err};
	char *copy = hx_xmalloc(len + 1), *field[COLUMNS + 1], *next = copy;
	int rc, n, header = 0;

	*c = (struct costs){0};
	memcpy(copy, text, len);
	copy[len] = '\0';
	rc = check_text(&r, copy, len);
	while (next && !rc) {
		char *line = next, *end = strchr(next, '\n');

		next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		r.line++;
		if (!line[strspn(line, " \t\r")] || *line == '#')
			continue;
		n = split(line, field, COLUMNS + 1);
		if (!header++) {
			rc = read_header(&r, field, n);
			continue;
		}
		c->rows = hx_xrealloc(c->rows, c->n + 1, sizeof(*c->rows));
		rc = read_row(&r, field, n, &c->rows[c->n]);
		c->n += !rc;
	}
	if (!rc && !c->n)
		rc = hx_err_set(err, HX_INPUT, "%s: no rows; expected the header model,quantisation,unit,cores,rows,context,seconds and a line a pass", name);
	if (c->n)
		qsort(c->rows, c->n, sizeof(*c->rows), by_key);
	free(copy);
	if (rc)
		costs_free(c);
	return rc;
}

void costs_free(struct costs *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->rows[i].model);
		free(c->rows[i].unit);
	}
	free(c->rows);
	*c = (struct costs){0};
}

static bool speaks_of(const struct cost_row *r, const struct cost_key *k)
{
	return r->type == k->type && r->cores == k->cores && strcmp(r->unit, k->unit) == 0 && strcmp(r->model, k->model) == 0;
}

double costs_find(const struct costs *c, const struct cost_key *key, double rows, double context, bool kv_cache)
{
	const struct cost_row *below = NULL, *above = NULL;
	double at = kv_cache ? context : rows, lo, hi;

	for (size_t i = 0; i < c->n; i++) {
		const struct cost_row *r = &c->rows[i];

		if (!speaks_of(r, key) || (kv_cache ? r->rows != rows : r->context > 0))
			continue;
		/* rows are sorted: the last one not beyond, the first one beyond */
		if ((kv_cache ? r->context : r->rows) <= at)
			below = r;
		else if (!above)
			above = r;
	}
	if (!below || !above)
		return below ? below->seconds : above ? above->seconds : NAN;
	lo = kv_cache ? below->context : below->rows;
	hi = kv_cache ? above->context : above->rows;
	return below->seconds + (above->seconds - below->seconds) * (at - lo) / (hi - lo);
}

const struct cost_row *costs_nearest(const struct costs *c, const struct cost_key *key, double rows, double context, bool kv_cache)
{
	const struct cost_row *near = NULL;
	double best = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct cost_row *r = &c->rows[i];
		double far = fabs(log(r->rows / rows));

		if (!speaks_of(r, key) || (!kv_cache && r->context > 0))
			continue;
		if (!near || far < best || (r->rows == near->rows && fabs(r->context - context) < fabs(near->context - context))) {
			near = r;
			best = far;
		}
	}
	return near;
}
