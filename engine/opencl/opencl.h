/* OpenCL devices as the engine sees them: found, described, opened. No type of OpenCL's is named here; a build without OpenCL finds no device. Units and
 * executors on a device are run.h. */
#ifndef ENGINE_OPENCL_OPENCL_H
#define ENGINE_OPENCL_OPENCL_H

#include "engine/err.h"

#include <stdbool.h>

/* A device as its driver describes it. */
struct hx_cl_info {
	char platform[96], name[96], vendor[64], driver[64], version[96]; /* version: of OpenCL */
	bool is_cpu, is_gpu;      /* a CPU: PoCL and its like; neither: an accelerator */
	int compute_units;
	double clock_hz;          /* 0: unknown */
	double memory_bytes, max_alloc_bytes, local_bytes, cache_bytes;
	bool unified;             /* memory is the host's */
	bool fp16;                /* cl_khr_fp16 */
	bool dot;                 /* int8 dot products: cl_khr_integer_dot_product or cl_arm_integer_dot_product_int8 */
	bool dot_arm;             /* by the latter */
	int work_group_multiple;  /* work-items that run in step; 1 where the device is a CPU, 0: unknown until it is opened */
	int at[2];                /* number of its platform, and in that */
};

/* What to say where there is none. */
#define HX_CL_NONE "no OpenCL device here: install its driver (without a GPU: pocl-opencl-icd)"

/* All devices with a compiler, in the drivers' order; none is no failure. The caller frees *out. HX_IO: the loader fails, or a platform that fails is all there is;
 * a build without OpenCL says so. The first call loads the drivers: with PoCL that takes a while. */
int hx_cl_list(struct hx_cl_info **out, size_t *n, struct hx_err *err);

/* A device as a unit names it. */
struct hx_cl_wish {
	const char *platform, *device; /* what is in their names, POSIX extended expressions, borrowed; NULL: anything */
	int rank;                      /* of those that match, from 0: GPUs before accelerators before CPUs */
};

/* One of all, or NULL. An expression that is none matches nothing. */
const struct hx_cl_info *hx_cl_choose(const struct hx_cl_info *all, size_t n, const struct hx_cl_wish *wish);

struct hx_cl_options {
	int cpu;                /* a device that is a CPU works on this processor alone; -1: as its driver likes */
	bool staged;            /* copies to and from the device even where memory is shared */
	bool as_gpu;            /* a device that is a CPU gets a GPU's kernels: for tests */
	double max_alloc_bytes; /* less than the device's own limit; 0: that */
};

/* An opened device: a context, its queues, its compiled programs. */
struct hx_cl;
int hx_cl_open(struct hx_cl **out, const struct hx_cl_info *which, const struct hx_cl_options *options, struct hx_err *err);
void hx_cl_close(struct hx_cl *cl);
const struct hx_cl_info *hx_cl_about(const struct hx_cl *cl);

/* Seconds from enqueueing an empty kernel until it has run, the median of repeats. */
int hx_cl_launch_s(struct hx_cl *cl, double *out, struct hx_err *err);

/* Since the device was opened. */
struct hx_cl_counts {
	long launches;  /* of kernels */
	long syncs;     /* times that the host waited */
	double held_bytes;
};
struct hx_cl_counts hx_cl_counts(const struct hx_cl *cl);

#endif
