/* Forms: what kernels are built with. */
#include "engine/opencl/form.h"

#include "engine/cpu/pack.h"

#include <stdio.h>

enum { DOT_FLOATS, DOT_KHR, DOT_ARM, DOT_VECTORS };

static int dot_of(const struct hx_cl_info *i)
{
	if (i->dot_arm)
		return DOT_ARM;
	return i->dot ? DOT_KHR : DOT_FLOATS;
}

struct hx_cl_form hx_cl_form(const struct hx_cl *cl)
{
	int items = cl->info.work_group_multiple;

	if (cl->info.is_cpu && !cl->options.as_gpu)
		return (struct hx_cl_form){.out = 16, .lanes = 16, .wg = 16, .dot = DOT_VECTORS};
	items = items < 16 ? 16 : items > 64 ? 64 : items;
	return (struct hx_cl_form){.out = 4, .lanes = 4 * items, .wg = 64, .dot = dot_of(&cl->info)};
}

int hx_cl_kernel(struct hx_cl *cl, const char *file, const char *name, int type, int rows, int d_head, cl_kernel *out, struct hx_err *err)
{
	const struct hx_cl_form form = hx_cl_form(cl);
	char options[400], what[80];
	size_t n = (size_t)snprintf(options, sizeof(options), "-DOUT=%d -DLANES=%d -DWG=%d -DDOT=%d", form.out, form.lanes, form.wg, form.dot);
	cl_program program;
	cl_int code;
	int rc;

	if (type >= 0 && hx_pack_is_float(type)) {
		n += (size_t)snprintf(options + n, sizeof(options) - n, " -D%s", type == HX_F32 ? "F32" : type == HX_F16 ? "F16" : "BF16");
	} else if (type >= 0) {
		const struct hx_pack_layout *l = &hx_pack_layouts[type];

		n += (size_t)snprintf(options + n, sizeof(options) - n, " -DBLOCKS=%d -DHEAD=%d -DCODE=%d -DHIGH=%d -DOFFSET=%d", l->blocks, l->head, l->code, l->high,
				      l->offset);
	} else if (d_head) {
		snprintf(options + n, sizeof(options) - n, " -DD=%d", d_head);
	}
	if (type >= 0)
		snprintf(options + n, sizeof(options) - n, " -DROWS=%d%s", rows ? rows : 1, rows ? "" : " -DEMBED");
	rc = hx_cl_program(cl, file, options, &program, err);
	if (rc)
		return rc;
	*out = clCreateKernel(program, name, &code);
	snprintf(what, sizeof(what), "making kernel %s", name);
	return code == CL_SUCCESS ? HX_OK : hx_cl_fail(cl, code, what, err);
}
