/* Random models. */
#include "engine/synth.h"

#include "engine/model_arch.h"
#include "engine/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values that stay together, a multiple of every block; stretches to choose from; stretches written at once. */
enum { STRETCH = 256, POOL_BITS = 10, POOL = 1 << POOL_BITS, CHUNK = 4096 };

struct synth {
	const struct hx_shape *shape;
	const struct hx_arch *arch;
	const struct hx_synth_options *options;
	struct hx_gguf_writer *w;
	uint64_t random;
	float *values;       /* STRETCH x POOL */
	unsigned char *pool; /* the same, encoded */
	unsigned char *chunk;
};

enum content { RANDOM, ONES, ROPE_FACTORS };

/* A tensor of the model, in the order of the file. */
struct planned {
	char name[64];
	int in, out, type;
	enum content content;
};

/* SplitMix64. */
static uint64_t next(struct synth *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Nearly normal, of deviation 1: the sum of four uniform numbers. */
static float normal(struct synth *s)
{
	uint64_t r = next(s);
	int sum = (int)(r & 0xffff) + (int)(r >> 16 & 0xffff) + (int)(r >> 32 & 0xffff) + (int)(r >> 48);

	return (float)(sum - 2 * 0xffff) * (1.7320508f / 0x10000);
}

/* The factor by which Llama 3 stretches low frequencies, which the shape has as text; 0: it does not. */
static double rope_factor(const struct hx_shape *s)
{
	double base, factor;

	return s->rope && sscanf(s->rope, "llama3: base %lf, low frequencies scaled by %lf", &base, &factor) == 2 ? factor : 0;
}

/* Calls each with every tensor, in the order of the file, until it fails. */
static int each_tensor(struct synth *s, int (*each)(struct synth *s, const struct planned *t))
{
	const struct hx_shape *h = s->shape;
	int table_type = hx_shape_row_type(s->options->type, h->d_model), sizes[HX_SIZES], rc;

	hx_arch_sizes(h, sizes);
	if ((rc = each(s, &(struct planned){"token_embd.weight", h->d_model, h->vocab, table_type, RANDOM})))
		return rc;
	if (rope_factor(h) > 0 && (rc = each(s, &(struct planned){"rope_freqs.weight", h->d_head / 2, 1, HX_F32, ROPE_FACTORS})))
		return rc;
	for (int i = 0; i < h->layers * HX_PART_COUNT; i++) {
		const struct hx_arch_part *p = &hx_arch_parts[i % HX_PART_COUNT];
		struct planned t = {.in = sizes[p->in], .out = sizes[p->out], .content = strstr(p->name, "norm.weight") ? ONES : RANDOM};

		t.type = t.out == 1 ? HX_F32 : hx_shape_row_type(s->options->type, t.in);
		snprintf(t.name, sizeof(t.name), "blk.%d.%s", i / HX_PART_COUNT, p->name);
		if (hx_arch_has(h, p) && (rc = each(s, &t)))
			return rc;
	}
	rc = each(s, &(struct planned){"output_norm.weight", h->d_model, 1, HX_F32, ONES});
	return rc || h->tied ? rc : each(s, &(struct planned){"output.weight", h->d_model, h->vocab, table_type, RANDOM});
}

static int announce(struct synth *s, const struct planned *t)
{
	const int64_t dims[] = {t->in, t->out};

	hx_gguf_write_tensor(s->w, t->name, t->type, t->out == 1 ? 1 : 2, dims);
	return HX_OK;
}

static void fill_pool(struct synth *s, const struct planned *t)
{
	float deviation = 1 / sqrtf((float)t->in);

	for (int i = 0; i < STRETCH * POOL; i++)
		s->values[i] = normal(s) * deviation;
	hx_quant_encode(t->type, s->values, s->pool, (size_t)STRETCH * POOL);
}

/* Llama 3's divisors of the frequencies: 1 for wavelengths below a quarter of 8192 positions, the factor above 8192, and a mean between. */
static float rope_divisor(const struct hx_shape *s, int i)
{
	double turns = 8192 * pow(s->rope_theta, -2.0 * i / s->d_head) / (2 * acos(-1)), smooth = (turns - 1) / 3;

	smooth = smooth < 0 ? 0 : smooth > 1 ? 1 : smooth;
	return (float)(1 / ((1 - smooth) / rope_factor(s) + smooth));
}

static void write_vector(struct synth *s, const struct planned *t)
{
	for (int i = 0; i < t->in; i++) {
		float v = t->content == ONES ? 1 : t->content == ROPE_FACTORS ? rope_divisor(s->shape, i) : normal(s) / 10;

		hx_gguf_write_data(s->w, &v, sizeof(v));
	}
}

static int stopped(const struct synth *s)
{
	return s->options->stop && *s->options->stop;
}

static int write_tensor(struct synth *s, const struct planned *t)
{
	const struct hx_type_info *info = &hx_types[t->type];
	size_t stretch = STRETCH / info->block * info->bytes;
	uint64_t left = (uint64_t)t->in / info->block * info->bytes * (uint64_t)t->out;

	if (t->out == 1) {
		write_vector(s, t);
		return HX_OK;
	}
	fill_pool(s, t);
	while (left && !stopped(s)) {
		size_t bytes = left < CHUNK * stretch ? (size_t)left : CHUNK * stretch;

		for (size_t at = 0; at < bytes; at += stretch)
			memcpy(s->chunk + at, s->pool + (next(s) >> (64 - POOL_BITS)) * stretch, stretch);
		hx_gguf_write_data(s->w, s->chunk, bytes);
		left -= bytes;
	}
	return left ? HX_IO : HX_OK;
}

static void arch_integer(struct synth *s, const char *key, int value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", s->arch->name, key);
	hx_gguf_write_integer(s->w, name, HX_GGUF_U32, value);
}

static void arch_number(struct synth *s, const char *key, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", s->arch->name, key);
	hx_gguf_write_number(s->w, name, value);
}

static void write_metadata(struct synth *s)
{
	const struct hx_shape *h = s->shape;

	hx_gguf_write_string(s->w, "general.architecture", s->arch->name);
	hx_gguf_write_string(s->w, "general.name", h->name);
	hx_gguf_write_string(s->w, "general.description", "random weights");
	hx_gguf_write_integer(s->w, "general.quantization_version", HX_GGUF_U32, 2);
	arch_integer(s, "vocab_size", h->vocab);
	arch_integer(s, "context_length", h->context);
	arch_integer(s, "embedding_length", h->d_model);
	arch_integer(s, "block_count", h->layers);
	arch_integer(s, "feed_forward_length", h->d_ff);
	arch_integer(s, "rope.dimension_count", h->d_head);
	arch_integer(s, "attention.head_count", h->heads);
	arch_integer(s, "attention.head_count_kv", h->kv_heads);
	arch_integer(s, "attention.key_length", h->d_head);
	arch_integer(s, "attention.value_length", h->d_head);
	arch_number(s, "attention.layer_norm_rms_epsilon", 1e-5);
	arch_number(s, "rope.freq_base", h->rope_theta);
	if (h->window) {
		arch_integer(s, "attention.sliding_window", h->window);
		arch_integer(s, "attention.sliding_window_pattern", h->global_every);
	}
	hx_synth_vocab(s->w, h->vocab);
}

/* What a shape says that its architecture does not let it be; NULL: nothing. */
static const char *contradiction(const struct hx_shape *s, const struct hx_arch *arch)
{
	if (s->norm != HX_NORM_RMS || s->norms != (arch->post_norms ? 4 : 2))
		return "norm or norms";
	if (s->linear_bias || (arch->bias && !s->qkv_bias))
		return "linear_bias or qkv_bias";
	if (s->qk_norm != arch->qk_norm)
		return "qk_norm";
	if (!s->gated_ffn)
		return "gated_ffn";
	if (s->window && (!arch->windows || !s->global_every))
		return "window";
	return s->d_head % 2 ? "d_head" : NULL;
}

static int begin(struct synth *s, const char *path, struct hx_err *err)
{
	const struct hx_shape *h = s->shape;
	const char *wrong;

	s->arch = hx_arch_find((struct hx_gguf_text){h->family, strlen(h->family)});
	if (!s->arch)
		return hx_err_set(err, HX_INPUT, "%.100s: architecture '%.100s' cannot be written; %s can", h->name, h->family,
				  hx_arch_names);
	wrong = contradiction(h, s->arch);
	if (wrong)
		return hx_err_set(err, HX_INPUT, "%.100s: %s is not that of a %s model", h->name, wrong, s->arch->name);
	if (h->vocab < HX_SYNTH_VOCAB)
		return hx_err_set(err, HX_INPUT, "%.100s: a vocabulary of %d tokens does not hold all bytes; %d is the smallest", h->name,
				  h->vocab, HX_SYNTH_VOCAB);
	return hx_gguf_write(&s->w, path, err);
}

int hx_synth_write(const struct hx_shape *shape, const struct hx_synth_options *o, const char *path, struct hx_err *err)
{
	struct synth s = {.shape = shape, .options = o, .random = o->seed};
	int rc = begin(&s, path, err);

	if (rc)
		return rc;
	s.values = hx_xmalloc(sizeof(float) * STRETCH * POOL);
	s.pool = hx_xmalloc(sizeof(float) * STRETCH * POOL);
	s.chunk = hx_xmalloc(sizeof(float) * STRETCH * CHUNK);
	write_metadata(&s);
	each_tensor(&s, announce);
	if (each_tensor(&s, write_tensor)) {
		hx_gguf_write_cancel(s.w);
		rc = hx_err_set(err, HX_IO, "'%.200s' is not written: interrupted", path);
	} else {
		rc = hx_gguf_write_end(s.w, err);
	}
	free(s.values);
	free(s.pool);
	free(s.chunk);
	return rc;
}
