/* The CPUs, one by one: from /sys, and from /proc/cpuinfo where that is missing or says more. */
#include "device/probe_internal.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYS "/sys/devices/system/cpu"

enum { MOST_CPUS = 8192, INDICES = 8 /* entries of a CPU's caches */ };

/* ---- /proc/cpuinfo ---- */

/* A line `KEY : VALUE`, cut in two; NULL: it has no value. */
static char *cut(char *line)
{
	char *colon = strchr(line, ':'), *end;

	if (!colon)
		return NULL;
	for (end = colon; end > line && isspace((unsigned char)end[-1]); end--)
		;
	*end = '\0';
	return colon + 1 + strspn(colon + 1, " \t");
}

static struct probe_cpu *find(struct probe_cpu *cpus, int n, const char *number)
{
	char *end;
	long wanted = strtol(number, &end, 10);

	for (int i = 0; i < n && end > number; i++)
		if (cpus[i].number == wanted)
			return &cpus[i];
	return NULL;
}

static void take_value(struct probe_cpu *c, const char *key, const char *value)
{
	if (strcmp(key, "CPU implementer") == 0)
		c->implementer = (unsigned)strtoul(value, NULL, 0);
	else if (strcmp(key, "CPU part") == 0)
		c->part = (unsigned)strtoul(value, NULL, 0);
	else if (strcmp(key, "model name") == 0 || strcmp(key, "uarch") == 0 || strcmp(key, "cpu model") == 0)
		text_clean(c->model, sizeof(c->model), value);
	else if (strcmp(key, "cpu MHz") == 0 && atof(value) > 0)
		c->now_hz = 1e6 * atof(value);
}

static void read_cpuinfo(char *text, struct probe_cpu *cpus, int n)
{
	struct probe_cpu *at = NULL;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = cut(line);

		if (value && strcmp(line, "processor") == 0)
			at = find(cpus, n, value);
		else if (value && at)
			take_value(at, line, value);
	}
}

/* ---- /sys ---- */

static void read_caches(const char *root, struct probe_cpu *c)
{
	for (int i = 0; i < INDICES; i++) {
		double level = probe_number(root, SYS "/cpu%d/cache/index%d/level", c->number, i), bytes;
		char type[16];

		probe_line(type, sizeof(type), root, SYS "/cpu%d/cache/index%d/type", c->number, i);
		bytes = probe_number(root, SYS "/cpu%d/cache/index%d/size", c->number, i);
		if (!(level >= 1 && level <= PROBE_LEVELS) || !(bytes > 0) || strcmp(type, "Instruction") == 0)
			continue;
		c->caches[(int)level - 1].bytes = bytes;
		probe_line(c->caches[(int)level - 1].shared, sizeof(c->caches[0].shared), root, SYS "/cpu%d/cache/index%d/shared_cpu_list", c->number, i);
	}
}

static void read_midr(const char *root, struct probe_cpu *c)
{
	char text[32];
	unsigned long midr;

	probe_line(text, sizeof(text), root, SYS "/cpu%d/regs/identification/midr_el1", c->number);
	midr = strtoul(text, NULL, 16);
	if (midr) {
		c->implementer = midr >> 24 & 0xff;
		c->part = midr >> 4 & 0xfff;
	}
}

static void read_sys(const char *root, struct probe_cpu *c)
{
	c->max_hz = 1e3 * probe_number(root, SYS "/cpu%d/cpufreq/scaling_max_freq", c->number);
	if (isnan(c->max_hz))
		c->max_hz = 1e3 * probe_number(root, SYS "/cpu%d/cpufreq/cpuinfo_max_freq", c->number);
	c->now_hz = 1e3 * probe_number(root, SYS "/cpu%d/cpufreq/scaling_cur_freq", c->number);
	c->capacity = probe_number(root, SYS "/cpu%d/cpu_capacity", c->number);
	probe_line(c->governor, sizeof(c->governor), root, SYS "/cpu%d/cpufreq/scaling_governor", c->number);
	probe_line(c->siblings, sizeof(c->siblings), root, SYS "/cpu%d/topology/thread_siblings_list", c->number);
	read_midr(root, c);
	read_caches(root, c);
}

/* Hybrid x86 processors have one name for both kinds of cores; the kernel's counters tell them apart. */
static void read_types(const char *root, struct probe_cpu *cpus, int n)
{
	static const char *const types[] = {"core", "atom"};

	for (int t = 0; t < 2; t++) {
		char *list = probe_text(root, "/sys/devices/cpu_%s/cpus", types[t]);

		for (int i = 0; list && i < n; i++)
			if (probe_list_has(list, cpus[i].number))
				snprintf(cpus[i].type, sizeof(cpus[i].type), "%s", types[t]);
		free(list);
	}
}

/* ---- all ---- */

/* Whether a CPU is there: /sys says so, or else /proc/cpuinfo, or else that it may be used. */
static bool online(const char *list, const char *cpuinfo, int number)
{
	char line[32];
	size_t len;

	if (list)
		return probe_list_has(list, number);
	len = (size_t)snprintf(line, sizeof(line), "processor\t: %d", number);
	for (const char *at = cpuinfo; at; at++) {
		if (!(at = strstr(at, line)))
			return false;
		if (!isdigit((unsigned char)at[len]))
			return true;
	}
	return true;
}

struct probe_cpu *probe_cpus(const char *root, const bool *allowed, int n_allowed, int *n)
{
	char *list = probe_text(root, SYS "/online"), *cpuinfo = probe_text(root, "/proc/cpuinfo");
	bool numbered = cpuinfo && strstr(cpuinfo, "processor\t:");
	int most = allowed ? n_allowed : list || numbered ? MOST_CPUS : 0;
	struct probe_cpu *cpus = NULL;

	*n = 0;
	for (int i = 0; i < most; i++) {
		if ((allowed && !allowed[i]) || !online(list, numbered ? cpuinfo : NULL, i))
			continue;
		if ((*n & (*n - 1)) == 0) /* powers of two: space for as many again */
			cpus = hx_xrealloc(cpus, *n ? 2 * (size_t)*n : 1, sizeof(*cpus));
		cpus[*n] = (struct probe_cpu){.number = i};
		read_sys(root, &cpus[(*n)++]);
	}
	if (cpuinfo)
		read_cpuinfo(cpuinfo, cpus, *n);
	read_types(root, cpus, *n);
	free(cpuinfo);
	free(list);
	return cpus;
}
