/* The answer of a sweep: for every workload and target quantisation, whether to speculate and how. */
#ifndef OUTPUT_VERDICT_H
#define OUTPUT_VERDICT_H

#include "core/findings.h"

#include <stdio.h>

/* Prints the answer, two lines a quantisation, and which configuration is the fastest of all. */
void verdict_print(const struct predict *p, const struct findings *f, FILE *out);

#endif
