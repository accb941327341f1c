/* The tokenizer as the others see it; its kinds are in tokenizer_spm.c and tokenizer_bpe.c. */
#include "engine/tokenizer_internal.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The longest text: what SentencePiece makes of it must be counted by an int. */
enum { LONGEST = INT_MAX / 4 };

static const char supported_pre[] = "gpt-2, llama-bpe, qwen2, smollm and their like";

/* Files from before pre-tokenizers had names were made with that of GPT-2. */
static int find_pre(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	struct hx_gguf_text name = {"default", 7};

	hx_gguf_string(g, "tokenizer.ggml.pre", &name);
	t->pre = hx_pretokenize_find(name.s, name.len);
	if (!t->pre)
		return hx_err_set(err, HX_INPUT, "%.200s: the pre-tokenizer %s is not supported; %s are", t->name, hx_tokenizer_shown(name).s, supported_pre);
	t->add_bos = t->pre->begins;
	return HX_OK;
}

static int find_kind(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	static const struct hx_tokenizer_kind *const kinds[] = {&hx_tokenizer_spm, &hx_tokenizer_bpe};
	static const char key[] = "tokenizer.ggml.model";
	struct hx_gguf_text name;

	if (!hx_gguf_string(g, key, &name))
		return hx_err_set(err, HX_INPUT, "%.200s: has no tokenizer (%s)", t->name, key);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]->name) == name.len && memcmp(kinds[i]->name, name.s, name.len) == 0)
			t->kind = kinds[i];
	if (!t->kind)
		return hx_err_set(err, HX_INPUT, "%.200s: the tokenizer %s is not supported; 'llama' (SentencePiece) and 'gpt2' (byte-level BPE) are", t->name,
				  hx_tokenizer_shown(name).s);
	t->add_bos = t->kind->add_bos;
	t->space_prefix = t->kind->space_prefix;
	return t->kind == &hx_tokenizer_bpe ? find_pre(t, g, err) : HX_OK;
}

int hx_tokenizer_create(struct hx_tokenizer **out, const struct hx_gguf *gguf, struct hx_err *err)
{
	struct hx_tokenizer *t = hx_xcalloc(1, sizeof(*t));
	int rc;

	t->name = hx_xstrdup(hx_gguf_name(gguf));
	if ((rc = find_kind(t, gguf, err)) || (rc = hx_tokenizer_read(t, gguf, err))) {
		hx_tokenizer_free(t);
		return rc;
	}
	hx_gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &t->add_bos);
	hx_gguf_bool(gguf, "tokenizer.ggml.add_eos_token", &t->add_eos);
	if (t->kind->space_prefix)
		hx_gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &t->space_prefix);
	t->used = (int)hx_tokenizer_used(gguf);
	*out = t;
	return HX_OK;
}

void hx_tokenizer_free(struct hx_tokenizer *t)
{
	if (!t)
		return;
	free(t->special[0].ids);
	free(t->special[1].ids);
	free(t->merges);
	free(t->index);
	free(t->tokens);
	free(t->texts);
	free(t->pieces);
	free(t->name);
	free(t);
}

int hx_tokenizer_bos(const struct hx_tokenizer *t)
{
	return t->bos;
}

bool hx_tokenizer_ends(const struct hx_tokenizer *t, int token)
{
	return t->tokens[token].ends;
}

bool hx_tokenizer_space_prefix(const struct hx_tokenizer *t)
{
	return t->space_prefix;
}

struct hx_gguf_text hx_tokenizer_piece(const struct hx_tokenizer *t, int token, bool special)
{
	static const bool hidden[HX_TOKEN_TYPES] = {[HX_TOKEN_UNKNOWN] = true, [HX_TOKEN_CONTROL] = true, [HX_TOKEN_UNUSED] = true};

	return hidden[t->tokens[token].type] && !special ? (struct hx_gguf_text){"", 0} : t->tokens[token].piece;
}

size_t hx_tokenizer_encode(const struct hx_tokenizer *t, const char *text, size_t len, bool begin, bool special, int **tokens)
{
	struct hx_work w = {.t = t};
	bool first = true; /* of the text, or behind a special token */

	assert(len <= LONGEST);
	if (begin && t->add_bos && t->bos >= 0)
		hx_tokenizer_push(&w, t->bos);
	for (size_t at = 0; at < len;) {
		int token;
		size_t n = hx_tokenizer_next_special(t, special, text + at, len - at, &token);

		if (n)
			t->kind->encode(&w, text + at, n, first);
		first = token >= 0;
		at += n;
		if (token >= 0) {
			hx_tokenizer_push(&w, token);
			at += t->tokens[token].text.len;
		}
	}
	if (begin && t->add_eos && t->eos >= 0)
		hx_tokenizer_push(&w, t->eos);
	free(w.symbols);
	free(w.heap);
	free(w.buffer);
	*tokens = w.tokens;
	return w.n_tokens;
}
