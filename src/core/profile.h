/* A hardware profile: units, memory, links and power of one device, each figure with its source. */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "base/field.h"
#include "engine/unit.h"

/* Arithmetic a kernel uses; rates are per core and cycle. */
enum arithmetic { ARITH_F32, ARITH_F16, ARITH_I8_DOT, ARITH_I8_MUL, ARITH_COUNT };
extern const char *const profile_arithmetics[]; /* NULL-terminated */

/* What is done with the values of a row: by operators without a matrix; by those with one, to what goes in and what comes out, and to that of ffn_up, which is
 * activated. */
enum act_kind { ACT_EMBED, ACT_NORM, ACT_ROPE, ACT_ARGMAX, ACT_MATRIX, ACT_OUT, ACT_GATE, ACT_ATTN, ACT_COUNT };

/* Matrix kernel of a weight type: e(r) = ceiling r/(r + r_half), or a curve measured at `rows`. */
struct kernel {
	int type;       /* enum hx_type */
	int arithmetic; /* enum arithmetic */
	double ceiling, r_half;
	double *rows, *efficiency;
	size_t n_rows, n_efficiency;
};

/* Passes whose times err by their own, on one unit too. */
enum pass_group { PASS_PLAIN, PASS_VERIFY, PASS_DRAFT, PASS_GROUPS };

/* bytes_s[f][c]: bandwidth at footprint_bytes[f] with cores[c]. */
struct bandwidth {
	double *cores, *footprint_bytes;
	size_t n_cores, n_footprints;
	double **bytes_s;
	size_t n_rows, n_cols;
};

struct unit {
	struct hx_unit is;
	char *core;
	double sustained_clock_hz; /* after ten minutes; NAN where unknown */
	double flop_per_cycle[ARITH_COUNT];  /* per core; NAN: no such kernel */
	struct bandwidth bandwidth;
	double *read_bytes_s;     /* by bandwidth.cores: that so many cores read from memory while this was calibrated; n_read 0: unknown */
	size_t n_read;
	struct kernel *kernels;
	size_t n_kernels;
	double attn_efficiency;   /* of attention, at any number of rows; NAN: as the kernel of f16 */
	double attn_softmax;      /* as so many values of a head more, a position's softmax takes; NAN: nothing */
	double small_bytes_s[ACT_COUNT]; /* at which one core takes such values; NAN: as bandwidth says */
	double shared_bytes_s;    /* at which such values but of norms and argmax go from core to core; NAN: at once */
	double p, p_cache;        /* joins the two roofs; where the nearest cache holds all, NAN: as p */
	double launch_s, sync_s;  /* per operator; per segment */
	double barrier_s;         /* beyond these where several cores run it; NAN: none */
	double wake_s;            /* until threads work that slept while a model on other cores ran; NAN: at once */
	double residual;          /* of whole passes from what this profile says, relative standard deviation; NAN: unknown */
	double drawn[PASS_GROUPS]; /* relative, added to the times of operators where one of many draws is priced; else 0 */
	double cache_bytes;       /* last level */
	double mem_limit_bytes, max_alloc_bytes; /* NAN: none */
	int *row_sizes;           /* padded batch sizes, ascending; none: any */
	size_t n_row_sizes;
	int *affinity;            /* CPU numbers on the device */
	size_t n_affinity;
	char *platform, *device;  /* OpenCL match, regular expressions */
};

struct contention {
	char *a, *b;
	double factor_a, factor_b; /* of each one's bandwidth while both stream */
};

struct memory {
	double capacity_bytes, bw_bytes_s; /* bw: all units together */
	struct contention *contention;
	size_t n_contention;
};

struct link {
	char *a, *b;
	double fixed_s, bw_bytes_s;
	bool zero_copy;
};

struct host {
	double h0_s, h0_plain_s;             /* fixed cost of a round; of a plain token */
	double greedy_row_s, sample_vocab_s; /* per row when greedy; per vocabulary entry of a row when sampling */
	char *unit;                          /* runs the host code; NULL: the first CPU */
	bool awake;                          /* idle processors were kept from sleeping */
};

struct reserved_cores {
	char *unit;
	int cores;
};

struct reserved {
	struct reserved_cores *cores;
	size_t n_cores;
	double bw_bytes_s, memory_bytes;
};

struct unit_power {
	char *unit;
	double *active_w; /* above idle, by cores in use (GPU: one figure) */
	size_t n_active;
};

struct power {
	double idle_w, dram_j_byte; /* NAN: unknown */
	struct unit_power *units;
	size_t n_units;
};

struct thermal {
	double r_k_w, c_j_k, trip_c, ambient_c; /* NAN: unknown */
	double *steps_hz;
	size_t n_steps;
};

struct covariance {
	char **parameters;
	size_t n_parameters;
	double **matrix;
	size_t n_rows, n_cols;
};

enum source_kind { SOURCE_MEASURED, SOURCE_DATASHEET, SOURCE_DERIVED, SOURCE_ESTIMATE };

struct source {
	char *path; /* the parameter, or a prefix of paths: `units.a55`, `units.a55.bandwidth` */
	int kind;   /* enum source_kind */
	char *from;
};

enum profile_status { PROFILE_MEASURED, PROFILE_LITERATURE, PROFILE_ESTIMATE };

struct profile {
	char *name, *soc, *description;
	int status; /* enum profile_status */
	struct unit *units;
	size_t n_units;
	struct memory memory;
	struct host host;
	struct reserved reserved;
	struct link *links;
	size_t n_links;
	struct power power;
	struct thermal thermal;
	struct covariance covariance;
	struct source *sources;
	size_t n_sources;

	/* filled by profile_parse */
	struct hx_units is;   /* the units as plans see them */
	int host_unit;        /* index */
};

extern const struct field_table profile_fields;

/* Reads and checks a profile; name stands in errors. The profile's contents belong to the caller: profile_free. */
int profile_parse(struct profile *p, const char *text, size_t len, const char *name, struct hx_err *err);
void profile_free(struct profile *p);

/* Makes a copy, to be changed and freed by itself. */
void profile_copy(struct profile *copy, const struct profile *p);

/* Calls report for every parameter without a source and every source without a parameter; returns how many. */
typedef void profile_report(void *arg, const char *path, const char *what);
int profile_unsourced(const struct profile *p, profile_report *report, void *arg);

/* Calls report for every pair of units, not both CPUs, without a link; returns how many. */
int profile_unlinked(const struct profile *p, profile_report *report, void *arg);

/* The source that speaks of a parameter most closely, or NULL; its kind by name. */
const struct source *profile_source(const struct profile *p, const char *path);
extern const char *const profile_source_kinds[];
extern const char *const profile_statuses[];

/* Index of a unit, or -1. */
int profile_unit(const struct profile *p, const char *name);

/* Link between two units, or NULL where they share memory coherently. */
const struct link *profile_link(const struct profile *p, int a, int b);

/* Kernel of a type on a unit, or NULL. */
const struct kernel *profile_kernel(const struct unit *u, int type);

#endif
