/* The chart of predictions beside measurements. */
#ifndef OUTPUT_PLOT_VALIDATION_H
#define OUTPUT_PLOT_VALIDATION_H

#include "output/plot.h"

enum { PLOT_GROUPS = 8 };

enum plot_style { PLOT_SEQUENTIAL, PLOT_OVERLAPPED, PLOT_PLAIN, PLOT_STYLES };

/* A speedup and its interval, whose ends are NAN where there is none. */
struct plot_estimate {
	double v, low, high;
};

struct plot_validated {
	struct plot_estimate predicted, measured; /* above 0 */
	size_t group;                             /* its colour */
	enum plot_style style;                    /* its marker */
};

struct plot_validation {
	struct plot_head head;
	const char *const *groups; /* labels, PLOT_GROUPS at most */
	size_t n_groups;
	const struct plot_validated *points; /* at least one */
	size_t n_points, worst;              /* worst: index of the point to ring */
	const char *const *figures;          /* a line each, for the corner */
	size_t n_figures;
};

/* As the charts of plot.h; both axes are logarithmic, so that a band of a relative error has the same width everywhere. */
int plot_validation(const struct plot_validation *p, const char *path, struct hx_err *err);

#endif
