/* Running a sweep, or a part of it: predictions into the database, batch by batch, so that it can be interrupted and gone on with. */
#ifndef CMD_SWEEP_RUN_H
#define CMD_SWEEP_RUN_H

#include "core/evaluate.h"
#include "core/shard.h"
#include "output/report.h"
#include "store/store.h"

struct sweep_run {
	struct store *store;
	const char *db; /* its name */
	struct store_sweep stored;
	struct store_part part;
	struct shard shard; /* {1, 1}: the whole */
	const struct predict *predict;
	enum keep keep;
	int top; /* with KEEP_TOP */
	int jobs;
	bool resume; /* a sweep of the same part is not begun twice */
	bool quiet;
	enum report_format format;
};

/* HX_INPUT: the sweep keeps a front in an objective that no point has. */
int sweep_run_check(const struct predict *p, enum keep keep, struct hx_err *err);

/* Evaluates what is left of the part (stored.id 0: a new sweep of inputs in), and prints the answer. SIGINT and SIGTERM end it early, with what
 * is done kept, the status of a shell and how to go on in err. */
int sweep_run(struct sweep_run *run, const struct inputs *in, struct hx_err *err);

#endif
