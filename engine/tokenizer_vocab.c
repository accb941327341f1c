/* Reading a vocabulary: tokens with their types, their lookup by text, and which of them are special. */
#include "engine/tokenizer_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* No tokenizer that is known has longer ones; matching is slow with them. */
enum { LONGEST = 4096 };

static const char tokens_key[] = "tokenizer.ggml.tokens", types_key[] = "tokenizer.ggml.token_type";

/* Texts of tokens that end a turn or a text, whichever the file calls so. */
static const char *const ends[] = {
	"</s>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<end_of_turn>", "<eos>", "<EOT>",
	"<|endofturn|>", "<end_of_utterance>",
};

static int read_texts(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	size_t n, bytes = 0;

	if (!hx_gguf_array(g, tokens_key, HX_GGUF_STRING, &n) || !n || n > INT_MAX / 4)
		return hx_err_set(err, HX_INPUT, "%.200s: has no array of texts %s", t->name, tokens_key);
	t->n = (int)n;
	t->tokens = hx_xcalloc(n, sizeof(*t->tokens));
	for (size_t i = 0; i < n; i++) {
		struct hx_gguf_text text = hx_gguf_array_string(g, tokens_key, i);

		if (text.len < 1 || text.len > LONGEST)
			return hx_err_set(err, HX_INPUT, "%.200s: %s: token %zu has %zu bytes, not 1 to %d", t->name, tokens_key, i, text.len, LONGEST);
		t->tokens[i].text = text;
		t->longest = text.len > t->longest ? text.len : t->longest;
		bytes += text.len;
	}
	t->texts = hx_xmalloc(bytes);
	t->pieces = hx_xmalloc(bytes);
	bytes = 0;
	for (int i = 0; i < t->n; i++) {
		struct hx_gguf_text *text = &t->tokens[i].text;

		memcpy(t->texts + bytes, text->s, text->len);
		text->s = t->texts + bytes;
		bytes += text->len;
	}
	return HX_OK;
}

/* Files from before there were types have none. */
static int read_types(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	int64_t one;
	size_t n;

	for (int kind = 0; kind < HX_GGUF_KINDS; kind++)
		if (kind != HX_GGUF_I32 && hx_gguf_array(g, types_key, (enum hx_gguf_kind)kind, &n))
			return hx_err_set(err, HX_INPUT, "%.200s: %s is not an array of 32-bit integers", t->name, types_key);
	t->typed = hx_gguf_array(g, types_key, HX_GGUF_I32, &n);
	if (t->typed && n != (size_t)t->n)
		return hx_err_set(err, HX_INPUT, "%.200s: %s has %zu elements, but there are %d tokens", t->name, types_key, n, t->n);
	for (int i = 0; i < t->n; i++) {
		struct hx_token *token = &t->tokens[i];

		one = t->typed ? (int64_t)hx_gguf_array_number(g, types_key, (size_t)i) : HX_TOKEN_NORMAL;
		if (one < 0 || one >= HX_TOKEN_TYPES)
			return hx_err_set(err, HX_INPUT, "%.200s: %s: token %d has the unknown type %lld", t->name, types_key, i, (long long)one);
		token->type = (unsigned char)one;
		if (t->typed && one != HX_TOKEN_CONTROL && one != HX_TOKEN_USER)
			continue;
		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]) && !token->ends; k++)
			token->ends = strlen(ends[k]) == token->text.len && memcmp(ends[k], token->text.s, token->text.len) == 0;
		if (token->ends)
			token->type = HX_TOKEN_CONTROL;
	}
	return HX_OK;
}

/* Whether text may become this token without being split off before. */
static bool is_text(const struct hx_token *token)
{
	return token->type == HX_TOKEN_NORMAL || token->type == HX_TOKEN_USER || token->type == HX_TOKEN_UNDEFINED;
}

static size_t slot(const struct hx_tokenizer *t, const char *text, size_t len)
{
	size_t i = hx_tokenizer_hash(HX_TOKENIZER_SEED, text, len) & (t->index_size - 1);

	for (; t->index[i] >= 0; i = (i + 1) & (t->index_size - 1)) {
		const struct hx_gguf_text *other = &t->tokens[t->index[i]].text;

		if (other->len == len && memcmp(other->s, text, len) == 0)
			break;
	}
	return i;
}

int hx_tokenizer_find(const struct hx_tokenizer *t, const char *text, size_t len)
{
	int id = len <= t->longest ? t->index[slot(t, text, len)] : -1;

	return id >= 0 && is_text(&t->tokens[id]) ? id : -1;
}

static int make_index(struct hx_tokenizer *t, struct hx_err *err)
{
	for (t->index_size = 16; t->index_size < 2 * (size_t)t->n;)
		t->index_size *= 2;
	t->index = hx_xmalloc(t->index_size * sizeof(*t->index));
	memset(t->index, -1, t->index_size * sizeof(*t->index));
	for (int i = 0; i < t->n; i++) {
		const struct hx_gguf_text text = t->tokens[i].text;
		int *id = &t->index[slot(t, text.s, text.len)];

		if (*id >= 0)
			return hx_err_set(err, HX_INPUT, "%.200s: %s: tokens %d and %d are both %s", t->name, tokens_key, *id, i, hx_tokenizer_shown(text).s);
		*id = i;
	}
	return HX_OK;
}

static int read_id(struct hx_tokenizer *t, const struct hx_gguf *g, const char *key, int *id, struct hx_err *err)
{
	int64_t v;

	if (*id >= t->n)
		*id = -1;
	if (!hx_gguf_integer(g, key, &v))
		return HX_OK;
	if (v < 0 || v >= t->n)
		return hx_err_set(err, HX_INPUT, "%.200s: %s is %lld, but the tokens are 0 to %d", t->name, key, (long long)v, t->n - 1);
	*id = (int)v;
	return HX_OK;
}

static int read_ids(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	int turn = -1, message = -1;
	const struct {
		const char *key;
		int *id, otherwise;
		bool ends;
	} ids[] = {
		{"tokenizer.ggml.bos_token_id", &t->bos, t->kind->bos, false},
		{"tokenizer.ggml.unknown_token_id", &t->unknown, t->kind->unknown, false},
		{"tokenizer.ggml.eos_token_id", &t->eos, t->kind->eos, true},
		{"tokenizer.ggml.eot_token_id", &turn, -1, true},
		{"tokenizer.ggml.eom_token_id", &message, -1, true},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int *id = ids[i].id, rc;

		*id = ids[i].otherwise;
		if ((rc = read_id(t, g, ids[i].key, id, err)))
			return rc;
		if (*id < 0)
			continue;
		t->tokens[*id].ends |= ids[i].ends;
		if (!t->typed)
			t->tokens[*id].type = HX_TOKEN_CONTROL;
	}
	return HX_OK;
}

static void make_pieces(struct hx_tokenizer *t)
{
	static const bool spells[HX_TOKEN_TYPES] = {[HX_TOKEN_UNDEFINED] = true, [HX_TOKEN_NORMAL] = true, [HX_TOKEN_BYTE] = true};
	size_t at = 0;

	for (int i = 0; i < t->n; i++) {
		struct hx_token *token = &t->tokens[i];
		char *to = t->pieces + at;

		token->piece = (struct hx_gguf_text){to, token->text.len};
		if (spells[token->type])
			token->piece.len = t->kind->piece(t, token, to);
		else
			memcpy(to, token->text.s, token->text.len);
		at += token->piece.len;
	}
}

int hx_tokenizer_read(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	int rc;

	if ((rc = read_texts(t, g, err)) || (rc = read_types(t, g, err)) || (rc = read_ids(t, g, err)) || (rc = make_index(t, err)))
		return rc;
	make_pieces(t);
	for (int i = 0; i < 256; i++)
		t->byte[i] = t->unknown;
	hx_tokenizer_list_specials(t);
	return t->kind->read(t, g, err);
}
