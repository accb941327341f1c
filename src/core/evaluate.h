/* Predicting many points: threads work ahead, batches arrive in order. */
#ifndef CORE_EVALUATE_H
#define CORE_EVALUATE_H

#include "core/findings.h"
#include "core/keeper.h"

enum { EVALUATE_BATCH = 8192 /* points of a batch, where all are kept */ };

/* A run of consecutive points: what was found among them, and those that the keeper may want, in order. */
struct batch {
	int64_t first;
	size_t n;
	struct findings findings;
	struct point *point;
	struct prediction *prediction;
	size_t kept, max;
};

/* Takes a batch, in the order of points, on the calling thread. Non-zero ends the evaluation. */
typedef int evaluate_sink(void *arg, const struct batch *batch);

/* Predicts points [first, last) on `jobs` threads, which sift them for the keeper; the sink may add them to it. Memory is a few batches a
 * thread, whatever the number of points: some 4 MB, and 60 MB where a million are kept. Returns what the sink returned. */
int evaluate(const struct predict *p, int64_t first, int64_t last, int jobs, const struct keeper *keeper, evaluate_sink *sink, void *arg);

#endif
