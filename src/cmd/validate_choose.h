/* Which points of a sweep are validated. */
#ifndef CMD_VALIDATE_CHOOSE_H
#define CMD_VALIDATE_CHOOSE_H

#include "cmd/session.h"
#include "device/validate.h"

/* One of the first three says how; all zero: none. */
struct validate_choice {
	long top, sample; /* so many */
	bool pareto;      /* the front of latency and memory */
	uint64_t seed;    /* of the sample */
};

/* The stored points chosen, of those that can run here; why others are passed over is told in one line unless quiet. The caller frees ids. HX_NO: none. */
int validate_choose(struct validate *v, const struct session *s, const struct validate_choice *c, bool quiet, int64_t **ids, size_t *n,
		    struct hx_err *err);

#endif
