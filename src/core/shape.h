/* Model shapes from JSON. The structure itself belongs to the engine (engine/shape.h). */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include "base/field.h"
#include "engine/shape.h"

extern const struct field_table shape_fields;

int shape_parse(struct hx_shape *s, const char *text, size_t len, const char *name, struct hx_err *err);
void shape_free(struct hx_shape *s);

/* The JSON that reads back as a shape, but for its qualities. The caller frees it. */
char *shape_text(const struct hx_shape *s);

/* Quality of a quantisation in the shape's own metric, or NULL where unknown. */
const struct hx_quality *shape_quality(const struct hx_shape *s, int type);

#endif
