/* What the files of the calibration share. */
#ifndef DEVICE_CALIBRATE_INTERNAL_H
#define DEVICE_CALIBRATE_INTERNAL_H

#include "device/calibrate.h"
#include "device/random_model.h"

/* Rows that efficiencies are measured at, ascending. */
enum { CALIBRATE_ROWS = 20, CALIBRATE_CONTEXTS = 4 };
extern const int calibrate_rows[CALIBRATE_ROWS];

/* What is measured at a footprint: which rows (x: at that of calibrate_rows; NULL: none), behind how many tokens (0 ends). */
struct calibrate_passes {
	const char *rows;
	int contexts[CALIBRATE_CONTEXTS];
};

/* Footprints, ascending. */
extern const struct calibrate_plan {
	double caches; /* size of the models, in caches */
	bool own;      /* in those of one core, the last but one; else in last-level ones */
	bool quick;    /* measured by --quick too */
	struct calibrate_passes cpu, device;
} calibrate_plans[CALIBRATE_FOOTPRINTS];

/* Adds the units that are wanted to the profile, CPUs first, and opens the devices: what the system and drivers tell, with tables to be measured. */
int calibrate_units(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err);

/* Last-level cache of a machine that does not tell its own, in bytes. */
extern const double calibrate_default_cache;

/* Hz of the processor that the calling thread runs on, from a chain of dependent additions. */
double calibrate_clock_hz(void);

/* Operations per core and cycle of the arithmetic that a kernel set uses for float and for quantised types; NAN where there is no such. */
void calibrate_rates(const struct hx_kernels *k, double clock_hz, double rate[ARITH_COUNT]);
int calibrate_arithmetic(const struct hx_kernels *k, int type);

/* The file of a synthesised model; zeroed: none yet. */
struct calibrate_model {
	struct random_model file;
	int type; /* enum hx_type */
	double bytes;
	int layers;
};

/* A llama-like model of about so many bytes, with a vocabulary of CALIBRATE_VOCAB at least: the one that is there, if it is one. */
enum { CALIBRATE_VOCAB = 2048 };
int calibrate_model_want(struct calibrate_model *m, int type, double bytes, const volatile sig_atomic_t *stop, struct hx_err *err);
void calibrate_model_free(struct calibrate_model *m);

/* Where a calibration stands. */
struct calibrate_step {
	struct calibration *c;
	struct machine *m;
	const struct calibrate_options *o;
	int visits;      /* of each model on each unit */
	double until_s;  /* by then repeats are to end */
	int done, steps; /* visits of all, of how many */
};

/* Measures the units of the profile, whose tables name cores, footprints, types and rows; adds samples, sets sync_s, of devices launch_s too. */
int calibrate_measure(struct calibrate_step *s, struct hx_err *err);

/* Measures what units do to each other, once each is measured alone: links between devices and CPUs, and contention for memory. */
int calibrate_links(struct calibrate_step *s, struct hx_err *err);

/* For a pool: binds the caller and wakes the threads. */
void calibrate_no_work(void *arg, int thread, int n);

/* Waits until the clock is back where it was at first, or for so long, of all waits together, as a calibration may. */
int calibrate_cool(struct calibrate_step *s, struct hx_err *err);

/* HX_IO when it is to end. */
int calibrate_stopped(const struct calibrate_step *s, struct hx_err *err);

/* Host time of rounds, on the first unit. */
int calibrate_host(struct calibrate_step *s, struct hx_err *err);

#endif
