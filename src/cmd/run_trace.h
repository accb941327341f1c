/* The trace of a run as a file. */
#ifndef CMD_RUN_TRACE_H
#define CMD_RUN_TRACE_H

#include "cmd/model_options.h"
#include "engine/trace.h"

/* Writes all that was traced of these models in a mode (enum hx_mode). HX_IO: the file cannot be written. */
int run_trace_write(const char *path, const struct loaded *models, int mode, const struct hx_trace *trace, struct hx_err *err);

#endif
