/* Models placed on mappings: every graph a space can need, built once. */
#ifndef CORE_PLACED_H
#define CORE_PLACED_H

#include "core/space.h"

struct placed {
	char *reason; /* why it cannot run; NULL: it can */
	struct hx_graph graph;
	double streamed[HX_MAX_UNITS]; /* weight bytes that a pass reads on each unit */
	double kv_pos[HX_MAX_UNITS];   /* cache bytes per position on each unit */
	int cores[HX_MAX_UNITS];       /* in use; 0: the unit is not used */
	double clock_hz[HX_MAX_UNITS];
	bool cpu_only;
};

/* Graphs of one model by quantisation (index into the list of types) and mapping. */
struct placements {
	const int *types; /* borrowed */
	size_t n_types, n_maps;
	struct placed *v;
};

/* Places the first `layers` layers of shape. Unplaceable combinations get their reason; nothing fails. */
void placed_init(struct placements *p, const struct study *study, const struct hx_shape *shape, int layers, const int *types, size_t n_types,
		 const struct mappings *maps);
void placed_free(struct placements *p);

/* Two units that would run on one processor: a device that is a CPU works where its affinity says, and a CPU's first cores are taken first. */
struct placed_clash {
	int unit, other, processor; /* the unit is no CPU, if one of them is none */
};

/* Whether there are such, so many cores of each unit (0: none) being in use. */
bool placed_clashes(const struct profile *profile, const int cores[HX_MAX_UNITS], struct placed_clash *out);

const struct placed *placed_find(const struct placements *p, int type, int map);

#endif
