/* When every pass and every operator ran. */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include "engine/plan.h"

/* What an event is that is no operator. */
enum { HX_EVENT_PASS = -1, HX_EVENT_TRANSFER = -2 };

/* One operator, a whole pass, or a transfer between two units within it. Seconds on one monotonic clock: hx_trace_now_s. */
struct hx_event {
	int pass;  /* enum hx_pass_kind */
	int op;    /* enum hx_op_kind, or one of the above */
	int unit;  /* that ran it, or the device that the transfer went to or came from; -1: a whole pass */
	int layer; /* -1: outside layers */
	int rows;  /* taken by the operator */
	int cached; /* positions in the cache before the pass */
	double start_s, end_s;
};

struct hx_trace {
	struct hx_event *events;
	size_t n, room;
	bool ops; /* operators are wanted too, not passes alone */
};

void hx_trace_add(struct hx_trace *t, const struct hx_event *e); /* t may be NULL */

/* Puts the events of another behind those of t. Executors that work at the same time need a trace each. */
void hx_trace_join(struct hx_trace *t, const struct hx_trace *more);
void hx_trace_free(struct hx_trace *t);
double hx_trace_now_s(void);

#endif
