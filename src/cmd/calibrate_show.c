/* What a calibration found, as tables. */
#include "cmd/calibrate_show.h"

#include "base/text.h"
#include "output/report.h"

#include <math.h>
#include <stdio.h>

static void print_bandwidths(const struct profile *p)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"footprint_bytes", "model MB", REPORT_NUMBER, 3, 1e-6},
		{"cores", "cores", REPORT_NUMBER, 0, 0},
		{"bytes_s", "reads GB/s", REPORT_NUMBER, 3, 1e-9},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (size_t u = 0; u < p->n_units; u++) {
		const struct bandwidth *b = &p->units[u].bandwidth;

		for (size_t f = 0; f < b->n_footprints; f++)
			for (size_t k = 0; k < b->n_cores; k++) {
				report_text(r, p->units[u].is.name);
				report_number(r, b->footprint_bytes[f]);
				report_number(r, b->cores[k]);
				report_number(r, b->bytes_s[f][k]);
			}
	}
	report_end(r);
}

static double highest(const double *v, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, v[i]);
	return most;
}

static void print_kernels(const struct calibration *c)
{
	static const struct report_column columns[] = {
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"type", "type", REPORT_TEXT, 0, 0},
		{"arithmetic", "arithmetic", REPORT_TEXT, 0, 0},
		{"peak_flop_s", "peak Gop/s a core", REPORT_NUMBER, 3, 1e-9},
		{"one_row", "of it, 1 row", REPORT_NUMBER, 2, 0},
		{"ceiling", "at best", REPORT_NUMBER, 2, 0},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (size_t u = 0; u < c->profile.n_units; u++)
		for (size_t k = 0; k < c->n_measured; k++) {
			const struct unit *unit = &c->profile.units[u];
			const struct kernel *kernel = &unit->kernels[k];

			report_text(r, unit->is.name);
			report_text(r, hx_type_names[kernel->type]);
			report_text(r, profile_arithmetics[kernel->arithmetic]);
			report_number(r, unit->is.clock_hz * unit->flop_per_cycle[kernel->arithmetic]);
			report_number(r, kernel->efficiency[0]);
			report_number(r, highest(kernel->efficiency, kernel->n_efficiency));
		}
	report_end(r);
}

static void report_error(struct report *r, const char *what, const struct calibrate_error *e)
{
	if (!e->n)
		return;
	report_text(r, what);
	report_number(r, e->n);
	report_number(r, e->mean);
	report_number(r, e->worst);
	report_number(r, e->bias);
}

static void print_errors(const struct calibration *c)
{
	static const struct report_column columns[] = {
		{"operator", "held out", REPORT_TEXT, 0, 0},
		{"samples", "samples", REPORT_NUMBER, 0, 0},
		{"mean", "mean error %", REPORT_NUMBER, 2, 100},
		{"worst", "worst %", REPORT_NUMBER, 2, 100},
		{"bias", "bias %", REPORT_NUMBER, 2, 100},
	};
	struct report *r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (int k = 0; k < HX_OP_COUNT; k++)
		report_error(r, hx_op_names[k], &c->by_op[k]);
	report_error(r, "whole passes", &c->passes);
	report_end(r);
}

void calibrate_show(const struct calibration *c, const char *path)
{
	char clock[TEXT_MAX], barrier[TEXT_MAX], launch[TEXT_MAX], sync[TEXT_MAX], wake[TEXT_MAX], shown[256];

	print_bandwidths(&c->profile);
	puts("");
	print_kernels(c);
	puts("");
	for (size_t u = 0; u < c->profile.n_units; u++) {
		const struct unit *unit = &c->profile.units[u];

		printf("%s: %s, p %.2f, launch %s, sync %s, wake %s;\n     attention at %.2g of f16's peak", unit->is.name,
		       text_si(clock, unit->is.clock_hz, "Hz"), unit->p, text_time(launch, unit->launch_s), text_time(sync, unit->sync_s),
		       text_time(wake, unit->wake_s), unit->attn_efficiency);
		if (unit->barrier_s > 0)
			printf(";\n     each operator %s more on several cores", text_time(barrier, unit->barrier_s));
		puts("");
	}
	puts("");
	print_errors(c);
	printf("\nwritten: %s\n", text_clean(shown, sizeof(shown), path));
	if (c->clock_last_hz < CALIBRATE_THROTTLED * c->clock_first_hz)
		fprintf(stderr, "hexplore: the clock fell from %s to %s: the machine throttled, calibrate again when it is cool\n",
			text_si(clock, c->clock_first_hz, "Hz"), text_si(launch, c->clock_last_hz, "Hz"));
	if (c->cooled_s > 0)
		fprintf(stderr, "hexplore: waited %.0f s for a clock that had fallen\n", c->cooled_s);
	if (c->dropped)
		fprintf(stderr, "hexplore: %d repeats of models left out, for want of time: every pass was measured, but less often\n", c->dropped);
	if (c->restless)
		fprintf(stderr, "hexplore: %d of %d passes scattered by more than 15 %%, however often repeated%s\n", c->restless, c->n_passes,
			10 * c->restless > c->n_passes ? ": the machine was not at rest, calibrate again" : "");
}
