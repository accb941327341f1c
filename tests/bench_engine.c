/* How fast the engine decodes and verifies: `bench_engine FILE.gguf...`. For each file on 1 and 2 threads, behind 64 cached tokens: tokens a second,
 * bytes of weights a second and their share of what plain reading reaches; then for passes of k rows with all k logits T(k)/T(1), and T(k) over its bound,
 * the longer of reading the weights and of doing the operations at the measured peak. Everything is measured in turns; medians and quartiles of the ratios. */
#include "engine/engine.h"
#include "tests/bench_machine.h"

#include <math.h>
#include <stdio.h>

static const int rows_of[] = {1, 2, 3, 4, 5, 6, 8, 16};

enum { CURVE = sizeof(rows_of) / sizeof(*rows_of), MOST_ROWS = 16, CACHED = 64, BUFFER = 512 << 20, REPEATS = 3 };

struct figures {
	double read_s[BENCH_ROUNDS], peak_s[BENCH_ROUNDS], pass_s[CURVE][BENCH_ROUNDS];
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_engine: %s\n", what);
	exit(1);
}

static const int tokens[CACHED] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void decode(const struct hx_lm *lm, enum hx_pass_kind pass, int rows, int logit_rows)
{
	struct hx_logits out = {0};
	struct hx_err err;

	if (lm->decode(lm->self, pass, tokens, rows, logit_rows, &out, &err))
		fail(err.msg);
}

/* Seconds of a pass: the mean of a few, so that short ones are not lost in the clock. */
static double pass_s(const struct hx_lm *lm, int rows)
{
	double start_s = hx_trace_now_s();

	for (int i = 0; i < REPEATS; i++) {
		decode(lm, HX_PASS_VERIFY, rows, rows);
		lm->rollback(lm->self, CACHED);
	}
	return (hx_trace_now_s() - start_s) / REPEATS;
}

static void print_row(const char *title, const double *v, const char *format)
{
	printf("  %-12s", title);
	for (int k = 0; k < CURVE; k++)
		printf(format, v[k]);
	putchar('\n');
}

static void print(const struct hx_instance *in, struct figures *f, double read_bytes, double peak_operations, int threads)
{
	double bytes = in->weights.bytes, ops = 2.0 * (double)hx_shape_params(&in->model.shape), read = read_bytes / bench_quartile(f->read_s, 2);
	double peak = peak_operations > 0 ? peak_operations / bench_quartile(f->peak_s, 2) : INFINITY, one[BENCH_ROUNDS], v[3][CURVE];

	for (int i = 0; i < BENCH_ROUNDS; i++)
		one[i] = f->pass_s[0][i];
	printf("%-24s %d thread%s  %6.1f tokens/s  %5.1f GB/s, %.2f of %.1f read", in->model.shape.name, threads, threads > 1 ? "s" : " ",
	       1 / bench_quartile(one, 2), 1e-9 * bytes / bench_quartile(one, 2), bytes / bench_quartile(one, 2) / read, 1e-9 * read);
	printf(isinf(peak) ? "\n" : ", peak %.0f Gop/s\n", 1e-9 * peak);
	for (int k = 0; k < CURVE; k++) {
		double ratio[BENCH_ROUNDS];

		for (int i = 0; i < BENCH_ROUNDS; i++)
			ratio[i] = f->pass_s[k][i] / f->pass_s[0][i];
		v[0][k] = bench_quartile(ratio, 2);
		v[1][k] = (bench_quartile(ratio, 3) - bench_quartile(ratio, 1)) / 2;
	}
	for (int k = 0; k < CURVE; k++)
		v[2][k] = bench_quartile(f->pass_s[k], 2) / fmax(bytes / read, rows_of[k] * ops / peak);
	for (int k = 0; k < CURVE; k++)
		printf(k ? "%6d" : "  rows%14d", rows_of[k]);
	putchar('\n');
	print_row("T(k)/T(1)", v[0], "%6.2f");
	print_row("+-", v[1], "%6.2f");
	print_row("T(k)/bound", v[2], "%6.2f");
	fflush(stdout);
}

static void bench(const char *path, struct hx_engine *e, int threads, struct bench_memory *memory)
{
	static struct figures f;
	const struct hx_engine_model want = {.path = path, .type = -1, .mapping = threads == 1 ? "cpux1" : "cpux2", .options = {128, MOST_ROWS, true, 0}};
	struct hx_instance in;
	struct bench_peak peak;
	struct hx_err err;
	struct hx_lm lm;

	if (hx_instance_open(&in, e, &want, &err))
		fail(err.msg);
	lm = hx_exec_lm(in.exec);
	decode(&lm, HX_PASS_PREFILL_TARGET, CACHED, 0);
	peak = bench_peak_of(e->kernels, in.model.type);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		f.read_s[i] = bench_timed(in.places[0].pool, bench_read, memory);
		f.peak_s[i] = peak.work ? bench_timed(in.places[0].pool, peak.work, NULL) : 0;
		for (int k = 0; k < CURVE; k++)
			f.pass_s[k][i] = pass_s(&lm, rows_of[k]);
	}
	print(&in, &f, (double)memory->bytes, threads * peak.operations, threads);
	hx_instance_free(&in);
}

int main(int argc, char **argv)
{
	static const int cpus[] = {0, 1};
	static const struct hx_unit cpu = {.name = "cpu", .kind = HX_CPU, .cores = 2, .usable = 2, .clock_hz = 1e9};
	struct hx_engine e = {.units = {1, {&cpu}}, .cpus = {cpus}, .kernels = hx_kernels_find(NULL), .memory_bytes = INFINITY};
	struct bench_memory memory = {.words = hx_pack_alloc(BUFFER), .bytes = BUFFER};

	printf("kernels: %s\n", e.kernels->name);
	for (int i = 1; i < argc; i++)
		for (int threads = 1; threads <= 2; threads++)
			bench(argv[i], &e, threads, &memory);
	hx_pack_free(memory.words);
	hx_engine_free(&e);
	return 0;
}
