/* Stored runs. */
#include "cmd/runs.h"

#include "cmd/cmd.h"

int runs_read(struct runs *runs, const char *db, struct hx_err *err)
{
	struct store *store;
	int rc = store_open(&store, db ? db : CMD_DEFAULT_DB, STORE_READ, err);

	*runs = (struct runs){0};
	if (rc)
		return rc;
	rc = store_runs(store, &runs->v, &runs->n, err);
	store_close(store);
	return rc;
}

const struct store_run_found *runs_find(const struct runs *runs, int64_t sweep, int64_t id, bool unended)
{
	for (size_t i = runs->n; i-- > 0;) {
		const struct store_run_found *r = &runs->v[i];

		if ((!sweep || r->sweep == sweep) && (!id || r->run == id) && !(unended && r->ended))
			return r;
	}
	return NULL;
}
