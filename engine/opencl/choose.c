/* Which device is meant. Needs no OpenCL. */
#include "engine/opencl/opencl.h"

#include <regex.h>

/* GPUs before accelerators before CPUs. */
static int order(const struct hx_cl_info *i)
{
	return i->is_gpu ? 0 : i->is_cpu ? 2 : 1;
}

static bool matches(const char *expression, const char *text)
{
	regex_t r;
	bool found;

	if (!expression)
		return true;
	if (regcomp(&r, expression, REG_EXTENDED | REG_NOSUB))
		return false;
	found = regexec(&r, text, 0, NULL, 0) == 0;
	regfree(&r);
	return found;
}

const struct hx_cl_info *hx_cl_choose(const struct hx_cl_info *all, size_t n, const struct hx_cl_wish *wish)
{
	int left = wish->rank;

	for (int kind = 0; kind < 3; kind++)
		for (size_t i = 0; i < n; i++)
			if (order(&all[i]) == kind && matches(wish->platform, all[i].platform) && matches(wish->device, all[i].name) && left-- == 0)
				return &all[i];
	return NULL;
}
