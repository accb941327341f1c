/* Measured forward passes (--costs): the reference study's workflow, in which measurements replace the operator model. */
#ifndef CORE_COSTS_H
#define CORE_COSTS_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cost_row {
	int line; /* in the file */
	char *model, *unit;
	int type; /* enum hx_type */
	int cores;
	double rows, context, seconds;
};

struct costs {
	struct cost_row *rows;
	size_t n;
	bool relative; /* in units of some pass, not in seconds: only ratios mean something */
};

/* Parses CSV with the header model,quantisation,unit,cores,rows,context,seconds (any order of columns, `#` lines are comments); a
 * column `relative` in place of `seconds` holds ratios. `rows` are the tokens of the pass, `context` those cached before it. */
int costs_parse(struct costs *c, const char *text, size_t len, const char *name, struct hx_err *err);
void costs_free(struct costs *c);

/* Of which model, on which unit a row speaks. */
struct cost_key {
	const char *model, *unit;
	int type, cores;
};

/* Seconds of a pass, or NAN where nothing speaks of it. With a KV cache the number of rows must have been measured, and seconds are
 * interpolated over context; without one (context is then 0) they are interpolated over rows. Beyond the measured range the nearest holds. */
double costs_find(const struct costs *c, const struct cost_key *key, double rows, double context, bool kv_cache);

/* The measured pass nearest to a number of rows (by ratio), and among those to a context; NULL: nothing speaks of the key. */
const struct cost_row *costs_nearest(const struct costs *c, const struct cost_key *key, double rows, double context);

#endif
