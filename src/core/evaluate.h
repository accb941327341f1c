/* Predicting many points: threads work ahead, batches arrive in order. */
#ifndef CORE_EVALUATE_H
#define CORE_EVALUATE_H

#include "core/predict.h"

enum { EVALUATE_BATCH = 4096 };

/* A run of consecutive points with their predictions. */
struct batch {
	int64_t first;
	size_t n;
	struct point point[EVALUATE_BATCH];
	struct prediction prediction[EVALUATE_BATCH];
};

/* Takes a batch, in the order of points, on the calling thread. Non-zero ends the evaluation. */
typedef int evaluate_sink(void *arg, const struct batch *batch);

/* Predicts points [first, last) on `jobs` threads. Memory is a few batches a thread, whatever the number of points. Returns what the sink
 * returned. */
int evaluate(const struct predict *p, int64_t first, int64_t last, int jobs, evaluate_sink *sink, void *arg);

#endif
