/* What was measured: on which device, by which run, next to which prediction. Every call commits what it is given, so that an interruption loses
 * nothing. Reading is store_measured.h's,
 * and store_select's of the view `validation`. */
#ifndef STORE_STORE_MEASURE_H
#define STORE_STORE_MEASURE_H

#include "store/store.h"

/* One use of a command that measures. */
struct store_run_row {
	const char *command; /* as typed, options included */
	const char *device;  /* fingerprint */
	int64_t seed;
	double load; /* of the host before it began: processes that ran or waited, over a minute; NAN: unknown */
};

/* Begins a run, now; sets id. */
int store_run_begin(struct store *s, const struct store_run_row *run, int64_t *id, struct hx_err *err);
/* Ends it, now. One that was interrupted has no end. */
int store_run_end(struct store *s, int64_t id, struct hx_err *err);

enum store_kind { STORE_BASELINE, STORE_CONFIGURATION, STORE_AGAIN };

/* Which point of which sweep a run measures: its configuration, the baseline that is measured in turn with it, or the configuration once more, in turn with
 * those of other points. */
struct store_subject {
	int64_t run, sweep, point;
	enum store_kind kind;
};

/* One repeat. NAN: not measured. */
struct store_measurement {
	struct store_subject of;
	int repeat;             /* from 1; a baseline and a configuration of equal number are a pair */
	bool left_out;          /* of what is counted: memory changed while the pair ran */
	const char *target_map; /* the mapping that the target ran on */
	bool synthesised;       /* random weights, or an imposed acceptance */
	double prefill_s, draft_s, verify_s, host_s; /* by phase, of the whole output */
	double decode_s;        /* of the whole output, without prefill */
	int64_t tokens, rounds, accepted, drafted; /* tokens and rounds from 1 */
	int64_t catch_ups;      /* rounds but the last that accepted all */
	double energy_j;        /* of the machine, over decode_s; NAN: it does not tell */
	double memory;          /* its speed beside the output, of that at calibration */
};
int store_measurement_add(struct store *s, const struct store_measurement *m, struct hx_err *err);

/* How sure the measured speedup of a point is: its bootstrap interval, in the place of an earlier one. of->kind does not count. */
int store_measured_add(struct store *s, const struct store_subject *of, double low, double high, struct hx_err *err);

/* An operator of a pass on a unit, over the n passes measured: seconds in one pass, all layers together; NAN: unknown. */
struct store_step {
	const char *pass, *unit, *op; /* unit: empty where there is none; op: hx_op_names, or transfer, sync, host */
	double predicted_s, measured_s;
	int64_t n;
};
/* In the place of those that the subject has. */
int store_steps_add(struct store *s, const struct store_subject *of, const struct store_step *steps, size_t n, struct hx_err *err);

/* What calibration fits, or checks itself by. */
struct store_sample {
	const char *unit;
	int cores;
	const char *kind; /* of kernel: matmul, attention, read, ... */
	const char *type; /* of weights; NULL: has none */
	int64_t rows, n_out, n_in;
	double footprint_bytes;
	double seconds;   /* median of its repeats */
	bool held_out;    /* not fitted: checked */
};
int store_samples_add(struct store *s, int64_t run, const struct store_sample *samples, size_t n, struct hx_err *err);

/* Those of the latest run that has any; texts are borrowed until the next. Non-zero ends it and is returned. */
typedef int store_sample_row(void *arg, const struct store_sample *sample);
int store_samples(struct store *s, store_sample_row *row, void *arg, struct hx_err *err);

/* How many repeats a database holds. */
int store_measurements(struct store *s, int64_t *n, struct hx_err *err);

#endif
