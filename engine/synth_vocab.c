/* A vocabulary of any size: byte-level BPE whose merges all lead to a token. */
#include "engine/gguf.h"
#include "engine/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 26, FIRST = 27, TEXT = 16, NORMAL = 1, CONTROL = 3 }; /* a word's first letter may be the space */

/* Bytes as byte-level BPE writes them: printable ones as themselves, others as characters from U+0100 on. Returns the length. */
static int byte_text(int byte, int *others, char *s)
{
	int c = byte;

	if (c < 0x21 || (c > 0x7e && c < 0xa1) || c == 0xad)
		c = 0x100 + (*others)++;
	if (c < 0x80) {
		s[0] = (char)c;
		return 1;
	}
	s[0] = (char)(0xc0 | c >> 6);
	s[1] = (char)(0x80 | (c & 0x3f));
	return 2;
}

struct vocab {
	char (*texts)[TEXT];
	struct hx_gguf_text *tokens, *merges;
	char (*merge_texts)[2 * TEXT];
	double *kinds;
	int n, n_merges;
};

static void add(struct vocab *v, const char *text, size_t len, int kind)
{
	memcpy(v->texts[v->n], text, len);
	v->tokens[v->n] = (struct hx_gguf_text){v->texts[v->n], len};
	v->kinds[v->n++] = kind;
}

/* A token of two: the text of the first, and the letter. */
static void join(struct vocab *v, struct hx_gguf_text first, char letter)
{
	char *merge = v->merge_texts[v->n_merges];
	char text[TEXT];

	memcpy(text, first.s, first.len);
	text[first.len] = letter;
	add(v, text, first.len + 1, NORMAL);
	v->merges[v->n_merges++] =
		(struct hx_gguf_text){merge, (size_t)snprintf(merge, 2 * TEXT, "%.*s %c", (int)first.len, first.s, letter)};
}

/* Words of two letters, then those of three, each one of the words before and a letter more. */
static void join_all(struct vocab *v, int end)
{
	static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz";
	struct hx_gguf_text firsts[FIRST] = {{"\xc4\xa0", 2}}; /* the space, as byte-level BPE writes it */
	int from = v->n, to;

	for (int i = 0; i < LETTERS; i++)
		firsts[i + 1] = (struct hx_gguf_text){&letters[i], 1};
	for (int i = 0; i < FIRST; i++)
		for (int k = 0; k < LETTERS && v->n < end; k++)
			join(v, firsts[i], letters[k]);
	for (; v->n < end; from = to) {
		to = v->n;
		for (int i = from; i < to; i++)
			for (int k = 0; k < LETTERS && v->n < end; k++)
				join(v, v->tokens[i], letters[k]);
	}
}

static void write_vocab(struct hx_gguf_writer *w, const struct vocab *v)
{
	hx_gguf_write_string(w, "tokenizer.ggml.model", "gpt2");
	hx_gguf_write_string(w, "tokenizer.ggml.pre", "gpt-2");
	hx_gguf_write_strings(w, "tokenizer.ggml.tokens", v->tokens, (size_t)v->n);
	hx_gguf_write_numbers(w, "tokenizer.ggml.token_type", HX_GGUF_I32, v->kinds, (size_t)v->n);
	hx_gguf_write_strings(w, "tokenizer.ggml.merges", v->merges, (size_t)v->n_merges);
	hx_gguf_write_integer(w, "tokenizer.ggml.bos_token_id", HX_GGUF_U32, v->n - 2);
	hx_gguf_write_integer(w, "tokenizer.ggml.eos_token_id", HX_GGUF_U32, v->n - 1);
	hx_gguf_write_integer(w, "tokenizer.ggml.add_bos_token", HX_GGUF_BOOL, 1);
}

void hx_synth_vocab(struct hx_gguf_writer *w, int n)
{
	static const char begin[] = "<|begin|>", end[] = "<|end|>";
	size_t room = (size_t)n;
	struct vocab v = {.texts = hx_xcalloc(room, sizeof(*v.texts)),
			  .tokens = hx_xcalloc(room, sizeof(*v.tokens)),
			  .merges = hx_xcalloc(room, sizeof(*v.merges)),
			  .merge_texts = hx_xcalloc(room, sizeof(*v.merge_texts)),
			  .kinds = hx_xcalloc(room, sizeof(*v.kinds))};
	int others = 0;
	char text[2];

	for (int byte = 0; byte < 256; byte++) {
		int len = byte_text(byte, &others, text);

		add(&v, text, (size_t)len, NORMAL);
	}
	join_all(&v, n - 2);
	add(&v, begin, sizeof(begin) - 1, CONTROL);
	add(&v, end, sizeof(end) - 1, CONTROL);
	write_vocab(w, &v);
	free(v.texts);
	free(v.tokens);
	free(v.merges);
	free(v.merge_texts);
	free(v.kinds);
}
