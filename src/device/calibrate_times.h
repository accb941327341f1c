/* Times of one thing, again and again, and what they are most of the time. */
#ifndef DEVICE_CALIBRATE_TIMES_H
#define DEVICE_CALIBRATE_TIMES_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: none yet. */
struct calibrate_times {
	double *v;
	int *moment; /* of each: when it was taken */
	size_t n, room;
};

void calibrate_times_add(struct calibrate_times *t, double seconds, int moment);
void calibrate_times_free(struct calibrate_times *t);

/* Leaves those of moments that are calm (by number), or all where none is. */
void calibrate_times_keep(struct calibrate_times *t, const bool *calm);

/* What times are most of the time: the middle of the shortest interval that holds half of them. What disturbed some does not move it, as it would a mean, nor
 * does another state of the machine that lasted for less than that, as it would a low quantile. */
double calibrate_times_typical(const struct calibrate_times *t);

/* Half the distance of the quartiles, relative. */
double calibrate_times_spread(const struct calibrate_times *t);

#endif
