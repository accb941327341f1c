/* A calibration as a picture: rate over intensity, and below it measured over modelled time. As text: the latter by unit. */
#include "output/plot_samples.h"

#include "output/plot_frame.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>

enum { FONT = 11, RATES = 400, GAP = 24, RATIOS = 170, HEIGHT = RATES + GAP + RATIOS, SPOT = 5, LINE = 21, COLUMN = 320 };
static const double least_ratio = 0.5, most_ratio = 2, band = 0.1;

/* Okabe and Ito's colours, dark ones first. */
static const char *const colours[PLOT_SAMPLE_ROOFS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a00"};
static const int markers[PLOT_SAMPLE_TYPES] = {6, 8, 4, 12, 1, 2};

struct scale {
	double x0, x1, y0, y1; /* op/byte; op/s */
};

static struct scale scale_of(const struct plot_samples *p)
{
	struct scale s = {HUGE_VAL, 0, HUGE_VAL, 0};

	for (size_t i = 0; i < p->n_samples; i++) {
		const struct plot_sample *v = &p->samples[i];

		s.x0 = fmin(s.x0, v->ops / v->bytes);
		s.x1 = fmax(s.x1, v->ops / v->bytes);
		s.y0 = fmin(s.y0, v->ops / v->time_s);
		s.y1 = fmax(s.y1, v->ops / v->time_s);
	}
	for (size_t u = 0; u < p->n_roofs; u++)
		s.y1 = fmax(s.y1, p->roofs[u].peak_ops_s);
	return (struct scale){s.x0 / 1.5, s.x1 * 1.5, s.y0 / 1.5, s.y1 * 1.5};
}

static double ratio_of(const struct plot_sample *v)
{
	return fmin(most_ratio, fmax(least_ratio, v->time_s / v->model_s));
}

static size_t spot(double v, double low, double high, int pixels)
{
	return (size_t)(fmin(1, fmax(0, log(v / low) / log(high / low))) * (pixels / SPOT));
}

/* Those of a unit and type, without those that others hide: intensity, and rate or ratio. */
static void data(const struct gnuplot *g, const struct plot_samples *p, const struct scale *s, size_t roof, size_t type, bool ratios)
{
	enum { W = 1000 / SPOT + 1, H = RATES / SPOT + 1 };
	unsigned char *taken = hx_xcalloc((size_t)W * H, 1);

	fprintf(g->script, "$s%zu_%zu_%d << EOD\n", roof, type, ratios);
	for (size_t i = 0; i < p->n_samples; i++) {
		const struct plot_sample *v = &p->samples[i];
		double x = v->ops / v->bytes, y = ratios ? ratio_of(v) : v->ops / v->time_s;
		size_t at = spot(x, s->x0, s->x1, 900) +
			    W * (ratios ? spot(y, least_ratio, most_ratio, RATIOS) : spot(y, s->y0, s->y1, RATES));

		if (v->roof != roof || v->type != type || taken[at])
			continue;
		taken[at] = 1;
		fprintf(g->script, "%.6g %.6g\n", x, y);
	}
	fputs("EOD\n", g->script);
	free(taken);
}

static void roof_data(const struct gnuplot *g, const struct scale *s, const struct plot_sample_roof *r, size_t i, bool near)
{
	double bw = near ? r->near_bw : r->far_bw;

	fprintf(g->script, "$roof%zu_%d << EOD\n%.8g %.8g\n%.8g %.8g\n%.8g %.8g\nEOD\n", i, near, s->x0, s->x0 * bw, r->peak_ops_s / bw, r->peak_ops_s,
		fmax(s->x1, r->peak_ops_s / bw), r->peak_ops_s);
}

/* unit 0: without numbers */
static void tics(const struct gnuplot *g, char axis, double low, double high, double unit)
{
	bool first = true;

	fprintf(g->script, "set %ctics (", axis);
	for (double v = pow(10, floor(log10(low))); v <= high; v *= 10)
		for (int i = 1; i <= 3; i += 2)
			if (v * i >= low && v * i <= high) {
				fputs(first ? "" : ", ", g->script);
				if (unit > 0)
					fprintf(g->script, "'%g' %g", v * i / unit, v * i);
				else
					fprintf(g->script, "'' %g", v * i);
				first = false;
			}
	fputs(")\n", g->script);
}

static void points(const struct gnuplot *g, const struct plot_samples *p, bool ratios)
{
	for (size_t u = 0; u < p->n_roofs; u++)
		for (size_t t = 0; t < p->n_types; t++)
			fprintf(g->script, ", $s%zu_%zu_%d using 1:2 with points pt %d ps 0.6 lc rgb '%s'", u, t, ratios, markers[t], colours[u]);
}

/* A legend of two columns: units, and what types and lines mean. */
static void legend(const struct plot_frame *f, const struct gnuplot *g, const struct plot_samples *p)
{
	double y = f->bottom + 76, x = f->left + 2 * COLUMN;
	char text[200], shown[200], near[TEXT_MAX], far[TEXT_MAX];

	for (size_t u = 0; u < p->n_roofs; u++) {
		const struct plot_sample_roof *r = &p->roofs[u];

		snprintf(text, sizeof(text), "%s: %s to %s; measured/model %.2f (%.2f to %.2f)", r->label, text_si(far, r->far_bw, "B/s"),
			 text_si(near, r->near_bw, "B/s"), r->median, r->p10, r->p90);
		plot_frame_swatch(f, g, f->left, y + LINE * (double)u, colours[u], plot_text_fit(shown, sizeof(shown), text, 72));
	}
	for (size_t t = 0; t < p->n_types; t++) {
		fprintf(g->script, "set label '' at screen %.6g,%.6g point pt %d ps 0.9 lc rgb '#444444' front\n", plot_frame_x(f, x + 7),
			plot_frame_y(f, y + LINE * (double)t), markers[t]);
		plot_frame_text(f, g, x + 20, y + LINE * (double)t, FONT, 'l', p->types[t]);
	}
}

static int draw(const struct plot_samples *p, const char *path, struct hx_err *err)
{
	size_t lines = p->n_roofs > p->n_types ? p->n_roofs : p->n_types;
	struct plot_frame f = {.width = 1000, .left = 90, .right = 24, .below = 84 + LINE * (double)lines}, rates;
	struct scale s = scale_of(p);
	struct gnuplot g;
	int rc = plot_frame_begin(&f, &g, &p->head, path, HEIGHT, err);

	if (rc)
		return rc;
	rates = f;
	rates.bottom = f.top + RATES;
	for (size_t u = 0; u < p->n_roofs; u++) {
		roof_data(&g, &s, &p->roofs[u], u, false);
		roof_data(&g, &s, &p->roofs[u], u, true);
		for (size_t t = 0; t < p->n_types; t++) {
			data(&g, p, &s, u, t, false);
			data(&g, p, &s, u, t, true);
		}
	}
	fprintf(g.script, "$band << EOD\n%.8g\n%.8g\nEOD\nunset key\nset multiplot\nset logscale xy\nset xrange [%.8g:%.8g]\nset yrange [%.8g:%.8g]\n", s.x0, s.x1, s.x0,
		s.x1, s.y0, s.y1);
	tics(&g, 'y', s.y0, s.y1, 1e9);
	tics(&g, 'x', s.x0, s.x1, 0);
	fprintf(g.script, "set bmargin at screen %.6g\nset label 'rate (billions of operations per second)' at screen %.6g,%.6g center rotate by 90 "
			  "font ',%d'\nplot ",
		plot_frame_y(&f, rates.bottom), plot_frame_x(&f, 22), plot_frame_y(&f, (f.top + rates.bottom) / 2), FONT);
	for (size_t u = 0; u < p->n_roofs; u++)
		fprintf(g.script, "%s$roof%zu_0 using 1:2 with lines lw 2 lc rgb '%s', $roof%zu_1 using 1:2 with lines lw 1.5 dt 2 lc rgb '%s'", u ? ", " : "", u,
			colours[u], u, colours[u]);
	points(&g, p, false);
	fprintf(g.script, "\nunset label\nset tmargin at screen %.6g\nset bmargin at screen %.6g\nset yrange [%g:%g]\n"
			  "set ytics (0.5, 0.7, 1, 1.4, 2)\n",
		plot_frame_y(&f, rates.bottom + GAP), plot_frame_y(&f, f.bottom), least_ratio, most_ratio);
	tics(&g, 'x', s.x0, s.x1, 1);
	fprintf(g.script, "set label 'measured/model' at screen %.6g,%.6g center rotate by 90 font ',%d'\n", plot_frame_x(&f, 22),
		plot_frame_y(&f, (rates.bottom + GAP + f.bottom) / 2), FONT);
	plot_frame_axes(&f, &g, "arithmetic intensity (operations per byte)", NULL);
	legend(&f, &g, p);
	fprintf(g.script, "plot $band using 1:(%g):(%g) with filledcurves fs solid noborder lc rgb '#e0e0e0', 1 with lines lw 1.2 lc rgb '#444444'", 1 - band,
		1 + band);
	points(&g, p, true);
	fputs("\nunset multiplot\n", g.script);
	return gnuplot_end(&g, err);
}

static void print(const struct plot_samples *p)
{
	plot_text_head(&p->head);
	printf("%-13s %10s %10s %10s %8s %7s %7s %7s\n", "unit", "peak", "far", "near", "samples", "median", "10 %", "90 %");
	for (size_t u = 0; u < p->n_roofs; u++) {
		const struct plot_sample_roof *r = &p->roofs[u];
		char peak[TEXT_MAX], near[TEXT_MAX], far[TEXT_MAX];

		plot_text_label(r->label, 13);
		printf(" %10s %10s %10s %8zu %7.2f %7.2f %7.2f\n", text_si(peak, r->peak_ops_s, "op/s"), text_si(far, r->far_bw, "B/s"),
		       text_si(near, r->near_bw, "B/s"), r->n, r->median, r->p10, r->p90);
	}
	plot_text_note(&p->head);
}

int plot_samples(const struct plot_samples *p, const char *path, struct hx_err *err)
{
	if (path)
		return draw(p, path, err);
	print(p);
	return HX_OK;
}
