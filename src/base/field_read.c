/* Field tables: JSON into structures, with every check the tables ask for, and freeing what was read. */
#include "base/field.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 1000000, AXIS_MAX = 100000, STRING_MAX = 1000, MESSAGE_MAX = 512 };

struct reader {
	const struct json *json;
	struct hx_err *err;
};

/* A value and the way to it: a key, or an index where key is NULL. The root has no `up`. */
struct spot {
	const struct spot *up;
	const cJSON *node;
	const char *key;
	size_t index;
};

typedef int read_value(const struct reader *r, void *out, const struct field *f, const struct spot *at);

static int read_struct(const struct reader *r, void *obj, const struct field_table *t, const struct field *fields, const struct spot *at);

static void path(char *buf, size_t size, const struct spot *at)
{
	size_t n;

	*buf = '\0';
	if (!at->up)
		return;
	path(buf, size, at->up);
	n = strlen(buf);
	if (at->key)
		snprintf(buf + n, size - n, "%s%s", n ? "." : "", at->key);
	else
		snprintf(buf + n, size - n, "[%zu]", at->index);
}

static int HX_PRINTF(3, 4) fail(const struct reader *r, const struct spot *at, const char *fmt, ...)
{
	const char *name = json_name(r->json);
	char where[256], clean[sizeof(where)], what[MESSAGE_MAX];
	va_list ap;

	path(where, sizeof(where), at);
	text_clean(clean, sizeof(clean), where);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return hx_err_set(r->err, HX_INPUT, "%s:%d: %s%s%s", name, json_line(r->json, at->node), clean, *clean ? ": " : "", what);
}

/* A value as messages show it. */
static const char *shown(char *buf, size_t size, const cJSON *node)
{
	char text[64];

	switch (node->type & 0xff) { /* cJSON keeps flags above */
	case cJSON_Object:
		return "an object";
	case cJSON_Array:
		return "a list";
	case cJSON_Number:
		return text_exact(buf, node->valuedouble);
	case cJSON_String:
		snprintf(buf, size, "'%s'", text_clean(text, sizeof(text), node->valuestring));
		return buf;
	case cJSON_NULL:
		return "null";
	default:
		return cJSON_IsTrue(node) ? "true" : "false";
	}
}

static int mismatch(const struct reader *r, const struct spot *at, const char *kind)
{
	char buf[80];

	return fail(r, at, "must be %s, is %s", kind, shown(buf, sizeof(buf), at->node));
}

static int unknown(const struct reader *r, const struct spot *at, const char *what, const char *name, const char *const *known)
{
	const char *near = text_nearest(name, known);
	char list[256] = "";
	size_t n = 0;

	if (near)
		return fail(r, at, "%s, did you mean '%s'?", what, near);
	for (; *known && n < sizeof(list) - 80; known++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", *known);
	return fail(r, at, "%s; known are: %s%s", what, list, *known ? ", ..." : "");
}

static int copy_string(const struct reader *r, void *out, const char *s, const struct spot *at)
{
	char clean[STRING_MAX + 2];

	if (strlen(s) > STRING_MAX)
		return fail(r, at, "longer than %d bytes", STRING_MAX);
	if (strcmp(text_clean(clean, sizeof(clean), s), s))
		return fail(r, at, "control characters are not accepted");
	*(char **)out = hx_xstrdup(s);
	return HX_OK;
}

static int read_string(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	(void)f;
	if (!cJSON_IsString(at->node))
		return mismatch(r, at, "a string");
	return copy_string(r, out, at->node->valuestring, at);
}

static int read_name(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	(void)f;
	if (!cJSON_IsString(at->node) || !text_is_name(at->node->valuestring))
		return mismatch(r, at, "a name (letters, digits and ._+-, a letter or digit first, at most 64)");
	return copy_string(r, out, at->node->valuestring, at);
}

static int check_range(const struct reader *r, double min, double max, const struct field *f, const struct spot *at)
{
	char a[TEXT_MAX], b[TEXT_MAX], range[2 * TEXT_MAX + 32];
	const char *unit = f->unit ? f->unit : "";

	if (at->node->valuedouble >= min && at->node->valuedouble <= max)
		return HX_OK;
	snprintf(range, sizeof(range), "in [%s, %s]%s%.20s", text_exact(a, min), text_exact(b, max), *unit ? " " : "", unit);
	return mismatch(r, at, range);
}

static int read_number(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	if (!cJSON_IsNumber(at->node))
		return mismatch(r, at, "a number");
	*(double *)out = at->node->valuedouble;
	return check_range(r, f->min, f->max, f, at);
}

static int read_int(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	int rc;

	if (!cJSON_IsNumber(at->node) || at->node->valuedouble != floor(at->node->valuedouble))
		return mismatch(r, at, "a whole number");
	rc = check_range(r, fmax(f->min, INT_MIN), fmin(f->max, INT_MAX), f, at);
	if (!rc)
		*(int *)out = (int)at->node->valuedouble;
	return rc;
}

static int read_bool(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	(void)f;
	if (!cJSON_IsBool(at->node))
		return mismatch(r, at, "true or false");
	*(bool *)out = cJSON_IsTrue(at->node);
	return HX_OK;
}

static int read_choice(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	char shown[64], what[80];

	if (!cJSON_IsString(at->node))
		return mismatch(r, at, "a string");
	for (int i = 0; f->choices[i]; i++)
		if (!strcmp(f->choices[i], at->node->valuestring)) {
			*(int *)out = i;
			return HX_OK;
		}
	snprintf(what, sizeof(what), "unknown value '%s'", text_clean(shown, sizeof(shown), at->node->valuestring));
	return unknown(r, at, what, at->node->valuestring, f->choices);
}

static int read_object(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	return read_struct(r, out, f->sub, f->sub->fields, at);
}

/* An element of FIELD_MAP. */
static int read_entry(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	const struct field *key = f->sub->fields;
	int rc = copy_string(r, (char *)out + key->at, at->key, at);

	return rc ? rc : read_struct(r, out, f->sub, key + 1, at);
}

/* A row of FIELD_MATRIX, as long as the first one. */
static int read_row(const struct reader *r, void *out, const struct field *f, const struct spot *at)
{
	size_t n = (size_t)cJSON_GetArraySize(at->node), columns = (size_t)cJSON_GetArraySize(at->up->node->child);
	struct spot cell = {.up = at};
	double *row;
	int rc;

	if (!cJSON_IsArray(at->node))
		return mismatch(r, at, "a list of numbers");
	if (n != columns)
		return fail(r, at, "has %zu numbers, the first row has %zu", n, columns);
	if (n > LIST_MAX)
		return fail(r, at, "longer than %d", LIST_MAX);
	row = *(double **)out = hx_xcalloc(n, sizeof(*row));
	cJSON_ArrayForEach(cell.node, at->node) {
		rc = read_number(r, &row[cell.index], f, &cell);
		if (rc)
			return rc;
		cell.index++;
	}
	return HX_OK;
}

/* One value, or the elements of a list. */
static const struct {
	read_value *read;
	size_t size; /* of a list's element where the type says it */
	bool list;
} types[] = {
	[FIELD_STRING] = {.read = read_string},
	[FIELD_NAME] = {.read = read_name},
	[FIELD_NUMBER] = {.read = read_number},
	[FIELD_INT] = {.read = read_int},
	[FIELD_BOOL] = {.read = read_bool},
	[FIELD_CHOICE] = {.read = read_choice},
	[FIELD_NUMBERS] = {read_number, sizeof(double), true},
	[FIELD_AXIS] = {read_int, sizeof(int), true},
	[FIELD_STRINGS] = {read_string, sizeof(char *), true},
	[FIELD_NAMES] = {read_name, sizeof(char *), true},
	[FIELD_CHOICES] = {read_choice, sizeof(int), true},
	[FIELD_OBJECT] = {.read = read_object},
	[FIELD_OBJECTS] = {read_object, 0, true},
	[FIELD_MAP] = {read_entry, 0, true},
	[FIELD_MATRIX] = {read_row, sizeof(double *), true},
};

static void *list_alloc(void *obj, const struct field *f, size_t n, size_t size)
{
	void *list = hx_xcalloc(n, size);

	memcpy((char *)obj + f->at, &list, sizeof(list));
	*(size_t *)((char *)obj + f->count_at) = n;
	return list;
}

static int ascending(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int check_repeats(const struct reader *r, const int *list, size_t n, const struct field *f, const struct spot *at)
{
	int *sorted = hx_xmalloc(n * sizeof(*sorted)), rc = HX_OK;

	memcpy(sorted, list, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	for (size_t i = 1; i < n && !rc; i++)
		if (sorted[i - 1] == sorted[i])
			rc = f->choices ? fail(r, at, "'%s' stands in the list twice", f->choices[sorted[i]])
					: fail(r, at, "%d stands in the list twice", sorted[i]);
	free(sorted);
	return rc;
}

static int read_list(const struct reader *r, void *obj, const struct field *f, const struct spot *at)
{
	size_t n = (size_t)cJSON_GetArraySize(at->node), size = types[f->type].size ? types[f->type].size : f->sub->size;
	int most = f->type == FIELD_AXIS ? AXIS_MAX : LIST_MAX, rc;
	struct spot element = {.up = at};
	char *list;

	if (f->type == FIELD_MAP && !cJSON_IsObject(at->node))
		return mismatch(r, at, "an object");
	if (f->type != FIELD_MAP && !cJSON_IsArray(at->node))
		return mismatch(r, at, f->type == FIELD_AXIS ? "a list or {\"from\": A, \"to\": B}" : "a list");
	if (n == 0 && f->flags & FIELD_MIN1)
		return fail(r, at, "must not be empty");
	if (n > (size_t)most)
		return fail(r, at, "longer than %d", most);
	list = list_alloc(obj, f, n, size);
	if (f->type == FIELD_MATRIX)
		*(size_t *)((char *)obj + f->cols_at) = n ? (size_t)cJSON_GetArraySize(at->node->child) : 0;
	cJSON_ArrayForEach(element.node, at->node) {
		element.key = f->type == FIELD_MAP ? element.node->string : NULL;
		rc = types[f->type].read(r, list + element.index * size, f, &element);
		if (rc)
			return rc;
		element.index++;
	}
	if (f->type == FIELD_AXIS || f->type == FIELD_CHOICES)
		return check_repeats(r, (const int *)(void *)list, n, f, at);
	return HX_OK;
}

/* FIELD_AXIS as {"from": a, "to": b, "step": s}. */
static int read_range(const struct reader *r, void *obj, const struct field *f, const struct spot *at)
{
	struct range {
		int from, to, step;
	} range = {0};
	const struct field rows[] = {
		{"from", FIELD_INT, FIELD_REQUIRED, .at = offsetof(struct range, from), .unit = f->unit, .min = f->min, .max = f->max,
		 .help = "first value"},
		{"to", FIELD_INT, FIELD_REQUIRED, .at = offsetof(struct range, to), .unit = f->unit, .min = f->min, .max = f->max,
		 .help = "last value"},
		{"step", FIELD_INT, .at = offsetof(struct range, step), .min = 1, .max = INT_MAX, .missing = 1, .help = "distance"},
		{0}};
	const struct field_table t = {.size = sizeof(range), .fields = rows};
	int64_t n;
	int *list, rc = read_struct(r, &range, &t, rows, at);

	if (rc)
		return rc;
	if (range.from > range.to)
		return fail(r, at, "'from' (%d) is above 'to' (%d); swap them", range.from, range.to);
	n = ((int64_t)range.to - range.from) / range.step + 1;
	if (n > AXIS_MAX)
		return fail(r, at, "%lld values; at most %d", (long long)n, AXIS_MAX);
	list = list_alloc(obj, f, (size_t)n, sizeof(*list));
	for (int64_t i = 0; i < n; i++)
		list[i] = (int)(range.from + i * range.step);
	return HX_OK;
}

static int read_field(const struct reader *r, void *obj, const struct field *f, const struct spot *at)
{
	if (f->type == FIELD_AXIS && cJSON_IsObject(at->node))
		return read_range(r, obj, f, at);
	if (types[f->type].list)
		return read_list(r, obj, f, at);
	return types[f->type].read(r, (char *)obj + f->at, f, at);
}

/* obj is zero already: only what is not zero is set. */
static void set_default(void *obj, const struct field *f)
{
	char *value = (char *)obj + f->at;

	if (f->type == FIELD_NUMBER)
		*(double *)(void *)value = f->missing;
	else if (f->type == FIELD_INT || f->type == FIELD_CHOICE)
		*(int *)(void *)value = (int)f->missing;
	else if (f->type == FIELD_BOOL)
		*(bool *)value = f->missing != 0;
	else if (f->type == FIELD_OBJECT)
		for (f = f->sub->fields; f->name; f++)
			set_default(value, f);
}

static int check_schema(const struct reader *r, const char *schema, const struct spot *at)
{
	struct spot child = {.up = at, .key = "schema", .node = cJSON_GetObjectItemCaseSensitive(at->node, "schema")};
	char kind[100];

	if (!child.node)
		return fail(r, at, "'schema' is missing; the file must begin with \"schema\": \"%s\"", schema);
	if (cJSON_IsString(child.node) && !strcmp(child.node->valuestring, schema))
		return HX_OK;
	snprintf(kind, sizeof(kind), "'%s'", schema);
	return mismatch(r, &child, kind);
}

/* Whether every key of the object is that of a field, or the schema. */
static int check_keys(const struct reader *r, const struct field_table *t, const struct field *fields, const struct spot *at)
{
	struct spot child = {.up = at};
	const char **known;
	size_t n = 0;
	int rc = HX_OK;

	while (fields[n].name)
		n++;
	known = hx_xcalloc(n + 2, sizeof(*known));
	for (size_t i = 0; i < n; i++)
		known[i] = fields[i].name;
	known[n] = t->schema ? "schema" : NULL;
	cJSON_ArrayForEach(child.node, at->node) {
		const char *const *k = known;

		child.key = child.node->string;
		while (*k && strcmp(*k, child.key))
			k++;
		if (*k)
			continue;
		rc = unknown(r, &child, "unknown key", child.key, known);
		break;
	}
	free(known);
	return rc;
}

static int read_struct(const struct reader *r, void *obj, const struct field_table *t, const struct field *fields, const struct spot *at)
{
	const struct field *f;
	int rc;

	if (t->or_string && cJSON_IsString(at->node)) {
		for (f = fields; f->name; f++)
			set_default(obj, f);
		return read_string(r, (char *)obj + t->string_at, NULL, at);
	}
	if (!cJSON_IsObject(at->node))
		return mismatch(r, at, t->or_string ? "an object or a string" : "an object");
	rc = t->schema ? check_schema(r, t->schema, at) : HX_OK;
	if (!rc && !t->foreign)
		rc = check_keys(r, t, fields, at);
	for (f = fields; f->name && !rc; f++) {
		struct spot child = {.up = at, .key = f->name, .node = cJSON_GetObjectItemCaseSensitive(at->node, f->name)};

		if (child.node)
			rc = read_field(r, obj, f, &child);
		else if (f->flags & FIELD_REQUIRED)
			rc = fail(r, at, "'%s' is missing (%s%s%s)", f->name, f->unit ? f->unit : "", f->unit ? ", " : "", f->help);
		else
			set_default(obj, f);
	}
	return rc;
}

/* Frees json. */
static int read_root(void *obj, const struct field_table *t, struct json *json, struct hx_err *err)
{
	struct reader r = {json, err};
	struct spot root = {.node = json_root(json)};
	int rc = t->list ? read_field(&r, obj, t->fields, &root) : read_struct(&r, obj, t, t->fields, &root);

	if (rc) {
		field_free(obj, t);
		memset(obj, 0, t->size);
	}
	json_free(json);
	return rc;
}

int field_read(void *obj, const struct field_table *t, const char *text, size_t len, const char *name, struct hx_err *err)
{
	struct json *json;
	int rc;

	memset(obj, 0, t->size);
	rc = (t->list ? json_parse_list : json_parse)(&json, text, len, name, err);
	return rc ? rc : read_root(obj, t, json, err);
}

int field_read_item(void *obj, const struct field_table *t, const struct json_item *item, const char *name, struct hx_err *err)
{
	struct json *json;
	int rc;

	memset(obj, 0, t->size);
	rc = json_parse_item(&json, item, name, err);
	return rc ? rc : read_root(obj, t, json, err);
}
