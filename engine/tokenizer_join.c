/* Merging a text's symbols pair by pair, the best first: n symbols take O(n log n). */
#include "engine/tokenizer_internal.h"

#include <stdlib.h>

void *hx_tokenizer_room(void *p, size_t *room, size_t n, size_t size)
{
	if (n <= *room)
		return p;
	*room = n + n / 2 + 16;
	return hx_xrealloc(p, *room, size);
}

void hx_tokenizer_push(struct hx_work *w, int token)
{
	w->tokens = hx_tokenizer_room(w->tokens, &w->tokens_room, w->n_tokens + 1, sizeof(*w->tokens));
	w->tokens[w->n_tokens++] = token;
}

void hx_tokenizer_symbol(struct hx_work *w, size_t len, int token)
{
	size_t i = w->n_symbols++;
	struct hx_symbol *s;

	w->symbols = hx_tokenizer_room(w->symbols, &w->symbols_room, i + 1, sizeof(*w->symbols));
	s = &w->symbols[i];
	*s = (struct hx_symbol){.prev = (int)i - 1, .next = -1, .at = i ? s[-1].at + s[-1].len : 0, .len = (int)len, .token = token};
	if (i)
		s[-1].next = (int)i;
}

/* Of equals, the one further left. */
static bool before(const struct hx_pair *a, const struct hx_pair *b)
{
	return a->priority > b->priority || (a->priority == b->priority && a->left < b->left);
}

static void heap_push(struct hx_work *w, struct hx_pair pair)
{
	size_t i = w->n_heap++;

	w->heap = hx_tokenizer_room(w->heap, &w->heap_room, w->n_heap, sizeof(*w->heap));
	for (; i > 0 && before(&pair, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = pair;
}

static struct hx_pair heap_pop(struct hx_work *w)
{
	struct hx_pair top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->n_heap) {
		if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

static void offer(struct hx_work *w, int left, int right)
{
	struct hx_pair pair = {.left = left, .right = right};

	if (left < 0 || right < 0 || !w->t->kind->join(w, &w->symbols[left], &w->symbols[right], &pair))
		return;
	pair.len = w->symbols[left].len + w->symbols[right].len;
	heap_push(w, pair);
}

/* A pair is out of date when one of the two has been taken by a neighbour (length 0) or has taken one. */
static void join(struct hx_work *w, const struct hx_pair *pair)
{
	struct hx_symbol *left = &w->symbols[pair->left], *right = &w->symbols[pair->right];

	if (!left->len || !right->len || left->len + right->len != pair->len)
		return;
	left->len = pair->len;
	left->token = pair->token;
	left->next = right->next;
	right->len = 0;
	if (left->next >= 0)
		w->symbols[left->next].prev = pair->left;
	offer(w, left->prev, pair->left);
	offer(w, pair->left, left->next);
}

static void give(struct hx_work *w, const struct hx_symbol *s)
{
	if (s->token >= 0) {
		hx_tokenizer_push(w, s->token);
		return;
	}
	for (int i = 0; i < s->len; i++) {
		int token = w->t->byte[(unsigned char)w->text[s->at + i]];

		if (token >= 0)
			hx_tokenizer_push(w, token);
	}
}

void hx_tokenizer_join(struct hx_work *w)
{
	w->n_heap = 0;
	for (size_t i = 1; i < w->n_symbols; i++)
		offer(w, (int)i - 1, (int)i);
	while (w->n_heap) {
		struct hx_pair pair = heap_pop(w);

		join(w, &pair);
	}
	for (int i = w->n_symbols ? 0 : -1; i >= 0; i = w->symbols[i].next)
		give(w, &w->symbols[i]);
}
