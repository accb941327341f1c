/* Charts as pictures, or gnuplot's text: lines and points. */
#include "output/plot_frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FONT = 11, PLOT_HEIGHT = 400, TEXT_LINES = 24 };

/* Okabe and Ito's colours, dark ones first. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a00"};
enum { N_COLOURS = sizeof(colours) / sizeof(*colours) };

static const char *colour(size_t i)
{
	return colours[i % N_COLOURS];
}

/* Begins a picture, or a text below its head. */
static int begin(struct plot_frame *f, struct gnuplot *g, const struct plot_head *head, const char *path, struct hx_err *err)
{
	int rc;

	if (path) {
		rc = plot_frame_begin(f, g, head, path, PLOT_HEIGHT, err);
		if (!rc)
			fputs("set border 3 lc rgb '#444444'\nset tics out nomirror\nset grid lc rgb '#dddddd' lt 1\n", g->script);
		return rc;
	}
	rc = gnuplot_begin(g, NULL, 0, 0, TEXT_LINES, err);
	if (!rc) {
		fputs("set tics nomirror\nset border 3\n", g->script);
		plot_text_head(head);
	}
	return rc;
}

static int end(struct gnuplot *g, const struct plot_head *head, struct hx_err *err)
{
	bool text = !g->path;
	int rc = gnuplot_end(g, err);

	if (!rc && text)
		plot_text_note(head);
	return rc;
}

static void axis(const struct gnuplot *g, char which, const char *title)
{
	fprintf(g->script, "set %clabel ", which);
	gnuplot_string(g, title);
	putc('\n', g->script);
}

/* ---- speedup over gamma ---- */

static void gamma_data(const struct gnuplot *g, const struct plot_heatmap *h, double *low, double *high)
{
	*low = *high = 1;
	for (size_t r = 0; r < h->n_rows; r++) {
		fprintf(g->script, "$line%zu << EOD\n", r);
		for (size_t c = 0; c < h->n_gamma; c++) {
			double v = h->speedup[r * h->n_gamma + c];

			if (isnan(v)) {
				fputs("\n", g->script); /* the line is broken here */
				continue;
			}
			fprintf(g->script, "%d %.6g\n", h->gamma[c], v);
			*low = fmin(*low, v);
			*high = fmax(*high, v);
		}
		fputs("EOD\n", g->script);
	}
}

int plot_gamma(const struct plot_heatmap *h, const char *plain, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .left = 76, .right = 24, .below = 60 + 20 * ((double)h->n_rows + 1)};
	int last = h->gamma[h->n_gamma - 1], rc;
	double low, high, best = h->speedup[h->best_row * h->n_gamma + h->best_gamma];
	char label[192];
	struct gnuplot g;

	if ((rc = begin(&f, &g, &h->head, path, err)))
		return rc;
	gamma_data(&g, h, &low, &high);
	axis(&g, 'x', "gamma (tokens drafted per round)");
	axis(&g, 'y', "speedup over plain decoding");
	fprintf(g.script, "set xrange [0:%g]\nset yrange [%g:%g]\nset xtics %d\n", last + 0.5, low - 0.05 * (high - low) - 0.02,
		high + 0.12 * (high - low) + 0.05, last > 60 ? 10 : last > 24 ? 5 : last > 12 ? 2 : 1);
	if (path)
		fprintf(g.script, "set key at screen %g,%g left top Left reverse samplen 3 spacing 1.3 font ',%d' noautotitle\n", plot_frame_x(&f, f.left),
			plot_frame_y(&f, f.bottom + 52), FONT);
	else
		fputs("set key outside below Left reverse maxcols 1 noautotitle\n", g.script);
	snprintf(label, sizeof(label), "%.2f at gamma %d", best, h->gamma[h->best_gamma]);
	fputs("set label ", g.script);
	gnuplot_string(&g, label);
	fprintf(g.script, " at first %d,%.6g %s offset 0,1 front\n", h->gamma[h->best_gamma], best,
		h->gamma[h->best_gamma] > 0.8 * last ? "right" : h->gamma[h->best_gamma] < 0.2 * last ? "left" : "center");
	fprintf(g.script, "$best << EOD\n%d %.6g\nEOD\nplot ", h->gamma[h->best_gamma], best);
	for (size_t r = 0; r < h->n_rows; r++) {
		fprintf(g.script, "$line%zu using 1:2 with linespoints lw 2 pt %zu ps 1 lc rgb '%s' title ", r, path ? r + 4 : r + 1, colour(r));
		gnuplot_string(&g, h->rows[r]);
		fputs(", ", g.script);
	}
	if (path)
		fputs("$best using 1:2 with points pt 6 ps 3 lw 2.5 lc rgb '#000000', ", g.script);
	snprintf(label, sizeof(label), "1 = plain decoding on %s", plain);
	fputs("1 with lines lw 2 dt 2 lc rgb '#444444' title ", g.script);
	gnuplot_string(&g, label);
	putc('\n', g.script);
	return end(&g, &h->head, err);
}

/* ---- objectives ---- */

enum { DOT_PIXELS = 2, MAX_LABELS = 8 };

static int by_x(const void *a, const void *b)
{
	const struct plot_dot *p = a, *q = b;

	return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y < q->y) - (p->y > q->y);
}

struct range {
	double low, high;
	bool log;
};

static void widen(struct range *r, double v)
{
	r->low = fmin(r->low, v);
	r->high = fmax(r->high, v);
}

/* Room around the values; a logarithmic axis where they span a factor of six. */
static void finish(struct range *r, const struct gnuplot *g, char axis_name)
{
	r->log = r->low > 0 && r->high > 6 * r->low;
	if (r->log) {
		double factor = pow(r->high / r->low, 0.06);

		r->low /= factor;
		r->high *= factor;
		fprintf(g->script, "set logscale %c\nset %ctics (1", axis_name, axis_name);
		for (double decade = 1e-4; decade < 1e7; decade *= 10)
			for (int i = 1; i < 10; i += i == 1 ? 1 : i == 2 ? 3 : 5)
				fprintf(g->script, ", '%g' %g", decade * i, decade * i);
		fputs(")\n", g->script);
	} else {
		double room = r->high > r->low ? 0.07 * (r->high - r->low) : 0.1 * fabs(r->high) + 1e-9;

		r->low = fmax(0, r->low - room);
		r->high += room;
	}
	fprintf(g->script, "set %crange [%.8g:%.8g]\n", axis_name, r->low, r->high);
}

static size_t place(const struct range *r, double v, size_t n)
{
	double share = r->log ? log(v / r->low) / log(r->high / r->low) : (v - r->low) / (r->high - r->low);

	return (size_t)fmin((double)n - 1, fmax(0, share * (double)n));
}

/* Dots of one kind; of those that fall on the same spot one is enough. */
static void dots_data(const struct gnuplot *g, const struct plot_pareto *p, const struct range *x, const struct range *y, bool speculative)
{
	enum { W = 900 / DOT_PIXELS, H = PLOT_HEIGHT / DOT_PIXELS };
	unsigned char *taken = hx_xcalloc((size_t)W * H, 1);

	fprintf(g->script, "$%s << EOD\n", speculative ? "speculative" : "plain");
	for (size_t i = 0; i < p->n_dots; i++) {
		const struct plot_dot *d = &p->dots[i];
		size_t spot = place(y, d->y, H) * W + place(x, d->x, W);

		if (d->speculative != speculative || taken[spot])
			continue;
		taken[spot] = 1;
		fprintf(g->script, "%.8g %.8g\n", d->x, d->y);
	}
	fputs("EOD\n", g->script);
	free(taken);
}

/* The front's dots by x, and its labels: first right of the dot, then lower where the last one is near. */
static void front_data(const struct gnuplot *g, const struct plot_frame *f, const struct plot_dot *front, size_t n, const struct range *x,
		       const struct range *y)
{
	double last_y = HUGE_VAL;

	fputs("$front << EOD\n", g->script);
	for (size_t i = 0; i < n; i++)
		fprintf(g->script, "%.8g %.8g\n", front[i].x, front[i].y);
	fputs("EOD\n", g->script);
	for (size_t i = 0; i < n; i++) {
		double px = f->left + (double)place(x, front[i].x, 1000) / 1000 * (f->right - f->left), py;

		if (!front[i].label)
			continue;
		py = f->bottom - (double)place(y, front[i].y, 1000) / 1000 * (f->bottom - f->top) - 14;
		if (fabs(py - last_y) < 16)
			py = last_y + 16;
		last_y = py;
		if (px + plot_frame_text_width(front[i].label, FONT) > f->right)
			plot_frame_text(f, g, px - 8, py, FONT, 'r', front[i].label);
		else
			plot_frame_text(f, g, px + 8, py, FONT, 'l', front[i].label);
	}
}

int plot_pareto(const struct plot_pareto *p, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .left = 76, .right = 24, .below = 90};
	struct plot_dot *front = hx_xcalloc(p->n_dots, sizeof(*front));
	struct range x = {HUGE_VAL, -HUGE_VAL, false}, y = x;
	struct gnuplot g;
	size_t n = 0;
	int rc;

	if ((rc = begin(&f, &g, &p->head, path, err)))
		goto out;
	for (size_t i = 0; i < p->n_dots; i++) {
		widen(&x, p->dots[i].x);
		widen(&y, p->dots[i].y);
		if (p->dots[i].front)
			front[n++] = p->dots[i];
	}
	qsort(front, n, sizeof(*front), by_x);
	finish(&x, &g, 'x');
	finish(&y, &g, 'y');
	dots_data(&g, p, &x, &y, true);
	dots_data(&g, p, &x, &y, false);
	axis(&g, 'x', p->x_title);
	axis(&g, 'y', p->y_title);
	if (path) {
		front_data(&g, &f, front, n, &x, &y);
		fprintf(g.script, "set key at screen %g,%g left top Left reverse horizontal maxrows 1 samplen 2 font ',%d'\n", plot_frame_x(&f, f.left),
			plot_frame_y(&f, f.bottom + 58), FONT);
	} else {
		fputs("$front << EOD\n", g.script);
		for (size_t i = 0; i < n; i++)
			fprintf(g.script, "%.8g %.8g\n", front[i].x, front[i].y);
		fputs("EOD\nset key outside below\n", g.script);
	}
	fputs("plot $speculative using 1:2 with points pt 7 ps 0.4 lc rgb '#86b8dc' title 'speculative', "
	      "$plain using 1:2 with points pt 9 ps 1.2 lc rgb '#d55e00' title 'plain', ",
	      g.script);
	fputs(path ? "$front using 1:2 with steps lw 2 lc rgb '#000000' title 'front (nothing is better in both)', "
		     "$front using 1:2 with points pt 6 ps 1.2 lw 1.5 lc rgb '#000000' notitle\n"
		   : "$front using 1:2 with points title 'front'\n",
	      g.script);
	rc = end(&g, &p->head, err);
out:
	free(front);
	return rc;
}
