/* Processing units: names and abilities. */
#include "engine/unit.h"

#include <string.h>

const char *const hx_unit_kinds[] = {"cpu", "gpu", "npu", NULL};

int hx_unit_find(const struct hx_units *units, const char *name, size_t len)
{
	for (size_t i = 0; i < units->n; i++)
		if (strlen(units->v[i]->name) == len && memcmp(units->v[i]->name, name, len) == 0)
			return (int)i;
	return -1;
}

int hx_unit_supports(const struct hx_unit *unit, int op, int type)
{
	if (!unit->n_supports)
		return 1;
	for (size_t i = 0; i < unit->n_supports; i++) {
		const struct hx_support *s = &unit->supports[i];

		if (s->op != op)
			continue;
		if (!s->n_types)
			return 1;
		for (size_t k = 0; k < s->n_types; k++)
			if (s->types[k] == type)
				return 1;
	}
	return 0;
}
