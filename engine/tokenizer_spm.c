/* SentencePiece, as `llama` vocabularies have it: spaces are U+2581, the pair that makes the token of the highest score is merged first, and
 * what is no token falls apart into bytes. */
#include "engine/tokenizer_internal.h"
#include "engine/unicode.h"

#include <math.h>
#include <string.h>

#define SPACE "\xe2\x96\x81" /* U+2581 */

enum { SPACE_BYTES = 3 };

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* <0x0A>: the value, or -1. */
static int byte_of(const struct hx_tokenizer *t, const struct hx_token *token)
{
	const char *s = token->text.s;

	if ((t->typed && token->type != HX_TOKEN_BYTE) || token->text.len != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>' || hex(s[3]) < 0 || hex(s[4]) < 0)
		return -1;
	return hex(s[3]) << 4 | hex(s[4]);
}

static int read(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err)
{
	static const char key[] = "tokenizer.ggml.scores";
	size_t n;

	if (!hx_gguf_array(g, key, HX_GGUF_F32, &n))
		return hx_err_set(err, HX_INPUT, "%.200s: has no array of numbers %s, which SentencePiece needs", t->name, key);
	if (n != (size_t)t->n)
		return hx_err_set(err, HX_INPUT, "%.200s: %s has %zu elements, but there are %d tokens", t->name, key, n, t->n);
	for (int i = 0; i < t->n; i++) {
		struct hx_token *token = &t->tokens[i];
		int byte = byte_of(t, token);

		token->score = (float)hx_gguf_array_number(g, key, (size_t)i);
		if (isnan(token->score))
			return hx_err_set(err, HX_INPUT, "%.200s: %s: that of token %d is not a number", t->name, key, i);
		if (token->type == HX_TOKEN_BYTE && byte < 0)
			return hx_err_set(err, HX_INPUT, "%.200s: token %d should be a byte such as <0x0A>, but is %s", t->name, i,
					  hx_tokenizer_shown(token->text).s);
		if (byte < 0)
			continue;
		token->type = HX_TOKEN_BYTE;
		t->byte[byte] = i;
	}
	return HX_OK;
}

static size_t piece(const struct hx_tokenizer *t, const struct hx_token *token, char *bytes)
{
	int byte = byte_of(t, token);
	size_t n = 0;

	if (byte >= 0) {
		bytes[0] = (char)byte;
		return 1;
	}
	for (size_t i = 0; i < token->text.len;) {
		bool space = token->text.len - i >= SPACE_BYTES && memcmp(token->text.s + i, SPACE, SPACE_BYTES) == 0;

		bytes[n++] = space ? ' ' : token->text.s[i];
		i += space ? SPACE_BYTES : 1;
	}
	return n;
}

static bool join(const struct hx_work *w, const struct hx_symbol *left, const struct hx_symbol *right, struct hx_pair *pair)
{
	pair->token = hx_tokenizer_find(w->t, w->text + left->at, (size_t)left->len + (size_t)right->len);
	if (pair->token < 0)
		return false;
	pair->priority = w->t->tokens[pair->token].score;
	return true;
}

/* Copies the text with its spaces spelt as tokens have them. */
static size_t escape(struct hx_work *w, const char *text, size_t len, bool prefix)
{
	size_t n = 0;

	w->buffer = hx_tokenizer_room(w->buffer, &w->buffer_room, SPACE_BYTES * (len + 1), 1);
	for (size_t i = prefix ? 0 : 1; i <= len; i++) {
		const char *from = i == 0 || text[i - 1] == ' ' ? SPACE : &text[i - 1];
		size_t bytes = from == &text[i - 1] ? 1 : SPACE_BYTES;

		memcpy(w->buffer + n, from, bytes);
		n += bytes;
	}
	return n;
}

static void encode(struct hx_work *w, const char *text, size_t len, bool first)
{
	size_t n = escape(w, text, len, first && w->t->space_prefix), size;

	w->text = w->buffer;
	w->n_symbols = 0;
	for (size_t i = 0; i < n; i += size) {
		hx_unicode_decode(w->text + i, n - i, &size);
		hx_tokenizer_symbol(w, size, hx_tokenizer_find(w->t, w->text + i, size));
	}
	hx_tokenizer_join(w);
}

const struct hx_tokenizer_kind hx_tokenizer_spm = {
	.name = "llama", .bos = 1, .eos = 2, .unknown = 0, .add_bos = true, .space_prefix = true,
	.read = read, .piece = piece, .encode = encode, .join = join,
};
