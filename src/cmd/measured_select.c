/* Choosing among stored validations. */
#include "cmd/measured_select.h"

#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* run_text: NULL, the latest; a number; `all`. */
static int add_sweep(struct measured_selection *x, const char *db, const char *sweep_id, const char *run_text, struct hx_err *err)
{
	bool all = run_text && strcmp(run_text, "all") == 0;
	const struct store_run_found *run;
	struct session *s = hx_xcalloc(1, sizeof(*s));
	long id = 0;
	int rc = all || !run_text ? HX_OK : text_int(run_text, 1, LONG_MAX, "--run", &id, err);

	x->sessions = hx_xrealloc(x->sessions, x->n_sessions + 1, sizeof(*x->sessions));
	x->sessions[x->n_sessions++] = s;
	if (rc || (rc = session_open(s, db, sweep_id, err)) || (rc = session_load(s, err)))
		return rc;
	run = runs_find(&x->runs, s->sweep.id, id, false);
	if (!run && id)
		return hx_err_set(err, HX_INPUT, "--run: sweep %lld has no validation run %ld", (long long)s->sweep.id, id);
	if (!run)
		return hx_err_set(err, HX_NO, "sweep %lld has no validation run; 'hexplore validate' makes one", (long long)s->sweep.id);
	for (size_t i = 0; i < x->runs.n && !rc; i++)
		if (&x->runs.v[i] == run || (all && x->runs.v[i].sweep == s->sweep.id))
			rc = measured_add(&x->set, s, &x->runs.v[i], true, err);
	return rc;
}

/* All sweeps that have a run. */
static int add_all(struct measured_selection *x, const char *db, const char *run, struct hx_err *err)
{
	char id[24];
	int rc = HX_OK;

	for (size_t i = 0; i < x->runs.n && !rc; i++) {
		if (runs_find(&x->runs, x->runs.v[i].sweep, 0, false) != &x->runs.v[i]) /* once a sweep */
			continue;
		snprintf(id, sizeof(id), "%lld", (long long)x->runs.v[i].sweep);
		rc = add_sweep(x, db, id, run, err);
	}
	if (!rc && !x->runs.n)
		rc = hx_err_set(err, HX_NO, "no sweep has a validation run; 'hexplore validate' makes one");
	return rc;
}

/* sweep_ids: NULL, the run's or the latest; a list; `all`. */
static int add_sweeps(struct measured_selection *x, const char *db, const char *sweep_ids, const char *run, struct hx_err *err)
{
	const struct store_run_found *found;
	char *copy, *save = NULL, id[24];
	long number;
	int rc = HX_OK;

	if (!sweep_ids && run && strcmp(run, "all") != 0) {
		if ((rc = text_int(run, 1, LONG_MAX, "--run", &number, err)))
			return rc;
		if (!(found = runs_find(&x->runs, 0, number, false)))
			return hx_err_set(err, HX_INPUT, "--run: there is no validation run %ld", number);
		snprintf(id, sizeof(id), "%lld", (long long)found->sweep);
		return add_sweep(x, db, id, run, err);
	}
	if (!sweep_ids)
		return add_sweep(x, db, NULL, run, err);
	if (strcmp(sweep_ids, "all") == 0)
		return add_all(x, db, run, err);
	copy = hx_xstrdup(sweep_ids);
	for (char *one = strtok_r(copy, ",", &save); one && !rc; one = strtok_r(NULL, ",", &save))
		rc = add_sweep(x, db, one, run, err);
	free(copy);
	return rc;
}

int measured_select(struct measured_selection *x, const char *db, const char *sweep_ids, const char *run, struct hx_err *err)
{
	int rc;

	*x = (struct measured_selection){0};
	if (!(rc = runs_read(&x->runs, db, err)) && !(rc = add_sweeps(x, db, sweep_ids, run, err)) && !x->set.n)
		rc = hx_err_set(err, HX_NO, "no point of the run has a pair yet");
	return rc;
}

void measured_select_free(struct measured_selection *x)
{
	measured_free(&x->set);
	for (size_t i = 0; i < x->n_sessions; i++) {
		session_close(x->sessions[i]);
		free(x->sessions[i]);
	}
	free(x->sessions);
	free(x->runs.v);
}
