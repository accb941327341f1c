/* hexplore devices: what this machine is. */
#include "cmd/devices.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "device/machine.h"
#include "engine/cpu/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *devices_unit(size_t i)
{
	return i < MACHINE_DEVICES ? machine_devices[i] : NULL;
}

void devices_kernels(char *buf, size_t size)
{
	const struct hx_kernels *const *k = hx_kernels_usable();
	size_t n = 0;

	buf[0] = '\0';
	for (; *k && n < size; k++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : "", (*k)->name);
}

static int by_number(const void *pa, const void *pb)
{
	const int *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

void devices_cpus(const struct probe_cluster *c, char *buf, size_t size)
{
	int *cpus = hx_xcalloc((size_t)c->n, sizeof(*cpus));
	size_t n = 0;

	memcpy(cpus, c->cpus, (size_t)c->n * sizeof(*cpus));
	qsort(cpus, (size_t)c->n, sizeof(*cpus), by_number);
	buf[0] = '\0';
	for (int i = 0, last; i < c->n && n < size; i = last + 1) {
		for (last = i; last + 1 < c->n && cpus[last + 1] == cpus[last] + 1; last++)
			;
		n += (size_t)snprintf(buf + n, size - n, last > i ? "%s%d-%d" : "%s%d", i ? "," : "", cpus[i], cpus[last]);
	}
	free(cpus);
}

/* In the order of their names in mappings. */
static void find_opencl(struct devices *d)
{
	struct hx_cl_info *all;

	if (hx_cl_list(&all, &d->n_cl, &d->no_cl))
		return;
	d->cl = hx_xcalloc(d->n_cl, sizeof(*d->cl));
	d->launch_s = hx_xcalloc(d->n_cl, sizeof(*d->launch_s));
	for (size_t i = 0; i < d->n_cl; i++) {
		d->cl[i] = *hx_cl_choose(all, d->n_cl, &(struct hx_cl_wish){.rank = (int)i});
		d->launch_s[i] = NAN;
	}
	free(all);
}

/* HX_IO: a device fails; the others are measured all the same. */
static int measure_opencl(struct devices *d, struct hx_err *err)
{
	const struct hx_cl_options options = {.cpu = machine_spare_cpu(&d->probe, NULL)};
	struct hx_cl *cl;
	int rc, failed = HX_OK;

	for (size_t i = 0; i < d->n_cl; i++) {
		rc = hx_cl_open(&cl, &d->cl[i], &options, err);
		if (!rc) {
			rc = hx_cl_launch_s(cl, &d->launch_s[i], err);
			hx_cl_close(cl);
		}
		failed = rc ? rc : failed;
	}
	return failed;
}

/* What fails hides nothing of the rest. */
static int measure(struct devices *d, struct hx_err *err)
{
	int opencl = measure_opencl(d, err), cpus = probe_bandwidth(&d->probe, err);

	return opencl ? opencl : cpus;
}

static void devices_free(struct devices *d)
{
	probe_free(&d->probe);
	free(d->cl);
	free(d->launch_s);
}

int cmd_devices(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *format_text = NULL;
	bool help = false, quick = false;
	const struct opt opts[] = {{"quick", 0, NULL, "do not measure how fast memory is read and kernels are launched", NULL, &quick},
				   {"format", 'f', "FMT", "table, csv, json or jsonl", &format_text, NULL},
				   {0}};
	struct devices d = {.cl = NULL};
	enum report_format format;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = report_format_parse(format_text, &format, err)) || (rc = cmd_no_arguments(about, argc, argv, first, err)) ||
	    (rc = probe_init(&d.probe, err)))
		return rc;
	find_opencl(&d);
	if (!quick)
		rc = measure(&d, err);
	if (format == REPORT_TABLE)
		devices_print(&d);
	else
		devices_list(&d, format);
	devices_free(&d);
	return rc;
}
