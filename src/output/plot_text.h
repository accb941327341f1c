/* What the text charts and the pictures share. */
#ifndef OUTPUT_PLOT_TEXT_H
#define OUTPUT_PLOT_TEXT_H

#include "output/plot.h"

enum { PLOT_TEXT_WIDTH = 79 };

extern const char *const plot_text_phases[PLOT_PHASES];

/* Copies s into buf, cut to `width` characters; what is cut ends in `..`. */
const char *plot_text_fit(char *buf, size_t size, const char *s, size_t width);

/* Prints s on stdout, cut likewise, and padded to that many. */
void plot_text_label(const char *s, size_t width);

/* Bytes of s, or of as many of its words as fit into width characters. */
size_t plot_text_line(const char *s, size_t width);

/* Prints s, cleaned, on stdout in lines of at most PLOT_TEXT_WIDTH characters, broken between words; at most 999 bytes of it. */
void plot_text_wrapped(const char *s);

/* Title and subtitle, or the note, wrapped, on stdout. */
void plot_text_head(const struct plot_head *h);
void plot_text_note(const struct plot_head *h);

void plot_text_heatmap(const struct plot_heatmap *h);
void plot_text_breakdown(const struct plot_breakdown *b);
void plot_text_roofline(const struct plot_roofline *r);

#endif
