/* Field tables: visiting, writing and freeing what a table describes. */
#include "base/field.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	field_each *each;     /* or */
	field_number *number;
	void *arg;
};

static void walk_struct(const struct walk *w, const void *obj, const struct field *fields, const char *prefix);

/* The pointer stored at an offset, whatever it points to. */
static void *pointer(const void *obj, size_t at)
{
	void *p;

	memcpy(&p, (const char *)obj + at, sizeof(p));
	return p;
}

static size_t count(const void *obj, size_t at)
{
	return *(const size_t *)(const void *)((const char *)obj + at);
}

static void print_number(FILE *out, double v)
{
	char buf[TEXT_MAX];

	fputs(text_exact(buf, v), out);
}

static void print_row(FILE *out, const double *row, size_t n)
{
	putc('[', out);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", out);
		print_number(out, row[i]);
	}
	putc(']', out);
}

/* Element i of a list as JSON. */
static void print_element(FILE *out, const struct field *f, const void *list, size_t i, size_t columns)
{
	switch (f->type) {
	case FIELD_AXIS:
		fprintf(out, "%d", ((const int *)list)[i]);
		break;
	case FIELD_CHOICES:
		json_quote(out, f->choices[((const int *)list)[i]]);
		break;
	case FIELD_STRINGS:
	case FIELD_NAMES:
		json_quote(out, ((char *const *)list)[i]);
		break;
	case FIELD_MATRIX:
		print_row(out, ((double *const *)list)[i], columns);
		break;
	default:
		print_number(out, ((const double *)list)[i]);
	}
}

static void print_list(FILE *out, const void *obj, const struct field *f, const char *separator)
{
	const void *list = pointer(obj, f->at);
	size_t columns = f->type == FIELD_MATRIX ? count(obj, f->cols_at) : 0;

	putc('[', out);
	for (size_t i = 0; i < count(obj, f->count_at); i++) {
		fputs(i ? separator : "", out);
		print_element(out, f, list, i, columns);
	}
	putc(']', out);
}

static FILE *memory(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		abort();
	return out;
}

static void walk_row(const struct walk *w, double *row, size_t n, const struct field *f, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		char *element_path = hx_xasprintf("%s[%zu]", path, i);

		w->number(w->arg, element_path, f, &row[i]);
		free(element_path);
	}
}

static void walk_numbers(const struct walk *w, const void *obj, const struct field *f, const char *path)
{
	size_t n = count(obj, f->count_at);

	if (f->type == FIELD_NUMBERS)
		walk_row(w, pointer(obj, f->at), n, f, path);
	for (size_t i = 0; f->type == FIELD_MATRIX && i < n; i++) {
		char *row_path = hx_xasprintf("%s[%zu]", path, i);

		walk_row(w, ((double **)pointer(obj, f->at))[i], count(obj, f->cols_at), f, row_path);
		free(row_path);
	}
}

static void walk_list(const struct walk *w, const void *obj, const struct field *f, const char *path)
{
	size_t size;
	char *text = NULL;
	FILE *out;

	if (!pointer(obj, f->at))
		return;
	if (w->number) {
		walk_numbers(w, obj, f, path);
		return;
	}
	out = memory(&text, &size);
	print_list(out, obj, f, ", ");
	fclose(out);
	w->each(w->arg, path, f, text);
	free(text);
}

/* The name by which paths call an element, or NULL where they count. */
static const char *element_name(const struct field *f, const void *element)
{
	if (f->type == FIELD_MAP)
		return pointer(element, f->sub->fields[0].at);
	return f->sub->keyed ? pointer(element, f->sub->key_at) : NULL;
}

static void walk_object(const struct walk *w, const void *obj, const struct field *f, const char *path)
{
	const char *string = f->sub->or_string ? pointer(obj, f->sub->string_at) : NULL;

	if (string && w->each)
		w->each(w->arg, path, f, string);
	else if (!string) /* a map's key stands in the path */
		walk_struct(w, obj, f->sub->fields + (f->type == FIELD_MAP), path);
}

static void walk_objects(const struct walk *w, const void *obj, const struct field *f, const char *path)
{
	const char *list = pointer(obj, f->at);

	for (size_t i = 0; i < count(obj, f->count_at); i++) {
		const void *element = list + i * f->sub->size;
		const char *name = element_name(f, element);
		char *element_path = name ? hx_xasprintf("%s.%s", path, name) : hx_xasprintf("%s[%zu]", path, i);

		walk_object(w, element, f, element_path);
		free(element_path);
	}
}

/* The text of one value, or NULL where it is unknown. */
static const char *scalar(char *buf, const void *value, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
	case FIELD_NAME:
		return *(char *const *)value;
	case FIELD_NUMBER:
		return isnan(*(const double *)value) ? NULL : text_exact(buf, *(const double *)value);
	case FIELD_INT:
		snprintf(buf, TEXT_MAX, "%d", *(const int *)value);
		return buf;
	case FIELD_BOOL:
		return *(const bool *)value ? "true" : "false";
	default:
		return f->choices[*(const int *)value];
	}
}

static void walk_struct(const struct walk *w, const void *obj, const struct field *fields, const char *prefix)
{
	for (const struct field *f = fields; f->name; f++) {
		const void *value = (const char *)obj + f->at;
		char *path = prefix ? hx_xasprintf("%s.%s", prefix, f->name) : hx_xstrdup(f->name);
		char buf[TEXT_MAX];
		const char *text;

		switch (f->type) {
		case FIELD_OBJECT:
			walk_object(w, value, f, path);
			break;
		case FIELD_OBJECTS:
		case FIELD_MAP:
			walk_objects(w, obj, f, path);
			break;
		case FIELD_STRING:
		case FIELD_NAME:
		case FIELD_NUMBER:
		case FIELD_INT:
		case FIELD_BOOL:
		case FIELD_CHOICE:
			text = scalar(buf, value, f);
			if (text && w->each)
				w->each(w->arg, path, f, text);
			else if (text && f->type == FIELD_NUMBER)
				w->number(w->arg, path, f, (double *)(void *)((char *)obj + f->at));
			break;
		default:
			walk_list(w, obj, f, path);
		}
		free(path);
	}
}

void field_walk(const void *obj, const struct field_table *t, field_each *each, void *arg)
{
	const struct walk w = {.each = each, .arg = arg};

	walk_struct(&w, obj, t->fields, NULL);
}

void field_numbers(void *obj, const struct field_table *t, field_number *each, void *arg)
{
	const struct walk w = {.number = each, .arg = arg};

	walk_struct(&w, obj, t->fields, NULL);
}

/* ---- writing ---- */

static void write_struct(FILE *out, const void *obj, const struct field *fields, int depth);

static void new_line(FILE *out, int depth)
{
	fprintf(out, "\n%*s", 2 * depth, "");
}

/* An object's members, in braces. */
static void write_object(FILE *out, const void *obj, const struct field_table *t, const struct field *fields, int depth)
{
	const char *string = t->or_string ? pointer(obj, t->string_at) : NULL;

	if (string) {
		json_quote(out, string);
		return;
	}
	putc('{', out);
	write_struct(out, obj, fields, depth + 1);
	new_line(out, depth);
	putc('}', out);
}

static void write_objects(FILE *out, const void *obj, const struct field *f, int depth)
{
	const char *list = pointer(obj, f->at);
	bool map = f->type == FIELD_MAP;

	putc(map ? '{' : '[', out);
	for (size_t i = 0; i < count(obj, f->count_at); i++) {
		const void *element = list + i * f->sub->size;

		fputs(i ? "," : "", out);
		new_line(out, depth + 1);
		if (map) {
			json_quote(out, element_name(f, element));
			fputs(": ", out);
		}
		write_object(out, element, f->sub, f->sub->fields + map, depth + 1);
	}
	new_line(out, depth);
	putc(map ? '}' : ']', out);
}

/* A value as JSON; nothing where it is unknown or empty. */
static void write_value(FILE *out, const void *obj, const struct field *f, int depth)
{
	char buf[TEXT_MAX], rows[2 * JSON_MAX_DEPTH + 3];
	const void *value = (const char *)obj + f->at;
	const char *text;

	switch (f->type) {
	case FIELD_OBJECT: {
		char *members = NULL;
		size_t size;
		FILE *inner = memory(&members, &size);

		write_struct(inner, value, f->sub->fields, depth + 1);
		fclose(inner);
		if (size) {
			fprintf(out, "{%s", members);
			new_line(out, depth);
			putc('}', out);
		}
		free(members);
		break;
	}
	case FIELD_OBJECTS:
	case FIELD_MAP:
		if (count(obj, f->count_at) || (f->flags & FIELD_REQUIRED))
			write_objects(out, obj, f, depth);
		break;
	case FIELD_STRING:
	case FIELD_NAME:
	case FIELD_CHOICE:
		text = scalar(buf, value, f);
		if (text)
			json_quote(out, text);
		break;
	case FIELD_NUMBER:
	case FIELD_INT:
	case FIELD_BOOL:
		text = scalar(buf, value, f);
		fputs(text ? text : "", out);
		break;
	default:
		snprintf(rows, sizeof(rows), ",\n%*s", 2 * depth + 2, "");
		if (count(obj, f->count_at))
			print_list(out, obj, f, f->type == FIELD_MATRIX ? rows : ", ");
	}
}

static void write_struct(FILE *out, const void *obj, const struct field *fields, int depth)
{
	bool first = true;

	for (const struct field *f = fields; f->name; f++) {
		char *text = NULL;
		size_t size;
		FILE *value = memory(&text, &size);

		write_value(value, obj, f, depth);
		fclose(value);
		if (size) {
			fputs(first ? "" : ",", out);
			new_line(out, depth);
			json_quote(out, f->name);
			fprintf(out, ": %s", text);
			first = false;
		}
		free(text);
	}
}

void field_write(FILE *out, const void *obj, const struct field_table *t)
{
	fputs("{\n  \"schema\": ", out);
	json_quote(out, t->schema);
	putc(',', out);
	write_struct(out, obj, t->fields, 1);
	fputs("\n}\n", out);
}

/* ---- freeing ---- */

static void free_elements(void *obj, const struct field *f)
{
	char *list = pointer(obj, f->at);

	for (size_t i = 0; list && i < count(obj, f->count_at); i++)
		if (f->sub)
			field_free(list + i * f->sub->size, f->sub);
		else if (f->type == FIELD_STRINGS || f->type == FIELD_NAMES || f->type == FIELD_MATRIX)
			free(pointer(list, i * sizeof(void *)));
	*(size_t *)(void *)((char *)obj + f->count_at) = 0;
}

static void free_pointer(void *obj, size_t at)
{
	free(pointer(obj, at));
	memset((char *)obj + at, 0, sizeof(void *));
}

void field_free(void *obj, const struct field_table *t)
{
	for (const struct field *f = t->fields; f->name; f++)
		switch (f->type) {
		case FIELD_NUMBER:
		case FIELD_INT:
		case FIELD_BOOL:
		case FIELD_CHOICE:
			break;
		case FIELD_OBJECT:
			field_free((char *)obj + f->at, f->sub);
			break;
		case FIELD_STRING:
		case FIELD_NAME:
			free_pointer(obj, f->at);
			break;
		default:
			free_elements(obj, f);
			free_pointer(obj, f->at);
		}
	if (t->or_string)
		free_pointer(obj, t->string_at);
}
