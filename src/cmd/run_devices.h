/* What a run asked of devices, and what its models hold where. */
#ifndef CMD_RUN_DEVICES_H
#define CMD_RUN_DEVICES_H

#include "cmd/model_options.h"

enum { RUN_DEVICES_MODELS = 2 };

struct run_devices {
	struct hx_cl_counts before[RUN_DEVICES_MODELS]; /* rounds that are counted, by model */
};

/* The first round is over: from here on rounds are counted, whose start is behind them. */
void run_devices_begin(struct run_devices *d, const struct runner *r);

/* Prints, on stderr, each model's memory and each device's launches a token and waits a round. */
void run_devices_tell(const struct run_devices *d, const struct runner *r, const struct hx_generated *g);

#endif
