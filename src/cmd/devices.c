/* hexplore devices: what this machine is. */
#include "device/probe.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/inputs.h"
#include "core/profile.h"
#include "engine/cpu/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Names of the usable kernel sets, fastest first. */
static void list_kernels(char *buf, size_t size)
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

/* 0-3,8; cut where buf ends. */
static void list_cpus(const struct probe_cluster *c, char *buf, size_t size)
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

static const char *or_none(const char *text)
{
	return *text ? text : NULL;
}

/* ---- for programs: a row for every cluster and number of threads ---- */

static void list_rate(struct report *r, const struct probe *p, const struct probe_cluster *c, const struct probe_rate *rate)
{
	char cpus[1024], kernels[128];

	list_cpus(c, cpus, sizeof(cpus));
	list_kernels(kernels, sizeof(kernels));
	report_text(r, c->name);
	report_text(r, c->core);
	report_text(r, cpus);
	report_number(r, c->cores);
	report_number(r, c->clock_hz);
	report_text(r, isnan(c->clock_hz) ? NULL : c->clock_is_now ? "now" : "highest");
	report_text(r, or_none(c->governor));
	for (int l = 0; l < 3; l++)
		report_number(r, c->cache_bytes[l] > 0 ? c->cache_bytes[l] : NAN);
	report_number(r, rate ? rate->threads : NAN);
	report_number(r, rate ? rate->bytes_s : NAN);
	report_text(r, kernels);
	report_number(r, p->memory_bytes);
	report_number(r, p->available_bytes);
}

static void list(const struct probe *p, enum report_format format)
{
	static const struct report_column columns[] = {
		{"unit", NULL, REPORT_TEXT, 0, 0},         {"core", NULL, REPORT_TEXT, 0, 0},           {"cpus", NULL, REPORT_TEXT, 0, 0},
		{"cores", NULL, REPORT_NUMBER, 0, 0},      {"clock_hz", NULL, REPORT_NUMBER, 0, 0},     {"clock_is", NULL, REPORT_TEXT, 0, 0},
		{"governor", NULL, REPORT_TEXT, 0, 0},     {"l1_bytes", NULL, REPORT_NUMBER, 0, 0},     {"l2_bytes", NULL, REPORT_NUMBER, 0, 0},
		{"l3_bytes", NULL, REPORT_NUMBER, 0, 0},   {"threads", NULL, REPORT_NUMBER, 0, 0},      {"read_bytes_s", NULL, REPORT_NUMBER, 0, 0},
		{"kernels", NULL, REPORT_TEXT, 0, 0},      {"memory_bytes", NULL, REPORT_NUMBER, 0, 0}, {"available_bytes", NULL, REPORT_NUMBER, 0, 0},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (int i = 0; i < p->n_clusters; i++) {
		const struct probe_cluster *c = &p->clusters[i];

		for (int k = 0; k < c->n_rates; k++)
			list_rate(r, p, c, &c->rates[k]);
		if (!c->n_rates)
			list_rate(r, p, c, NULL);
	}
	report_end(r);
}

/* ---- for people ---- */

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

		list_cpus(c, cpus, sizeof(cpus));
		report_text(r, c->name);
		report_text(r, inputs_shown(shown, sizeof(shown), REPORT_TABLE, c->core));
		report_text(r, inputs_shown(shown_cpus, sizeof(shown_cpus), REPORT_TABLE, cpus));
		report_number(r, c->clock_hz);
		report_text(r, or_none(c->governor));
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

/* Whether a profile has the machine's CPUs, and no others. */
static bool fits(const struct probe *p, const struct profile *profile)
{
	size_t units = 0, found = 0;

	for (size_t u = 0; u < profile->n_units; u++) {
		const struct unit *unit = &profile->units[u];

		units += unit->is.kind == HX_CPU;
		for (int i = 0; i < p->n_clusters && unit->is.kind == HX_CPU; i++)
			found += strcmp(p->clusters[i].core, unit->core) == 0 && p->clusters[i].cores == unit->is.cores;
	}
	return found == units && units == (size_t)p->n_clusters;
}

/* A profile that cannot be read fits nothing; `profile check` says why. */
static void print_profiles(const struct probe *p)
{
	char **names = input_names(INPUT_PROFILE);

	for (size_t i = 0; names[i]; i++) {
		struct inputs in = {0};
		const struct input *file;
		struct profile profile;
		struct hx_err ignored;

		if (input_find(&in, INPUT_PROFILE, names[i], &file, &ignored) == HX_OK &&
		    profile_parse(&profile, file->text, file->len, file->path, &ignored) == HX_OK) {
			if (fits(p, &profile))
				printf("profile '%s' has these CPUs\n", names[i]);
			profile_free(&profile);
		}
		inputs_free(&in);
	}
	input_names_free(names);
}

static void print(const struct probe *p)
{
	char text[128], total[TEXT_MAX], available[TEXT_MAX];
	bool now = false, measured = false;

	if (*p->machine || *p->kernel)
		printf("%s%sLinux %s\n", p->machine, *p->machine ? ", " : "", p->kernel);
	list_kernels(text, sizeof(text));
	printf("memory: %s, available %s\nkernels: %s\n\n", text_bytes(total, p->memory_bytes), text_bytes(available, p->available_bytes), text);
	print_clusters(p);
	for (int i = 0; i < p->n_clusters; i++) {
		now |= p->clusters[i].clock_is_now;
		measured |= p->clusters[i].n_rates > 0;
	}
	if (now)
		puts("clocks are those of this moment: the system does not tell the highest");
	puts("");
	if (measured) {
		print_rates(p);
		puts("");
	}
	print_profiles(p);
	puts("OpenCL devices are not looked at yet");
}

int cmd_devices(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *format_text = NULL;
	bool help = false, quick = false;
	const struct opt opts[] = {{"quick", 0, NULL, "do not measure how fast memory is read", NULL, &quick},
				   {"format", 'f', "FMT", "table, csv, json or jsonl", &format_text, NULL},
				   {0}};
	enum report_format format;
	struct probe p;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = report_format_parse(format_text, &format, err)) || (rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = probe_init(&p, err)))
		return rc;
	if (!quick)
		rc = probe_bandwidth(&p, err); /* if it fails, the rest is known all the same */
	if (format == REPORT_TABLE)
		print(&p);
	else
		list(&p, format);
	probe_free(&p);
	return rc;
}
