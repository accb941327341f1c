/* Field tables: one const table per structure drives reading, checking, printing and documenting it. */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/json.h"
#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where a field lives: `at` is its offset. Lists hold a pointer at `at` and their length (size_t) at `count_at`. */
enum field_type {
	FIELD_STRING,  /* char *: any text without control characters, at most 1000 bytes */
	FIELD_NAME,    /* char *: [A-Za-z0-9][A-Za-z0-9._+-]{0,63}, safe in mappings, SQL, charts and file names */
	FIELD_NUMBER,  /* double in [min, max] */
	FIELD_INT,     /* int in [min, max]; 3.0 is accepted, 3.5 not */
	FIELD_BOOL,    /* bool */
	FIELD_CHOICE,  /* int: index of the string in `choices` */
	FIELD_NUMBERS, /* double *: list of FIELD_NUMBER */
	FIELD_AXIS,    /* int *: list of FIELD_INT, or {"from": a, "to": b, "step": s} (step 1 when left out), expanded; ascending or as
	                  listed, without repeats, at most 100000 values; `from` above `to` is an error that suggests the swap */
	FIELD_STRINGS, /* char **: list of FIELD_STRING */
	FIELD_NAMES,   /* char **: list of FIELD_NAME */
	FIELD_CHOICES, /* int *: list of FIELD_CHOICE, no repeats */
	FIELD_OBJECT,  /* a struct of `sub`, embedded; left out: its defaults */
	FIELD_OBJECTS, /* struct *: list of `sub` */
	FIELD_MAP,     /* struct *: object with free keys; sub's first row is the key (FIELD_STRING, filled from the key) */
	FIELD_MATRIX,  /* double **: list of lists of FIELD_NUMBER, all of one length; count_at: rows, cols_at: columns */
};

enum { FIELD_REQUIRED = 1, FIELD_MIN1 = 2 /* a list must not be empty */ };

struct field_table;

struct field {
	const char *name;
	enum field_type type;
	int flags;
	size_t at, count_at, cols_at;
	const char *unit; /* "Hz", "B/s", "s", ...; NULL: none */
	double min, max;  /* of numbers, and of every number of a list */
	double missing;   /* default of FIELD_NUMBER, FIELD_INT, FIELD_BOOL, FIELD_CHOICE when the key is left out; NAN where a number may
	                     be unknown; other types are then NULL and 0 */
	const char *const *choices; /* NULL-terminated */
	const struct field_table *sub;
	const char *help; /* one line */
};

struct field_table {
	const char *schema; /* `hexplore/profile/1`: the file's required first key; NULL for inner structures */
	size_t size;        /* of the structure */
	size_t key_at;      /* inner structures in lists: offset of the char * that names an element in paths (`units.a55.clock_hz`) */
	bool keyed;         /* whether key_at counts; otherwise paths use the index (`units[1].clock_hz`) */
	size_t string_at;   /* with `or_string`: where an element given as a bare string is stored (char *); the rest takes defaults */
	bool or_string;
	bool foreign; /* another program's format: unknown keys are skipped */
	bool list;    /* of a file: it is the list in the only row of `fields`, as one JSON array or as JSON Lines */
	const struct field *fields; /* ends with a row whose name is NULL */
};

/* Parses text into *obj (zeroed by this function first), a structure of table t. Errors: `NAME:LINE: PATH: what, remedy`; unknown
 * keys suggest the nearest known one ("did you mean 'gamma'?"). On error *obj is freed and zeroed. The second reads a child that json_each
 * found. */
int field_read(void *obj, const struct field_table *t, const char *text, size_t len, const char *name, struct hx_err *err);
int field_read_item(void *obj, const struct field_table *t, const struct json_item *item, const char *name, struct hx_err *err);
void field_free(void *obj, const struct field_table *t);

/* For checks between fields: HX_INPUT with `NAME:LINE: PATH: ...`, the line being that of path (`units[1].kernels[0].type`, with indices; `[3].x`
 * in a file that is a list) in text, or of its nearest ancestor that is there. */
int field_fail(const char *text, size_t len, const char *name, const char *path, struct hx_err *err, const char *fmt, ...) HX_PRINTF(6, 7);

/* Calls each(arg, path, field, value) for every value present, in table order, with the value as text (shortest that reads back
 * the same; lists as JSON). Numbers that are NAN are skipped. path is e.g. `units.a55.clock_hz`. */
typedef void field_each(void *arg, const char *path, const struct field *f, const char *value);
void field_walk(const void *obj, const struct field_table *t, field_each *each, void *arg);

/* Calls each(arg, path, field, number) for every number present, those of lists one by one (`units.a55.bandwidth.bytes_s[0][2]`), in table order.
 * What obj holds may be changed through it. */
typedef void field_number(void *arg, const char *path, const struct field *f, double *number);
void field_numbers(void *obj, const struct field_table *t, field_number *each, void *arg);

/* Writes obj as a file of table t, which has a schema and at least one value, so that field_read of it gives the same: numbers exactly, what is
 * unknown or empty left out. */
void field_write(FILE *out, const void *obj, const struct field_table *t);

#endif
