/* Damaged GGUF files: none may crash the reader, or make it take memory out of proportion to the file.
 *
 *	fuzz_gguf SECONDS [SEED [FILE...]]
 *
 * takes small models of every architecture, and the files named, and reads them with bytes changed, moved, cut off and put in. libFuzzer and kin can
 * call LLVMFuzzerTestOneInput of the same object (-DFUZZ_NO_MAIN leaves main out). */
#include "engine/model.h"
#include "engine/synth.h"
#include "engine/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile double sink; /* so that nothing read is left out */

static void touch_tensors(const struct hx_gguf *g)
{
	for (size_t i = 0; i < hx_gguf_tensors(g); i++) {
		const struct hx_gguf_tensor *t = hx_gguf_tensor_at(g, i);
		const unsigned char *p = t->data;

		sink += t->bytes ? p[0] + p[t->bytes - 1] : 0;
	}
}

static void touch_arrays(const struct hx_gguf *g)
{
	static const char *const keys[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.scores",
					   "tokenizer.ggml.token_type"};
	size_t n;

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		for (int kind = 0; kind < HX_GGUF_KINDS; kind++) {
			if (!hx_gguf_array(g, keys[k], (enum hx_gguf_kind)kind, &n) || !n)
				continue;
			if (kind == HX_GGUF_STRING)
				sink += (double)hx_gguf_array_string(g, keys[k], n - 1).len;
			else
				sink += hx_gguf_array_number(g, keys[k], n - 1);
		}
}

static void tokenize(const struct hx_gguf *g)
{
	static const char text[] = "The weather <|end|> is 12345\xff\xc3 fine\n";
	struct hx_tokenizer *t;
	struct hx_err err;
	int *tokens;
	size_t n;

	free(hx_tokenizer_identity(g));
	if (hx_tokenizer_create(&t, g, &err))
		return;
	for (int flags = 0; flags < 4; flags++) {
		n = hx_tokenizer_encode(t, text, sizeof(text), flags & 1, flags & 2, &tokens);
		for (size_t i = 0; i < n; i++)
			sink += (double)hx_tokenizer_piece(t, tokens[i], true).len;
		free(tokens);
	}
	sink += hx_tokenizer_same(t, t, &err);
	hx_tokenizer_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hx_gguf *g;
	struct hx_model m;
	struct hx_err err;

	if (hx_gguf_parse(&g, data, size, "fuzz", &err))
		return 0;
	touch_tensors(g);
	touch_arrays(g);
	tokenize(g);
	if (hx_model_read(&m, g, &err))
		return 0;
	sink += (double)hx_shape_params(&m.shape);
	hx_model_free(&m);
	return 0;
}

#ifndef FUZZ_NO_MAIN
enum { MAX_SEEDS = 64, MAX_BYTES = 4 << 20 };

static struct {
	unsigned char *data;
	size_t size;
} seeds[MAX_SEEDS];
static int n_seeds;
static uint64_t state;

static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int add_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned char *data = hx_xmalloc(MAX_BYTES);
	size_t n = f ? fread(data, 1, MAX_BYTES, f) : 0;

	if (f)
		fclose(f);
	if (!n || n == MAX_BYTES || n_seeds == MAX_SEEDS) {
		fprintf(stderr, "fuzz_gguf: cannot use '%s'\n", path);
		free(data);
		return 1;
	}
	seeds[n_seeds].data = data;
	seeds[n_seeds++].size = n;
	return 0;
}

static int add_models(void)
{
	static const struct hx_shape shapes[] = {
		{.family = "llama", .rope = "llama3: base 500000, low frequencies scaled by 8", .norms = 2},
		{.family = "qwen2", .qkv_bias = true, .norms = 2, .tied = true},
		{.family = "qwen3", .qk_norm = true, .norms = 2, .tied = true},
		{.family = "gemma3", .qk_norm = true, .norms = 4, .tied = true, .window = 8, .global_every = 6},
	};
	char path[] = "fuzz_gguf.XXXXXX";
	int fd = mkstemp(path), bad = fd < 0;
	struct hx_err err;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes) && !bad; i++) {
		struct hx_shape s = shapes[i];

		s.name = (char *)"fuzz";
		s.layers = s.heads = s.kv_heads = 1;
		s.d_model = s.d_head = s.d_ff = 8;
		s.vocab = 260;
		s.context = 64;
		s.gated_ffn = true;
		s.rope_theta = 1e4;
		bad = hx_synth_write(&s, &(struct hx_synth_options){.type = HX_F16, .seed = i}, path, &err) || add_file(path);
	}
	unlink(path);
	if (fd >= 0)
		close(fd);
	return bad;
}

/* A number that is worth trying in the place of a count, a length or an offset. */
static uint64_t odd_number(size_t size)
{
	const uint64_t odd[] = {0,         1,          size,      size - 1,   size + 1,   0x7f,   0xff,       0xffff,
				INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, 1ull << 61, next(), next() % 64};

	return odd[next() % (sizeof(odd) / sizeof(*odd))];
}

/* One change; headers are changed more often than data. */
static size_t damage(unsigned char *data, size_t size)
{
	size_t at = next() % (next() % 4 ? (size < 1024 ? size : 1024) : size), from, n;
	unsigned width = 1u << next() % 4;
	uint64_t v;

	switch (next() % 6) {
	case 0:
		data[at] ^= (unsigned char)(1u << next() % 8);
		return size;
	case 1:
		data[at] = (unsigned char)next();
		return size;
	case 2:
		v = odd_number(size);
		memcpy(data + at, &v, width < size - at ? width : size - at);
		return size;
	case 3: /* a piece moves */
		from = next() % size;
		n = next() % 64 % (size - (at > from ? at : from));
		memmove(data + at, data + from, n);
		return size;
	case 4: /* cut off */
		return next() % 4 ? size : at + 1;
	default: /* taken out */
		n = next() % 32 % (size - at);
		memmove(data + at, data + at + n, size - at - n);
		return size - n;
	}
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	time_t end = time(NULL) + (time_t)seconds;
	long runs = 0;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (int i = 3; i < argc; i++)
		if (add_file(argv[i]))
			return 3;
	if (add_models())
		return 3;
	do {
		for (int i = 0; i < 256; i++, runs++) {
			int which = (int)(next() % (uint64_t)n_seeds);
			size_t size = seeds[which].size;
			unsigned char *copy = hx_xmalloc(size), *exact;

			memcpy(copy, seeds[which].data, size);
			for (uint64_t k = next() % 4; k < 4; k++)
				size = damage(copy, size);
			exact = hx_xmalloc(size); /* so that the sanitizer sees what is read beyond the end */
			memcpy(exact, copy, size);
			LLVMFuzzerTestOneInput(exact, size);
			free(copy);
			free(exact);
		}
	} while (time(NULL) < end);
	printf("%ld damaged files were read\n", runs);
	for (int i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	return 0;
}
#endif
