/* Models from GGUF files: hyperparameters, then the tensors they call for. */
#include "engine/model.h"

#include "engine/model_arch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 96 };

struct reader {
	struct hx_model *m;
	const struct hx_gguf *g;
	const struct hx_arch *arch;
	bool *used; /* tensors that have a part */
	struct hx_err *err;
};

/* `llama.block_count` */
static const char *arch_key(const struct reader *r, char *buf, const char *key)
{
	snprintf(buf, KEY, "%s.%s", r->arch->name, key);
	return buf;
}

/* An integer in [1, max]; `missing` where the key is not there, 0: it must be. */
static int integer(struct reader *r, const char *key, int *value, int max, int missing)
{
	char name[KEY];
	int64_t v = missing;

	if (!hx_gguf_integer(r->g, arch_key(r, name, key), &v) && !missing)
		return hx_err_set(r->err, HX_INPUT, "%.200s: the integer %s is missing", hx_gguf_name(r->g), name);
	if (v < 1 || v > max)
		return hx_err_set(r->err, HX_INPUT, "%.200s: %s must be in 1 to %d, is %lld", hx_gguf_name(r->g), name, max, (long long)v);
	*value = (int)v;
	return HX_OK;
}

/* A number in [min, max], or as it is where the key is not there. */
static int number(struct reader *r, const char *key, double *value, double min, double max)
{
	char name[KEY];

	hx_gguf_number(r->g, arch_key(r, name, key), value);
	if (!(*value >= min && *value <= max))
		return hx_err_set(r->err, HX_INPUT, "%.200s: %s must be in %g to %g, is %g", hx_gguf_name(r->g), name, min, max, *value);
	return HX_OK;
}

/* Values that stand for arithmetic that there is not, and what they are where it is not called for. */
static int refuse_variants(struct reader *r)
{
	static const struct {
		const char *key;
		double harmless;
	} variants[] = {
		{"expert_count", 0},    {"logit_scale", 1},         {"residual_scale", 1},         {"embedding_scale", 1},
		{"attention.scale", 0}, {"attention.clamp_kqv", 0}, {"attn_logit_softcapping", 0}, {"final_logit_softcapping", 0},
	};
	char name[KEY];

	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++) {
		double v = variants[i].harmless;

		if (hx_gguf_number(r->g, arch_key(r, name, variants[i].key), &v) && v != variants[i].harmless)
			return hx_err_set(r->err, HX_INPUT, "%.200s: %s is %g, which is not supported", hx_gguf_name(r->g), name, v);
	}
	return HX_OK;
}

static int read_sizes(struct reader *r)
{
	struct hx_shape *s = &r->m->shape;
	int d_value, rc;

	if ((rc = integer(r, "block_count", &s->layers, HX_MAX_LAYERS, 0)) ||
	    (rc = integer(r, "embedding_length", &s->d_model, 1 << 20, 0)) ||
	    (rc = integer(r, "feed_forward_length", &s->d_ff, 1 << 22, 0)) ||
	    (rc = integer(r, "context_length", &s->context, 1 << 30, 0)) || (rc = integer(r, "attention.head_count", &s->heads, 4096, 0)) ||
	    (rc = integer(r, "attention.head_count_kv", &s->kv_heads, s->heads, s->heads)) ||
	    (rc = integer(r, "attention.key_length", &s->d_head, 65536, s->d_model / s->heads)) ||
	    (rc = integer(r, "attention.value_length", &d_value, 65536, s->d_head)) ||
	    (rc = integer(r, "rope.dimension_count", &r->m->rope_dims, s->d_head, s->d_head)))
		return rc;
	if (s->heads % s->kv_heads)
		return hx_err_set(r->err, HX_INPUT, "%.200s: %d key heads do not divide %d heads", hx_gguf_name(r->g), s->kv_heads,
				  s->heads);
	if (d_value != s->d_head)
		return hx_err_set(r->err, HX_INPUT, "%.200s: heads of %d keys and %d values are not supported", hx_gguf_name(r->g),
				  s->d_head, d_value);
	if (r->m->rope_dims % 2)
		return hx_err_set(r->err, HX_INPUT, "%.200s: %d rotated dimensions are not even", hx_gguf_name(r->g), r->m->rope_dims);
	return HX_OK;
}

static int read_window(struct reader *r)
{
	struct hx_shape *s = &r->m->shape;
	char name[KEY];
	size_t n;
	int64_t v;
	int rc;

	if (!r->arch->windows || !hx_gguf_integer(r->g, arch_key(r, name, "attention.sliding_window"), &v) || v == 0)
		return HX_OK;
	if ((rc = integer(r, "attention.sliding_window", &s->window, 1 << 30, 0)))
		return rc;
	if (hx_gguf_array(r->g, arch_key(r, name, "attention.sliding_window_pattern"), HX_GGUF_BOOL, &n))
		return hx_err_set(r->err, HX_INPUT, "%.200s: %s: a list of layers is not supported", hx_gguf_name(r->g), name);
	return integer(r, "attention.sliding_window_pattern", &s->global_every, HX_MAX_LAYERS, r->arch->windows);
}

static int read_scaling(struct reader *r)
{
	char name[KEY];
	struct hx_gguf_text type = {"linear", 6};
	int rc;

	hx_gguf_string(r->g, arch_key(r, name, "rope.scaling.type"), &type);
	if (type.len == 4 && memcmp(type.s, "none", 4) == 0)
		return HX_OK;
	if (type.len != 6 || memcmp(type.s, "linear", 6) != 0)
		return hx_err_set(r->err, HX_INPUT, "%.200s: rope scaling '%.*s' is not supported", hx_gguf_name(r->g),
				  (int)(type.len < 40 ? type.len : 40), type.s);
	if ((rc = number(r, "rope.scale_linear", &r->m->rope_scale, 0, 1e6)) ||
	    (rc = number(r, "rope.scaling.factor", &r->m->rope_scale, 0, 1e6)))
		return rc;
	if (r->m->rope_scale == 0) /* written for none */
		r->m->rope_scale = 1;
	return HX_OK;
}

static int read_constants(struct reader *r)
{
	struct hx_model *m = r->m;
	const struct hx_shape *s = &m->shape;
	double heads = r->arch->scaled_by_width == s->layers ? (double)s->d_model / s->heads : s->d_head;
	int rc;

	m->norm_eps = NAN;
	m->rope_theta = m->rope_theta_local = 1e4;
	m->rope_scale = 1;
	m->attn_scale = 1 / sqrt(heads);
	m->embed_scale = r->arch->scaled_embedding ? sqrt(s->d_model) : 1;
	m->gelu = r->arch->gelu;
	m->rope_pairs = r->arch->rope_pairs;
	if ((rc = number(r, "attention.layer_norm_rms_epsilon", &m->norm_eps, 0, 1)) ||
	    (rc = number(r, "rope.freq_base", &m->rope_theta, 1, 1e12)) ||
	    (rc = number(r, "rope.freq_base_swa", &m->rope_theta_local, 1, 1e12)))
		return rc;
	if (!s->window)
		m->rope_theta_local = m->rope_theta;
	return read_scaling(r);
}

/* A tensor of rows of `in` values, `out` of them; *t is NULL where it is missing and need not be there. */
static int tensor(struct reader *r, const char *name, int in, int out, bool needed, const struct hx_gguf_tensor **t)
{
	const struct hx_gguf_tensor *found = *t = hx_gguf_tensor(r->g, name);

	if (!found && needed)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%s' is missing", hx_gguf_name(r->g), name);
	if (!found)
		return HX_OK;
	if (found->dims[0] != in || found->dims[1] != out || found->dims[2] != 1 || found->dims[3] != 1)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%s' is %lld x %lld, not %d x %d as the metadata say",
				  hx_gguf_name(r->g), name, (long long)found->dims[0], (long long)found->dims[1], in, out);
	if (out == 1 && hx_types[found->type].block > 1)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%s' is %s; norms and biases must be of a float type",
				  hx_gguf_name(r->g), name, hx_type_names[found->type]);
	r->used[found - hx_gguf_tensor_at(r->g, 0)] = true;
	return HX_OK;
}

static int read_layer(struct reader *r, int layer)
{
	int sizes[HX_SIZES], rc = HX_OK;

	hx_arch_sizes(&r->m->shape, sizes);
	for (int i = 0; i < HX_PART_COUNT && !rc; i++) {
		const struct hx_arch_part *part = &hx_arch_parts[i];
		char name[KEY];

		snprintf(name, sizeof(name), "blk.%d.%s", layer, part->name);
		if (hx_arch_has(&r->m->shape, part))
			rc = tensor(r, name, sizes[part->in], sizes[part->out], true, &r->m->layers[layer].part[i]);
	}
	return rc;
}

/* Divisors of the rotary frequencies. */
static int read_factors(struct reader *r)
{
	struct hx_model *m = r->m;
	const struct hx_gguf_tensor *t;
	int n = m->rope_dims / 2, rc = tensor(r, "rope_freqs.weight", n, 1, false, &t);

	if (rc || !t)
		return rc;
	if (t->type != HX_F32)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor 'rope_freqs.weight' is %s, not f32", hx_gguf_name(r->g),
				  hx_type_names[t->type]);
	m->rope_factors = hx_xmalloc((size_t)n * sizeof(float));
	memcpy(m->rope_factors, t->data, (size_t)n * sizeof(float));
	for (int i = 0; i < n; i++)
		if (!(m->rope_factors[i] > 0 && isfinite(m->rope_factors[i])))
			return hx_err_set(r->err, HX_INPUT, "%.200s: tensor 'rope_freqs.weight' has a value that is not above 0",
					  hx_gguf_name(r->g));
	return HX_OK;
}

/* The vocabulary's size is the table's; the tokenizer must agree. */
static int read_vocab(struct reader *r)
{
	struct hx_shape *s = &r->m->shape;
	const struct hx_gguf_tensor *t = hx_gguf_tensor(r->g, "token_embd.weight");
	size_t tokens;

	if (!t)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor 'token_embd.weight' is missing: the file holds no model",
				  hx_gguf_name(r->g));
	if (t->dims[1] > 1 << 24)
		return hx_err_set(r->err, HX_INPUT, "%.200s: a vocabulary of %lld tokens is not supported", hx_gguf_name(r->g),
				  (long long)t->dims[1]);
	s->vocab = (int)t->dims[1];
	if (hx_gguf_array(r->g, "tokenizer.ggml.tokens", HX_GGUF_STRING, &tokens) && tokens != (size_t)s->vocab)
		return hx_err_set(r->err, HX_INPUT, "%.200s: the tokenizer has %zu tokens, the embedding %d", hx_gguf_name(r->g), tokens,
				  s->vocab);
	return HX_OK;
}

/* A tensor without a part is arithmetic that would be left out. */
static int refuse_unused(struct reader *r)
{
	for (size_t i = 0; i < hx_gguf_tensors(r->g); i++) {
		struct hx_gguf_text name = hx_gguf_tensor_at(r->g, i)->name;

		if (!r->used[i])
			return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%.*s' has no part in the %s models that are supported",
					  hx_gguf_name(r->g), (int)(name.len < 80 ? name.len : 80), name.s, r->arch->name);
	}
	return HX_OK;
}

static int read_tensors(struct reader *r)
{
	struct hx_model *m = r->m;
	struct hx_shape *s = &m->shape;
	int rc = read_vocab(r);

	if (rc || (rc = tensor(r, "token_embd.weight", s->d_model, s->vocab, true, &m->embed)) ||
	    (rc = tensor(r, "output_norm.weight", s->d_model, 1, true, &m->norm)) ||
	    (rc = tensor(r, "output.weight", s->d_model, s->vocab, false, &m->head)) || (rc = read_factors(r)))
		return rc;
	s->tied = !m->head;
	if (s->tied)
		m->head = m->embed;
	s->qkv_bias = r->arch->bias || hx_gguf_tensor(r->g, "blk.0.attn_q.bias");
	m->layers = hx_xcalloc((size_t)s->layers, sizeof(*m->layers));
	for (int l = 0; l < s->layers && !rc; l++)
		rc = read_layer(r, l);
	return rc ? rc : refuse_unused(r);
}

static void count_types(struct hx_model *m)
{
	double values[HX_TYPE_COUNT] = {0};

	for (size_t i = 0; i < hx_gguf_tensors(m->gguf); i++) {
		const struct hx_gguf_tensor *t = hx_gguf_tensor_at(m->gguf, i);
		const struct hx_type_info *info = &hx_types[t->type];

		m->file_bytes += (double)t->bytes;
		values[t->type] += (double)t->bytes / info->bytes * info->block;
	}
	for (int t = 1; t < HX_TYPE_COUNT; t++)
		if (values[t] > values[m->type])
			m->type = t;
}

static int read_arch(struct reader *r)
{
	struct hx_gguf_text name;
	int64_t parts = 1;

	if (!hx_gguf_string(r->g, "general.architecture", &name))
		return hx_err_set(r->err, HX_INPUT, "%.200s: general.architecture is missing", hx_gguf_name(r->g));
	r->arch = hx_arch_find(name);
	if (!r->arch)
		return hx_err_set(r->err, HX_INPUT, "%.200s: architecture '%.*s' is not supported; %s are", hx_gguf_name(r->g),
				  (int)(name.len < 80 ? name.len : 80), name.s, hx_arch_names);
	if (hx_gguf_integer(r->g, "split.count", &parts) && parts > 1)
		return hx_err_set(r->err, HX_INPUT, "%.200s: is one of %lld parts; merge them first", hx_gguf_name(r->g), (long long)parts);
	return HX_OK;
}

static int read_model(struct reader *r)
{
	struct hx_shape *s = &r->m->shape;
	int rc = read_arch(r);

	if (rc)
		return rc;
	s->gated_ffn = true;
	s->norm = HX_NORM_RMS;
	s->norms = r->arch->post_norms ? 4 : 2;
	s->qk_norm = r->arch->qk_norm;
	if ((rc = refuse_variants(r)) || (rc = read_sizes(r)) || (rc = read_window(r)) || (rc = read_constants(r)) ||
	    (rc = read_tensors(r)))
		return rc;
	count_types(r->m);
	hx_arch_describe(r->m);
	return HX_OK;
}

int hx_model_read(struct hx_model *m, struct hx_gguf *gguf, struct hx_err *err)
{
	struct reader r = {m, gguf, NULL, NULL, err};
	int rc;

	*m = (struct hx_model){.gguf = gguf};
	r.used = hx_xcalloc(hx_gguf_tensors(gguf), sizeof(*r.used));
	rc = read_model(&r);
	free(r.used);
	if (rc)
		hx_model_free(m);
	return rc;
}

int hx_model_open(struct hx_model *m, const char *path, struct hx_err *err)
{
	struct hx_gguf *g;
	int rc = hx_gguf_open(&g, path, err);

	return rc ? rc : hx_model_read(m, g, err);
}

void hx_model_free(struct hx_model *m)
{
	struct hx_shape *s = &m->shape;

	free(s->name);
	free(s->description);
	free(s->family);
	free(s->from);
	free(s->tokenizer);
	free(s->rope);
	free(m->rope_factors);
	free(m->layers);
	hx_gguf_free(m->gguf);
	*m = (struct hx_model){0};
}
