/* A stored sweep opened again: its rows, and all that is needed to recompute any point of it. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "core/predict.h"
#include "store/store.h"

struct session {
	struct store *store;
	struct store_sweep sweep;
	struct inputs inputs;
	struct study study;
	struct space space;
	struct predict predict;
};

/* Opens database db (NULL: the default) and its sweep of that id (text of --sweep-id; NULL: the latest that has points). */
int session_open(struct session *s, const char *db, const char *sweep_id, struct hx_err *err);

/* Also loads study, space and predict, from the texts the database holds. */
int session_load(struct session *s, struct hx_err *err);

/* Loads what another session has loaded, which it outlives, as the naive model (Eq. 1) predicts it. It has no database. */
int session_naive(struct session *s, struct session *like, struct hx_err *err);

void session_close(struct session *s);

/* Splits `ID` or `N:ID`: sweep_id becomes N's text (in buf) when given. HX_INPUT unless ID is a whole number from 1. */
int session_point_id(const char *text, char *buf, size_t size, const char **sweep_id, int64_t *id, struct hx_err *err);

#endif
