/* Tiny models of any architecture and any sizes, in which nothing is 0 or 1 that could be something else. */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "check.h"
#include "engine/gguf.h"
#include "engine/model_arch.h"
#include "engine/quant.h"
#include "engine/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tiny {
	struct hx_shape shape;  /* .family names the architecture */
	int rope_dims;          /* 0: d_head */
	double rope_scale;      /* linear; 0: none */
	bool rope_factors;
	int types[4], n_types;  /* of matrices, by turns where rows allow it; none: f32 */
	float undefined;        /* NAN: the first output of the head is so */
	double gain;            /* of the head: how decided the model is; 0: 1 */
	bool tokenizer;         /* SentencePiece: bytes, padded to the shape's vocabulary */
};

static inline double tiny_normal(struct hx_random *r)
{
	return hx_random_uniform(r) + hx_random_uniform(r) + hx_random_uniform(r) + hx_random_uniform(r) - 2;
}

struct tiny_writer {
	const struct tiny *t;
	struct hx_gguf_writer *w;
	struct hx_random random;
	int turn;
	bool announce;
};

static inline void tiny_tensor(struct tiny_writer *w, const char *name, int in, int out)
{
	const struct tiny *t = w->t;
	bool head = strcmp(name, "output.weight") == 0 || (t->shape.tied && strcmp(name, "token_embd.weight") == 0);
	int type = out > 1 && t->n_types ? hx_shape_row_type(t->types[w->turn++ % t->n_types], in) : HX_F32;
	size_t bytes = (size_t)in / hx_types[type].block * hx_types[type].bytes;
	float *values;
	char *row;

	if (w->announce) {
		hx_gguf_write_tensor(w->w, name, type, out > 1 ? 2 : 1, (const int64_t[]){in, out});
		return;
	}
	values = malloc(sizeof(*values) * (size_t)in);
	row = malloc(bytes);
	assert_true(values && row);
	for (int o = 0; o < out; o++) {
		for (int i = 0; i < in; i++) {
			double v = tiny_normal(&w->random);

			values[i] = (float)(out > 1 ? 1.7 * v / sqrt(in) * (head && t->gain > 0 ? t->gain : 1) : strstr(name, "bias") ? v : 1 + v / 2);
			if (strcmp(name, "rope_freqs.weight") == 0)
				values[i] = 1 + (float)i;
		}
		if (head && o == 0 && isnan(t->undefined))
			values[0] = t->undefined;
		hx_quant_encode(type, values, row, (size_t)in);
		hx_gguf_write_data(w->w, row, bytes);
	}
	free(values);
	free(row);
}

static inline void tiny_tensors(struct tiny_writer *w, bool announce)
{
	const struct hx_shape *s = &w->t->shape;
	int sizes[HX_SIZES], dims = w->t->rope_dims ? w->t->rope_dims : s->d_head;

	w->announce = announce;
	w->turn = 0;
	hx_arch_sizes(s, sizes);
	tiny_tensor(w, "token_embd.weight", s->d_model, s->vocab);
	tiny_tensor(w, "output_norm.weight", s->d_model, 1);
	if (!s->tied)
		tiny_tensor(w, "output.weight", s->d_model, s->vocab);
	if (w->t->rope_factors)
		tiny_tensor(w, "rope_freqs.weight", dims / 2, 1);
	for (int i = 0; i < s->layers * HX_PART_COUNT; i++) {
		const struct hx_arch_part *p = &hx_arch_parts[i % HX_PART_COUNT];
		char name[64];

		snprintf(name, sizeof(name), "blk.%d.%s", i / HX_PART_COUNT, p->name);
		if (hx_arch_has(s, p))
			tiny_tensor(w, name, sizes[p->in], sizes[p->out]);
	}
}

static inline void tiny_integer(struct tiny_writer *w, const char *key, int value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", w->t->shape.family, key);
	hx_gguf_write_integer(w->w, name, HX_GGUF_U32, value);
}

static inline void tiny_number(struct tiny_writer *w, const char *key, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", w->t->shape.family, key);
	hx_gguf_write_number(w->w, name, value);
}

/* The unknown token, begin, end, all bytes; padding. */
static inline void tiny_tokenizer(struct tiny_writer *w)
{
	enum { UNKNOWN = 2, CONTROL, UNUSED = 5, BYTE, SPECIALS = 3, USED = SPECIALS + 256 };
	static const char *const specials[SPECIALS] = {"<unk>", "<s>", "</s>"};
	const int n = w->t->shape.vocab;
	char (*names)[16] = malloc(sizeof(*names) * (size_t)n);
	struct hx_gguf_text *texts = malloc(sizeof(*texts) * (size_t)n);
	double *types = malloc(sizeof(*types) * (size_t)n), *scores = calloc((size_t)n, sizeof(*scores));

	assert_true(names && texts && types && scores && n >= USED);
	for (int i = 0; i < n; i++) {
		if (i < SPECIALS)
			snprintf(names[i], sizeof(*names), "%s", specials[i]);
		else
			snprintf(names[i], sizeof(*names), i < USED ? "<0x%02X>" : "[PAD%d]", i < USED ? i - SPECIALS : i);
		texts[i] = (struct hx_gguf_text){names[i], strlen(names[i])};
		types[i] = i == 0 ? UNKNOWN : i < SPECIALS ? CONTROL : i < USED ? BYTE : UNUSED;
	}
	hx_gguf_write_string(w->w, "tokenizer.ggml.model", "llama");
	hx_gguf_write_strings(w->w, "tokenizer.ggml.tokens", texts, (size_t)n);
	hx_gguf_write_numbers(w->w, "tokenizer.ggml.scores", HX_GGUF_F32, scores, (size_t)n);
	hx_gguf_write_numbers(w->w, "tokenizer.ggml.token_type", HX_GGUF_I32, types, (size_t)n);
	free(names);
	free(texts);
	free(types);
	free(scores);
}

static inline void tiny_write(const struct tiny *t, uint64_t seed, const char *path)
{
	const struct hx_shape *s = &t->shape;
	struct tiny_writer w = {.t = t};
	struct hx_err err = {""};

	if (hx_gguf_write(&w.w, path, &err))
		fail_msg("%s", err.msg);
	hx_random_init(&w.random, seed);
	hx_gguf_write_string(w.w, "general.architecture", s->family);
	tiny_integer(&w, "context_length", s->context);
	tiny_integer(&w, "embedding_length", s->d_model);
	tiny_integer(&w, "block_count", s->layers);
	tiny_integer(&w, "feed_forward_length", s->d_ff);
	tiny_integer(&w, "attention.head_count", s->heads);
	tiny_integer(&w, "attention.head_count_kv", s->kv_heads);
	tiny_integer(&w, "attention.key_length", s->d_head);
	tiny_integer(&w, "attention.value_length", s->d_head);
	if (t->rope_dims)
		tiny_integer(&w, "rope.dimension_count", t->rope_dims);
	tiny_number(&w, "attention.layer_norm_rms_epsilon", 1e-5);
	tiny_number(&w, "rope.freq_base", s->rope_theta);
	if (t->rope_scale > 0)
		tiny_number(&w, "rope.scaling.factor", t->rope_scale);
	if (t->tokenizer)
		tiny_tokenizer(&w);
	if (s->window)
		tiny_integer(&w, "attention.sliding_window", s->window);
	tiny_tensors(&w, true);
	tiny_tensors(&w, false);
	if (hx_gguf_write_end(w.w, &err))
		fail_msg("%s", err.msg);
}

#endif
