/* The points of a validation run, measured within a budget. */
#ifndef CMD_VALIDATE_MEASURE_H
#define CMD_VALIDATE_MEASURE_H

#include "cmd/session.h"
#include "device/validate.h"

struct validate_set {
	int64_t *ids; /* owned, as are the others */
	size_t n;
	struct validate_stored {
		double speedup, tpot_s;
	} *stored; /* predictions */
	struct validate_result *results;
	int again; /* number of the last repeat for the regret */
};

/* Makes place for the results of the ids. */
void validate_set_make(struct validate_set *set);
void validate_set_free(struct validate_set *set);

/* Reads what was predicted of the i-th. HX_INPUT: the sweep keeps no such point. */
int validate_set_predicted(const struct validate_set *set, size_t i, struct store *store, int64_t sweep, struct hx_err *err);

/* Adds the pairs that a run has measured. HX_INPUT: their outputs have another length than is wanted now. */
int validate_set_resume(struct validate_set *set, const struct validate *v, struct store *store, int64_t run, struct hx_err *err);

/* Measures what is not finished, then, of 6 points or more, what the regret needs. *whole: it was not interrupted, and every point has a pair; what has none is
 * told. */
int validate_set_measure(struct validate_set *set, struct validate *v, struct session *s, double budget_s, bool quiet, bool *whole, struct hx_err *err);

#endif
