/* A stored sweep opened again. */
#include "cmd/session.h"

#include "base/text.h"
#include "cmd/cmd.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

int session_open(struct session *s, const char *db, const char *sweep_id, struct hx_err *err)
{
	long id = 0;
	int rc;

	memset(s, 0, sizeof(*s));
	if (sweep_id && (rc = text_int(sweep_id, 1, LONG_MAX, "--sweep-id", &id, err)))
		return rc;
	if ((rc = store_open(&s->store, db ? db : CMD_DEFAULT_DB, STORE_READ, err)))
		return rc;
	if ((rc = store_sweep_read(s->store, id, &s->sweep, &s->inputs, err)))
		session_close(s);
	else if (s->sweep.done < s->sweep.size)
		fprintf(stderr, "hexplore: sweep %lld is incomplete: %lld of %lld points\n", (long long)s->sweep.id, (long long)s->sweep.done,
			(long long)s->sweep.size);
	else if (!id && s->sweep.newest != s->sweep.id)
		fprintf(stderr, "hexplore: sweep %lld has no points yet; this is sweep %lld\n", (long long)s->sweep.newest, (long long)s->sweep.id);
	return rc;
}

/* From the texts of `like`, which may be s. */
static int load(struct session *s, struct session *like, bool naive, struct hx_err *err)
{
	const struct store_sweep *sweep = &like->sweep;
	struct study_changes changes = {sweep->acceptance, sweep->costs, sweep->keep};
	struct hx_err why;
	int rc;

	if ((rc = study_load(&s->study, &like->inputs, sweep->profile, sweep->sweep, &changes, &why)))
		return hx_err_set(err, rc, "as sweep %lld stored it: %s", (long long)sweep->id, why.msg);
	if (naive)
		s->study.sweep.model = COST_EQ1;
	if ((rc = space_init(&s->space, &s->study, err)))
		return rc;
	return predict_init(&s->predict, &s->study, &s->space, err);
}

int session_load(struct session *s, struct hx_err *err)
{
	return load(s, s, false, err);
}

int session_naive(struct session *s, struct session *like, struct hx_err *err)
{
	memset(s, 0, sizeof(*s));
	return load(s, like, true, err);
}

void session_close(struct session *s)
{
	if (s->predict.study)
		predict_free(&s->predict);
	if (s->space.study)
		space_free(&s->space);
	study_free(&s->study);
	inputs_free(&s->inputs);
	store_sweep_free(&s->sweep);
	store_close(s->store);
	memset(s, 0, sizeof(*s));
}

int session_point_id(const char *text, char *buf, size_t size, const char **sweep_id, int64_t *id, struct hx_err *err)
{
	const char *colon = strchr(text, ':');
	long value;
	int rc;

	if (colon) {
		snprintf(buf, size, "%.*s", (int)(colon - text), text);
		*sweep_id = buf;
	}
	rc = text_int(colon ? colon + 1 : text, 1, LONG_MAX, "point id", &value, err);
	if (!rc)
		*id = value;
	return rc;
}
