/* Reading GGUF files in place. */
#include "engine/gguf_internal.h"
#include "engine/shape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a value and a tensor take in the file at least: bounds their counts before anything is allocated. */
enum { VALUE_BYTES = 8 + 4 + 1, TENSOR_BYTES = 8 + 4 + 8 + 4 + 8, ALIGNMENT = 32, SHOWN = 80 };

struct reader {
	struct hx_gguf *g;
	uint64_t at;
	struct hx_err *err;
};

static uint64_t left(const struct reader *r)
{
	return r->g->size - r->at;
}

/* %.*s of a text in a message. */
static int shown(struct hx_gguf_text t)
{
	return (int)(t.len < SHOWN ? t.len : SHOWN);
}

static int cut_off(struct reader *r, const char *what)
{
	return hx_err_set(r->err, HX_INPUT, "%.200s: is damaged or cut off: %s at byte %llu does not end within the file's %llu bytes",
			  r->g->name, what, (unsigned long long)r->at, (unsigned long long)r->g->size);
}

/* The next `bytes` bytes. */
static int take(struct reader *r, const unsigned char **p, uint64_t bytes, const char *what)
{
	if (bytes > left(r))
		return cut_off(r, what);
	*p = r->g->bytes + r->at;
	r->at += bytes;
	return HX_OK;
}

static int take_number(struct reader *r, uint64_t *v, unsigned bytes, const char *what)
{
	const unsigned char *p = NULL;
	int rc = take(r, &p, bytes, what);

	if (!rc)
		*v = hx_gguf_little_endian(p, bytes);
	return rc;
}

static int take_text(struct reader *r, struct hx_gguf_text *t, const char *what)
{
	const unsigned char *p = NULL;
	uint64_t len;
	int rc = take_number(r, &len, 8, what);

	if (!rc && !(rc = take(r, &p, len, what)))
		*t = (struct hx_gguf_text){(const char *)p, (size_t)len};
	return rc;
}

static int fail_value(struct reader *r, const struct hx_gguf_value *v, const char *what, uint64_t number)
{
	return hx_err_set(r->err, HX_INPUT, "%.200s: value '%.*s': %s %llu", r->g->name, shown(v->key), v->key.s, what,
			  (unsigned long long)number);
}

static int take_strings(struct reader *r, struct hx_gguf_value *v)
{
	int rc = HX_OK;

	if (v->n > left(r) / 8)
		return cut_off(r, "an array");
	v->strings = hx_xmalloc((size_t)v->n * sizeof(*v->strings));
	for (uint64_t i = 0; i < v->n && !rc; i++)
		rc = take_text(r, &v->strings[i], "a string of an array");
	return rc;
}

static int take_array(struct reader *r, struct hx_gguf_value *v)
{
	uint64_t element;
	int rc = take_number(r, &element, 4, "an array");

	if (rc || (rc = take_number(r, &v->n, 8, "an array")))
		return rc;
	if (element == HX_GGUF_ARRAY)
		return hx_err_set(r->err, HX_INPUT, "%.200s: value '%.*s': arrays of arrays are not supported", r->g->name, shown(v->key),
				  v->key.s);
	if (element >= HX_GGUF_KINDS)
		return fail_value(r, v, "there is no kind of value", element);
	v->element = (int)element;
	if (element == HX_GGUF_STRING)
		return take_strings(r, v);
	if (v->n > left(r) / hx_gguf_kinds[element].bytes)
		return cut_off(r, "an array");
	return take(r, &v->data, v->n * hx_gguf_kinds[element].bytes, "an array");
}

static int take_value(struct reader *r, struct hx_gguf_value *v)
{
	uint64_t kind;
	int rc;

	*v = (struct hx_gguf_value){.n = 1};
	if ((rc = take_text(r, &v->key, "a key")) || (rc = take_number(r, &kind, 4, "a value's kind")))
		return rc;
	if (kind >= HX_GGUF_KINDS)
		return fail_value(r, v, "there is no kind of value", kind);
	v->kind = (int)kind;
	if (kind == HX_GGUF_ARRAY)
		return take_array(r, v);
	if (kind == HX_GGUF_STRING) {
		struct hx_gguf_text t;

		if ((rc = take_text(r, &t, "a string")))
			return rc;
		v->data = (const unsigned char *)t.s;
		v->n = t.len;
		return HX_OK;
	}
	return take(r, &v->data, hx_gguf_kinds[kind].bytes, "a value");
}

static int take_values(struct reader *r, uint64_t n)
{
	struct hx_gguf *g = r->g;
	int rc = HX_OK;

	if (n > left(r) / VALUE_BYTES)
		return cut_off(r, "the metadata");
	g->values = hx_xmalloc((size_t)n * sizeof(*g->values));
	for (; g->n_values < n && !rc; g->n_values++)
		rc = take_value(r, &g->values[g->n_values]);
	if (rc)
		return rc;
	qsort(g->values, g->n_values, sizeof(*g->values), hx_gguf_value_order);
	for (size_t i = 1; i < g->n_values; i++)
		if (hx_gguf_value_order(&g->values[i - 1], &g->values[i]) == 0)
			return hx_err_set(r->err, HX_INPUT, "%.200s: value '%.*s' stands twice", g->name, shown(g->values[i].key),
					  g->values[i].key.s);
	return HX_OK;
}

static int fail_tensor(struct reader *r, const struct hx_gguf_tensor *t, const char *what)
{
	return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%.*s' %s", r->g->name, shown(t->name), t->name.s, what);
}

/* Rows of whole blocks, whose bytes can be counted. */
static int tensor_bytes(struct reader *r, struct hx_gguf_tensor *t)
{
	const struct hx_type_info *info = &hx_types[t->type];
	uint64_t n = 1;

	for (int i = 0; i < t->n_dims; i++) {
		if (t->dims[i] < 1)
			return fail_tensor(r, t, "has a dimension below 1");
		if ((uint64_t)t->dims[i] > INT64_MAX / n)
			return fail_tensor(r, t, "has more values than can be counted");
		n *= (uint64_t)t->dims[i];
	}
	if (t->dims[0] % info->block)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%.*s' has rows of %lld values, which blocks of %u (%s) do not divide",
				  r->g->name, shown(t->name), t->name.s, (long long)t->dims[0], info->block, hx_type_names[t->type]);
	if (n / info->block > r->g->size / info->bytes)
		return fail_tensor(r, t, "is larger than the file");
	t->bytes = (size_t)(n / info->block * info->bytes);
	return HX_OK;
}

/* All but `data`, which begins *offset bytes behind the last description. */
static int take_tensor(struct reader *r, struct hx_gguf_tensor *t, uint64_t *offset)
{
	uint64_t n_dims, dim, type;
	int rc;

	*t = (struct hx_gguf_tensor){.dims = {1, 1, 1, 1}};
	if ((rc = take_text(r, &t->name, "a tensor's name")) || (rc = take_number(r, &n_dims, 4, "a tensor's description")))
		return rc;
	if (n_dims < 1 || n_dims > HX_GGUF_DIMS)
		return fail_tensor(r, t, "has no dimensions, or more than four");
	t->n_dims = (int)n_dims;
	for (int i = 0; i < t->n_dims; i++) {
		if ((rc = take_number(r, &dim, 8, "a tensor's description")))
			return rc;
		t->dims[i] = dim > INT64_MAX ? -1 : (int64_t)dim;
	}
	if ((rc = take_number(r, &type, 4, "a tensor's description")) || (rc = take_number(r, offset, 8, "a tensor's description")))
		return rc;
	if (type >= HX_GGUF_TYPES || !hx_gguf_types[type].name)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%.*s' has the unknown type number %llu", r->g->name, shown(t->name),
				  t->name.s, (unsigned long long)type);
	if (hx_gguf_types[type].type < 0)
		return hx_err_set(r->err, HX_INPUT, "%.200s: tensor '%.*s' is %s, which is not supported", r->g->name, shown(t->name),
				  t->name.s, hx_gguf_types[type].name);
	t->type = hx_gguf_types[type].type;
	return tensor_bytes(r, t);
}

static int alignment(struct reader *r, uint64_t *bytes)
{
	int64_t v = ALIGNMENT;

	hx_gguf_integer(r->g, "general.alignment", &v);
	*bytes = (uint64_t)v;
	if (v < 1 || v > 1 << 30 || (v & (v - 1)))
		return hx_err_set(r->err, HX_INPUT, "%.200s: general.alignment is %lld, not a power of two up to 2^30", r->g->name,
				  (long long)v);
	return HX_OK;
}

/* Tensors lie behind the descriptions, each aligned, in order and without overlap. */
static int place_tensors(struct reader *r, const uint64_t *offsets)
{
	struct hx_gguf *g = r->g;
	uint64_t align, start, end = 0;
	int rc = alignment(r, &align);

	if (rc)
		return rc;
	start = (r->at + align - 1) & ~(align - 1);
	for (size_t i = 0; i < g->n_tensors; i++) {
		struct hx_gguf_tensor *t = &g->tensors[i];

		if (offsets[i] & (align - 1))
			return fail_tensor(r, t, "is not aligned as general.alignment says");
		if (offsets[i] < end)
			return fail_tensor(r, t, "lies over the one before");
		if (start > g->size || offsets[i] > g->size - start || t->bytes > g->size - start - offsets[i])
			return fail_tensor(r, t, "ends beyond the file, which is damaged or cut off");
		t->data = g->bytes + start + offsets[i];
		end = offsets[i] + t->bytes;
	}
	return HX_OK;
}

static int index_tensors(struct reader *r)
{
	struct hx_gguf *g = r->g;

	g->by_name = hx_xmalloc(g->n_tensors * sizeof(*g->by_name));
	for (size_t i = 0; i < g->n_tensors; i++)
		g->by_name[i] = &g->tensors[i];
	qsort(g->by_name, g->n_tensors, sizeof(*g->by_name), hx_gguf_tensor_order);
	for (size_t i = 1; i < g->n_tensors; i++)
		if (hx_gguf_tensor_order(&g->by_name[i - 1], &g->by_name[i]) == 0)
			return fail_tensor(r, g->by_name[i], "stands twice");
	return HX_OK;
}

static int take_tensors(struct reader *r, uint64_t n)
{
	struct hx_gguf *g = r->g;
	uint64_t *offsets;
	int rc = HX_OK;

	if (n > left(r) / TENSOR_BYTES)
		return cut_off(r, "the list of tensors");
	g->tensors = hx_xmalloc((size_t)n * sizeof(*g->tensors));
	offsets = hx_xmalloc((size_t)n * sizeof(*offsets));
	for (; g->n_tensors < n && !rc; g->n_tensors++)
		rc = take_tensor(r, &g->tensors[g->n_tensors], &offsets[g->n_tensors]);
	if (!rc && !(rc = place_tensors(r, offsets)))
		rc = index_tensors(r);
	free(offsets);
	return rc;
}

static int take_header(struct reader *r, uint64_t *n_tensors, uint64_t *n_values)
{
	const char *name = r->g->name;
	const unsigned char *magic;
	uint64_t version;
	int rc;

	if (left(r) < 4 || memcmp(r->g->bytes, "GGUF", 4) != 0)
		return hx_err_set(r->err, HX_INPUT, "%.200s: is no GGUF file", name);
	if ((rc = take(r, &magic, 4, "the header")) || (rc = take_number(r, &version, 4, "the header")))
		return rc;
	if (version && !(version & 0xffff))
		return hx_err_set(r->err, HX_INPUT, "%.200s: is a big-endian GGUF file; only little-endian ones are read", name);
	if (version != 2 && version != 3)
		return hx_err_set(r->err, HX_INPUT, "%.200s: is of GGUF version %llu; versions 2 and 3 are read", name,
				  (unsigned long long)version);
	if ((rc = take_number(r, n_tensors, 8, "the header")))
		return rc;
	return take_number(r, n_values, 8, "the header");
}

static int parse(struct hx_gguf *g, struct hx_err *err)
{
	struct reader r = {g, 0, err};
	uint64_t n_tensors, n_values;
	int rc = take_header(&r, &n_tensors, &n_values);

	if (rc || (rc = take_values(&r, n_values)))
		return rc;
	return take_tensors(&r, n_tensors);
}

int hx_gguf_parse(struct hx_gguf **out, const void *bytes, size_t size, const char *name, struct hx_err *err)
{
	struct hx_gguf *g = hx_xcalloc(1, sizeof(*g));
	int rc;

	g->name = hx_xstrdup(name);
	g->bytes = bytes;
	g->size = size;
	rc = parse(g, err);
	if (rc)
		hx_gguf_free(g);
	else
		*out = g;
	return rc;
}

/* O_NONBLOCK: a FIFO would otherwise hang the open. */
static int map(const char *path, void **bytes, size_t *size, struct hx_err *err)
{
	int rc = HX_OK, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = hx_err_set(err, HX_IO, "cannot read '%.200s': %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = hx_err_set(err, HX_INPUT, "'%.200s' is not a regular file", path);
	else if (st.st_size == 0)
		rc = hx_err_set(err, HX_INPUT, "%.200s: is empty", path);
	else if ((uint64_t)st.st_size > SIZE_MAX)
		rc = hx_err_set(err, HX_INPUT, "%.200s: is too large for this machine's addresses", path);
	if (!rc) {
		*size = (size_t)st.st_size;
		*bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (*bytes == MAP_FAILED)
			rc = hx_err_set(err, HX_IO, "cannot map '%.200s': %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int hx_gguf_open(struct hx_gguf **out, const char *path, struct hx_err *err)
{
	void *bytes;
	size_t size;
	int rc = map(path, &bytes, &size, err);

	if (rc)
		return rc;
	rc = hx_gguf_parse(out, bytes, size, path, err);
	if (rc)
		munmap(bytes, size);
	else
		(*out)->mapped = true;
	return rc;
}

void hx_gguf_free(struct hx_gguf *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_values; i++)
		free(g->values[i].strings);
	if (g->mapped)
		munmap((void *)(uintptr_t)g->bytes, (size_t)g->size);
	free(g->values);
	free(g->tensors);
	free(g->by_name);
	free(g->name);
	free(g);
}
