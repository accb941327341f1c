/* hexplore pareto: the points that no other beats in every objective. */
#include "core/pareto.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "output/columns.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OBJECTIVES = 3 };

struct points {
	int k; /* objectives */
	double *v;
	int64_t *ids;
	size_t n, max;
};

static int collect(void *arg, const struct store_value *values)
{
	struct points *p = arg;

	if (!(values[0].number >= 1 && values[0].number < 9e18)) /* the database may have been edited */
		return 0;
	if (p->n == p->max) {
		p->max = p->max ? 2 * p->max : 1024;
		p->v = hx_xrealloc(p->v, p->max * (size_t)p->k, sizeof(*p->v));
		p->ids = hx_xrealloc(p->ids, p->max, sizeof(*p->ids));
	}
	p->ids[p->n] = (int64_t)values[0].number;
	for (int i = 0; i < p->k; i++)
		p->v[p->n * (size_t)p->k + (size_t)i] = values[1 + i].number;
	p->n++;
	return 0;
}

/* Reads `latency,memory` into the columns of a query. */
static int read_objectives(const char *text, const char **columns, int *k, struct hx_err *err)
{
	char *copy = hx_xstrdup(text), *save = NULL;
	int rc = HX_OK;

	*k = 0;
	for (char *word = strtok_r(copy, ",", &save); word && !rc; word = strtok_r(NULL, ",", &save)) {
		int o = 0;

		while (sweep_objectives[o] && strcmp(sweep_objectives[o], word) != 0)
			o++;
		if (!sweep_objectives[o] || *k == MAX_OBJECTIVES)
			rc = hx_err_set(err, HX_INPUT, "--objectives: a list of latency, energy, memory; is '%.80s'", text);
		else
			columns[(*k)++] = sweep_objective_columns[o];
	}
	if (!rc && !*k)
		rc = hx_err_set(err, HX_INPUT, "--objectives: names none");
	free(copy);
	return rc;
}

static int list_front(struct session *s, struct points *p, enum report_format format, struct hx_err *err)
{
	unsigned char *front = hx_xcalloc(p->n, 1);
	size_t kept = 0;
	int rc;

	if (p->n && !pareto_front(p->v, p->n, p->k, front)) {
		free(front);
		return hx_err_set(err, HX_INPUT, "no point has a value in every objective: profile '%s' has no powers for its units", s->sweep.profile);
	}
	for (size_t i = 0; i < p->n; i++)
		if (front[i])
			p->ids[kept++] = p->ids[i];
	rc = columns_list_ids(s->store, s->sweep.id, p->ids, kept, format, &s->study, err);
	free(front);
	return rc;
}

int cmd_pareto(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = NULL, *sweep_id = NULL, *objectives = "latency,memory", *format_text = NULL;
	const char *columns[1 + MAX_OBJECTIVES] = {"id"};
	bool help = false;
	const struct opt opts[] = {
		{"objectives", 'o', "LIST", "of latency, energy, memory (default: latency,memory)", &objectives, NULL},
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "table, csv, json or jsonl", &format_text, NULL},
		{0}};
	struct points points = {0};
	struct store_query q = {.columns = columns, .order = "tpot_s"};
	enum report_format format;
	struct session s;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = read_objectives(objectives, columns + 1, &points.k, err)) || (rc = session_open(&s, db, sweep_id, err)))
		return rc;
	q.sweep = s.sweep.id;
	q.n_columns = 1 + points.k;
	if (!(rc = session_load(&s, err)) && !(rc = store_select(s.store, &q, collect, &points, err)))
		rc = list_front(&s, &points, format, err);
	free(points.v);
	free(points.ids);
	session_close(&s);
	return rc;
}
