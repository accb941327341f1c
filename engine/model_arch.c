/* The architectures, and how a model is called. */
#include "engine/model_arch.h"
#include "engine/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hx_arch archs[] = {
	{.name = "llama", .rope_pairs = true},
	{.name = "qwen2", .bias = true},
	{.name = "qwen3", .qk_norm = true},
	{.name = "gemma3",
	 .gelu = true,
	 .scaled_embedding = true,
	 .qk_norm = true,
	 .post_norms = true,
	 .windows = 6,
	 .scaled_by_width = 62},
};
const char *const hx_arch_names = "llama, qwen2, qwen3 and gemma3";

const struct hx_arch_part hx_arch_parts[HX_PART_COUNT] = {
	[HX_PART_ATTN_NORM] = {"attn_norm.weight", HX_SIZE_MODEL, HX_SIZE_ONE, HX_WHEN_ALWAYS},
	[HX_PART_Q] = {"attn_q.weight", HX_SIZE_MODEL, HX_SIZE_QUERY, HX_WHEN_ALWAYS},
	[HX_PART_K] = {"attn_k.weight", HX_SIZE_MODEL, HX_SIZE_KEY, HX_WHEN_ALWAYS},
	[HX_PART_V] = {"attn_v.weight", HX_SIZE_MODEL, HX_SIZE_KEY, HX_WHEN_ALWAYS},
	[HX_PART_Q_BIAS] = {"attn_q.bias", HX_SIZE_QUERY, HX_SIZE_ONE, HX_WHEN_BIAS},
	[HX_PART_K_BIAS] = {"attn_k.bias", HX_SIZE_KEY, HX_SIZE_ONE, HX_WHEN_BIAS},
	[HX_PART_V_BIAS] = {"attn_v.bias", HX_SIZE_KEY, HX_SIZE_ONE, HX_WHEN_BIAS},
	[HX_PART_Q_NORM] = {"attn_q_norm.weight", HX_SIZE_HEAD, HX_SIZE_ONE, HX_WHEN_QK_NORM},
	[HX_PART_K_NORM] = {"attn_k_norm.weight", HX_SIZE_HEAD, HX_SIZE_ONE, HX_WHEN_QK_NORM},
	[HX_PART_ATTN_OUT] = {"attn_output.weight", HX_SIZE_QUERY, HX_SIZE_MODEL, HX_WHEN_ALWAYS},
	[HX_PART_ATTN_POST_NORM] = {"post_attention_norm.weight", HX_SIZE_MODEL, HX_SIZE_ONE, HX_WHEN_POST_NORM},
	[HX_PART_FFN_NORM] = {"ffn_norm.weight", HX_SIZE_MODEL, HX_SIZE_ONE, HX_WHEN_ALWAYS},
	[HX_PART_GATE] = {"ffn_gate.weight", HX_SIZE_MODEL, HX_SIZE_FF, HX_WHEN_ALWAYS},
	[HX_PART_UP] = {"ffn_up.weight", HX_SIZE_MODEL, HX_SIZE_FF, HX_WHEN_ALWAYS},
	[HX_PART_DOWN] = {"ffn_down.weight", HX_SIZE_FF, HX_SIZE_MODEL, HX_WHEN_ALWAYS},
	[HX_PART_FFN_POST_NORM] = {"post_ffw_norm.weight", HX_SIZE_MODEL, HX_SIZE_ONE, HX_WHEN_POST_NORM},
};

const struct hx_arch *hx_arch_find(struct hx_gguf_text name)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (strlen(archs[i].name) == name.len && memcmp(archs[i].name, name.s, name.len) == 0)
			return &archs[i];
	return NULL;
}

bool hx_arch_has(const struct hx_shape *s, const struct hx_arch_part *part)
{
	const bool has[] = {
		[HX_WHEN_ALWAYS] = true, [HX_WHEN_QK_NORM] = s->qk_norm, [HX_WHEN_BIAS] = s->qkv_bias, [HX_WHEN_POST_NORM] = s->norms == 4};

	return has[part->when];
}

void hx_arch_sizes(const struct hx_shape *s, int sizes[HX_SIZES])
{
	sizes[HX_SIZE_ONE] = 1;
	sizes[HX_SIZE_MODEL] = s->d_model;
	sizes[HX_SIZE_QUERY] = s->heads * s->d_head;
	sizes[HX_SIZE_KEY] = s->kv_heads * s->d_head;
	sizes[HX_SIZE_HEAD] = s->d_head;
	sizes[HX_SIZE_FF] = s->d_ff;
}

/* Names of shapes have letters, digits and `._+-`. */
static char *clean(char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";

	for (char *c = name; *c; c++)
		if (!strchr(allowed, *c))
			*c = '-';
	return name;
}

/* The file's name without folders and ending. */
static char *model_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len;

	base += strspn(base, "._+-");
	len = strlen(base);
	if (len > 5 && strcmp(base + len - 5, ".gguf") == 0)
		len -= 5;
	return clean(len ? hx_xasprintf("%.*s", (int)(len < 64 ? len : 64), base) : hx_xstrdup("model"));
}

/* What people called it, in ASCII without controls. */
static char *model_description(const struct hx_gguf *g)
{
	struct hx_gguf_text text = {"", 0};
	char *out;
	size_t n;

	if (!hx_gguf_string(g, "general.name", &text) || !text.len)
		return NULL;
	n = text.len < 200 ? text.len : 200;
	out = hx_xmalloc(n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = text.s[i] >= ' ' && text.s[i] < 0x7f ? text.s[i] : '?';
	out[n] = '\0';
	return out;
}

static char *rope_variant(const struct hx_model *m)
{
	float largest = 1;

	for (int i = 0; m->rope_factors && i < m->rope_dims / 2; i++)
		largest = m->rope_factors[i] > largest ? m->rope_factors[i] : largest;
	if (m->rope_factors)
		return hx_xasprintf("llama3: base %.9g, low frequencies scaled by %g", m->rope_theta, largest);
	if (m->shape.window)
		return hx_xasprintf("base %.9g in global layers, %.9g in windowed ones", m->rope_theta, m->rope_theta_local);
	if (m->rope_scale != 1)
		return hx_xasprintf("linear: positions divided by %g", m->rope_scale);
	return hx_xstrdup("plain");
}

void hx_arch_describe(struct hx_model *m)
{
	struct hx_shape *s = &m->shape;
	struct hx_gguf_text family;

	hx_gguf_string(m->gguf, "general.architecture", &family);
	s->name = model_name(hx_gguf_name(m->gguf));
	s->description = model_description(m->gguf);
	s->family = hx_xasprintf("%.*s", (int)family.len, family.s);
	s->from = hx_xasprintf("metadata of %s.gguf", s->name);
	s->tokenizer = hx_tokenizer_identity(m->gguf);
	s->rope = rope_variant(m);
	s->rope_theta = m->rope_theta;
}
