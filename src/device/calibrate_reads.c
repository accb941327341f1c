/* Readings of memory. */
#include "device/calibrate_reads.h"

#include <stdlib.h>

enum { RARE = 10 }; /* of the time is for reading, at most one part */

int calibrate_reads_init(struct calibrate_reads *r, struct calibrate_step *s, int u, const struct probe_reader *reader, struct hx_err *err)
{
	const struct bandwidth *b = &s->c->profile.units[u].bandwidth;
	int rc = HX_OK;

	*r = (struct calibrate_reads){.reader = reader, .n_cores = b->n_cores};
	r->pools = hx_xcalloc(b->n_cores, sizeof(*r->pools));
	r->took = hx_xcalloc(b->n_cores, sizeof(*r->took));
	for (size_t k = 0; k < b->n_cores && !rc; k++)
		rc = hx_engine_pool(&s->m->engine, s->c->unit_of[u], 0, (int)b->cores[k], &r->pools[k], err);
	return rc;
}

void calibrate_reads_free(struct calibrate_reads *r)
{
	for (size_t k = 0; k < r->n_cores; k++)
		calibrate_times_free(&r->took[k]);
	free(r->took);
	free(r->pools);
}

bool calibrate_reads_take(struct calibrate_reads *r, bool now)
{
	double start_s = hx_trace_now_s();

	if (!now && start_s - r->last_s < RARE * r->each_s)
		return false;
	for (size_t k = 0; k < r->n_cores; k++)
		calibrate_times_add(&r->took[k], probe_read_s(r->reader, r->pools[k]), r->n);
	r->n++;
	r->last_s = hx_trace_now_s();
	r->each_s = r->last_s - start_s;
	return true;
}

bool *calibrate_reads_settle(const struct calibrate_reads *r, struct unit *u)
{
	bool *reading = hx_xcalloc((size_t)r->n, sizeof(*reading)), *moment = hx_xcalloc((size_t)r->n + 1, sizeof(*moment));

	u->n_read = r->n_cores;
	u->read_bytes_s = hx_xcalloc(u->n_read, sizeof(*u->read_bytes_s));
	for (int i = 0; i < r->n; i++)
		reading[i] = true;
	for (size_t k = 0; k < r->n_cores; k++) {
		double typical_s = calibrate_times_typical(&r->took[k]);

		u->read_bytes_s[k] = (double)r->reader->bytes / typical_s;
		for (int i = 0; i < r->n; i++)
			reading[i] &= probe_is_calm(typical_s / r->took[k].v[i]);
	}
	for (int i = 1; i < r->n; i++)
		moment[i] = reading[i - 1] && reading[i];
	free(reading);
	return moment;
}
