/* What reading a GGUF file and looking things up in it share. */
#ifndef ENGINE_GGUF_INTERNAL_H
#define ENGINE_GGUF_INTERNAL_H

#include "engine/gguf.h"

struct hx_gguf_value {
	struct hx_gguf_text key;
	int kind, element; /* element: of an array */
	uint64_t n;        /* elements; 1 of what is no array */
	const unsigned char *data;
	struct hx_gguf_text *strings; /* of an array of strings */
};

struct hx_gguf {
	char *name;
	const unsigned char *bytes;
	uint64_t size;
	bool mapped;
	struct hx_gguf_value *values; /* by key */
	size_t n_values;
	struct hx_gguf_tensor *tensors;
	const struct hx_gguf_tensor **by_name;
	size_t n_tensors;
};

/* Kinds by their numbers; bytes is 0 where it is not fixed. */
struct hx_gguf_kind_info {
	unsigned bytes;
	bool integer, sign;
};
extern const struct hx_gguf_kind_info hx_gguf_kinds[HX_GGUF_KINDS];

/* Tensor types by their numbers in a file. name NULL: never in use, or no more; type: enum hx_type, -1 where it is not supported. */
struct hx_gguf_type_info {
	const char *name;
	int type;
};
enum { HX_GGUF_TYPES = 43 };
extern const struct hx_gguf_type_info hx_gguf_types[HX_GGUF_TYPES];

uint64_t hx_gguf_little_endian(const unsigned char *p, unsigned bytes);

/* Orders by key and by name. */
int hx_gguf_value_order(const void *a, const void *b);  /* struct hx_gguf_value */
int hx_gguf_tensor_order(const void *a, const void *b); /* const struct hx_gguf_tensor * */

#endif
