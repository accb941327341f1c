/* Writing a model of a shape with random weights. */
#ifndef CMD_MODEL_SYNTH_H
#define CMD_MODEL_SYNTH_H

#include "core/input.h"

/* Its options, as typed; NULL: not given. */
struct model_synth {
	const char *quant, *output, *vocab, *seed;
	bool force;
};

/* options: a struct model_synth. */
int model_synth(void *options, const char *name, struct inputs *in, struct hx_err *err);

#endif
