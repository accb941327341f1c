/* Charts as pictures, or gnuplot's text: lines and points. */
#include "output/plot_frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FONT = 11, PLOT_HEIGHT = 400, TEXT_LINES = 26 };

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

	if (path)
		return plot_frame_begin(f, g, head, path, PLOT_HEIGHT, err);
	rc = gnuplot_begin(g, NULL, 0, 0, TEXT_LINES, err);
	if (!rc) {
		fputs("set tics nomirror\nset border 3\nset rmargin 2\n", g->script);
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

/* Titles of the axes and the place of the legend. */
static void axes(const struct plot_frame *f, const struct gnuplot *g, const char *x, const char *y)
{
	if (g->path) {
		plot_frame_axes(f, g, x, y);
		plot_frame_key(f, g);
		return;
	}
	fputs("set xlabel ", g->script);
	gnuplot_string(g, x);
	fputs("\nset title ", g->script);
	gnuplot_string(g, y);
	fputs(" offset 0,-0.5\nset key outside below Left reverse maxcols 1\n", g->script);
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
	struct plot_frame f = {.width = 1000, .left = 90, .right = 24, .below = PLOT_FRAME_KEY(h->n_rows + 1)};
	int last = h->gamma[h->n_gamma - 1], rc;
	double low, high, best = h->speedup[h->best_row * h->n_gamma + h->best_gamma];
	char label[192];
	struct gnuplot g;

	if ((rc = begin(&f, &g, &h->head, path, err)))
		return rc;
	gamma_data(&g, h, &low, &high);
	axes(&f, &g, "gamma (tokens drafted per round)", "speedup over plain decoding");
	fprintf(g.script, "set xrange [%g:%g]\nset yrange [%g:%g]\nset xtics %d\n", h->gamma[0] - 0.5, last + 0.5, low - 0.05 * (high - low) - 0.02,
		high + 0.12 * (high - low) + 0.05, last > 60 ? 10 : last > 24 ? 5 : last > 12 ? 2 : 1);
	snprintf(label, sizeof(label), "%.2f at gamma %d", best, h->gamma[h->best_gamma]);
	fputs("set label ", g.script);
	gnuplot_string(&g, label);
	fprintf(g.script, " at first %d,%.6g %s offset 0,1.2 front%s\n", h->gamma[h->best_gamma], best,
		h->gamma[h->best_gamma] > 0.8 * last ? "right" : h->gamma[h->best_gamma] < 0.2 * last ? "left" : "center", path ? " boxed" : "");
	fprintf(g.script, "$best << EOD\n%d %.6g\nEOD\nplot ", h->gamma[h->best_gamma], best);
	for (size_t r = 0; r < h->n_rows; r++) {
		fprintf(g.script, "$line%zu using 1:2 with linespoints lw 2 pt %zu ps 1 lc rgb '%s' title ", r, path ? r + 4 : r + 1, colour(r));
		snprintf(label, sizeof(label), "%s%s", path ? "" : " ", h->rows[r]);
		gnuplot_string(&g, label);
		fputs(", ", g.script);
	}
	if (path)
		fputs("$best using 1:2 with points pt 6 ps 3 lw 2.5 lc rgb '#000000' notitle, ", g.script);
	snprintf(label, sizeof(label), "%s1 = plain decoding on %s", path ? "" : " ", plain);
	fputs("1 with lines lw 2 dt 2 lc rgb '#444444' title ", g.script);
	gnuplot_string(&g, label);
	putc('\n', g.script);
	return end(&g, &h->head, err);
}

/* ---- objectives ---- */

enum { DOT_PIXELS = 2, LINE = 18 };

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

static void front_data(const struct gnuplot *g, const struct plot_dot *marked, size_t n)
{
	fputs("$front << EOD\n", g->script);
	for (size_t i = 0; i < n; i++)
		if (marked[i].front)
			fprintf(g->script, "%.8g %.8g\n", marked[i].x, marked[i].y);
	fputs("EOD\n", g->script);
}

/* Labels stand above their dots, or above the last label where that is near. */
static void put_labels(const struct gnuplot *g, const struct plot_frame *f, const struct plot_dot *marked, size_t n, const struct range *x,
		       const struct range *y)
{
	double last_y = -HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		double px = f->left + (double)place(x, marked[i].x, 1000) / 1000 * (f->right - f->left);
		double py = f->bottom - (double)place(y, marked[i].y, 1000) / 1000 * (f->bottom - f->top) - 16;
		bool right;

		if (!marked[i].label)
			continue;
		if (fabs(py - last_y) < LINE)
			py = last_y - LINE;
		last_y = py;
		right = px + plot_frame_text_width(marked[i].label, FONT) > f->right;
		plot_frame_boxed(f, g, right ? px - 6 : px + 6, py, FONT, right ? 'r' : 'l', marked[i].label);
	}
}

int plot_pareto(const struct plot_pareto *p, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .left = 90, .right = 24, .below = PLOT_FRAME_KEY(3)};
	struct plot_dot *marked = hx_xcalloc(p->n_dots, sizeof(*marked)); /* of the front, or with a label */
	struct range x = {HUGE_VAL, -HUGE_VAL, false}, y = x;
	struct gnuplot g;
	size_t n = 0;
	int rc;

	if ((rc = begin(&f, &g, &p->head, path, err)))
		goto out;
	for (size_t i = 0; i < p->n_dots; i++) {
		widen(&x, p->dots[i].x);
		widen(&y, p->dots[i].y);
		if (p->dots[i].front || p->dots[i].label)
			marked[n++] = p->dots[i];
	}
	qsort(marked, n, sizeof(*marked), by_x);
	finish(&x, &g, 'x');
	finish(&y, &g, 'y');
	dots_data(&g, p, &x, &y, true);
	dots_data(&g, p, &x, &y, false);
	axes(&f, &g, p->x_title, p->y_title);
	front_data(&g, marked, n);
	if (path)
		put_labels(&g, &f, marked, n, &x, &y);
	fputs(path ? "plot $speculative using 1:2 with points pt 7 ps 0.5 lc rgb '#56b4e9' title 'speculative', "
		     "$plain using 1:2 with points pt 9 ps 1.2 lc rgb '#d55e00' title 'plain', "
		     "$front using 1:2 with steps lw 2 lc rgb '#000000' title 'front: nothing else is better in both', "
		     "$front using 1:2 with points pt 6 ps 1.5 lw 1.5 lc rgb '#000000' notitle\n"
		   : /* letters of the dumb terminal: S, P, F */
		     "plot $speculative using 1:2 with points pt 19 title ' speculative', $plain using 1:2 with points pt 16 title ' plain', "
		     "$front using 1:2 with points pt 6 title ' front: nothing else is better in both'\n",
	      g.script);
	rc = end(&g, &p->head, err);
out:
	free(marked);
	return rc;
}
