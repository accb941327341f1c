/* Small vocabularies, written to files as tests want them, and texts checked against them. */
#ifndef TESTS_VOCABULARIES_H
#define TESTS_VOCABULARIES_H

#include "engine/tokenizer.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { UNKNOWN = 2, CONTROL, USER, UNUSED, BYTE, ROOM = 320, BYTES = 3 };

/* <unk>, <s>, </s>, a token for every byte, then those of `more`. What is 0 is as a good file has it. */
struct spec {
	const char *model, *pre;
	struct {
		const char *text;
		int type;     /* 0: a plain one */
		double score; /* of SentencePiece */
	} more[24];
	const char *merges[16];
	int types, scores;               /* how many more than tokens; NONE: no such array */
	int type_kind, score_kind;
	bool no_tokens, no_merges, tokens_are_numbers;
	int64_t bos, eos, eot, unknown;  /* less one */
	int add_bos, add_eos, no_prefix; /* add_bos: -1 for no */
};

enum { NONE = -1000 };

static const struct spec spm = {
	.model = "llama",
	.more = {{"\xe2\x96\x81", 0, -100}, {"h", 0, -101}, {"e", 0, -102}, {"l", 0, -103}, {"o", 0, -104}, {"he", 0, -1}, {"ll", 0, -2},
		 {"\xe2\x96\x81he", 0, -3}, {"llo", 0, -4}, {"\xe2\x96\x81hello", 0, -5}, {"<user>", USER, 0}, {"<|im_end|>", CONTROL, 0},
		 {"</", 0, -6}, {"s>", 0, -7}, {"<", 0, -105}, {"/", 0, -106}, {"s", 0, -107}, {">", 0, -108}, {"\xc3\xa9", 0, -109}},
};

static const struct spec bpe = {
	.model = "gpt2", .pre = "gpt-2", .unknown = 1,
	.more = {{"he", 0, 0}, {"ll", 0, 0}, {"\xc4\xa0he", 0, 0}, {"hell", 0, 0}, {"hello", 0, 0}, {"<user>", USER, 0}, {"<user><user>", USER, 0},
		 {"<|im_end|>", CONTROL, 0}, {"<|im_end", CONTROL, 0}, {"xyz", 0, 0}, {"\xe6\x88\x91", USER, 0}},
	.merges = {"h e", "l l", "\xc4\xa0 he", "he ll", "hell o"},
};

/* Ids of `more` and of bytes. */
enum { MORE = BYTES + 256 };
#define B(byte) (BYTES + (byte))

/* The spelling of a byte in byte-level BPE. */
static inline void spell(char *to, int byte)
{
	int next = 256;

	for (int b = 0; b <= byte; b++) {
		bool prints = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
		int c = prints ? b : next++;

		if (b == byte)
			snprintf(to, 8, c < 0x80 ? "%c" : "%c%c", c < 0x80 ? c : 0xc0 | c >> 6, 0x80 | (c & 0x3f));
	}
}

static inline void write_arrays(struct hx_gguf_writer *w, const struct spec *s)
{
	static char names[256][8];
	struct hx_gguf_text texts[ROOM] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}}, merges[16];
	double types[ROOM] = {UNKNOWN, CONTROL, CONTROL}, scores[ROOM] = {0};
	size_t n = BYTES, n_merges = 0;

	for (int b = 0; b < 256; b++, n++) {
		if (strcmp(s->model, "gpt2") == 0)
			spell(names[b], b);
		else
			snprintf(names[b], sizeof(names[b]), "<0x%02X>", (unsigned)b);
		texts[n] = (struct hx_gguf_text){names[b], strlen(names[b])};
		types[n] = strcmp(s->model, "gpt2") == 0 ? 1 : BYTE;
	}
	for (size_t i = 0; i < COUNT(s->more) && s->more[i].text; i++, n++) {
		texts[n] = (struct hx_gguf_text){s->more[i].text, strlen(s->more[i].text)};
		types[n] = s->more[i].type ? s->more[i].type : 1;
		scores[n] = s->more[i].score;
	}
	for (; n_merges < COUNT(merges) && s->merges[n_merges]; n_merges++)
		merges[n_merges] = (struct hx_gguf_text){s->merges[n_merges], strlen(s->merges[n_merges])};
	if (s->tokens_are_numbers)
		hx_gguf_write_numbers(w, "tokenizer.ggml.tokens", HX_GGUF_F32, scores, n);
	else if (!s->no_tokens)
		hx_gguf_write_strings(w, "tokenizer.ggml.tokens", texts, n);
	if (s->types != NONE)
		hx_gguf_write_numbers(w, "tokenizer.ggml.token_type", s->type_kind ? s->type_kind : HX_GGUF_I32, types, n + (size_t)s->types);
	if (s->scores != NONE)
		hx_gguf_write_numbers(w, "tokenizer.ggml.scores", s->score_kind ? s->score_kind : HX_GGUF_F32, scores, n + (size_t)s->scores);
	if (strcmp(s->model, "gpt2") == 0 && !s->no_merges)
		hx_gguf_write_strings(w, "tokenizer.ggml.merges", merges, n_merges);
}

static inline void write_id(struct hx_gguf_writer *w, const char *key, int64_t id)
{
	if (id)
		hx_gguf_write_integer(w, key, HX_GGUF_U32, id - 1);
}

static inline void write_file(const struct spec *s, char *path)
{
	int fd = mkstemp(path);
	struct hx_gguf_writer *w;
	struct hx_err err;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(hx_gguf_write(&w, path, &err), HX_OK);
	if (*s->model)
		hx_gguf_write_string(w, "tokenizer.ggml.model", s->model);
	if (s->pre)
		hx_gguf_write_string(w, "tokenizer.ggml.pre", s->pre);
	write_arrays(w, s);
	write_id(w, "tokenizer.ggml.bos_token_id", s->bos);
	write_id(w, "tokenizer.ggml.eos_token_id", s->eos);
	write_id(w, "tokenizer.ggml.eot_token_id", s->eot);
	write_id(w, "tokenizer.ggml.unknown_token_id", s->unknown);
	if (s->add_bos)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_bos_token", HX_GGUF_BOOL, s->add_bos > 0);
	if (s->add_eos)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_eos_token", HX_GGUF_BOOL, 1);
	if (s->no_prefix)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_space_prefix", HX_GGUF_BOOL, 0);
	if (hx_gguf_write_end(w, &err))
		fail_msg("%s", err.msg);
}

static inline struct hx_gguf *gguf(const struct spec *s)
{
	char path[] = "vocabulary.XXXXXX";
	struct hx_gguf *g;
	struct hx_err err;

	write_file(s, path);
	if (hx_gguf_open(&g, path, &err))
		fail_msg("%s", err.msg);
	unlink(path);
	return g;
}

static inline struct hx_tokenizer *tokenizer(const struct spec *s)
{
	struct hx_gguf *g = gguf(s);
	struct hx_tokenizer *t;
	struct hx_err err;

	if (hx_tokenizer_create(&t, g, &err))
		fail_msg("%s", err.msg);
	hx_gguf_free(g);
	return t;
}

enum { END = -1 };

static inline void expect(const struct hx_tokenizer *t, const char *text, size_t len, bool begin, bool special, const int *want)
{
	char got[4096] = "", wanted[4096] = "";
	int *tokens;
	size_t n = hx_tokenizer_encode(t, text, len, begin, special, &tokens);

	for (size_t i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), " %d", tokens[i]);
	for (; *want != END; want++)
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), " %d", *want);
	if (strcmp(got, wanted) != 0)
		fail_msg("'%.*s':%s, not%s", (int)len, text, got, wanted);
	free(tokens);
}

static inline void round_trip(const struct hx_tokenizer *t, const char *text, size_t len)
{
	size_t at = 0, n;
	int *tokens;

	n = hx_tokenizer_encode(t, text, len, false, false, &tokens);
	for (size_t i = 0; i < n; i++) {
		struct hx_gguf_text piece = hx_tokenizer_piece(t, tokens[i], false);
		size_t drop = i == 0 && hx_tokenizer_space_prefix(t);

		assert_true(piece.len >= drop && at + piece.len - drop <= len);
		assert_memory_equal(text + at, piece.s + drop, piece.len - drop);
		at += piece.len - drop;
	}
	assert_int_equal(at, len);
	free(tokens);
}

/* Bytes of all values, and text among them. */
static inline void round_trips(const struct hx_tokenizer *t)
{
	static const char *const words[] = {" ", "hello", " hello", "\n", "\xc3\xa9", "\xe6\x88\x91", "\xf0\x9f\xa6\x99", "42", "  ", "</s>"};
	uint32_t x = 12345;

	for (int round = 0; round < 2000; round++) {
		char text[64];
		size_t len = 0, most = (size_t)round % 40;

		while (len < most) {
			x = x * 1664525 + 1013904223;
			if (x >> 31) {
				size_t w = (x >> 16) % COUNT(words);

				memcpy(text + len, words[w], strlen(words[w]));
				len += strlen(words[w]);
			} else {
				text[len++] = (char)(x >> 16);
			}
		}
		round_trip(t, text, len);
	}
}

#endif
