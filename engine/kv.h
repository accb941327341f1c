/* The key/value cache of one model: f16, by layer and key head. Rolling it back is to write on from an earlier position: see exec.h. */
#ifndef ENGINE_KV_H
#define ENGINE_KV_H

#include "engine/shape.h"

struct hx_kv {
	int layers, kv_heads, d_head, context; /* context: positions there is room for */
	uint16_t *keys, *values;               /* layers x kv_heads x context x d_head */
};

double hx_kv_bytes(const struct hx_shape *s, int context);
void hx_kv_init(struct hx_kv *kv, const struct hx_shape *s, int context);
void hx_kv_free(struct hx_kv *kv);

/* Keys and values of a layer and key head: context x d_head. */
uint16_t *hx_kv_keys(const struct hx_kv *kv, int layer, int head);
uint16_t *hx_kv_values(const struct hx_kv *kv, int layer, int head);

#endif
