/* Buffers of a device, all memory that this program takes there. */
#ifndef ENGINE_OPENCL_MEMORY_H
#define ENGINE_OPENCL_MEMORY_H

#include "engine/opencl/internal.h"

/* Zeroed, in memory that the host can map without a copy where the device shares the host's. HX_IO: it does not fit. Released by hx_cl_release, which takes NULL. */
int hx_cl_buffer(struct hx_cl *cl, size_t bytes, cl_mem *out, struct hx_err *err);
int hx_cl_buffer_of(struct hx_cl *cl, const void *values, size_t bytes, cl_mem *out, struct hx_err *err);
void hx_cl_release(struct hx_cl *cl, cl_mem *m);

/* A buffer that the host is to fill, all of it, and then unmap: *host, where nothing is written yet. */
int hx_cl_buffer_mapped(struct hx_cl *cl, size_t bytes, cl_mem *out, void **host, struct hx_err *err);
int hx_cl_unmap(struct hx_cl *cl, cl_mem m, void *host, struct hx_err *err);

#endif
