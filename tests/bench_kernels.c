/* How fast the kernels multiply: `bench_kernels [SET [TYPE...]]`, by default the fastest set with f16, q8_0 and q4_0.
 *
 * A pass is four layers and the head of Llama 3.2 1B: for each matrix, packing the input rows and multiplying. Printed for 1 and 2 threads: bytes of
 * weights per second of a pass of one row, as a share of plain reading too; then for k rows T(k) / T(1), and T(k) over its bound: the longer of
 * reading the weights and of doing the multiplications at the measured peak. Everything is measured in turns, medians are shown. */
#define _GNU_SOURCE /* madvise */
#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { MATRICES = 5, LAYERS = 4, ROUNDS = 15, MAX_ROWS = 16 };

static const int shapes[MATRICES][2] = {{3072, 2048}, {2048, 2048}, {16384, 2048}, {2048, 8192}, {128256, 2048}}; /* qkv, out, gate and up, down, head */
static const int rows_of[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16};

enum { CURVE = sizeof(rows_of) / sizeof(*rows_of) };

struct bench {
	const struct hx_kernels *kernels;
	struct hx_pool *pool;
	struct hx_matrix w[LAYERS * (MATRICES - 1) + 1];
	int n, rows;
	size_t bytes; /* of weights */
	double ops;   /* of a row */
	float *x, *y;
	void *input;
	uint64_t sum[64];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench_kernels");
		exit(1);
	}
	madvise(p, bytes, MADV_HUGEPAGE);
	memset(p, 0x2b, bytes);
	return p;
}

/* Weights of a type in one mapping; their values do not matter. */
static void fill(struct bench *b, int type)
{
	uint8_t *p = NULL;

	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			p = map(b->bytes);
		b->n = 0;
		b->bytes = 0;
		b->ops = 0;
		for (int i = 0; i < LAYERS * (MATRICES - 1) + 1; i++) {
			const int *s = shapes[i < LAYERS * (MATRICES - 1) ? i % (MATRICES - 1) : MATRICES - 1];

			b->w[b->n++] = (struct hx_matrix){type, s[0], s[1], b->kernels->lanes, pass ? p + b->bytes : NULL};
			b->bytes += (hx_pack_bytes(type, s[0], s[1], b->kernels->lanes) + 63) / 64 * 64;
			b->ops += 2.0 * s[0] * s[1];
		}
	}
}

static void pass(void *arg, int thread, int n)
{
	struct bench *b = arg;
	int64_t first, last;

	for (int i = 0; i < b->n; i++) {
		const struct hx_matrix *w = &b->w[i];

		hx_pool_share(w->in, 32, thread, n, &first, &last);
		b->kernels->input(w->type, b->x, (size_t)w->in, w->in, b->rows, (int)first, (int)last, b->input);
		hx_pool_barrier(b->pool, thread);
		hx_pool_share(w->out, w->lanes, thread, n, &first, &last);
		b->kernels->matmul(w, (int)first, (int)last, b->input, b->rows, b->y, (size_t)w->out);
		hx_pool_barrier(b->pool, thread);
	}
}

/* Plain reading of the weights. */
static void read_all(void *arg, int thread, int n)
{
	struct bench *b = arg;
	int64_t first, last;
	uint64_t sum[8] = {0};
	const uint64_t *p = b->w[0].data;

	hx_pool_share((int64_t)(b->bytes / 8), 8, thread, n, &first, &last);
	for (int64_t i = first; i + 8 <= last; i += 8) {
		__builtin_prefetch(p + i + 512);
#pragma GCC unroll 8
		for (int k = 0; k < 8; k++)
			sum[k] += p[i + k];
	}
	for (int k = 0; k < 8; k++)
		b->sum[thread] += sum[k];
}

enum { PEAK_LOOPS = 200000, CHAINS = 12 };

#if defined(__x86_64__)
/* Operations of one thread: enough chains to hide the latency. */
__attribute__((target("avx512f,avx512vnni"))) static double dots(void)
{
	__m512i sum[CHAINS], a = _mm512_set1_epi32(1);

#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		sum[i] = a;
	for (int n = 0; n < PEAK_LOOPS; n++)
#pragma GCC unroll 12
		for (int i = 0; i < CHAINS; i++) {
			sum[i] = _mm512_dpbusd_epi32(sum[i], a, a);
			__asm__ volatile("" : "+v"(sum[i]));
		}
	return 128.0 * CHAINS * PEAK_LOOPS;
}

__attribute__((target("avx512f"))) static double fmas(void)
{
	__m512 sum[CHAINS], a = _mm512_set1_ps(1);

#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		sum[i] = a;
	for (int n = 0; n < PEAK_LOOPS; n++)
#pragma GCC unroll 12
		for (int i = 0; i < CHAINS; i++) {
			sum[i] = _mm512_fmadd_ps(sum[i], a, a);
			__asm__ volatile("" : "+v"(sum[i]));
		}
	return 32.0 * CHAINS * PEAK_LOOPS;
}

static double (*peak_of(const struct bench *b))(void)
{
	if (strcmp(b->kernels->name, "avx512") != 0)
		return NULL;
	return hx_types[b->w[0].type].block == 1 ? fmas : dots;
}
#else
static double (*peak_of(const struct bench *b))(void)
{
	(void)b;
	return NULL;
}
#endif

static void peak(void *arg, int thread, int n)
{
	(void)thread, (void)n;
	peak_of(arg)();
}

static double timed(struct bench *b, void (*work)(void *arg, int thread, int n))
{
	double start_s = now_s();

	hx_pool_run(b->pool, work, b);
	return now_s() - start_s;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double typical(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), ascending);
	return v[ROUNDS / 4];
}

static void measure(struct bench *b, int threads)
{
	double took[CURVE][ROUNDS], reading[ROUNDS], peaks[ROUNDS], read_s, one_s, op_s = 0;
	bool has_peak = peak_of(b) != NULL;

	for (int i = 0; i < ROUNDS; i++) {
		reading[i] = timed(b, read_all);
		peaks[i] = has_peak ? timed(b, peak) : 0;
		for (int k = 0; k < CURVE; k++) {
			b->rows = rows_of[k];
			took[k][i] = timed(b, pass);
		}
	}
	read_s = typical(reading);
	one_s = typical(took[0]);
	printf("%-5s %d  read %5.1f GB/s  one row %5.1f GB/s, %4.2f", hx_type_names[b->w[0].type], threads, 1e-9 * (double)b->bytes / read_s,
	       1e-9 * (double)b->bytes / one_s, read_s / one_s);
	if (has_peak) {
		op_s = typical(peaks) / (threads * peak_of(b)());
		printf("  peak %5.0f Gop/s", 1e-9 / op_s);
	}
	printf("\n  rows      ");
	for (int k = 0; k < CURVE; k++)
		printf(" %5d", rows_of[k]);
	printf("\n  T(k)/T(1) ");
	for (int k = 0; k < CURVE; k++)
		printf(" %5.2f", typical(took[k]) / one_s);
	printf("\n  T(k)/bound");
	for (int k = 0; k < CURVE; k++) {
		double work_s = rows_of[k] * b->ops * op_s;

		printf(" %5.2f", typical(took[k]) / (read_s > work_s ? read_s : work_s));
	}
	printf("\n");
	fflush(stdout);
}

static void bench_type(struct bench *b, int type)
{
	fill(b, type);
	for (int threads = 1; threads <= 2; threads++) {
		static const int cpus[] = {0, 1};
		struct hx_err err;

		if (hx_pool_create(&b->pool, threads, cpus, &err)) {
			fprintf(stderr, "bench_kernels: %s\n", err.msg);
			exit(1);
		}
		timed(b, read_all);
		measure(b, threads);
		hx_pool_free(b->pool);
	}
	munmap(b->w[0].data, b->bytes);
}

int main(int argc, char **argv)
{
	static const int types[] = {HX_F16, HX_Q8_0, HX_Q4_0};
	struct bench b = {.kernels = hx_kernels_find(argc > 1 ? argv[1] : NULL)};

	if (!b.kernels) {
		fprintf(stderr, "bench_kernels: no kernels '%s' for this processor\n", argv[1]);
		return 2;
	}
	b.x = map(MAX_ROWS * 8192 * sizeof(float));
	b.y = map(MAX_ROWS * 128256 * sizeof(float));
	b.input = map(b.kernels->input_bytes(HX_F32, 8192, MAX_ROWS));
	for (int i = 0; i < MAX_ROWS * 8192; i++)
		b.x[i] = (float)(i * 37 % 101 - 50);
	printf("%s\n", b.kernels->name);
	for (int i = 0; i < (argc > 2 ? argc - 2 : 3); i++) {
		int type = argc > 2 ? hx_shape_type(argv[i + 2]) : types[i];

		if (type < 0) {
			fprintf(stderr, "bench_kernels: no type '%s'\n", argv[i + 2]);
			return 2;
		}
		bench_type(&b, type);
	}
	return 0;
}
