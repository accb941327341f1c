/* An engine of two units: `cpu`, one processor that this process may use, and `opencl`, the first device; where that is a CPU it works on another processor, if there is
 * one. */
#ifndef TESTS_TWO_UNITS_H
#define TESTS_TWO_UNITS_H

#include "one_cpu.h"

#include <stdlib.h>

static struct hx_unit two_units_opencl = {.name = "opencl", .kind = HX_GPU, .cores = 1, .usable = 1, .clock_hz = 1e9};

/* Whether there is a device; if not, says so once. */
static inline bool two_units_here(void)
{
	static int known = -1;
	struct hx_cl_info *all;
	struct hx_err err = {"there is none"};
	size_t n;

	if (known < 0) {
		known = hx_cl_list(&all, &n, &err) == HX_OK && n > 0;
		if (!known)
			print_message("# no OpenCL device: %s\n", err.msg);
		free(all);
	}
	return known;
}

/* As one_cpu, and a device that is treated so. */
static inline struct hx_engine two_units(const char *kernels, const struct hx_cl_options *options)
{
	struct hx_engine e = one_cpu(kernels);

	e.units.v[e.units.n] = &two_units_opencl;
	e.devices[e.units.n].wanted = true;
	e.devices[e.units.n].options = *options;
	e.devices[e.units.n++].options.cpu = one_cpu_ids[1];
	return e;
}

#endif
