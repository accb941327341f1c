/* What the validate*.c files share. */
#ifndef DEVICE_VALIDATE_INTERNAL_H
#define DEVICE_VALIDATE_INTERNAL_H

#include "device/validate.h"

/* HX_INPUT: the cores that the profile names are not this machine's. */
int validate_check_cores(const struct validate *v, struct hx_err *err);

/* NULL: plain decoding. */
const struct drafter *validate_drafter(const struct validate *v, const struct point *pt);

/* Files with weights: as the options say, else those that the sweep names as models; NULL: none. The drafter is a model. */
const char *validate_target_file(const struct validate *v);
const char *validate_draft_file(const struct validate *v, const struct point *pt);

bool validate_stopped(const struct validate *v);

/* One point while it is measured. */
struct validate_job {
	struct validate *v;
	struct point pt, plain; /* plain: its baseline */
	const struct workload *workload;
	const struct hx_instance *target, *draft; /* weights; draft NULL: the drafter has none */
	struct runner configuration, baseline; /* the baseline's is not opened where both have one mapping */
	bool one_mapping, synthesised;
	int tokens, n_prompt, *prompt;
	int ahead; /* of an output's last token: what may be drafted behind it */
	int *accepted, n_accepted; /* imposed */
	bool imposed;
	struct validate_memory memory; /* as it and its baseline read it */
};

/* Fills in prompt and what is imposed, of an open job. */
int validate_job_text(struct validate_job *j, struct hx_err *err);

/* What one output was. */
struct validate_output {
	struct hx_generated g;
	double energy_j; /* of the machine from the first token on; NAN: unknown */
};

/* The first token is the prefill's, then `tokens` more. The last round is not told that it is the last, just as none is told that a text ends. *whole: it
 * was not stopped. The caller frees out->g. */
int validate_job_generate(struct validate_job *j, enum store_kind kind, int tokens, struct validate_output *out, bool *whole, struct hx_err *err);

/* Seconds of a token. */
double validate_token_s(const struct validate_output *o);

/* memory: speed beside it. */
int validate_job_store(const struct validate_job *j, enum store_kind kind, int repeat, bool left_out, double memory, const struct validate_output *o,
		       struct hx_err *err);

/* An output of its own, whose steps are stored: what is timed is not traced. */
int validate_job_trace(struct validate_job *j, enum store_kind kind, struct validate_steps *steps, struct hx_err *err);

/* Adds pairs to those there are, for about budget_s from began_s on. */
int validate_job_pairs(struct validate_job *j, double began_s, double budget_s, struct validate_result *out, struct hx_err *err);

#endif
