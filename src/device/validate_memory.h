/* How fast memory is, beside what it was when the profile was calibrated: read with the cores of all models of a point that no cache holds. */
#ifndef DEVICE_VALIDATE_MEMORY_H
#define DEVICE_VALIDATE_MEMORY_H

#include "core/predict.h"
#include "device/probe.h"
#include "engine/engine.h"

#include <signal.h>

enum { VALIDATE_READINGS = 3 * HX_MAX_UNITS /* a baseline, a target and a drafter, each on any units */ };

/* Where it is read; begins with the reader alone, whose buffer may be NULL: then nothing is read. */
struct validate_memory {
	const struct probe_reader *reader;
	struct hx_pool *pools[VALIDATE_READINGS];
	double bytes_s[VALIDATE_READINGS]; /* at calibration */
	int n;
};

/* Shares of the speeds at calibration. */
struct validate_reading {
	double speed[VALIDATE_READINGS];
	int n;
};

/* Adds the units and core counts of a pair that can run; none of models that a cache holds, or whose profile does not tell. */
int validate_memory_add(struct validate_memory *m, const struct predict *p, const struct pair *pair, struct hx_engine *engine, struct hx_err *err);

struct validate_reading validate_memory_read(const struct validate_memory *m);

/* The mean of two readings, where it is furthest from 1; NAN: nothing was read. */
double validate_memory_speed(const struct validate_reading *before, const struct validate_reading *after);

/* Whether it was another memory after than before. */
bool validate_memory_changed(const struct validate_reading *before, const struct validate_reading *after);

/* Whether memory is as fast as it was at calibration, or that is unknown: then a prediction is about this machine as it is. */
bool validate_is_calm(double memory);

/* Reads again until memory is as it was at calibration, or it is until_s (hx_trace_now_s), or *stop. */
void validate_memory_await(const struct validate_memory *m, double until_s, const volatile sig_atomic_t *stop, struct validate_reading *now);

#endif
