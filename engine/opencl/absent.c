/* OpenCL where hexplore was built without it. */
#include "engine/opencl/opencl.h"

static int absent(struct hx_err *err)
{
	return hx_err_set(err, HX_IO, "this hexplore was built without OpenCL");
}

int hx_cl_list(struct hx_cl_info **out, size_t *n, struct hx_err *err)
{
	*out = NULL;
	*n = 0;
	return absent(err);
}

int hx_cl_open(struct hx_cl **out, const struct hx_cl_info *which, const struct hx_cl_options *options, struct hx_err *err)
{
	(void)out, (void)which, (void)options;
	return absent(err);
}

/* Nothing was opened, so the rest is never called with a device. */
void hx_cl_close(struct hx_cl *cl)
{
	(void)cl;
}

const struct hx_cl_info *hx_cl_about(const struct hx_cl *cl)
{
	(void)cl;
	return NULL;
}

int hx_cl_launch_s(struct hx_cl *cl, double *out, struct hx_err *err)
{
	(void)cl, (void)out;
	return absent(err);
}

struct hx_cl_counts hx_cl_counts(const struct hx_cl *cl)
{
	(void)cl;
	return (struct hx_cl_counts){0};
}
