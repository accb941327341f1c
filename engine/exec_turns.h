/* Whose turn it is: which values a segment needs from the host or from a device, and which of the two has them. */
#ifndef ENGINE_EXEC_TURNS_H
#define ENGINE_EXEC_TURNS_H

#include "engine/graph.h"
#include "engine/opencl/run.h"
#include "engine/place.h"

/* Flows as sets (1 << enum hx_flow). */
struct hx_turns {
	unsigned crossing;    /* that cross anywhere: known before */
	bool stream_on_device; /* where the residual stream was written last: it outlives a chain, since a tail goes on where a front ended */
	unsigned on_host, on_device; /* up to date there */
};

struct hx_turn {
	unsigned touched, wanted; /* that the segment reads or writes; of these, what it needs and its side lacks */
};

/* A chain begins. */
void hx_turns_begin(struct hx_turns *t);

/* The next segment runs, on the device or the host; without logits its operators up to the first of logits. */
struct hx_turn hx_turns_next(struct hx_turns *t, const struct hx_graph *g, const struct hx_segment *segment, bool on_device, bool logits);

/* Flows that cross in a chain. */
unsigned hx_turns_crossing(const struct hx_chain *c, const struct hx_place *places);

#endif
