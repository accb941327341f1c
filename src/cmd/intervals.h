/* How sure predictions are, stored beside them: for the rows that an answer is drawn from, and those that are measured. */
#ifndef CMD_INTERVALS_H
#define CMD_INTERVALS_H

#include "core/findings.h"
#include "store/store.h"

/* Of a whole sweep: all rows where it keeps some, the 1000 fastest at most; where it keeps all, those of the front in the sweep's objectives, and of each
 * target quantisation and workload the best one and the baseline. Rows that have their interval keep it. */
int intervals_store(struct store *s, const struct store_sweep *sweep, const struct predict *p, const struct findings *found, struct hx_err *err);

/* Of the rows of these ids. */
int intervals_store_ids(struct store *s, int64_t sweep, const struct predict *p, const int64_t *ids, size_t n, struct hx_err *err);

#endif
