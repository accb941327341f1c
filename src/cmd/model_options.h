/* Options of the commands that run models: which, where and how. */
#ifndef CMD_MODEL_OPTIONS_H
#define CMD_MODEL_OPTIONS_H

#include "base/opt.h"
#include "core/input.h"
#include "device/runner.h"

/* As typed; NULL where an option was not given. */
struct model_options {
	const char *target, *draft, *target_map, *draft_map, *target_quant, *draft_quant, *gamma, *context, *kernels, *profile;
	bool no_kv_cache;
};

/* Rows of an option table, to stand in a command's own: all of them, or those before and after gamma. */
#define MODEL_OPTIONS(o) MODEL_OPTIONS_WHAT(o), {"gamma", 'g', "N", "draft length, 0 to 64 (default: 4)", &(o).gamma, NULL}, MODEL_OPTIONS_HOW(o)
#define MODEL_OPTIONS_WHAT(o) \
	{"target", 0, "F", "GGUF file of the target", &(o).target, NULL}, \
	{"draft", 0, "F", "GGUF file of the drafter, ngram, or early-exit:K", &(o).draft, NULL}, \
	{"target-map", 0, "M", "where the target runs, as in cpux1 (default: cpu)", &(o).target_map, NULL}, \
	{"draft-map", 0, "M", "where the drafter runs (default: where the target does)", &(o).draft_map, NULL}, \
	{"target-quant", 0, "T", "requantise the target on load, as in q4_0", &(o).target_quant, NULL}, \
	{"draft-quant", 0, "T", "requantise the drafter on load", &(o).draft_quant, NULL}
#define MODEL_OPTIONS_HOW(o) \
	{"context", 0, "N", "tokens to hold (default: the target's, 4096 at most)", &(o).context, NULL}, \
	{"no-kv-cache", 0, NULL, "take the whole text in again at every pass", NULL, &(o).no_kv_cache}, \
	{"kernels", 0, "SET", "kernel set, as in avx2 (default: the fastest here)", &(o).kernels, NULL}, \
	{"profile", 0, "P", "units of a hardware profile (default: as 'devices' lists)", &(o).profile, NULL}

/* Models loaded as the options say, with the machine and profile they run on. */
struct loaded {
	struct inputs inputs;
	struct profile profile;
	struct machine machine;
	struct runner_options options;
	struct runner runner;
};

/* Loads with tokenizers. `more` has what the command adds: logit_rows, min_confidence. */
int model_options_load(struct loaded *l, const struct model_options *o, const struct runner_options *more, struct hx_err *err);
void model_options_free(struct loaded *l);

#endif
