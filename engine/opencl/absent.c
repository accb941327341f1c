/* OpenCL where hexplore was built without it. */
#include "engine/opencl/run.h"

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

double hx_cl_weights_bytes(struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit)
{
	(void)cl, (void)m, (void)type, (void)g, (void)unit;
	return 0;
}

int hx_cl_weights_load(struct hx_cl_weights **out, struct hx_cl *cl, const struct hx_model *m, int type, const struct hx_graph *g, int unit, struct hx_err *err)
{
	(void)out, (void)cl, (void)m, (void)type, (void)g, (void)unit;
	return absent(err);
}

bool hx_cl_weights_suffice(const struct hx_cl_weights *w, const struct hx_cl *cl, const struct hx_graph *g, int unit)
{
	(void)w, (void)cl, (void)g, (void)unit;
	return false;
}

void hx_cl_weights_free(struct hx_cl_weights *w)
{
	(void)w;
}

double hx_cl_run_bytes(const struct hx_graph *g, int unit, const struct hx_cl_run_options *o)
{
	(void)g, (void)unit, (void)o;
	return 0;
}

int hx_cl_run_create(struct hx_cl_run **out, const struct hx_cl_weights *w, const struct hx_graph *g, int unit, const struct hx_cl_rotary *rotary,
		     const struct hx_cl_run_options *o, struct hx_err *err)
{
	(void)out, (void)w, (void)g, (void)unit, (void)rotary, (void)o;
	return absent(err);
}

void hx_cl_run_free(struct hx_cl_run *r)
{
	(void)r;
}

int hx_cl_run_stretch(struct hx_cl_run *r, const struct hx_cl_stretch *s, struct hx_err *err)
{
	(void)r, (void)s;
	return absent(err);
}

void *hx_cl_run_host(struct hx_cl_run *r, enum hx_flow flow)
{
	(void)r, (void)flow;
	return NULL;
}

int hx_cl_run_to_host(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err)
{
	(void)r, (void)h;
	return absent(err);
}

int hx_cl_run_to_device(struct hx_cl_run *r, const struct hx_cl_handover *h, struct hx_err *err)
{
	(void)r, (void)h;
	return absent(err);
}

int hx_cl_run_finish(struct hx_cl_run *r, struct hx_err *err)
{
	(void)r;
	return absent(err);
}

void hx_cl_run_trace(struct hx_cl_run *r, struct hx_trace *t)
{
	(void)r, (void)t;
}
