/* Logits of every architecture against a forward pass in doubles, written here in plain loops from what the papers say. */
#define _GNU_SOURCE /* affinity */
#include "engine/speculate.h"

#include "tiny_model.h"
#include "two_units.h"

#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PROMPT = 304 /* more than one walk takes */, TAIL = 8, CONTEXT = PROMPT + TAIL, MOST_VOCAB = 128 };
static const char file[] = "test_forward.tmp.gguf";

/* ---- the reference ---- */

struct reference {
	const struct hx_model *m;
	int type; /* requantised to; -1: as in the file */
	int n;
	double *x;       /* n x d_model */
	double *k, *v;   /* n x kv_heads x d_head, of the layer that runs */
	double *logits;  /* n x vocab */
};

/* A tensor's values as they are held. The caller frees them. */
static double *values(const struct reference *r, const struct hx_gguf_tensor *t)
{
	size_t row = (size_t)t->dims[0], n = row * (size_t)t->dims[1];
	int type = r->type < 0 || t->dims[1] == 1 ? t->type : hx_shape_row_type(r->type, (int)row);
	float *f = malloc(sizeof(*f) * n);
	void *held = malloc(sizeof(*f) * n);
	double *v = malloc(sizeof(*v) * n);

	assert_true(f && held && v);
	hx_quant_decode(t->type, t->data, f, n);
	if (type != t->type) {
		hx_quant_encode(type, f, held, n);
		hx_quant_decode(type, held, f, n);
	}
	for (size_t i = 0; i < n; i++)
		v[i] = (double)f[i];
	free(f);
	free(held);
	return v;
}

static void multiply(const struct reference *r, const struct hx_gguf_tensor *t, const double *x, double *y)
{
	double *w = values(r, t);
	int in = (int)t->dims[0], out = (int)t->dims[1];

	for (int p = 0; p < r->n; p++)
		for (int o = 0; o < out; o++) {
			double sum = 0;

			for (int i = 0; i < in; i++)
				sum += w[o * in + i] * x[p * in + i];
			y[p * out + o] = sum;
		}
	free(w);
}

/* Norms of n rows; t NULL: none is wanted. */
static void norm(const struct reference *r, const struct hx_gguf_tensor *t, int n, double *x)
{
	double *w;
	int d;

	if (!t)
		return;
	d = (int)t->dims[0];
	w = values(r, t);
	for (int p = 0; p < n; p++) {
		double sum = 0;

		for (int i = 0; i < d; i++)
			sum += x[p * d + i] * x[p * d + i];
		for (int i = 0; i < d; i++)
			x[p * d + i] *= w[i] / sqrt(sum / d + r->m->norm_eps);
	}
	free(w);
}

static void bias(const struct reference *r, const struct hx_gguf_tensor *t, double *y)
{
	double *b;

	if (!t)
		return;
	b = values(r, t);
	for (int i = 0; i < r->n * (int)t->dims[0]; i++)
		y[i] += b[i % (int)t->dims[0]];
	free(b);
}

static bool windowed(const struct hx_shape *s, int layer)
{
	return s->window && (layer + 1) % s->global_every != 0;
}

static void rotate(const struct reference *r, int layer, int heads, double *x)
{
	const struct hx_model *m = r->m;
	int d = m->shape.d_head, half = m->rope_dims / 2;
	bool near = windowed(&m->shape, layer);

	for (int row = 0; row < r->n * heads; row++)
		for (int i = 0; i < half; i++) {
			int a = row * d + (m->rope_pairs ? 2 * i : i), b = a + (m->rope_pairs ? 1 : half);
			double angle = row / heads * pow(near ? m->rope_theta_local : m->rope_theta, -2.0 * i / m->rope_dims), u = x[a], w = x[b];

			angle /= (near ? 1 : m->rope_scale) * (m->rope_factors ? (double)m->rope_factors[i] : 1);
			x[a] = u * cos(angle) - w * sin(angle);
			x[b] = u * sin(angle) + w * cos(angle);
		}
}

/* As the cache holds it. */
static void to_f16(double *x, int n)
{
	for (int i = 0; i < n; i++)
		x[i] = (double)hx_quant_f16_value(hx_quant_f16((float)x[i]));
}

static void attend(const struct reference *r, int layer, const double *q, const double *k, const double *v, double *out)
{
	const struct hx_shape *s = &r->m->shape;
	int d = s->d_head, group = s->heads / s->kv_heads;
	double scores[CONTEXT];

	for (int p = 0; p < r->n; p++)
		for (int h = 0; h < s->heads; h++) {
			const double *mine = q + (p * s->heads + h) * d;
			double *to = out + (p * s->heads + h) * d, sum = 0;
			int from = windowed(s, layer) && p >= s->window ? p - s->window + 1 : 0;

			for (int t = from; t <= p; t++) {
				scores[t] = 0;
				for (int i = 0; i < d; i++)
					scores[t] += mine[i] * k[(t * s->kv_heads + h / group) * d + i];
				sum += scores[t] = exp(scores[t] * r->m->attn_scale);
			}
			for (int i = 0; i < d; i++) {
				to[i] = 0;
				for (int t = from; t <= p; t++)
					to[i] += scores[t] / sum * v[(t * s->kv_heads + h / group) * d + i];
			}
		}
}

static void add(double *x, const double *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static double *rows_of(const struct reference *r, int width)
{
	double *x = calloc((size_t)r->n * (size_t)width, sizeof(*x));

	assert_non_null(x);
	return x;
}

static double *copy(const struct reference *r)
{
	size_t n = (size_t)r->n * (size_t)r->m->shape.d_model;
	double *x = malloc(n * sizeof(*x));

	assert_non_null(x);
	return memcpy(x, r->x, n * sizeof(*x));
}

static void attention(const struct reference *r, int layer)
{
	const struct hx_shape *s = &r->m->shape;
	const struct hx_gguf_tensor *const *part = r->m->layers[layer].part;
	int kv = s->kv_heads * s->d_head;
	double *x = copy(r), *q = rows_of(r, s->heads * s->d_head), *k = rows_of(r, kv), *v = rows_of(r, kv), *out = rows_of(r, s->heads * s->d_head);

	norm(r, part[HX_PART_ATTN_NORM], r->n, x);
	multiply(r, part[HX_PART_Q], x, q);
	multiply(r, part[HX_PART_K], x, k);
	multiply(r, part[HX_PART_V], x, v);
	bias(r, part[HX_PART_Q_BIAS], q);
	bias(r, part[HX_PART_K_BIAS], k);
	bias(r, part[HX_PART_V_BIAS], v);
	norm(r, part[HX_PART_Q_NORM], r->n * s->heads, q);
	norm(r, part[HX_PART_K_NORM], r->n * s->kv_heads, k);
	rotate(r, layer, s->heads, q);
	rotate(r, layer, s->kv_heads, k);
	to_f16(k, r->n * kv);
	to_f16(v, r->n * kv);
	attend(r, layer, q, k, v, out);
	multiply(r, part[HX_PART_ATTN_OUT], out, x);
	norm(r, part[HX_PART_ATTN_POST_NORM], r->n, x);
	add(r->x, x, (size_t)r->n * (size_t)s->d_model);
	free(x);
	free(q);
	free(k);
	free(v);
	free(out);
}

static double activation(const struct reference *r, double g)
{
	return r->m->gelu ? g / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (g + 0.044715 * g * g * g))) : g / (1 + exp(-g));
}

static void feed_forward(const struct reference *r, int layer)
{
	const struct hx_shape *s = &r->m->shape;
	const struct hx_gguf_tensor *const *part = r->m->layers[layer].part;
	double *x = copy(r), *gate = rows_of(r, s->d_ff), *up = rows_of(r, s->d_ff);

	norm(r, part[HX_PART_FFN_NORM], r->n, x);
	multiply(r, part[HX_PART_GATE], x, gate);
	multiply(r, part[HX_PART_UP], x, up);
	for (int i = 0; i < r->n * s->d_ff; i++)
		up[i] *= activation(r, gate[i]);
	multiply(r, part[HX_PART_DOWN], up, x);
	norm(r, part[HX_PART_FFN_POST_NORM], r->n, x);
	add(r->x, x, (size_t)r->n * (size_t)s->d_model);
	free(x);
	free(gate);
	free(up);
}

/* Logits of all n tokens: n x vocab, the caller's to free. */
static double *forward(const struct hx_model *m, int type, const int *tokens, int n)
{
	struct reference r = {.m = m, .type = type, .n = n};
	int d = m->shape.d_model;
	double *table = values(&r, m->embed), *logits = rows_of(&r, m->shape.vocab);

	r.x = rows_of(&r, d);
	for (int i = 0; i < n * d; i++)
		r.x[i] = table[tokens[i / d] * d + i % d] * m->embed_scale;
	for (int l = 0; l < m->shape.layers; l++) {
		attention(&r, l);
		feed_forward(&r, l);
	}
	norm(&r, m->norm, n, r.x);
	multiply(&r, m->head, r.x, logits);
	free(table);
	free(r.x);
	return logits;
}

/* ---- the engine ---- */

#define SIZES(l, d, h, kv, dh, ff, v) \
	.layers = l, .d_model = d, .heads = h, .kv_heads = kv, .d_head = dh, .d_ff = ff, .vocab = v, .context = 512, .gated_ffn = true
#define SHAPE(f, ...) .family = f, .norms = 2, .rope_theta = 1e4, SIZES(__VA_ARGS__)
#define GEMMA(...) .family = "gemma3", .norms = 4, .rope_theta = 1e6, .tied = true, .qk_norm = true, .global_every = 6, SIZES(__VA_ARGS__)

static const struct {
	const char *name;
	struct tiny tiny;
} models[] = {
	{"llama", {.shape = {SHAPE("llama", 2, 64, 4, 2, 16, 96, 80), .tied = true}}},
	{"llama with rope factors", {.shape = {SHAPE("llama", 2, 64, 4, 1, 32, 64, 80)}, .rope_factors = true}},
	{"llama, linear rope scaling", {.shape = {SHAPE("llama", 1, 32, 2, 2, 16, 32, 50)}, .rope_scale = 4}},
	{"llama with biases", {.shape = {SHAPE("llama", 2, 32, 2, 1, 16, 32, 50), .qkv_bias = true}}},
	{"odd sizes", {.shape = {SHAPE("llama", 2, 30, 6, 3, 7, 50, 61), .tied = true}, .rope_dims = 6}},
	{"half rotated, wide heads", {.shape = {SHAPE("qwen3", 2, 33, 2, 1, 72, 41, 67), .qk_norm = true}, .rope_dims = 36}},
	{"smallest", {.shape = {SHAPE("llama", 1, 1, 1, 1, 2, 1, 2)}}},
	{"mixed types", {.shape = {SHAPE("llama", 2, 64, 4, 2, 16, 96, 80)}, .types = {HX_Q8_0, HX_F16, HX_Q4_0, HX_F32}, .n_types = 4}},
	{"k-quants", {.shape = {SHAPE("llama", 1, 256, 4, 2, 64, 256, 80)}, .types = {HX_Q6_K, HX_Q4_K, HX_Q5_K}, .n_types = 3}},
	{"qwen2", {.shape = {SHAPE("qwen2", 2, 48, 3, 1, 16, 80, 80), .qkv_bias = true}}},
	{"qwen3", {.shape = {SHAPE("qwen3", 2, 32, 4, 2, 32, 64, 80), .tied = true, .qk_norm = true}}},
	{"gemma3", {.shape = {GEMMA(7, 64, 2, 1, 16, 96, 80), .window = 20}}},
	{"gemma3, linear rope scaling", {.shape = {GEMMA(6, 32, 2, 1, 16, 64, 80), .window = 300}, .rope_scale = 8}},
};

/* The k-th token of the text. */
static int token_at(const struct hx_shape *s, int k)
{
	return (int)(k * 7919L % 104729 % s->vocab);
}

/* Greatest distance of logits, in standard deviations of the reference's. */
static double distance(const double *want, const double *got, int n)
{
	double most = 0, sum = 0, squares = 0;

	for (int i = 0; i < n; i++) {
		double off = fabs(want[i] - got[i]);

		most = off <= most ? most : off;
		sum += want[i];
		squares += want[i] * want[i];
	}
	return most / sqrt(squares / n - sum / n * sum / n);
}

struct bench {
	struct hx_engine engine;
	struct hx_instance model;
	struct hx_lm lm;
	int text[CONTEXT];
};

/* How a model is run. */
struct way {
	const char *name, *mapping;
	struct hx_cl_options options;
};

static struct way on_cpu(const char *kernels)
{
	return (struct way){.name = kernels, .mapping = "cpux2"};
}

static void bench_init(struct bench *b, const struct way *way, int type, bool kv_cache)
{
	const struct hx_engine_model want = {.path = file, .type = type, .mapping = way->mapping, .options = {CONTEXT, TAIL, kv_cache, 0}};

	b->engine = two_units(hx_kernels_find(way->name) ? way->name : NULL, &way->options);
	one_cpu_open(&b->model, &b->engine, &want);
	b->lm = hx_exec_lm(b->model.exec);
	for (int i = 0; i < CONTEXT; i++)
		b->text[i] = token_at(&b->model.model.shape, i);
}

static void bench_free(struct bench *b)
{
	hx_instance_free(&b->model);
	hx_engine_free(&b->engine);
}

static void pass(struct bench *b, int from, int n, int logit_rows, double *logits)
{
	struct hx_logits out = {.wanted = true};
	struct hx_err err;

	if (b->lm.decode(b->lm.self, HX_PASS_VERIFY, b->text + from, n, logit_rows, &out, &err))
		fail_msg("%s", err.msg);
	for (int i = 0; i < logit_rows * b->lm.vocab; i++)
		logits[i] = (double)out.logits[i];
}

/* Logits of the prompt's last TAIL tokens and of TAIL more, the latter a row at a time. */
static void many_then_single(struct bench *b, double *logits)
{
	pass(b, 0, PROMPT, TAIL, logits);
	for (int i = 0; i < TAIL; i++)
		pass(b, PROMPT + i, 1, 1, logits + (TAIL + i) * b->lm.vocab);
}

/* The same a row at a time, or in passes of odd sizes. */
static void in_steps(struct bench *b, int step, double *logits)
{
	const int first = PROMPT - TAIL;

	b->lm.rollback(b->lm.self, 0);
	for (int at = 0; at < first; at += step)
		pass(b, at, at + step < first ? step : first - at, 0, NULL);
	for (int i = 0; i < 2 * TAIL; i += 2)
		pass(b, first + i, 2, 2, logits + i * b->lm.vocab);
}

static double bound_of(const struct tiny *t, int type)
{
	return type >= HX_Q4_0 || (type < 0 && t->n_types) ? 0.1 : 1e-3; /* inputs of quantised matrices are bytes; else it is the cache's rounding */
}

static void check_logits(size_t i, const struct way *way, int type)
{
	static double got[2 * TAIL * MOST_VOCAB], again[2 * TAIL * MOST_VOCAB];
	struct bench b;
	double *want, off;
	int n;

	bench_init(&b, way, type, true);
	n = 2 * TAIL * b.lm.vocab;
	many_then_single(&b, got);
	want = forward(&b.model.model, type, b.text, CONTEXT);
	off = distance(want + (PROMPT - TAIL) * b.lm.vocab, got, n);
	if (!(off <= bound_of(&models[i].tiny, type)))
		fail_msg("%s, %s, %s: logits are off by %g", models[i].name, way->name, type < 0 ? "as it is" : hx_type_names[type], off);
	for (int step = 1; step < 100; step += 73) {
		in_steps(&b, step, again);
		if (memcmp(got, again, sizeof(*got) * (size_t)n) != 0)
			fail_msg("%s, %s: %d rows at a time give other logits", models[i].name, way->name, step);
	}
	free(want);
	bench_free(&b);
}

static void every_model(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(models); i++) {
		tiny_write(&models[i].tiny, 1 + i, file);
		for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++) {
			const struct way way = on_cpu((*k)->name);

			check_logits(i, &way, -1);
		}
	}
}

static void requantised(void **state)
{
	static const int types[] = {HX_F16, HX_BF16, HX_Q8_0, HX_Q6_K};
	const struct way way = on_cpu(hx_kernels_find(NULL)->name);

	(void)state;
	for (size_t i = 0; i < COUNT(models); i++) {
		tiny_write(&models[i].tiny, 1 + i, file);
		check_logits(i, &way, types[i % COUNT(types)]);
	}
}

/* On a device, whole and in part. Layers of the smallest model cannot be parted. */
static void on_device(void **state)
{
	static const struct way ways[] = {
		{"device", "opencl", {0}},
		{"device, last layer on the CPU", "opencl:0,embed+cpux1", {.staged = true}},
		{"device as a GPU, attention on the CPU", "cpux2:0.attn,head+opencl", {.as_gpu = true, .staged = true}},
		{"device, feed-forward on the CPU", "opencl:0.attn,embed+cpux1", {0}},
		{"device, ends on the CPU", "cpux1:embed,head+opencl", {0}},
	};

	(void)state;
	if (!two_units_here())
		skip();
	for (size_t i = 0; i < COUNT(models); i++) {
		tiny_write(&models[i].tiny, 1 + i, file);
		for (size_t w = 0; w < COUNT(ways); w++)
			check_logits(i, &ways[w], -1);
	}
}

/* Every type, in matrices that need more buffers than one. */
static void on_device_by_type(void **state)
{
	static const struct way cpu = {"device", "opencl", {.max_alloc_bytes = 1 << 17}}, gpu = {"device, as a GPU", "opencl", {.as_gpu = true}};
	const size_t i = 8; /* rows of 256 */

	(void)state;
	if (!two_units_here())
		skip();
	tiny_write(&models[i].tiny, 1 + i, file);
	for (int type = 0; type < HX_TYPE_COUNT; type++) {
		check_logits(i, &cpu, type);
		if (type % 3 == 0) /* building kernels takes long; f32, q4_0, q5_1, q5_k */
			check_logits(i, &gpu, type);
	}
}

/* Weights that are there already are used where nothing is missing: norms of queries and keys are, where rotating was left to the CPU. */
static void on_device_borrowed(void **state)
{
	static struct hx_support supports[] = {{.op = HX_OP_ROPE}, {.op = HX_OP_ATTN}};
	static char fallback[] = "opencl";
	static double logits[2][MOST_VOCAB];
	const size_t i = 10; /* with such norms */
	const struct hx_cl_options options = {0};
	struct hx_engine_model want = {.path = file, .type = -1, .mapping = "cpux1", .options = {CONTEXT, 1, true, 0}};
	struct bench b = {.engine = two_units(NULL, &options)};
	struct hx_unit cpu = one_cpu_unit;
	struct hx_instance there;

	(void)state;
	if (!two_units_here())
		skip();
	tiny_write(&models[i].tiny, 1 + i, file);
	cpu.supports = supports;
	cpu.n_supports = COUNT(supports);
	cpu.fallback = fallback;
	b.engine.units.v[0] = &cpu;
	one_cpu_open(&there, &b.engine, &want);
	want.mapping = "opencl";
	for (int like = 0; like < 2; like++) {
		want.like = like ? &there : NULL;
		one_cpu_open(&b.model, &b.engine, &want);
		b.lm = hx_exec_lm(b.model.exec);
		pass(&b, 0, 4, 1, logits[like]);
		hx_instance_free(&b.model);
	}
	assert_memory_equal(logits[0], logits[1], sizeof(logits[0]));
	hx_instance_free(&there);
	hx_engine_free(&b.engine);
}

/* Without the cache: the whole text at every pass. */
static void without_cache(void **state)
{
	static double got[2 * TAIL * MOST_VOCAB], want[2 * TAIL * MOST_VOCAB];
	const struct way way = on_cpu(hx_kernels_find(NULL)->name);
	struct bench b;

	(void)state;
	for (size_t i = 0; i < COUNT(models); i++) {
		tiny_write(&models[i].tiny, 1 + i, file);
		for (int cache = 0; cache < 2; cache++) {
			bench_init(&b, &way, -1, cache);
			many_then_single(&b, cache ? want : got);
			bench_free(&b);
		}
		assert_memory_equal(got, want, sizeof(*got) * 2 * TAIL * (size_t)models[i].tiny.shape.vocab);
	}
}

/* What a defect would look like: every constant of a model, slightly wrong, shows beyond the bound. */
static void bounds_are_tight(void **state)
{
	enum { WINDOW, GLOBAL_EVERY, EMBED, ATTN, GELU, PAIRS, DIMS, THETA, THETA_LOCAL, SCALE, CHANGES };
	static const char *const applies[CHANGES] = {
		[WINDOW] = "gemma3", [GLOBAL_EVERY] = "gemma3", [EMBED] = "gemma3", [ATTN] = "", [GELU] = "", [PAIRS] = "",
		[DIMS] = "", [THETA] = "", [THETA_LOCAL] = "gemma3", [SCALE] = ""};
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(models); i++) {
		int text[CONTEXT];
		struct hx_model m;
		double *want, *wrong;

		if (models[i].tiny.n_types || models[i].tiny.shape.d_model == 1)
			continue;
		tiny_write(&models[i].tiny, 1 + i, file);
		assert_int_equal(hx_model_open(&m, file, &err), HX_OK);
		for (int k = 0; k < CONTEXT; k++)
			text[k] = token_at(&m.shape, k);
		want = forward(&m, -1, text, CONTEXT);
		for (int change = 0; change < CHANGES; change++) {
			struct hx_model changed = m;
			size_t at = (size_t)(PROMPT - TAIL) * (size_t)m.shape.vocab;

			if (!strstr(m.shape.family, applies[change]))
				continue;
			changed.shape.window += change == WINDOW;
			changed.shape.global_every -= change == GLOBAL_EVERY;
			changed.embed_scale *= change == EMBED ? 1.05 : 1;
			changed.attn_scale *= change == ATTN ? 1.05 : 1;
			changed.gelu ^= change == GELU;
			changed.rope_pairs ^= change == PAIRS;
			changed.rope_dims -= change == DIMS ? 2 : 0;
			changed.rope_theta *= change == THETA ? 1.5 : 1;
			changed.rope_theta_local *= change == THETA_LOCAL ? 1.5 : 1;
			changed.rope_scale *= change == SCALE ? 1.05 : 1;
			wrong = forward(&changed, -1, text, CONTEXT);
			if (distance(want + at, wrong + at, 2 * TAIL * m.shape.vocab) < 2 * bound_of(&models[i].tiny, -1))
				fail_msg("%s: change %d goes unnoticed", models[i].name, change);
			free(wrong);
		}
		free(want);
		hx_model_free(&m);
	}
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model),
		cmocka_unit_test(requantised),
		cmocka_unit_test(without_cache),
		cmocka_unit_test(on_device),
		cmocka_unit_test(on_device_by_type),
		cmocka_unit_test(on_device_borrowed),
		cmocka_unit_test(bounds_are_tight),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
