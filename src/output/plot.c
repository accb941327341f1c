/* Charts as pictures: heat map and bars. Every text stands at a place in pixels from the upper left, so that none covers another. */
#include "output/plot.h"

#include "output/plot_frame.h"

#include <math.h>
#include <string.h>

enum { FONT = 11, SMALL_FONT = 9, LABEL_MARGIN = 24, LONG_LABEL = 40, LABEL_MOST = 56, LABEL_BYTES = 128 };

/* Labels left of the plot: long ones are set smaller, the longest are cut. */
struct labels {
	size_t longest;
	int font;
};

static void labels_add(struct labels *l, const char *label)
{
	size_t n = strlen(label);

	if (n > LABEL_MOST)
		n = LABEL_MOST;
	if (n > l->longest)
		l->longest = n;
	l->font = l->longest > LONG_LABEL ? SMALL_FONT : FONT;
}

static double labels_width(const struct labels *l)
{
	return l->longest * plot_frame_text_width("m", l->font) + LABEL_MARGIN;
}

static void labels_put(const struct labels *l, const struct plot_frame *f, const struct gnuplot *g, double y, const char *label)
{
	char shown[LABEL_BYTES];

	plot_frame_text(f, g, f->left - 8, y, l->font, 'r', plot_text_fit(shown, sizeof(shown), label, LABEL_MOST));
}

/* ---- heat map ---- */

/* In pixels, but for MANY_ROWS. LEAST_CELL: narrower cells get no number. */
enum { ROW_HEIGHT = 30, LOW_ROW = 24, MANY_ROWS = 16, LEAST_HEIGHT = 60, LEAST_CELL = 32, SMALL_CELL = 42, LEAST_COLUMN = 24 };
enum { SCALE_WIDTH = 380, SCALE_LEFT = 220, LEAST_TICK = 36 };

static const char grey[] = "#d4d4d4";

/* Half of the colour scale, in powers of two: all that is faster, and what is slower down to a half. */
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

/* Colours and their legend. Ticks go out from 1 to either side, as far apart as their numbers need. */
static void heatmap_colours(const struct gnuplot *g, const struct plot_frame *f, const struct plot_heatmap *h, double scale)
{
	static const double ticks[] = {1.1, 1.2, 1.4, 1.6, 2, 3, 4, 6, 8, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2};
	double last = 0, pixels = SCALE_WIDTH / (2 * scale), left = fmin(f->left, SCALE_LEFT), x = left + SCALE_WIDTH + 16;

	/* ColorBrewer's PuOr: safe for the colour-blind */
	fputs("set palette defined (0 '#b35806', 1 '#f1a340', 2 '#fee0b6', 3 '#f7f7f7', 4 '#d8daeb', 5 '#998ec3', 6 '#542788')\n", g->script);
	fprintf(g->script, "set cbrange [%g:%g]\nset cbtics ('1' 0", -scale, scale);
	for (size_t i = 0; i < sizeof(ticks) / sizeof(*ticks); i++) {
		double at = log2(ticks[i]);

		if (at == 0)
			last = 0;
		else if (fabs(at) <= scale && fabs(at - last) * pixels >= LEAST_TICK)
			fprintf(g->script, ", '%g' %g", ticks[i], last = at);
	}
	fprintf(g->script, ") scale 0.4 offset 0,0.4 font ',%d'\nset colorbox horizontal user origin %g,%g size %g,%g\n", SMALL_FONT,
		plot_frame_x(f, left), plot_frame_y(f, f->bottom + 76), (double)SCALE_WIDTH / f->width, 12.0 / f->height);
	plot_frame_text(f, g, x, f->bottom + 70, FONT, 'l', "speedup");
	plot_frame_swatch(f, g, x + plot_frame_text_width("speedup", FONT) + 16, f->bottom + 70, grey, h->missing);
}

/* Column, row, speedup, its place on the scale, colour of its number. */
static void heatmap_cells(const struct gnuplot *g, const struct plot_heatmap *h, double scale)
{
	fputs("$cells << EOD\n", g->script);
	for (size_t i = 0; i < h->n_rows * h->n_gamma; i++) {
		double v = h->speedup[i], level = fmax(-scale, fmin(scale, log2(v)));
		bool dark = level > 0.7 * scale || level < -0.85 * scale;

		if (v > 0)
			fprintf(g->script, "%zu %zu %.6g %.6g %d\n", i % h->n_gamma, i / h->n_gamma, v, level, dark ? 0xffffff : 0);
	}
	fputs("EOD\n", g->script);
}

static void heatmap_texts(const struct gnuplot *g, const struct plot_frame *f, const struct plot_heatmap *h, const struct labels *labels)
{
	double row = (f->bottom - f->top) / h->n_rows, column = (f->right - f->left) / h->n_gamma;
	size_t step = column < LEAST_COLUMN ? (size_t)ceil(LEAST_COLUMN / column) : 1;

	for (size_t r = 0; r < h->n_rows; r++)
		labels_put(labels, f, g, f->top + (r + 0.5) * row, h->rows[r]);
	for (size_t c = 0; c < h->n_gamma; c += step) {
		char number[16];

		snprintf(number, sizeof(number), "%d", h->gamma[c]);
		plot_frame_text(f, g, f->left + (c + 0.5) * column, f->bottom + 14, FONT, 'c', number);
	}
	plot_frame_axes(f, g, "gamma (tokens drafted per round)", NULL);
}

int plot_heatmap(const struct plot_heatmap *h, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .right = 20, .below = 110};
	struct labels labels = {0};
	double scale = scale_of(h), cell;
	struct gnuplot g;
	int rc;

	if (!path) {
		plot_text_heatmap(h);
		return HX_OK;
	}
	for (size_t r = 0; r < h->n_rows; r++)
		labels_add(&labels, h->rows[r]);
	f.left = labels_width(&labels);
	if ((rc = plot_frame_begin(&f, &g, &h->head, path, fmax(LEAST_HEIGHT, h->n_rows * (h->n_rows > MANY_ROWS ? LOW_ROW : ROW_HEIGHT)), err)))
		return rc;
	heatmap_colours(&g, &f, h, scale);
	heatmap_cells(&g, h, scale);
	heatmap_texts(&g, &f, h, &labels);
	fprintf(g.script,
		"unset key\nunset xtics\nunset ytics\nunset grid\nset border 15 lw 0.5 lc rgb '#888888'\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\n"
		"set object rectangle from graph 0,0 to graph 1,1 behind fc rgb '%s' fs solid noborder\n"
		"set object rectangle center %zu,%zu size 0.96,0.94 front fs empty border lc rgb '#000000' lw 3\n",
		h->n_gamma - 0.5, h->n_rows - 0.5, grey, h->best_gamma, h->best_row);
	fputs("plot $cells using 1:2:(0.49):(0.48):4 with boxxyerror fs solid noborder lc palette", g.script);
	cell = (f.right - f.left) / h->n_gamma;
	if (cell >= LEAST_CELL)
		fprintf(g.script, ", $cells using 1:2:(sprintf('%%.2f', $3)):5 with labels font ',%d' tc rgb variable",
			cell < SMALL_CELL ? SMALL_FONT : FONT);
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

/* Row, 0, and where each phase ends. */
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

static void bar_texts(const struct gnuplot *g, const struct plot_frame *f, const struct plot_breakdown *b, const struct labels *labels,
		      double most)
{
	double row = (f->bottom - f->top) / b->n_bars, x = f->left;

	for (size_t i = 0; i < b->n_bars; i++) {
		const struct plot_bar *bar = &b->bars[i];
		double middle = f->top + (i + 0.5) * row;
		char total[64];

		snprintf(total, sizeof(total), isnan(bar->speedup) ? "%.4g ms" : "%.4g ms  %.2fx", bar_ms(bar), bar->speedup);
		labels_put(labels, f, g, middle, bar->label);
		plot_frame_text(f, g, f->left + bar_ms(bar) / most * (f->right - f->left) + 8, middle, FONT, 'l', total);
		if (i && b->bars[i - 1].plain && !bar->plain)
			fprintf(g->script, "set arrow from graph 0,first %g to graph 1,first %g nohead lc rgb '#888888' dt 3\n", i - 0.5, i - 0.5);
	}
	plot_frame_axes(f, g, "milliseconds per token", NULL);
	for (int p = 0; p < PLOT_PHASES; p++)
		x = plot_frame_swatch(f, g, x, f->bottom + 76, phase_colours[p], plot_text_phases[p]);
}

int plot_breakdown(const struct plot_breakdown *b, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .right = 170, .below = 100};
	struct labels labels = {0};
	struct gnuplot g;
	double most = 0;
	int rc;

	if (!path) {
		plot_text_breakdown(b);
		return HX_OK;
	}
	for (size_t i = 0; i < b->n_bars; i++) {
		labels_add(&labels, b->bars[i].label);
		most = fmax(most, bar_ms(&b->bars[i]));
	}
	f.left = labels_width(&labels);
	if ((rc = plot_frame_begin(&f, &g, &b->head, path, b->n_bars * BAR_HEIGHT + 16, err)))
		return rc;
	bar_data(&g, b);
	bar_texts(&g, &f, b, &labels, most);
	fprintf(g.script, "unset key\nunset ytics\nset xrange [0:%.6g]\nset yrange [%g:-0.5]\nplot ", most, b->n_bars - 0.5);
	for (int p = 0; p < PLOT_PHASES; p++)
		fprintf(g.script, "%s$bars using %d:1:%d:%d:($1-0.33):($1+0.33) with boxxyerror fs solid noborder lc rgb '%s'", p ? ", " : "",
			p + 2, p + 2, p + 3, phase_colours[p]);
	putc('\n', g.script);
	return gnuplot_end(&g, err);
}
