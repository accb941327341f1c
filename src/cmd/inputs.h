/* What `profile` and `model` share: list, show and check; and what one of them has beyond. */
#ifndef CMD_INPUTS_H
#define CMD_INPUTS_H

#include "base/opt.h"
#include "core/input.h"
#include "output/report.h"

/* A further verb: it takes one file, and options of its own. */
struct input_more {
	const char *verb;
	const struct opt *opts; /* INPUTS_MORE_OPTS at most */
	int (*run)(void *arg, const char *name, struct inputs *in, struct hx_err *err);
	void *arg;
};
enum { INPUTS_MORE_OPTS = 8 };

struct input_command {
	enum input_kind kind;
	const struct report_column *columns; /* of the list */
	int n_columns;
	int (*list_row)(const char *name, struct inputs *in, struct report *r, struct hx_err *err); /* adds one row; none on failure */
	int (*show)(const char *name, struct inputs *in, enum report_format format, struct hx_err *err);
	int (*check)(const char *name, struct inputs *in, struct hx_err *err); /* prints what it finds; HX_NO: something is wrong */
	const struct input_more *more; /* NULL: none */
};

/* The beginning of a value that is too long for a table of 80 columns; whole in the other formats. Returns buf or value. */
const char *inputs_shown(char *buf, size_t size, enum report_format format, const char *value);

int inputs_run(const struct input_command *c, const struct opt_command *about, int argc, char **argv, struct hx_err *err);

#endif
