/* Memory: of the machine, and what the process's control groups leave of it. */
#include "device/probe_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names of one version's files. */
struct version {
	const char *at, *limit, *usage, *reclaimable;
};
static const struct version v1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
static const struct version v2 = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};

/* Applies the limit of one group. Cached files that nobody reads count as used, but go when memory is needed. */
static void limit_at(const char *root, const struct version *v, const char *group, double *total, double *available)
{
	double limit = probe_number(root, "%s%s/%s", v->at, group, v->limit), used, cached;
	char *stat;

	if (isnan(limit) || !(limit < *total))
		return;
	*total = limit;
	used = probe_number(root, "%s%s/%s", v->at, group, v->usage);
	stat = probe_text(root, "%s%s/memory.stat", v->at, group);
	cached = probe_value(stat, v->reclaimable);
	free(stat);
	if (!isnan(used)) {
		double left = limit - used + (cached > 0 && cached < used ? cached : 0);

		*available = fmin(*available, fmax(left, 0));
	}
}

/* Applies the limits of a group and of all it is in. Within a container the path may be one that is seen outside only: the top is tried last. */
static void limit_from(const char *root, const struct version *v, char *group, double *total, double *available)
{
	for (;;) {
		char *slash = strrchr(group, '/');

		if (slash && !slash[1]) {
			*slash = '\0';
			continue;
		}
		limit_at(root, v, group, total, available);
		if (!slash)
			return;
		*slash = '\0';
	}
}

static bool names_memory(const char *controllers, size_t len)
{
	static const char memory[] = "memory";
	size_t n = sizeof(memory) - 1;

	for (const char *at = controllers; at + n <= controllers + len; at++)
		if (strncmp(at, memory, n) == 0 && (at == controllers || at[-1] == ',') && (at + n == controllers + len || at[n] == ','))
			return true;
	return false;
}

/* Lines are NUMBER:CONTROLLERS:PATH, of version 2 without controllers. */
static void limits(const char *root, double *total, double *available)
{
	char *text = probe_text(root, "/proc/self/cgroup"), *save = NULL;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		controllers++;
		if (controllers == path)
			limit_from(root, &v2, path + 1, total, available);
		else if (names_memory(controllers, (size_t)(path - controllers)))
			limit_from(root, &v1, path + 1, total, available);
	}
	free(text);
}

void probe_memory(const char *root, double *total, double *available)
{
	char *text = probe_text(root, "/proc/meminfo");

	*total = 1024 * probe_value(text, "MemTotal");
	*available = 1024 * probe_value(text, "MemAvailable");
	free(text);
	if (!isnan(*total))
		limits(root, total, available);
	if (*available > *total)
		*available = *total;
}
