/* Which stored run a command is about. */
#ifndef CMD_RUNS_H
#define CMD_RUNS_H

#include "store/store_measured.h"

struct runs {
	struct store_run_found *v;
	size_t n;
};

/* All runs of a database (NULL: the default) that validate; the caller frees runs->v. */
int runs_read(struct runs *runs, const char *db, struct hx_err *err);

/* The run of that id, or the latest of a sweep; sweep 0: of any, id 0: the latest. unended: of those without an end. NULL: there is none. */
const struct store_run_found *runs_find(const struct runs *runs, int64_t sweep, int64_t id, bool unended);

#endif
