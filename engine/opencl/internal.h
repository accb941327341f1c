/* What the files of this folder share: the only ones that name OpenCL's types. */
#ifndef ENGINE_OPENCL_INTERNAL_H
#define ENGINE_OPENCL_INTERNAL_H

#define CL_TARGET_OPENCL_VERSION 120
#include "engine/opencl/opencl.h"

#include <CL/cl.h>

struct hx_cl_program;

struct hx_cl {
	struct hx_cl_info info;
	struct hx_cl_options options;
	cl_platform_id platform;
	cl_device_id device;
	cl_context context;
	cl_command_queue queue, profiled; /* in order; the second tells when kernels ran, NULL until it is wanted: hx_cl_profiled */
	struct hx_cl_program *programs;   /* built so far */
	size_t n_programs;
	double max_alloc_bytes;
	struct hx_cl_counts counts;
};

/* HX_IO with `what` (a finished clause: "running attend"), the device's name and OpenCL's name of the code; a lost device and a full one are told as such. */
int hx_cl_fail(const struct hx_cl *cl, cl_int code, const char *what, struct hx_err *err);

/* OpenCL's name of a code. */
const char *hx_cl_code(cl_int code);

/* What a driver says, as far as it fits: blanks and line ends are one blank, all else that is not printable ASCII a '?'. Returns out. */
char *hx_cl_clean(char *out, size_t size, const char *said);

/* The calling thread works beside the driver's on a device that is a CPU: between processors, every launch would wake one and fight for a lock. */
void hx_cl_stay_beside(const struct hx_cl *cl);

/* The queue that tells when kernels ran, made when it is first wanted. */
int hx_cl_profiled(struct hx_cl *cl, cl_command_queue *out, struct hx_err *err);

/* The program of that file (`matmul`: matmul.cl behind common.cl, embedded) built with those options, built or read from the cache on disk when it is first asked
 * for. Borrowed. HX_IO: it does not build; the message has the start of the log. */
int hx_cl_program(struct hx_cl *cl, const char *file, const char *options, cl_program *out, struct hx_err *err);
void hx_cl_programs_free(struct hx_cl *cl);

/* The embedded files (made by the Makefile), up to one without a name. */
struct hx_cl_source {
	const char *name, *text;
};
extern const struct hx_cl_source hx_cl_sources[];

/* The source of an embedded file, or NULL. */
const char *hx_cl_source(const char *file);

#endif
