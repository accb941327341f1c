/* The timeline: lanes over time, as a picture and as text. A box is a span; where many fall on one spot, the one that takes most of it is drawn, so
 * that a trace of any length makes a chart of the same size. */
#include "output/plot_timeline.h"

#include "output/plot_frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a span is drawn as: a letter; colours of a pass, of an operator within it, of the text on a pass. */
enum { PREFILL, DRAFT, CATCH_UP, FRONT, VERIFY, TRANSFER, KINDS };
static const struct kind {
	const char *name;
	char letter;
	unsigned pass, op, text;
} kinds[KINDS] = {
	{"prefill", 'p', 0x808080, 0xbfbfbf, 0},
	{"draft", 'd', 0xe69f00, 0xf2cf80, 0},
	{"catch-up", 'c', 0xcc79a7, 0xe5bcd3, 0},
	{"front", 'f', 0x56b4e9, 0xaadaf4, 0},
	{"verify", 'v', 0x0072b2, 0x80b8d8, 0xffffff},
	{"transfer", 't', 0xd55e00, 0xd55e00, 0},
};
static const int kinds_of_passes[HX_PASS_COUNT] = {PREFILL, PREFILL, DRAFT, CATCH_UP, FRONT, VERIFY};

enum { FONT = 11, SMALL_FONT = 9, LANE_HEIGHT = 40, LABEL_MOST = 24, MOST_ROUNDS = 24 };
enum { FINE = 2, WIDE = 3 * FINE }; /* cells: in a pixel; of a box that is told from the next by a gap, of one cell */

/* A chart that is drawn, as picture or text. */
struct drawing {
	const struct plot_timeline *p;
	size_t cells;
	bool seen[KINDS];
	const struct plot_frame *f;
	const struct gnuplot *g;
	char *letters;
};

/* A span that takes n cells from the first on. */
typedef void put_box(struct drawing *d, int lane, const struct timeline_span *s, size_t first, size_t n);

static int kind_of(const struct timeline_span *s)
{
	return s->op == HX_EVENT_TRANSFER ? TRANSFER : kinds_of_passes[s->pass];
}

static void each_box(struct drawing *d, int lane, put_box *put)
{
	const struct plot_timeline *p = d->p;
	int *span = hx_xcalloc(d->cells, sizeof(*span));

	timeline_cells(p->t, lane, p->from_s, p->to_s, span, d->cells);
	for (size_t i = 0, n; i < d->cells; i += n) {
		for (n = 1; i + n < d->cells && span[i + n] == span[i]; n++)
			;
		if (span[i] < 0)
			continue;
		d->seen[kind_of(&p->t->spans[span[i]])] = true;
		put(d, lane, &p->t->spans[span[i]], i, n);
	}
	free(span);
}

static double busy_percent(const struct plot_timeline *p, int lane)
{
	return 100 * timeline_busy_s(p->t, lane, p->from_s, p->to_s) / (p->to_s - p->from_s);
}

int plot_timeline_decimals(const struct plot_timeline *p)
{
	return (int)fmin(9, fmax(0, 2 - floor(log10(1e3 * (p->to_s - p->from_s)))));
}

static size_t label_length(const struct timeline *t)
{
	size_t longest = 0;

	for (int i = 0; i < t->n_lanes; i++)
		longest = fmax(longest, fmin(LABEL_MOST, strlen(t->lanes[i].name)));
	return longest;
}

/* ---- picture ---- */

static double edge_ms(const struct drawing *d, size_t cell)
{
	return 1e3 * (d->p->from_s + (double)cell / (double)d->cells * (d->p->to_s - d->p->from_s));
}

/* Left, right, lane, colour. Narrow boxes that touch would let the ground shine through: each lies under the next. */
static void put_shape(struct drawing *d, int lane, const struct timeline_span *s, size_t first, size_t n)
{
	const struct kind *k = &kinds[kind_of(s)];

	fprintf(d->g->script, "%.15g %.15g %d %u\n", edge_ms(d, first), n < WIDE ? edge_ms(d, first + n + 1) : edge_ms(d, first + n - 1), lane,
		s->op == HX_EVENT_PASS ? k->pass : k->op);
}

/* Middle, lane, colour, and a text that fits. */
static void put_text(struct drawing *d, int lane, const struct timeline_span *s, size_t first, size_t n)
{
	const struct kind *k = &kinds[kind_of(s)];
	const char *name = s->op >= 0 ? hx_op_names[s->op] : k->name;
	double width = (double)n / FINE - 4;
	char more[64];

	snprintf(more, sizeof(more), "%s, %d rows", name, s->rows);
	if (s->op == HX_EVENT_PASS && s->rows > 1 && plot_frame_text_width(more, SMALL_FONT) <= width)
		name = more;
	if (plot_frame_text_width(name, SMALL_FONT) <= width)
		fprintf(d->g->script, "%.15g %d %u \"%s\"\n", (edge_ms(d, first) + edge_ms(d, first + n)) / 2, lane,
			s->op == HX_EVENT_PASS ? k->text : 0, name);
}

/* Where a round ends, and its number where there is room. */
static void put_round(const struct drawing *d, size_t i)
{
	const struct plot_timeline *p = d->p;
	const struct plot_frame *f = d->f;
	double start_s = fmax(p->t->rounds[i].start_s, p->from_s), end_s = fmin(p->t->rounds[i].end_s, p->to_s);
	double scale = (f->right - f->left) / (p->to_s - p->from_s);
	char name[32];

	snprintf(name, sizeof(name), "round %zu", i + 1);
	if (plot_frame_text_width(name, SMALL_FONT) < scale * (end_s - start_s))
		plot_frame_text(f, d->g, f->left + scale * ((start_s + end_s) / 2 - p->from_s), f->top - 9, SMALL_FONT, 'c', name);
	fprintf(d->g->script, "set arrow from first %.15g,graph 0 to first %.15g,graph 1 nohead lc rgb '#666666' dt 3\n", 1e3 * end_s, 1e3 * end_s);
}

static void put_rounds(const struct drawing *d)
{
	const struct timeline *t = d->p->t;
	size_t first = 0, end;

	while (first < t->n_rounds && t->rounds[first].end_s <= d->p->from_s)
		first++;
	for (end = first; end < t->n_rounds && t->rounds[end].start_s < d->p->to_s;)
		end++;
	for (size_t i = first; i < end && end - first <= MOST_ROUNDS; i++)
		put_round(d, i);
}

static void put_words(const struct drawing *d)
{
	const struct plot_frame *f = d->f;
	double x = f->left;
	char text[160];

	for (int i = 0; i < d->p->t->n_lanes; i++) {
		double middle = f->top + (i + 0.5) * LANE_HEIGHT;

		plot_frame_text(f, d->g, f->left - 8, middle, FONT, 'r', plot_text_fit(text, sizeof(text), d->p->t->lanes[i].name, LABEL_MOST));
		snprintf(text, sizeof(text), "%.0f %%", busy_percent(d->p, i));
		plot_frame_text(f, d->g, f->right + 8, middle, FONT, 'l', text);
	}
	plot_frame_text(f, d->g, f->right + 8, f->top - 9, SMALL_FONT, 'l', "of the time");
	plot_frame_axes(f, d->g, "milliseconds from the beginning", NULL);
	for (int k = 0; k < KINDS; k++)
		if (d->seen[k]) {
			snprintf(text, sizeof(text), "#%06x", kinds[k].pass);
			x = plot_frame_swatch(f, d->g, x, f->bottom + 76, text, kinds[k].name);
		}
}

static int draw(const struct plot_timeline *p, const char *path, struct hx_err *err)
{
	struct plot_frame f = {.width = 1000, .left = label_length(p->t) * plot_frame_text_width("m", FONT) + 24, .right = 90, .below = 100};
	struct gnuplot g;
	struct drawing d = {.p = p, .f = &f, .g = &g};
	int rc = plot_frame_begin(&f, &g, &p->head, path, p->t->n_lanes * LANE_HEIGHT, err);

	if (rc)
		return rc;
	d.cells = (size_t)(f.right - f.left) * FINE;
	fputs("$boxes << EOD\n", g.script);
	for (int lane = 0; lane < p->t->n_lanes; lane++)
		each_box(&d, lane, put_shape);
	fputs("EOD\n$texts << EOD\n", g.script);
	for (int lane = 0; lane < p->t->n_lanes; lane++)
		each_box(&d, lane, put_text);
	fputs("EOD\n", g.script);
	put_rounds(&d);
	put_words(&d);
	fprintf(g.script,
		"unset key\nunset ytics\nset format x '%%.10g'\nset xrange [%.15g:%.15g]\nset yrange [%g:-0.5]\n"
		"plot $boxes using (($1+$2)/2):3:1:2:($3-0.4):($3+0.4):4 with boxxyerror fs solid noborder lc rgb variable, "
		"$texts using 1:2:4:3 with labels font ',%d' tc rgb variable\n",
		1e3 * p->from_s, 1e3 * p->to_s, p->t->n_lanes - 0.5, SMALL_FONT);
	return gnuplot_end(&g, err);
}

/* ---- text ---- */

/* A pass begins with a capital. */
static void put_letters(struct drawing *d, int lane, const struct timeline_span *s, size_t first, size_t n)
{
	(void)lane;
	memset(d->letters + first, kinds[kind_of(s)].letter, n);
	if (s->op == HX_EVENT_PASS)
		d->letters[first] += 'A' - 'a';
}

static void print(const struct plot_timeline *p)
{
	enum { SHARE = 6, BARS = 3 };
	char letters[PLOT_TEXT_WIDTH + 1], left[32], right[32];
	struct drawing d = {.p = p, .letters = letters};
	int width = (int)label_length(p->t), decimals = plot_timeline_decimals(p);

	d.cells = PLOT_TEXT_WIDTH - (size_t)width - BARS - SHARE;
	letters[d.cells] = '\0';
	plot_text_head(&p->head);
	for (int i = 0; i < p->t->n_lanes; i++) {
		memset(letters, ' ', d.cells);
		each_box(&d, i, put_letters);
		plot_text_label(p->t->lanes[i].name, (size_t)width);
		printf(" |%s|%*.0f %%\n", letters, SHARE - 2, busy_percent(p, i));
	}
	snprintf(left, sizeof(left), "%.*f", decimals, 1e3 * p->from_s);
	snprintf(right, sizeof(right), "%.*f ms", decimals, 1e3 * p->to_s);
	printf("%*s%s%*s\n\n", width + 2, "", left, (int)(d.cells - strlen(left)), right);
	for (int k = 0; k < KINDS; k++)
		if (d.seen[k])
			printf("%c %s   ", kinds[k].letter, kinds[k].name);
	puts("capitals begin a pass");
	plot_text_note(&p->head);
}

int plot_timeline(const struct plot_timeline *p, const char *path, struct hx_err *err)
{
	if (path)
		return draw(p, path, err);
	print(p);
	return HX_OK;
}
