/* An executor, between exec.c, which makes it, exec_walk.c, which takes rows through its chains, and exec_pass.c, which has the passes of a text. */
#ifndef ENGINE_EXEC_INTERNAL_H
#define ENGINE_EXEC_INTERNAL_H

#include "engine/exec.h"
#include "engine/exec_ops.h"
#include "engine/exec_turns.h"

struct hx_exec {
	const struct hx_graph *graph;
	const struct hx_place *places; /* by unit */
	struct hx_exec_options options;
	struct hx_kv kv;
	struct hx_walk walk; /* its scratch and tables are the executor's own */
	struct hx_chain front, tail, end; /* of an early exit: layers before it, behind it; norm, head, argmax */
	struct hx_cl_run *device; /* NULL: nothing runs on one */
	struct hx_turns turns;
	struct hx_trace *trace;
	int *tokens;      /* the text: context */
	int length;       /* taken in by all layers */
	int front_length; /* by those before the exit: rows behind length are in the scratch's x, from its start */
};

/* A stretch of new rows as it goes through a chain. */
struct hx_exec_going {
	int pass, from, rows, logit_rows;
	int x_row; /* where the hidden rows are in the scratch */
};

/* Takes rows new tokens through a chain. */
int hx_exec_walk(struct hx_exec *e, const struct hx_chain *c, const struct hx_exec_going *g, struct hx_err *err);

/* A chain for the text from position `from` on, in walks of which the last are full, so that all logit rows are in the last one: its rows are *last. */
int hx_exec_walk_text(struct hx_exec *e, int pass, const struct hx_chain *c, int from, int to, int logit_rows, int *last, struct hx_err *err);

static inline size_t hx_exec_product(size_t a, int b)
{
	return a * (size_t)b;
}

static inline int hx_exec_rows(const struct hx_exec_options *o)
{
	return o->context < HX_EXEC_ROWS ? o->context : HX_EXEC_ROWS;
}

#endif
