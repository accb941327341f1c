/* The tokens of the pair that ships are those it was trained on: what the `tokenizers` package of the recipe makes of the same texts. */
#include "engine/tokenizer.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { BOS, EOS, MOST = 40 };

static const struct {
	const char *text;
	int ids[MOST]; /* end with BOS, which no text has */
} cases[] = {
	{"Der Kaffee ist kalt.", {644, 1987, 325, 301, 1395, 16}},
	{"Ihr müsst vor zehn Uhr zu Hause sein.", {1037, 986, 270, 629, 313, 1341, 1305, 328, 1034, 475, 16}},
	{"Am 24. Dezember 2017 kostete es 3,50 €.", {35, 79, 223, 20, 22, 16, 713, 71, 92, 1436, 223, 20, 18, 19, 25, 301, 520, 71, 289, 397, 223, 21,
						      14, 23, 18, 223, 161, 227, 108, 16}},
	{"It's  the dog's, isn't it?\n", {507, 364, 223, 302, 1236, 364, 14, 990, 326, 412, 33, 201}},
	{"„Größe“ – naïve 漢字 🙂", {731, 255, 41, 84, 339, 1617, 1381, 1323, 244, 1480, 130, 110, 331, 223, 165, 123, 98, 164, 258, 248, 223, 175, 256,
				       250, 227}},
	{"   ", {223, 223, 223}},
};

static void test_ids(void **state)
{
	static const char *const roles[] = {"target", "drafter"};

	(void)state;
	for (size_t r = 0; r < COUNT(roles); r++) {
		char *path = hx_xasprintf("%s/models/pair/pair-%s.gguf", HX_SRCDIR, roles[r]);
		struct hx_tokenizer *t;
		struct hx_gguf *gguf;
		struct hx_err err;

		assert_int_equal(hx_gguf_open(&gguf, path, &err), HX_OK);
		assert_int_equal(hx_tokenizer_create(&t, gguf, &err), HX_OK);
		assert_int_equal(hx_tokenizer_bos(t), BOS);
		assert_true(hx_tokenizer_ends(t, EOS));
		for (size_t c = 0; c < COUNT(cases); c++) {
			int *tokens, n = (int)hx_tokenizer_encode(t, cases[c].text, strlen(cases[c].text), true, false, &tokens);

			/* <s> German </s> */
			assert_int_equal(tokens[0], BOS);
			assert_int_equal(tokens[n - 1], EOS);
			for (int i = 1; i < n; i++)
				assert_int_equal(i < n - 1 ? tokens[i] : BOS, cases[c].ids[i - 1]);
			free(tokens);
		}
		hx_tokenizer_free(t);
		hx_gguf_free(gguf);
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
