#include "engine/gguf.h"

#include "check.h"
#include "engine/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- files by hand ---- */

struct bytes {
	unsigned char at[4096];
	size_t n;
};

static void put(struct bytes *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		b->at[b->n++] = (unsigned char)(i < 8 ? v >> 8 * i : 0);
}

static void put_text(struct bytes *b, const char *s)
{
	put(b, strlen(s), 8);
	memcpy(b->at + b->n, s, strlen(s));
	b->n += strlen(s);
}

static void put_header(struct bytes *b, uint64_t version, uint64_t tensors, uint64_t values)
{
	b->n = 0;
	memcpy(b->at, "GGUF", 4);
	b->n = 4;
	put(b, version, 4);
	put(b, tensors, 8);
	put(b, values, 8);
}

static void put_value(struct bytes *b, const char *key, int kind, uint64_t v, int bytes)
{
	put_text(b, key);
	put(b, (uint64_t)kind, 4);
	put(b, v, bytes);
}

static void put_tensor(struct bytes *b, const char *name, uint64_t type, uint64_t offset, int n_dims, uint64_t d0, uint64_t d1)
{
	put_text(b, name);
	put(b, (uint64_t)n_dims, 4);
	for (int i = 0; i < n_dims; i++)
		put(b, i == 0 ? d0 : i == 1 ? d1 : 1, 8);
	put(b, type, 4);
	put(b, offset, 8);
}

static void put_data(struct bytes *b, size_t n)
{
	b->n = (b->n + 31) / 32 * 32;
	for (size_t i = 0; i < n; i++)
		b->at[b->n++] = (unsigned char)i;
}

/* Every kind of value, and tensors of three types. */
static void put_good(struct bytes *b, uint64_t version)
{
	float f = 1.5f;
	double d = -2.25;
	uint32_t f_bits;
	uint64_t d_bits;

	memset(b, 0, sizeof(*b));
	memcpy(&f_bits, &f, 4);
	memcpy(&d_bits, &d, 8);
	put_header(b, version, 3, 16);
	put_value(b, "u8", HX_GGUF_U8, 200, 1);
	put_value(b, "i8", HX_GGUF_I8, (uint64_t)-100, 1);
	put_value(b, "u16", HX_GGUF_U16, 60000, 2);
	put_value(b, "i16", HX_GGUF_I16, (uint64_t)-30000, 2);
	put_value(b, "u32", HX_GGUF_U32, 4000000000, 4);
	put_value(b, "i32", HX_GGUF_I32, (uint64_t)-2000000000, 4);
	put_value(b, "f32", HX_GGUF_F32, f_bits, 4);
	put_value(b, "bool", HX_GGUF_BOOL, 1, 1);
	put_text(b, "string");
	put(b, HX_GGUF_STRING, 4);
	put_text(b, "text");
	put_value(b, "u64", HX_GGUF_U64, 1ull << 60, 8);
	put_value(b, "large", HX_GGUF_U64, 1ull << 63, 8);
	put_value(b, "i64", HX_GGUF_I64, (uint64_t)-5, 8);
	put_value(b, "f64", HX_GGUF_F64, d_bits, 8);
	put_value(b, "strings", HX_GGUF_ARRAY, HX_GGUF_STRING, 4);
	put(b, 3, 8);
	put_text(b, "one");
	put_text(b, "");
	put_text(b, "three");
	put_value(b, "numbers", HX_GGUF_ARRAY, HX_GGUF_I32, 4);
	put(b, 3, 8);
	put(b, 7, 4);
	put(b, (uint64_t)-7, 4);
	put(b, 1 << 30, 4);
	put_value(b, "none", HX_GGUF_ARRAY, HX_GGUF_F32, 4);
	put(b, 0, 8);
	put_tensor(b, "b", 0, 0, 1, 5, 0);     /* f32, 20 bytes */
	put_tensor(b, "a", 8, 32, 2, 64, 3);   /* q8_0, 204 bytes */
	put_tensor(b, "bf", 30, 256, 3, 3, 2); /* bf16, 12 bytes */
	put_data(b, 256 + 12);
}

/* Parses a copy of exactly its size, so that the sanitizer sees what is read beyond the end. */
static int parse(const struct bytes *b, size_t n, struct hx_gguf **g, struct hx_err *err)
{
	static unsigned char *copy;
	int rc;

	free(copy);
	copy = malloc(n ? n : 1);
	memcpy(copy, b->at, n);
	rc = hx_gguf_parse(g, copy, n, "x.gguf", err);
	if (rc && (rc != HX_INPUT || strncmp(err->msg, "x.gguf: ", 8) != 0))
		fail_msg("status %d: %s", rc, err->msg);
	return rc;
}

static void reads(void **state)
{
	struct bytes b;
	struct hx_gguf *g;
	struct hx_err err;

	(void)state;
	for (uint64_t version = 2; version <= 3; version++) {
		static const struct {
			const char *key;
			int64_t value;
		} integers[] = {{"u8", 200},         {"i8", -100},         {"u16", 60000},     {"i16", -30000},
				{"u32", 4000000000}, {"i32", -2000000000}, {"u64", 1ll << 60}, {"i64", -5}};
		struct hx_gguf_text t;
		int64_t integer = 77;
		double v = 77;
		bool truth = false;
		size_t n;

		put_good(&b, version);
		if (parse(&b, b.n, &g, &err))
			fail_msg("%s", err.msg);
		for (size_t i = 0; i < COUNT(integers); i++) {
			assert_true(hx_gguf_integer(g, integers[i].key, &integer));
			assert_int_equal(integer, integers[i].value);
			assert_true(hx_gguf_number(g, integers[i].key, &v));
			check_near(v, (double)integers[i].value, 0);
		}
		assert_true(hx_gguf_number(g, "f32", &v));
		check_near(v, 1.5, 0);
		assert_true(hx_gguf_number(g, "f64", &v));
		check_near(v, -2.25, 0);
		assert_true(hx_gguf_bool(g, "bool", &truth) && truth);
		assert_true(hx_gguf_string(g, "string", &t));
		assert_int_equal(t.len, 4);
		assert_memory_equal(t.s, "text", 4);
		assert_true(hx_gguf_array(g, "strings", HX_GGUF_STRING, &n));
		assert_int_equal(n, 3);
		assert_int_equal(hx_gguf_array_string(g, "strings", 1).len, 0);
		t = hx_gguf_array_string(g, "strings", 2);
		assert_memory_equal(t.s, "three", t.len);
		assert_true(hx_gguf_array(g, "numbers", HX_GGUF_I32, &n));
		assert_int_equal(n, 3);
		check_near(hx_gguf_array_number(g, "numbers", 1), -7, 0);
		check_near(hx_gguf_array_number(g, "numbers", 2), 1 << 30, 0);
		assert_true(hx_gguf_array(g, "none", HX_GGUF_F32, &n));
		assert_int_equal(n, 0);
		integer = 77;
		assert_false(hx_gguf_integer(g, "large", &integer) || hx_gguf_integer(g, "f32", &integer) ||
			     hx_gguf_integer(g, "nothing", &integer));
		assert_int_equal(integer, 77);
		assert_false(hx_gguf_number(g, "bool", &v) || hx_gguf_number(g, "string", &v) || hx_gguf_bool(g, "u8", &truth));
		assert_false(hx_gguf_string(g, "strings", &t) || hx_gguf_array(g, "numbers", HX_GGUF_U32, &n) ||
			     hx_gguf_array(g, "u32", HX_GGUF_U32, &n));
		hx_gguf_free(g);
	}
	hx_gguf_free(NULL);
}

static void tensors(void **state)
{
	static const struct {
		const char *name;
		int type, n_dims;
		int64_t dims[HX_GGUF_DIMS];
		size_t bytes, first; /* first: what its data begins with */
	} want[] = {
		{"b", HX_F32, 1, {5, 1, 1, 1}, 20, 0}, {"a", HX_Q8_0, 2, {64, 3, 1, 1}, 204, 32}, {"bf", HX_BF16, 3, {3, 2, 1, 1}, 12, 0}};
	struct bytes b;
	struct hx_gguf *g;
	struct hx_err err;

	(void)state;
	put_good(&b, 3);
	if (parse(&b, b.n, &g, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(hx_gguf_tensors(g), 3);
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct hx_gguf_tensor *t = hx_gguf_tensor(g, want[i].name);

		assert_ptr_equal(t, hx_gguf_tensor_at(g, i));
		assert_int_equal(t->type, want[i].type);
		assert_int_equal(t->n_dims, want[i].n_dims);
		assert_memory_equal(t->dims, want[i].dims, sizeof(t->dims));
		assert_int_equal(t->bytes, want[i].bytes);
		assert_int_equal(*(const unsigned char *)t->data, want[i].first);
	}
	assert_null(hx_gguf_tensor(g, "c"));
	assert_null(hx_gguf_tensor(g, ""));
	assert_string_equal(hx_gguf_name(g), "x.gguf");
	hx_gguf_free(g);
}

/* ---- damage ---- */

enum { MANY = 99 };

/* One value or tensor that is wrong; the message says what. */
static void header(struct bytes *b, int which)
{
	static const uint64_t versions[] = {0, 1, 4, 0x02000000, 0x03000000};

	put_header(b, versions[which], 0, 0);
}

static void counts(struct bytes *b, int which)
{
	put_header(b, 3, which ? 1ull << 63 : 0, which ? 0 : 1ull << 63);
	put(b, 0, 100);
}

static void value(struct bytes *b, int which)
{
	put_header(b, 3, 0, which == 0 ? 2 : 1);
	switch (which) {
	case 0:
		put_value(b, "twice", HX_GGUF_U8, 1, 1);
		put_value(b, "twice", HX_GGUF_U32, 1, 4);
		break;
	case 1:
		put_value(b, "odd", 13, 0, 8);
		break;
	case 2:
		put_value(b, "odd", HX_GGUF_ARRAY, 13, 4);
		put(b, 0, 8);
		break;
	case 3:
		put_value(b, "odd", HX_GGUF_ARRAY, HX_GGUF_ARRAY, 4);
		put(b, 0, 8);
		break;
	case 4:
	case 5:
	case 6:
		put_value(b, "long", HX_GGUF_ARRAY, which == 4 ? HX_GGUF_STRING : which == 5 ? HX_GGUF_F64 : HX_GGUF_U8, 4);
		put(b, (1ull << 61) + 1, 8);
		put(b, 0, 32);
		break;
	case 7:
		put_value(b, "long", HX_GGUF_STRING, ~0ull, 8);
		put(b, 0, 32);
		break;
	case 8:
		put(b, ~0ull, 8); /* of the key */
		put(b, 0, 32);
		break;
	default:
		put_value(b, "general.alignment", HX_GGUF_U32, which == 9 ? 0 : which == 10 ? 24 : 1u << 31, 4);
		break;
	}
}

static void tensor(struct bytes *b, int which)
{
	put_header(b, 3, which == 0 || which == 1 ? 2 : 1, 0);
	switch (which) {
	case 0:
		put_tensor(b, "twice", 0, 0, 1, 8, 0);
		put_tensor(b, "twice", 0, 32, 1, 8, 0);
		break;
	case 1:
		put_tensor(b, "one", 0, 0, 1, 9, 0);
		put_tensor(b, "two", 0, 32, 1, 8, 0);
		break;
	case 2:
	case 3:
		put_tensor(b, "odd", 0, 0, which == 2 ? 0 : 5, 1, 1);
		break;
	case 4:
	case 5:
		put_tensor(b, "odd", 0, 0, 1, which == 4 ? 0 : ~0ull, 0);
		break;
	case 6:
		put_tensor(b, "huge", 0, 0, 2, 1ull << 62, 1ull << 62);
		break;
	case 7:
		put_tensor(b, "huge", 2, 0, 2, 1ull << 40, 1ull << 20);
		break;
	case 8:
		put_tensor(b, "odd", 2, 0, 1, 48, 0);
		break;
	case 9:
		put_tensor(b, "far", 0, 64, 1, 1, 0);
		break;
	case 10:
		put_tensor(b, "far", 0, 0, 1, 17, 0);
		break;
	case 11:
		put_tensor(b, "far", 0, ~0ull - 31, 1, 8, 0);
		break;
	case 12:
		put_tensor(b, "odd", 0, 16, 1, 4, 0);
		break;
	default:
		put_tensor(b, "odd", (uint64_t)which, 0, 1, 256, 0);
		break;
	}
	put_data(b, 64);
}

static const struct {
	void (*build)(struct bytes *b, int which);
	int which;
	const char *message;
} damage[] = {
	{header, 0, "is of GGUF version 0; versions 2 and 3 are read"},
	{header, 1, "is of GGUF version 1"},
	{header, 2, "is of GGUF version 4"},
	{header, 3, "is a big-endian GGUF file"},
	{header, 4, "is a big-endian GGUF file"},
	{counts, 0, "the metadata at byte 24 does not end within the file's 124 bytes"},
	{counts, 1, "the list of tensors at byte 24"},
	{value, 0, "value 'twice' stands twice"},
	{value, 1, "value 'odd': there is no kind of value 13"},
	{value, 2, "value 'odd': there is no kind of value 13"},
	{value, 3, "value 'odd': arrays of arrays are not supported"},
	{value, 4, "an array at byte"},
	{value, 5, "an array at byte"},
	{value, 6, "an array at byte"},
	{value, 7, "a string at byte"},
	{value, 8, "a key at byte 32"},
	{value, 9, "general.alignment is 0"},
	{value, 10, "general.alignment is 24"},
	{value, 11, "general.alignment is 2147483648"},
	{tensor, 0, "tensor 'twice' stands twice"},
	{tensor, 1, "tensor 'two' lies over the one before"},
	{tensor, 2, "tensor 'odd' has no dimensions"},
	{tensor, 3, "or more than four"},
	{tensor, 4, "a dimension below 1"},
	{tensor, 5, "a dimension below 1"},
	{tensor, 6, "tensor 'huge' has more values than can be counted"},
	{tensor, 7, "tensor 'huge' is larger than the file"},
	{tensor, 8, "tensor 'odd' has rows of 48 values, which blocks of 32 (q4_0) do not divide"},
	{tensor, 9, "tensor 'far' ends beyond the file"},
	{tensor, 10, "tensor 'far' ends beyond the file"},
	{tensor, 11, "tensor 'far' ends beyond the file"},
	{tensor, 12, "tensor 'odd' is not aligned"},
	{tensor, 20, "tensor 'odd' is IQ4_NL, which is not supported"},
	{tensor, 15, "tensor 'odd' is Q8_K, which is not supported"},
	{tensor, 39, "tensor 'odd' is MXFP4, which is not supported"},
	{tensor, 43, "tensor 'odd' has the unknown type number 43"},
	{tensor, -1, "tensor 'odd' has the unknown type number 4294967295"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(damage); i++) {
		struct bytes b = {.n = 0};
		struct hx_gguf *g;
		struct hx_err err;

		damage[i].build(&b, damage[i].which);
		assert_int_equal(parse(&b, b.n, &g, &err), HX_INPUT);
		if (!strstr(err.msg, damage[i].message))
			fail_msg("row %zu: %s", i, err.msg);
	}
}

static void cut_anywhere(void **state)
{
	struct bytes b;
	struct hx_gguf *g;
	struct hx_err err;

	(void)state;
	put_good(&b, 3);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(parse(&b, n, &g, &err), HX_INPUT);
}

/* Whatever is read of a file with flipped bits lies within it. */
static void flipped(void **state)
{
	uint32_t random = 1;
	struct bytes good, b;
	struct hx_gguf *g;
	struct hx_err err;

	(void)state;
	put_good(&good, 3);
	for (int i = 0; i < 20000; i++) {
		unsigned char sum = 0;

		b = good;
		for (int flips = i % 3; flips >= 0; flips--) {
			random = random * 1664525 + 1013904223;
			b.at[(random >> 8) % b.n] ^= (unsigned char)(1 << (random >> 29));
		}
		if (parse(&b, b.n, &g, &err))
			continue;
		for (size_t t = 0; t < hx_gguf_tensors(g); t++)
			for (size_t k = 0; k < hx_gguf_tensor_at(g, t)->bytes; k++)
				sum ^= ((const unsigned char *)hx_gguf_tensor_at(g, t)->data)[k];
		hx_gguf_free(g);
		g = NULL;
		(void)sum;
	}
}

/* ---- files ---- */

static void files(void **state)
{
	char name[] = "test_gguf.XXXXXX", fifo[40];
	struct hx_gguf *g;
	struct hx_err err;
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(hx_gguf_open(&g, name, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "is empty"));
	assert_int_equal(write(fd, "GGU", 3), 3);
	assert_int_equal(hx_gguf_open(&g, name, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "is no GGUF file"));
	close(fd);
	unlink(name);
	assert_int_equal(hx_gguf_open(&g, name, &err), HX_IO);
	assert_non_null(strstr(err.msg, "No such file"));
	assert_int_equal(hx_gguf_open(&g, ".", &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "is not a regular file"));
	snprintf(fifo, sizeof(fifo), "%s.fifo", name);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(hx_gguf_open(&g, fifo, &err), HX_INPUT);
	unlink(fifo);
}

static void writes(void **state)
{
	static const char file[] = "test_gguf.tmp";
	static const struct hx_gguf_text strings[] = {{"x", 1}, {"", 0}, {"a\0b", 3}};
	static const double numbers[] = {-1, 2, 0.5};
	static const int64_t dims[] = {32, 3};
	unsigned char rows[3 * 34];
	struct hx_gguf_writer *w;
	struct hx_gguf *g;
	struct hx_gguf_text t;
	struct hx_err err;
	struct stat st;
	int64_t integer;
	double v;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows); i++)
		rows[i] = (unsigned char)(i * 7);
	if (hx_gguf_write(&w, file, &err))
		fail_msg("%s", err.msg);
	hx_gguf_write_string(w, "general.architecture", "llama");
	hx_gguf_write_integer(w, "n", HX_GGUF_U32, 4000000000);
	hx_gguf_write_number(w, "v", 0.25);
	hx_gguf_write_strings(w, "strings", strings, 3);
	hx_gguf_write_numbers(w, "i32", HX_GGUF_I32, numbers, 2);
	hx_gguf_write_numbers(w, "f32", HX_GGUF_F32, numbers, 3);
	hx_gguf_write_tensor(w, "one", HX_Q8_0, 2, dims);
	hx_gguf_write_tensor(w, "two", HX_F32, 1, dims + 1);
	hx_gguf_write_data(w, rows, 50);
	hx_gguf_write_data(w, rows + 50, sizeof(rows) - 50);
	hx_gguf_write_data(w, rows, 12);
	if (hx_gguf_write_end(w, &err) || hx_gguf_open(&g, file, &err))
		fail_msg("%s", err.msg);
	assert_true(hx_gguf_string(g, "general.architecture", &t) && t.len == 5);
	assert_true(hx_gguf_integer(g, "n", &integer) && integer == 4000000000);
	assert_true(hx_gguf_number(g, "v", &v) && v == 0.25);
	assert_true(hx_gguf_array(g, "strings", HX_GGUF_STRING, &n) && n == 3);
	t = hx_gguf_array_string(g, "strings", 2);
	assert_int_equal(t.len, 3);
	assert_memory_equal(t.s, "a\0b", 3);
	assert_true(hx_gguf_array(g, "i32", HX_GGUF_I32, &n) && n == 2 && hx_gguf_array_number(g, "i32", 0) == -1);
	assert_true(hx_gguf_array(g, "f32", HX_GGUF_F32, &n) && n == 3 && hx_gguf_array_number(g, "f32", 2) == 0.5);
	assert_memory_equal(hx_gguf_tensor(g, "one")->data, rows, sizeof(rows));
	assert_memory_equal(hx_gguf_tensor(g, "two")->data, rows, 12);
	assert_int_equal(hx_gguf_tensor(g, "two")->bytes, 12);
	hx_gguf_free(g);
	assert_int_equal(stat(file, &st), 0);
	assert_true(st.st_mode & S_IRUSR && st.st_mode & S_IWUSR);
	unlink(file);
	assert_int_equal(hx_gguf_write(&w, "/dev/full", &err), HX_INPUT);
	assert_int_equal(hx_gguf_write(&w, "no-such-folder/x.gguf", &err), HX_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),   cmocka_unit_test(tensors), cmocka_unit_test(refuses), cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(flipped), cmocka_unit_test(files),   cmocka_unit_test(writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
