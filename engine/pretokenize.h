/* How byte-level BPE cuts a text into pieces before it merges: by hand what the tokenizers' regular expressions say. */
#ifndef ENGINE_PRETOKENIZE_H
#define ENGINE_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

struct hx_pretokenizer {
	const char *name; /* `tokenizer.ggml.pre` */
	size_t (*piece)(const struct hx_pretokenizer *p, const char *text, size_t len);
	int digits;        /* numbers are cut after so many; 0: never */
	bool whole_tokens; /* a piece that is a token is not merged anew */
	bool begins;       /* begin-of-sequence token wanted, unless the file says otherwise */
};

/* By name; NULL: none of that name. */
const struct hx_pretokenizer *hx_pretokenize_find(const char *name, size_t len);

/* Length of the first piece of len > 0 bytes. The pieces of a text are found one behind the other, in time that grows with its length. */
static inline size_t hx_pretokenize_piece(const struct hx_pretokenizer *p, const char *text, size_t len)
{
	return p->piece(p, text, len);
}

#endif
