/* Byte-level BPE, and how it splits a text before. */
#include "engine/pretokenize.h"

#include "vocabularies.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_level), cmocka_unit_test(pretokenizers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
