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
int plot_frame_begin(struct plot_frame *f, struct gnuplot *g, const struct plot_head *head, const char *path, double plot_height,
		     struct hx_err *err);

/* Text of a size in points at a pixel, its middle at y; align is `l`, `c` or `r`. */
void plot_frame_text(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s);

/* The same on a white ground, over dots and lines. */
void plot_frame_boxed(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s);

/* Titles of the axes; y may be NULL. */
void plot_frame_axes(const struct plot_frame *f, const struct gnuplot *g, const char *x, const char *y);

/* A coloured square and what it stands for; returns where the next can begin. */
double plot_frame_swatch(const struct plot_frame *f, const struct gnuplot *g, double x, double y, const char *colour, const char *what);

/* The legend, one entry a line, under the title of the x axis; it takes this much of `below`. */
void plot_frame_key(const struct plot_frame *f, const struct gnuplot *g);
#define PLOT_FRAME_KEY(entries) (64 + 21.0 * (double)(entries))

/* Pixels as gnuplot's screen coordinates. */
double plot_frame_x(const struct plot_frame *f, double x);
double plot_frame_y(const struct plot_frame *f, double y);

/* About so many pixels a text takes. */
double plot_frame_text_width(const char *s, int points);

#endif
