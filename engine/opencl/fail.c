/* What drivers say, for people. */
#include "engine/opencl/internal.h"

#include <stdio.h>

static const struct {
	cl_int code;
	const char *name, *hint;
} codes[] = {
#define NAME(code) code, #code
	{NAME(CL_DEVICE_NOT_FOUND), NULL},
	{NAME(CL_DEVICE_NOT_AVAILABLE), "the device was lost or reset"},
	{NAME(CL_COMPILER_NOT_AVAILABLE), NULL},
	{NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE), "out of device memory"},
	{NAME(CL_OUT_OF_RESOURCES), "the device was lost or reset, or a kernel wants too much of it"},
	{NAME(CL_OUT_OF_HOST_MEMORY), "out of device memory, or of the host's"},
	{NAME(CL_PROFILING_INFO_NOT_AVAILABLE), NULL},
	{NAME(CL_MEM_COPY_OVERLAP), NULL},
	{NAME(CL_BUILD_PROGRAM_FAILURE), NULL},
	{NAME(CL_MAP_FAILURE), "memory of the device cannot be mapped"},
	{NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET), NULL},
	{NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST), "the device was lost or reset"},
	{NAME(CL_COMPILE_PROGRAM_FAILURE), NULL},
	{NAME(CL_LINKER_NOT_AVAILABLE), NULL},
	{NAME(CL_LINK_PROGRAM_FAILURE), NULL},
	{NAME(CL_INVALID_VALUE), NULL},
	{NAME(CL_INVALID_PLATFORM), NULL},
	{NAME(CL_INVALID_DEVICE), "the device was lost or reset"},
	{NAME(CL_INVALID_CONTEXT), NULL},
	{NAME(CL_INVALID_QUEUE_PROPERTIES), NULL},
	{NAME(CL_INVALID_COMMAND_QUEUE), "the device was lost or reset"},
	{NAME(CL_INVALID_HOST_PTR), NULL},
	{NAME(CL_INVALID_MEM_OBJECT), NULL},
	{NAME(CL_INVALID_BINARY), NULL},
	{NAME(CL_INVALID_BUILD_OPTIONS), NULL},
	{NAME(CL_INVALID_PROGRAM), NULL},
	{NAME(CL_INVALID_PROGRAM_EXECUTABLE), NULL},
	{NAME(CL_INVALID_KERNEL_NAME), NULL},
	{NAME(CL_INVALID_KERNEL_DEFINITION), NULL},
	{NAME(CL_INVALID_KERNEL), NULL},
	{NAME(CL_INVALID_ARG_INDEX), NULL},
	{NAME(CL_INVALID_ARG_VALUE), NULL},
	{NAME(CL_INVALID_ARG_SIZE), NULL},
	{NAME(CL_INVALID_KERNEL_ARGS), NULL},
	{NAME(CL_INVALID_WORK_DIMENSION), NULL},
	{NAME(CL_INVALID_WORK_GROUP_SIZE), NULL},
	{NAME(CL_INVALID_WORK_ITEM_SIZE), NULL},
	{NAME(CL_INVALID_GLOBAL_OFFSET), NULL},
	{NAME(CL_INVALID_EVENT_WAIT_LIST), NULL},
	{NAME(CL_INVALID_EVENT), NULL},
	{NAME(CL_INVALID_OPERATION), NULL},
	{NAME(CL_INVALID_BUFFER_SIZE), "a buffer is larger than the device takes"},
	{NAME(CL_INVALID_GLOBAL_WORK_SIZE), NULL},
	{NAME(CL_INVALID_PROPERTY), NULL},
	{NAME(CL_INVALID_COMPILER_OPTIONS), NULL},
#undef NAME
	{-9999, "code -9999, of NVIDIA", "a kernel read or wrote where it must not"},
};
enum { N_CODES = sizeof(codes) / sizeof(*codes) };

const char *hx_cl_code(cl_int code)
{
	static char unnamed[32];

	for (int i = 0; i < N_CODES; i++)
		if (codes[i].code == code)
			return codes[i].name;
	snprintf(unnamed, sizeof(unnamed), "code %d", (int)code);
	return unnamed;
}

int hx_cl_fail(const struct hx_cl *cl, cl_int code, const char *what, struct hx_err *err)
{
	const char *hint = NULL;

	for (int i = 0; i < N_CODES; i++)
		if (codes[i].code == code)
			hint = codes[i].hint;
	return hx_err_set(err, HX_IO, "%s on OpenCL device '%s': %s%s%s%s", what, cl->info.name, hint ? hint : "", hint ? " (" : "", hx_cl_code(code),
			  hint ? ")" : "");
}

char *hx_cl_clean(char *out, size_t size, const char *said)
{
	size_t n = 0;

	for (; *said && n + 1 < size; said++) {
		char c = *said == '\n' || *said == '\t' || *said == '\r' ? ' ' : *said;

		if (c == ' ' && (!n || out[n - 1] == ' '))
			continue;
		out[n++] = c < ' ' || c > '~' ? '?' : c;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}
