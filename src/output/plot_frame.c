/* The frame of a picture. */
#include "output/plot_frame.h"

#include "base/text.h"

#include <string.h>

enum { TITLE_FONT = 14, SUBTITLE_FONT = 10, EDGE = 16 };

double plot_frame_text_width(const char *s, int points)
{
	return 0.62 * points * (double)strlen(s); /* DejaVu Sans, the widest of the usual fonts */
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
		const char *s)
{
	fputs("set label ", g->script);
	gnuplot_string(g, s);
	fprintf(g->script, " at screen %.6g,%.6g %s front noenhanced font '%s' tc rgb '%s'\n", plot_frame_x(f, x), plot_frame_y(f, y),
		align == 'l' ? "left" : align == 'r' ? "right" : "center", font, colour);
}

void plot_frame_text(const struct plot_frame *f, const struct gnuplot *g, double x, double y, int points, char align, const char *s)
{
	char font[16];

	snprintf(font, sizeof(font), ",%d", points);
	put(f, g, x, y, font, "#000000", align, s);
}

/* A wrapped text: returns its height, and draws it from y down when g is given. */
static double paragraph(const struct plot_frame *f, const struct gnuplot *g, double y, int points, bool bold, const char *s)
{
	size_t width = (size_t)((f->width - 2 * EDGE) / (points * (bold ? 0.68 : 0.6)));
	double line = points * 1.6, height = 0;
	char clean[1000], part[1000], font[32];
	const char *at = text_clean(clean, sizeof(clean), s ? s : "");

	snprintf(font, sizeof(font), "%s,%d", bold ? ":Bold" : "", points);
	while (*at) {
		size_t n = plot_text_line(at, width);

		snprintf(part, sizeof(part), "%.*s", (int)n, at);
		if (g)
			put(f, g, EDGE, y + height + line / 2, font, bold ? "#000000" : "#444444", 'l', part);
		height += line;
		at += n;
		at += strspn(at, " ");
	}
	return height;
}

int plot_frame_begin(struct plot_frame *f, struct gnuplot *g, const struct plot_head *head, const char *path, double plot_height, struct hx_err *err)
{
	double title = paragraph(f, NULL, 0, TITLE_FONT, true, head->title), subtitle = paragraph(f, NULL, 0, SUBTITLE_FONT, false, head->subtitle);
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
	return HX_OK;
}
