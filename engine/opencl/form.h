/* The form that kernels and packed matrices take on a device: a matter of what it is, the same for all models. */
#ifndef ENGINE_OPENCL_FORM_H
#define ENGINE_OPENCL_FORM_H

#include "engine/opencl/internal.h"

/* As common.cl explains. */
struct hx_cl_form {
	int out, lanes, wg, dot;
};

struct hx_cl_form hx_cl_form(const struct hx_cl *cl);

/* The kernel `name` of a program: matmul.cl for a type of weights and a number of rows (type -1: a file without either), built with the device's form and d_head
 * (attend.cl); rows 0: its table. A kernel belongs to the caller, since arguments are set on it. */
int hx_cl_kernel(struct hx_cl *cl, const char *file, const char *name, int type, int rows, int d_head, cl_kernel *out, struct hx_err *err);

#endif
