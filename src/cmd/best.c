/* hexplore best: the ranked points of a sweep. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "output/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What points can be ranked by. */
static const struct objective_row {
	const char *name, *column;
	bool descending;
} objectives[] = {
	{"speedup", "speedup", true},
	{"latency", "tpot_s", false},
	{"energy", "energy_j_token", false},
	{"memory", "memory_bytes", false},
};

static int find_objective(const char *name, struct store_query *q, struct hx_err *err)
{
	for (size_t i = 0; i < sizeof(objectives) / sizeof(*objectives); i++)
		if (strcmp(objectives[i].name, name) == 0) {
			q->order = objectives[i].column;
			q->descending = objectives[i].descending;
			return HX_OK;
		}
	return hx_err_set(err, HX_INPUT, "--objective: must be speedup, latency, energy or memory, is '%.40s'", name);
}

/* COLUMN=VALUE. A column's text values are compared for equality only. */
static int add_filter(const char *option, const char *text, const char *op, struct store_query *q, struct hx_err *err)
{
	const char *equals = strchr(text, '=');
	struct store_filter *f = &q->filters[q->n_filters];
	char column[64];
	const char *near;

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(column))
		return hx_err_set(err, HX_INPUT, "%s: must be COLUMN=VALUE, is '%.80s'", option, text);
	snprintf(column, sizeof(column), "%.*s", (int)(equals - text), text);
	for (int i = 0; store_columns[i]; i++)
		if (strcmp(store_columns[i], column) == 0)
			f->column = store_columns[i];
	near = text_nearest(column, store_columns);
	if (!f->column)
		return hx_err_set(err, HX_INPUT, "%s: no column '%s'%s%s%s", option, column, near ? "; did you mean '" : "; hexplore-db(5) lists them",
				  near ? near : "", near ? "'?" : "");
	f->op = op;
	q->n_filters++;
	if (*op == '=') {
		f->text = equals + 1;
		return HX_OK;
	}
	return text_number(equals + 1, -HUGE_VAL, HUGE_VAL, option, &f->number, err);
}

int cmd_best(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = NULL, *sweep_id = NULL, *objective = "speedup", *top = "10", *format_text = NULL, *min = NULL, *max = NULL, *where = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"objective", 'o', "O", "speedup (default), latency, energy or memory", &objective, NULL},
		{"top", 't', "N", "so many points (default: 10; 0: all)", &top, NULL},
		{"min", 0, "COLUMN=VALUE", "only points with at least that value", &min, NULL},
		{"max", 0, "COLUMN=VALUE", "only points with at most that value", &max, NULL},
		{"where", 'w', "COLUMN=TEXT", "only points with that text, as in target_quant=q4_0", &where, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "table, csv, json or jsonl", &format_text, NULL},
		{0}};
	struct store_query q = {0};
	enum report_format format;
	struct session s;
	long n;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = find_objective(objective, &q, err)) || (rc = text_int(top, 0, 1000000000, "--top", &n, err)))
		return rc;
	if ((min && (rc = add_filter("--min", min, ">=", &q, err))) || (max && (rc = add_filter("--max", max, "<=", &q, err))) ||
	    (where && (rc = add_filter("--where", where, "=", &q, err))))
		return rc;
	if ((rc = session_open(&s, db, sweep_id, err)))
		return rc;
	q.sweep = s.sweep.id;
	q.limit = n;
	if (!(rc = session_load(&s, err)))
		rc = columns_list(s.store, &q, format, &s.study, err);
	session_close(&s);
	return rc;
}
