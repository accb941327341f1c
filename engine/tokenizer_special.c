/* Tokens that are split off a text before anything else: those of the user's always, control tokens where they are wanted. */
#include "engine/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

struct named {
	struct hx_gguf_text text;
	int id;
};

static int by_text(const void *a, const void *b)
{
	const struct hx_gguf_text *x = &((const struct named *)a)->text, *y = &((const struct named *)b)->text;
	int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

void hx_tokenizer_list_specials(struct hx_tokenizer *t)
{
	static const bool wanted[2][HX_TOKEN_TYPES] = {
		{[HX_TOKEN_USER] = true},
		{[HX_TOKEN_USER] = true, [HX_TOKEN_CONTROL] = true, [HX_TOKEN_UNKNOWN] = true},
	};
	struct named *named = hx_xmalloc((size_t)t->n * sizeof(*named));

	for (int k = 0; k < 2; k++) {
		struct hx_specials *s = &t->special[k];

		for (int i = 0; i < t->n; i++)
			if (wanted[k][t->tokens[i].type])
				named[s->n++] = (struct named){t->tokens[i].text, i};
		qsort(named, (size_t)s->n, sizeof(*named), by_text);
		s->ids = hx_xmalloc((size_t)s->n * sizeof(*s->ids));
		for (int i = 0; i < s->n; i++) {
			s->ids[i] = named[i].id;
			s->begins[(unsigned char)named[i].text.s[0]] = true;
		}
	}
	free(named);
}

/* First of the texts lo to hi-1, equal in their first `depth` bytes and longer, whose next byte is not below c. */
static int bound(const struct hx_tokenizer *t, const struct hx_specials *s, int lo, int hi, size_t depth, int c)
{
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if ((unsigned char)t->tokens[s->ids[mid]].text.s[depth] < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The longest special token that the text begins with, or -1. The texts that are still possible narrow with every byte. */
static int longest(const struct hx_tokenizer *t, const struct hx_specials *s, const char *text, size_t len)
{
	int lo = 0, hi = s->n, found = -1;

	for (size_t depth = 0; lo < hi; depth++) {
		if (t->tokens[s->ids[lo]].text.len == depth)
			found = s->ids[lo++];
		if (depth == len)
			break;
		lo = bound(t, s, lo, hi, depth, (unsigned char)text[depth]);
		hi = bound(t, s, lo, hi, depth, (unsigned char)text[depth] + 1);
	}
	return found;
}

size_t hx_tokenizer_next_special(const struct hx_tokenizer *t, bool control, const char *text, size_t len, int *token)
{
	const struct hx_specials *s = &t->special[control];

	*token = -1;
	for (size_t i = 0; s->n && i < len; i++)
		if (s->begins[(unsigned char)text[i]] && (*token = longest(t, s, text + i, len - i)) >= 0)
			return i;
	return len;
}
