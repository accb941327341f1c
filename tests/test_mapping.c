#include "engine/plan.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Four layers; units that are awkward to read: one that looks like a core count, and two of which one's name begins with the other's. */
static const struct hx_shape shape = {.layers = 4, .d_model = 64, .heads = 4, .kv_heads = 2, .d_head = 16, .d_ff = 128, .vocab = 100};
static const struct hx_unit a55 = {.name = "a55", .kind = HX_CPU, .cores = 6, .usable = 4, .clock_hz = 1.8e9};
static const struct hx_unit gpu = {.name = "g310", .kind = HX_GPU, .cores = 2, .usable = 2, .clock_hz = 1e9};
static const struct hx_unit x3 = {.name = "x3", .kind = HX_CPU, .cores = 2, .usable = 2};
static const struct hx_unit a55x2 = {.name = "a55x2", .kind = HX_CPU, .cores = 3, .usable = 3};
static const struct hx_unit npu = {.name = "npu-v2", .kind = HX_NPU, .cores = 1, .usable = 1};
static const struct hx_unit taken = {.name = "taken", .kind = HX_CPU, .cores = 2, .usable = 0};
static const struct hx_units units = {6, {&a55, &gpu, &x3, &a55x2, &npu, &taken}};

/* Placement: embedding, each layer's attention and feed-forward, head, as the first letter of the unit (b: a55x2), then the uses' cores. */
static const struct {
	const char *text, *embed, *layers, *head;
	int cores[4];
} good[] = {
	{"a55", "a", "aaaaaaaa", "a", {4}},
	{"a55x1", "a", "aaaaaaaa", "a", {1}},
	{"a55x4", "a", "aaaaaaaa", "a", {4}},
	{"g310", "g", "gggggggg", "g", {2}},
	{"npu-v2", "n", "nnnnnnnn", "n", {1}},
	{"x3", "x", "xxxxxxxx", "x", {2}},
	{"x3x1", "x", "xxxxxxxx", "x", {1}},
	{"a55x2", "b", "bbbbbbbb", "b", {3}}, /* a unit's name before a unit with a count */
	{"a55x2x2", "b", "bbbbbbbb", "b", {2}},
	{"a55x3", "a", "aaaaaaaa", "a", {3}},
	{"a55x1:0-3", "a", "aaaaaaaa", "a", {1}},
	{"a55x1:0-1+g310:2-3", "a", "aaaagggg", "g", {1, 2}},
	{"g310:2-3+a55x1:0-1", "a", "aaaagggg", "g", {2, 1}},
	{"a55:0,2+g310:1,3", "a", "aaggaagg", "g", {4, 2}},
	{"a55:0-2,head+g310:3", "a", "aaaaaagg", "a", {4, 2}},
	{"a55:0-3+g310:embed", "g", "aaaaaaaa", "a", {4, 2}},
	{"a55:0-3+g310:head,embed", "g", "aaaaaaaa", "g", {4, 2}},
	{"a55:0-3.attn+g310:0-3.ffn", "a", "agagagag", "g", {4, 2}},
	{"g310:0-3.ffn+a55:0-3.attn,head", "a", "agagagag", "a", {2, 4}},
	{"a55:0.attn,1-3+g310:0.ffn", "a", "agaaaaaa", "a", {4, 2}},
	{"a55+g310:3", "a", "aaaaaagg", "g", {4, 2}},
	{"g310:0-1+a55", "g", "ggggaaaa", "a", {2, 4}},
	{"g310:head+a55x2x1+x3x1:1-2.ffn", "b", "bbbxbxbb", "g", {2, 1, 1}},
	{"a55:0+g310:1+x3:2+npu-v2:3", "a", "aaggxxnn", "n", {4, 2, 2, 1}},
};

/* Clocks by use: as typed, or the unit's own. */
static const struct {
	const char *text;
	double clock_hz[2];
} clocked[] = {
	{"a55x3", {1.8e9}},
	{"a55x3@600MHz", {6e8}},
	{"a55@1.8GHz", {1.8e9}},
	{"a55x1@1.2GHz:0-1+g310@850.5MHz:2-3", {1.2e9, 8.505e8}},
	{"a55x1@1.009GHz", {1.009e9}},
	{"a55x1@1009MHz", {1.009e9}},
	{"g310+a55@900MHz:3", {1e9, 9e8}},
};

static void clocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(clocked); i++) {
		struct hx_mapping m;
		struct hx_err err;

		if (hx_mapping_parse(&m, clocked[i].text, &shape, &units, &err))
			fail_msg("%s", err.msg);
		for (int k = 0; k < m.n_uses; k++)
			check_near(m.uses[k].clock_hz, clocked[i].clock_hz[k], 0);
		hx_mapping_free(&m);
	}
}

static char letter(const struct hx_mapping *m, int use)
{
	const char *name = units.v[m->uses[use].unit]->name;

	return strcmp(name, "a55x2") == 0 ? 'b' : name[0];
}

static void places(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct hx_mapping m;
		struct hx_err err;
		char layers[9] = "";

		if (hx_mapping_parse(&m, good[i].text, &shape, &units, &err))
			fail_msg("%s", err.msg);
		for (int l = 0; l < 4; l++) {
			layers[2 * l] = letter(&m, m.attn[l]);
			layers[2 * l + 1] = letter(&m, m.ffn[l]);
		}
		if (strcmp(layers, good[i].layers) || letter(&m, m.embed) != *good[i].embed || letter(&m, m.head) != *good[i].head)
			fail_msg("%s: %c %s %c", good[i].text, letter(&m, m.embed), layers, letter(&m, m.head));
		assert_string_equal(m.text, good[i].text);
		assert_int_equal(m.n_layers, 4);
		for (int u = 0; u < 4; u++)
			assert_int_equal(u < m.n_uses ? m.uses[u].cores : 0, good[i].cores[u]);
		hx_mapping_free(&m);
		assert_null(m.attn);
	}
}

static const struct {
	const char *text, *message;
} bad[] = {
	{"", "no unit ''; the profile has a55, g310, x3, a55x2, npu-v2, taken"},
	{"a56", "no unit 'a56'"},
	{"A55", "no unit 'A55'"},
	{"a55 ", "no unit 'a55 '"},
	{"x1", "no unit 'x1'"},
	{"a55x", "no unit 'a55x'"},
	{"a55x0", "a55 has 1 to 4 usable cores"},
	{"a55x5", "a55 has 1 to 4 usable cores"},
	{"a55x99999999999", "a55 has 1 to 4 usable cores"},
	{"a55x-1", "no unit"},
	{"g310x1", "only a CPU takes a core count"},
	{"npu-v2x1", "only a CPU takes a core count"},
	{"taken", "all cores of taken are reserved"},
	{"takenx1", "usable cores"},
	{"a55@", "expected a clock such as 1.8GHz"},
	{"a55@1.8", "expected a clock"},
	{"a55@GHz", "expected a clock"},
	{"a55@1.2.3GHz", "expected a clock"},
	{"a55@1.8ghz", "expected a clock"},
	{"a55@1.8GHzz", "expected a clock"},
	{"a55@-1GHz", "expected a clock"},
	{"a55@1e9GHz", "expected a clock"},
	{"a55@infGHz", "expected a clock"},
	{"a55@0.0000000000000001GHz", "expected a clock"},
	{"a55@0GHz", "a55 runs at up to 1800 MHz"},
	{"a55@.GHz", "expected a clock"},
	{"a55@1801MHz", "a55 runs at up to 1800 MHz"},
	{"g310@1.1GHz", "g310 runs at up to 1000 MHz"},
	{"a55@1GHzx2", "expected a clock"},
	{"a55:", "expected a layer range"},
	{"a55:0-", "expected a layer range"},
	{"a55:x", "expected a layer range"},
	{"a55:-1", "expected a layer range"},
	{"a55:0-3,", "expected a layer range"},
	{"a55:0-4", "the model has layers 0-3"},
	{"a55:4", "the model has layers 0-3"},
	{"a55:2-1", "the model has layers 0-3"},
	{"a55:0-99999", "expected a layer range"},
	{"a55:0-3.att", "expected '+', ',' or the end"},
	{"a55:0-3.attnffn", "expected '+', ',' or the end"},
	{"a55:0-3 ", "expected '+', ',' or the end"},
	{"a55:headx", "expected a layer range"},
	{"a55:0-3:head", "expected '+', ',' or the end"},
	{"a55:0-2", "layer 3 is placed nowhere"},
	{"a55:1-3", "layer 0 is placed nowhere"},
	{"a55:0-3.attn", "layer 0.ffn is placed nowhere"},
	{"a55:0-3.attn+g310:0-2.ffn", "layer 3.ffn is placed nowhere"},
	{"a55:0-3.ffn", "layer 0.attn is placed nowhere"},
	{"a55:head", "layer 0 is placed nowhere"},
	{"a55:0-3+g310:3", "attention is placed twice"},
	{"a55:0-3+g310:3.ffn", "feed-forward part is placed twice"},
	{"a55:0-3,head+g310:head", "head is placed twice"},
	{"a55:embed,0-3,embed", "embedding is placed twice"},
	{"a55+g310", "only one unit can take the rest"},
	{"a55x1:0-1+a55x3:2-3", "a unit may stand only once"},
	{"a55:0-3+", "no unit ''"},
	{"+a55", "no unit ''"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct hx_mapping m;
		struct hx_err err;

		assert_int_equal(hx_mapping_parse(&m, bad[i].text, &shape, &units, &err), HX_INPUT);
		if (!strstr(err.msg, bad[i].message) || strncmp(err.msg, "mapping '", 9) != 0 || !strstr(err.msg, bad[i].text))
			fail_msg("%s: %s", bad[i].text, err.msg);
	}
}

/* Long rubbish is cut in messages and harms nothing. */
static void survives(void **state)
{
	char text[5000];
	struct hx_mapping m;
	struct hx_err err;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(hx_mapping_parse(&m, text, &shape, &units, &err), HX_INPUT);
	memset(text, '+', sizeof(text) - 1);
	assert_int_equal(hx_mapping_parse(&m, text, &shape, &units, &err), HX_INPUT);
	memcpy(text, "a55:", 4);
	for (size_t i = 4; i < sizeof(text) - 1; i++)
		text[i] = "0,"[i % 2];
	assert_int_equal(hx_mapping_parse(&m, text, &shape, &units, &err), HX_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(places), cmocka_unit_test(clocks), cmocka_unit_test(refuses), cmocka_unit_test(survives)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
