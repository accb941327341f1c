/* What a machine can do at best, to hold benchmarks against: bytes read and operations done per second, on the threads of a pool. */
#ifndef TESTS_BENCH_MACHINE_H
#define TESTS_BENCH_MACHINE_H

#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"
#include "engine/trace.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BENCH_ROUNDS = 15, BENCH_PEAK_LOOPS = 200000, BENCH_CHAINS = 12 /* enough to hide the latency */ };

/* Memory to read. */
struct bench_memory {
	uint64_t *words;
	size_t bytes;
	uint64_t sum[64];
};

static inline void bench_read(void *arg, int thread, int n)
{
	struct bench_memory *m = arg;
	int64_t first, last;
	uint64_t sum[8] = {0};

	hx_pool_share((int64_t)(m->bytes / 8), 8, thread, n, &first, &last);
	for (int64_t i = first; i + 8 <= last; i += 8) {
		__builtin_prefetch(m->words + i + 512);
#pragma GCC unroll 8
		for (int k = 0; k < 8; k++)
			sum[k] += m->words[i + k];
	}
	for (int k = 0; k < 8; k++)
		m->sum[thread % 64] += sum[k];
}

#if defined(__x86_64__)
/* A loop of independent chains of an instruction, `step` of a sum and a constant. */
#define BENCH_PEAK(name, features, vector, constant, step)                                                                  \
	__attribute__((target(features))) static inline void name(void *arg, int thread, int n)                             \
	{                                                                                                                   \
		vector sum[BENCH_CHAINS], a = constant;                                                                     \
                                                                                                                            \
		(void)arg, (void)thread, (void)n;                                                                           \
		_Pragma("GCC unroll 12") for (int i = 0; i < BENCH_CHAINS; i++) sum[i] = a;                                 \
		for (int k = 0; k < BENCH_PEAK_LOOPS; k++)                                                                  \
			_Pragma("GCC unroll 12") for (int i = 0; i < BENCH_CHAINS; i++)                                     \
			{                                                                                                   \
				sum[i] = step;                                                                              \
				__asm__ volatile("" : "+v"(sum[i]));                                                        \
			}                                                                                                   \
	}
BENCH_PEAK(bench_dots, "avx512f,avx512vnni", __m512i, _mm512_set1_epi32(1), _mm512_dpbusd_epi32(sum[i], a, a))
BENCH_PEAK(bench_fmas, "avx512f", __m512, _mm512_set1_ps(1), _mm512_fmadd_ps(sum[i], a, a))
#endif

/* What does the arithmetic of a kernel set for weights of a type at full speed, and its operations a thread; NULL where there is no such loop. */
struct bench_peak {
	void (*work)(void *arg, int thread, int n);
	double operations;
};

static inline struct bench_peak bench_peak_of(const struct hx_kernels *k, int type)
{
	const double loops = (double)BENCH_CHAINS * BENCH_PEAK_LOOPS;

#if defined(__x86_64__)
	if (strcmp(k->name, "avx512") == 0)
		return hx_types[type].block > 1 ? (struct bench_peak){bench_dots, 128 * loops} : (struct bench_peak){bench_fmas, 32 * loops};
#endif
	(void)k, (void)type, (void)loops;
	return (struct bench_peak){NULL, 0};
}

static inline double bench_timed(struct hx_pool *pool, void (*work)(void *arg, int thread, int n), void *arg)
{
	double start_s = hx_trace_now_s();

	hx_pool_run(pool, work, arg);
	return hx_trace_now_s() - start_s;
}

static inline int bench_ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Quartiles of BENCH_ROUNDS values, which it sorts: 1, 2 (the median) or 3. */
static inline double bench_quartile(double *v, int which)
{
	qsort(v, BENCH_ROUNDS, sizeof(*v), bench_ascending);
	return v[which * (BENCH_ROUNDS - 1) / 4];
}

#endif
