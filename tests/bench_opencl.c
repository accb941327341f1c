/* How fast the engine decodes and verifies on the first OpenCL device: `bench_opencl FILE.gguf...`. For each file, behind 64 cached tokens: tokens a second; for passes
 * of k rows with all k logits T(k)/T(1); for the operators with matrices, bytes of weights a second in the kernels' own time, and their share of what one core reads
 * plainly. A device that is a CPU works on the second processor, and reading is timed there. Everything is measured in turns; medians. */
#include "engine/engine.h"
#include "tests/bench_machine.h"

#include <math.h>
#include <stdio.h>

static const int rows_of[] = {1, 2, 3, 4, 5, 6, 8};
static const int kinds[] = {HX_OP_QKV, HX_OP_ATTN_OUT, HX_OP_FFN_UP, HX_OP_FFN_DOWN, HX_OP_HEAD}; /* all but the last are a layer's */

enum { CURVE = sizeof(rows_of) / sizeof(*rows_of), KINDS = sizeof(kinds) / sizeof(*kinds), MOST_ROWS = 8, CACHED = 64, BUFFER = 512 << 20, PROCESSOR = 1 };

static void fail(const char *what)
{
	fprintf(stderr, "bench_opencl: %s\n", what);
	exit(1);
}

static const int tokens[CACHED] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static double pass_s(const struct hx_lm *lm, enum hx_pass_kind pass, int rows, int logit_rows)
{
	double start_s = hx_trace_now_s();
	struct hx_logits out = {0};
	struct hx_err err;

	if (lm->decode(lm->self, pass, tokens, rows, logit_rows, &out, &err))
		fail(err.msg);
	return hx_trace_now_s() - start_s;
}

struct figures {
	double read_s[BENCH_ROUNDS], pass_s[CURVE][BENCH_ROUNDS], op_s[KINDS][BENCH_ROUNDS];
};

static void trace_round(struct hx_instance *in, const struct hx_lm *lm, struct figures *f, int round)
{
	struct hx_trace t = {.ops = true};

	hx_exec_trace(in->exec, &t);
	pass_s(lm, HX_PASS_VERIFY, 1, 1);
	hx_exec_trace(in->exec, NULL);
	lm->rollback(lm->self, CACHED);
	for (int k = 0; k < KINDS; k++) {
		f->op_s[k][round] = 0;
		for (size_t i = 0; i < t.n; i++)
			if (t.events[i].op == kinds[k])
				f->op_s[k][round] += t.events[i].end_s - t.events[i].start_s;
	}
	hx_trace_free(&t);
}

/* Of all operators of a kind. */
static double weight_bytes(const struct hx_graph *g, int kind)
{
	double bytes = 0;

	for (size_t i = 0; i < g->n_ops; i++)
		if (hx_graph_op(g, i)->kind == kind)
			bytes += hx_graph_op(g, i)->weight_bytes;
	return bytes;
}

static void print(const struct hx_instance *in, struct figures *f, double read_bytes_s)
{
	double one[BENCH_ROUNDS], bytes = 0, seconds = 0;

	for (int i = 0; i < BENCH_ROUNDS; i++)
		one[i] = f->pass_s[0][i];
	printf("%-24s %6.1f tokens/s; one core reads %.1f GB/s\n  T(k)/T(1) ", in->model.shape.name, 1 / bench_quartile(one, 2), 1e-9 * read_bytes_s);
	for (int k = 0; k < CURVE; k++) {
		double ratio[BENCH_ROUNDS];

		for (int i = 0; i < BENCH_ROUNDS; i++)
			ratio[i] = f->pass_s[k][i] / f->pass_s[0][i];
		printf("  %d: %.2f", rows_of[k], bench_quartile(ratio, 2));
	}
	for (int k = 0; k < KINDS; k++) {
		double rate = weight_bytes(&in->graph, kinds[k]) / bench_quartile(f->op_s[k], 2);

		printf("\n  %-9s %5.1f GB/s, %.2f of reading", hx_op_names[kinds[k]], 1e-9 * rate, rate / read_bytes_s);
		if (k < KINDS - 1) {
			bytes += weight_bytes(&in->graph, kinds[k]);
			seconds += bench_quartile(f->op_s[k], 2);
		}
	}
	printf("\n  a layer   %5.1f GB/s, %.2f of reading", 1e-9 * bytes / seconds, bytes / seconds / read_bytes_s);
	putchar('\n');
	fflush(stdout);
}

static void bench(const char *path, struct hx_engine *e, struct bench_memory *memory)
{
	static struct figures f;
	const struct hx_engine_model want = {.path = path, .type = -1, .mapping = "opencl", .options = {128, MOST_ROWS, true, 0}};
	struct hx_instance in;
	struct hx_pool *reader;
	struct hx_err err;
	struct hx_lm lm;

	if (hx_instance_open(&in, e, &want, &err) || hx_engine_pool(e, 1, 0, 1, &reader, &err))
		fail(err.msg);
	lm = hx_exec_lm(in.exec);
	pass_s(&lm, HX_PASS_PREFILL_TARGET, CACHED, 0);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		f.read_s[i] = bench_timed(reader, bench_read, memory);
		for (int k = 0; k < CURVE; k++) {
			f.pass_s[k][i] = pass_s(&lm, HX_PASS_VERIFY, rows_of[k], rows_of[k]);
			lm.rollback(lm.self, CACHED);
		}
		trace_round(&in, &lm, &f, i);
	}
	print(&in, &f, (double)memory->bytes / bench_quartile(f.read_s, 2));
	hx_instance_free(&in);
}

int main(int argc, char **argv)
{
	static const int cpus[] = {PROCESSOR};
	static const struct hx_unit opencl = {.name = "opencl", .kind = HX_GPU, .cores = 1, .usable = 1, .clock_hz = 1e9};
	static const struct hx_unit cpu = {.name = "cpu", .kind = HX_CPU, .cores = 1, .usable = 1, .clock_hz = 1e9};
	struct hx_engine e = {.units = {2, {&opencl, &cpu}},
			      .cpus = {NULL, cpus},
			      .devices = {{.wanted = true, .options = {.cpu = PROCESSOR}}},
			      .kernels = hx_kernels_find(NULL),
			      .memory_bytes = INFINITY};
	struct bench_memory memory = {.words = hx_pack_alloc(BUFFER), .bytes = BUFFER};

	for (int i = 1; i < argc; i++)
		bench(argv[i], &e, &memory);
	hx_pack_free(memory.words);
	hx_engine_free(&e);
	return 0;
}
