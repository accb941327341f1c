/* Special tokens: those that begin and end a text, control tokens, and how both are known. */
#include "vocabularies.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends), cmocka_unit_test(control), cmocka_unit_test(untyped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
