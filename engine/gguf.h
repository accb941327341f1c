/* GGUF files, version 2 and 3: metadata and tensors, read in place; and written. Owns the container, not the meaning of a key (model.h) nor of a
 * block (quant.h). Nothing of a file is believed before it is checked: counts, lengths and offsets are compared with the file's size before use. */
#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

#include "engine/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Types of metadata values, by their numbers in the file. */
enum hx_gguf_kind {
	HX_GGUF_U8, HX_GGUF_I8, HX_GGUF_U16, HX_GGUF_I16, HX_GGUF_U32, HX_GGUF_I32, HX_GGUF_F32, HX_GGUF_BOOL, HX_GGUF_STRING, HX_GGUF_ARRAY,
	HX_GGUF_U64, HX_GGUF_I64, HX_GGUF_F64,
	HX_GGUF_KINDS
};

/* Bytes in the file; not terminated. */
struct hx_gguf_text {
	const char *s;
	size_t len;
};

enum { HX_GGUF_DIMS = 4 };

struct hx_gguf_tensor {
	struct hx_gguf_text name;
	int type;      /* enum hx_type */
	int n_dims;
	int64_t dims[HX_GGUF_DIMS]; /* dims[0] is the length of a row; 1 beyond n_dims */
	const void *data; /* in the file; aligned to nothing in particular */
	size_t bytes;
};

struct hx_gguf;

/* Maps a file, which must not shrink while it is open. HX_INPUT: not GGUF, of another version or byte order, damaged, a tensor type that is not
 * supported; HX_IO: cannot be read. */
int hx_gguf_open(struct hx_gguf **out, const char *path, struct hx_err *err);

/* The same of bytes in memory, which are borrowed; name stands in errors. */
int hx_gguf_parse(struct hx_gguf **out, const void *bytes, size_t size, const char *name, struct hx_err *err);
void hx_gguf_free(struct hx_gguf *g);

const char *hx_gguf_name(const struct hx_gguf *g); /* path, as it stands in errors */

size_t hx_gguf_tensors(const struct hx_gguf *g);
const struct hx_gguf_tensor *hx_gguf_tensor_at(const struct hx_gguf *g, size_t i);
const struct hx_gguf_tensor *hx_gguf_tensor(const struct hx_gguf *g, const char *name); /* NULL: none */

/* Metadata by key. Found: true, and *value is set; false where the key is missing or of another kind. Any integer kind serves as an integer, any
 * number as a number. */
bool hx_gguf_integer(const struct hx_gguf *g, const char *key, int64_t *value);
bool hx_gguf_number(const struct hx_gguf *g, const char *key, double *value);
bool hx_gguf_bool(const struct hx_gguf *g, const char *key, bool *value);
bool hx_gguf_string(const struct hx_gguf *g, const char *key, struct hx_gguf_text *value);

/* Length of an array whose elements are of `kind`; false where there is no such array. */
bool hx_gguf_array(const struct hx_gguf *g, const char *key, enum hx_gguf_kind kind, size_t *n);
/* Elements of such arrays; i is below the length. */
struct hx_gguf_text hx_gguf_array_string(const struct hx_gguf *g, const char *key, size_t i);
double hx_gguf_array_number(const struct hx_gguf *g, const char *key, size_t i);

/* Writing, version 3: values, then tensors in order, then hx_gguf_write_end. The first failure is kept and told at the end. */
struct hx_gguf_writer;

/* The file takes its place when it is whole. HX_INPUT: something stands there that is no file; HX_IO: it cannot be made. */
int hx_gguf_write(struct hx_gguf_writer **out, const char *path, struct hx_err *err);
void hx_gguf_write_string(struct hx_gguf_writer *w, const char *key, const char *value);
void hx_gguf_write_integer(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind, int64_t value);
void hx_gguf_write_number(struct hx_gguf_writer *w, const char *key, double value); /* as f32 */
void hx_gguf_write_strings(struct hx_gguf_writer *w, const char *key, const struct hx_gguf_text *values, size_t n);
void hx_gguf_write_numbers(struct hx_gguf_writer *w, const char *key, enum hx_gguf_kind kind, const double *values, size_t n);

/* Announces a tensor; its data follows when all are announced, in the same order, in as many pieces as wanted. */
void hx_gguf_write_tensor(struct hx_gguf_writer *w, const char *name, int type, int n_dims, const int64_t *dims);
void hx_gguf_write_data(struct hx_gguf_writer *w, const void *data, size_t bytes);

/* Finishes and frees. HX_IO: the file could not be written whole, and is removed. */
int hx_gguf_write_end(struct hx_gguf_writer *w, struct hx_err *err);

/* Gives up: frees, and nothing is left. */
void hx_gguf_write_cancel(struct hx_gguf_writer *w);

#endif
