/* Validation: points of a stored sweep run on this machine beside their predictions (cost-model.md section 9). */
#ifndef DEVICE_VALIDATE_H
#define DEVICE_VALIDATE_H

#include "device/runner.h"
#include "device/validate_memory.h"
#include "device/validate_models.h"
#include "device/validate_stats.h"
#include "device/validate_steps.h"
#include "store/store_measure.h"

struct validate_options {
	const char *target, *draft; /* GGUF with weights; NULL: the sweep's own if that is one, else random weights */
	const char *prompt;         /* text that is gone on with, so that acceptance is what it is; NULL: imposed */
	int repeats;                /* pairs of a point at most; 11 or this many at least, but for the budget */
	int tokens;                 /* to generate; 0: the workload's */
	uint64_t seed;
	const volatile sig_atomic_t *stop; /* ends it when it becomes non-zero; what was measured stays */
};

/* Pointers but the machine's are borrowed. */
struct validate {
	const struct predict *p;
	struct inputs *in;   /* of the sweep */
	struct store *store; /* for writing */
	int64_t sweep, run;
	struct validate_options options;
	struct machine machine;
	struct validate_models models;
	struct probe_reader reader; /* without a buffer where memory is short: nothing is compared */
};

/* What came of a point. */
struct validate_result {
	double predicted; /* speedup, as stored */
	double realised;  /* predicted with the rounds that the measured output took: for what is left of the error, timing is to blame */
	struct validate_interval measured;
	double predicted_decode_s, decode_s; /* of the configuration; decode_s: the median */
	double tokens_per_round;             /* NAN: nothing was measured */
	double memory;                       /* speed of memory beside the pairs, of that at calibration: the median; NAN: unknown */
	int pairs, left_out;                 /* that count; that do not, for memory changed while they ran */
	bool synthesised;
	struct validate_steps steps[2]; /* by enum store_kind; none where the run was stopped early */
};

/* Looks at the machine; p, in, store, sweep and options are set. HX_INPUT: the profile is another machine's. v stays where it is. */
int validate_begin(struct validate *v, struct hx_err *err);

/* Whether a point can be run here: HX_INPUT with the reason. Loads nothing. */
int validate_check(struct validate *v, const struct point *pt, struct hx_err *err);

/* Begins the run that is stored; command: as typed. */
int validate_record(struct validate *v, const char *command, struct hx_err *err);

/* Runs a point that passed the check and its baseline in turns, for about budget_s, one pair at least; stores every pair when it is done, and the steps. Before
 * each pair it waits for memory to be as fast as it was at calibration, before the first for half of the time at most; a pair during which memory changed does
 * not count.
 * predicted: the stored speedup. Stopped, it is HX_OK with the pairs there are. */
int validate_point(struct validate *v, const struct point *pt, double predicted, double budget_s, struct validate_result *out,
		   struct hx_err *err);
void validate_result_free(struct validate_result *r);

/* Ends the run, unless it was stopped, and removes files. */
int validate_end(struct validate *v, struct hx_err *err);

/* What a step adds to the error of a speedup: its seconds beyond the prediction, as a share of the output's; those of a baseline count against. */
double validate_blame(const struct validate_result *r, enum store_kind kind, const struct validate_step *step);

#endif
