/* The answer of a sweep that is done: what was asked, the verdict, and the best points. */
#ifndef CMD_ANSWER_H
#define CMD_ANSWER_H

#include "core/findings.h"
#include "output/report.h"
#include "store/store.h"

/* time: how long it took, for people; NULL: not said. Head and verdict go to stdout with a table, to stderr beside a list meant for programs. */
int answer_print(struct store *store, const struct store_sweep *sweep, const struct predict *p, const struct findings *found, const char *time,
		 enum report_format format, struct hx_err *err);

#endif
