/* Memory beside what it was at calibration. On a host that others share, or in a phone that is hot, it changes within seconds, and nothing that was predicted
 * holds then; one core may find it changed where all together do not. */
#include "device/validate_memory.h"

#include "core/bandwidth.h"
#include "core/cost.h"
#include "device/validate_stats.h"

#include <math.h>
#include <time.h>

enum { READS = 3 };
static const double steady = 0.1; /* by which memory may change during a pair */

static int add(struct validate_memory *m, const struct profile *p, struct hx_engine *engine, int unit, int cores, struct hx_err *err)
{
	double bytes_s = cost_read_bandwidth(&p->units[unit], cores);
	struct hx_pool *pool;
	int rc;

	if (isnan(bytes_s))
		return HX_OK;
	rc = hx_engine_pool(engine, unit, 0, cores, &pool, err);
	for (int i = 0; i < m->n && !rc; i++)
		if (m->pools[i] == pool)
			return HX_OK;
	if (!rc) {
		m->pools[m->n] = pool;
		m->bytes_s[m->n++] = bytes_s;
	}
	return rc;
}

int validate_memory_add(struct validate_memory *m, const struct predict *p, const struct pair *pair, struct hx_engine *engine, struct hx_err *err)
{
	const struct profile *profile = &p->study->profile;
	const struct workload *w = &p->study->sweep.workloads[pair->key.workload];
	const struct placed *models[] = {pair->target, pair->plan.drafter == HX_DRAFT_MODEL ? pair->draft : NULL};
	int rc = HX_OK;

	for (size_t u = 0; u < profile->n_units; u++)
		for (int i = 0; i < 2 && !rc; i++)
			if (models[i] && models[i]->cores[u] && bandwidth_streams(profile, u, models[0], models[1], w->prompt + w->generated / 2.0))
				rc = add(m, profile, engine, (int)u, models[i]->cores[u], err);
	return rc;
}

struct validate_reading validate_memory_read(const struct validate_memory *m)
{
	struct validate_reading r = {.n = m->reader->buffer ? m->n : 0};

	for (int i = 0; i < r.n; i++) {
		double s[READS];

		for (int k = 0; k < READS; k++)
			s[k] = probe_read_s(m->reader, m->pools[i]);
		r.speed[i] = (double)m->reader->bytes / validate_median(s, READS) / m->bytes_s[i];
	}
	return r;
}

double validate_memory_speed(const struct validate_reading *before, const struct validate_reading *after)
{
	double furthest = NAN;

	for (int i = 0; i < before->n; i++) {
		double speed = (before->speed[i] + after->speed[i]) / 2;

		if (!(fabs(speed - 1) <= fabs(furthest - 1)))
			furthest = speed;
	}
	return furthest;
}

bool validate_memory_changed(const struct validate_reading *before, const struct validate_reading *after)
{
	for (int i = 0; i < before->n; i++)
		if (fabs(after->speed[i] / before->speed[i] - 1) > steady)
			return true;
	return false;
}

bool validate_is_calm(double memory)
{
	return isnan(memory) || probe_is_calm(memory);
}

void validate_memory_await(const struct validate_memory *m, double until_s, const volatile sig_atomic_t *stop, struct validate_reading *now)
{
	const struct timespec pause = {.tv_nsec = 250000000};

	while (!validate_is_calm(validate_memory_speed(now, now)) && hx_trace_now_s() < until_s && !(stop && *stop)) {
		nanosleep(&pause, NULL);
		*now = validate_memory_read(m);
	}
}
