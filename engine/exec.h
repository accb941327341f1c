/* Running a model's graph: takes tokens in, keeps the cache, gives logits, traces every operator. */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include "engine/kv.h"
#include "engine/lm.h"
#include "engine/trace.h"
#include "engine/weights.h"

struct hx_exec;

struct hx_exec_options {
	int context;     /* tokens to hold at most */
	bool kv_cache;   /* false: every pass takes the whole text again */
	int exit_layers; /* early exit after so many layers is wanted of it (hx_exec_front); 0: not */
};

/* All pointers are borrowed; the graph's operators run on pools, one for each of the mapping's uses (by index). */
int hx_exec_create(struct hx_exec **out, const struct hx_graph *graph, const struct hx_weights *weights, struct hx_pool *const *pools,
		   const struct hx_exec_options *options, struct hx_err *err);
void hx_exec_free(struct hx_exec *e);

/* Bytes that a cache and the scratch of passes take, without creating. */
double hx_exec_bytes(const struct hx_shape *s, const struct hx_exec_options *options);

struct hx_lm hx_exec_lm(struct hx_exec *e);

/* The drafter that its first exit_layers layers and its head are. It shares the cache: draft steps keep the hidden rows, and the next verify pass of
 * hx_exec_lm finds the first layers of its rows done where they were drafted. Rolling either back rolls both. */
struct hx_lm hx_exec_front(struct hx_exec *e);

/* Every pass from now on is traced; NULL: none. */
void hx_exec_trace(struct hx_exec *e, struct hx_trace *t);

#endif
