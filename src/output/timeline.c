/* What a trace amounts to within a window. Spans come by start, so what is known to be in use at a span's start is so without a gap. */
#include "output/timeline.h"

#include <math.h>
#include <stdlib.h>

double timeline_busy_s(const struct timeline *t, int lane, double from_s, double to_s)
{
	double until_s = from_s, busy_s = 0;

	for (size_t i = 0; i < t->n_spans; i++)
		if (t->spans[i].lane == lane) {
			double start_s = fmax(t->spans[i].start_s, until_s), end_s = fmin(t->spans[i].end_s, to_s);

			busy_s += fmax(0, end_s - start_s);
			until_s = fmax(until_s, end_s);
		}
	return busy_s;
}

double timeline_overlap_s(const struct timeline *t, double from_s, double to_s)
{
	double until_s[TIMELINE_LANES], counted_s = from_s, overlap_s = 0;

	for (int lane = 0; lane < t->n_lanes; lane++)
		until_s[lane] = from_s;
	for (size_t i = 0; i < t->n_spans; i++) {
		const struct timeline_span *s = &t->spans[i];
		double end_s = fmin(s->end_s, to_s), others_s = from_s, both_s;

		if (t->lanes[s->lane].passes)
			continue;
		for (int lane = 0; lane < t->n_lanes; lane++)
			if (lane != s->lane)
				others_s = fmax(others_s, until_s[lane]);
		both_s = fmin(end_s, others_s);
		counted_s = fmax(counted_s, s->start_s);
		overlap_s += fmax(0, both_s - counted_s);
		counted_s = fmax(counted_s, both_s);
		until_s[s->lane] = fmax(until_s[s->lane], end_s);
	}
	return overlap_s;
}

/* What is known of a cell: the span that takes most of it, and all that is in use. */
struct cell {
	double most_s, busy_s;
	int span;
};

void timeline_cells(const struct timeline *t, int lane, double from_s, double to_s, int *cells, size_t n)
{
	struct cell *c = hx_xcalloc(n, sizeof(*c));
	double cell_s = (to_s - from_s) / (double)n;

	for (size_t i = 0; i < t->n_spans; i++) {
		double start_s = fmax(t->spans[i].start_s, from_s), end_s = fmin(t->spans[i].end_s, to_s);

		if (t->spans[i].lane != lane || end_s <= start_s)
			continue;
		for (size_t k = (size_t)((start_s - from_s) / cell_s); k < n && from_s + (double)k * cell_s < end_s; k++) {
			double at_s = from_s + (double)k * cell_s, share_s = fmin(end_s, at_s + cell_s) - fmax(start_s, at_s);

			c[k].busy_s += share_s;
			if (share_s > c[k].most_s) {
				c[k].most_s = share_s;
				c[k].span = (int)i;
			}
		}
	}
	for (size_t k = 0; k < n; k++)
		cells[k] = 2 * c[k].busy_s >= cell_s ? c[k].span : -1;
	free(c);
}
