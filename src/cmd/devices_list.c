/* Devices for programs: one table of CPUs and OpenCL devices. */
#include "cmd/devices.h"

#include <math.h>

static const struct report_column columns[] = {
	{"unit", NULL, REPORT_TEXT, 0, 0},
	{"kind", NULL, REPORT_TEXT, 0, 0},
	{"core", NULL, REPORT_TEXT, 0, 0},
	{"cpus", NULL, REPORT_TEXT, 0, 0},
	{"cores", NULL, REPORT_NUMBER, 0, 0},
	{"clock_hz", NULL, REPORT_NUMBER, 0, 0},
	{"clock_is", NULL, REPORT_TEXT, 0, 0},
	{"governor", NULL, REPORT_TEXT, 0, 0},
	{"l1_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"l2_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"l3_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"threads", NULL, REPORT_NUMBER, 0, 0},
	{"read_bytes_s", NULL, REPORT_NUMBER, 0, 0},
	{"kernels", NULL, REPORT_TEXT, 0, 0},
	{"memory_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"available_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"platform", NULL, REPORT_TEXT, 0, 0},
	{"version", NULL, REPORT_TEXT, 0, 0},
	{"driver", NULL, REPORT_TEXT, 0, 0},
	{"allocation_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"local_bytes", NULL, REPORT_NUMBER, 0, 0},
	{"shared", NULL, REPORT_BOOL, 0, 0},
	{"fp16", NULL, REPORT_BOOL, 0, 0},
	{"dot", NULL, REPORT_BOOL, 0, 0},
	{"launch_s", NULL, REPORT_NUMBER, 0, 0},
};

/* Cells of this kind of row that do not apply. */
static void none(struct report *r, int texts, int numbers)
{
	while (texts-- > 0)
		report_text(r, NULL);
	while (numbers-- > 0)
		report_number(r, NAN);
}

static void list_rate(struct report *r, const struct probe *p, const struct probe_cluster *c, const struct probe_rate *rate)
{
	char cpus[1024], kernels[128];

	devices_cpus(c, cpus, sizeof(cpus));
	devices_kernels(kernels, sizeof(kernels));
	report_text(r, c->name);
	report_text(r, "cpu");
	report_text(r, c->core);
	report_text(r, cpus);
	report_number(r, c->cores);
	report_number(r, c->clock_hz);
	report_text(r, isnan(c->clock_hz) ? NULL : c->clock_is_now ? "now" : "highest");
	report_text(r, *c->governor ? c->governor : NULL);
	for (int l = 0; l < 3; l++)
		report_number(r, c->cache_bytes[l] > 0 ? c->cache_bytes[l] : NAN);
	report_number(r, rate ? rate->threads : NAN);
	report_number(r, rate ? rate->bytes_s : NAN);
	report_text(r, kernels);
	report_number(r, p->memory_bytes);
	report_number(r, p->available_bytes);
	none(r, 3, 6);
}

static void list_cluster(struct report *r, const struct probe *p, const struct probe_cluster *c)
{
	for (int k = 0; k < c->n_rates; k++)
		list_rate(r, p, c, &c->rates[k]);
	if (!c->n_rates)
		list_rate(r, p, c, NULL);
}

static void list_opencl(struct report *r, const char *unit, const struct hx_cl_info *i, double launch_s)
{
	report_text(r, unit);
	report_text(r, "opencl");
	report_text(r, i->name);
	report_text(r, NULL);
	report_number(r, i->compute_units);
	report_number(r, i->clock_hz > 0 ? i->clock_hz : NAN);
	none(r, 2, 5);
	report_text(r, NULL);
	report_number(r, i->memory_bytes);
	report_number(r, NAN);
	report_text(r, i->platform);
	report_text(r, i->version);
	report_text(r, i->driver);
	report_number(r, i->max_alloc_bytes);
	report_number(r, i->local_bytes);
	report_number(r, i->unified);
	report_number(r, i->fp16);
	report_number(r, i->dot);
	report_number(r, launch_s);
}

void devices_list(const struct devices *d, enum report_format format)
{
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (int i = 0; i < d->probe.n_clusters; i++)
		list_cluster(r, &d->probe, &d->probe.clusters[i]);
	for (size_t i = 0; i < d->n_cl; i++)
		list_opencl(r, devices_unit(i), &d->cl[i], d->launch_s[i]);
	report_end(r);
}
