/* Byte-level BPE, as `gpt2` vocabularies have it: every byte is spelt as a printable character, and pairs are merged by the rank of their rule,
 * within the pieces that the pre-tokenizer cuts. */
#include "engine/tokenizer_internal.h"
#include "engine/unicode.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char merges_key[] = "tokenizer.ggml.merges";

/* The bytes that stand for themselves; the others follow one another from U+0100 on. */
static bool prints(int32_t c)
{
	return (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xff && c != 0xad);
}

static int32_t character(unsigned char byte)
{
	if (prints(byte))
		return byte;
	return 0x100 + (byte <= 0x20 ? byte : byte <= 0xa0 ? byte - 0x7f + 0x21 : 0x43);
}

/* -1: spells no byte. */
static int byte_of(int32_t c)
{
	if (prints(c) && c <= 0xff)
		return c;
	c -= 0x100;
	return c < 0 || c > 0x43 ? -1 : c <= 0x20 ? c : c < 0x43 ? c - 0x21 + 0x7f : 0xad;
}

static size_t spell(const char *text, size_t len, char *spelt)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int32_t c = character((unsigned char)text[i]);

		if (c >= 0x80)
			spelt[n++] = (char)(0xc0 | c >> 6);
		spelt[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
	}
	return n;
}

/* What spells no bytes stands for itself: tokens that were added later. */
static size_t piece(const struct hx_tokenizer *t, const struct hx_token *token, char *bytes)
{
	const struct hx_gguf_text text = token->text;
	size_t n = 0, size;

	(void)t;
	for (size_t i = 0; i < text.len; i += size) {
		int byte = byte_of(hx_unicode_decode(text.s + i, text.len - i, &size));

		if (byte < 0) {
			memcpy(bytes, text.s, text.len);
			return text.len;
		}
		bytes[n++] = (char)byte;
	}
	return n;
}

static struct hx_merge *slot(const struct hx_tokenizer *t, int left, int right)
{
	uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	size_t i = (size_t)(key >> 32) & (t->merges_size - 1);

	while (t->merges[i].left >= 0 && (t->merges[i].left != left || t->merges[i].right != right))
		i = (i + 1) & (t->merges_size - 1);
	return &t->merges[i];
}

/* `Ġ t`: the texts of two tokens, which as one are a third. The first rule of a pair counts. */
static int read_merge(struct hx_tokenizer *t, struct hx_gguf_text rule, int rank, char *joined, struct hx_err *err)
{
	const char *space = rule.len > 1 ? memchr(rule.s + 1, ' ', rule.len - 1) : NULL;
	size_t left = space ? (size_t)(space - rule.s) : 0;
	struct hx_merge m = {.rank = rank}, *at;

	if (!space || rule.len > 2 * t->longest + 1)
		return hx_err_set(err, HX_INPUT, "%.200s: %s: rule %d, %s, is not two tokens with a space between", t->name, merges_key, rank,
				  hx_tokenizer_shown(rule).s);
	memcpy(joined, rule.s, left);
	memcpy(joined + left, space + 1, rule.len - left - 1);
	m.left = hx_tokenizer_find(t, rule.s, left);
	m.right = hx_tokenizer_find(t, space + 1, rule.len - left - 1);
	m.token = hx_tokenizer_find(t, joined, rule.len - 1);
	if (m.left < 0 || m.right < 0 || m.token < 0)
		return hx_err_set(err, HX_INPUT, "%.200s: %s: rule %d, %s, names a token that the vocabulary lacks", t->name, merges_key, rank,
				  hx_tokenizer_shown(rule).s);
	at = slot(t, m.left, m.right);
	if (at->left < 0)
		*at = m;
	return HX_OK;
}

static void find_bytes(struct hx_tokenizer *t)
{
	for (int i = 0; i < 256; i++) {
		char byte = (char)i, spelt[2];
		int token = hx_tokenizer_find(t, spelt, spell(&byte, 1, spelt));

		if (token >= 0)
			t->byte[i] = token;
	}
}

static int read(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	char *joined;
	size_t n;
	int rc = HX_OK;

	if (!hx_gguf_array(g, merges_key, HX_GGUF_STRING, &n) || n > INT_MAX)
		return hx_err_set(err, HX_INPUT, "%.200s: has no array of texts %s, which byte-level BPE needs", t->name, merges_key);
	find_bytes(t);
	for (t->merges_size = 16; t->merges_size < 2 * n;)
		t->merges_size *= 2;
	t->merges = hx_xmalloc(t->merges_size * sizeof(*t->merges));
	memset(t->merges, -1, t->merges_size * sizeof(*t->merges));
	joined = hx_xmalloc(2 * t->longest + 1);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_merge(t, hx_gguf_array_string(g, merges_key, i), (int)i, joined, err);
	free(joined);
	return rc;
}

static bool join(const struct hx_work *w, const struct hx_symbol *left, const struct hx_symbol *right, struct hx_pair *pair)
{
	const struct hx_merge *m;

	if (left->token < 0 || right->token < 0)
		return false;
	m = slot(w->t, left->token, right->token);
	pair->priority = -(double)m->rank;
	pair->token = m->token;
	return m->left >= 0;
}

/* A piece that is a token as it stands, where the vocabulary was made so; or -1. */
static int whole(struct hx_work *w, const char *text, size_t len)
{
	if (!w->t->pre->whole_tokens || len > w->t->longest)
		return -1;
	w->buffer = hx_tokenizer_room(w->buffer, &w->buffer_room, 2 * len, 1);
	return hx_tokenizer_find(w->t, w->buffer, spell(text, len, w->buffer));
}

static void encode(struct hx_work *w, const char *text, size_t len, bool first)
{
	(void)first;
	for (size_t i = 0, n; i < len; i += n) {
		int token;

		n = hx_pretokenize_piece(w->t->pre, text + i, len - i);
		token = whole(w, text + i, n);
		if (token >= 0) {
			hx_tokenizer_push(w, token);
			continue;
		}
		w->text = text + i;
		w->n_symbols = 0;
		for (size_t k = 0; k < n; k++)
			hx_tokenizer_symbol(w, 1, w->t->byte[(unsigned char)w->text[k]]);
		hx_tokenizer_join(w);
	}
}

const struct hx_tokenizer_kind hx_tokenizer_bpe = {
	.name = "gpt2", .bos = -1, .eos = -1, .unknown = -1,
	.read = read, .piece = piece, .encode = encode, .join = join,
};
