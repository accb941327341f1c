/* How fast a cluster reads memory. */
#include "device/probe.h"

#include "engine/cpu/pool.h"
#include "engine/trace.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, REPEATS = 25, MIN_BYTES = 64 << 20, MAX_BYTES = 1 << 30 };
static const double BUDGET_S = 2.2; /* of all reads; filling the buffer comes on top */

static const double calm = 0.15;

enum { AHEAD = 4096 }; /* in bytes, as kernels ask for weights: without, a core has too few loads on their way */

/* Four vectors a line, four sums. */
typedef uint64_t vector __attribute__((vector_size(16)));

bool probe_is_calm(double speed)
{
	return fabs(speed - 1) <= calm;
}

static void read_part(void *arg, int thread, int n)
{
	const struct probe_reader *r = arg;
	vector a = {0}, b = {0}, c = {0}, d = {0};
	int64_t first, last;

	hx_pool_share(r->bytes, LINE, thread, n, &first, &last);
	for (int64_t i = first; i < last; i += LINE) {
		const vector *v = (const vector *)(r->buffer + i);

		__builtin_prefetch(r->buffer + i + AHEAD);
		a ^= v[0];
		b ^= v[1];
		c ^= v[2];
		d ^= v[3];
	}
	a ^= b ^ c ^ d;
	__asm__ volatile("" : : "r"(a[0] ^ a[1])); /* or the reads were superfluous */
}

double probe_read_s(const struct probe_reader *r, struct hx_pool *pool)
{
	double start_s = hx_trace_now_s();

	hx_pool_run(pool, read_part, (void *)r);
	return hx_trace_now_s() - start_s;
}

/* The median of what fits into share_s, at least one. */
static double time_reads(struct hx_pool *pool, const struct probe_reader *r, double share_s)
{
	double seconds[REPEATS], end_s = hx_trace_now_s() + share_s;
	int n = 0;

	do {
		seconds[n++] = probe_read_s(r, pool);
	} while (n < REPEATS && hx_trace_now_s() < end_s);
	gsl_sort(seconds, 1, (size_t)n);
	return gsl_stats_median_from_sorted_data(seconds, 1, (size_t)n);
}

/* 1, 2, 3, 4, 6, 8, 12, ... up to all; of more CPUs than PROBE_RATES reach, the last step is wider. */
static int thread_counts(int cpus, int *counts)
{
	int n = 0;

	for (int k = 1; k < cpus && n < PROBE_RATES - 1; k += k < 4 ? 1 : k & (k - 1) ? k / 3 : k / 2)
		counts[n++] = k;
	counts[n++] = cpus;
	return n;
}

static int measure(struct probe_cluster *c, const struct probe_reader *r, double share_s, struct hx_err *err)
{
	int counts[PROBE_RATES], n = thread_counts(c->n, counts), rc = HX_OK;

	c->n_rates = 0;
	for (int i = 0; i < n && !rc; i++) {
		struct hx_pool *pool;

		if ((rc = hx_pool_create(&pool, counts[i], c->cpus, err)))
			break;
		c->rates[c->n_rates++] = (struct probe_rate){counts[i], (double)r->bytes / time_reads(pool, r, share_s / n)};
		hx_pool_free(pool);
	}
	return rc;
}

static int64_t buffer_bytes(const struct probe *p)
{
	double most = MAX_BYTES, wanted = MIN_BYTES;

	for (int i = 0; i < p->n_clusters; i++)
		wanted = fmax(wanted, 4 * p->clusters[i].last_cache_bytes);
	if (!isnan(p->available_bytes))
		most = fmin(most, p->available_bytes / 4);
	return (int64_t)fmin(wanted, most) / LINE * LINE;
}

int probe_reader_init(struct probe_reader *r, const struct probe *p, struct hx_err *err)
{
	void *buffer = NULL;

	*r = (struct probe_reader){.bytes = buffer_bytes(p)};
	if (r->bytes < LINE || posix_memalign(&buffer, 4096, (size_t)r->bytes) != 0)
		return hx_err_set(err, HX_IO, "too little memory is free to measure how fast it is read");
	memset(buffer, 1, (size_t)r->bytes); /* pages that were never written are all one page of zeros */
	r->buffer = buffer;
	return HX_OK;
}

int probe_bandwidth(struct probe *p, struct hx_err *err)
{
	struct probe_reader r;
	int rc = probe_reader_init(&r, p, err);

	for (int i = 0; i < p->n_clusters && !rc; i++)
		rc = measure(&p->clusters[i], &r, BUDGET_S / p->n_clusters, err);
	free((void *)r.buffer);
	return rc;
}
