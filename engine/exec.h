/* Running a model's graph: takes tokens in, keeps the cache, gives logits, traces every operator. */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include "engine/kv.h"
#include "engine/lm.h"
#include "engine/opencl/run.h"
#include "engine/place.h"
#include "engine/trace.h"
#include "engine/weights.h"

struct hx_exec;

/* Rows that one walk through the operators takes; longer passes are cut, and read the weights once for each cut. */
enum { HX_EXEC_ROWS = 256 };

struct hx_exec_options {
	int context;     /* tokens to hold at most */
	int logit_rows;  /* that a pass asks for at most, HX_EXEC_ROWS or less */
	bool kv_cache;   /* false: every pass takes the whole text again */
	int exit_layers; /* after so many layers the front ends (hx_exec_front); 0: there is none */
};

/* Before weights are loaded: whether the graph's operators can run on places, which are by index of their unit. HX_INPUT: a unit without one, or two devices; a
 * context or an early exit that the model does not have. */
int hx_exec_check(const struct hx_graph *graph, const struct hx_place *places, const struct hx_exec_options *options, struct hx_err *err);

/* The unit of the graph that is an OpenCL device, -1: none. */
int hx_exec_device(const struct hx_graph *graph, const struct hx_place *places);

/* Bytes that the cache, the tables and the scratch of passes will take, on the host and on the device. */
struct hx_exec_bytes {
	double host, device;
};
struct hx_exec_bytes hx_exec_bytes(const struct hx_graph *graph, const struct hx_place *places, const struct hx_exec_options *options);

/* All pointers are borrowed; on_device: NULL where no operator runs on a device. Fails as the check does; HX_IO: the device's memory does not suffice. */
int hx_exec_create(struct hx_exec **out, const struct hx_graph *graph, const struct hx_weights *weights, const struct hx_cl_weights *on_device,
		   const struct hx_place *places, const struct hx_exec_options *options, struct hx_err *err);
void hx_exec_free(struct hx_exec *e);

/* Has a device build and load what passes of any number of rows will run, so that the first ones take no longer than others. The text is forgotten. */
int hx_exec_warm_up(struct hx_exec *e, struct hx_err *err);

struct hx_lm hx_exec_lm(struct hx_exec *e);

/* The drafter that the first exit_layers layers and the head make. It shares cache and text: what it takes in, the next verify pass of hx_exec_lm
 * finds done up to there, if it is given the same tokens. Rolling either back rolls both. */
struct hx_lm hx_exec_front(struct hx_exec *e);

/* Every pass from now on is traced; NULL: none. */
void hx_exec_trace(struct hx_exec *e, struct hx_trace *t);

#endif
