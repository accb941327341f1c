/* The part of `explain` about how sure a speedup is, and what it hangs on. */
#ifndef CMD_EXPLAIN_SURE_H
#define CMD_EXPLAIN_SURE_H

#include "cmd/session.h"
#include "output/report.h"

/* Prints the interval of a feasible point with a baseline, or that nothing is known of it. */
int explain_interval(const struct session *s, const struct point *pt, struct hx_err *err);

/* Lists the elasticities of its speedup, the largest first; the first `most` of them (0: all). */
void explain_elasticities(const struct session *s, const struct point *pt, size_t most, enum report_format format);

#endif
