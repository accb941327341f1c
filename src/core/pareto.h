/* Pareto fronts. */
#ifndef CORE_PARETO_H
#define CORE_PARETO_H

#include <stddef.h>

/* Marks in front[i] the points of v (n rows of k values, all to be minimised, row-major) that no other point beats: at least as good in
 * every value and better in one. Of equal points the first stays. Rows with a NAN are never on the front. Returns how many are. */
size_t pareto_front(const double *v, size_t n, int k, unsigned char *front);

#endif
