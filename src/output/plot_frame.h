/* The frame of a picture: size, margins, title, subtitle and note, and texts placed in pixels from the upper left. */
#ifndef OUTPUT_PLOT_FRAME_H
#define OUTPUT_PLOT_FRAME_H

#include "output/gnuplot.h"
#include "output/plot_text.h"

struct plot_frame {
	int width, height;               /* of the picture */
	double left, right, top, bottom; /* before plot_frame_begin left and right are margins, after it the edges of the plot */
	double below;                    /* room for axis and legend under the plot */
};

/* Begins a picture whose plot is plot_height high. */
int plot_frame_begin(struct plot_frame *f, struct gnuplot *g, const struct plot_head *head, const char *path, double plot_height, struct hx_err *err);

/* Text of a size in points at a pixel, its middle at y; align is `l`, `c` or `r`. */
void plot_frame_text(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s);

/* Pixels as gnuplot's screen coordinates. */
double plot_frame_x(const struct plot_frame *f, double x);
double plot_frame_y(const struct plot_frame *f, double y);

/* About so many pixels a text takes. */
double plot_frame_text_width(const char *s, int points);

#endif
