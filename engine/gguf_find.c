/* What is in a GGUF file, by name. */
#include "engine/gguf_internal.h"
#include "engine/shape.h"

#include <stdlib.h>
#include <string.h>

const struct hx_gguf_kind_info hx_gguf_kinds[HX_GGUF_KINDS] = {
	[HX_GGUF_U8] = {1, true, false},  [HX_GGUF_I8] = {1, true, true},  [HX_GGUF_U16] = {2, true, false},  [HX_GGUF_I16] = {2, true, true},
	[HX_GGUF_U32] = {4, true, false}, [HX_GGUF_I32] = {4, true, true}, [HX_GGUF_F32] = {4, false, false}, [HX_GGUF_BOOL] = {1, false, false},
	[HX_GGUF_U64] = {8, true, false}, [HX_GGUF_I64] = {8, true, true}, [HX_GGUF_F64] = {8, false, false},
};

const struct hx_gguf_type_info hx_gguf_types[HX_GGUF_TYPES] = {
	[0] = {"F32", HX_F32},     [1] = {"F16", HX_F16},     [2] = {"Q4_0", HX_Q4_0},  [3] = {"Q4_1", HX_Q4_1},  [6] = {"Q5_0", HX_Q5_0},
	[7] = {"Q5_1", HX_Q5_1},   [8] = {"Q8_0", HX_Q8_0},   [9] = {"Q8_1", -1},       [10] = {"Q2_K", -1},      [11] = {"Q3_K", -1},
	[12] = {"Q4_K", HX_Q4_K},  [13] = {"Q5_K", HX_Q5_K},  [14] = {"Q6_K", HX_Q6_K}, [15] = {"Q8_K", -1},      [16] = {"IQ2_XXS", -1},
	[17] = {"IQ2_XS", -1},     [18] = {"IQ3_XXS", -1},    [19] = {"IQ1_S", -1},     [20] = {"IQ4_NL", -1},    [21] = {"IQ3_S", -1},
	[22] = {"IQ2_S", -1},      [23] = {"IQ4_XS", -1},     [24] = {"I8", -1},        [25] = {"I16", -1},       [26] = {"I32", -1},
	[27] = {"I64", -1},        [28] = {"F64", -1},        [29] = {"IQ1_M", -1},     [30] = {"BF16", HX_BF16}, [31] = {"Q4_0_4_4", -1},
	[32] = {"Q4_0_4_8", -1},   [33] = {"Q4_0_8_8", -1},   [34] = {"TQ1_0", -1},     [35] = {"TQ2_0", -1},     [36] = {"IQ4_NL_4_4", -1},
	[37] = {"IQ4_NL_4_8", -1}, [38] = {"IQ4_NL_8_8", -1}, [39] = {"MXFP4", -1},     [40] = {"NVFP4", -1},     [41] = {"Q1_0", -1},
	[42] = {"Q2_0", -1},
};

uint64_t hx_gguf_little_endian(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

static int compare_texts(struct hx_gguf_text a, struct hx_gguf_text b)
{
	int order = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int hx_gguf_value_order(const void *a, const void *b)
{
	return compare_texts(((const struct hx_gguf_value *)a)->key, ((const struct hx_gguf_value *)b)->key);
}

int hx_gguf_tensor_order(const void *a, const void *b)
{
	return compare_texts((*(const struct hx_gguf_tensor *const *)a)->name, (*(const struct hx_gguf_tensor *const *)b)->name);
}

const char *hx_gguf_name(const struct hx_gguf *g)
{
	return g->name;
}

size_t hx_gguf_tensors(const struct hx_gguf *g)
{
	return g->n_tensors;
}

const struct hx_gguf_tensor *hx_gguf_tensor_at(const struct hx_gguf *g, size_t i)
{
	return &g->tensors[i];
}

const struct hx_gguf_tensor *hx_gguf_tensor(const struct hx_gguf *g, const char *name)
{
	const struct hx_gguf_tensor wanted = {.name = {name, strlen(name)}}, *key = &wanted;
	const struct hx_gguf_tensor **found = bsearch(&key, g->by_name, g->n_tensors, sizeof(*g->by_name), hx_gguf_tensor_order);

	return found ? *found : NULL;
}

static const struct hx_gguf_value *find(const struct hx_gguf *g, const char *key)
{
	const struct hx_gguf_value wanted = {.key = {key, strlen(key)}};

	return bsearch(&wanted, g->values, g->n_values, sizeof(*g->values), hx_gguf_value_order);
}

static bool as_integer(int kind, const unsigned char *p, int64_t *value)
{
	const struct hx_gguf_kind_info *info = &hx_gguf_kinds[kind];
	unsigned unused = 64 - 8 * info->bytes;
	uint64_t v;

	if (!info->integer)
		return false;
	v = hx_gguf_little_endian(p, info->bytes);
	if (!info->sign && v > INT64_MAX)
		return false;
	*value = info->sign ? (int64_t)(v << unused) >> unused : (int64_t)v;
	return true;
}

static bool as_number(int kind, const unsigned char *p, double *value)
{
	int64_t integer;
	float f;

	if (kind == HX_GGUF_F32) {
		memcpy(&f, p, sizeof(f));
		*value = f;
	} else if (kind == HX_GGUF_F64) {
		memcpy(value, p, sizeof(*value));
	} else {
		if (!as_integer(kind, p, &integer))
			return false;
		*value = (double)integer;
	}
	return true;
}

bool hx_gguf_integer(const struct hx_gguf *g, const char *key, int64_t *value)
{
	const struct hx_gguf_value *v = find(g, key);

	return v && as_integer(v->kind, v->data, value);
}

bool hx_gguf_number(const struct hx_gguf *g, const char *key, double *value)
{
	const struct hx_gguf_value *v = find(g, key);

	return v && as_number(v->kind, v->data, value);
}

bool hx_gguf_bool(const struct hx_gguf *g, const char *key, bool *value)
{
	const struct hx_gguf_value *v = find(g, key);

	if (!v || v->kind != HX_GGUF_BOOL)
		return false;
	*value = *v->data != 0;
	return true;
}

bool hx_gguf_string(const struct hx_gguf *g, const char *key, struct hx_gguf_text *value)
{
	const struct hx_gguf_value *v = find(g, key);

	if (!v || v->kind != HX_GGUF_STRING)
		return false;
	*value = (struct hx_gguf_text){(const char *)v->data, (size_t)v->n};
	return true;
}

bool hx_gguf_array(const struct hx_gguf *g, const char *key, enum hx_gguf_kind kind, size_t *n)
{
	const struct hx_gguf_value *v = find(g, key);

	if (!v || v->kind != HX_GGUF_ARRAY || v->element != (int)kind)
		return false;
	*n = (size_t)v->n;
	return true;
}

struct hx_gguf_text hx_gguf_array_string(const struct hx_gguf *g, const char *key, size_t i)
{
	return find(g, key)->strings[i];
}

double hx_gguf_array_number(const struct hx_gguf *g, const char *key, size_t i)
{
	const struct hx_gguf_value *v = find(g, key);
	const unsigned char *p = v->data + i * hx_gguf_kinds[v->element].bytes;
	double number;

	return as_number(v->element, p, &number) ? number : *p != 0; /* a bool, or an integer that is out of range */
}
