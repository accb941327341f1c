/* From CPUs to clusters. */
#define _GNU_SOURCE /* affinity */
#include "device/probe_internal.h"

#include "base/json.h"

#include <ctype.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which CPUs belong together ---- */

/* NAN near NAN only: a core of which nothing is known is like another such. */
static bool near_by(double a, double b)
{
	return isnan(a) || isnan(b) ? isnan(a) && isnan(b) : fabs(a - b) <= .1 * fmax(a, b);
}

/* What cpufreq tells of the highest clock decides, or else what the scheduler knows of the core. A clock of this moment says nothing. */
static bool alike(const struct probe_cpu *a, const struct probe_cpu *b)
{
	bool clocks = !isnan(a->max_hz) && !isnan(b->max_hz);

	return a->implementer == b->implementer && a->part == b->part && strcmp(a->model, b->model) == 0 && strcmp(a->type, b->type) == 0 &&
	       (clocks ? near_by(a->max_hz, b->max_hz) : near_by(a->capacity, b->capacity));
}

static bool faster(const struct probe_cpu *a, const struct probe_cpu *b)
{
	if (a->capacity != b->capacity && !isnan(a->capacity) && !isnan(b->capacity))
		return a->capacity > b->capacity;
	return a->max_hz > b->max_hz;
}

/* ---- names ---- */

static void name_core(struct probe_cluster *c, const struct probe_cpu *cpu)
{
	const char *part = probe_part(cpu->implementer, cpu->part);

	if (part)
		snprintf(c->core, sizeof(c->core), "%s", part);
	else if (cpu->part)
		snprintf(c->core, sizeof(c->core), "implementer 0x%02x part 0x%03x", cpu->implementer, cpu->part);
	else
		snprintf(c->core, sizeof(c->core), "%s", *cpu->model ? cpu->model : "unknown");
	if (strcmp(cpu->type, "atom") == 0)
		snprintf(c->name, sizeof(c->name), "ecpu"); /* efficiency cores */
	else if (!part)
		snprintf(c->name, sizeof(c->name), "cpu");
	else
		snprintf(c->name, sizeof(c->name), "%s", part + (strncmp(part, "Cortex-", 7) == 0 ? 7 : strncmp(part, "Neoverse-", 9) == 0 ? 9 : 0));
	for (char *s = c->name; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* a76, a76b, a76c. */
static void tell_apart(struct probe *p)
{
	for (int i = p->n_clusters; i-- > 0;) {
		size_t len = strlen(p->clusters[i].name);
		int before = 0;

		for (int j = 0; j < i; j++)
			before += strcmp(p->clusters[j].name, p->clusters[i].name) == 0;
		if (before)
			snprintf(p->clusters[i].name + len, sizeof(p->clusters[i].name) - len, "%c", 'a' + before);
	}
}

/* ---- clusters ---- */

/* One CPU of every core, then the second of every core that has one, and so on. */
static void order_cpus(struct probe_cluster *c, const struct probe_cpu **members)
{
	int *turn = hx_xcalloc((size_t)c->n, sizeof(*turn)), at = 0;

	for (int i = 0; i < c->n; i++)
		for (int j = 0; j < i; j++)
			turn[i] += *members[i]->siblings && strcmp(members[i]->siblings, members[j]->siblings) == 0;
	for (int round = 0; at < c->n; round++)
		for (int i = 0; i < c->n; i++)
			if (turn[i] == round) {
				c->cpus[at++] = members[i]->number;
				c->cores += round == 0;
			}
	free(turn);
}

static void add_caches(struct probe_cluster *c, const struct probe_cpu **members)
{
	int last = 0;

	for (int l = 0; l < PROBE_LEVELS; l++) {
		c->cache_bytes[l] = members[0]->caches[l].bytes;
		if (c->cache_bytes[l] > 0)
			last = l;
	}
	for (int i = 0; i < c->n; i++) {
		bool seen = false;

		for (int j = 0; j < i && !seen; j++)
			seen = strcmp(members[i]->caches[last].shared, members[j]->caches[last].shared) == 0;
		if (!seen)
			c->last_cache_bytes += members[i]->caches[last].bytes;
	}
}

static void add_clock(struct probe_cluster *c, const struct probe_cpu **members)
{
	c->clock_is_now = isnan(members[0]->max_hz) && !isnan(members[0]->now_hz);
	c->clock_hz = NAN;
	for (int i = 0; i < c->n; i++)
		c->clock_hz = fmin(c->clock_hz, isnan(members[i]->max_hz) ? members[i]->now_hz : members[i]->max_hz);
	snprintf(c->governor, sizeof(c->governor), "%s", members[0]->governor);
}

static void add_cluster(struct probe *p, const struct probe_cpu **members, int n)
{
	struct probe_cluster *c = &p->clusters[p->n_clusters++];

	c->n = n;
	c->cpus = hx_xcalloc((size_t)n, sizeof(*c->cpus));
	name_core(c, members[0]);
	add_clock(c, members);
	add_caches(c, members);
	order_cpus(c, members);
}

/* The fastest of those left, and all that are like it, until none is left or there are as many units as there may be. */
static void add_clusters(struct probe *p, const struct probe_cpu *cpus, int n)
{
	const struct probe_cpu **members = hx_xcalloc((size_t)n, sizeof(*members));
	bool *taken = hx_xcalloc((size_t)n, sizeof(*taken));
	int left = n;

	while (left > 0 && p->n_clusters < HX_MAX_UNITS) {
		const struct probe_cpu *first = NULL;
		int found = 0;

		for (int i = 0; i < n; i++)
			if (!taken[i] && (!first || faster(&cpus[i], first)))
				first = &cpus[i];
		for (int i = 0; i < n; i++)
			if (!taken[i] && (&cpus[i] == first || alike(&cpus[i], first))) {
				taken[i] = true;
				members[found++] = &cpus[i];
			}
		add_cluster(p, members, found);
		left -= found;
	}
	tell_apart(p);
	free(taken);
	free(members);
}

/* ---- the machine ---- */

static void name_machine(struct probe *p, const char *root)
{
	char vendor[40], product[48];

	probe_line(p->kernel, sizeof(p->kernel), root, "/proc/sys/kernel/osrelease");
	probe_line(p->machine, sizeof(p->machine), root, "/proc/device-tree/model");
	if (*p->machine)
		return;
	probe_line(vendor, sizeof(vendor), root, "/sys/class/dmi/id/sys_vendor");
	probe_line(product, sizeof(product), root, "/sys/class/dmi/id/product_name");
	snprintf(p->machine, sizeof(p->machine), "%s%s%s", vendor, *vendor && *product ? " " : "", product);
}

int probe_init_at(struct probe *p, const char *root, const bool *allowed, int n_allowed, struct hx_err *err)
{
	struct probe_cpu *cpus;
	int n;

	*p = (struct probe){.memory_bytes = NAN, .available_bytes = NAN};
	cpus = probe_cpus(root, allowed, n_allowed, &n);
	if (n == 0)
		return hx_err_set(err, HX_IO, "no CPU is found in '%s/sys' or '%s/proc'", root, root);
	add_clusters(p, cpus, n);
	free(cpus);
	probe_memory(root, &p->memory_bytes, &p->available_bytes);
	name_machine(p, root);
	return HX_OK;
}

int probe_init(struct probe *p, struct hx_err *err)
{
	bool allowed[CPU_SETSIZE];
	cpu_set_t set;

	/* a kernel for more CPUs than the set has fails: all are tried then */
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return probe_init_at(p, "", NULL, 0, err);
	for (int i = 0; i < CPU_SETSIZE; i++)
		allowed[i] = CPU_ISSET(i, &set);
	return probe_init_at(p, "", allowed, CPU_SETSIZE, err);
}

void probe_free(struct probe *p)
{
	for (int i = 0; i < p->n_clusters; i++)
		free(p->clusters[i].cpus);
	*p = (struct probe){0};
}

/* ---- fingerprint ---- */

static void print_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "\"%s\": ", key);
	if (*text)
		json_quote(f, text);
	else
		fputs("null", f);
}

static void print_number(FILE *f, const char *key, double v)
{
	if (isnan(v))
		fprintf(f, ", \"%s\": null", key);
	else
		fprintf(f, ", \"%s\": %.0f", key, v);
}

char *probe_fingerprint(const struct probe *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort(); /* out of memory */
	putc('{', f);
	print_text(f, "machine", p->machine);
	fputs(", ", f);
	print_text(f, "kernel", p->kernel);
	print_number(f, "memory_bytes", p->memory_bytes);
	fputs(", \"clusters\": [", f);
	for (int i = 0; i < p->n_clusters; i++) {
		const struct probe_cluster *c = &p->clusters[i];

		fputs(i ? ", {" : "{", f);
		print_text(f, "name", c->name);
		fputs(", ", f);
		print_text(f, "core", c->core);
		print_number(f, "cpus", c->n);
		print_number(f, "clock_hz", c->clock_is_now ? NAN : c->clock_hz); /* one of this moment would be another the next */
		fputs(", ", f);
		print_text(f, "governor", c->governor);
		putc('}', f);
	}
	fputs("]}", f);
	fclose(f);
	return text;
}
