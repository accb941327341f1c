/* Text to tokens and back, with the vocabulary of a GGUF: SentencePiece (`llama`) and byte-level BPE (`gpt2`). */
#ifndef ENGINE_TOKENIZER_H
#define ENGINE_TOKENIZER_H

#include "engine/gguf.h"

struct hx_tokenizer;

/* HX_INPUT: a tokenizer model or pre-tokenizer that is not supported, by name; a vocabulary that is damaged. Copies what it needs. */
int hx_tokenizer_create(struct hx_tokenizer **out, const struct hx_gguf *gguf, struct hx_err *err);
void hx_tokenizer_free(struct hx_tokenizer *t);

int hx_tokenizer_bos(const struct hx_tokenizer *t); /* -1: none */
bool hx_tokenizer_ends(const struct hx_tokenizer *t, int token); /* end of sequence, of turn, of text: generation stops there */

/* Tokens of any bytes, valid UTF-8 or not, up to half a gigabyte. begin: with the begin-of-sequence token (and a final end) where the model wants them.
 * special: texts of control tokens in the input become those tokens, else they are text like any other; where several would do, the one that begins
 * first, and then the longest. SentencePiece cannot tell U+2581 from a space. Returns how many; *tokens is the caller's to free. */
size_t hx_tokenizer_encode(const struct hx_tokenizer *t, const char *text, size_t len, bool begin, bool special, int **tokens);

/* Bytes of one token; control, unknown and unused tokens have none unless `special`. SentencePiece's space before the first word is kept: the caller
 * drops it where the text begins (hx_tokenizer_space_prefix). Borrowed until the tokenizer is freed; not terminated. */
struct hx_gguf_text hx_tokenizer_piece(const struct hx_tokenizer *t, int token, bool special);
bool hx_tokenizer_space_prefix(const struct hx_tokenizer *t);

/* Identity of the vocabulary: kind, and a hash of all tokens' texts in order, trailing padding tokens excluded, which are known by their type or
 * their name. `none` where the file has no tokens. The caller frees it. */
char *hx_tokenizer_identity(const struct hx_gguf *gguf);

/* HX_INPUT, naming the first token that differs, unless a draft of one is a text of the other: equal tokens over the smaller vocabulary, what the
 * larger has beyond it being padding. */
int hx_tokenizer_same(const struct hx_tokenizer *target, const struct hx_tokenizer *draft, struct hx_err *err);

#endif
