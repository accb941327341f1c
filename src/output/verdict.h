/* The answer of a sweep: for every workload and target quantisation, whether to speculate and how. */
#ifndef OUTPUT_VERDICT_H
#define OUTPUT_VERDICT_H

#include "core/evaluate.h"

#include <stdio.h>

struct verdict;

struct verdict *verdict_create(const struct predict *p);
void verdict_free(struct verdict *v);

/* Takes the points of a batch into account. */
void verdict_add(struct verdict *v, const struct batch *b);
int64_t verdict_feasible(const struct verdict *v); /* points so far that can run */

/* Prints the answer, two lines a quantisation, and which configuration is the fastest of all. */
void verdict_print(const struct verdict *v, FILE *f);

#endif
