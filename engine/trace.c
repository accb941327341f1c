/* Traces: a growing list of events. */
#include "engine/trace.h"

#include <stdlib.h>
#include <time.h>

void hx_trace_add(struct hx_trace *t, const struct hx_event *e)
{
	if (!t || (e->op != HX_EVENT_PASS && !t->ops))
		return;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->events = hx_xrealloc(t->events, t->room, sizeof(*t->events));
	}
	t->events[t->n++] = *e;
}

void hx_trace_join(struct hx_trace *t, const struct hx_trace *more)
{
	for (size_t i = 0; i < more->n; i++)
		hx_trace_add(t, &more->events[i]);
}

void hx_trace_free(struct hx_trace *t)
{
	free(t->events);
	*t = (struct hx_trace){0};
}

double hx_trace_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
