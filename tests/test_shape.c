#include "core/input.h"
#include "core/shape.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Parameters as published (safetensors totals, tied tables once). */
static const struct {
	const char *name;
	int64_t params;
} published[] = {
	{"gemma3-1b", 999885952},     {"gemma3-270m", 268098176},   {"granite-4.0-350m", 352379904}, {"llama-2-7b", 6738415616},
	{"llama-3.1-8b", 8030261248}, {"llama-3.2-1b", 1235814400}, {"llama-3.2-3b", 3212749824},    {"qwen2.5-0.5b", 494032768},
	{"qwen2.5-1.5b", 1543714304}, {"qwen2.5-3b", 3085938688},   {"qwen2.5-7b", 7615616512},      {"qwen3-0.6b", 596049920},
	{"qwen3-1.7b", 1720574976},   {"qwen3-4b", 4022468096},     {"qwen3-8b", 8190735360},        {"redpajama-3b", 2775864320},
	{"smollm2-1.7b", 1711376384}, {"smollm2-135m", 134515008},  {"smollm2-360m", 361821120},     {"synth-1b", 1073809408},
	{"tinyllama-1.1b", 1100048384},
};

static void load(struct hx_shape *s, struct inputs *in, const char *name)
{
	const struct input *file;
	struct hx_err err;

	if (input_find(in, INPUT_MODEL, name, &file, &err) || shape_parse(s, file->text, file->len, file->path, &err))
		fail_msg("%s", err.msg);
}

static void published_counts(void **state)
{
	struct inputs in = {0};
	char **names = input_names(INPUT_MODEL);
	size_t known = 0;

	(void)state;
	for (char **n = names; *n; n++) {
		struct hx_shape s;

		load(&s, &in, *n);
		assert_string_equal(s.name, *n);
		for (size_t i = 0; i < COUNT(published); i++)
			if (strcmp(published[i].name, *n) == 0) {
				known++;
				if (hx_shape_params(&s) != published[i].params)
					fail_msg("%s has %lld parameters", *n, (long long)hx_shape_params(&s));
			}
		shape_free(&s);
	}
	assert_int_equal(known, COUNT(published));
	input_names_free(names);
	inputs_free(&in);
}

/* Bytes of a block as in ggml-common.h: a scale (2 bytes), minimum or sub-scales, and the values' bits. */
static void rows(void **state)
{
	static const struct {
		int type, n, stored;
		double bytes;
	} known[] = {
		{HX_F32, 3, HX_F32, 12},
		{HX_F16, 3, HX_F16, 6},
		{HX_BF16, 3, HX_BF16, 6},
		{HX_Q4_0, 64, HX_Q4_0, 2 * (2 + 16)},
		{HX_Q4_1, 64, HX_Q4_1, 2 * (2 + 2 + 16)},
		{HX_Q5_0, 64, HX_Q5_0, 2 * (2 + 4 + 16)},
		{HX_Q5_1, 64, HX_Q5_1, 2 * (2 + 2 + 4 + 16)},
		{HX_Q8_0, 64, HX_Q8_0, 2 * (2 + 32)},
		{HX_Q4_K, 512, HX_Q4_K, 2 * (2 + 2 + 12 + 128)},
		{HX_Q5_K, 512, HX_Q5_K, 2 * (2 + 2 + 12 + 32 + 128)},
		{HX_Q6_K, 512, HX_Q6_K, 2 * (128 + 64 + 16 + 2)},
		{HX_Q8_0, 33, HX_F16, 66},
		{HX_Q4_K, 1152, HX_F16, 2304},
		{HX_Q4_0, 1152, HX_Q4_0, 648},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		check_near(hx_shape_row_bytes(known[i].type, known[i].n), known[i].bytes, 0);
		assert_int_equal(hx_shape_row_type(known[i].type, known[i].n), known[i].stored);
	}
	for (int t = 0; t < HX_TYPE_COUNT; t++)
		assert_int_equal(hx_shape_type(hx_type_names[t]), t);
	assert_int_equal(hx_shape_type("Q8_0"), -1);
	assert_int_equal(hx_shape_type(""), -1);
	assert_null(hx_type_names[HX_TYPE_COUNT]);
}

static void bytes(void **state)
{
	static const struct {
		const char *model;
		int type;
		double bytes;
	} known[] = {
		/* 67,584 norm weights of 4 bytes; 1,235,746,816 others */
		{"llama-3.2-1b", HX_F16, 2 * 1235746816.0 + 4 * 67584},
		{"llama-3.2-1b", HX_Q8_0, 34 / 32.0 * 1235746816 + 4 * 67584},
		{"llama-3.2-1b", HX_Q4_K, 144 / 256.0 * 1235746816 + 4 * 67584},
		/* untied: 2 x 32000 x 4096 and 32 layers of 4 x 4096 x 4096 + 3 x 4096 x 11008; 65 norms */
		{"llama-2-7b", HX_Q4_0, 18 / 32.0 * (2 * 131072000.0 + 32 * 202375168.0) + 4 * 266240},
		/* rows of 1152 are f16, rows of 1024 and 6912 are q6_k; 134,272 norm weights */
		{"gemma3-1b", HX_Q6_K,
		 2.0 * 262144 * 1152 + 26 * (2.0 * 1536 * 1152 + 1152 * 4 * 210.0 + 2.0 * 13824 * 1152 + 1152 * 27 * 210.0) + 4 * 134272},
	};
	struct inputs in = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		struct hx_shape s;

		load(&s, &in, known[i].model);
		check_near(hx_shape_bytes(&s, known[i].type), known[i].bytes, 1e-12);
		shape_free(&s);
	}
	inputs_free(&in);
}

/* Gemma 3: every sixth layer is global. */
static void windows(void **state)
{
	struct hx_shape s = {.layers = 26, .window = 512, .global_every = 6};
	int global = 0;

	(void)state;
	for (int l = 0; l < s.layers; l++)
		global += !hx_shape_window(&s, l);
	assert_int_equal(global, 4);
	assert_int_equal(hx_shape_window(&s, 5), 0);
	assert_int_equal(hx_shape_window(&s, 4), 512);
	s.global_every = 0;
	assert_int_equal(hx_shape_window(&s, 5), 512);
	s.window = 0;
	assert_int_equal(hx_shape_window(&s, 4), 0);
}

#define SHAPE(members)                                                                                                                     \
	"{\"schema\": \"hexplore/model/1\", \"name\": \"m\", \"family\": \"llama\", \"from\": \"x\", \"tokenizer\": \"t\", \"layers\": "   \
	"2,\n"                                                                                                                             \
	"\"d_model\": 8, \"heads\": 6, \"d_head\": 4, \"d_ff\": 8, \"vocab\": 10, \"context\": 9" members "}"

static void parses(void **state)
{
	static const char good[] =
		SHAPE(", \"kv_heads\": 3, \"quality\": [{\"type\": \"q4_0\", \"metric\": \"BLEU\", \"value\": 30, \"from\": \"y\"}]");
	struct hx_shape s;
	struct hx_err err;

	(void)state;
	assert_int_equal(shape_parse(&s, good, strlen(good), "m.json", &err), HX_OK);
	assert_true(s.gated_ffn);
	assert_false(s.tied);
	assert_int_equal(s.norms, 2);
	check_near(shape_quality(&s, HX_Q4_0)->value, 30, 0);
	assert_null(shape_quality(&s, HX_F16));
	/* 2 x 10 x 8 + 2 layers of (6 + 3 + 3) x 4 x 8 + 8 x 24 + 3 x 8 x 8 + 2 x 8, + 8 */
	assert_int_equal(hx_shape_params(&s), 160 + 2 * (384 + 192 + 192 + 16) + 8);
	shape_free(&s);
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{SHAPE(", \"kv_heads\": 4"), "m.json: kv_heads: must divide heads (6), is 4"},
		{SHAPE(", \"kv_heads\": 0"), "m.json:2: kv_heads: must be in [1, 4096], is 0"},
		{SHAPE(""), "m.json:1: 'kv_heads' is missing (key and value heads)"},
		{SHAPE(", \"kv_heads\": 3, \"norm\": \"rmsnorm\""), "m.json:2: norm: unknown value 'rmsnorm'; known are: rms, layer"},
		{SHAPE(", \"kv_heads\": 3, \"windw\": 1"), "m.json:2: windw: unknown key, did you mean 'window'?"},
	};
	struct hx_shape s;
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(shape_parse(&s, bad[i].text, strlen(bad[i].text), "m.json", &err), HX_INPUT);
		assert_string_equal(err.msg, bad[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_counts), cmocka_unit_test(rows),   cmocka_unit_test(bytes),
		cmocka_unit_test(windows),          cmocka_unit_test(parses), cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
