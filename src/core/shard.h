/* One part of a sweep, for spreading it over processes and machines: who computes which points, into which database. It starts and
 * talks to no other process; what launched this one tells it by environment variables. */
#ifndef CORE_SHARD_H
#define CORE_SHARD_H

#include "engine/err.h"

#include <stdint.h>

/* One of `count` equal parts of a sweep, counted from 1. {1, 1}: all of it. */
struct shard {
	int index, count;
};

/* Parses `I/N` (1 <= I <= N <= 10000), `auto` (what the launcher's environment says) or `auto/N` (N parts in all, where a launcher
 * tells the index, and not how many there are: GNU parallel, PBS, Kubernetes). In an array of MPI jobs the parts multiply. *s is
 * untouched on failure: HX_INPUT. */
int shard_parse(const char *text, struct shard *s, struct hx_err *err);

/* Points [*first, *last) of size >= 0. The parts are contiguous, differ by at most one point, and cover every point once; with more
 * parts than points some are empty. */
void shard_range(const struct shard *s, int64_t size, int64_t *first, int64_t *last);

/* Name of the shard's own database: results/hexplore.db becomes results/hexplore-2-of-4.db, with the index as wide as the count so that
 * names sort. A name without suffix gets the part appended; 1 of 1 is named like any other. The caller frees. */
char *shard_path(const char *db, const struct shard *s);

#endif
