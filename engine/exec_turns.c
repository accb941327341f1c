/* Turns of host and device. */
#include "engine/exec_turns.h"

#define STREAM (1u << HX_FLOW_X)

/* What an operator reads and writes. */
static const struct {
	unsigned reads, writes;
} uses[HX_OP_COUNT] = {
	[HX_OP_EMBED] = {0, STREAM},
	[HX_OP_ATTN_NORM] = {STREAM, 1u << HX_FLOW_NORMED},
	[HX_OP_QKV] = {1u << HX_FLOW_NORMED, 1u << HX_FLOW_QKV},
	[HX_OP_ROPE] = {1u << HX_FLOW_QKV, 1u << HX_FLOW_QKV},
	[HX_OP_ATTN] = {1u << HX_FLOW_QKV, 1u << HX_FLOW_ATT},
	[HX_OP_ATTN_OUT] = {1u << HX_FLOW_ATT | STREAM, STREAM},
	[HX_OP_FFN_NORM] = {STREAM, 1u << HX_FLOW_NORMED},
	[HX_OP_FFN_UP] = {1u << HX_FLOW_NORMED, 1u << HX_FLOW_GATE},
	[HX_OP_FFN_DOWN] = {1u << HX_FLOW_GATE | STREAM, STREAM},
	[HX_OP_NORM] = {STREAM, 1u << HX_FLOW_NORMED},
	[HX_OP_HEAD] = {1u << HX_FLOW_NORMED, 1u << HX_FLOW_LOGITS},
	[HX_OP_ARGMAX] = {1u << HX_FLOW_LOGITS, 1u << HX_FLOW_ARGMAX},
};

void hx_turns_begin(struct hx_turns *t)
{
	t->on_host = t->stream_on_device ? 0 : STREAM;
	t->on_device = t->stream_on_device ? STREAM : 0;
}

struct hx_turn hx_turns_next(struct hx_turns *t, const struct hx_graph *g, const struct hx_segment *segment, bool on_device, bool logits)
{
	unsigned *mine = on_device ? &t->on_device : &t->on_host, *other = on_device ? &t->on_host : &t->on_device, read = 0, written = 0;
	struct hx_turn turn;

	for (size_t i = segment->first; i < segment->first + segment->n; i++) {
		const struct hx_op *op = hx_graph_op(g, i);

		if (op->logits && !logits)
			break;
		read |= uses[op->kind].reads & ~written;
		written |= uses[op->kind].writes;
	}
	turn = (struct hx_turn){read | written, read & ~*mine};
	*mine |= read | written;
	*other &= ~written;
	if (written & STREAM)
		t->stream_on_device = on_device;
	return turn;
}

unsigned hx_turns_crossing(const struct hx_chain *c, const struct hx_place *places)
{
	struct hx_turns t = {.stream_on_device = c->segments[0].from >= 0 && places[c->segments[0].from].cl};
	unsigned flows = 0;

	/* a chain that begins behind another one of the same unit */
	if (c->first && c->segments[0].from < 0)
		t.stream_on_device = places[c->segments[0].unit].cl;
	hx_turns_begin(&t);
	for (size_t i = 0; i < c->n_segments; i++)
		flows |= hx_turns_next(&t, c->graph, &c->segments[i], places[c->segments[i].unit].cl, true).wanted;
	return flows;
}
