/* This machine as the engine runs on it: which units there are, and the processors of each. */
#ifndef DEVICE_MACHINE_H
#define DEVICE_MACHINE_H

#include "core/profile.h"
#include "device/probe.h"
#include "engine/engine.h"

#include <stdio.h>

struct machine {
	struct probe probe;
	struct hx_unit units[HX_MAX_UNITS]; /* without a profile: the clusters, `cpu`, the largest of them, and `opencl` and on: devices that may be here */
	struct hx_engine engine;
	FILE *awake; /* NULL: processors sleep when they are idle */
};

/* Of the units without a profile those that are OpenCL devices: `opencl`, `opencl2` and on. */
enum { MACHINE_DEVICES = 4 };
extern const char *const machine_devices[MACHINE_DEVICES];

/* Units of a profile (borrowed, by the affinity of its CPUs, and by the OpenCL names of others), or with NULL those found here. OpenCL devices are looked for
 * when a mapping wants one. kernels: name of a kernel set, NULL: the fastest. HX_INPUT: a
 * kernel set that cannot be used here; CPUs that the profile names and this machine lacks. The machine stays where it is. */
int machine_init(struct machine *m, const struct profile *profile, const char *kernels, struct hx_err *err);
void machine_free(struct machine *m);

/* Keeps idle processors from sleeping until machine_free (Linux's power management quality of service, for the whole machine): waking one takes tens of
 * microseconds, never twice alike, and small models hand over every hundred. HX_IO: that cannot be asked for here. */
int machine_keep_awake(struct machine *m, struct hx_err *err);

/* Where a device that is a CPU is in nobody's way: the last processor that no CPU of the profile (or NULL) names, or else the last. */
int machine_spare_cpu(const struct probe *p, const struct profile *profile);

/* Processes that ran or waited, over the last minute; NAN: unknown. Beyond MACHINE_BUSY a measurement should say so. */
#define MACHINE_BUSY 0.3
double machine_load(void);

#endif
