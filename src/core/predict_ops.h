/* The price of one pass by operator: what explains a prediction, and what a trace of the engine is compared with. */
#ifndef CORE_PREDICT_OPS_H
#define CORE_PREDICT_OPS_H

#include "core/predict.h"

/* Operators of one kind on one unit within a pass, all layers together. */
struct predict_op {
	int count; /* 0: there are none */
	int type;  /* enum hx_type of the weights */
	struct op_cost cost;
};

struct predict_ops {
	struct predict_op v[HX_OP_COUNT][HX_MAX_UNITS];
};

/* One pass of a pair that can run, after n cached positions; a prefill is after none. In the circumstances of most such passes. By the
 * model alone: costs that were measured are those of whole passes. */
void predict_ops(const struct predict *p, const struct pair *pair, const struct hx_pass *pass, double n, struct predict_ops *out);

#endif
