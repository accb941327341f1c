/* The key/value cache of one model: f16, by layer and key head. Rolling it back is to write on from an earlier position: see exec.h. */
#ifndef ENGINE_KV_H
#define ENGINE_KV_H

#include "engine/shape.h"

struct hx_kv {
	int kv_heads, d_head, context; /* context: positions there is room for */
	int *slots, n_slots;           /* by layer: which of the slots is its, -1: it is cached elsewhere */
	uint16_t *keys, *values;       /* slots x kv_heads x context x d_head */
};

double hx_kv_bytes(const struct hx_shape *s, int layers, int context);

/* here: by layer, whether it is cached. */
void hx_kv_init(struct hx_kv *kv, const struct hx_shape *s, const bool *here, int context);
void hx_kv_free(struct hx_kv *kv);

/* Keys and values of a layer and key head: context x d_head. */
uint16_t *hx_kv_keys(const struct hx_kv *kv, int layer, int head);
uint16_t *hx_kv_values(const struct hx_kv *kv, int layer, int head);

#endif
