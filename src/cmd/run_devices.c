/* What a run asked of devices. */
#include "cmd/run_devices.h"

#include "base/text.h"

#include <stdio.h>

static const char *const names[RUN_DEVICES_MODELS] = {"target", "drafter"};

static const struct hx_instance *model(const struct runner *r, int i)
{
	return i ? &r->draft : &r->target;
}

static void tell_memory(const struct hx_instance *in, const char *name, const char *unit)
{
	char host[TEXT_MAX], device[TEXT_MAX];

	fprintf(stderr, "memory: %s %s", name, text_bytes(host, hx_instance_host_bytes(in)));
	if (unit)
		fprintf(stderr, " on CPUs, %s on %s", text_bytes(device, in->device_bytes), unit);
	fputc('\n', stderr);
}

void run_devices_begin(struct run_devices *d, const struct runner *r)
{
	for (int i = 0; i < RUN_DEVICES_MODELS; i++) {
		const char *unit;
		struct hx_cl *cl = model(r, i)->exec ? hx_instance_device(model(r, i), &unit) : NULL;

		if (cl)
			d->before[i] = hx_cl_counts(cl);
	}
}

void run_devices_tell(const struct run_devices *d, const struct runner *r, const struct hx_generated *g)
{
	struct hx_cl *told = NULL;

	for (int i = 0; i < RUN_DEVICES_MODELS && model(r, i)->exec; i++) {
		const char *unit = NULL;
		struct hx_cl *cl = hx_instance_device(model(r, i), &unit);
		int rounds = g->n_rounds - 1, tokens = rounds > 0 ? g->n_tokens - 2 - g->rounds[0].accepted : 0;
		struct hx_cl_counts now;

		tell_memory(model(r, i), names[i], unit);
		if (!cl || cl == told || tokens < 1)
			continue;
		now = hx_cl_counts(cl);
		fprintf(stderr, "%s: %.4g launches a token, %.3g syncs a round\n", unit, (double)(now.launches - d->before[i].launches) / tokens,
			(double)(now.syncs - d->before[i].syncs) / rounds);
		told = cl;
	}
}
