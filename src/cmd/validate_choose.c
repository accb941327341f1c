/* Choosing points to validate. */
#include "cmd/validate_choose.h"

#include "core/pareto.h"
#include "core/sample.h"

#include <stdio.h>
#include <stdlib.h>

struct candidates {
	const struct space *space;
	int64_t *ids;
	double *costs; /* seconds of a token and bytes, of each */
	size_t n, max;
};

static int collect(void *arg, const struct store_value *v)
{
	struct candidates *c = arg;

	if (!(v[0].number >= 1 && v[0].number <= (double)c->space->size)) /* the database may have been edited */
		return 0;
	if (c->n == c->max) {
		c->max = c->max ? 2 * c->max : 1024;
		c->ids = hx_xrealloc(c->ids, c->max, sizeof(*c->ids));
		c->costs = hx_xrealloc(c->costs, 2 * c->max, sizeof(*c->costs));
	}
	c->costs[2 * c->n] = v[1].number;
	c->costs[2 * c->n + 1] = v[2].number;
	c->ids[c->n++] = (int64_t)v[0].number;
	return 0;
}

static void keep_front(struct candidates *c)
{
	unsigned char *front = hx_xcalloc(c->n + 1, 1);
	size_t kept = 0;

	pareto_front(c->costs, c->n, 2, front);
	for (size_t i = 0; i < c->n; i++)
		if (front[i])
			c->ids[kept++] = c->ids[i];
	c->n = kept;
	free(front);
}

/* Keeps the first `most` of those that can run here. */
static void keep_runnable(struct validate *v, struct candidates *c, size_t most, bool quiet)
{
	size_t kept = 0, passed = 0;
	struct hx_err why, first;

	for (size_t i = 0; i < c->n && kept < most; i++) {
		struct point pt = space_point(c->space, c->ids[i] - 1);

		if (!validate_check(v, &pt, &why))
			c->ids[kept++] = c->ids[i];
		else if (!passed++)
			first = why;
	}
	c->n = kept;
	if (passed && !quiet)
		fprintf(stderr, "hexplore: %zu point%s passed over that cannot be run here: %s%s\n", passed, passed == 1 ? "" : "s", first.msg,
			passed == 1 ? "" : ", for one");
}

static void keep_sample(struct candidates *c, const struct validate_choice *choice)
{
	struct point *points = hx_xmalloc((c->n + 1) * sizeof(*points));
	size_t *chosen = hx_xmalloc((c->n + 1) * sizeof(*chosen));
	int64_t *ids = hx_xmalloc((c->n + 1) * sizeof(*ids));

	for (size_t i = 0; i < c->n; i++)
		points[i] = space_point(c->space, c->ids[i] - 1);
	c->n = sample_spread(points, c->n, (size_t)choice->sample, choice->seed, chosen);
	for (size_t i = 0; i < c->n; i++)
		ids[i] = c->ids[chosen[i]];
	free(c->ids);
	c->ids = ids;
	free(points);
	free(chosen);
}

int validate_choose(struct validate *v, const struct session *s, const struct validate_choice *choice, bool quiet, int64_t **ids, size_t *n,
		    struct hx_err *err)
{
	const char *const columns[] = {"id", "tpot_s", "memory_bytes"};
	struct store_query q = {.sweep = s->sweep.id, .columns = columns, .n_columns = 3};
	struct candidates c = {.space = &s->space};
	int rc;

	if (choice->top) {
		q.order = "speedup";
		q.descending = true;
	} else if (choice->sample) {
		q.filters[q.n_filters++] = (struct store_filter){.column = "gamma", .op = ">=", .number = 1};
	}
	rc = store_select(s->store, &q, collect, &c, err);
	if (!rc && choice->pareto)
		keep_front(&c);
	if (!rc)
		keep_runnable(v, &c, choice->top ? (size_t)choice->top : c.n, quiet);
	if (!rc && choice->sample)
		keep_sample(&c, choice);
	if (!rc && !c.n)
		rc = hx_err_set(err, HX_NO, "no point that sweep %lld keeps can be run here", (long long)s->sweep.id);
	free(c.costs);
	*ids = c.ids;
	*n = c.n;
	return rc;
}
