/* The roofline as a picture (Williams et al., CACM 2009): attainable rate over arithmetic intensity, both logarithmic. */
#include "output/plot_frame.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FONT = 10, LINE = 14, PLOT_HEIGHT = 440, TEXT = 96 };

/* Okabe and Ito's colours, dark ones first. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a00"};
enum { N_COLOURS = sizeof(colours) / sizeof(*colours) };

struct scale {
	double x0, x1, y0, y1; /* op/byte; op/s */
};

/* Operators of one pass and roof that lie on nearly the same spot share a label. */
struct tag {
	double x, y;       /* of the spot, pixels */
	double left, line; /* of the text, pixels; line is its middle */
	size_t roof;
	bool verify;
	char text[TEXT];
};

static struct scale scale_of(const struct plot_roofline *r)
{
	struct scale s = {HUGE_VAL, 0, HUGE_VAL, 0};

	for (size_t i = 0; i < r->n_operators; i++) {
		const struct plot_operator *o = &r->operators[i];

		s.x0 = fmin(s.x0, o->ops / o->bytes);
		s.x1 = fmax(s.x1, o->ops / o->bytes);
		s.y0 = fmin(s.y0, o->ops / o->time_s);
	}
	for (size_t u = 0; u < r->n_roofs; u++) {
		s.x1 = fmax(s.x1, 2 * r->roofs[u].peak_ops_s / r->roofs[u].bw_bytes_s);
		s.y1 = fmax(s.y1, r->roofs[u].peak_ops_s);
	}
	return (struct scale){s.x0 / 2, s.x1 * 2, s.y0 / 2, s.y1 * 2};
}

static double pixel_x(const struct plot_frame *f, const struct scale *s, double v)
{
	return f->left + log(v / s->x0) / log(s->x1 / s->x0) * (f->right - f->left);
}

static double pixel_y(const struct plot_frame *f, const struct scale *s, double v)
{
	return f->bottom - log(v / s->y0) / log(s->y1 / s->y0) * (f->bottom - f->top);
}

static size_t collect_tags(const struct plot_roofline *r, const struct plot_frame *f, const struct scale *s, struct tag *tags)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_operators; i++) {
		const struct plot_operator *o = &r->operators[i];
		double x = pixel_x(f, s, o->ops / o->bytes), y = pixel_y(f, s, o->ops / o->time_s);
		size_t t = 0;

		while (t < n && !(tags[t].roof == o->roof && tags[t].verify == o->verify && hypot(tags[t].x - x, tags[t].y - y) < 2 * LINE &&
				  strlen(tags[t].text) + strlen(o->name) + 3 < TEXT))
			t++;
		if (t == n)
			tags[n++] = (struct tag){.x = x, .y = y, .roof = o->roof, .verify = o->verify};
		snprintf(tags[t].text + strlen(tags[t].text), TEXT - strlen(tags[t].text), "%s%s", *tags[t].text ? ", " : "", o->name);
	}
	return n;
}

static int by_y(const void *a, const void *b)
{
	const struct tag *p = a, *q = b;

	return (p->y > q->y) - (p->y < q->y);
}

/* Whether a's text would cover b's text, once that has its place, or b's spot. */
static bool covers(const struct tag *a, const struct tag *b, bool placed)
{
	double right = a->left + plot_frame_text_width(a->text, FONT) + 6, b_right = b->left + plot_frame_text_width(b->text, FONT) + 6;

	if (fabs(a->line - b->y) < LINE && a->left < b->x + 6 && b->x - 6 < right)
		return true;
	return placed && fabs(a->line - b->line) < LINE && a->left < b_right && b->left < right;
}

/* Texts go to the right of their spots, from the top down, each below what it would cover. */
static void place_tags(struct tag *tags, size_t n)
{
	qsort(tags, n, sizeof(*tags), by_y);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		tags[i].left = tags[i].x + 26;
		tags[i].line = tags[i].y + LINE;
		while (k < n) {
			if (k != i && covers(&tags[i], &tags[k], k < i)) {
				tags[i].line += LINE;
				k = 0; /* look at all again */
			} else {
				k++;
			}
		}
	}
}

static void put_tags(const struct gnuplot *g, const struct plot_frame *f, const struct tag *tags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		plot_frame_text(f, g, tags[i].left, tags[i].line, FONT, 'l', tags[i].text);
		fprintf(g->script, "set arrow from screen %g,%g to screen %g,%g nohead lw 0.7 lc rgb '%s'\n", plot_frame_x(f, tags[i].x),
			plot_frame_y(f, tags[i].y), plot_frame_x(f, tags[i].left - 2), plot_frame_y(f, tags[i].line), colours[tags[i].roof % N_COLOURS]);
	}
}

static void tics(const struct gnuplot *g, char axis, double low, double high, double unit)
{
	bool first = true;

	fprintf(g->script, "set %ctics (", axis);
	for (double v = pow(10, floor(log10(low))); v <= high; v *= 10)
		for (int i = 1; i <= 3; i += 2)
			if (v * i >= low && v * i <= high) {
				fprintf(g->script, "%s'%g' %g", first ? "" : ", ", v * i / unit, v * i);
				first = false;
			}
	fputs(")\n", g->script);
}

/* What the kernels of a roof reach with the rows of a pass: the highest among its operators. */
static void ceiling_data(const struct gnuplot *g, const struct plot_roofline *r, const struct scale *s, size_t roof, bool verify)
{
	double ceiling = 0;

	for (size_t i = 0; i < r->n_operators; i++)
		if (r->operators[i].roof == roof && r->operators[i].verify == verify)
			ceiling = fmax(ceiling, r->operators[i].ops / r->operators[i].compute_s);
	fprintf(g->script, "$ceiling%zu_%d << EOD\n", roof, verify);
	if (ceiling > 0)
		fprintf(g->script, "%.8g %.8g\n%.8g %.8g\n", fmax(s->x0, ceiling / r->roofs[roof].bw_bytes_s), ceiling, s->x1, ceiling);
	fputs("EOD\n", g->script);
}

static void roof_data(const struct gnuplot *g, const struct plot_roofline *r, const struct scale *s)
{
	for (size_t u = 0; u < r->n_roofs; u++) {
		const struct plot_roof *roof = &r->roofs[u];

		fprintf(g->script, "$roof%zu << EOD\n%.8g %.8g\n%.8g %.8g\n%.8g %.8g\nEOD\n", u, s->x0, s->x0 * roof->bw_bytes_s,
			roof->peak_ops_s / roof->bw_bytes_s, roof->peak_ops_s, s->x1, roof->peak_ops_s);
		for (int verify = 0; verify < 2; verify++) {
			ceiling_data(g, r, s, u, verify);
			fprintf(g->script, "$ops%zu_%d << EOD\n", u, verify);
			for (size_t i = 0; i < r->n_operators; i++)
				if (r->operators[i].roof == u && r->operators[i].verify == verify)
					fprintf(g->script, "%.8g %.8g\n", r->operators[i].ops / r->operators[i].bytes,
						r->operators[i].ops / r->operators[i].time_s);
			fputs("EOD\n", g->script);
		}
	}
}

static void plot_all(const struct gnuplot *g, const struct plot_roofline *r)
{
	fputs("plot ", g->script);
	for (size_t u = 0; u < r->n_roofs; u++) {
		const char *colour = colours[u % N_COLOURS];
		char bw[TEXT_MAX], peak[TEXT_MAX], label[160];

		snprintf(label, sizeof(label), "%s: %s, %s", r->roofs[u].label, text_si(bw, r->roofs[u].bw_bytes_s, "B/s"),
			 text_si(peak, r->roofs[u].peak_ops_s, "op/s"));
		fprintf(g->script, "$roof%zu using 1:2 with lines lw 2.5 lc rgb '%s' title ", u, colour);
		gnuplot_string(g, label);
		for (int verify = 0; verify < 2; verify++)
			fprintf(g->script, ", $ceiling%zu_%d using 1:2 with lines dt %d lw 1.3 lc rgb '%s' notitle", u, verify, verify ? 2 : 3, colour);
		fprintf(g->script, ", $ops%zu_0 using 1:2 with points pt 6 ps 1.3 lw 2 lc rgb '%s' notitle", u, colour);
		fprintf(g->script, ", $ops%zu_1 using 1:2 with points pt 7 ps 1.3 lc rgb '%s' notitle, ", u, colour);
	}
	fputs("keyentry with points pt 6 ps 1.3 lw 2 lc rgb '#444444' title 'operators of a draft step', "
	      "keyentry with points pt 7 ps 1.3 lc rgb '#444444' title 'operators of the target pass', "
	      "keyentry with lines dt 2 lw 1.3 lc rgb '#444444' title 'what its kernels reach with that many rows (dotted: draft step)'\n",
	      g->script);
}

int plot_roofline(const struct plot_roofline *r, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .left = 90, .right = 24, .below = PLOT_FRAME_KEY(r->n_roofs + 3)};
	struct scale s = scale_of(r);
	struct tag *tags;
	struct gnuplot g;
	size_t n;
	int rc;

	if (!path) {
		plot_text_roofline(r);
		return HX_OK;
	}
	if ((rc = plot_frame_begin(&f, &g, &r->head, path, PLOT_HEIGHT, err)))
		return rc;
	tags = hx_xcalloc(r->n_operators, sizeof(*tags));
	n = collect_tags(r, &f, &s, tags);
	place_tags(tags, n);
	put_tags(&g, &f, tags, n);
	free(tags);
	roof_data(&g, r, &s);
	fprintf(g.script,
		"set logscale xy\nset xrange [%.8g:%.8g]\nset yrange [%.8g:%.8g]\n", s.x0, s.x1, s.y0, s.y1);
	plot_frame_axes(&f, &g, "arithmetic intensity (operations per byte)", "rate (billions of operations per second)");
	plot_frame_key(&f, &g);
	tics(&g, 'x', s.x0, s.x1, 1);
	tics(&g, 'y', s.y0, s.y1, 1e9);
	plot_all(&g, r);
	return gnuplot_end(&g, err);
}
