/* Counters of energy, of machines made of files. */
#include "device/energy.h"

#include "engine/err.h"
#include "fake_root.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAPL "/sys/class/powercap/intel-rapl:"
#define HWMON "/sys/class/hwmon/hwmon2/energy"

struct file {
	const char *path, *before, *after; /* after NULL: it is gone */
};

static const struct machine_case {
	const char *name;
	struct file files[12];
	int counters;
	double joules;
} machines[] = {
	{"nothing", {{NULL}}, 0, NAN},
	{"two processors, their memory, and parts of them",
	 {{RAPL "0/name", "package-0\n", ""},     {RAPL "0/energy_uj", "1000000\n", "3500000\n"}, {RAPL "0:0/name", "core\n", ""},
	  {RAPL "0:0/energy_uj", "0\n", "900\n"}, {RAPL "0:1/name", "dram\n", ""},		  {RAPL "0:1/energy_uj", "0\n", "250000\n"},
	  {RAPL "1/name", "package-1\n", ""},	  {RAPL "1/energy_uj", "7\n", "7\n"}},
	 3, 2.75},
	{"the platform has all in it",
	 {{RAPL "0/name", "package-0\n", ""}, {RAPL "0/energy_uj", "0\n", "5000000\n"}, {RAPL "1/name", "psys\n", ""}, {RAPL "1/energy_uj", "0\n", "9000000\n"}},
	 1, 9},
	{"it began again",
	 {{RAPL "0/name", "package-0\n", ""}, {RAPL "0/max_energy_range_uj", "262143328850\n", ""}, {RAPL "0/energy_uj", "262143000000\n", "671150\n"}},
	 1, 1},
	{"it began again, nobody knows after what", {{RAPL "0/name", "package-0\n", ""}, {RAPL "0/energy_uj", "500\n", "400\n"}}, 1, NAN},
	{"it can be read no longer", {{RAPL "0/name", "package-0\n", ""}, {RAPL "0/energy_uj", "500\n", NULL}}, 1, NAN},
	{"it is no number", {{RAPL "0/name", "package-0\n", ""}, {RAPL "0/energy_uj", "\n", "\n"}}, 0, NAN},
	{"sensors, of sockets and their cores",
	 {{HWMON "1_input", "0\n", "77\n"}, {HWMON "1_label", "Ecore000\n", ""}, {HWMON "2_input", "0\n", "4000000\n"}, {HWMON "2_label", "Esocket0\n", ""}},
	 1, 4},
	{"a sensor without a label", {{HWMON "1_input", "1\n", "2000001\n"}}, 1, 2},
};

static void readings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		const struct machine_case *m = &machines[i];
		struct energy_reading before, after;
		struct energy e;
		char path[512];

		for (const struct file *f = m->files; f->path; f++)
			put(f->path, f->before);
		energy_init(&e, root);
		if (e.n != m->counters)
			fail_msg("%s: %d counters", m->name, e.n);
		before = energy_read(&e);
		for (const struct file *f = m->files; f->path; f++) {
			snprintf(path, sizeof(path), "%s%s", root, f->path);
			if (!f->after)
				remove(path);
			else if (*f->after)
				put(f->path, f->after);
		}
		after = energy_read(&e);
		check_near(energy_between(&e, &before, &after), m->joules, 1e-9);
		snprintf(path, sizeof(path), "%s/sys", root);
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(readings)};

	return cmocka_run_group_tests(tests, enter, leave);
}
