/* A processing unit as a plan sees it: who it is and what it can take. Speeds belong to the profile. */
#ifndef ENGINE_UNIT_H
#define ENGINE_UNIT_H

#include <stddef.h>

enum { HX_MAX_UNITS = 16 };

enum hx_unit_kind { HX_CPU, HX_GPU, HX_NPU, HX_UNIT_KINDS };
extern const char *const hx_unit_kinds[]; /* NULL-terminated, in the order of the enum */

/* An operator the unit takes, and the tensor types it takes it in (no types: all). */
struct hx_support {
	int op; /* enum hx_op_kind */
	int *types; /* enum hx_type */
	size_t n_types;
};

struct hx_unit {
	char *name; /* as in mappings: `a55`, `g310` */
	int kind;   /* enum hx_unit_kind */
	int cores;  /* CPU cores; for GPUs shader cores, always used together */
	int usable; /* of these, cores that a mapping may use */
	double clock_hz; /* at which a mapping runs it unless it names a lower one */
	struct hx_support *supports; /* none: everything */
	size_t n_supports;
	char *fallback; /* unit that takes what this one cannot; NULL: none */
};

/* The units of one device. Borrowed pointers. */
struct hx_units {
	size_t n;
	const struct hx_unit *v[HX_MAX_UNITS];
};

/* Index of a unit by name, or -1. */
int hx_unit_find(const struct hx_units *units, const char *name, size_t len);

/* Whether the unit takes operator op (enum hx_op_kind) on weights of type (enum hx_type). */
int hx_unit_supports(const struct hx_unit *unit, int op, int type);

#endif
