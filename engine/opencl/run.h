/* A model on an OpenCL device: its weights there, and the operators of a graph that run there. exec.h, which owns passes and text, calls this for segments whose unit is a
 * device. No type of OpenCL's is named here. */
#ifndef ENGINE_OPENCL_RUN_H
#define ENGINE_OPENCL_RUN_H

#include "engine/graph.h"
#include "engine/model.h"
#include "engine/opencl/opencl.h"
#include "engine/trace.h"

/* What flows between operators: rows x what the comments say, f32. */
enum hx_flow {
	HX_FLOW_X,      /* d_model: the residual stream */
	HX_FLOW_NORMED, /* d_model */
	HX_FLOW_QKV,    /* queries, then keys, then values */
	HX_FLOW_ATT,    /* heads x d_head */
	HX_FLOW_GATE,   /* d_ff: the gated unit's output */
	HX_FLOW_LOGITS, /* vocab; logit rows */
	HX_FLOW_ARGMAX, /* one int; logit rows */
	HX_FLOWS
};

/* Weights of the operators that a graph has on a unit. */
struct hx_cl_weights;

/* Bytes that loading takes on the device, without loading. */
double hx_cl_weights_bytes(struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit);

/* type: enum hx_type to requantise to, -1: as in the file. The device and the model outlive the weights. HX_IO: the device's memory does not suffice. */
int hx_cl_weights_load(struct hx_cl_weights **out, struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit, struct hx_err *err);
/* Whether the weights, on that device, hold all that a graph has on a unit. */
bool hx_cl_weights_suffice(const struct hx_cl_weights *w, const struct hx_cl *cl, const struct hx_graph *g, int unit);
void hx_cl_weights_free(struct hx_cl_weights *w);

/* Rows of a matrix multiplication that one work-item takes at most: there is a kernel for each number up to it. */
enum { HX_CL_ROWS = 8 };

/* Drafts one after the other without coming back to the host. */
enum { HX_CL_DRAFTS = 32 };

/* Cosines and sines by position and rotated pair, of layers that see everything and of those with a window (NULL: none). */
struct hx_cl_rotary {
	const float *cos[2], *sin[2];
};

struct hx_cl_run_options {
	int context, rows, logit_rows; /* at most */
	unsigned crossing;             /* set of flows that come from the host or go there, but for logits and argmax, which always go there */
};

/* Cache, tables and scratch for a graph's operators on the weights' unit. */
struct hx_cl_run;
double hx_cl_run_bytes(const struct hx_graph *g, int unit, const struct hx_cl_run_options *o);
int hx_cl_run_create(struct hx_cl_run **out, const struct hx_cl_weights *w, const struct hx_graph *g, int unit, const struct hx_cl_rotary *rotary,
		     const struct hx_cl_run_options *o, struct hx_err *err);
void hx_cl_run_free(struct hx_cl_run *r);

/* A stretch of operators for rows new rows behind `cached` positions; the residual stream's rows start at x_row. */
struct hx_cl_stretch {
	size_t first, n; /* operators of the graph */
	int pass;        /* enum hx_pass_kind, for the trace */
	int rows, cached, logit_rows, x_row;
	const int *tokens; /* rows, which stay until the device is waited for; NULL: one row, the argmax before slot */
	int slot;          /* of the argmax's rows: the first is 0, of drafts that nobody waits for up to HX_CL_DRAFTS */
	bool alone;        /* a whole pass that is not waited for: the trace gets it too */
};

/* Enqueues it. Nothing is waited for. */
int hx_cl_run_stretch(struct hx_cl_run *r, const struct hx_cl_stretch *s, struct hx_err *err);

/* A flow's values on the host: where they are (shared memory) or were copied to. The host may read and write them until the device's turn; a flow that is not crossing
 * (and not logits or argmax) is NULL. */
void *hx_cl_run_host(struct hx_cl_run *r, enum hx_flow flow);

/* Flows whose turn changes sides. */
struct hx_cl_handover {
	int pass;              /* enum hx_pass_kind, for the trace */
	unsigned flows, fresh; /* all; those that are wanted as the other side left them */
	int row, rows;         /* so many rows of each, of the residual stream from row `row` on */
};

/* Gives the host its turn; waits for the device. */
int hx_cl_run_to_host(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err);
int hx_cl_run_to_device(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err);

/* Waits for the device, and traces what ran since the last call. */
int hx_cl_run_finish(struct hx_cl_run *r, struct hx_err *err);

/* Every operator from now on is traced; NULL: none. A device that cannot tell when kernels ran is not. */
void hx_cl_run_trace(struct hx_cl_run *r, struct hx_trace *t);

#endif
