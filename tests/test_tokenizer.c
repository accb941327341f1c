#include "engine/pretokenize.h"
#include "engine/tokenizer.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- small vocabularies ---- */

enum { UNKNOWN = 2, CONTROL, USER, UNUSED, BYTE, ROOM = 320, BYTES = 3 };

/* <unk>, <s>, </s>, a token for every byte, then those of `more`. What is 0 is as a good file has it. */
struct spec {
	const char *model, *pre;
	struct {
		const char *text;
		int type;     /* 0: a plain one */
		double score; /* of SentencePiece */
	} more[24];
	const char *merges[16];
	int types, scores;               /* how many more than tokens; NONE: no such array */
	int type_kind, score_kind;
	bool no_tokens, no_merges, tokens_are_numbers;
	int64_t bos, eos, eot, unknown;  /* less one */
	int add_bos, add_eos, no_prefix; /* add_bos: -1 for no */
};

enum { NONE = -1000 };

static const struct spec spm = {
	.model = "llama",
	.more = {{"\xe2\x96\x81", 0, -100}, {"h", 0, -101}, {"e", 0, -102}, {"l", 0, -103}, {"o", 0, -104}, {"he", 0, -1}, {"ll", 0, -2},
		 {"\xe2\x96\x81he", 0, -3}, {"llo", 0, -4}, {"\xe2\x96\x81hello", 0, -5}, {"<user>", USER, 0}, {"<|im_end|>", CONTROL, 0},
		 {"</", 0, -6}, {"s>", 0, -7}, {"<", 0, -105}, {"/", 0, -106}, {"s", 0, -107}, {">", 0, -108}, {"\xc3\xa9", 0, -109}},
};

static const struct spec bpe = {
	.model = "gpt2", .pre = "gpt-2", .unknown = 1,
	.more = {{"he", 0, 0}, {"ll", 0, 0}, {"\xc4\xa0he", 0, 0}, {"hell", 0, 0}, {"hello", 0, 0}, {"<user>", USER, 0}, {"<user><user>", USER, 0},
		 {"<|im_end|>", CONTROL, 0}, {"<|im_end", CONTROL, 0}, {"xyz", 0, 0}, {"\xe6\x88\x91", USER, 0}},
	.merges = {"h e", "l l", "\xc4\xa0 he", "he ll", "hell o"},
};

/* Ids of `more` and of bytes. */
enum { MORE = BYTES + 256 };

/* The spelling of a byte in byte-level BPE. */
static void spell(char *to, int byte)
{
	int next = 256;

	for (int b = 0; b <= byte; b++) {
		bool prints = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
		int c = prints ? b : next++;

		if (b == byte)
			snprintf(to, 8, c < 0x80 ? "%c" : "%c%c", c < 0x80 ? c : 0xc0 | c >> 6, 0x80 | (c & 0x3f));
	}
}

static void write_arrays(struct hx_gguf_writer *w, const struct spec *s)
{
	static char names[256][8];
	struct hx_gguf_text texts[ROOM] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}}, merges[16];
	double types[ROOM] = {UNKNOWN, CONTROL, CONTROL}, scores[ROOM] = {0};
	size_t n = BYTES, n_merges = 0;

	for (int b = 0; b < 256; b++, n++) {
		if (strcmp(s->model, "gpt2") == 0)
			spell(names[b], b);
		else
			snprintf(names[b], sizeof(names[b]), "<0x%02X>", (unsigned)b);
		texts[n] = (struct hx_gguf_text){names[b], strlen(names[b])};
		types[n] = strcmp(s->model, "gpt2") == 0 ? 1 : BYTE;
	}
	for (size_t i = 0; i < COUNT(s->more) && s->more[i].text; i++, n++) {
		texts[n] = (struct hx_gguf_text){s->more[i].text, strlen(s->more[i].text)};
		types[n] = s->more[i].type ? s->more[i].type : 1;
		scores[n] = s->more[i].score;
	}
	for (; n_merges < COUNT(merges) && s->merges[n_merges]; n_merges++)
		merges[n_merges] = (struct hx_gguf_text){s->merges[n_merges], strlen(s->merges[n_merges])};
	if (s->tokens_are_numbers)
		hx_gguf_write_numbers(w, "tokenizer.ggml.tokens", HX_GGUF_F32, scores, n);
	else if (!s->no_tokens)
		hx_gguf_write_strings(w, "tokenizer.ggml.tokens", texts, n);
	if (s->types != NONE)
		hx_gguf_write_numbers(w, "tokenizer.ggml.token_type", s->type_kind ? s->type_kind : HX_GGUF_I32, types, n + (size_t)s->types);
	if (s->scores != NONE)
		hx_gguf_write_numbers(w, "tokenizer.ggml.scores", s->score_kind ? s->score_kind : HX_GGUF_F32, scores, n + (size_t)s->scores);
	if (strcmp(s->model, "gpt2") == 0 && !s->no_merges)
		hx_gguf_write_strings(w, "tokenizer.ggml.merges", merges, n_merges);
}

static void write_id(struct hx_gguf_writer *w, const char *key, int64_t id)
{
	if (id)
		hx_gguf_write_integer(w, key, HX_GGUF_U32, id - 1);
}

static void write_file(const struct spec *s, char *path)
{
	int fd = mkstemp(path);
	struct hx_gguf_writer *w;
	struct hx_err err;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(hx_gguf_write(&w, path, &err), HX_OK);
	if (*s->model)
		hx_gguf_write_string(w, "tokenizer.ggml.model", s->model);
	if (s->pre)
		hx_gguf_write_string(w, "tokenizer.ggml.pre", s->pre);
	write_arrays(w, s);
	write_id(w, "tokenizer.ggml.bos_token_id", s->bos);
	write_id(w, "tokenizer.ggml.eos_token_id", s->eos);
	write_id(w, "tokenizer.ggml.eot_token_id", s->eot);
	write_id(w, "tokenizer.ggml.unknown_token_id", s->unknown);
	if (s->add_bos)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_bos_token", HX_GGUF_BOOL, s->add_bos > 0);
	if (s->add_eos)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_eos_token", HX_GGUF_BOOL, 1);
	if (s->no_prefix)
		hx_gguf_write_integer(w, "tokenizer.ggml.add_space_prefix", HX_GGUF_BOOL, 0);
	if (hx_gguf_write_end(w, &err))
		fail_msg("%s", err.msg);
}

static struct hx_gguf *gguf(const struct spec *s)
{
	char path[] = "test_tokenizer.XXXXXX";
	struct hx_gguf *g;
	struct hx_err err;

	write_file(s, path);
	if (hx_gguf_open(&g, path, &err))
		fail_msg("%s", err.msg);
	unlink(path);
	return g;
}

static struct hx_tokenizer *tokenizer(const struct spec *s)
{
	struct hx_gguf *g = gguf(s);
	struct hx_tokenizer *t;
	struct hx_err err;

	if (hx_tokenizer_create(&t, g, &err))
		fail_msg("%s", err.msg);
	hx_gguf_free(g);
	return t;
}

/* ---- what is expected ---- */

enum { END = -1 };

static void expect(const struct hx_tokenizer *t, const char *text, size_t len, bool begin, bool special, const int *want)
{
	char got[4096] = "", wanted[4096] = "";
	int *tokens;
	size_t n = hx_tokenizer_encode(t, text, len, begin, special, &tokens);

	for (size_t i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), " %d", tokens[i]);
	for (; *want != END; want++)
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), " %d", *want);
	if (strcmp(got, wanted) != 0)
		fail_msg("'%.*s':%s, not%s", (int)len, text, got, wanted);
	free(tokens);
}

static void round_trip(const struct hx_tokenizer *t, const char *text, size_t len)
{
	size_t at = 0, n;
	int *tokens;

	n = hx_tokenizer_encode(t, text, len, false, false, &tokens);
	for (size_t i = 0; i < n; i++) {
		struct hx_gguf_text piece = hx_tokenizer_piece(t, tokens[i], false);
		size_t drop = i == 0 && hx_tokenizer_space_prefix(t);

		assert_true(piece.len >= drop && at + piece.len - drop <= len);
		assert_memory_equal(text + at, piece.s + drop, piece.len - drop);
		at += piece.len - drop;
	}
	assert_int_equal(at, len);
	free(tokens);
}

/* Bytes of all values, and text among them. */
static void round_trips(const struct hx_tokenizer *t)
{
	static const char *const words[] = {" ", "hello", " hello", "\n", "\xc3\xa9", "\xe6\x88\x91", "\xf0\x9f\xa6\x99", "42", "  ", "</s>"};
	uint32_t x = 12345;

	for (int round = 0; round < 2000; round++) {
		char text[64];
		size_t len = 0, most = (size_t)round % 40;

		while (len < most) {
			x = x * 1664525 + 1013904223;
			if (x >> 31) {
				size_t w = (x >> 16) % COUNT(words);

				memcpy(text + len, words[w], strlen(words[w]));
				len += strlen(words[w]);
			} else {
				text[len++] = (char)(x >> 16);
			}
		}
		round_trip(t, text, len);
	}
}

/* ---- tests ---- */

#define B(byte) (BYTES + (byte))

static void sentencepiece(void **state)
{
	static const struct {
		const char *text;
		int tokens[16];
	} cases[] = {
		{"", {END}},
		{"hello", {MORE + 9, END}},
		{"hell", {MORE + 7, MORE + 6, END}},
		{" hello", {MORE + 0, MORE + 9, END}},
		{"lll", {MORE + 0, MORE + 6, MORE + 3, END}}, /* the left one of two equal pairs first */
		{"a", {MORE + 0, B('a'), END}},
		{"\xc3\xa9", {MORE + 0, MORE + 18, END}},
		{"\xc3", {MORE + 0, B(0xc3), END}}, /* a character that is cut off, and a byte that begins none */
		{"\xe6\x88", {MORE + 0, B(0xe6), B(0x88), END}},
		{"\xff\xe6\x88\x91", {MORE + 0, B(0xff), B(0xe6), B(0x88), B(0x91), END}},
		{"</s>", {MORE + 0, MORE + 12, MORE + 13, END}}, /* its merges lead to a control token, which text never becomes */
		{"h<user>h", {MORE + 0, MORE + 1, MORE + 10, MORE + 0, MORE + 1, END}},
		{"<|im_end|>", {MORE + 0, MORE + 14, B('|'), B('i'), B('m'), B('_'), MORE + 2, B('n'), B('d'), B('|'), MORE + 17, END}},
	};
	static const int with[] = {1, MORE + 7, 2, MORE + 10, 0, MORE + 0, B('.'), END}, bare[] = {MORE + 5, END};
	struct spec s = spm;
	struct hx_tokenizer *t = tokenizer(&s);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect(t, cases[i].text, strlen(cases[i].text), false, false, cases[i].tokens);
	expect(t, "he</s><user><unk>.", 18, true, true, with);
	assert_true(hx_tokenizer_space_prefix(t));
	round_trips(t);
	hx_tokenizer_free(t);
	s.no_prefix = 1;
	t = tokenizer(&s);
	expect(t, "he", 2, false, false, bare);
	assert_false(hx_tokenizer_space_prefix(t));
	round_trips(t);
	hx_tokenizer_free(t);
}

static void byte_level(void **state)
{
	static const struct {
		const char *text;
		int tokens[16];
	} cases[] = {
		{"", {END}},
		{"hello", {MORE + 4, END}},
		{" hello", {MORE + 2, MORE + 1, B('o'), END}},
		{"lll", {MORE + 1, B('l'), END}},
		{"a\n\xff", {B('a'), B('\n'), B(0xff), END}},
		{"\xc3", {B(0xc3), END}},
		{"xyz", {B('x'), B('y'), B('z'), END}}, /* a token, but no merges lead there */
		{"\xe6\x88\x91!", {MORE + 10, B('!'), END}},
		{"h<user>h", {B('h'), MORE + 5, B('h'), END}},
		{"<user><user><user>", {MORE + 6, MORE + 5, END}},
		{"<user", {B('<'), B('u'), B('s'), B('e'), B('r'), END}},
		{"<|", {B('<'), B('|'), END}},
	};
	static const int with[] = {MORE + 7, MORE + 8, B('|'), MORE + 5, END};
	static const char text[] = "<|im_end|><|im_end|<user>";
	struct spec s = bpe;
	struct hx_tokenizer *t = tokenizer(&s);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect(t, cases[i].text, strlen(cases[i].text), true, false, cases[i].tokens);
	expect(t, text, strlen(text), true, true, with);
	assert_false(hx_tokenizer_space_prefix(t));
	round_trips(t);
	hx_tokenizer_free(t);
	s.pre = "llama-bpe";
	s.add_bos = -1;
	t = tokenizer(&s);
	expect(t, "xyz", 3, true, false, (const int[]){MORE + 9, END});
	expect(t, "xyz\nxyz", 7, true, false, (const int[]){MORE + 9, B('\n'), MORE + 9, END});
	hx_tokenizer_free(t);
}

static void begins_and_ends(void **state)
{
	static const struct {
		struct spec s;
		const char *model, *pre;
		int bos, eos, want[4];
	} cases[] = {
		{.model = "llama", .bos = 1, .eos = 2, .want = {1, MORE, B('!'), END}},
		{.model = "llama", .s = {.add_bos = -1, .add_eos = 1}, .bos = 1, .eos = 2, .want = {MORE, B('!'), 2, END}},
		{.model = "llama", .s = {.bos = 1, .eos = 8}, .bos = 0, .eos = 7, .want = {0, MORE, B('!'), END}},
		{.model = "gpt2", .pre = "gpt-2", .bos = -1, .eos = -1, .want = {B('!'), END}},
		{.model = "gpt2", .bos = -1, .eos = -1, .want = {B('!'), END}},
		{.model = "gpt2", .pre = "default", .s = {.add_bos = 1, .add_eos = 1}, .bos = -1, .eos = -1, .want = {B('!'), END}},
		{.model = "gpt2", .pre = "qwen2", .s = {.bos = 2, .eos = 3, .add_bos = 1, .add_eos = 1}, .bos = 1, .eos = 2, .want = {1, B('!'), 2, END}},
		{.model = "gpt2", .pre = "llama-bpe", .s = {.bos = 2}, .bos = 1, .eos = -1, .want = {1, B('!'), END}},
		{.model = "gpt2", .pre = "smollm", .s = {.bos = 2}, .bos = 1, .eos = -1, .want = {B('!'), END}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec s = cases[i].s;
		struct hx_tokenizer *t;

		s.model = cases[i].model;
		s.pre = cases[i].pre;
		s.more[0].text = "\xe2\x96\x81";
		t = tokenizer(&s);
		assert_int_equal(hx_tokenizer_bos(t), cases[i].bos);
		if (cases[i].eos >= 0)
			assert_true(hx_tokenizer_ends(t, cases[i].eos));
		expect(t, "!", 1, true, false, cases[i].want);
		hx_tokenizer_free(t);
	}
}

/* Ends by id and by name; control tokens, which are silent. */
static void control(void **state)
{
	struct spec s = spm;
	struct hx_tokenizer *t;
	static const struct {
		int token;
		bool ends;
		const char *piece, *special;
	} cases[] = {
		{0, false, "", "<unk>"}, {1, false, "", "<s>"}, {2, true, "", "</s>"}, {MORE + 0, false, " ", " "}, {MORE + 9, false, " hello", " hello"},
		{MORE + 10, true, "<user>", "<user>"}, {MORE + 11, true, "", "<|im_end|>"}, {B('\n'), false, "\n", "\n"}, {MORE + 13, false, "s>", "s>"},
	};

	(void)state;
	s.eot = MORE + 10 + 1;
	t = tokenizer(&s);
	for (size_t i = 0; i < COUNT(cases); i++)
		for (int special = 0; special < 2; special++) {
			const char *want = special ? cases[i].special : cases[i].piece;
			struct hx_gguf_text piece = hx_tokenizer_piece(t, cases[i].token, special);

			if (piece.len != strlen(want) || memcmp(piece.s, want, piece.len) != 0)
				fail_msg("token %d: '%.*s', not '%s'", cases[i].token, (int)piece.len, piece.s, want);
			assert_int_equal(hx_tokenizer_ends(t, cases[i].token), cases[i].ends);
		}
	hx_tokenizer_free(t);
}

/* A file from before there were types: bytes and control tokens are known by how they look. */
static void untyped(void **state)
{
	static const int want[] = {1, MORE + 7, B('a'), 2, END}, text[] = {MORE + 0, MORE + 12, MORE + 13, END};
	struct spec s = spm;
	struct hx_tokenizer *t;

	(void)state;
	s.types = NONE;
	t = tokenizer(&s);
	expect(t, "hea</s>", 7, true, true, want);
	expect(t, "</s>", 4, false, false, text);
	assert_true(hx_tokenizer_ends(t, 2));
	assert_int_equal(hx_tokenizer_piece(t, B(0), false).len, 1);
	assert_int_equal(hx_tokenizer_piece(t, 2, false).len, 0);
	round_trips(t);
	hx_tokenizer_free(t);
}

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

/* Splits of the tokenizers' regular expressions by a library for these: GPT-2, SmolLM, Llama 3, Qwen 2. */
static const struct {
	const char *pieces[4];
} splits[] = {
	{{"I|'ve| told| HE|'|S| they|'|LL| '|tis",
	  "I|'ve| told| HE|'|S| they|'|LL| '|tis",
	  "I|'ve| told| HE|'S| they|'LL| '|tis",
	  "I|'ve| told| HE|'S| they|'LL| '|tis"}},
	{{"Straße| kostet| 12345|,|67| €| (|ca|.)",
	  "Straße| kostet| |1|2|3|4|5|,|6|7| €| (|ca|.)",
	  "Straße| kostet| |123|45|,|67| €| (|ca|.)",
	  "Straße| kostet| |1|2|3|4|5|,|6|7| €| (|ca|.)"}},
	{{"我想在apple工作|1314151|天|～",
	  "我想在apple工作|1|3|1|4|1|5|1|天|～",
	  "我想在apple工作|131|415|1|天|～",
	  "我想在apple工作|1|3|1|4|1|5|1|天|～"}},
	{{"a| | b|  | c|\t|\t|d| \n\n | e|\r\n",
	  "a| | b|  | c|\t|\t|d| \n\n | e|\r\n",
	  "a| | b|  | c|\t|\td| \n\n| | e|\r\n",
	  "a| | b|  | c|\t|\td| \n\n| | e|\r\n"}},
	{{"🙂\342\200\215🦙| x|²|y| ½| 4Ⅷ",
	  "🙂\342\200\215🦙| x|²|y| |½| |4|Ⅷ",
	  "🙂\342\200\215🦙| x|²|y| |½| |4Ⅷ",
	  "🙂\342\200\215🦙| x|²|y| |½| |4|Ⅷ"}},
	{{"foo|_|bar|(|1|,| '|x|');|\n\n|\t|if| (|a| !=| b|)| {}",
	  "foo|_|bar|(|1|,| '|x|');|\n\n|\t|if| (|a| !=| b|)| {}",
	  "foo|_bar|(|1|,| '|x|');\n\n|\tif| (|a| !=| b|)| {}",
	  "foo|_bar|(|1|,| '|x|');\n\n|\tif| (|a| !=| b|)| {}"}},
	{{"e|\314\201|te|\314\201| naïve|\343\200\200|\302\240|x|  ",
	  "e|\314\201|te|\314\201| naïve|\343\200\200|\302\240|x|  ",
	  "e|\314\201te|\314\201| naïve|\343\200\200|\302\240x|  ",
	  "e|\314\201te|\314\201| naïve|\343\200\200|\302\240x|  "}},
	{{"٣٤٥٦| нещо|\342\200\250| 42",
	  "٣|٤|٥|٦| нещо|\342\200\250 |4|2",
	  "٣٤٥|٦| нещо|\342\200\250| |42",
	  "٣|٤|٥|٦| нещо|\342\200\250| |4|2"}},
	{{"   ",
	  "   ",
	  "   ",
	  "   "}},
	{{"\n \n| 7",
	  "\n \n |7",
	  "\n \n| |7",
	  "\n \n| |7"}},
	{{"''''|s| '|Re|'|M",
	  "''''|s| '|Re|'|M",
	  "''''|s| '|Re|'M",
	  "''''|s| '|Re|'M"}},
};

static void pretokenizers(void **state)
{
	static const char *const names[] = {"gpt-2", "smollm", "llama-bpe", "qwen2"};

	(void)state;
	for (size_t i = 0; i < COUNT(splits) * COUNT(names); i++) {
		const char *want = splits[i / 4].pieces[i % 4];
		const struct hx_pretokenizer *p = hx_pretokenize_find(names[i % 4], strlen(names[i % 4]));
		char text[200], got[200];
		size_t len = 0, n = 0;

		for (const char *c = want; *c; c++)
			if (*c != '|')
				text[len++] = *c;
		for (size_t at = 0, size; at < len; at += size) {
			size = hx_pretokenize_piece(p, text + at, len - at);
			memcpy(got + n, text + at, size);
			n += size;
			got[n++] = '|';
		}
		got[n - 1] = '\0';
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s, not %s", names[i % 4], got, want);
	}
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
		char path[] = "test_tokenizer.XXXXXX";

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

/* ---- published vocabularies ---- */

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
		cmocka_unit_test(sentencepiece), cmocka_unit_test(byte_level), cmocka_unit_test(begins_and_ends), cmocka_unit_test(control),
		cmocka_unit_test(untyped), cmocka_unit_test(same), cmocka_unit_test(pretokenizers), cmocka_unit_test(refuses),
		cmocka_unit_test(survives), cmocka_unit_test(published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
