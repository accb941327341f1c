/* Charts as pictures: heat map and bars. Every text stands at a place in pixels from the upper left, so that none covers another. */
#include "output/plot.h"

#include "output/plot_frame.h"

#include <math.h>
#include <string.h>

enum { LABEL_FONT = 11, LABEL_MARGIN = 16 };

static double widest(double width, const char *label)
{
	return fmax(width, plot_frame_text_width(label, LABEL_FONT));
}

/* ---- heat map ---- */

enum { ROW_HEIGHT = 30, MIN_CELL = 32, SMALL_CELL = 42 };

/* Half of the colour scale, in powers of two: all that is faster, and up to as much again of what is slower. */
static double scale_of(const struct plot_heatmap *h)
{
	double fast = log2(1.2), slow = 0;

	for (size_t i = 0; i < h->n_rows * h->n_gamma; i++)
		if (h->speedup[i] > 0) {
			fast = fmax(fast, log2(h->speedup[i]));
			slow = fmax(slow, -log2(h->speedup[i]));
		}
	return fmax(fast, fmin(slow, 1));
}

static void heatmap_colours(const struct gnuplot *g, const struct plot_frame *f, double scale)
{
	static const double ticks[] = {0.25, 0.33, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.7, 2, 3, 4};
	bool first = true;

	/* ColorBrewer's PuOr: safe for the colour-blind */
	fputs("set palette defined (0 '#b35806', 1 '#f1a340', 2 '#fee0b6', 3 '#f7f7f7', 4 '#d8daeb', 5 '#998ec3', 6 '#542788')\n", g->script);
	fprintf(g->script, "set cbrange [%g:%g]\nset cbtics (", -scale, scale);
	for (size_t i = 0; i < sizeof(ticks) / sizeof(*ticks); i++)
		if (fabs(log2(ticks[i])) <= scale) {
			fprintf(g->script, "%s'%g' %g", first ? "" : ", ", ticks[i], log2(ticks[i]));
			first = false;
		}
	fprintf(g->script, ") scale 0.4 offset 0,0.4\nset colorbox horizontal user origin %g,%g size %g,%g\n", plot_frame_x(f, f->left),
		plot_frame_y(f, f->bottom + 72), 380.0 / f->width, 12.0 / f->height);
	plot_frame_text(f, g, f->left + 392, f->bottom + 66, LABEL_FONT, 'l', "speedup over plain decoding");
}

static void heatmap_cells(const struct gnuplot *g, const struct plot_heatmap *h, double scale)
{
	fputs("$cells << EOD\n", g->script);
	for (size_t i = 0; i < h->n_rows * h->n_gamma; i++) {
		double v = h->speedup[i], level = fmax(-scale, fmin(scale, log2(v)));

		if (v > 0)
			fprintf(g->script, "%zu %zu %.6g %.6g %d\n", i % h->n_gamma, i / h->n_gamma, v, level, fabs(level) > 0.75 * scale ? 0xffffff : 0);
	}
	fputs("EOD\n", g->script);
}

int plot_heatmap(const struct plot_heatmap *h, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .right = 20, .below = 96};
	double scale = scale_of(h), cell;
	struct gnuplot g;
	int rc;

	if (!path) {
		plot_text_heatmap(h);
		return HX_OK;
	}
	for (size_t r = 0; r < h->n_rows; r++)
		f.left = widest(f.left, h->rows[r]);
	f.left += LABEL_MARGIN + 8;
	if ((rc = plot_frame_begin(&f, &g, &h->head, path, fmax(60, h->n_rows * ROW_HEIGHT), err)))
		return rc;
	cell = (f.right - f.left) / h->n_gamma;
	heatmap_colours(&g, &f, scale);
	heatmap_cells(&g, h, scale);
	for (size_t r = 0; r < h->n_rows; r++)
		plot_frame_text(&f, &g, f.left - 8, f.top + (r + 0.5) * (f.bottom - f.top) / h->n_rows, LABEL_FONT, 'r', h->rows[r]);
	for (size_t c = 0, step = cell < 24 ? (size_t)ceil(24 / cell) : 1; c < h->n_gamma; c += step) {
		char number[16];

		snprintf(number, sizeof(number), "%d", h->gamma[c]);
		plot_frame_text(&f, &g, f.left + (c + 0.5) * cell, f.bottom + 12, LABEL_FONT, 'c', number);
	}
	plot_frame_text(&f, &g, (f.left + f.right) / 2, f.bottom + 32, LABEL_FONT, 'c', "gamma (tokens drafted per round)");
	fprintf(g.script,
		"unset key\nunset xtics\nunset ytics\nset border lw 0.5 lc rgb '#888888'\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\n"
		"set object 1 rectangle from graph 0,0 to graph 1,1 behind fc rgb '#d4d4d4' fs solid noborder\n"
		"set object 2 rectangle center %zu,%zu size 0.96,0.94 front fs empty border lc rgb '#000000' lw 3\n",
		h->n_gamma - 0.5, h->n_rows - 0.5, h->best_gamma, h->best_row);
	fputs("plot $cells using 1:2:(0.49):(0.48):4 with boxxyerror fs solid noborder lc palette", g.script);
	if (cell >= MIN_CELL)
		fprintf(g.script, ", $cells using 1:2:(sprintf('%%.2f', $3)):5 with labels font ',%d' tc rgb variable", cell < SMALL_CELL ? 9 : LABEL_FONT);
	putc('\n', g.script);
	return gnuplot_end(&g, err);
}

/* ---- bars ---- */

enum { BAR_HEIGHT = 38 };

/* Okabe and Ito's colours, in the order of the phases. */
static const char *const phase_colours[PLOT_PHASES] = {"#e69f00", "#0072b2", "#d55e00", "#009e73", "#999999"};

static double bar_ms(const struct plot_bar *b)
{
	double sum = 0;

	for (int p = 0; p < PLOT_PHASES; p++)
		sum += b->phase_ms[p];
	return sum;
}

static void bar_data(const struct gnuplot *g, const struct plot_breakdown *b)
{
	fputs("$bars << EOD\n", g->script);
	for (size_t i = 0; i < b->n_bars; i++) {
		double at = 0;

		fprintf(g->script, "%zu 0", i);
		for (int p = 0; p < PLOT_PHASES; p++)
			fprintf(g->script, " %.6g", at += b->bars[i].phase_ms[p]);
		putc('\n', g->script);
	}
	fputs("EOD\n", g->script);
}

int plot_breakdown(const struct plot_breakdown *b, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .right = 130, .below = 90};
	double most = 0, row;
	struct gnuplot g;
	int rc;

	if (!path) {
		plot_text_breakdown(b);
		return HX_OK;
	}
	for (size_t i = 0; i < b->n_bars; i++) {
		f.left = widest(f.left, b->bars[i].label);
		most = fmax(most, bar_ms(&b->bars[i]));
	}
	f.left += LABEL_MARGIN + 8;
	if ((rc = plot_frame_begin(&f, &g, &b->head, path, b->n_bars * BAR_HEIGHT + 16, err)))
		return rc;
	row = (f.bottom - f.top) / b->n_bars;
	bar_data(&g, b);
	for (size_t i = 0; i < b->n_bars; i++) {
		char total[64];

		snprintf(total, sizeof(total), "%.4g ms  %.2fx", bar_ms(&b->bars[i]), b->bars[i].speedup);
		plot_frame_text(&f, &g, f.left - 8, f.top + (i + 0.5) * row, LABEL_FONT, 'r', b->bars[i].label);
		plot_frame_text(&f, &g, f.left + bar_ms(&b->bars[i]) / most * (f.right - f.left) + 8, f.top + (i + 0.5) * row, LABEL_FONT, 'l', total);
		if (i && b->bars[i - 1].plain && !b->bars[i].plain)
			fprintf(g.script, "set arrow from graph 0,first %g to graph 1,first %g nohead lc rgb '#888888' dt 3\n", i - 0.5, i - 0.5);
	}
	plot_frame_text(&f, &g, (f.left + f.right) / 2, f.bottom + 36, LABEL_FONT, 'c', "milliseconds per token");
	for (int p = 0; p < PLOT_PHASES; p++) {
		double x = f.left + p * 100, y = f.bottom + 66;

		fprintf(g.script, "set object %d rectangle from screen %g,%g to screen %g,%g fc rgb '%s' fs solid noborder\n", p + 1, plot_frame_x(&f, x),
			plot_frame_y(&f, y + 6), plot_frame_x(&f, x + 14), plot_frame_y(&f, y - 6), phase_colours[p]);
		plot_frame_text(&f, &g, x + 20, y, LABEL_FONT, 'l', plot_text_phases[p]);
	}
	fprintf(g.script, "unset key\nunset ytics\nset xtics out nomirror\nset border 3 lc rgb '#444444'\nset grid x lc rgb '#dddddd' lt 1\n"
			  "set xrange [0:%.6g]\nset yrange [%g:-0.5]\nplot ", most, b->n_bars - 0.5);
	for (int p = 0; p < PLOT_PHASES; p++)
		fprintf(g.script, "%s$bars using %d:1:%d:%d:($1-0.33):($1+0.33) with boxxyerror fs solid noborder lc rgb '%s'", p ? ", " : "", p + 2, p + 2,
			p + 3, phase_colours[p]);
	putc('\n', g.script);
	return gnuplot_end(&g, err);
}
