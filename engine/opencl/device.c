/* Devices: found, described, opened. */
#include "engine/cpu/pool.h"
#include "engine/opencl/form.h"
#include "engine/opencl/threads.h"
#include "engine/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of later versions and of extensions, so not in every cl.h. */
enum { NO_PLATFORMS = -1001, WORK_GROUP_MULTIPLE = 0x1067 };

enum { LAUNCHES = 51 };

/* The process' drivers are loaded here; none is no failure. */
static int find_platforms(cl_platform_id **out, cl_uint *n, struct hx_err *err)
{
	cl_int code;

	*out = NULL;
	*n = 0;
	setenv("POCL_MAX_PTHREAD_COUNT", "1", 0); /* the others would take the processors of the CPU units; PoCL reads it once */
	code = clGetPlatformIDs(0, NULL, n);
	if (code == NO_PLATFORMS)
		return HX_OK;
	if (code == CL_SUCCESS && *n) {
		*out = hx_xcalloc(*n, sizeof(**out));
		code = clGetPlatformIDs(*n, *out, NULL);
	}
	if (code == CL_SUCCESS)
		return HX_OK;
	free(*out);
	*out = NULL;
	return hx_err_set(err, HX_IO, "cannot list the OpenCL platforms: %s", hx_cl_code(code));
}

static cl_int find_devices(cl_platform_id platform, int number, cl_device_id **out, cl_uint *n)
{
	cl_int code;

	*out = NULL;
	*n = 0;
	hx_cl_threads_watch();
	code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, n);
	if (code == CL_SUCCESS && *n) {
		*out = hx_xcalloc(*n, sizeof(**out));
		code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, *n, *out, NULL);
	}
	hx_cl_threads_seen(number);
	if (code != CL_SUCCESS)
		*n = 0;
	return code == CL_DEVICE_NOT_FOUND ? CL_SUCCESS : code;
}

/* As the device says it; the caller frees. */
static char *text(cl_device_id d, cl_device_info what)
{
	char *said;
	size_t n = 0;

	if (clGetDeviceInfo(d, what, 0, NULL, &n))
		n = 0;
	said = hx_xcalloc(n + 1, 1);
	if (n && clGetDeviceInfo(d, what, n, said, NULL))
		*said = '\0';
	return said;
}

static void clean_text(char *out, size_t size, cl_device_id d, cl_device_info what)
{
	char *said = text(d, what);

	hx_cl_clean(out, size, said);
	free(said);
}

static void platform_name(char *out, size_t size, cl_platform_id p)
{
	char said[256];

	if (clGetPlatformInfo(p, CL_PLATFORM_NAME, sizeof(said), said, NULL))
		strcpy(said, "unnamed");
	said[sizeof(said) - 1] = '\0';
	hx_cl_clean(out, size, said);
}

/* A number or a truth, of four or eight bytes; 0: the device does not tell. */
static double number(cl_device_id d, cl_device_info what)
{
	union {
		cl_uint small;
		cl_ulong large;
	} v = {.large = 0};
	size_t size = 0;

	if (clGetDeviceInfo(d, what, sizeof(v), &v, &size))
		return 0;
	return size == sizeof(v.small) ? (double)v.small : (double)v.large;
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += n)
		if ((at == words || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static bool usable(cl_device_id d)
{
	return number(d, CL_DEVICE_AVAILABLE) != 0 && number(d, CL_DEVICE_COMPILER_AVAILABLE) != 0;
}

static void describe(struct hx_cl_info *i, cl_platform_id p, cl_device_id d)
{
	char *extensions = text(d, CL_DEVICE_EXTENSIONS);

	platform_name(i->platform, sizeof(i->platform), p);
	clean_text(i->name, sizeof(i->name), d, CL_DEVICE_NAME);
	clean_text(i->vendor, sizeof(i->vendor), d, CL_DEVICE_VENDOR);
	clean_text(i->driver, sizeof(i->driver), d, CL_DRIVER_VERSION);
	clean_text(i->version, sizeof(i->version), d, CL_DEVICE_VERSION);
	i->is_cpu = ((cl_device_type)number(d, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0;
	i->is_gpu = ((cl_device_type)number(d, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_GPU) != 0;
	i->compute_units = (int)number(d, CL_DEVICE_MAX_COMPUTE_UNITS);
	i->clock_hz = 1e6 * number(d, CL_DEVICE_MAX_CLOCK_FREQUENCY);
	i->memory_bytes = number(d, CL_DEVICE_GLOBAL_MEM_SIZE);
	i->max_alloc_bytes = number(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
	i->local_bytes = number(d, CL_DEVICE_LOCAL_MEM_SIZE);
	i->cache_bytes = number(d, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE);
	i->unified = number(d, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
	i->fp16 = has_word(extensions, "cl_khr_fp16");
	i->dot_arm = has_word(extensions, "cl_arm_integer_dot_product_int8");
	i->dot = i->dot_arm || has_word(extensions, "cl_khr_integer_dot_product");
	i->work_group_multiple = i->is_cpu ? 1 : (int)number(d, WORK_GROUP_MULTIPLE);
	free(extensions);
}

/* Appends the usable devices of a platform. */
static void add_devices(struct hx_cl_info **out, size_t *n, cl_platform_id p, int at, const cl_device_id *devices, cl_uint n_devices)
{
	for (cl_uint k = 0; k < n_devices; k++)
		if (usable(devices[k])) {
			*out = hx_xrealloc(*out, *n + 1, sizeof(**out));
			(*out)[*n] = (struct hx_cl_info){.at = {at, (int)k}};
			describe(&(*out)[(*n)++], p, devices[k]);
		}
}

int hx_cl_list(struct hx_cl_info **out, size_t *n, struct hx_err *err)
{
	struct hx_err failed = {""};
	cl_platform_id *platforms;
	cl_uint n_platforms;
	int rc = find_platforms(&platforms, &n_platforms, err);

	*out = NULL;
	*n = 0;
	for (cl_uint i = 0; i < n_platforms; i++) {
		cl_device_id *devices;
		cl_uint n_devices;
		cl_int code = find_devices(platforms[i], (int)i, &devices, &n_devices);
		char name[96];

		platform_name(name, sizeof(name), platforms[i]);
		if (code != CL_SUCCESS)
			hx_err_set(&failed, HX_IO, "cannot list the devices of OpenCL platform '%s': %s", name, hx_cl_code(code));
		add_devices(out, n, platforms[i], (int)i, devices, n_devices);
		free(devices);
	}
	free(platforms);
	if (rc || *n || !*failed.msg)
		return rc;
	*err = failed;
	return HX_IO;
}

/* Sets platform and device to those that `info` describes, if they are still there. */
static int find(struct hx_cl *cl, struct hx_err *err)
{
	cl_platform_id *platforms;
	cl_device_id *devices = NULL;
	cl_uint n_platforms, n_devices = 0;
	int rc = find_platforms(&platforms, &n_platforms, err);

	if (rc)
		return rc;
	if (cl->info.at[0] < (int)n_platforms)
		find_devices(platforms[cl->info.at[0]], cl->info.at[0], &devices, &n_devices);
	if (cl->info.at[1] < (int)n_devices) {
		cl->platform = platforms[cl->info.at[0]];
		cl->device = devices[cl->info.at[1]];
	}
	free(devices);
	free(platforms);
	return cl->device ? HX_OK : hx_cl_fail(cl, CL_DEVICE_NOT_FOUND, "opening", err);
}

static int create_queue(const struct hx_cl *cl, cl_command_queue_properties properties, cl_command_queue *out, struct hx_err *err)
{
	cl_int code;

	*out = clCreateCommandQueue(cl->context, cl->device, properties, &code);
	return code == CL_SUCCESS ? HX_OK : hx_cl_fail(cl, code, "creating a queue", err);
}

static int create_context(struct hx_cl *cl, struct hx_err *err)
{
	const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)cl->platform, 0};
	cl_int code;

	hx_cl_threads_watch();
	cl->context = clCreateContext(properties, 1, &cl->device, NULL, NULL, &code);
	hx_cl_threads_seen(cl->info.at[0]);
	return code == CL_SUCCESS ? HX_OK : hx_cl_fail(cl, code, "creating a context", err);
}

/* What the driver did not tell of the device it tells of a kernel. */
static int ask_multiple(struct hx_cl *cl, struct hx_err *err)
{
	size_t multiple = 1;
	cl_kernel kernel;
	int rc = hx_cl_kernel(cl, "nothing", "nothing", -1, 0, 0, &kernel, err);

	if (rc)
		return rc;
	clGetKernelWorkGroupInfo(kernel, cl->device, CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE, sizeof(multiple), &multiple, NULL);
	clReleaseKernel(kernel);
	cl->info.work_group_multiple = (int)multiple;
	return HX_OK;
}

int hx_cl_open(struct hx_cl **out, const struct hx_cl_info *which, const struct hx_cl_options *options, struct hx_err *err)
{
	struct hx_cl *cl = hx_xcalloc(1, sizeof(*cl));
	int rc;

	cl->info = *which;
	cl->options = *options;
	cl->max_alloc_bytes = options->max_alloc_bytes > 0 ? fmin(options->max_alloc_bytes, which->max_alloc_bytes) : which->max_alloc_bytes;
	rc = find(cl, err);
	if (!rc)
		rc = create_context(cl, err);
	if (!rc)
		rc = create_queue(cl, 0, &cl->queue, err);
	if (!rc && which->is_cpu && options->cpu >= 0)
		rc = hx_cl_threads_pin(which->at[0], options->cpu, err);
	if (!rc && !which->work_group_multiple)
		rc = ask_multiple(cl, err);
	if (rc)
		hx_cl_close(cl);
	else
		*out = cl;
	return rc;
}

void hx_cl_close(struct hx_cl *cl)
{
	if (!cl)
		return;
	hx_cl_programs_free(cl);
	if (cl->profiled)
		clReleaseCommandQueue(cl->profiled);
	if (cl->queue)
		clReleaseCommandQueue(cl->queue);
	if (cl->context)
		clReleaseContext(cl->context);
	free(cl);
}

const struct hx_cl_info *hx_cl_about(const struct hx_cl *cl)
{
	return &cl->info;
}

struct hx_cl_counts hx_cl_counts(const struct hx_cl *cl)
{
	return cl->counts;
}

int hx_cl_profiled(struct hx_cl *cl, cl_command_queue *out, struct hx_err *err)
{
	int rc = cl->profiled ? HX_OK : create_queue(cl, CL_QUEUE_PROFILING_ENABLE, &cl->profiled, err);

	*out = cl->profiled;
	return rc;
}

void hx_cl_stay_beside(const struct hx_cl *cl)
{
	if (cl->info.is_cpu && cl->options.cpu >= 0)
		hx_pool_bind(cl->options.cpu);
}

static int by_size(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* Times launches of a kernel. */
static cl_int time_launches(const struct hx_cl *cl, cl_kernel kernel, double s[LAUNCHES])
{
	const size_t one = 1;
	cl_int code = CL_SUCCESS;

	for (int i = -1; code == CL_SUCCESS && i < LAUNCHES; i++) { /* the first one may compile */
		double start = hx_trace_now_s();

		code = clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &one, NULL, 0, NULL, NULL);
		if (code == CL_SUCCESS)
			code = clFinish(cl->queue);
		if (i >= 0)
			s[i] = hx_trace_now_s() - start;
	}
	return code;
}

int hx_cl_launch_s(struct hx_cl *cl, double *out, struct hx_err *err)
{
	double s[LAUNCHES];
	cl_kernel kernel;
	cl_int code;
	int rc = hx_cl_kernel(cl, "nothing", "nothing", -1, 0, 0, &kernel, err);

	if (rc)
		return rc;
	hx_cl_stay_beside(cl);
	code = time_launches(cl, kernel, s);
	hx_pool_let_go();
	clReleaseKernel(kernel);
	if (code != CL_SUCCESS)
		return hx_cl_fail(cl, code, "running an empty kernel", err);
	qsort(s, LAUNCHES, sizeof(*s), by_size);
	*out = s[LAUNCHES / 2];
	return HX_OK;
}
