/* What the files of the probe share. */
#ifndef DEVICE_PROBE_INTERNAL_H
#define DEVICE_PROBE_INTERNAL_H

#include "device/probe.h"

/* The text of a file under root, its last newline cut; NULL: there is none, or nothing in it. The caller frees it. */
char *probe_text(const char *root, const char *fmt, ...) HX_PRINTF(2, 3);

/* The same into buf, cut to fit and cleaned; empty: there is none. */
void probe_line(char *buf, size_t size, const char *root, const char *fmt, ...) HX_PRINTF(4, 5);

/* A file that is one number, with a suffix K or M or none; NAN: there is none. */
double probe_number(const char *root, const char *fmt, ...) HX_PRINTF(2, 3);

/* The value of a line `KEY: VALUE` or `KEY VALUE` of a text as a number; NAN: there is none. */
double probe_value(const char *text, const char *key);

/* Whether a list such as `0-3,8` has a number. */
bool probe_list_has(const char *list, int number);

/* One CPU, as far as the system tells. */
struct probe_cpu {
	int number;
	unsigned implementer, part; /* of an Arm core; 0: unknown */
	char model[96]; /* name of the processor, where that is told */
	char type[8];   /* of a hybrid processor's cores */
	double max_hz, now_hz, capacity; /* NAN: unknown */
	char governor[24];
	char siblings[96]; /* list of the CPUs that are one core */
	struct {
		double bytes;
		char shared[96]; /* list of the CPUs that have it in common */
	} caches[PROBE_LEVELS];
};

/* The CPUs that are online and allowed, ascending; the caller frees them. */
struct probe_cpu *probe_cpus(const char *root, const bool *allowed, int n_allowed, int *n);

/* Name of an Arm core; NULL: not known. */
const char *probe_part(unsigned implementer, unsigned part);

/* Memory under all limits of the control groups; NAN: unknown. */
void probe_memory(const char *root, double *total, double *available);

#endif
