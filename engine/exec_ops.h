/* What an operator works on while a pass runs: between exec.c, which owns it, and exec_ops.c, which has the operators. */
#ifndef ENGINE_EXEC_OPS_H
#define ENGINE_EXEC_OPS_H

#include "engine/kv.h"
#include "engine/weights.h"

/* Cosines and sines of every position and rotated pair: context x dims/2. */
struct hx_rotary {
	float *cos, *sin;
};

/* Buffers, rows x what their comments say. Every operator reads what earlier ones wrote; all threads share them. */
struct hx_scratch {
	float *x;      /* d_model: the residual stream */
	float *normed; /* d_model */
	float *qkv;    /* queries, then keys, then values */
	float *att;    /* heads x d_head */
	float *up, *gate; /* d_ff */
	float *sum;    /* d_model: of a matrix, before it is added to the stream */
	void *input[3]; /* packed rows, for as many types as the matrices of one operator may have */
	float *scores; /* thread x query heads of a key head x context */
	float *logits; /* logit rows x vocab */
	float *peak;   /* thread x logit rows: the largest of a thread's share, and where it is */
	int *peak_at;
	int *argmax;   /* logit rows */
};

/* One walk: rows new rows behind `cached` positions. */
struct hx_walk {
	const struct hx_model *model;
	const struct hx_weights *weights;
	const struct hx_kv *kv;
	struct hx_rotary rotary[2]; /* of layers that see everything, of layers with a window */
	struct hx_scratch at;       /* x at the first of the rows */
	struct hx_pool *pool;       /* of the segment that runs */
	const int *tokens;          /* rows of them */
	int rows, cached;
	int logit_rows;             /* the last ones */
};

/* Runs an operator of a layer on all threads of the pool; its results are complete after the next barrier. */
typedef void hx_exec_op(const struct hx_walk *w, int layer, int thread, int threads);
extern hx_exec_op *const hx_exec_ops[]; /* by enum hx_op_kind */

#endif
