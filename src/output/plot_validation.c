/* Predicted over measured speedup, both logarithmic, as a picture and as text. */
#include "output/plot_validation.h"

#include "output/plot_frame.h"

#include <math.h>
#include <string.h>

enum { FONT = 11, SMALL_FONT = 10, LINE = 20, SIDE = 580, PANEL = 360, PANEL_LABEL = 36, LEAST_TICK = 38 };

/* Okabe and Ito's colours, dark ones first. */
static const unsigned colours[PLOT_GROUPS] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000, 0x8a8a00};

/* Letters are of the text: of the first group sequential, and so on. */
static const struct style {
	const char *name;
	int point;
	char letter;
} styles[PLOT_STYLES] = {
	[PLOT_SEQUENTIAL] = {"sequential", 7, 'A'},
	[PLOT_OVERLAPPED] = {"overlapped", 9, 'a'},
	[PLOT_PLAIN] = {"plain decoding", 5, '1'},
};

/* Errors of the bands, the widest first. */
static const struct band {
	double error;
	const char *name, *colour;
} bands[] = {
	{0.10, "within 10 %", "#e9e9e9"},
	{0.05, "within 5 %", "#d2d2d2"},
};
enum { N_BANDS = sizeof(bands) / sizeof(*bands) };

struct range {
	double low, high; /* of both axes */
};

static struct range range_of(const struct plot_validation *p)
{
	struct range r = {0.9, 1.1}; /* 1 is where speculation begins to pay */

	for (size_t i = 0; i < p->n_points; i++) {
		const struct plot_validated *v = &p->points[i];

		r.low = fmin(r.low, fmin(v->predicted.v, v->measured.v));
		r.high = fmax(r.high, fmax(v->predicted.v, v->measured.v));
	}
	return (struct range){r.low / 1.15, r.high * 1.15};
}

static double share(const struct range *r, double v)
{
	return fmin(1, fmax(0, log(v / r->low) / log(r->high / r->low)));
}

static bool has_style(const struct plot_validation *p, enum plot_style style)
{
	for (size_t i = 0; i < p->n_points; i++)
		if (p->points[i].style == style)
			return true;
	return false;
}

/* ---- picture ---- */

/* Those that matter most come first; of the others as many as have room. */
static void tics(const struct gnuplot *g, const struct range *r, double pixels)
{
	static const double wanted[] = {1,   2,	  0.5, 4,   0.25, 0.1, 10,  100, 0.01, 3,    1.5, 0.7, 0.3, 0.2,
					0.4, 0.6, 0.8, 1.2, 2.5,  5,   0.9, 1.1, 6,    0.15, 20,  50,  0.05};
	double taken[sizeof(wanted) / sizeof(*wanted)];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		bool room = wanted[i] >= r->low && wanted[i] <= r->high;

		for (size_t k = 0; k < n && room; k++)
			room = fabs(share(r, wanted[i]) - share(r, taken[k])) * pixels >= LEAST_TICK;
		if (room)
			taken[n++] = wanted[i];
	}
	for (const char *axis = "xy"; *axis; axis++) {
		fprintf(g->script, "set %ctics (", *axis);
		for (size_t i = 0; i < n; i++)
			fprintf(g->script, "%s'%g' %g", i ? ", " : "", taken[i], taken[i]);
		fputs(")\n", g->script);
	}
}

/* From where to where, and the colour: of one axis' interval, as far as the plot goes. */
static void interval(const struct gnuplot *g, const struct range *r, const struct plot_estimate *along, double across, bool vertical, unsigned colour)
{
	double low = fmin(r->high, fmax(r->low, along->low)), high = fmin(r->high, fmax(r->low, along->high));

	if (!(high > low)) /* NAN too */
		return;
	if (vertical)
		fprintf(g->script, "%.6g %.6g 0 %.6g %u\n", across, low, high - low, colour);
	else
		fprintf(g->script, "%.6g %.6g %.6g 0 %u\n", low, across, high - low, colour);
}

static void data(const struct gnuplot *g, const struct plot_validation *p, const struct range *r)
{
	fputs("$ends << EOD\n", g->script);
	fprintf(g->script, "%.6g\n%.6g\nEOD\n$intervals << EOD\n", r->low, r->high);
	for (size_t i = 0; i < p->n_points; i++) {
		const struct plot_validated *v = &p->points[i];

		interval(g, r, &v->predicted, v->measured.v, true, colours[v->group]);
		interval(g, r, &v->measured, v->predicted.v, false, colours[v->group]);
	}
	fprintf(g->script, "1e-9 1e-9 0 0 0\nEOD\n$worst << EOD\n%.6g %.6g\nEOD\n", p->points[p->worst].measured.v, p->points[p->worst].predicted.v);
	for (int s = 0; s < PLOT_STYLES; s++) {
		fprintf(g->script, "$points%d << EOD\n", s);
		for (size_t i = 0; i < p->n_points; i++)
			if (p->points[i].style == (enum plot_style)s)
				fprintf(g->script, "%.6g %.6g %u\n", p->points[i].measured.v, p->points[i].predicted.v, colours[p->points[i].group]);
		fputs("EOD\n", g->script);
	}
}

/* A marker and what it stands for. */
static void entry(const struct plot_frame *f, const struct gnuplot *g, double y, int point, unsigned colour, const char *text)
{
	char shown[128];

	fprintf(g->script, "set label '' at screen %.6g,%.6g point pt %d ps 1.2 lc rgb '#%06x' front\n", plot_frame_x(f, f->right + 34),
		plot_frame_y(f, y), point, colour);
	plot_frame_text(f, g, f->right + 48, y, FONT, 'l', plot_text_fit(shown, sizeof(shown), text, PANEL_LABEL));
}

/* Legend on the right, figures in the corner that only a bad prediction reaches. */
static void words(const struct plot_frame *f, const struct gnuplot *g, const struct plot_validation *p, bool intervals)
{
	double y = f->top + 12;

	plot_frame_text(f, g, f->right + 28, y, FONT, 'l', "target <- drafter: points, error");
	for (size_t i = 0; i < p->n_groups; i++)
		entry(f, g, y += LINE, styles[PLOT_SEQUENTIAL].point, colours[i], p->groups[i]);
	y += LINE / 2;
	for (int s = 0; s < PLOT_STYLES; s++)
		if (has_style(p, (enum plot_style)s))
			entry(f, g, y += LINE, styles[s].point, 0x666666, styles[s].name);
	entry(f, g, y += LINE, 6, 0, "the worst");
	y += LINE / 2;
	for (int b = N_BANDS - 1; b >= 0; b--)
		plot_frame_swatch(f, g, f->right + 27, y += LINE, bands[b].colour, bands[b].name);
	if (intervals) {
		plot_frame_text(f, g, f->right + 28, y += LINE * 3 / 2, SMALL_FONT, 'l', "bars: 90 % interval of the");
		plot_frame_text(f, g, f->right + 28, y += LINE, SMALL_FONT, 'l', "prediction, 95 % of the measurement");
	}
	for (size_t i = 0; i < p->n_figures; i++)
		plot_frame_boxed(f, g, f->left + 14, f->top + 18 + LINE * (double)i, FONT, 'l', p->figures[i]);
	plot_frame_axes(f, g, "measured speedup over plain decoding", "predicted speedup over plain decoding");
}

static bool has_intervals(const struct plot_validation *p)
{
	for (size_t i = 0; i < p->n_points; i++)
		if (!isnan(p->points[i].predicted.low) || !isnan(p->points[i].measured.low))
			return true;
	return false;
}

static int draw(const struct plot_validation *p, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 84 + SIDE + PANEL, .left = 84, .right = PANEL, .below = 66};
	struct range r = range_of(p);
	struct gnuplot g;
	int rc = plot_frame_begin(&f, &g, &p->head, path, SIDE, err);

	if (rc)
		return rc;
	data(&g, p, &r);
	tics(&g, &r, SIDE);
	words(&f, &g, p, has_intervals(p));
	fprintf(g.script,
		"unset key\nset logscale xy\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nset border 15 lc rgb '#888888'\n"
		"set arrow from 1,graph 0 to 1,graph 1 nohead lc rgb '#666666' dt 3 back\nset arrow from graph 0,first 1 to graph 1,first 1 nohead lc rgb "
		"'#666666' dt 3 back\nplot ",
		r.low, r.high, r.low, r.high);
	for (int b = 0; b < N_BANDS; b++)
		fprintf(g.script, "$ends using 1:($1*%g):($1*%g) with filledcurves fs solid noborder lc rgb '%s', ", 1 - bands[b].error,
			1 + bands[b].error, bands[b].colour);
	fputs("$ends using 1:1 with lines lw 1.5 lc rgb '#444444', $intervals using 1:2:3:4:5 with vectors nohead lw 1.2 lc rgb variable", g.script);
	for (int s = 0; s < PLOT_STYLES; s++)
		if (has_style(p, (enum plot_style)s)) /* on a white rim, so that one dot is told from the next */
			fprintf(g.script,
				", $points%d using 1:2 with points pt %d ps 1.5 lc rgb '#ffffff', $points%d using 1:2:3 with points pt %d ps 1.15 "
				"lc rgb variable",
				s, styles[s].point, s, styles[s].point);
	fputs(", $worst using 1:2 with points pt 6 ps 2.6 lw 2 lc rgb '#000000'\n", g.script);
	return gnuplot_end(&g, err);
}

/* ---- text ---- */

enum { COLUMNS = 68, ROWS = 25, AXIS = 7 };

static int column(const struct range *r, double v)
{
	return (int)lround(share(r, v) * (COLUMNS - 1));
}

static int row(const struct range *r, double v)
{
	return ROWS - 1 - (int)lround(share(r, v) * (ROWS - 1));
}

static void fill(char grid[ROWS][COLUMNS + 1], const struct plot_validation *p, const struct range *r)
{
	for (int y = 0; y < ROWS; y++) {
		double v = r->low * pow(r->high / r->low, (double)(ROWS - 1 - y) / (ROWS - 1));

		memset(grid[y], ' ', COLUMNS);
		grid[y][COLUMNS] = '\0';
		for (int side = -1; side <= 1; side += 2)
			if (v / (1 + side * bands[0].error) >= r->low && v / (1 + side * bands[0].error) <= r->high)
				grid[y][column(r, v / (1 + side * bands[0].error))] = '.';
		grid[y][column(r, v)] = '/';
	}
	for (size_t i = 0; i < p->n_points; i++) {
		const struct plot_validated *v = &p->points[i];
		char *at = &grid[row(r, v->predicted.v)][column(r, v->measured.v)], letter = (char)(styles[v->style].letter + (int)v->group);

		*at = strchr("./ ", *at) || *at == letter ? letter : '*';
	}
}

static void print(const struct plot_validation *p)
{
	static const double marks[] = {0.1, 0.25, 0.5, 1, 2, 4, 10};
	char grid[ROWS][COLUMNS + 1], below[COLUMNS + 8];
	struct range r = range_of(p);

	fill(grid, p, &r);
	memset(below, ' ', sizeof(below));
	plot_text_head(&p->head);
	puts("predicted speedup");
	for (int y = 0; y < ROWS; y++) {
		char label[16] = "";

		for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
			if (marks[i] >= r.low && marks[i] <= r.high && row(&r, marks[i]) == y)
				snprintf(label, sizeof(label), "%g", marks[i]);
		printf("%*s |%s\n", AXIS - 1, label, grid[y]);
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (marks[i] >= r.low && marks[i] <= r.high) {
			char label[16];
			int n = snprintf(label, sizeof(label), "%g", marks[i]);

			memcpy(below + column(&r, marks[i]), label, (size_t)n);
		}
	printf("%*s +%.*s\n%*s  %.*s\n%*s\n\n", AXIS - 1, "", COLUMNS,
	       "--------------------------------------------------------------------------------", AXIS - 1, "", COLUMNS, below, AXIS + 1 + COLUMNS,
	       "measured speedup");
	for (size_t i = 0; i < p->n_groups; i++) {
		char shown[128];

		printf("%c %s\n", styles[PLOT_SEQUENTIAL].letter + (int)i, plot_text_fit(shown, sizeof(shown), p->groups[i], PLOT_TEXT_WIDTH - 2));
	}
	puts("small letters: overlapped; digits: plain; * several; / equal; . 10 % off\n");
	for (size_t i = 0; i < p->n_figures; i++)
		puts(p->figures[i]);
	plot_text_note(&p->head);
}

int plot_validation(const struct plot_validation *p, const char *path, struct hx_err *err)
{
	if (path)
		return draw(p, path, err);
	print(p);
	return HX_OK;
}
