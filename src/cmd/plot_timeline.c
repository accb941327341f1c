/* hexplore plot timeline: what ran when, from a trace. */
#include "base/text.h"
#include "cmd/plot_data.h"
#include "output/plot_timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3 }; /* rounds, where no window is asked for */
static const double longest_ms = 1e12, shortest_s = 1e-10; /* of a window: the files have nanoseconds */

/* `rN`, where round N starts or ends, or milliseconds. */
static int read_bound(const struct timeline *t, const char *option, const char *text, bool end, double *out_s, struct hx_err *err)
{
	double ms;
	long n;
	int rc;

	if (*text != 'r') {
		rc = text_number(text, 0, longest_ms, option, &ms, err);
		if (!rc)
			*out_s = 1e-3 * ms;
		return rc;
	}
	if (!t->n_rounds)
		return hx_err_set(err, HX_INPUT, "%s: the trace has no rounds", option);
	rc = text_int(text + 1, 1, (long)t->n_rounds, option, &n, err);
	if (!rc)
		*out_s = end ? t->rounds[n - 1].end_s : t->rounds[n - 1].start_s;
	return rc;
}

/* A few rounds in the middle; all, where there are none. */
static void middle(const struct timeline *t, double *from_s, double *to_s)
{
	size_t n = t->n_rounds < SHOWN ? t->n_rounds : SHOWN, first = (t->n_rounds - n) / 2;

	if (n) {
		*from_s = t->rounds[first].start_s;
		*to_s = t->rounds[first + n - 1].end_s;
	}
}

static int read_window(const struct timeline *t, const struct plotting *p, double *from_s, double *to_s, struct hx_err *err)
{
	int rc = HX_OK;

	*from_s = 0;
	*to_s = t->end_s;
	if (!p->from && !p->to)
		middle(t, from_s, to_s);
	if (p->from)
		rc = read_bound(t, "--from", p->from, false, from_s, err);
	if (!rc && p->to)
		rc = read_bound(t, "--to", p->to, true, to_s, err);
	*to_s = fmin(*to_s, t->end_s);
	if (!rc && *to_s - *from_s < shortest_s)
		rc = hx_err_set(err, HX_INPUT, "nothing to draw from %.6g to %.6g ms; the trace ends at %.6g ms", 1e3 * *from_s, 1e3 * *to_s,
				1e3 * t->end_s);
	return rc;
}

/* Share of the window of every unit, and of two or more at once. */
static char *title(const struct plot_timeline *p)
{
	const struct timeline *t = p->t;
	double window_s = p->to_s - p->from_s;
	char shares[1000] = "";
	size_t at = 0;
	int units = 0;

	for (int i = 0; i < t->n_lanes; i++)
		if (!t->lanes[i].passes && at < sizeof(shares) - 200) {
			at += (size_t)snprintf(shares + at, sizeof(shares) - at, "%s%.100s %.0f %%", units ? ", " : "", t->lanes[i].name,
					       100 * timeline_busy_s(t, i, p->from_s, p->to_s) / window_s);
			units++;
		}
	if (units > 1)
		snprintf(shares + at, sizeof(shares) - at, ", %s %.0f %%", units > 2 ? "two or more at once" : "both at once",
			 100 * timeline_overlap_s(t, p->from_s, p->to_s) / window_s);
	return hx_xasprintf("Which unit works when?%s%s%s", units ? " " : "", shares, units ? " of the time" : "");
}

static char *subtitle(const struct plot_timeline *p)
{
	const struct timeline *t = p->t;
	const struct trace_json_about *a = &t->about;
	int decimals = plot_timeline_decimals(p);
	size_t first = 1, last;
	char drafter[400] = "", rounds[80] = "";

	if (a->drafter)
		snprintf(drafter, sizeof(drafter), ", drafter %.150s%s%.150s, gamma %d, %s", a->drafter, a->draft_map ? " on " : "",
			 a->draft_map ? a->draft_map : "", a->gamma, hx_modes[a->mode]);
	while (first <= t->n_rounds && t->rounds[first - 1].end_s <= p->from_s)
		first++;
	for (last = first; last < t->n_rounds && t->rounds[last].start_s < p->to_s;)
		last++;
	if (first < last)
		snprintf(rounds, sizeof(rounds), "rounds %zu to %zu of %zu, ", first, last, t->n_rounds);
	else if (first <= t->n_rounds && t->rounds[first - 1].start_s < p->to_s)
		snprintf(rounds, sizeof(rounds), "round %zu of %zu, ", first, t->n_rounds);
	return hx_xasprintf("%.150s%s%.150s%s; %s%.*f to %.*f ms of %.*f ms", a->target ? a->target : "a trace", a->target_map ? " on " : "",
			    a->target_map ? a->target_map : "", drafter, rounds, decimals, 1e3 * p->from_s, decimals, 1e3 * p->to_s, decimals,
			    1e3 * t->end_s);
}

int plot_timeline_draw(struct plotting *p, struct hx_err *err)
{
	struct plot_timeline chart;
	struct timeline t;
	int rc;

	if (!p->trace)
		return hx_err_set(err, HX_INPUT, "which trace? --trace names a file that 'hexplore run --trace' wrote");
	if ((rc = timeline_read(&t, p->trace, err)))
		return rc;
	chart.t = &t;
	rc = read_window(&t, p, &chart.from_s, &chart.to_s, err);
	if (!rc) {
		p->title = title(&chart);
		p->subtitle = subtitle(&chart);
		if (p->path)
			p->note = hx_xstrdup("On units: operators, in the lighter colour of their pass. Where many share a spot, the longest is drawn.");
		chart.head = plot_data_head(p);
		rc = plot_timeline(&chart, p->path, err);
	}
	timeline_free(&t);
	return rc;
}
