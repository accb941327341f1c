/* Mappings: which unit runs which part of one model, parsed from text such as `a76x4:0-13+g610:14-27,head`. */
#ifndef ENGINE_MAPPING_H
#define ENGINE_MAPPING_H

#include "engine/err.h"
#include "engine/shape.h"
#include "engine/unit.h"

/* A unit with the cores used of it, and their clock. */
struct hx_use {
	int unit; /* index into struct hx_units */
	int cores;
	double clock_hz;
};

struct hx_mapping {
	char *text; /* as typed */
	struct hx_use uses[HX_MAX_UNITS];
	int n_uses;
	int n_layers;
	unsigned char *attn, *ffn; /* per layer, index into uses */
	unsigned char embed, head;
};

/* Parses a mapping of shape onto units. Every layer must be placed exactly once. HX_INPUT names the offending part. */
int hx_mapping_parse(struct hx_mapping *m, const char *text, const struct hx_shape *shape,
		     const struct hx_units *units, struct hx_err *err);
void hx_mapping_free(struct hx_mapping *m);

/* The unit that the first len characters of a use name, with or without a core count; -1: none. *name (NULL: not wanted) is the length of the
 * unit's own name. A unit's name may end in an x and digits, so the whole word is tried first. */
int hx_mapping_unit(const struct hx_units *units, const char *use, size_t len, size_t *name);

#endif
