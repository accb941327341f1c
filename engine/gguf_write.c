/* Writing GGUF files. The file grows beside its place and takes it when it is whole. */
#include "engine/gguf_internal.h"
#include "engine/shape.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 3, ALIGNMENT = 32 };

struct buffer {
	unsigned char *data;
	size_t n, room;
};

struct hx_gguf_writer {
	char *path, *beside;
	FILE *file;
	int failed; /* errno of the first failure */
	struct buffer values, tensors;
	uint64_t n_values, n_tensors;
	uint64_t *sizes;       /* of tensors, in bytes */
	uint64_t end;          /* of the tensors announced, in the data */
	uint64_t n_done, part; /* tensors whose data is written; bytes of the next one that are */
	bool data;             /* the header is written */
};

static void put(struct buffer *b, const void *data, size_t n)
{
	if (n > b->room - b->n) {
		b->room = 2 * b->room + n;
		b->data = hx_xrealloc(b->data, b->room, 1);
	}
	if (n)
		memcpy(b->data + b->n, data, n);
	b->n += n;
}

static void put_number(struct buffer *b, uint64_t v, unsigned bytes)
{
	unsigned char le[8];

	for (unsigned i = 0; i < bytes; i++)
		le[i] = (unsigned char)(v >> 8 * i);
	put(b, le, bytes);
}

static void put_text(struct buffer *b, const char *s, size_t len)
{
	put_number(b, len, 8);
	put(b, s, len);
}

static void put_float(struct buffer *b, double value)
{
	float f = (float)value;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	put_number(b, bits, 4);
}

/* mkstemp's files are their owner's alone; a model is readable as other files are. */
static void open_up(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	fchmod(fd, 0666 & ~mask);
}

int hx_gguf_write(struct hx_gguf_writer **out, const char *path, struct hx_err *err)
{
	struct hx_gguf_writer *w = hx_xcalloc(1, sizeof(*w));
	struct stat st;
	int fd, rc = HX_OK;

	w->path = hx_xstrdup(path);
	w->beside = hx_xasprintf("%s.XXXXXX", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		rc = hx_err_set(err, HX_INPUT, "'%.200s' is not a regular file", path);
	} else if ((fd = mkstemp(w->beside)) < 0 || !(w->file = fdopen(fd, "wb"))) {
		rc = hx_err_set(err, HX_IO, "cannot write '%.200s': %s", path, strerror(errno));
	} else {
		open_up(fd);
		*out = w;
		return HX_OK;
	}
	free(w->path);
	free(w->beside);
	free(w);
	return rc;
}

static void begin_value(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind)
{
	put_text(&w->values, key, strlen(key));
	put_number(&w->values, kind, 4);
	w->n_values++;
}

static void begin_array(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind, size_t n)
{
	begin_value(w, key, HX_GGUF_ARRAY);
	put_number(&w->values, kind, 4);
	put_number(&w->values, n, 8);
}

void hx_gguf_write_string(struct hx_gguf_writer *w, const char *key, const char *value)
{
	begin_value(w, key, HX_GGUF_STRING);
	put_text(&w->values, value, strlen(value));
}

void hx_gguf_write_integer(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind, int64_t value)
{
	begin_value(w, key, kind);
	put_number(&w->values, (uint64_t)value, hx_gguf_kinds[kind].bytes);
}

void hx_gguf_write_number(struct hx_gguf_writer *w, const char *key, double value)
{
	begin_value(w, key, HX_GGUF_F32);
	put_float(&w->values, value);
}

void hx_gguf_write_strings(struct hx_gguf_writer *w, const char *key, const struct hx_gguf_text *values, size_t n)
{
	begin_array(w, key, HX_GGUF_STRING, n);
	for (size_t i = 0; i < n; i++)
		put_text(&w->values, values[i].s, values[i].len);
}

void hx_gguf_write_numbers(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind, const double *values, size_t n)
{
	assert(kind == HX_GGUF_F32 || hx_gguf_kinds[kind].bytes <= 4);
	begin_array(w, key, kind, n);
	for (size_t i = 0; i < n; i++) {
		if (kind == HX_GGUF_F32)
			put_float(&w->values, values[i]);
		else
			put_number(&w->values, (uint64_t)(int64_t)values[i], hx_gguf_kinds[kind].bytes);
	}
}

static int type_number(int type)
{
	int number = 0;

	while (!hx_gguf_types[number].name || hx_gguf_types[number].type != type)
		number++;
	return number;
}

static uint64_t aligned(uint64_t at)
{
	return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void hx_gguf_write_tensor(struct hx_gguf_writer *w, const char *name, int type, int n_dims, const int64_t *dims)
{
	uint64_t bytes = hx_types[type].bytes;

	assert(!w->data && dims[0] % hx_types[type].block == 0);
	put_text(&w->tensors, name, strlen(name));
	put_number(&w->tensors, (uint64_t)n_dims, 4);
	for (int i = 0; i < n_dims; i++) {
		put_number(&w->tensors, (uint64_t)dims[i], 8);
		bytes *= (uint64_t)dims[i] / (i ? 1 : hx_types[type].block);
	}
	put_number(&w->tensors, (uint64_t)type_number(type), 4);
	put_number(&w->tensors, w->end, 8);
	w->sizes = hx_xrealloc(w->sizes, (size_t)w->n_tensors + 1, sizeof(*w->sizes));
	w->sizes[w->n_tensors++] = bytes;
	w->end = aligned(w->end + bytes);
}

static void send(struct hx_gguf_writer *w, const void *data, size_t n)
{
	if (!w->failed && n && fwrite(data, 1, n, w->file) != n)
		w->failed = errno ? errno : EIO;
}

static void pad(struct hx_gguf_writer *w, uint64_t at)
{
	static const unsigned char zeros[ALIGNMENT];

	send(w, zeros, (size_t)(aligned(at) - at));
}

static void write_header(struct hx_gguf_writer *w)
{
	struct buffer head = {0};

	put(&head, "GGUF", 4);
	put_number(&head, FORMAT, 4);
	put_number(&head, w->n_tensors, 8);
	put_number(&head, w->n_values, 8);
	send(w, head.data, head.n);
	send(w, w->values.data, w->values.n);
	send(w, w->tensors.data, w->tensors.n);
	pad(w, head.n + w->values.n + w->tensors.n);
	free(head.data);
	w->data = true;
}

void hx_gguf_write_data(struct hx_gguf_writer *w, const void *data, size_t bytes)
{
	const unsigned char *p = data;

	if (!w->data)
		write_header(w);
	while (bytes) {
		uint64_t left;
		size_t n;

		assert(w->n_done < w->n_tensors);
		left = w->sizes[w->n_done] - w->part;
		n = bytes < left ? bytes : (size_t)left;
		send(w, p, n);
		p += n;
		bytes -= n;
		w->part += n;
		if (w->part < w->sizes[w->n_done])
			continue;
		pad(w, w->part);
		w->part = 0;
		w->n_done++;
	}
}

static void free_writer(struct hx_gguf_writer *w)
{
	free(w->values.data);
	free(w->tensors.data);
	free(w->sizes);
	free(w->path);
	free(w->beside);
	free(w);
}

int hx_gguf_write_end(struct hx_gguf_writer *w, struct hx_err *err)
{
	int rc = HX_OK;

	if (!w->data)
		write_header(w);
	assert(w->n_done == w->n_tensors);
	if (fclose(w->file) != 0 && !w->failed)
		w->failed = errno;
	if (!w->failed && rename(w->beside, w->path) != 0)
		w->failed = errno;
	if (w->failed) {
		rc = hx_err_set(err, HX_IO, "cannot write '%.200s': %s", w->path, strerror(w->failed));
		unlink(w->beside);
	}
	free_writer(w);
	return rc;
}

void hx_gguf_write_cancel(struct hx_gguf_writer *w)
{
	fclose(w->file);
	unlink(w->beside);
	free_writer(w);
}
