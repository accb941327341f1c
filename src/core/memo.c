/* A hash table with open addressing. */
#include "core/memo.h"

#include "engine/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct memo {
	size_t key_size, value_size, most, n;
	size_t mask; /* places, a power of two, less one */
	uint32_t *place; /* entry + 1, or 0 */
	unsigned char *keys, *values;
};

struct memo *memo_create(size_t key_size, size_t value_size, size_t most)
{
	struct memo *m = hx_xcalloc(1, sizeof(*m));

	*m = (struct memo){.key_size = key_size, .value_size = value_size, .most = most, .mask = 1};
	while (m->mask < 2 * most)
		m->mask *= 2;
	m->place = hx_xcalloc(m->mask, sizeof(*m->place));
	m->mask--;
	m->keys = hx_xcalloc(most, key_size);
	m->values = hx_xcalloc(most, value_size);
	return m;
}

void memo_free(struct memo *m)
{
	if (!m)
		return;
	free(m->place);
	free(m->keys);
	free(m->values);
	free(m);
}

/* FNV-1a over words of eight bytes, its high bits folded in: keys hold doubles, which differ there. */
static size_t hash(const unsigned char *key, size_t size)
{
	uint64_t h = 14695981039346656037u, word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		word = 0;
		memcpy(&word, key + i, size - i < sizeof(word) ? size - i : sizeof(word));
		h = (h ^ word) * 1099511628211u;
		h ^= h >> 32;
	}
	return (size_t)h;
}

void *memo_at(struct memo *m, const void *key, bool *found)
{
	size_t at = hash(key, m->key_size) & m->mask;

	for (; m->place[at]; at = (at + 1) & m->mask) {
		size_t e = m->place[at] - 1;

		if (memcmp(m->keys + e * m->key_size, key, m->key_size) == 0) {
			*found = true;
			return m->values + e * m->value_size;
		}
	}
	*found = false;
	if (m->n == m->most) {
		memset(m->place, 0, (m->mask + 1) * sizeof(*m->place));
		m->n = 0;
		at = hash(key, m->key_size) & m->mask;
	}
	memcpy(m->keys + m->n * m->key_size, key, m->key_size);
	m->place[at] = (uint32_t)++m->n;
	return m->values + (m->n - 1) * m->value_size;
}
