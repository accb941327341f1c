/* The regular expressions of pre-tokenizers, each as a walk over the characters. */
#include "engine/pretokenize.h"

#include "engine/unicode.h"

#include <string.h>

/* A place in the text and the character there. */
struct place {
	const char *at, *end;
	size_t size; /* of the character; 0: none is left */
	int32_t c;
	int class; /* enum hx_unicode_class, or NONE */
};

enum { NONE = -1 };

static struct place place(const char *at, const char *end)
{
	struct place p = {at, end, 0, -1, NONE};

	if (at < end) {
		p.c = hx_unicode_decode(at, (size_t)(end - at), &p.size);
		p.class = (int)hx_unicode_class(p.c);
	}
	return p;
}

static struct place next(struct place p)
{
	return place(p.at + p.size, p.end);
}

/* Behind all characters of a class, but not more than `most` (0: any number). */
static struct place skip(struct place p, int class, int most)
{
	for (int n = 0; p.class == class && (!most || n < most); n++)
		p = next(p);
	return p;
}

static bool is_newline(int32_t c)
{
	return c == '\r' || c == '\n';
}

/* 's|'t|'re|'ve|'m|'ll|'d: length, or 0. any_case: capitals too. */
static size_t contraction(struct place p, bool any_case)
{
	static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
	int fold = any_case ? 0x20 : 0;

	if (p.c != '\'')
		return 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]), k = 0;

		while (k < n && p.at + 1 + k < p.end && (p.at[1 + k] | fold) == endings[i][k])
			k++;
		if (k == n)
			return 1 + n;
	}
	return 0;
}

/* \s+(?!\S)|\s+: all white space, but the last of it is left to what follows, unless that is the end or of class `end`. */
static struct place white(struct place p, int end)
{
	struct place last = p, q = p;

	while (q.class == HX_UNICODE_SPACE) {
		last = q;
		q = next(q);
	}
	return q.class == NONE || q.class == end || last.at == p.at ? q : last;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * Where numbers are cut, they are found first: they take no space with them, and to what lies between them they are the end of the text. */
static size_t gpt2(const struct hx_pretokenizer *pre, const char *text, size_t len)
{
	struct place p = place(text, text + len), q = p.c == ' ' ? next(p) : p;
	int cut = pre->digits ? HX_UNICODE_NUMBER : NONE;
	size_t n = contraction(p, false);

	if (n)
		return n;
	if (p.class == cut)
		return (size_t)(skip(p, cut, pre->digits).at - text);
	if (q.class == NONE || q.class == cut || q.class == HX_UNICODE_SPACE)
		return (size_t)(white(p, cut).at - text);
	return (size_t)(skip(q, q.class, 0).at - text);
}

/* \s*[\r\n]+|\s+(?!\S)|\s+: up to the last line break of the white space, if there is one. */
static struct place lines(struct place p)
{
	struct place q = p, behind = p;

	while (q.class == HX_UNICODE_SPACE) {
		bool newline = is_newline(q.c);

		q = next(q);
		if (newline)
			behind = q;
	}
	return behind.at > p.at ? behind : white(p, NONE);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t gpt4(const struct hx_pretokenizer *pre, const char *text, size_t len)
{
	struct place p = place(text, text + len), q = next(p);
	size_t n = contraction(p, true);

	if (n)
		return n;
	if (p.class == HX_UNICODE_NUMBER)
		return (size_t)(skip(p, HX_UNICODE_NUMBER, pre->digits).at - text);
	if (p.class == HX_UNICODE_LETTER || (q.class == HX_UNICODE_LETTER && !is_newline(p.c)))
		return (size_t)(skip(q, HX_UNICODE_LETTER, 0).at - text);
	if (p.class == HX_UNICODE_SPACE && !(p.c == ' ' && q.class == HX_UNICODE_OTHER))
		return (size_t)(lines(p).at - text);
	for (q = skip(q, HX_UNICODE_OTHER, 0); is_newline(q.c);)
		q = next(q);
	return (size_t)(q.at - text);
}

static const struct hx_pretokenizer table[] = {
	{.name = "gpt-2", .piece = gpt2},
	{.name = "default", .piece = gpt2},
	{.name = "phi-2", .piece = gpt2},
	{.name = "mpt", .piece = gpt2},
	{.name = "olmo", .piece = gpt2},
	{.name = "smollm", .piece = gpt2, .digits = 1},
	{.name = "starcoder", .piece = gpt2, .digits = 1},
	{.name = "refact", .piece = gpt2, .digits = 1},
	{.name = "command-r", .piece = gpt2, .digits = 1},
	{.name = "codeshell", .piece = gpt2, .digits = 1},
	{.name = "llama-bpe", .piece = gpt4, .digits = 3, .whole_tokens = true, .begins = true},
	{.name = "llama3", .piece = gpt4, .digits = 3, .whole_tokens = true, .begins = true},
	{.name = "llama-v3", .piece = gpt4, .digits = 3, .whole_tokens = true, .begins = true},
	{.name = "falcon3", .piece = gpt4, .digits = 3, .whole_tokens = true, .begins = true},
	{.name = "lfm2", .piece = gpt4, .digits = 3, .whole_tokens = true, .begins = true},
	{.name = "smaug-bpe", .piece = gpt4, .digits = 3},
	{.name = "qwen2", .piece = gpt4, .digits = 1},
	{.name = "deepseek-r1-qwen", .piece = gpt4, .digits = 1},
	{.name = "megrez", .piece = gpt4, .digits = 1},
	{.name = "stablelm2", .piece = gpt4, .digits = 1},
};

const struct hx_pretokenizer *hx_pretokenize_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}
