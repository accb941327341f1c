/* Progress of a long command. */
#include "output/progress.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };
static const double bar_interval_s = 0.1, line_interval_s = 10;

struct progress {
	const char *what;
	int64_t total;
	double start_s, shown_s, interval_s;
	bool quiet, bar, drawn;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct progress *progress_begin(const char *what, int64_t total, bool quiet)
{
	struct progress *p = hx_xcalloc(1, sizeof(*p));

	p->what = what;
	p->total = total;
	p->quiet = quiet;
	p->bar = isatty(STDERR_FILENO);
	p->interval_s = p->bar ? bar_interval_s : line_interval_s;
	p->start_s = p->shown_s = now_s();
	return p;
}

double progress_elapsed_s(const struct progress *p)
{
	return now_s() - p->start_s;
}

void progress_update(struct progress *p, int64_t done)
{
	char count[TEXT_MAX], rate[TEXT_MAX], left[TEXT_MAX];
	double t = now_s(), speed = (double)done / (t - p->start_s);
	int filled = (int)(BAR * done / (p->total ? p->total : 1));

	if (p->quiet || t - p->shown_s < p->interval_s)
		return;
	p->shown_s = t;
	text_count(count, (double)done);
	if (speed < 1) /* a rate of thousandths would read as something else */
		snprintf(rate, sizeof(rate), "%s each", text_time(left, 1 / speed));
	else
		text_si(rate, speed, "/s");
	text_time(left, (double)(p->total - done) / speed);
	if (p->bar) {
		fprintf(stderr, "\r[%.*s%*s] %3d %%  %s %s  %s  %s left \033[K", filled, "########################", BAR - filled, "",
			(int)(100 * done / (p->total ? p->total : 1)), count, p->what, rate, left);
		p->drawn = true;
	} else {
		fprintf(stderr, "%s of %lld %s, %s, %s left\n", count, (long long)p->total, p->what, rate, left);
	}
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	free(p);
}
