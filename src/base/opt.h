/* Options of a command: one table parses them, prints --help and names the offender. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "engine/err.h"

#include <stdbool.h>

/* One option. With `arg` it takes a value, stored (borrowed from argv) in *value; without, *flag becomes true. */
struct opt {
	const char *name; /* long name; NULL ends the table */
	char letter;      /* short form, or 0 */
	const char *arg;  /* name of the value in --help, or NULL */
	const char *help; /* one line */
	const char **value;
	bool *flag;
};

/* A command as users see it; opts may be NULL while only --help's first lines are wanted. */
struct opt_command {
	const char *name;    /* `sweep` */
	const char *args;    /* `--profile P [options]` */
	const char *summary; /* one line, no capital or full stop */
	const char *detail;  /* further lines of --help, each ending in a newline, or NULL */
};

/* Parses argv[1..]; options and positional arguments may mix, `--` ends options. Positional arguments are moved to the end of argv and
 * *first is the index of the first. --help (or -h) prints to stdout and sets *help. HX_INPUT: unknown option (with a suggestion), missing,
 * repeated or unexpected value; the message ends with `; see 'hexplore NAME --help'`. */
int opt_parse(int argc, char **argv, const struct opt_command *cmd, const struct opt *opts, int *first, bool *help, struct hx_err *err);

#endif
