/* Strict JSON: a pre-scan that finds what cJSON lets through, then cJSON's tree, with the line of every value.
 * cJSON trees stay in base/: other rooms read structures through field tables. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "engine/err.h"

#include <stddef.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 64, JSON_MAX_VALUES = 2000000 /* about 200 MB as a tree */ };

struct cJSON;
struct json;

/* Parses text of len bytes (need not end in NUL). name stands in errors: `name:LINE: ...`. HX_INPUT on: bad grammar (leading
 * zeros, trailing text, trailing commas, comments), numbers that overflow a double or pass 63 characters, duplicate keys in an
 * object, invalid UTF-8, \u0000 and unpaired surrogates, a NUL byte, a byte-order mark, nesting deeper than JSON_MAX_DEPTH, more than
 * JSON_MAX_VALUES values. Time is
 * linear (n log n in the number of values), no recursion deeper than JSON_MAX_DEPTH. */
int json_parse(struct json **out, const char *text, size_t len, const char *name, struct hx_err *err);
/* The same of a list, written as one array or as JSON Lines (values with white space between them): the root is an array either way. */
int json_parse_list(struct json **out, const char *text, size_t len, const char *name, struct hx_err *err);
void json_free(struct json *j);

const struct cJSON *json_root(const struct json *j);
const char *json_name(const struct json *j);
int json_line(const struct json *j, const struct cJSON *node); /* 1-based line on which the value starts */

/* Writes s as a JSON string, quotes included; controls (text_is_control) are escaped, malformed UTF-8 becomes U+FFFD. */
void json_quote(FILE *f, const char *s);

#endif
