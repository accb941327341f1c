/* SentencePiece. */
#include "vocabularies.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentencepiece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
