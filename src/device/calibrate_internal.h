/* What the files of the calibration share. */
#ifndef DEVICE_CALIBRATE_INTERNAL_H
#define DEVICE_CALIBRATE_INTERNAL_H

#include "device/calibrate.h"

/* Rows that efficiencies are measured at, ascending. */
enum { CALIBRATE_ROWS = 20 };
extern const int calibrate_rows[CALIBRATE_ROWS];

/* What is measured at a footprint, ascending. */
extern const struct calibrate_plan {
	double caches;    /* size of the models, in caches */
	bool own;         /* in those of one core, the last but one; else in last-level ones */
	bool quick;       /* measured by --quick too */
	const char *rows; /* x: at that of calibrate_rows */
	int contexts[4];  /* behind how many tokens; 0 ends */
} calibrate_plans[CALIBRATE_FOOTPRINTS];

/* Last-level cache of a machine that does not tell its own, in bytes. */
extern const double calibrate_default_cache;

/* Hz of the processor that the calling thread runs on, from a chain of dependent additions. */
double calibrate_clock_hz(void);

/* Operations per core and cycle of the arithmetic that a kernel set uses for float and for quantised types; NAN where there is no such. */
void calibrate_rates(const struct hx_kernels *k, double clock_hz, double rate[ARITH_COUNT]);
int calibrate_arithmetic(const struct hx_kernels *k, int type);

/* A synthesised model in memory, its file already gone. */
struct calibrate_model {
	struct hx_model model;
	struct hx_weights weights;
};

/* A llama-like model of about so many bytes. Closed also when opening failed. */
int calibrate_model_open(struct calibrate_model *cm, int type, double bytes, const struct hx_kernels *kernels, struct hx_pool *pool,
			 const volatile sig_atomic_t *stop, struct hx_err *err);
void calibrate_model_close(struct calibrate_model *cm);

/* Where a calibration stands. */
struct calibrate_step {
	struct calibration *c;
	struct machine *m;
	const struct calibrate_options *o;
	int u;
	int visits;      /* of each model */
	double until_s;  /* by then the unit's repeats are to end */
	int done, steps; /* visits of all, of how many */
};

/* Measures one unit of the machine, which is unit u of the profile, whose tables name cores, footprints, types and rows; adds samples, sets sync_s. */
int calibrate_measure(struct calibrate_step *s, struct hx_err *err);

/* For a pool: binds the caller and wakes the threads. */
void calibrate_no_work(void *arg, int thread, int n);

/* HX_IO when it is to end. */
int calibrate_stopped(const struct calibrate_step *s, struct hx_err *err);

/* Host time of rounds, on the first unit. */
int calibrate_host(struct calibrate_step *s, struct hx_err *err);

#endif
