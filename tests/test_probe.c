/* The probe, on machines made of files, and on this one. */
#include "device/probe.h"

#include "fake_root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYS "/sys/devices/system/cpu"

/* A file of a CPU; empty: not there. */
static void put_cpu(int cpu, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), SYS "/cpu%d/%s", cpu, name);
	if (text && *text)
		put(path, text);
}

/* CPUs first to last, all the same. */
struct group {
	int first, last;
	const char *midr, *max_khz, *governor, *capacity, *siblings; /* siblings: of every one; NULL: itself */
	struct {
		const char *level, *type, *size, *shared; /* shared NULL: itself */
	} caches[4];
};

static void put_group(const struct group *g)
{
	for (int cpu = g->first; cpu <= g->last; cpu++) {
		char self[16];

		snprintf(self, sizeof(self), "%d\n", cpu);
		put_cpu(cpu, "regs/identification/midr_el1", g->midr);
		put_cpu(cpu, "cpufreq/scaling_max_freq", g->max_khz);
		put_cpu(cpu, "cpufreq/scaling_governor", g->governor);
		put_cpu(cpu, "cpu_capacity", g->capacity);
		put_cpu(cpu, "topology/thread_siblings_list", g->siblings ? g->siblings : self);
		for (int i = 0; i < 4 && g->caches[i].level; i++) {
			char name[48];

			snprintf(name, sizeof(name), "cache/index%d/level", i);
			put_cpu(cpu, name, g->caches[i].level);
			snprintf(name, sizeof(name), "cache/index%d/type", i);
			put_cpu(cpu, name, g->caches[i].type);
			snprintf(name, sizeof(name), "cache/index%d/size", i);
			put_cpu(cpu, name, g->caches[i].size);
			snprintf(name, sizeof(name), "cache/index%d/shared_cpu_list", i);
			put_cpu(cpu, name, g->caches[i].shared ? g->caches[i].shared : self);
		}
	}
}

static void probe_ok(struct probe *p, const bool *allowed, int n)
{
	struct hx_err err;

	if (probe_init_at(p, root, allowed, n, &err))
		fail_msg("%s", err.msg);
}

static void check_cluster(const struct probe_cluster *c, const char *name, const char *core, const char *cpus, double clock_hz, double last_cache_bytes)
{
	char list[128] = "";

	for (int i = 0; i < c->n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%d", i ? " " : "", c->cpus[i]);
	assert_string_equal(c->name, name);
	assert_string_equal(c->core, core);
	assert_string_equal(list, cpus);
	check_near(c->clock_hz, clock_hz, 1e-12);
	check_near(c->last_cache_bytes, last_cache_bytes, 0);
}

#define A55 "0x00000000412fd050\n"
#define A76 "0x00000000414fd0b0\n"
#define L1(size) {"1\n", "Data\n", size, NULL}, {"1\n", "Instruction\n", "64K\n", NULL}

/* Two pairs of A76, whose clocks differ by the luck of the wafer. */
static void rk3588(void **state)
{
	static const struct group groups[] = {
		{0, 3, A55, "1800000\n", "ondemand\n", "530\n", NULL, {L1("32K\n"), {"2\n", "Unified\n", "128K\n", NULL}, {"3\n", "Unified\n", "3072K\n", "0-7\n"}}},
		{4, 5, A76, "2304000\n", "ondemand\n", "1002\n", NULL, {L1("64K\n"), {"2\n", "Unified\n", "512K\n", NULL}, {"3\n", "Unified\n", "3072K\n", "0-7\n"}}},
		{6, 7, A76, "2352000\n", "ondemand\n", "1024\n", NULL, {L1("64K\n"), {"2\n", "Unified\n", "512K\n", NULL}, {"3\n", "Unified\n", "3072K\n", "0-7\n"}}},
	};
	static const bool some[] = {true, false, false, true, false, false, true};
	struct probe p;
	char *fingerprint;

	(void)state;
	for (int i = 0; i < 3; i++)
		put_group(&groups[i]);
	put(SYS "/online", "0-7\n");
	put("/proc/device-tree/model", "Radxa ROCK 5B");
	put("/proc/sys/kernel/osrelease", "6.1.75\n");
	put("/proc/meminfo", "MemTotal:       16000000 kB\nMemFree:        1 kB\nMemAvailable:   12000000 kB\n");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 2);
	check_cluster(&p.clusters[0], "a76", "Cortex-A76", "4 5 6 7", 2.304e9, 3072 * 1024.);
	check_cluster(&p.clusters[1], "a55", "Cortex-A55", "0 1 2 3", 1.8e9, 3072 * 1024.);
	assert_int_equal(p.clusters[0].cores, 4);
	check_near(p.clusters[0].cache_bytes[0], 65536, 0);
	check_near(p.clusters[0].cache_bytes[1], 524288, 0);
	assert_string_equal(p.clusters[0].governor, "ondemand");
	assert_false(p.clusters[0].clock_is_now);
	check_near(p.memory_bytes, 16000000 * 1024., 0);
	check_near(p.available_bytes, 12000000 * 1024., 0);
	fingerprint = probe_fingerprint(&p);
	assert_string_equal(fingerprint,
			    "{\"machine\": \"Radxa ROCK 5B\", \"kernel\": \"6.1.75\", \"memory_bytes\": 16384000000, \"clusters\": ["
			    "{\"name\": \"a76\", \"core\": \"Cortex-A76\", \"cpus\": 4, \"clock_hz\": 2304000000, \"governor\": \"ondemand\"}, "
			    "{\"name\": \"a55\", \"core\": \"Cortex-A55\", \"cpus\": 4, \"clock_hz\": 1800000000, \"governor\": \"ondemand\"}]}");
	free(fingerprint);
	probe_free(&p);

	/* of what the process may use alone */
	probe_ok(&p, some, 7);
	assert_int_equal(p.n_clusters, 2);
	check_cluster(&p.clusters[0], "a76", "Cortex-A76", "6", 2.352e9, 3072 * 1024.);
	check_cluster(&p.clusters[1], "a55", "Cortex-A55", "0 3", 1.8e9, 3072 * 1024.);
	probe_free(&p);
}

/* The small cores' clock is the higher one; an old kernel tells part numbers in /proc/cpuinfo alone, and no caches. */
static void s922x(void **state)
{
	static const struct group groups[] = {{0, 1, NULL, "1896000\n", "performance\n", "515\n", NULL, {{0}}},
					      {2, 5, NULL, "1800000\n", "performance\n", "1024\n", NULL, {{0}}}};
	char cpuinfo[2048] = "";
	struct probe p;

	(void)state;
	for (int i = 0; i < 2; i++)
		put_group(&groups[i]);
	for (int i = 0; i < 6; i++)
		snprintf(cpuinfo + strlen(cpuinfo), sizeof(cpuinfo) - strlen(cpuinfo),
			 "processor\t: %d\nBogoMIPS\t: 48.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
			 "CPU variant\t: 0x0\nCPU part\t: 0x%s\nCPU revision\t: 4\n\n",
			 i, i < 2 ? "d03" : "d09");
	put("/proc/cpuinfo", cpuinfo);
	put(SYS "/online", "0-5");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 2);
	check_cluster(&p.clusters[0], "a73", "Cortex-A73", "2 3 4 5", 1.8e9, 0);
	check_cluster(&p.clusters[1], "a53", "Cortex-A53", "0 1", 1.896e9, 0);
	check_near(p.memory_bytes, NAN, 0);
	probe_free(&p);
}

static void rpi5(void **state)
{
	static const struct group cores = {0, 3, "0x00000000414fd0b1\n", "2400000\n", "ondemand\n", NULL, NULL,
					   {L1("64K\n"), {"2\n", "Unified\n", "512K\n", NULL}}};
	struct probe p;

	(void)state;
	put_group(&cores);
	put(SYS "/online", "0-3\n");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 1);
	check_cluster(&p.clusters[0], "a76", "Cortex-A76", "0 1 2 3", 2.4e9, 4 * 512 * 1024.); /* its own for each core */
	probe_free(&p);
}

/* Three kinds of core, of which two have one name; and one that nobody has heard of. */
static void same_names(void **state)
{
	static const struct group groups[] = {{0, 3, "0x412fd050", "1804800", NULL, "250", NULL, {{0}}},
					      {4, 6, "0x411fd0d0", "2419200", NULL, "800", NULL, {{0}}},
					      {7, 7, "0x411fd0d0", "2841600", NULL, "1024", NULL, {{0}}},
					      {8, 9, "0x7e0f1230", "1000000", NULL, "100", NULL, {{0}}}};
	struct probe p;

	(void)state;
	for (int i = 0; i < 4; i++)
		put_group(&groups[i]);
	put(SYS "/online", "0-9");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 4);
	check_cluster(&p.clusters[0], "a77", "Cortex-A77", "7", 2.8416e9, 0);
	check_cluster(&p.clusters[1], "a77b", "Cortex-A77", "4 5 6", 2.4192e9, 0);
	check_cluster(&p.clusters[2], "a55", "Cortex-A55", "0 1 2 3", 1.8048e9, 0);
	check_cluster(&p.clusters[3], "cpu", "implementer 0x7e part 0x123", "8 9", 1e9, 0);
	probe_free(&p);
}

/* Cores of two threads each stand first with one thread; efficiency cores are told apart. */
static void x86(void **state)
{
	static const struct group groups[] = {
		{0, 1, NULL, "5000000", "powersave", NULL, "0-1\n", {L1("48K\n"), {"2", "Unified", "2048K", "0-1"}, {"3", "Unified", "36M", "0-5"}}},
		{2, 3, NULL, "5200000", "powersave", NULL, "2-3\n", {L1("48K\n"), {"2", "Unified", "2048K", "2-3"}, {"3", "Unified", "36M", "0-5"}}},
		{4, 5, NULL, "3900000", "powersave", NULL, NULL, {L1("32K\n"), {"2", "Unified", "4096K", "4-5"}, {"3", "Unified", "36M", "0-5"}}}};
	char cpuinfo[1024] = "";
	struct probe p;

	(void)state;
	for (int i = 0; i < 6; i++)
		snprintf(cpuinfo + strlen(cpuinfo), sizeof(cpuinfo) - strlen(cpuinfo),
			 "processor\t: %d\nvendor_id\t: GenuineIntel\nmodel name\t: Core i9\ncpu MHz\t\t: 800.%d\n\n", i, i);
	for (int i = 0; i < 3; i++)
		put_group(&groups[i]);
	put("/proc/cpuinfo", cpuinfo);
	put(SYS "/online", "0-5");
	put("/sys/devices/cpu_core/cpus", "0-3\n");
	put("/sys/devices/cpu_atom/cpus", "4-5\n");
	put("/sys/class/dmi/id/sys_vendor", "Maker\n");
	put("/sys/class/dmi/id/product_name", "Box \033[31m9\n");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 2);
	check_cluster(&p.clusters[0], "cpu", "Core i9", "0 2 1 3", 5e9, 36 * 1048576.);
	assert_int_equal(p.clusters[0].cores, 2);
	check_cluster(&p.clusters[1], "ecpu", "Core i9", "4 5", 3.9e9, 36 * 1048576.);
	assert_int_equal(p.clusters[1].cores, 2);
	assert_string_equal(p.machine, "Maker Box ?[31m9");
	probe_free(&p);
}

/* A container without /sys: what /proc tells, and limits of control groups. */
static void container(void **state)
{
	static const bool second[] = {false, true};
	struct probe p, q;
	char *a, *b;

	(void)state;
	put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Server\ncpu MHz\t\t: 2600.5\n\nprocessor\t: 1\nmodel name\t: Server\ncpu MHz\t\t: 3100.0\n");
	put("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\n");
	probe_ok(&p, NULL, 0);
	assert_int_equal(p.n_clusters, 1);
	check_cluster(&p.clusters[0], "cpu", "Server", "0 1", 2.6005e9, 0);
	assert_true(p.clusters[0].clock_is_now);
	a = probe_fingerprint(&p);
	put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Server\n\nprocessor\t: 1\nmodel name\t: Server\n");
	probe_ok(&q, NULL, 0);
	check_near(q.clusters[0].clock_hz, NAN, 0);
	assert_false(q.clusters[0].clock_is_now);
	b = probe_fingerprint(&q);
	assert_string_equal(a, b); /* a clock of the moment does not tell machines apart */
	free(a);
	free(b);
	probe_free(&p);
	probe_free(&q);
	probe_ok(&p, second, 2);
	check_cluster(&p.clusters[0], "cpu", "Server", "1", NAN, 0);
	probe_free(&p);
}

/* What the groups leave: total and available in MB. */
static void check_memory(double total, double available)
{
	struct probe p;

	probe_ok(&p, NULL, 0);
	check_near(p.memory_bytes, total * 1e6, 1e-9);
	check_near(p.available_bytes, available * 1e6, 1e-9);
	probe_free(&p);
}

static void memory_limits(void **state)
{
	(void)state;
	put("/proc/cpuinfo", "processor\t: 0\n");
	put("/proc/meminfo", "MemTotal: 7812500 kB\nMemAvailable: 5859375 kB\n"); /* 8000 and 6000 MB */
	put("/proc/self/cgroup", "0::/a/b\n");
	check_memory(8000, 6000);
	put("/sys/fs/cgroup/a/b/memory.max", "max\n");
	put("/sys/fs/cgroup/a/memory.max", "2000000000\n"); /* of a group around it */
	check_memory(2000, 2000);
	put("/sys/fs/cgroup/a/memory.current", "1500000000\n");
	check_memory(2000, 500);
	put("/sys/fs/cgroup/a/memory.stat", "anon 5\nfile 1200000000\ninactive_file 1000000000\nactive_file 7\n");
	check_memory(2000, 1500);
	put("/sys/fs/cgroup/a/b/memory.max", "1000000000\n");
	put("/sys/fs/cgroup/a/b/memory.current", "1200000000\n");
	check_memory(1000, 0);
	put("/proc/self/cgroup", "2:cpu,memory:/seen/outside\n1:name=memory_too:/\n0::/\n"); /* within a container */
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	check_memory(8000, 6000);
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000000\n");
	put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000000\n");
	put("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 500000000\n");
	check_memory(3000, 2500);
	put("/proc/self/cgroup", "nonsense\n:::\n3\n");
	check_memory(8000, 6000);
}

static void nothing(void **state)
{
	static const bool none[] = {false, false};
	struct probe p;
	struct hx_err err;

	(void)state;
	assert_int_equal(probe_init_at(&p, root, NULL, 0, &err), HX_IO);
	assert_non_null(strstr(err.msg, "no CPU is found"));
	put("/proc/cpuinfo", "processor\t: 0\n");
	put(SYS "/online", "\n\n,,-9-\n");
	put(SYS "/cpu0/cache/index0/level", "99999999999\n");
	put(SYS "/cpu0/cache/index0/size", "K\n");
	assert_int_equal(probe_init_at(&p, root, none, 2, &err), HX_IO);
}

/* This machine, whatever it is. */
static void here(void **state)
{
	struct probe p;
	struct hx_err err;

	(void)state;
	if (probe_init(&p, &err))
		fail_msg("%s", err.msg);
	assert_true(p.n_clusters > 0);
	if (probe_bandwidth(&p, &err))
		fail_msg("%s", err.msg);
	for (int i = 0; i < p.n_clusters; i++) {
		const struct probe_cluster *c = &p.clusters[i];

		assert_true(*c->name && *c->core && c->n > 0 && c->cores > 0 && c->cores <= c->n);
		assert_true(c->n_rates > 0 && c->n_rates <= PROBE_RATES);
		assert_int_equal(c->rates[0].threads, 1);
		assert_int_equal(c->rates[c->n_rates - 1].threads, c->n);
		for (int k = 0; k < c->n_rates; k++)
			assert_true(c->rates[k].bytes_s > 1e6 && c->rates[k].bytes_s < 1e14);
	}
	probe_free(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {TEST(rk3588),    TEST(s922x),         TEST(rpi5),    TEST(same_names), TEST(x86),
					   TEST(container), TEST(memory_limits), TEST(nothing), TEST(here)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
