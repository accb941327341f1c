/* The frame of a picture. */
#include "output/plot_frame.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { TITLE_FONT = 13, SUBTITLE_FONT = 10, TICS_FONT = 10, AXIS_FONT = 11, EDGE = 16 };

double plot_frame_text_width(const char *s, int points)
{
	return 0.8 * points * (double)strlen(s); /* DejaVu Sans, the widest of the usual fonts, has 0.75 on average */
}

double plot_frame_x(const struct plot_frame *f, double x)
{
	return x / f->width;
}

double plot_frame_y(const struct plot_frame *f, double y)
{
	return 1 - y / f->height;
}

static void put(const struct plot_frame *f, const struct gnuplot *g, double x, double y, const char *font, const char *colour, char align,
		bool boxed, const char *s)
{
	fputs("set label ", g->script);
	gnuplot_string(g, s);
	fprintf(g->script, " at screen %.6g,%.6g %s front noenhanced font '%s' tc rgb '%s'%s\n", plot_frame_x(f, x), plot_frame_y(f, y),
		align == 'l' ? "left" : align == 'r' ? "right" : "center", font, colour, boxed ? " boxed" : "");
}

void plot_frame_text(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s)
{
	char font[16];

	snprintf(font, sizeof(font), ",%d", points);
	put(f, g, x, y, font, "#000000", align, false, s);
}

void plot_frame_boxed(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s)
{
	char font[16];

	snprintf(font, sizeof(font), ",%d", points);
	put(f, g, x, y, font, "#000000", align, true, s);
}

/* A wrapped text: returns its height, and draws it from y down when g is given. */
static double paragraph(const struct plot_frame *f, const struct gnuplot *g, double y, int points, bool bold, const char *s)
{
	size_t width = (size_t)((f->width - 2 * EDGE) / (points * (bold ? 0.8 : 0.77)));
	double line = points * 1.8, height = 0;
	char clean[1000], part[1000], font[32];
	const char *at = text_clean(clean, sizeof(clean), s ? s : "");

	snprintf(font, sizeof(font), "%s,%d", bold ? ":Bold" : "", points);
	while (*at) {
		size_t n = plot_text_line(at, width);

		snprintf(part, sizeof(part), "%.*s", (int)n, at);
		if (g)
			put(f, g, EDGE, y + height + line / 2, font, bold ? "#000000" : "#444444", 'l', false, part);
		height += line;
		at += n;
		at += strspn(at, " ");
	}
	return height;
}

int plot_frame_begin(struct plot_frame *f, struct gnuplot *g, const struct plot_head *head, const char *path, double plot_height,
		     struct hx_err *err)
{
	double title = paragraph(f, NULL, 0, TITLE_FONT, true, head->title);
	double subtitle = paragraph(f, NULL, 0, SUBTITLE_FONT, false, head->subtitle);
	double note = paragraph(f, NULL, 0, SUBTITLE_FONT, false, head->note);
	int rc;

	f->right = f->width - f->right;
	f->top = EDGE + title + 4 + subtitle + 18;
	f->bottom = f->top + plot_height;
	f->height = (int)(f->bottom + f->below + note + 8);
	if ((rc = gnuplot_begin(g, path, f->width, f->height, 0, err)))
		return rc;
	paragraph(f, g, EDGE, TITLE_FONT, true, head->title);
	paragraph(f, g, EDGE + title + 4, SUBTITLE_FONT, false, head->subtitle);
	paragraph(f, g, f->bottom + f->below, SUBTITLE_FONT, false, head->note);
	fprintf(g->script, "set lmargin at screen %.6g\nset rmargin at screen %.6g\nset tmargin at screen %.6g\nset bmargin at screen %.6g\n",
		plot_frame_x(f, f->left), plot_frame_x(f, f->right), plot_frame_y(f, f->top), plot_frame_y(f, f->bottom));
	fprintf(g->script, "set tics out nomirror font ',%d'\nset border 3 lc rgb '#444444'\nset grid lc rgb '#dddddd' lt 1\n"
			   "set style textbox opaque margins 0.3,0.3 fc rgb '#ffffff' noborder\n", TICS_FONT);
	return HX_OK;
}

void plot_frame_axes(const struct plot_frame *f, const struct gnuplot *g, const char *x, const char *y)
{
	plot_frame_text(f, g, (f->left + f->right) / 2, f->bottom + 44, AXIS_FONT, 'c', x);
	if (!y)
		return;
	fputs("set label ", g->script);
	gnuplot_string(g, y);
	fprintf(g->script, " at screen %.6g,%.6g center rotate by 90 front noenhanced font ',%d'\n", plot_frame_x(f, EDGE + 6),
		plot_frame_y(f, (f->top + f->bottom) / 2), AXIS_FONT);
}

void plot_frame_key(const struct plot_frame *f, const struct gnuplot *g)
{
	fprintf(g->script, "set key at screen %.6g,%.6g left top Left reverse maxcols 1 samplen 3 font ',%d' spacing 1.2\n",
		plot_frame_x(f, f->left), plot_frame_y(f, f->bottom + 58), AXIS_FONT);
}

double plot_frame_swatch(const struct plot_frame *f, const struct gnuplot *g, double x, double y, const char *colour, const char *what)
{
	fprintf(g->script, "set object rectangle from screen %g,%g to screen %g,%g fc rgb '%s' fs solid noborder\n", plot_frame_x(f, x),
		plot_frame_y(f, y + 7), plot_frame_x(f, x + 14), plot_frame_y(f, y - 7), colour);
	plot_frame_text(f, g, x + 20, y, AXIS_FONT, 'l', what);
	return x + 20 + plot_frame_text_width(what, AXIS_FONT) + 16;
}
