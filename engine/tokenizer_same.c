/* Which vocabularies are one and the same, and how their tokens stand in messages. */
#include "engine/tokenizer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tokens_key[] = "tokenizer.ggml.tokens";

uint64_t hx_tokenizer_hash(uint64_t h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3;
	return h;
}

/* Tokens that only fill the table up to a round number, by their type or their name: `[PAD151936]`, `<|reserved_special_token_7|>`. */
static bool is_padding(struct hx_gguf_text text, int type)
{
	static const char *const names[] = {"[PAD", "<pad", "<unused", "<reserved", "<|reserved", "<|extra_", "<|dummy_", "<dummy"};
	bool digit = false, named = false;

	if (type == HX_TOKEN_UNUSED || type == HX_TOKEN_NORMAL)
		return type == HX_TOKEN_UNUSED;
	for (size_t i = 0; i < text.len; i++)
		digit |= text.s[i] >= '0' && text.s[i] <= '9';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		named |= text.len > strlen(names[i]) && memcmp(text.s, names[i], strlen(names[i])) == 0;
	return digit && named;
}

static int type_of(const struct hx_gguf *g, size_t i, size_t tokens)
{
	static const char key[] = "tokenizer.ggml.token_type";
	size_t n;

	return hx_gguf_array(g, key, HX_GGUF_I32, &n) && n == tokens ? (int)hx_gguf_array_number(g, key, i) : HX_TOKEN_UNDEFINED;
}

size_t hx_tokenizer_used(const struct hx_gguf *g)
{
	size_t n = 0, used;

	hx_gguf_array(g, tokens_key, HX_GGUF_STRING, &n);
	for (used = n; used > 0 && is_padding(hx_gguf_array_string(g, tokens_key, used - 1), type_of(g, used - 1, n));)
		used--;
	return used;
}

char *hx_tokenizer_identity(const struct hx_gguf *g)
{
	size_t used = hx_tokenizer_used(g), letters = 0;
	struct hx_gguf_text kind = {"", 0};
	uint64_t h = HX_TOKENIZER_SEED;

	if (!used)
		return hx_xstrdup("none");
	for (size_t i = 0; i < used; i++) {
		struct hx_gguf_text t = hx_gguf_array_string(g, tokens_key, i);

		h = hx_tokenizer_hash(hx_tokenizer_hash(h, t.s, t.len), "", 1); /* with a NUL: where one token ends counts */
	}
	hx_gguf_string(g, "tokenizer.ggml.model", &kind);
	while (letters < kind.len && letters < 16 && strchr("abcdefghijklmnopqrstuvwxyz0123456789_", kind.s[letters]))
		letters++;
	return hx_xasprintf("%.*s-%016llx", (int)letters, kind.s, (unsigned long long)h);
}

struct hx_shown hx_tokenizer_shown(struct hx_gguf_text text)
{
	struct hx_shown shown = {"'"};
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (n > sizeof(shown.s) - 10) {
			n += (size_t)snprintf(shown.s + n, sizeof(shown.s) - n, "...");
			break;
		}
		n += (size_t)snprintf(shown.s + n, sizeof(shown.s) - n, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	snprintf(shown.s + n, sizeof(shown.s) - n, "'");
	return shown;
}

/* As it stands in a message: text, or that there is none. */
static struct hx_shown shown_at(const struct hx_tokenizer *t, int i)
{
	return i < t->used ? hx_tokenizer_shown(t->tokens[i].text) : (struct hx_shown){"nothing"};
}

int hx_tokenizer_same(const struct hx_tokenizer *target, const struct hx_tokenizer *draft, struct hx_err *err)
{
	int n = target->used > draft->used ? target->used : draft->used;

	if (target->kind != draft->kind)
		return hx_err_set(err, HX_INPUT, "%.200s: its tokenizer is of kind %s, that of %.200s of kind %s; a draft needs the same tokens", draft->name,
				  draft->kind->name, target->name, target->kind->name);
	for (int i = 0; i < n; i++) {
		const struct hx_gguf_text a = i < target->used ? target->tokens[i].text : (struct hx_gguf_text){"", 0};
		const struct hx_gguf_text b = i < draft->used ? draft->tokens[i].text : (struct hx_gguf_text){"", 0};

		if (a.len != b.len || memcmp(a.s, b.s, a.len) != 0)
			return hx_err_set(err, HX_INPUT, "%.200s: token %d is %s, but %s in %.200s; a draft needs the same tokens", draft->name, i,
					  shown_at(draft, i).s, shown_at(target, i).s, target->name);
	}
	return HX_OK;
}
