/* Models of random weights for the time of a measurement: a file in a folder of its own in TMPDIR. */
#ifndef DEVICE_RANDOM_MODEL_H
#define DEVICE_RANDOM_MODEL_H

#include "engine/synth.h"

struct random_model {
	char *dir, *path; /* owned */
};

/* Writes the file. HX_IO, and nothing stays: no room, or interrupted. */
int random_model_write(struct random_model *m, const struct hx_shape *shape, const struct hx_synth_options *options, struct hx_err *err);

/* Removes it, if there is one: what has opened it keeps it. */
void random_model_remove(struct random_model *m);

#endif
