/* Strict JSON. The scan here checks the text and notes the line of every value; cJSON builds the tree, which is then walked in the
 * same order to join nodes and lines. */
#include "base/json.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* cJSON reads numbers through a buffer of this many characters. */
enum { NUMBER_MAX = 63 };

struct place {
	const cJSON *node;
	int line;
};

struct json {
	char *name;
	cJSON *root;
	struct place *places; /* by address of the node */
	size_t n;
};

/* The text ends in NUL and holds no other, so one character may always be looked at. */
struct scan {
	const char *p, *end, *name;
	int line, depth;
	json_take *each; /* child of the root; NULL: places are noted */
	void *arg;
	struct place *places; /* in document order, without nodes */
	size_t n, room;
	struct hx_err *err;
};

static int scan_value(struct scan *s);

static int HX_PRINTF(2, 3) fail(const struct scan *s, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return hx_err_set(s->err, HX_INPUT, "%s:%d: %s", s->name, s->line, what);
}

/* What stands at p, for messages. */
static const char *word(char *buf, size_t size, const char *p)
{
	char raw[32];
	size_t n = strcspn(p, " \t\r\n,:[]{}");

	if (n == 0)
		n = 1;
	snprintf(raw, sizeof(raw), "%.*s", n < sizeof(raw) ? (int)n : (int)sizeof(raw), p);
	return text_clean(buf, size, raw);
}

static int unexpected(const struct scan *s, const char *expected)
{
	const char *p = s->p;
	char found[32];

	if (!*p)
		return fail(s, "the file ends where %s is expected", expected);
	if (*p == '#' || (*p == '/' && (p[1] == '/' || p[1] == '*')))
		return fail(s, "comments are not JSON");
	if (*p == '\'')
		return fail(s, "strings take double quotes");
	if (!text_utf8(p))
		return fail(s, "invalid UTF-8; save the file as UTF-8");
	return fail(s, "expected %s, found '%s'", expected, word(found, sizeof(found), p));
}

static void skip_space(struct scan *s)
{
	for (; *s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'; s->p++)
		if (*s->p == '\n')
			s->line++;
}

/* Code unit of the \uXXXX at p, or -1. */
static long code_unit(const char *p)
{
	char hex[5] = "";

	if (p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)p[2 + i]))
			return -1;
		hex[i] = p[2 + i];
	}
	return strtol(hex, NULL, 16);
}

static int scan_escape(struct scan *s)
{
	char found[8];
	long unit, low;

	if (s->p[1] && strchr("\"\\/bfnrt", s->p[1])) {
		s->p += 2;
		return HX_OK;
	}
	unit = code_unit(s->p);
	if (unit < 0)
		return fail(s, "'%s' is not an escape; a backslash is written \\\\", word(found, s->p[1] == 'u' ? 7 : 3, s->p));
	if (unit == 0)
		return fail(s, "\\u0000 is not accepted");
	s->p += 6;
	if (unit < 0xd800 || unit > 0xdfff)
		return HX_OK;
	low = code_unit(s->p);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return fail(s, "\\u%04lx is half of a surrogate pair", unit);
	s->p += 6;
	return HX_OK;
}

static int scan_string(struct scan *s)
{
	int n, rc;

	for (s->p++; *s->p != '"'; s->p += n) {
		if (*s->p == '\\') {
			rc = scan_escape(s);
			if (rc)
				return rc;
			n = 0;
			continue;
		}
		if (!*s->p || *s->p == '\n')
			return fail(s, "string is not closed on its line");
		if ((unsigned char)*s->p < 0x20)
			return fail(s, "control character in a string; write \\u%04x", (unsigned)*s->p);
		n = text_utf8(s->p);
		if (!n)
			return fail(s, "invalid UTF-8 in a string; save the file as UTF-8");
	}
	s->p++;
	return HX_OK;
}

/* Skips digits; false when there is none. */
static bool digits(const char **p)
{
	const char *start = *p;

	while (isdigit((unsigned char)**p))
		(*p)++;
	return *p > start;
}

static int scan_number(struct scan *s)
{
	const char *start = s->p, *p = start + (*start == '-'), *first = p;
	char shown[32];
	bool ok = digits(&p);

	if (ok && *first == '0' && p > first + 1)
		return fail(s, "'%s': leading zero", word(shown, sizeof(shown), start));
	if (ok && *p == '.') {
		p++;
		ok = digits(&p);
	}
	if (ok && (*p == 'e' || *p == 'E')) {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		ok = digits(&p);
	}
	if (!ok)
		return fail(s, "'%s' is not a JSON number", word(shown, sizeof(shown), start));
	if (p - start > NUMBER_MAX)
		return fail(s, "number of more than %d characters", NUMBER_MAX);
	if (!isfinite(strtod(start, NULL)))
		return fail(s, "'%s' is too large", word(shown, sizeof(shown), start));
	s->p = p;
	return HX_OK;
}

static int scan_literal(struct scan *s)
{
	static const char *const literals[] = {"true", "false", "null", NULL};

	for (const char *const *l = literals; *l; l++)
		if (!strncmp(s->p, *l, strlen(*l))) {
			s->p += strlen(*l);
			return HX_OK;
		}
	return unexpected(s, "a value");
}

static int scan_key(struct scan *s, struct json_item *item)
{
	int rc;

	if (*s->p != '"')
		return unexpected(s, "a key in double quotes");
	item->key = s->p + 1;
	rc = scan_string(s);
	if (rc)
		return rc;
	item->key_len = (size_t)(s->p - item->key) - 1;
	skip_space(s);
	if (*s->p != ':')
		return unexpected(s, "':'");
	s->p++;
	return HX_OK;
}

static int scan_child(struct scan *s, struct json_item *item)
{
	int rc;

	skip_space(s);
	item->text = s->p;
	item->line = s->line;
	rc = scan_value(s);
	item->len = (size_t)(s->p - item->text);
	return rc || !s->each || s->depth > 1 ? rc : s->each(s->arg, item, s->err);
}

/* The rest of an array or object. */
static int scan_items(struct scan *s, bool object)
{
	const char close = object ? '}' : ']';
	int opened = s->line, comma, rc;

	s->p++;
	skip_space(s);
	while (*s->p != close) {
		struct json_item item = {0};

		rc = object ? scan_key(s, &item) : HX_OK;
		if (!rc)
			rc = scan_child(s, &item);
		if (rc)
			return rc;
		skip_space(s);
		if (*s->p == close)
			break;
		if (!*s->p)
			return fail(s, "the file ends, but the '%c' of line %d is not closed", object ? '{' : '[', opened);
		if (*s->p != ',')
			return unexpected(s, object ? "',' or '}'" : "',' or ']'");
		comma = s->line;
		s->p++;
		skip_space(s);
		if (*s->p == close) {
			s->line = comma;
			return fail(s, "trailing comma");
		}
	}
	s->p++;
	return HX_OK;
}

static int note_place(struct scan *s)
{
	if (s->n == JSON_MAX_VALUES)
		return fail(s, "more than %d values", JSON_MAX_VALUES);
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->places = hx_xrealloc(s->places, s->room, sizeof(*s->places));
	}
	s->places[s->n++] = (struct place){.line = s->line};
	return HX_OK;
}

static int scan_value(struct scan *s)
{
	int rc;

	skip_space(s);
	rc = s->each ? HX_OK : note_place(s);
	if (rc)
		return rc;
	if (*s->p == '"')
		return scan_string(s);
	if (*s->p == '-' || isdigit((unsigned char)*s->p))
		return scan_number(s);
	if (*s->p != '{' && *s->p != '[')
		return scan_literal(s);
	if (s->depth == JSON_MAX_DEPTH)
		return fail(s, "nested deeper than %d levels", JSON_MAX_DEPTH);
	s->depth++;
	rc = scan_items(s, *s->p == '{');
	s->depth--;
	return rc;
}

/* What no JSON text begins with, or holds anywhere. */
static int scan_start(struct scan *s, size_t len)
{
	const char *nul = memchr(s->p, '\0', len);

	if (nul) {
		for (; s->p < nul; s->p++)
			s->line += *s->p == '\n';
		return fail(s, "NUL byte; save the file as UTF-8");
	}
	if (!strncmp(s->p, "\xef\xbb\xbf", 3))
		return fail(s, "byte-order mark; save the file without it");
	skip_space(s);
	return *s->p ? HX_OK : hx_err_set(s->err, HX_INPUT, "%s: empty file", s->name);
}

static int scan_one(struct scan *s)
{
	int rc = scan_value(s);

	if (rc)
		return rc;
	skip_space(s);
	return s->p < s->end ? unexpected(s, "the end of the file") : HX_OK;
}

/* Values between white space, in `text`, where s->p points; they become the elements of an array: the white space after each but the last
 * becomes a comma. */
static int scan_lines(struct scan *s, char *text)
{
	const char *start = s->p, *end;
	int rc;

	s->places = hx_xrealloc(s->places, s->room = 64, sizeof(*s->places));
	s->places[s->n++] = (struct place){.line = s->line};
	while (*s->p) {
		if ((rc = scan_value(s)))
			return rc;
		end = s->p;
		skip_space(s);
		if (*s->p && s->p == end)
			return unexpected(s, "a new line");
		if (*s->p)
			text[end - start] = ',';
	}
	return HX_OK;
}

static void join(const cJSON *node, struct place **next)
{
	const cJSON *child;

	(*next)++->node = node;
	cJSON_ArrayForEach(child, node)
		join(child, next);
}

static int by_address(const void *a, const void *b)
{
	const cJSON *x = ((const struct place *)a)->node, *y = ((const struct place *)b)->node;

	return (x > y) - (x < y);
}

struct key {
	const char *text;
	size_t index;
};

static int by_text(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* The later of two members of one key, or NULL. */
static const cJSON *duplicate(const cJSON *object)
{
	size_t n = (size_t)cJSON_GetArraySize(object), i = 0;
	struct key *keys = hx_xmalloc(n * sizeof(*keys));
	const cJSON *child, *found = NULL;

	cJSON_ArrayForEach(child, object) {
		keys[i] = (struct key){child->string, i};
		i++;
	}
	qsort(keys, n, sizeof(*keys), by_text);
	for (i = 1; i < n && !found; i++)
		if (!strcmp(keys[i - 1].text, keys[i].text))
			found = cJSON_GetArrayItem(object, (int)keys[i].index);
	free(keys);
	return found;
}

static int check_keys(const struct json *j, const cJSON *node, struct hx_err *err)
{
	const cJSON *child, *again = cJSON_IsObject(node) ? duplicate(node) : NULL;
	char key[64];

	if (again)
		return hx_err_set(err, HX_INPUT, "%s:%d: duplicate key '%s'", j->name, json_line(j, again),
				  text_clean(key, sizeof(key), again->string));
	cJSON_ArrayForEach(child, node) {
		int rc = check_keys(j, child, err);

		if (rc)
			return rc;
	}
	return HX_OK;
}

/* Takes over the scan's places. */
static int build(struct json **out, const char *text, const struct scan *s)
{
	struct json *j = hx_xcalloc(1, sizeof(*j));
	struct place *next = s->places;
	int rc;

	j->name = hx_xstrdup(s->name);
	j->places = s->places;
	j->n = s->n;
	j->root = cJSON_Parse(text);
	if (!j->root) { /* what the scan lets through, cJSON takes */
		rc = hx_err_set(s->err, HX_IO, "%s: out of memory", s->name);
		goto error;
	}
	join(j->root, &next);
	qsort(j->places, j->n, sizeof(*j->places), by_address);
	rc = check_keys(j, j->root, s->err);
	if (rc)
		goto error;
	*out = j;
	return HX_OK;
error:
	json_free(j);
	return rc;
}

static int parse(struct json **out, const char *text, size_t len, int line, const char *name, bool list, struct hx_err *err)
{
	char *copy = hx_xmalloc(len + 3), *body = copy + 1; /* room for brackets */
	struct scan s = {.p = body, .end = body + len, .name = name, .line = line, .err = err};
	int rc;

	if (len)
		memcpy(body, text, len);
	memcpy(body + len, "\0", 2);
	rc = scan_start(&s, len);
	if (!rc && list && *s.p != '[') {
		rc = scan_lines(&s, body + (s.p - body));
		copy[0] = '[';
		body[len] = ']';
		body = copy;
	} else if (!rc) {
		rc = scan_one(&s);
	}
	if (rc)
		free(s.places);
	else
		rc = build(out, body, &s);
	free(copy);
	return rc;
}

int json_parse(struct json **out, const char *text, size_t len, const char *name, struct hx_err *err)
{
	return parse(out, text, len, 1, name, false, err);
}

int json_parse_list(struct json **out, const char *text, size_t len, const char *name, struct hx_err *err)
{
	return parse(out, text, len, 1, name, true, err);
}

int json_parse_item(struct json **out, const struct json_item *item, const char *name, struct hx_err *err)
{
	return parse(out, item->text, item->len, item->line, name, false, err);
}

int json_each(const char *text, size_t len, int line, const char *name, json_take *each, void *arg, struct hx_err *err)
{
	struct scan s = {.p = text, .end = text + len, .name = name, .line = line, .each = each, .arg = arg, .err = err};
	int rc = scan_start(&s, len);

	return rc ? rc : scan_one(&s);
}

void json_free(struct json *j)
{
	if (!j)
		return;
	cJSON_Delete(j->root);
	free(j->places);
	free(j->name);
	free(j);
}

const cJSON *json_root(const struct json *j)
{
	return j->root;
}

const char *json_name(const struct json *j)
{
	return j->name;
}

int json_line(const struct json *j, const cJSON *node)
{
	struct place wanted = {.node = node};
	const struct place *found = bsearch(&wanted, j->places, j->n, sizeof(*j->places), by_address);

	return found ? found->line : 0;
}

/* Of a well-formed character of at most three bytes. */
static unsigned code_point(const char *s, int n)
{
	const unsigned char *u = (const unsigned char *)s;

	return n == 1 ? u[0] : n == 2 ? (u[0] & 0x1fu) << 6 | (u[1] & 0x3f) : (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3f);
}

void json_quote(FILE *f, const char *s)
{
	int n;

	putc('"', f);
	for (; *s; s += n ? n : 1) {
		n = text_utf8(s);
		if (!n)
			fputs("\\ufffd", f);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (text_is_control(s))
			fprintf(f, "\\u%04x", code_point(s, n));
		else
			fwrite(s, 1, (size_t)n, f);
	}
	putc('"', f);
}
