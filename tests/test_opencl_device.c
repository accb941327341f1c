/* Devices and programs of OpenCL, on whatever device is here: kept off other processors, built once, built again where the file that was kept is damaged. */
#define _GNU_SOURCE /* affinity */
#include "check.h"
#include "engine/opencl/internal.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What common.cl wants. */
#define FORM "-DOUT=4 -DLANES=64 -DWG=16 -DDOT=0"

/* What drivers say of it is longer than a line of ours. */
#define LONG "undeclared_and_long_a;undeclared_and_long_b;undeclared_and_long_c;undeclared_and_long_d;undeclared_and_long_e;undeclared_and_long_f;"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hx_cl_info *devices;
static size_t n_devices;
static char folder[] = "test_opencl_device.XXXXXX";

static int set_up(void **state)
{
	struct hx_err err = {""};

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("HEXPLORE_CACHE", folder, 1);
	if (hx_cl_list(&devices, &n_devices, &err))
		print_message("# %s\n", err.msg);
	return 0;
}

/* Calls visit with the path of each file that was kept; how many there are. */
static int kept(void visit(const char *path))
{
	DIR *d = opendir(folder);
	struct dirent *f;
	char path[512];
	int n = 0;

	while ((f = readdir(d)))
		if (*f->d_name != '.') {
			n++;
			snprintf(path, sizeof(path), "%s/%s", folder, f->d_name);
			if (visit)
				visit(path);
		}
	closedir(d);
	return n;
}

static void drop(const char *path)
{
	unlink(path);
}

static int tear_down(void **state)
{
	(void)state;
	kept(drop);
	rmdir(folder);
	free(devices);
	return 0;
}

static void need_device(void)
{
	if (!n_devices)
		skip();
}

static struct hx_cl *open_first(int cpu)
{
	const struct hx_cl_options options = {.cpu = cpu, .as_gpu = true /* or programs of a device that is a CPU are not kept */};
	struct hx_err err = {""};
	struct hx_cl *cl = NULL;

	if (hx_cl_open(&cl, &devices[0], &options, &err))
		fail_msg("%s", err.msg);
	return cl;
}

static void described(void **state)
{
	(void)state;
	need_device();
	for (size_t i = 0; i < n_devices; i++) {
		const struct hx_cl_info *d = &devices[i];

		assert_true(*d->platform && *d->name && *d->version);
		assert_true(d->compute_units >= 1 && d->memory_bytes > 0 && d->local_bytes > 0);
		assert_true(d->max_alloc_bytes > 0 && d->max_alloc_bytes <= d->memory_bytes);
		assert_false(d->is_cpu && d->is_gpu);
	}
}

/* Threads of this process that may run elsewhere than on cpu, but for the caller. */
static int strays(int cpu)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *t;
	cpu_set_t set;
	int n = 0;

	while ((t = readdir(tasks))) {
		pid_t id = (pid_t)strtol(t->d_name, NULL, 10);

		if (*t->d_name == '.' || id == getpid() || sched_getaffinity(id, sizeof(set), &set))
			continue;
		n += CPU_COUNT(&set) != 1 || !CPU_ISSET(cpu, &set);
	}
	closedir(tasks);
	return n;
}

/* The drivers' threads were started when the devices were listed, and follow; the caller goes where it likes. */
static void pinned(void **state)
{
	cpu_set_t all, after;

	(void)state;
	need_device();
	if (!devices[0].is_cpu)
		skip();
	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0, n = 0; cpu < CPU_SETSIZE && n < 4; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			struct hx_cl *cl = open_first(cpu);
			struct hx_err err;
			double s;

			n++;
			assert_int_equal(hx_cl_launch_s(cl, &s, &err), HX_OK);
			assert_int_equal(strays(cpu), 0);
			hx_cl_close(cl);
		}
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&all, &after));
}

static void launches(void **state)
{
	struct hx_err err;
	struct hx_cl *cl;
	double s = 0;

	(void)state;
	need_device();
	cl = open_first(-1);
	assert_int_equal(hx_cl_launch_s(cl, &s, &err), HX_OK);
	assert_true(s > 0);
	assert_true(hx_cl_about(cl)->work_group_multiple >= 1);
	hx_cl_close(cl);
}

static void profiled(void **state)
{
	cl_command_queue first, second;
	cl_command_queue_properties properties = 0;
	struct hx_err err = {""};
	struct hx_cl *cl;

	(void)state;
	need_device();
	cl = open_first(-1);
	assert_int_equal(hx_cl_profiled(cl, &first, &err), HX_OK);
	assert_int_equal(hx_cl_profiled(cl, &second, &err), HX_OK);
	assert_ptr_equal(first, second);
	clGetCommandQueueInfo(first, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);
	assert_true(properties & CL_QUEUE_PROFILING_ENABLE);
	hx_cl_close(cl);
}

/* A fresh process' view: what was built is only on disk. */
static void build_afresh(const char *options)
{
	struct hx_cl *cl = open_first(-1);
	struct hx_err err = {""};
	cl_program p, again;
	cl_kernel k;
	cl_int code;

	if (hx_cl_program(cl, "nothing", options, &p, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(hx_cl_program(cl, "nothing", options, &again, &err), HX_OK);
	assert_ptr_equal(p, again);
	k = clCreateKernel(p, "nothing", &code);
	assert_int_equal(code, CL_SUCCESS);
	clReleaseKernel(k);
	hx_cl_close(cl);
}

static void flip(const char *path)
{
	FILE *f = fopen(path, "r+b");
	int c;

	fseek(f, 40, SEEK_SET);
	c = fgetc(f);
	fseek(f, 40, SEEK_SET);
	fputc(c ^ 1, f);
	fclose(f);
}

static void halve(const char *path)
{
	struct stat s;

	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(truncate(path, s.st_size / 2), 0);
}

static void empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void lengthen(const char *path)
{
	FILE *f = fopen(path, "ab");

	fputc('x', f);
	fclose(f);
}

/* A whole file of ours, but of no program: zeros, and their FNV-1a (computed elsewhere). */
static void forge(const char *path)
{
	static const char zeros[4096];
	const uint64_t n = sizeof(zeros), hash = UINT64_C(0xb93a0c83ce3b6325);
	FILE *f = fopen(path, "wb");

	fwrite("hxclbin1", 1, 8, f);
	fwrite(&n, sizeof(n), 1, f);
	fwrite(&hash, sizeof(hash), 1, f);
	fwrite(zeros, 1, sizeof(zeros), f);
	fclose(f);
}

static char content[2][1 << 20];
static size_t length[2];
static int which;

static void take(const char *path)
{
	FILE *f = fopen(path, "rb");

	length[which] = fread(content[which], 1, sizeof(content[which]), f);
	fclose(f);
}

static void built_once(void **state)
{
	static void (*const damages[])(const char *path) = {flip, halve, empty, lengthen, forge, drop};

	(void)state;
	need_device();
	kept(drop);
	build_afresh(FORM);
	assert_int_equal(kept(NULL), 1);
	which = 0;
	kept(take);
	for (size_t i = 0; i < COUNT(damages); i++) {
		kept(damages[i]);
		build_afresh(FORM);
		which = 1;
		if (kept(take) != 1 || length[0] != length[1] || memcmp(content[0], content[1], 32))
			fail_msg("damage %zu is not repaired", i);
	}
	build_afresh(FORM " -DX=1");
	assert_int_equal(kept(NULL), 2);
}

/* Without a folder everything works as well. */
static void without_cache(void **state)
{
	static const char *const folders[] = {"", "test_opencl_device.none/deeper"};

	(void)state;
	need_device();
	kept(drop);
	for (size_t i = 0; i < COUNT(folders); i++) {
		setenv("HEXPLORE_CACHE", folders[i], 1);
		build_afresh(FORM);
	}
	setenv("HEXPLORE_CACHE", folder, 1);
	assert_int_equal(kept(NULL), 0);
}

static void does_not_build(void **state)
{
	struct hx_err err = {""};
	cl_program p;
	struct hx_cl *cl;

	(void)state;
	need_device();
	kept(drop);
	cl = open_first(-1);
	assert_int_equal(hx_cl_program(cl, "nothing", FORM " -Dnothing=+", &p, &err), HX_IO);
	if (!strstr(err.msg, devices[0].name) || !strstr(err.msg, "does not build nothing.cl: ") || !strstr(err.msg, "error"))
		fail_msg("%s", err.msg);
	assert_int_equal(hx_cl_program(cl, "nothing", FORM " -Dnothing=" LONG LONG LONG LONG, &p, &err), HX_IO);
	if (!strstr(err.msg, "... all of it is in ") || !strstr(err.msg, folder) || kept(NULL) != 1)
		fail_msg("%s", err.msg);
	assert_int_equal(hx_cl_program(cl, "nowhere", "", &p, &err), HX_IO);
	assert_string_equal(err.msg, "there is no program 'nowhere'");
	hx_cl_close(cl);
}

static void gone(void **state)
{
	struct hx_cl_info d = {.name = "gone", .at = {99, 0}};
	const struct hx_cl_options options = {.cpu = -1};
	struct hx_err err = {""};
	struct hx_cl *cl;

	(void)state;
	assert_int_equal(hx_cl_open(&cl, &d, &options, &err), HX_IO);
	assert_string_equal(err.msg, "opening on OpenCL device 'gone': CL_DEVICE_NOT_FOUND");
}

static void says(void **state)
{
	static const struct {
		cl_int code;
		const char *message;
	} cases[] = {
		{CL_OUT_OF_RESOURCES, "running attend on OpenCL device 'd': the device was lost or reset, or a kernel wants too much of it (CL_OUT_OF_RESOURCES)"},
		{CL_MEM_OBJECT_ALLOCATION_FAILURE, "running attend on OpenCL device 'd': out of device memory (CL_MEM_OBJECT_ALLOCATION_FAILURE)"},
		{CL_INVALID_KERNEL, "running attend on OpenCL device 'd': CL_INVALID_KERNEL"},
		{-12345, "running attend on OpenCL device 'd': code -12345"},
	};
	static const struct {
		const char *said, *clean;
	} names[] = {{"  Mali-G610\tr0p0\n", "Mali-G610 r0p0"}, {"a\033[31mb", "a?[31mb"}, {"caf\303\251", "caf??"}, {"0123456789abcdef", "0123456789abcde"}, {"", ""}};
	const struct hx_cl cl = {.info = {.name = "d"}};
	struct hx_err err;
	char text[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(hx_cl_fail(&cl, cases[i].code, "running attend", &err), HX_IO);
		assert_string_equal(err.msg, cases[i].message);
	}
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(hx_cl_clean(text, sizeof(text), names[i].said), names[i].clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described), cmocka_unit_test(pinned),        cmocka_unit_test(launches),       cmocka_unit_test(profiled), cmocka_unit_test(built_once),
		cmocka_unit_test(without_cache), cmocka_unit_test(does_not_build), cmocka_unit_test(gone), cmocka_unit_test(says),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
