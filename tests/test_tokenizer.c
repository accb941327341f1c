/* Tokenizers of files: which are the same, damaged ones, published ones. The kinds have tests of their own. */
#include "vocabularies.h"

static const struct spec larger = {.model = "llama", .more = {{"a", 0, -1}, {"b", 0, -2}, {"[PAD7]", UNUSED, 0}, {"x", UNUSED, 0}}};

static const struct {
	struct spec draft;
	const char *message; /* NULL: the same */
} drafts[] = {
	{{.model = "llama", .more = {{"a", 0, -3}, {"b", CONTROL, -4}}}, NULL},
	{{.model = "llama", .more = {{"a", 0, -3}, {"b", 0, -4}, {"<|reserved_special_token_0|>", CONTROL, 0}}}, NULL},
	{{.model = "llama", .more = {{"a", 0, -1}, {"b", 0, -2}, {"<unused3>", USER, 0}, {"<unused4>", USER, 0}, {"<unused5>", USER, 0}}}, NULL},
	{{.model = "llama", .more = {{"a", 0, -1}, {"\xc3\xa9\n", 0, -2}}}, "token 260 is '\\xc3\\xa9\\x0a', but 'b' in "},
	{{.model = "llama", .more = {{"a", 0, -1}}}, "token 260 is nothing, but 'b' in "},
	{{.model = "llama", .more = {{"a", 0, -1}, {"b", 0, -2}, {"c", 0, -3}}}, "token 261 is 'c', but nothing in "},
	{{.model = "llama", .more = {{"a", 0, -1}, {"b", 0, -2}, {"<unused>", USER, 0}}}, "token 261 is '<unused>', but nothing in "},
	{{.model = "gpt2", .more = {{"aa", 0, 0}}}, "its tokenizer is of kind gpt2, "},
};

static char *identity(const struct spec *s)
{
	struct hx_gguf *g = gguf(s);
	char *text = hx_tokenizer_identity(g);

	hx_gguf_free(g);
	return text;
}

static void same(void **state)
{
	struct hx_tokenizer *target = tokenizer(&larger);
	char *one = identity(&larger);

	(void)state;
	assert_int_equal(strlen(one), strlen("llama-") + 16);
	for (size_t i = 0; i < COUNT(drafts); i++) {
		struct hx_tokenizer *t = tokenizer(&drafts[i].draft);
		char *other = identity(&drafts[i].draft);
		struct hx_err err = {""};
		int rc = hx_tokenizer_same(target, t, &err);

		if (drafts[i].message ? rc != HX_INPUT || !strstr(err.msg, drafts[i].message) : rc != HX_OK)
			fail_msg("%zu: %d %s", i, rc, err.msg);
		assert_int_equal(strcmp(one, other) == 0, !drafts[i].message);
		free(other);
		hx_tokenizer_free(t);
	}
	free(one);
	hx_tokenizer_free(target);
}

/* What may be wrong with a file; the model `llama` unless told. */
static const struct {
	struct spec s;
	const char *message;
} wrong[] = {
	{{.model = ""}, "has no tokenizer (tokenizer.ggml.model)"},
	{{.model = "bert"}, "the tokenizer 'bert' is not supported"},
	{{.model = "gpt2", .pre = "deepseek-llm"}, "the pre-tokenizer 'deepseek-llm' is not supported"},
	{{.model = "gpt2", .pre = "\x1b[2J"}, "the pre-tokenizer '\\x1b[2J' is not supported"},
	{{.no_tokens = true}, "has no array of texts tokenizer.ggml.tokens"},
	{{.tokens_are_numbers = true}, "has no array of texts tokenizer.ggml.tokens"},
	{{.scores = NONE}, "has no array of numbers tokenizer.ggml.scores"},
	{{.score_kind = HX_GGUF_I32}, "has no array of numbers tokenizer.ggml.scores"},
	{{.scores = -1}, "tokenizer.ggml.scores has 258 elements, but there are 259 tokens"},
	{{.types = 1}, "tokenizer.ggml.token_type has 260 elements, but there are 259 tokens"},
	{{.type_kind = HX_GGUF_F32}, "tokenizer.ggml.token_type is not an array of 32-bit integers"},
	{{.more = {{"a", 7, 0}}}, "token 259 has the unknown type 7"},
	{{.more = {{"a", -1, 0}}}, "token 259 has the unknown type -1"},
	{{.more = {{"", 0, 0}}}, "token 259 has 0 bytes, not 1 to 4096"},
	{{.more = {{"</s>", CONTROL, 0}}}, "tokens 2 and 259 are both '</s>'"},
	{{.more = {{"<0x0a>", BYTE, 0}}}, "token 259 should be a byte such as <0x0A>, but is '<0x0a>'"},
	{{.more = {{"a", 0, NAN}}}, "tokenizer.ggml.scores: that of token 259 is not a number"},
	{{.bos = 260}, "tokenizer.ggml.bos_token_id is 259, but the tokens are 0 to 258"},
	{{.eos = (int64_t)UINT32_MAX + 1}, "tokenizer.ggml.eos_token_id is 4294967295, but"},
	{{.eot = 1000}, "tokenizer.ggml.eot_token_id is 999"},
	{{.unknown = 1000}, "tokenizer.ggml.unknown_token_id is 999"},
	{{.model = "gpt2", .no_merges = true}, "has no array of texts tokenizer.ggml.merges"},
	{{.model = "gpt2", .merges = {"a b"}}, "tokenizer.ggml.merges: rule 0, 'a b', names a token that the vocabulary lacks"},
	{{.model = "gpt2", .more = {{"ab", 0, 0}}, .merges = {"a b", "ab c"}}, "rule 1, 'ab c', names a token"},
	{{.model = "gpt2", .more = {{"ab", CONTROL, 0}}, .merges = {"a b"}}, "rule 0, 'a b', names a token"},
	{{.model = "gpt2", .more = {{"ab", 0, 0}}, .merges = {"ab"}}, "rule 0, 'ab', is not two tokens"},
	{{.model = "gpt2", .more = {{"ab", 0, 0}}, .merges = {""}}, "rule 0, '', is not two tokens"},
	{{.model = "gpt2", .more = {{"ab", 0, 0}}, .merges = {" "}}, "rule 0, ' ', is not two tokens"},
	{{.model = "gpt2", .more = {{"ab", 0, 0}}, .merges = {"aaaaaaaaaaaaaaaaaaaaaaa b"}}, "rule 0, 'aaa"},
};

static void refuses(void **state)
{
	static char huge[5000];

	(void)state;
	for (size_t i = 0; i <= COUNT(wrong); i++) {
		struct spec s = i < COUNT(wrong) ? wrong[i].s : (struct spec){.more = {{huge, 0, 0}}};
		const char *message = i < COUNT(wrong) ? wrong[i].message : "token 259 has 4999 bytes, not 1 to 4096";
		struct hx_tokenizer *t;
		struct hx_gguf *g;
		struct hx_err err;

		memset(huge, 'a', sizeof(huge) - 1);
		s.model = s.model ? s.model : "llama";
		g = gguf(&s);
		assert_int_equal(hx_tokenizer_create(&t, g, &err), HX_INPUT);
		if (!strstr(err.msg, message) || strncmp(err.msg, hx_gguf_name(g), strlen(hx_gguf_name(g))) != 0)
			fail_msg("%s, not %s", err.msg, message);
		hx_gguf_free(g);
	}
}

static char *slurp(const char *path, size_t *size)
{
	enum { MOST = 1 << 22 };
	FILE *f = fopen(path, "rb");
	char *bytes;

	if (!f)
		return NULL;
	bytes = hx_xmalloc(MOST);
	*size = fread(bytes, 1, MOST - 1, f);
	bytes[*size] = '\0';
	fclose(f);
	return bytes;
}

/* A file with a few bytes changed is refused, or serves: nothing else happens. */
static void survives(void **state)
{
	static const struct spec *const specs[] = {&spm, &bpe};
	static const char text[] = "<|im_end|> hello, 123 \xe6\x88\x91\xff <user></s>";
	char *good[2], bad[1 << 14];
	size_t size[2];
	uint32_t x = 1;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		char path[] = "vocabulary.XXXXXX";

		write_file(specs[kind], path);
		good[kind] = slurp(path, &size[kind]);
		assert_true(size[kind] <= sizeof(bad));
		unlink(path);
	}
	for (int round = 0; round < 3000; round++) {
		int kind = round % 2, *tokens;
		struct hx_tokenizer *t;
		struct hx_gguf *g;
		struct hx_err err;

		memcpy(bad, good[kind], size[kind]);
		for (int k = 0; k <= round % 5; k++) {
			x = x * 1664525 + 1013904223;
			bad[(x >> 8) % size[kind]] = (char)(x % 3 ? x >> 24 : 1u << (x >> 29));
		}
		if (hx_gguf_parse(&g, bad, size[kind], "bad", &err))
			continue;
		if (hx_tokenizer_create(&t, g, &err) == HX_OK) {
			size_t n = hx_tokenizer_encode(t, text, strlen(text), true, true, &tokens), vocab = 0;

			hx_gguf_array(g, "tokenizer.ggml.tokens", HX_GGUF_STRING, &vocab);
			while (n-- > 0)
				assert_true(tokens[n] >= 0 && (size_t)tokens[n] < vocab);
			free(tokens);
			hx_tokenizer_free(t);
		}
		hx_gguf_free(g);
	}
	free(good[0]);
	free(good[1]);
}

static char *published_file(const char *name, size_t *size)
{
	const char *shared = getenv("HX_SHARED");
	char *path = shared ? hx_xasprintf("%s/data/vocab/%s", shared, name) : hx_xasprintf("%s/../shared/data/vocab/%s", HX_SRCDIR, name);
	char *bytes = slurp(path, size);

	if (!bytes)
		print_message("# no %s\n", path);
	free(path);
	return bytes;
}

static void check_published(const struct hx_tokenizer *t, const char *in, char *out)
{
	static const char separator[] = "\n__ggml_vocab_test__\n";
	const char *end;
	int n = 0;

	for (; (end = strstr(in, separator)); in = end + strlen(separator), n++) {
		int want[1024], k = 0;
		char *next;

		for (; *out && *out != '\n'; out = next + strspn(next, " "))
			want[k++] = (int)strtol(out, &next, 10);
		out += *out == '\n';
		want[k] = END;
		expect(t, in, (size_t)(end - in), false, false, want);
		round_trip(t, in, (size_t)(end - in));
	}
	assert_int_equal(*out, '\0');
	assert_true(n > 40);
}

static void published(void **state)
{
	static const char *const names[] = {"ggml-vocab-gpt-2.gguf", "ggml-vocab-llama-spm.gguf"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char in_name[64], out_name[64], *bytes, *in, *out;
		struct hx_tokenizer *t;
		struct hx_gguf *g;
		struct hx_err err;
		size_t size, n;

		snprintf(in_name, sizeof(in_name), "%s.inp", names[i]);
		snprintf(out_name, sizeof(out_name), "%s.out", names[i]);
		bytes = published_file(names[i], &size);
		in = published_file(in_name, &n);
		out = published_file(out_name, &n);
		if (!bytes || !in || !out)
			skip();
		if (hx_gguf_parse(&g, bytes, size, names[i], &err) || hx_tokenizer_create(&t, g, &err))
			fail_msg("%s", err.msg);
		check_published(t, in, out);
		round_trips(t);
		hx_tokenizer_free(t);
		hx_gguf_free(g);
		free(bytes);
		free(in);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same), cmocka_unit_test(refuses), cmocka_unit_test(survives), cmocka_unit_test(published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
