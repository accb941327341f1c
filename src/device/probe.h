/* What this machine is: its CPU clusters and its memory. Reads what the system tells and times reads of memory; leaves kernels to calibrate. */
#ifndef DEVICE_PROBE_H
#define DEVICE_PROBE_H

#include "engine/err.h"
#include "engine/unit.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROBE_LEVELS = 4 /* of caches */, PROBE_RATES = 12 };

/* Bytes a second that so many threads read from memory together; threads ascend. */
struct probe_rate {
	int threads;
	double bytes_s;
};

/* CPUs of one kind of core, and of clocks no more than a tenth apart: a unit for mappings. */
struct probe_cluster {
	char name[40];  /* of the unit: a76; a second cluster of that name is a76b */
	char core[96];  /* Cortex-A76; where there are no such numbers the processor's name, or `unknown` */
	int *cpus, n;   /* those the process may use: one of every core, then their siblings */
	int cores;
	double clock_hz;     /* the highest, of the slowest core; NAN: unknown */
	bool clock_is_now;   /* it is only what the clock was when asked */
	char governor[24];   /* of the clock; empty: unknown */
	double cache_bytes[PROBE_LEVELS]; /* data caches from level 1, of one each; 0: none, or unknown */
	double last_cache_bytes;          /* all that its cores have of the last level */
	struct probe_rate rates[PROBE_RATES]; /* once measured (probe_bandwidth) */
	int n_rates;
};

struct probe {
	char machine[96]; /* name of the board or product; empty: unknown */
	char kernel[96];  /* release; empty: unknown */
	struct probe_cluster clusters[HX_MAX_UNITS]; /* fastest first */
	int n_clusters;
	double memory_bytes, available_bytes; /* under the limits of this process's control groups; NAN: unknown */
};

/* This machine, as far as this process may use it. HX_IO: it has no CPU that can be found. */
int probe_init(struct probe *p, struct hx_err *err);

/* The machine whose /proc and /sys lie under root; allowed[i]: CPU i may be used, NULL: all. */
int probe_init_at(struct probe *p, const char *root, const bool *allowed, int n_allowed, struct hx_err *err);
void probe_free(struct probe *p);

/* Measures the rates of all clusters, in less than three seconds: medians of repeated reads of a buffer of four times the last caches, or a quarter
 * of the memory available. The calling thread stays pinned to one CPU
 * (hx_pool_run), which is then all that another probe would find. */
int probe_bandwidth(struct probe *p, struct hx_err *err);

/* Memory to time reads of. */
struct probe_reader {
	const unsigned char *buffer;
	int64_t bytes;
};

/* As much as probe_bandwidth reads. HX_IO: there is too little memory. Freed with free(buffer). */
int probe_reader_init(struct probe_reader *r, const struct probe *p, struct hx_err *err);

/* Whether memory that is so many times as fast is in the same state: what others do on a shared host, or heat, makes it half as fast. */
bool probe_is_calm(double speed);

/* Seconds of one read of all of it, shared by the threads of a pool. */
struct hx_pool;
double probe_read_s(const struct probe_reader *r, struct hx_pool *pool);

/* What distinguishes this machine, in its present state, from others, as JSON; equal for equal machines. The caller frees it. */
char *probe_fingerprint(const struct probe *p);

#endif
