/* An engine whose only unit is `cpu`, of two processors that this process may use; where there is but one, both threads share it. */
#ifndef TESTS_ONE_CPU_H
#define TESTS_ONE_CPU_H

#include "check.h"
#include "engine/engine.h"

#include <math.h>
#include <sched.h> /* wants _GNU_SOURCE */

static int one_cpu_ids[2];
static struct hx_unit one_cpu_unit = {.name = "cpu", .kind = HX_CPU, .cores = 2, .usable = 2, .clock_hz = 1e9};

static inline struct hx_engine one_cpu(const char *kernels)
{
	static int n; /* of the first call: later this thread may be bound to one */
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	if (!n)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int i = CPU_SETSIZE - 1; i >= 0 && n < 2; i--)
		if (CPU_ISSET(i, &allowed))
			one_cpu_ids[n++] = i;
	if (n == 1)
		one_cpu_ids[1] = one_cpu_ids[0];
	return (struct hx_engine){.units = {1, {&one_cpu_unit}}, .cpus = {one_cpu_ids}, .kernels = hx_kernels_find(kernels), .memory_bytes = INFINITY};
}

static inline void one_cpu_open(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want)
{
	struct hx_err err = {""};

	if (hx_instance_open(in, e, want, &err))
		fail_msg("%s", err.msg);
}

#endif
