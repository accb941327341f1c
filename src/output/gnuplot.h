/* A run of gnuplot: the script is collected, then gnuplot draws it into a picture or as text. Nothing that comes from a file or a command
 * line becomes code: strings pass through gnuplot_string, data are numbers. */
#ifndef OUTPUT_GNUPLOT_H
#define OUTPUT_GNUPLOT_H

#include "engine/err.h"

#include <stdio.h>

struct gnuplot {
	FILE *script;     /* commands are printed here */
	const char *path; /* borrowed; NULL: text on stdout */
};

/* Whether a picture can be meant by path: its extension is one of png, svg, pdf and it is no directory. HX_INPUT. */
int gnuplot_path_check(const char *path, struct hx_err *err);

/* Begins a picture of width x height pixels, or a text of 79 columns and `lines` lines. */
int gnuplot_begin(struct gnuplot *g, const char *path, int width, int height, int lines, struct hx_err *err);

/* Prints s as a string constant: quoted, without control characters or malformed UTF-8, cut at 1000 bytes. */
void gnuplot_string(const struct gnuplot *g, const char *s);

/* Draws, and frees g. The picture replaces path when it is whole. HX_IO: gnuplot is missing or fails, path cannot be written. */
int gnuplot_end(struct gnuplot *g, struct hx_err *err);

#endif
