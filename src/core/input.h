/* Input files: found by name, read whole, kept with their text so that a result can be recomputed from the database alone. */
#ifndef CORE_INPUT_H
#define CORE_INPUT_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>

enum input_kind { INPUT_PROFILE, INPUT_SWEEP, INPUT_MODEL, INPUT_ACCEPTANCE, INPUT_COSTS, INPUT_KINDS };
extern const char *const input_kinds[]; /* profile, sweep, model, acceptance, costs */

struct input {
	int kind;   /* enum input_kind */
	char *name; /* as it was asked for */
	char *path; /* where it was found; stands in errors */
	char *text; /* ends in NUL beyond len */
	size_t len;
};

/* A set of inputs; `sealed` sets come from a database and look at no files. */
struct inputs {
	struct input **items;
	size_t n;
	bool sealed;
};

/* The input of that kind and name: from the set, else from the file `name`, or `name` with `.json`, or either in the kind's folder of each
 * of HEXPLORE_PATH (colon-separated), the source tree and the installed data directory. HX_INPUT: not found (with a suggestion), not a
 * regular file, too large; HX_IO: unreadable. A model may be a GGUF file: its text is then its shape. The result belongs to the set. */
int input_find(struct inputs *set, enum input_kind kind, const char *name, const struct input **out, struct hx_err *err);

/* Whether a file is GGUF, or says it is. */
bool input_is_gguf(const char *path);

/* Adds a text under a name. */
const struct input *input_add(struct inputs *set, enum input_kind kind, const char *name, const char *path, const char *text, size_t len);
void inputs_free(struct inputs *set);

/* Names of a kind that can be found in the folders, sorted, NULL-terminated; one allocation each, input_names_free. */
char **input_names(enum input_kind kind);
void input_names_free(char **names);

#endif
