/* Charts, from numbers alone. Each function draws one into the picture `path` (see gnuplot.h for its extension), or with path NULL as
 * text of at most 79 columns on stdout. HX_IO: gnuplot is missing or fails, the picture cannot be written. */
#ifndef OUTPUT_PLOT_H
#define OUTPUT_PLOT_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The words around a chart. Borrowed, of any content. */
struct plot_head {
	const char *title;    /* the question and its answer */
	const char *subtitle; /* what it holds for */
	const char *note;     /* below the chart: what is not shown, or NULL */
};

/* Speedups of rows (mapping pairs) by draft length, n_rows x n_gamma, row-major; NAN: cannot run. */
struct plot_heatmap {
	struct plot_head head;
	const char *const *rows; /* labels */
	size_t n_rows;
	const int *gamma; /* ascending */
	size_t n_gamma;
	const double *speedup;
	size_t best_row, best_gamma; /* indices of the cell to mark */
	const char *missing; /* what a NAN means: `cannot run` */
};
int plot_heatmap(const struct plot_heatmap *h, const char *path, struct hx_err *err);

/* The same as lines over gamma; `plain` names the mapping of plain decoding, whose speedup is 1. */
int plot_gamma(const struct plot_heatmap *h, const char *plain, const char *path, struct hx_err *err);

/* Where the time of a token goes. */
enum { PLOT_DRAFT, PLOT_VERIFY, PLOT_TRANSFER, PLOT_SYNC, PLOT_HOST, PLOT_PHASES };

struct plot_bar {
	char label[128];
	double phase_ms[PLOT_PHASES];
	double speedup;
	bool plain;
};

struct plot_breakdown {
	struct plot_head head;
	const struct plot_bar *bars;
	size_t n_bars;
};
int plot_breakdown(const struct plot_breakdown *b, const char *path, struct hx_err *err);

/* What a unit can do at best, and what operators do. */
struct plot_roof {
	char label[64];
	double peak_ops_s, bw_bytes_s;
};

struct plot_operator {
	const char *name;
	size_t roof;
	bool verify; /* of the verify pass; else of a draft step */
	double ops, bytes, time_s;
	double memory_s, compute_s; /* of time_s, by the two roofs of its own kernel */
};

struct plot_roofline {
	struct plot_head head;
	const struct plot_roof *roofs;
	size_t n_roofs;
	const struct plot_operator *operators; /* each with operations and bytes above 0 */
	size_t n_operators;
};
int plot_roofline(const struct plot_roofline *r, const char *path, struct hx_err *err);

/* Points in two objectives, less being better in both. */
struct plot_dot {
	double x, y;
	bool speculative, front;
	const char *label; /* or NULL */
};

struct plot_pareto {
	struct plot_head head;
	const char *x_title, *y_title;
	const struct plot_dot *dots;
	size_t n_dots;
};
int plot_pareto(const struct plot_pareto *p, const char *path, struct hx_err *err);

#endif
