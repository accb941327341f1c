/* Passes of one model on one unit, again and again: between calibrate_measure.c, which says when, and calibrate_bench.c, which runs them. */
#ifndef DEVICE_CALIBRATE_BENCH_H
#define DEVICE_CALIBRATE_BENCH_H

#include "device/calibrate_reads.h"

enum { CALIBRATE_CONTEXT = 2048 /* at most */ };

/* A model on some cores behind some tokens. */
struct calibrate_place;

/* Rows on a place: of each operator what every layer of every repeat took, so that what interrupts one layer is one value of many; behind the
 * operators the passes, and what these took beside them. Of a device the passes are those that nobody traces, and what they took beside is not here. */
enum { CALIBRATE_PASS = HX_OP_COUNT, CALIBRATE_BESIDE, CALIBRATE_KINDS };
struct calibrate_turn {
	int place; /* index */
	int rows;
	struct calibrate_times took[CALIBRATE_KINDS];
	size_t first, n_samples; /* of the calibration: one an operator, which the first visit adds */
};

/* A model with its turns; it is in memory, and has places, during a visit alone. */
struct calibrate_bench {
	struct calibrate_step *s;
	int u; /* of the profile's units */
	int type, footprint;
	struct calibrate_place *places; /* NULL: it is not visited */
	int n_places;
	struct calibrate_turn *turns;
	int n_turns;
	const struct hx_pool *awake; /* its threads ran last */
	struct calibrate_times wakes;
	struct calibrate_reads *reads; /* borrowed: of the unit, or of the host */
	double least_s; /* of a visit: loading the model, and every turn once */
	struct hx_trace trace;
	int tokens[CALIBRATE_CONTEXT];
	int next; /* of these */
};

void calibrate_bench_init(struct calibrate_bench *b, struct calibrate_step *s, int u, int type, int footprint, struct calibrate_reads *reads);
void calibrate_bench_free(struct calibrate_bench *b);

/* All turns at least once, then again until that time, or until repeats agree. The first visit adds samples, which await their seconds. */
int calibrate_bench_visit(struct calibrate_bench *b, struct calibrate_model *model, double until_s, struct hx_err *err);

#endif
