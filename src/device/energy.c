/* Counters of energy. */
#include "device/energy.h"

#include "device/probe_internal.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double joule = 1e-6; /* of the counters' unit */

/* What a counter is of decides whether it counts: a part of another one does not. */
static bool is_platform(const char *name)
{
	return strcmp(name, "psys") == 0;
}

static bool is_processor_or_memory(const char *name)
{
	return strncmp(name, "package", 7) == 0 || strcmp(name, "dram") == 0;
}

static bool is_no_core(const char *label)
{
	return strncmp(label, "Ecore", 5) != 0;
}

/* Adds the counters whose name, in a file beside them, is wanted. suffix: of the counter's file, that name_suffix takes the place of. */
static void add(struct energy *e, const char *root, const char *pattern, const char *suffix, const char *name_suffix, bool (*wanted)(const char *name))
{
	char path[320], name[64];
	glob_t found;

	snprintf(path, sizeof(path), "%s%s", root, pattern);
	if (glob(path, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && e->n < ENERGY_COUNTERS; i++) {
		const char *counter = found.gl_pathv[i];
		int stem = (int)(strlen(counter) - strlen(suffix));

		probe_line(name, sizeof(name), "", "%.*s%s", stem, counter, name_suffix);
		if (!wanted(name) || strlen(counter) >= sizeof(*e->paths) || isnan(probe_number("", "%s", counter)))
			continue;
		snprintf(e->paths[e->n], sizeof(*e->paths), "%s", counter);
		e->range_j[e->n++] = probe_number("", "%.*smax_energy_range_uj", stem, counter) * joule;
	}
	globfree(&found);
}

void energy_init(struct energy *e, const char *root)
{
	static const struct {
		const char *pattern, *suffix, *name_suffix;
		bool (*wanted)(const char *name);
	} kinds[] = {
		{"/sys/class/powercap/intel-rapl:*/energy_uj", "energy_uj", "name", is_platform},
		{"/sys/class/powercap/intel-rapl:*/energy_uj", "energy_uj", "name", is_processor_or_memory},
		{"/sys/class/hwmon/hwmon*/energy*_input", "input", "label", is_no_core},
	};

	e->n = 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !e->n; i++)
		add(e, root, kinds[i].pattern, kinds[i].suffix, kinds[i].name_suffix, kinds[i].wanted);
}

struct energy_reading energy_read(const struct energy *e)
{
	struct energy_reading r;

	for (int i = 0; i < e->n; i++)
		r.j[i] = probe_number("", "%s", e->paths[i]) * joule;
	return r;
}

double energy_between(const struct energy *e, const struct energy_reading *before, const struct energy_reading *after)
{
	double sum = e->n ? 0 : NAN;

	for (int i = 0; i < e->n; i++) {
		double j = after->j[i] - before->j[i];

		sum += j < 0 ? j + e->range_j[i] : j;
	}
	return sum;
}
