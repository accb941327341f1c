/* A model on a mapping: its operators in order, symbolic in rows r, logit rows l and context n; stretches of them cut into segments; what they
 * need of each unit's memory. */
#ifndef ENGINE_GRAPH_H
#define ENGINE_GRAPH_H

#include "engine/mapping.h"

/* Operators; residual additions are fused into attn_out and ffn_down, the activation into ffn_up, q/k norms into rope. */
enum hx_op_kind {
	HX_OP_EMBED, HX_OP_ATTN_NORM, HX_OP_QKV, HX_OP_ROPE, HX_OP_ATTN, HX_OP_ATTN_OUT,
	HX_OP_FFN_NORM, HX_OP_FFN_UP, HX_OP_FFN_DOWN, HX_OP_NORM, HX_OP_HEAD, HX_OP_ARGMAX,
	HX_OP_COUNT
};
extern const char *const hx_op_names[]; /* NULL-terminated, in the order of the enum */

/* One operator. Bytes and operations are those of one execution:
 *   weights  weight_bytes (embed: weight_row x rows, it gathers)
 *   bytes    act_row x rows + kv_pos x positions + kv_row x rows
 *   flop     flop_row x rows + flop_row_pos x rows x positions
 * rows is r, or l when `logits`; positions are those attended to: context n plus the new ones, at most `window`. */
struct hx_op {
	int kind; /* enum hx_op_kind */
	int unit, cores;
	double clock_hz;
	int type;  /* enum hx_type of the weights; attention: of the cache; norms: f32 */
	bool logits;
	int window; /* 0: none */
	double weight_bytes, weight_row, act_row, flop_row;
	double in_row; /* of act_row, what it reads of the operator before: what crosses when that one ran elsewhere */
	double kv_pos, kv_row, flop_row_pos;
	int items_row; /* pieces of a row that one core takes whole: heads, or the row itself; 0: cores share it evenly */
};

/* Execution-time quantities of an operator for r rows, l logit rows, after n cached positions. */
struct hx_work {
	double rows, weight_bytes, act_bytes, flop;
};
struct hx_work hx_op_work(const struct hx_op *op, double r, double l, double n);

struct hx_graph;

/* Consecutive operators on one unit; `transfer_row` bytes per row enter it from unit `from` (-1: none). */
struct hx_segment {
	int unit, from;
	size_t first, n; /* operators of the graph, in running order */
	double transfer_row;
	bool logits; /* the rows transferred are logit rows */
};

/* So many operators (or segments) of a chain that are alike but for their layer: what is priced once serves them all. */
struct hx_group {
	size_t which; /* of the graph's distinct operators; of the chain's segments, the first */
	int count;
};

struct hx_chain {
	const struct hx_graph *graph; /* borrowed */
	size_t first, n;
	struct hx_segment *segments;
	size_t n_segments;
	struct hx_group *ops, *crossings; /* of operators; of segments */
	size_t n_ops, n_crossings;
};

/* Cuts operators [first, first + n) of the graph into segments. */
void hx_chain_init(struct hx_chain *c, const struct hx_graph *g, size_t first, size_t n);
void hx_chain_free(struct hx_chain *c);

/* Memory that a graph needs on one unit, in bytes: fixed, or per cached position, row and logit row. */
struct hx_demand {
	int unit;
	double weights, tensor;            /* of all, of the largest */
	double kv_pos, kv_window;          /* caches that grow with every position, and those that end with the shape's window */
	double kv_tensor, kv_window_tensor; /* of the largest of each */
	double act_row, logits_row, staging_row, staging_logit_row;
};

struct hx_graph {
	const struct hx_shape *shape;     /* borrowed */
	const struct hx_mapping *mapping; /* borrowed */
	int type;   /* quantisation of layers and head */
	int layers; /* layers in use: all, or the first K of an early exit */
	struct hx_op *distinct; /* operators that differ in more than their layer */
	size_t n_distinct;
	unsigned short *order; /* running order: which of the distinct ones each operator is */
	size_t n_ops;
	struct hx_chain whole; /* all operators; points back, so a graph stays where it was built */
	struct hx_demand *demands; /* one a unit that is used */
	int n_demands;
	bool row_fallback; /* some rows are not divided by the type's block and are f16 */
};

/* The i-th operator in running order, and its layer; -1 outside layers. */
const struct hx_op *hx_graph_op(const struct hx_graph *g, size_t i);
int hx_graph_layer(const struct hx_graph *g, size_t i);

/* The unit of the operator of that kind, of a layer or with -1 outside layers. */
int hx_graph_unit(const struct hx_graph *g, int kind, int layer);

/* Builds the operators of the first `layers` layers and the head. Operators that their unit does not support move to its
 * fallback; HX_INPUT names unit, operator and type where there is none. */
int hx_graph_init(struct hx_graph *g, const struct hx_shape *shape, const struct hx_mapping *mapping, int type, int layers,
		  const struct hx_units *units, struct hx_err *err);
void hx_graph_free(struct hx_graph *g);

/* Memory a graph needs on each unit, in bytes, index as in struct hx_units. */
enum hx_buffer_kind { HX_BUF_WEIGHTS, HX_BUF_KV, HX_BUF_ACTIVATIONS, HX_BUF_LOGITS, HX_BUF_STAGING, HX_BUF_COUNT };
extern const char *const hx_buffer_names[];

struct hx_buffers {
	double bytes[HX_MAX_UNITS][HX_BUF_COUNT];
	double largest[HX_MAX_UNITS]; /* largest single allocation */
};

/* Adds the graph's buffers for passes of up to r rows with l logit rows at up to n positions. */
void hx_graph_buffers(const struct hx_graph *g, double r, double l, double n, struct hx_buffers *b);

#endif
