/* Buffers. */
#define _DEFAULT_SOURCE /* madvise */
#include "engine/opencl/memory.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* Advice that matters to a device that is a CPU: streams through small pages are slower. */
static void advise(const struct hx_cl *cl, void *p, size_t bytes)
{
	size_t skip = (PAGE - (size_t)p % PAGE) % PAGE;

	if (cl->info.is_cpu && bytes > skip + PAGE)
		madvise((char *)p + skip, bytes - skip, MADV_HUGEPAGE);
}

static int map(struct hx_cl *cl, cl_mem m, size_t bytes, void **out, struct hx_err *err)
{
	cl_int code;
	void *p = clEnqueueMapBuffer(cl->queue, m, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL, NULL, &code);

	if (code != CL_SUCCESS)
		return hx_cl_fail(cl, code, "mapping a buffer", err);
	*out = p;
	return HX_OK;
}

int hx_cl_unmap(struct hx_cl *cl, cl_mem m, void *host, struct hx_err *err)
{
	cl_int code = clEnqueueUnmapMemObject(cl->queue, m, host, 0, NULL, NULL);

	return code == CL_SUCCESS ? HX_OK : hx_cl_fail(cl, code, "unmapping a buffer", err);
}

static size_t size_of(cl_mem m)
{
	size_t bytes = 0;

	clGetMemObjectInfo(m, CL_MEM_SIZE, sizeof(bytes), &bytes, NULL);
	return bytes;
}

void hx_cl_release(struct hx_cl *cl, cl_mem *m)
{
	if (!*m)
		return;
	cl->counts.held_bytes -= (double)size_of(*m);
	clReleaseMemObject(*m);
	*m = NULL;
}

int hx_cl_buffer_mapped(struct hx_cl *cl, size_t bytes, cl_mem *out, void **host, struct hx_err *err)
{
	cl_int code;
	cl_mem m = clCreateBuffer(cl->context, CL_MEM_READ_WRITE | (cl->info.unified ? CL_MEM_ALLOC_HOST_PTR : 0), bytes, NULL, &code);
	int rc;

	if (code != CL_SUCCESS)
		return hx_cl_fail(cl, code, "taking a buffer", err);
	cl->counts.held_bytes += (double)bytes;
	rc = map(cl, m, bytes, host, err);
	if (rc) {
		hx_cl_release(cl, &m);
		return rc;
	}
	advise(cl, *host, bytes);
	*out = m;
	return HX_OK;
}

/* Filled with values, NULL: zeros. Drivers may put off taking memory until it is used, so it is used here. */
static int fill(struct hx_cl *cl, const void *values, size_t bytes, cl_mem *out, struct hx_err *err)
{
	void *p;
	int rc = hx_cl_buffer_mapped(cl, bytes, out, &p, err);

	if (rc)
		return rc;
	if (values)
		memcpy(p, values, bytes);
	else
		memset(p, 0, bytes);
	rc = hx_cl_unmap(cl, *out, p, err);
	if (rc)
		hx_cl_release(cl, out);
	return rc;
}

int hx_cl_buffer(struct hx_cl *cl, size_t bytes, cl_mem *out, struct hx_err *err)
{
	return fill(cl, NULL, bytes, out, err);
}

int hx_cl_buffer_of(struct hx_cl *cl, const void *values, size_t bytes, cl_mem *out, struct hx_err *err)
{
	return fill(cl, values, bytes, out, err);
}
