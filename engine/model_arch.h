/* What differs between architectures, as data: shared by reading a model and writing one. */
#ifndef ENGINE_MODEL_ARCH_H
#define ENGINE_MODEL_ARCH_H

#include "engine/model.h"

struct hx_arch {
	const char *name;
	bool rope_pairs, gelu, scaled_embedding;
	bool bias; /* q, k and v have biases always; else where the file has them */
	bool qk_norm, post_norms;
	int windows; /* with a sliding window, every so manyth layer attends to everything unless the file says otherwise; 0: no windows */
	int scaled_by_width; /* a model of so many layers scales attention by d_model / heads in the place of d_head */
};

/* NULL: not supported. */
const struct hx_arch *hx_arch_find(struct hx_gguf_text name);
extern const char *const hx_arch_names; /* of those supported, for messages */

enum hx_size { HX_SIZE_ONE, HX_SIZE_MODEL, HX_SIZE_QUERY, HX_SIZE_KEY, HX_SIZE_HEAD, HX_SIZE_FF, HX_SIZES };
enum hx_when { HX_WHEN_ALWAYS, HX_WHEN_QK_NORM, HX_WHEN_BIAS, HX_WHEN_POST_NORM };

/* A tensor of a layer: its name behind `blk.N.`, its size (enum hx_size), and which models have it (enum hx_when). */
struct hx_arch_part {
	const char *name;
	int in, out, when;
};
extern const struct hx_arch_part hx_arch_parts[HX_PART_COUNT];

bool hx_arch_has(const struct hx_shape *s, const struct hx_arch_part *part);
void hx_arch_sizes(const struct hx_shape *s, int sizes[HX_SIZES]);

/* Fills in the texts of a shape whose figures are known. */
void hx_arch_describe(struct hx_model *m);

#endif
