/* The design space of a study: which points there are, and the i-th of them.
 *
 * Points are numbered from 0: first plain decoding (no drafter), then one block a drafter; within a block gamma varies fastest, then mode,
 * drafter mapping and quantisation, target mapping, clock, target quantisation, workload. A point's id is its number + 1. */
#ifndef CORE_SPACE_H
#define CORE_SPACE_H

#include "core/study.h"

#include <stdint.h>

enum { SPACE_PLAIN = -1 }; /* drafter of plain points */

/* Of one model: at the sweep's first clock, then as many at the second, and so on. */
struct mappings {
	struct hx_mapping *v;
	size_t n, max;
};

struct point {
	int64_t index;
	int workload; /* index into the sweep's workloads */
	int target_type, draft_type; /* enum hx_type */
	int target_map, draft_map;   /* indices into the space's mappings; draft_map -1 without a drafter model */
	int drafter;  /* index into the study's drafters, or SPACE_PLAIN */
	int mode;     /* enum hx_mode */
	int gamma;    /* 0: plain */
};

struct space {
	const struct study *study; /* borrowed */
	struct mappings target;
	struct mappings *draft; /* one a drafter; empty but for models */
	int *gamma;             /* the sweep's, without 0 */
	size_t n_gamma;
	int64_t n_plain, size;
};

/* HX_INPUT: a mapping that does not fit the profile or the model. */
int space_init(struct space *s, const struct study *study, struct hx_err *err);
void space_free(struct space *s);

/* Index of a draft length in gamma; n_gamma when the space has it not. */
size_t space_gamma(const struct space *s, int gamma);

/* Whether two points are of one pair: they differ in gamma and index at most. */
bool space_same_pair(const struct point *a, const struct point *b);

/* The point of number i in [0, size). */
struct point space_point(const struct space *s, int64_t i);

#endif
