/* Devices for people. */
#include "cmd/devices.h"

#include "base/text.h"
#include "cmd/inputs.h"

#include <math.h>

static void print_clusters(const struct probe *p)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},         {"core", "core", REPORT_TEXT, 0, 0},
		{"cpus", "CPUs", REPORT_TEXT, 0, 0},         {"clock_hz", "GHz", REPORT_NUMBER, 3, 1e-9},
		{"governor", "governor", REPORT_TEXT, 0, 0}, {"l1_bytes", "L1 KiB", REPORT_NUMBER, 0, 1. / 1024},
		{"l2_bytes", "L2 KiB", REPORT_NUMBER, 0, 1. / 1024}, {"l3_bytes", "L3 MiB", REPORT_NUMBER, 3, 1. / 1048576},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	char cpus[1024], shown[20], shown_cpus[10];

	for (int i = 0; i < p->n_clusters; i++) {
		const struct probe_cluster *c = &p->clusters[i];

		devices_cpus(c, cpus, sizeof(cpus));
		report_text(r, c->name);
		report_text(r, inputs_shown(shown, sizeof(shown), REPORT_TABLE, c->core));
		report_text(r, inputs_shown(shown_cpus, sizeof(shown_cpus), REPORT_TABLE, cpus));
		report_number(r, c->clock_hz);
		report_text(r, *c->governor ? c->governor : NULL);
		for (int l = 0; l < 3; l++)
			report_number(r, c->cache_bytes[l] > 0 ? c->cache_bytes[l] : NAN);
	}
	report_end(r);
}

static void print_rates(const struct probe *p)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"threads", "threads", REPORT_NUMBER, 0, 0},
		{"read_bytes_s", "reads GB/s", REPORT_NUMBER, 3, 1e-9},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (int i = 0; i < p->n_clusters; i++)
		for (int k = 0; k < p->clusters[i].n_rates; k++) {
			report_text(r, p->clusters[i].name);
			report_number(r, p->clusters[i].rates[k].threads);
			report_number(r, p->clusters[i].rates[k].bytes_s);
		}
	report_end(r);
}

static void print_cpus(const struct probe *p)
{
	bool now = false, measured = false;

	print_clusters(p);
	for (int i = 0; i < p->n_clusters; i++) {
		now |= p->clusters[i].clock_is_now;
		measured |= p->clusters[i].n_rates > 0;
	}
	if (now)
		puts("clocks are those of this moment: the system does not tell the highest");
	if (!measured)
		return;
	puts("");
	print_rates(p);
}

static void print_opencl_names(const struct devices *d)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},         {"device", "OpenCL device", REPORT_TEXT, 0, 0}, {"platform", "platform", REPORT_TEXT, 0, 0},
		{"cores", "cores", REPORT_NUMBER, 0, 0},     {"clock_hz", "GHz", REPORT_NUMBER, 3, 1e-9},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	char name[32], platform[24];

	for (size_t i = 0; i < d->n_cl; i++) {
		report_text(r, devices_unit(i));
		report_text(r, inputs_shown(name, sizeof(name), REPORT_TABLE, d->cl[i].name));
		report_text(r, inputs_shown(platform, sizeof(platform), REPORT_TABLE, d->cl[i].platform));
		report_number(r, d->cl[i].compute_units);
		report_number(r, d->cl[i].clock_hz > 0 ? d->cl[i].clock_hz : NAN);
	}
	report_end(r);
}

static void print_opencl_figures(const struct devices *d)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},           {"memory_bytes", "memory GB", REPORT_NUMBER, 3, 1e-9},
		{"allocation_bytes", "buffer GB", REPORT_NUMBER, 3, 1e-9}, {"shared", "shared", REPORT_BOOL, 0, 0},
		{"fp16", "fp16", REPORT_BOOL, 0, 0},           {"dot", "int8 dot", REPORT_BOOL, 0, 0},
		{"launch_s", "launch us", REPORT_NUMBER, 3, 1e6},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < d->n_cl; i++) {
		const struct hx_cl_info *c = &d->cl[i];

		report_text(r, devices_unit(i));
		report_number(r, c->memory_bytes);
		report_number(r, c->max_alloc_bytes);
		report_number(r, c->unified);
		report_number(r, c->fp16);
		report_number(r, c->dot);
		report_number(r, d->launch_s[i]);
	}
	report_end(r);
}

static void print_opencl(const struct devices *d)
{
	if (*d->no_cl.msg) {
		puts(d->no_cl.msg);
	} else if (!d->n_cl) {
		puts(HX_CL_NONE);
	} else {
		print_opencl_names(d);
		puts("");
		print_opencl_figures(d);
	}
}

void devices_print(const struct devices *d)
{
	const struct probe *p = &d->probe;
	char kernels[128], total[TEXT_MAX], available[TEXT_MAX];

	if (*p->machine || *p->kernel)
		printf("%s%sLinux %s\n", p->machine, *p->machine ? ", " : "", p->kernel);
	devices_kernels(kernels, sizeof(kernels));
	printf("memory: %s, available %s\nkernels: %s\n\n", text_bytes(total, p->memory_bytes), text_bytes(available, p->available_bytes), kernels);
	print_cpus(p);
	puts("");
	print_opencl(d);
	puts("");
	devices_print_profiles(d);
}
