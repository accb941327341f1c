/* Validation: points of a stored sweep run on this machine beside their predictions (cost-model.md section 9). */
#ifndef DEVICE_VALIDATE_H
#define DEVICE_VALIDATE_H

#include "device/energy.h"
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
	struct energy energy;
	struct probe_reader reader; /* without a buffer where memory is short: nothing is compared */
};

/* What came of a point. Zeroed before its first pair; what an earlier run measured is added by validate_add_ratio and `last`. */
struct validate_result {
	struct validate_interval measured;
	double *ratios; /* of the pairs that count */
	int pairs, last; /* how many; number of the last repeat */
	struct validate_steps steps[2]; /* by enum store_kind; none where there were pairs before, or the run was stopped early */
};
void validate_add_ratio(struct validate_result *r, double ratio, uint64_t seed);

/* Looks at the machine; p, in, store, sweep and options are set. HX_INPUT: the profile is another machine's. v stays where it is. */
int validate_begin(struct validate *v, struct hx_err *err);

/* Whether a point can be run here: HX_INPUT with the reason. Loads nothing. */
int validate_check(struct validate *v, const struct point *pt, struct hx_err *err);

/* Begins the run that is stored, and that is to measure these points of the sweep; command: as typed. */
int validate_record(struct validate *v, const char *command, const int64_t *points, size_t n, struct hx_err *err);

/* Runs a point that passed the check and its baseline in turns, for about budget_s, one pair at least; stores every pair when it is done, and the steps. Before
 * each pair it waits for memory to be as fast as it was at calibration, before the first for half of the time at most; a pair during which memory changed does
 * not count. Goes on where out has pairs already. Stopped, it is HX_OK with the pairs there are. */
int validate_point(struct validate *v, const struct point *pt, double budget_s, struct validate_result *out, struct hx_err *err);
void validate_result_free(struct validate_result *r);

/* Whether a point has as many pairs as it must. */
bool validate_finished(const struct validate *v, const struct validate_result *r);

/* Runs points, without baselines, in turns for about budget_s, 5 to 11 times, and stores the repeats under numbers from `first` on. All their weights are held
 * at once: HX_INPUT where memory does not hold them. */
int validate_again(struct validate *v, const struct point *points, size_t n, int first, double budget_s, struct hx_err *err);

/* Ends the run, if it is whole, and removes files. */
int validate_end(struct validate *v, bool whole, struct hx_err *err);

#endif
