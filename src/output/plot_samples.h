/* The chart of a calibration: what was measured below the roofs of the profile, and how far the model is from it. */
#ifndef OUTPUT_PLOT_SAMPLES_H
#define OUTPUT_PLOT_SAMPLES_H

#include "output/plot.h"

enum { PLOT_SAMPLE_ROOFS = 8, PLOT_SAMPLE_TYPES = 6 };

/* A unit with so many cores. */
struct plot_sample_roof {
	char label[64];
	double peak_ops_s;         /* of the fastest arithmetic sampled */
	double near_bw, far_bw;    /* in bytes/s, at the smallest and the largest footprint sampled */
	size_t n;                  /* samples */
	double median, p10, p90;   /* of measured time over the model's */
};

struct plot_sample {
	double ops, bytes, time_s, model_s; /* above 0 */
	size_t roof, type;
};

struct plot_samples {
	struct plot_head head;
	const struct plot_sample_roof *roofs; /* PLOT_SAMPLE_ROOFS at most */
	size_t n_roofs;
	const char *const *types; /* PLOT_SAMPLE_TYPES at most */
	size_t n_types;
	const struct plot_sample *samples; /* at least one; of those that fall on one spot one is drawn */
	size_t n_samples;
};

/* As the charts of plot.h. */
int plot_samples(const struct plot_samples *p, const char *path, struct hx_err *err);

#endif
