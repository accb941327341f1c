/* A library to preload, with which a function of OpenCL fails from its N-th call on: CL_FAULT=NAME, CL_FAULT_AT=N, CL_FAULT_CODE=CODE. With CL_FAULT_LOST all
 * functions here fail from then on, as those of a device that is gone do. */
#define _GNU_SOURCE /* RTLD_NEXT */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The code to fail with, or CL_SUCCESS. */
static cl_int fault(const char *name)
{
	static int calls, failing;
	const char *which = getenv("CL_FAULT");

	if (which && strcmp(which, name) == 0 && ++calls >= atoi(getenv("CL_FAULT_AT")))
		failing = 1;
	if (failing && (getenv("CL_FAULT_LOST") || strcmp(which, name) == 0))
		return atoi(getenv("CL_FAULT_CODE"));
	return CL_SUCCESS;
}

/* Functions that return a code. */
#define RETURNS_CODE(name, parameters, arguments) \
	CL_API_ENTRY cl_int CL_API_CALL name parameters \
	{ \
		cl_int(*real) parameters = (cl_int(*) parameters)dlsym(RTLD_NEXT, #name); \
		cl_int code = fault(#name); \
\
		return code ? code : real arguments; \
	}

/* Functions that return an object, and the code where `error` points. */
#define RETURNS_OBJECT(type, name, parameters, arguments) \
	CL_API_ENTRY type CL_API_CALL name parameters \
	{ \
		type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
		cl_int code = fault(#name); \
\
		if (!code) \
			return real arguments; \
		if (error) \
			*error = code; \
		return NULL; \
	}

RETURNS_CODE(clGetPlatformIDs, (cl_uint n, cl_platform_id *out, cl_uint *found), (n, out, found))
RETURNS_CODE(clGetDeviceIDs, (cl_platform_id p, cl_device_type type, cl_uint n, cl_device_id *out, cl_uint *found), (p, type, n, out, found))
RETURNS_OBJECT(cl_context, clCreateContext,
	       (const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
		void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *arg, cl_int *error),
	       (properties, n, devices, notify, arg, error))
RETURNS_OBJECT(cl_command_queue, clCreateCommandQueue, (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *error), (c, d, p, error))
RETURNS_CODE(clBuildProgram,
	     (cl_program p, cl_uint n, const cl_device_id *devices, const char *options, void(CL_CALLBACK *notify)(cl_program, void *), void *arg),
	     (p, n, devices, options, notify, arg))
RETURNS_OBJECT(cl_kernel, clCreateKernel, (cl_program p, const char *name, cl_int *error), (p, name, error))
RETURNS_OBJECT(cl_mem, clCreateBuffer, (cl_context c, cl_mem_flags flags, size_t size, void *host, cl_int *error), (c, flags, size, host, error))
RETURNS_CODE(clEnqueueNDRangeKernel,
	     (cl_command_queue q, cl_kernel k, cl_uint dim, const size_t *offset, const size_t *global, const size_t *local, cl_uint n, const cl_event *wait,
	      cl_event *event),
	     (q, k, dim, offset, global, local, n, wait, event))
RETURNS_CODE(clEnqueueReadBuffer,
	     (cl_command_queue q, cl_mem m, cl_bool blocking, size_t at, size_t size, void *out, cl_uint n, const cl_event *wait, cl_event *event),
	     (q, m, blocking, at, size, out, n, wait, event))
RETURNS_CODE(clEnqueueWriteBuffer,
	     (cl_command_queue q, cl_mem m, cl_bool blocking, size_t at, size_t size, const void *in, cl_uint n, const cl_event *wait, cl_event *event),
	     (q, m, blocking, at, size, in, n, wait, event))
RETURNS_OBJECT(void *, clEnqueueMapBuffer,
	       (cl_command_queue q, cl_mem m, cl_bool blocking, cl_map_flags flags, size_t at, size_t size, cl_uint n, const cl_event *wait, cl_event *event,
		cl_int *error),
	       (q, m, blocking, flags, at, size, n, wait, event, error))
RETURNS_CODE(clEnqueueUnmapMemObject, (cl_command_queue q, cl_mem m, void *mapped, cl_uint n, const cl_event *wait, cl_event *event),
	     (q, m, mapped, n, wait, event))
RETURNS_CODE(clWaitForEvents, (cl_uint n, const cl_event *events), (n, events))
RETURNS_CODE(clFinish, (cl_command_queue q), (q))
