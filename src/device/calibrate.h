/* Measures this machine's CPUs and OpenCL devices with the engine's own kernels and fits the cost model's parameters to what was measured: an ordinary hardware
 * profile. Owns the order of measurements and the figures; printing, files and the database are the command's. */
#ifndef DEVICE_CALIBRATE_H
#define DEVICE_CALIBRATE_H

#include "device/machine.h"

#include <signal.h>

/* One operator of a pass over a synthesised model. */
struct calibrate_sample {
	struct hx_op op;        /* its unit is the profile's */
	int type;               /* enum hx_type of the model */
	double rows, logits, cached; /* of the pass */
	double footprint_bytes; /* that the pass touches */
	double seconds;         /* of one layer's: what it is most of the time, of all layers and repeats */
	int count;              /* of layers */
	double share;           /* of the pass's time that all layers of it take */
	double spread;          /* of its repeats: half the distance of the quartiles, relative */
	double model_s;         /* what the model says that was fitted without those held out; by calibrate_fit */
	int pass;               /* samples of one pass have one number */
	bool held_out;          /* checked against a fit without it */
};

/* Errors of the held-out samples, relative to what was measured. */
struct calibrate_error {
	int n;
	double mean, worst; /* of absolute values; NAN where n is 0 */
	double bias;        /* mean with sign: above 0 the model is too slow */
};

/* A clock that falls below so much of what it was at first was throttled. */
#define CALIBRATE_THROTTLED 0.95

/* What --units, --types and --quick say. */
struct calibrate_options {
	bool units[HX_MAX_UNITS]; /* of the machine's */
	bool types[HX_TYPE_COUNT];
	bool quick;
	double largest_bytes;     /* of a synthesised model; 0: four times the last cache */
	const volatile sig_atomic_t *stop; /* ends it, with HX_IO, when it becomes non-zero; NULL: never */
	void (*progress)(void *arg, int done, int all); /* visits of models, 0 before the first; NULL: not wanted */
	void *arg;
};

enum { CALIBRATE_FOOTPRINTS = 7 /* at most */ };

struct calibration {
	struct profile profile; /* owned, strings too; profile_free. Without name and sources */
	int unit_of[HX_MAX_UNITS]; /* by the profile's: the machine's */
	int plans[HX_MAX_UNITS][CALIBRATE_FOOTPRINTS]; /* by the profile's units and their footprints: what is measured there (calibrate_internal.h) */
	struct calibrate_sample *samples;
	size_t n;
	bool clock_told[HX_MAX_UNITS]; /* by the system, not measured */
	size_t n_measured;         /* kernels of each unit that are measured, the first ones; others are taken as alike */
	struct calibrate_error by_op[HX_OP_COUNT], passes; /* held out */
	double spread;          /* of pass times over repeats: the median of all passes */
	int restless;           /* passes whose repeats differ by more than they should, however often repeated */
	int n_passes;
	int dropped;            /* visits of models for repeats, for want of time */
	double clock_first_hz, clock_last_hz; /* of the first core, before and after */
	double cooled_s;        /* waited for a clock that had fallen */
};

/* Measures, then fits. A CPU is among the units. The machine's threads pin the caller. HX_IO: interrupted, no room for models in TMPDIR, a device that fails. */
int calibrate(struct calibration *c, struct machine *m, const struct calibrate_options *o, struct hx_err *err);
void calibrate_free(struct calibration *c);

/* The fit alone: fills bandwidth, efficiencies, p, launch_s and covariance of the profile's units from the samples. The errors are of a fit without those
 * that are held out. HX_INPUT: too few samples. */
int calibrate_fit(struct calibration *c, struct hx_err *err);

/* Gives every figure of the profile its source. by: who measured, and when. */
void calibrate_sources(struct calibration *c, const char *by);

#endif
