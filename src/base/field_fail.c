/* Field tables: errors of checks between fields, which have a path but no longer the JSON. */
#include "base/field.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The value at a path of keys and indices, or its nearest ancestor. Keys that hold dots do not occur in paths of checks. */
static const cJSON *find(const cJSON *node, const char *path)
{
	const cJSON *child;
	char key[128], *end;

	while (*path) {
		if (*path == '[') {
			child = cJSON_GetArrayItem(node, atoi(path + 1));
			end = strchr(path, ']');
			path = end ? end + 1 : "";
		} else {
			size_t n = strcspn(path, ".[");

			snprintf(key, sizeof(key), "%.*s", (int)n, path);
			child = cJSON_GetObjectItemCaseSensitive(node, key);
			path += n;
		}
		if (!child)
			break;
		node = child;
		path += *path == '.';
	}
	return node;
}

int field_fail(const char *text, size_t len, const char *name, const char *path, struct hx_err *err, const char *fmt, ...)
{
	struct json *json;
	char what[512];
	va_list ap;
	int line = 1;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if ((*path == '[' ? json_parse_list : json_parse)(&json, text, len, name, err) == HX_OK) {
		line = json_line(json, find(json_root(json), path));
		json_free(json);
	}
	return hx_err_set(err, HX_INPUT, "%s:%d: %s: %s", name, line, path, what);
}
