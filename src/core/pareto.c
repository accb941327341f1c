/* Pareto fronts. */
#include "core/pareto.h"

#include "engine/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const double *v;
	size_t index;
	int k;
};

/* Lexicographic, then by index: no later row can beat an earlier one. */
static int by_values(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	for (int i = 0; i < a->k; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static int no_worse(const double *a, const double *b, int k)
{
	for (int i = 0; i < k; i++)
		if (!(a[i] <= b[i]))
			return 0;
	return 1;
}

static int has_nan(const double *v, int k)
{
	for (int i = 0; i < k; i++)
		if (isnan(v[i]))
			return 1;
	return 0;
}

size_t pareto_front(const double *v, size_t n, int k, unsigned char *front)
{
	struct row *rows = hx_xcalloc(n, sizeof(*rows));
	size_t m = 0, kept = 0;

	memset(front, 0, n);
	for (size_t i = 0; i < n; i++)
		if (!has_nan(v + i * (size_t)k, k))
			rows[m++] = (struct row){v + i * (size_t)k, i, k};
	qsort(rows, m, sizeof(*rows), by_values);
	for (size_t i = 0; i < m; i++) {
		size_t j = kept;

		/* the newest on the front is the likeliest to beat a row */
		while (j > 0 && !no_worse(rows[j - 1].v, rows[i].v, k))
			j--;
		if (j > 0)
			continue;
		front[rows[i].index] = 1;
		rows[kept++] = rows[i];
	}
	free(rows);
	return kept;
}
