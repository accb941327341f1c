/* The key/value cache. */
#include "engine/kv.h"

#include "engine/err.h"

#include <stdlib.h>

double hx_kv_bytes(const struct hx_shape *s, int layers, int context)
{
	return 2.0 * sizeof(uint16_t) * layers * s->kv_heads * s->d_head * context;
}

void hx_kv_init(struct hx_kv *kv, const struct hx_shape *s, const bool *here, int context)
{
	size_t n;

	*kv = (struct hx_kv){.kv_heads = s->kv_heads, .d_head = s->d_head, .context = context};
	kv->slots = hx_xcalloc((size_t)s->layers, sizeof(*kv->slots));
	for (int l = 0; l < s->layers; l++)
		kv->slots[l] = here[l] ? kv->n_slots++ : -1;
	n = (size_t)kv->n_slots * (size_t)s->kv_heads * (size_t)context * (size_t)s->d_head;
	kv->keys = hx_xcalloc(n, sizeof(*kv->keys));
	kv->values = hx_xcalloc(n, sizeof(*kv->values));
}

void hx_kv_free(struct hx_kv *kv)
{
	free(kv->slots);
	free(kv->keys);
	free(kv->values);
	*kv = (struct hx_kv){0};
}

static size_t start(const struct hx_kv *kv, int layer, int head)
{
	return ((size_t)kv->slots[layer] * (size_t)kv->kv_heads + (size_t)head) * (size_t)kv->context * (size_t)kv->d_head;
}

uint16_t *hx_kv_keys(const struct hx_kv *kv, int layer, int head)
{
	return kv->keys + start(kv, layer, head);
}

uint16_t *hx_kv_values(const struct hx_kv *kv, int layer, int head)
{
	return kv->values + start(kv, layer, head);
}
