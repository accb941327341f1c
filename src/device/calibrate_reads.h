/* Plain reads of memory between whatever else is timed: they tell the states of a machine apart that others share, or whose clocks change. */
#ifndef DEVICE_CALIBRATE_READS_H
#define DEVICE_CALIBRATE_READS_H

#include "device/calibrate_internal.h"
#include "device/calibrate_times.h"

/* Readings cut time into moments: moment m lies before reading m. */
struct calibrate_reads {
	const struct probe_reader *reader; /* borrowed */
	struct hx_pool **pools;         /* by the unit's bandwidth.cores */
	struct calibrate_times *took;   /* likewise: of each reading */
	size_t n_cores;
	int n;                          /* readings */
	double last_s, each_s;          /* when the last one ended, what it took */
};

/* For a CPU of the profile. Freed also when this failed; zeroed: nothing to free. */
int calibrate_reads_init(struct calibrate_reads *r, struct calibrate_step *s, int u, const struct probe_reader *reader, struct hx_err *err);
void calibrate_reads_free(struct calibrate_reads *r);

/* Reads with each number of cores, unless the last reading is so near that reading would take more than a tenth of the time; returns whether it did. The pool
 * that read last is that of all cores. */
bool calibrate_reads_take(struct calibrate_reads *r, bool now);

/* Sets what the unit reads typically. Returns which moments, up to that behind the last reading, began and ended in that state; the caller frees it. */
bool *calibrate_reads_settle(const struct calibrate_reads *r, struct unit *u);

#endif
