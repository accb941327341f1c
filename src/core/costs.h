/* Measured forward passes (--costs): the reference study's workflow, in which measurements replace the operator model. */
#ifndef CORE_COSTS_H
#define CORE_COSTS_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cost_row {
	int line; /* in the file; 0: none, a test of llama-bench */
	char *model, *unit;
	int type; /* enum hx_type */
	int cores;
	double rows, context, seconds;
	double logit_rows; /* measured with logits for so many; 0: for as many as the pass that is looked up */
};

struct costs {
	struct cost_row *rows; /* by rows, then by context */
	size_t n;
	bool relative; /* in units of some pass, not in seconds: only ratios mean something */
};

/* Parses CSV with the header model,quantisation,unit,cores,rows,context,seconds (any order of columns, `#` lines are comments); a
 * column `relative` in place of `seconds` holds ratios. `rows` are the tokens of the pass, `context` those cached before it. */
int costs_parse(struct costs *c, const char *text, size_t len, const char *name, struct hx_err *err);
void costs_free(struct costs *c);

struct hx_shape;
struct profile;

/* What the tests of llama-bench may be of. Borrowed. */
struct costs_models {
	const struct profile *profile;
	const struct hx_shape *const *shapes; /* the target first */
	size_t n;
};

/* Whether the text is JSON, which is read as llama-bench's. */
bool costs_llama_bench(const char *text);

/* Parses the output of `llama-bench -o json` or `-o jsonl`. Tests of other models, and those that are not whole passes of one unit in a type known
 * here, are left out (hexplore-sweep(5), Measured passes); where none is left the error names the first. */
int costs_llama_bench_parse(struct costs *c, const struct costs_models *models, const char *text, size_t len, const char *name, struct hx_err *err);

/* Of which model, on which unit a row speaks. */
struct cost_key {
	const char *model, *unit;
	int type, cores;
};

/* Seconds of a pass, or NAN where nothing speaks of it. With a KV cache the number of rows must have been measured, and seconds are
 * interpolated over context; without one (context is then 0) they are interpolated over rows. Beyond the measured range the nearest holds. */
double costs_find(const struct costs *c, const struct cost_key *key, double rows, double context, bool kv_cache);

/* The measured pass nearest to a number of rows (by ratio), and among those to a context, which without a KV cache is none; NULL: nothing speaks
 * of the key. */
const struct cost_row *costs_nearest(const struct costs *c, const struct cost_key *key, double rows, double context, bool kv_cache);

#endif
