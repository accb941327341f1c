/* The engine's places: which OpenCL device a unit is on, opened when it is first wanted. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names what is here, as far as there is room. */
static int fail_other(const struct hx_engine *e, int unit, struct hx_err *err)
{
	const struct hx_cl_wish *w = &e->devices[unit].wish;
	char names[512] = "";

	for (size_t i = 0; i < e->n_found; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s'%s' of '%s'", i ? ", " : "", e->found[i].name, e->found[i].platform);
	if (w->rank)
		return hx_err_set(err, HX_IO, "%s: there are not that many OpenCL devices here, only %s", e->units.v[unit]->name, names);
	return hx_err_set(err, HX_IO, "%s: no OpenCL device here matches '%.64s' of '%.64s'; there are %s", e->units.v[unit]->name,
			  w->device ? w->device : ".*", w->platform ? w->platform : ".*", names);
}

static int open_device(struct hx_engine *e, int unit, struct hx_err *err)
{
	struct hx_engine_device *d = &e->devices[unit];
	const struct hx_cl_info *device;
	struct hx_err why;

	if (!e->found && hx_cl_list(&e->found, &e->n_found, &why))
		return hx_err_set(err, HX_IO, "%s: %s", e->units.v[unit]->name, why.msg);
	if (!e->n_found)
		return hx_err_set(err, HX_IO, "%s: " HX_CL_NONE, e->units.v[unit]->name);
	device = hx_cl_choose(e->found, e->n_found, &d->wish);
	return device ? hx_cl_open(&d->cl, device, &d->options, err) : fail_other(e, unit, err);
}

int hx_engine_place(struct hx_engine *e, int unit, int first, int cores, struct hx_place *out, struct hx_err *err)
{
	struct hx_engine_device *d = &e->devices[unit];
	int rc;

	*out = (struct hx_place){0};
	if (!d->wanted)
		return hx_engine_pool(e, unit, first, cores, &out->pool, err);
	rc = d->cl ? HX_OK : open_device(e, unit, err);
	out->cl = d->cl;
	return rc;
}

void hx_engine_place_free(struct hx_engine *e)
{
	for (int i = 0; i < HX_MAX_UNITS; i++) {
		hx_cl_close(e->devices[i].cl);
		e->devices[i].cl = NULL;
	}
	free(e->found);
	e->found = NULL;
	e->n_found = 0;
}
