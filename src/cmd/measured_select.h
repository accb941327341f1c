/* What a database holds of validation, chosen by sweep and run as options name them. */
#ifndef CMD_MEASURED_SELECT_H
#define CMD_MEASURED_SELECT_H

#include "cmd/measured.h"
#include "cmd/runs.h"

struct measured_selection {
	struct runs runs; /* all that there are */
	struct session **sessions;
	size_t n_sessions;
	struct measured_set set; /* the points chosen, sweep by sweep and run by run */
};

/* sweep_ids: a number, a list, `all`; NULL: that of the run, or the latest. run: a number, `all`; NULL: the latest of each sweep. HX_NO: nothing was measured.
 * To be freed also when it failed. */
int measured_select(struct measured_selection *x, const char *db, const char *sweep_ids, const char *run, struct hx_err *err);
void measured_select_free(struct measured_selection *x);

#endif
