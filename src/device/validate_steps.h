/* A trace of the engine beside the prices of the same passes, operator by operator. */
#ifndef DEVICE_VALIDATE_STEPS_H
#define DEVICE_VALIDATE_STEPS_H

#include "core/predict.h"
#include "engine/speculate.h"
#include "engine/trace.h"

/* Beyond enum hx_op_kind: what a pass takes beyond its operators (starts and ends of segments, transfers); what a round takes beyond its passes,
 * overlapped also the end of a draft pass that the target waits for. */
enum { VALIDATE_SYNC = HX_OP_COUNT, VALIDATE_HOST, VALIDATE_OPS };
/* Beyond enum hx_pass_kind. */
enum { VALIDATE_ROUND = HX_PASS_COUNT, VALIDATE_PASSES };

const char *validate_step_op(int op);
const char *validate_step_pass(int pass);

/* All operators of a kind on a unit, in one pass. */
struct validate_step {
	int pass, op;
	int unit;                       /* -1: not one alone */
	double predicted_s, measured_s; /* NAN: unknown */
	int64_t n;                      /* passes measured */
	bool decodes;                   /* no prefill */
};

struct validate_steps {
	struct validate_step *v;
	size_t n;
	double decode_s; /* of the output that was traced */
};

/* Of a pair that can run, whose output was traced with its operators. Left out are passes of other rows than the plan's, and draft passes beside one of the
 * target's. predicted_host_s: of a round. */
void validate_steps(struct validate_steps *out, const struct predict *p, const struct pair *pair, const struct hx_trace *trace,
		    const struct hx_generated *g, double predicted_host_s);
void validate_steps_free(struct validate_steps *s);

#endif
