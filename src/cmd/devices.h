/* What `devices` has found, and who tells it. */
#ifndef CMD_DEVICES_H
#define CMD_DEVICES_H

#include "device/probe.h"
#include "engine/opencl/opencl.h"
#include "output/report.h"

struct devices {
	struct probe probe;
	struct hx_cl_info *cl; /* OpenCL devices, as opencl, opencl2 and on */
	double *launch_s;      /* of each; NAN: not measured */
	size_t n_cl;
	struct hx_err no_cl;   /* why there can be none; empty: none is just what was found */
};

/* The name of the i-th OpenCL device in mappings; NULL: it has none. */
const char *devices_unit(size_t i);

/* CPUs of a cluster as 0-3,8; cut where buf ends. */
void devices_cpus(const struct probe_cluster *c, char *buf, size_t size);

/* Names of the usable kernel sets, fastest first. */
void devices_kernels(char *buf, size_t size);

/* For programs: a row for every cluster and number of threads, and for every OpenCL device. */
void devices_list(const struct devices *d, enum report_format format);

/* For people. */
void devices_print(const struct devices *d);

/* Which profiles fit, or what the nearest lacks. */
void devices_print_profiles(const struct devices *d);

#endif
