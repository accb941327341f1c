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

/* A child of an array or object, as it stands in the text. */
struct json_item {
	const char *key; /* without its quotes, escapes and all; of an array's: NULL */
	const char *text;
	size_t key_len, len;
	int line;
};

/* Calls each for every child of the array or object that a text is, in order, until it returns other than 0, and returns that: for lists that are too
 * long to be held as a tree. Memory does not grow with the text, which ends in NUL beyond len or is an item of another. Fails as json_parse does, but
 * for duplicate keys and the number of values; line is that of the text's beginning. */
typedef int json_take(void *arg, const struct json_item *item, struct hx_err *err);
int json_each(const char *text, size_t len, int line, const char *name, json_take *each, void *arg, struct hx_err *err);
int json_parse_item(struct json **out, const struct json_item *item, const char *name, struct hx_err *err);

/* Writes s as a JSON string, quotes included; controls (text_is_control) are escaped, malformed UTF-8 becomes U+FFFD. */
void json_quote(FILE *f, const char *s);

#endif
