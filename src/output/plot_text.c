/* Charts as text, where gnuplot's own would be hard to read. */
#include "output/plot_text.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const plot_text_phases[PLOT_PHASES] = {"draft", "verify", "transfer", "sync", "host"};

static size_t characters(const char *s, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

const char *plot_text_fit(char *buf, size_t size, const char *s, size_t width)
{
	size_t n = 0, i = 0;

	text_clean(buf, size, s);
	if (characters(buf, strlen(buf)) <= width)
		return buf;
	while (n + 2 < width) {
		i += (size_t)text_utf8(buf + i);
		n++;
	}
	strcpy(buf + i, i + 3 <= size ? ".." : "");
	return buf;
}

size_t plot_text_line(const char *s, size_t width)
{
	size_t end = 0, bytes = strlen(s);

	if (characters(s, bytes) <= width)
		return bytes;
	for (size_t i = 0; i < bytes && characters(s, i) <= width; i++)
		if (s[i] == ' ')
			end = i;
	if (!end) /* one long word */
		while (characters(s, end) < width)
			end += (size_t)text_utf8(s + end);
	return end;
}

void plot_text_wrapped(const char *s)
{
	char clean[1000];
	const char *at = text_clean(clean, sizeof(clean), s);

	while (*at) {
		size_t n = plot_text_line(at, PLOT_TEXT_WIDTH);

		printf("%.*s\n", (int)n, at);
		at += n;
		at += strspn(at, " ");
	}
}

void plot_text_head(const struct plot_head *h)
{
	plot_text_wrapped(h->title);
	plot_text_wrapped(h->subtitle);
	putchar('\n');
}

void plot_text_note(const struct plot_head *h)
{
	if (h->note)
		plot_text_wrapped(h->note);
}

void plot_text_label(const char *label, size_t width)
{
	char cell[128];

	plot_text_fit(cell, sizeof(cell), label, width);
	printf("%s%*s", cell, (int)(width - characters(cell, strlen(cell))), "");
}

/* Widest label, within bounds. */
static size_t label_width(size_t widest, size_t most)
{
	return widest < most ? widest : most;
}

enum { CELL = 6, LABEL = 34 };

void plot_text_heatmap(const struct plot_heatmap *h)
{
	size_t width = 0, columns, step;

	for (size_t r = 0; r < h->n_rows; r++)
		width = fmax(width, strlen(h->rows[r]));
	width = label_width(width, h->n_gamma * CELL > PLOT_TEXT_WIDTH - LABEL ? LABEL - CELL : PLOT_TEXT_WIDTH - h->n_gamma * CELL);
	columns = (PLOT_TEXT_WIDTH - width) / CELL;
	step = (h->n_gamma + columns - 1) / columns; /* every step-th draft length, the best among them */
	plot_text_head(&h->head);
	plot_text_label("gamma", width);
	for (size_t g = h->best_gamma % step; g < h->n_gamma; g += step)
		printf("%*d ", CELL - 1, h->gamma[g]);
	putchar('\n');
	for (size_t r = 0; r < h->n_rows; r++) {
		plot_text_label(h->rows[r], width);
		for (size_t g = h->best_gamma % step; g < h->n_gamma; g += step) {
			double v = h->speedup[r * h->n_gamma + g];

			if (isnan(v))
				printf("%*s ", CELL - 1, "-");
			else
				printf("%*.2f%c", CELL - 1, v, r == h->best_row && g == h->best_gamma ? '*' : ' ');
		}
		putchar('\n');
	}
	printf("\nspeedup over plain decoding   * best   - %s\n", h->missing);
	if (step > 1)
		printf("every %zu%s gamma is shown\n", step, step == 2 ? "nd" : step == 3 ? "rd" : "th");
	plot_text_note(&h->head);
}

static double bar_ms(const struct plot_bar *b)
{
	double sum = 0;

	for (int p = 0; p < PLOT_PHASES; p++)
		sum += b->phase_ms[p];
	return sum;
}

void plot_text_breakdown(const struct plot_breakdown *b)
{
	enum { NUMBERS = 18 };
	size_t width = 0, bar;
	double most = 0;

	for (size_t i = 0; i < b->n_bars; i++) {
		width = fmax(width, strlen(b->bars[i].label));
		most = fmax(most, bar_ms(&b->bars[i]));
	}
	width = label_width(width, LABEL);
	bar = PLOT_TEXT_WIDTH - width - NUMBERS - 2;
	plot_text_head(&b->head);
	printf("%*s  %*s%*s%*s\n", (int)width, "", -(int)bar, "", 9, "ms/token", 9, "speedup");
	for (size_t i = 0; i < b->n_bars; i++) {
		double sum = 0;
		size_t drawn = 0;

		plot_text_label(b->bars[i].label, width);
		fputs(" |", stdout);
		for (int p = 0; p < PLOT_PHASES; p++) {
			sum += b->bars[i].phase_ms[p];
			for (; drawn < (size_t)lround(sum / most * (double)bar); drawn++)
				putchar(plot_text_phases[p][0]);
		}
		printf("%*s%*.4g", (int)(bar - drawn), "", 9, bar_ms(&b->bars[i]));
		if (isnan(b->bars[i].speedup))
			printf("%*s\n", 9, "-");
		else
			printf("%*.2f\n", 9, b->bars[i].speedup);
	}
	fputs("\ntime of a token:", stdout);
	for (int p = 0; p < PLOT_PHASES; p++)
		printf("  %c %s", plot_text_phases[p][0], plot_text_phases[p]);
	putchar('\n');
	plot_text_note(&b->head);
}

void plot_text_roofline(const struct plot_roofline *r)
{
	enum { BAR = 20 };

	plot_text_head(&r->head);
	for (size_t u = 0; u < r->n_roofs; u++) {
		const struct plot_roof *roof = &r->roofs[u];
		char bw[TEXT_MAX], peak[TEXT_MAX];

		printf("%s%s: %s, %s; balanced at %.3g op/byte\n", u ? "\n" : "", roof->label, text_si(bw, roof->bw_bytes_s, "B/s"),
		       text_si(peak, roof->peak_ops_s, "op/s"), roof->peak_ops_s / roof->bw_bytes_s);
		printf("  %-7s %-9s %8s %8s  %s\n", "pass", "operator", "op/byte", "Gop/s", "of the roof, and what bounds it");
		for (size_t i = 0; i < r->n_operators; i++) {
			const struct plot_operator *o = &r->operators[i];
			double intensity = o->ops / o->bytes, ops_s = o->ops / o->time_s, slope = intensity * roof->bw_bytes_s;
			double share = ops_s / fmin(roof->peak_ops_s, slope);
			int full;

			if (o->roof != u)
				continue;
			full = (int)lround(fmin(share, 1) * BAR);
			printf("  %-7s %-9s %8.3g %8.3g  |%.*s%*s| %3.0f %% %s\n", o->verify ? "verify" : "draft", o->name, intensity, ops_s / 1e9, full,
			       "####################", BAR - full, "", share * 100, o->memory_s > o->compute_s ? "memory" : "kernel");
		}
	}
	putchar('\n');
	plot_text_note(&r->head);
}
