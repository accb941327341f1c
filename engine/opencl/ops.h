/* A run's buffers and kernels: between run.c, which owns them, turns.c, which waits, and ops.c, which enqueues operators. */
#ifndef ENGINE_OPENCL_OPS_H
#define ENGINE_OPENCL_OPS_H

#include "engine/opencl/weights.h"

/* A flow: values on the device, and on the host where it may be their turn. */
struct hx_cl_flow {
	cl_mem data;
	size_t row_bytes, bytes;
	void *host;  /* a copy, or what is mapped; NULL: neither */
	bool copied; /* host is a copy */
};

enum hx_cl_op_kernel { HX_CL_NORM, HX_CL_ADD_NORM, HX_CL_QUANTISE, HX_CL_GLU, HX_CL_ROPE, HX_CL_ATTEND, HX_CL_ARGMAX, HX_CL_OP_KERNELS };

/* A launch that is traced; without an event: a pass that is not waited for begins. */
struct hx_cl_launch {
	cl_event event;
	int pass, op, layer, rows, cached;
};

struct hx_cl_run {
	const struct hx_cl_weights *w;
	const struct hx_graph *graph;
	int unit;
	struct hx_cl_form form;
	struct hx_cl_run_options options;
	cl_command_queue queue;
	struct hx_cl_flow flows[HX_FLOWS];
	cl_mem xq, xd, xs;  /* rows as codes (common.cl), of the flow that `coded` names */
	int coded;          /* enum hx_flow, -1: of none */
	cl_mem sum, up;     /* rows x d_model, of a block whose output is normed; rows x d_ff, where gate and up are multiplied apart; or NULL */
	cl_mem tokens;
	cl_mem cosines[2], sines[2];
	cl_mem *keys, *values; /* by layer; NULL: it attends elsewhere */
	cl_kernel ops[HX_CL_OP_KERNELS], matmul[HX_TYPE_COUNT][HX_CL_ROWS], embed[HX_TYPE_COUNT]; /* made when first wanted */
	struct hx_trace *trace;
	struct hx_cl_launch *launches;
	size_t n_launches, room;
	double ahead_s; /* of the device's clock, the host's */
};

/* Notes a launch for the trace. */
void hx_cl_launch_add(struct hx_cl_run *r, const struct hx_cl_launch *l);
void hx_cl_launches_forget(struct hx_cl_run *r);

/* Enqueues operator i of the graph as part of a stretch. */
int hx_cl_op(struct hx_cl_run *r, const struct hx_cl_stretch *s, size_t i, struct hx_err *err);

#endif
