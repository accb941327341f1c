/* The chart of a trace. */
#ifndef OUTPUT_PLOT_TIMELINE_H
#define OUTPUT_PLOT_TIMELINE_H

#include "output/plot.h"
#include "output/timeline.h"

struct plot_timeline {
	struct plot_head head;
	const struct timeline *t;
	double from_s, to_s; /* the window drawn, not empty */
};

/* Decimals of milliseconds that tell the window's ends apart. */
int plot_timeline_decimals(const struct plot_timeline *p);

/* As the charts of plot.h. */
int plot_timeline(const struct plot_timeline *p, const char *path, struct hx_err *err);

#endif
