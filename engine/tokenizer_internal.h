/* What the files of the tokenizer share: the vocabulary, and the work of encoding one text. */
#ifndef ENGINE_TOKENIZER_INTERNAL_H
#define ENGINE_TOKENIZER_INTERNAL_H

#include "engine/pretokenize.h"
#include "engine/tokenizer.h"

/* Types of tokens, by their numbers in the file. */
enum hx_token_type {
	HX_TOKEN_UNDEFINED, HX_TOKEN_NORMAL, HX_TOKEN_UNKNOWN, HX_TOKEN_CONTROL, HX_TOKEN_USER, HX_TOKEN_UNUSED, HX_TOKEN_BYTE,
	HX_TOKEN_TYPES
};

struct hx_token {
	struct hx_gguf_text text;  /* as in the file */
	struct hx_gguf_text piece; /* the bytes it stands for */
	float score;
	unsigned char type; /* enum hx_token_type */
	bool ends;
};

/* Two tokens side by side and the one they become; lower ranks first. */
struct hx_merge {
	int left, right, token, rank;
};

/* Token ids in the order of their texts. */
struct hx_specials {
	int *ids, n;
	bool begins[256]; /* first bytes of their texts */
};

struct hx_tokenizer {
	const struct hx_tokenizer_kind *kind;
	const struct hx_pretokenizer *pre; /* of BPE */
	char *name;                        /* the file's, for errors */
	char *texts, *pieces;              /* all tokens', one behind the other */
	struct hx_token *tokens;
	int n, used;                       /* used: without padding at the end */
	size_t longest;                    /* text of a token */
	bool typed;                        /* the file says the tokens' types */
	int *index;                        /* hash table of ids by text; -1: free */
	size_t index_size;                 /* a power of two, as is the next */
	struct hx_merge *merges;           /* hash table by left and right; left -1: free */
	size_t merges_size;
	struct hx_specials special[2];     /* split off: always; where control tokens are wanted */
	int byte[256];                     /* tokens of single bytes, else the unknown token, else -1 */
	int bos, eos, unknown;
	bool add_bos, add_eos, space_prefix;
};

/* A part of the text on its way to be a token. */
struct hx_symbol {
	int prev, next, at, len, token; /* -1: none */
};

struct hx_pair {
	double priority;
	int left, right, len, token;
};

struct hx_work {
	const struct hx_tokenizer *t;
	const char *text; /* of the symbols */
	struct hx_symbol *symbols;
	struct hx_pair *heap;
	char *buffer;
	int *tokens;
	size_t n_symbols, n_heap, n_tokens, symbols_room, heap_room, buffer_room, tokens_room;
};

struct hx_tokenizer_kind {
	const char *name; /* `tokenizer.ggml.model` */
	int bos, eos, unknown; /* unless the file says otherwise; -1: none */
	bool add_bos, space_prefix;
	/* What one kind alone has: scores, merges; and the tokens of single bytes. */
	int (*read)(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err);
	/* Bytes that a token's text spells, not more than it has. */
	size_t (*piece)(const struct hx_tokenizer *t, const struct hx_token *token, char *bytes);
	void (*encode)(struct hx_work *w, const char *text, size_t len, bool first);
	/* Whether two neighbours may become one: fills in priority and token. */
	bool (*join)(const struct hx_work *w, const struct hx_symbol *left, const struct hx_symbol *right, struct hx_pair *pair);
};

extern const struct hx_tokenizer_kind hx_tokenizer_spm, hx_tokenizer_bpe;

/* Reads what the caller has not set: all but name, kind, pre and whether to begin. */
int hx_tokenizer_read(struct hx_tokenizer *t, const struct hx_gguf *g, struct hx_err *err);

/* The token of that text, or -1; those that text may not become, such as control tokens, are not found. */
int hx_tokenizer_find(const struct hx_tokenizer *t, const char *text, size_t len);

void hx_tokenizer_list_specials(struct hx_tokenizer *t);

/* Length of the text before the first special token in it, and that token, or -1. Of those that begin there, the longest counts. */
size_t hx_tokenizer_next_special(const struct hx_tokenizer *t, bool control, const char *text, size_t len, int *token);

/* Makes room for n elements. */
void *hx_tokenizer_room(void *p, size_t *room, size_t n, size_t size);
void hx_tokenizer_push(struct hx_work *w, int token);

/* Adds a symbol behind the others; joins them, best pair first, until none is left; gives what they have become. */
void hx_tokenizer_symbol(struct hx_work *w, size_t len, int token);
void hx_tokenizer_join(struct hx_work *w);

/* Text as it may stand in a message: quoted, cut, with all but printable ASCII escaped. */
struct hx_shown {
	char s[112];
};
struct hx_shown hx_tokenizer_shown(struct hx_gguf_text text);

/* FNV-1a, 64 bits; h: what went before, or HX_TOKENIZER_SEED. */
#define HX_TOKENIZER_SEED 0xcbf29ce484222325
uint64_t hx_tokenizer_hash(uint64_t h, const char *s, size_t n);

/* Tokens of a file without the padding at their end. */
size_t hx_tokenizer_used(const struct hx_gguf *g);

#endif
