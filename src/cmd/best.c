/* hexplore best: the ranked points of a sweep. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "output/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int find_objective(const char *name, struct store_query *q, struct hx_err *err)
{
	q->descending = strcmp(name, "speedup") == 0;
	q->order = q->descending ? "speedup" : NULL;
	for (int i = 0; sweep_objectives[i]; i++)
		if (strcmp(sweep_objectives[i], name) == 0)
			q->order = sweep_objective_columns[i];
	return q->order ? HX_OK : hx_err_set(err, HX_INPUT, "--objective: must be speedup, latency, energy or memory, is '%.40s'", name);
}

static const struct report_column *find_column(const char *name)
{
	for (int i = 0; store_columns[i]; i++)
		if (strcmp(store_columns[i], name) == 0)
			return &columns_looks[i];
	return NULL;
}

/* COLUMN=VALUE. Numbers are bounded, texts compared for equality. */
static int add_filter(const char *option, const char *text, const char *op, struct store_query *q, struct hx_err *err)
{
	const char *equals = strchr(text, '='), *near;
	struct store_filter *f = &q->filters[q->n_filters];
	const struct report_column *column;
	char name[64];

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name))
		return hx_err_set(err, HX_INPUT, "%s: must be COLUMN=VALUE, is '%.80s'", option, text);
	if (q->n_filters == STORE_MAX_FILTERS)
		return hx_err_set(err, HX_INPUT, "%s: at most %d conditions", option, STORE_MAX_FILTERS);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	column = find_column(name);
	near = text_nearest(name, store_columns);
	if (!column)
		return hx_err_set(err, HX_INPUT, "%s: no column '%s'%s%s%s", option, name, near ? "; did you mean '" : "; hexplore-db(5) lists them",
				  near ? near : "", near ? "'?" : "");
	if (column->type == REPORT_TEXT && *op != '=')
		return hx_err_set(err, HX_INPUT, "%s: '%s' is text; --where %s compares it", option, name, text);
	*f = (struct store_filter){.column = column->name, .op = op};
	q->n_filters++;
	if (column->type == REPORT_TEXT)
		f->text = equals + 1;
	else
		return text_number(equals + 1, -HUGE_VAL, HUGE_VAL, option, &f->number, err);
	return HX_OK;
}

/* A list of bounds: COLUMN=VALUE[,COLUMN=VALUE...]. NULL: none. */
static int add_bounds(const char *option, const char *text, const char *op, struct store_query *q, struct hx_err *err)
{
	char *copy = text ? hx_xstrdup(text) : NULL, *save = NULL;
	int rc = HX_OK;

	for (char *one = copy ? strtok_r(copy, ",", &save) : NULL; one && !rc; one = strtok_r(NULL, ",", &save))
		rc = add_filter(option, one, op, q, err);
	free(copy);
	return rc;
}

/* Points without the value they are ranked by are left out, but for speedup: without a baseline none has one. */
static int leave_out_unknown(struct store_query *q, struct hx_err *err)
{
	if (strcmp(q->order, "speedup") == 0)
		return HX_OK;
	if (q->n_filters == STORE_MAX_FILTERS)
		return hx_err_set(err, HX_INPUT, "best: too many conditions");
	q->filters[q->n_filters++] = (struct store_filter){.column = q->order, .op = ">=", .number = 0};
	return HX_OK;
}

int cmd_best(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = NULL, *sweep_id = NULL, *objective = "speedup", *top = "10", *format_text = NULL, *min = NULL, *max = NULL, *where = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"objective", 'o', "O", "speedup (default), latency, energy or memory", &objective, NULL},
		{"top", 't', "N", "so many points (default: 10; 0: all)", &top, NULL},
		{"min", 0, "COLUMN=VALUE", "only points with at least that value; several with commas", &min, NULL},
		{"max", 0, "COLUMN=VALUE", "only points with at most that value; several with commas", &max, NULL},
		{"where", 'w', "COLUMN=VALUE", "only points with that text or value, as in target_quant=q4_0", &where, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "table, csv, json or jsonl", &format_text, NULL},
		{0}};
	struct store_query q = {0};
	enum report_format format;
	struct session s;
	long n;
	size_t rows;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = find_objective(objective, &q, err)) || (rc = text_int(top, 0, 1000000000, "--top", &n, err)))
		return rc;
	if ((rc = add_bounds("--min", min, ">=", &q, err)) || (rc = add_bounds("--max", max, "<=", &q, err)) ||
	    (where && (rc = add_filter("--where", where, "=", &q, err))) || (rc = leave_out_unknown(&q, err)))
		return rc;
	if ((rc = session_open(&s, db, sweep_id, err)))
		return rc;
	q.sweep = s.sweep.id;
	q.limit = n;
	if (!(rc = session_load(&s, err)))
		rc = columns_list(s.store, &q, format, &s.study, &rows, err);
	if (!rc && !rows)
		rc = hx_err_set(err, HX_NO, "no point of sweep %lld %s", (long long)s.sweep.id,
				strcmp(objective, "energy") == 0 ? "has an energy that meets the conditions (is there 'power' in the profile?)"
								 : "can run and meets the conditions");
	session_close(&s);
	return rc;
}
