#include "engine/model.h"

#include "check.h"
#include "engine/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char file[] = "test_model.tmp.gguf";

/* ---- every architecture, from a shape and back ---- */

static const struct {
	struct hx_shape shape;
	const char *rope_back; /* as it is read back */
	double embed_scale, attn_scale, theta_local;
	bool gelu, rope_pairs;
	double first_factor, last_factor; /* of the rotary frequencies; 0: there are none */
} families[] = {
	{{.name = "l", .family = "llama", .layers = 3, .d_model = 64, .heads = 4, .kv_heads = 2, .d_head = 16, .d_ff = 96, .vocab = 300, .context = 128,
	  .tied = true, .gated_ffn = true, .norms = 2, .rope = "plain", .rope_theta = 1e4},
	 "plain", 1, 0.25, 1e4, false, true, 0, 0},
	{{.name = "l3", .family = "llama", .layers = 2, .d_model = 64, .heads = 4, .kv_heads = 4, .d_head = 32, .d_ff = 32, .vocab = 1000,
	  .context = 1 << 17, .gated_ffn = true, .norms = 2, .rope = "llama3: base 500000, low frequencies scaled by 8", .rope_theta = 5e5},
	 "llama3: base 500000, low frequencies scaled by 8", 1, 0.17677669529663687, 5e5, false, true, 1, 8},
	{{.name = "biased", .family = "llama", .layers = 1, .d_model = 32, .heads = 2, .kv_heads = 1, .d_head = 16, .d_ff = 32, .vocab = 258,
	  .context = 64, .tied = true, .gated_ffn = true, .qkv_bias = true, .norms = 2, .rope = "plain", .rope_theta = 1e4},
	 "plain", 1, 0.25, 1e4, false, true, 0, 0},
	{{.name = "q2", .family = "qwen2", .layers = 2, .d_model = 48, .heads = 3, .kv_heads = 1, .d_head = 16, .d_ff = 80, .vocab = 258, .context = 64,
	  .gated_ffn = true, .qkv_bias = true, .norms = 2, .rope = "plain", .rope_theta = 1e6},
	 "plain", 1, 0.25, 1e6, false, false, 0, 0},
	{{.name = "q3", .family = "qwen3", .layers = 2, .d_model = 32, .heads = 4, .kv_heads = 2, .d_head = 64, .d_ff = 64, .vocab = 400, .context = 64,
	  .tied = true, .gated_ffn = true, .qk_norm = true, .norms = 2, .rope = "plain", .rope_theta = 1e6},
	 "plain", 1, 0.125, 1e6, false, false, 0, 0},
	{{.name = "g3", .family = "gemma3", .layers = 7, .d_model = 64, .heads = 2, .kv_heads = 1, .d_head = 16, .d_ff = 96, .vocab = 500, .context = 512,
	  .tied = true, .gated_ffn = true, .qk_norm = true, .norms = 4, .window = 16, .global_every = 6,
	  .rope = "base 1000000 in global layers, 10000 in windowed ones", .rope_theta = 1e6},
	 "base 1000000 in global layers, 10000 in windowed ones", 8, 0.25, 1e4, true, false, 0, 0},
};

static void synthesise(const struct hx_shape *s, int type, uint64_t seed)
{
	struct hx_err err;

	if (hx_synth_write(s, &(struct hx_synth_options){.type = type, .seed = seed}, file, &err))
		fail_msg("%s: %s", s->name, err.msg);
}

static void same_shape(const struct hx_shape *got, const struct hx_shape *want)
{
	const int figures[][2] = {
		{got->layers, want->layers}, {got->d_model, want->d_model}, {got->heads, want->heads}, {got->kv_heads, want->kv_heads},
		{got->d_head, want->d_head}, {got->d_ff, want->d_ff}, {got->vocab, want->vocab}, {got->context, want->context}, {got->tied, want->tied},
		{got->gated_ffn, want->gated_ffn}, {got->qk_norm, want->qk_norm}, {got->qkv_bias, want->qkv_bias}, {got->linear_bias, want->linear_bias},
		{got->norm, want->norm}, {got->norms, want->norms}, {got->window, want->window}, {got->global_every, want->global_every},
	};

	for (size_t i = 0; i < COUNT(figures); i++)
		if (figures[i][0] != figures[i][1])
			fail_msg("%s: figure %zu is %d, not %d", want->name, i, figures[i][0], figures[i][1]);
	assert_string_equal(got->family, want->family);
	check_near(got->rope_theta, want->rope_theta, 0);
	assert_true(hx_shape_params(got) == hx_shape_params(want));
}

static void families_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(families); i++) {
		const struct hx_shape *want = &families[i].shape;
		int n = want->d_head / 2;
		struct hx_model m;
		struct hx_err err;

		synthesise(want, HX_Q4_0, i);
		if (hx_model_open(&m, file, &err))
			fail_msg("%s: %s", want->name, err.msg);
		same_shape(&m.shape, want);
		assert_string_equal(m.shape.name, "test_model.tmp");
		assert_string_equal(m.shape.description, want->name);
		assert_string_equal(m.shape.from, "metadata of test_model.tmp.gguf");
		assert_string_equal(m.shape.rope, families[i].rope_back);
		check_near(m.embed_scale, families[i].embed_scale, 1e-12);
		check_near(m.attn_scale, families[i].attn_scale, 1e-12);
		check_near(m.rope_theta_local, families[i].theta_local, 0);
		check_near(m.rope_scale, 1, 0);
		check_near(m.norm_eps, 1e-5, 1e-6);
		assert_int_equal(m.gelu, families[i].gelu);
		assert_int_equal(m.rope_pairs, families[i].rope_pairs);
		assert_int_equal(m.rope_dims, want->d_head);
		assert_int_equal(m.rope_factors != NULL, families[i].first_factor > 0);
		if (m.rope_factors) {
			check_near(m.rope_factors[0], families[i].first_factor, 1e-6);
			check_near(m.rope_factors[n - 1], families[i].last_factor, 1e-6);
		}
		assert_ptr_equal(m.head == m.embed ? m.head : NULL, want->tied ? m.embed : NULL);
		for (int l = 0; l < want->layers; l++) {
			assert_non_null(m.layers[l].part[HX_PART_DOWN]);
			assert_int_equal(m.layers[l].part[HX_PART_Q_BIAS] != NULL, want->qkv_bias);
			assert_int_equal(m.layers[l].part[HX_PART_K_NORM] != NULL, want->qk_norm);
			assert_int_equal(m.layers[l].part[HX_PART_FFN_POST_NORM] != NULL, want->norms == 4);
		}
		check_near(m.file_bytes, hx_shape_bytes(want, HX_Q4_0) + (m.rope_factors ? 4 * n : 0), 0);
		hx_model_free(&m);
	}
	unlink(file);
}

static void types(void **state)
{
	const struct hx_shape *s = &families[1].shape;

	(void)state;
	for (int type = 0; type < HX_TYPE_COUNT; type++) {
		int kept = hx_shape_row_type(type, s->d_model); /* 64 values: no row for blocks of 256 */
		struct hx_model m;
		struct hx_err err;

		synthesise(s, type, 1);
		if (hx_model_open(&m, file, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(m.embed->type, kept);
		assert_int_equal(m.type, kept);
		assert_int_equal(m.norm->type, HX_F32);
		hx_model_free(&m);
	}
	unlink(file);
}

/* Vocabularies are told apart by their tokens alone. */
static void tokenizers(void **state)
{
	struct hx_shape s = families[0].shape;
	char *ids[4];
	struct hx_err err;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct hx_model m;

		s.vocab = i < 2 ? 300 : 301;
		s.layers = 1 + i % 2;
		synthesise(&s, HX_F16, (uint64_t)i);
		if (hx_model_open(&m, file, &err))
			fail_msg("%s", err.msg);
		ids[i] = hx_xstrdup(m.shape.tokenizer);
		hx_model_free(&m);
	}
	assert_string_equal(ids[0], ids[1]);
	assert_string_equal(ids[2], ids[3]);
	assert_string_not_equal(ids[0], ids[2]);
	assert_int_equal(strncmp(ids[0], "gpt2-", 5), 0);
	for (int i = 0; i < 4; i++)
		free(ids[i]);
	unlink(file);
}

/* ---- what is refused ---- */

/* A change to a small llama: a value (integer, or with `text` a string, or `number`), or a tensor. */
struct change {
	const char *key;
	int64_t value; /* ABSENT: left out */
	const char *text;
	double number;
	const char *tensor; /* `rows` and `type` of it change; with neither it is left out */
	int64_t rows;
	int type;
	const char *message; /* NULL: it is read */
};
#define ABSENT INT64_MIN

static const struct {
	const char *key;
	int64_t value;
} values[] = {
	{"llama.block_count", 1}, {"llama.embedding_length", 64}, {"llama.feed_forward_length", 96}, {"llama.context_length", 128},
	{"llama.attention.head_count", 4}, {"llama.attention.head_count_kv", 2},
};

static const struct {
	const char *name;
	int64_t in, out;
} tensors[] = {
	{"token_embd.weight", 64, 50}, {"output_norm.weight", 64, 1}, {"blk.0.attn_norm.weight", 64, 1}, {"blk.0.attn_q.weight", 64, 64},
	{"blk.0.attn_k.weight", 64, 32}, {"blk.0.attn_v.weight", 64, 32}, {"blk.0.attn_output.weight", 64, 64}, {"blk.0.ffn_norm.weight", 64, 1},
	{"blk.0.ffn_gate.weight", 64, 96}, {"blk.0.ffn_up.weight", 64, 96}, {"blk.0.ffn_down.weight", 96, 64},
};

static void announce(struct hx_gguf_writer *w, const struct change *c, const char *name, int64_t in, int64_t out, int64_t *bytes)
{
	bool changed = c->tensor && strcmp(c->tensor, name) == 0;
	int64_t dims[] = {in, changed && c->rows ? c->rows : out};
	int type = changed ? c->type : HX_F32;

	if (changed && !c->rows && !c->type)
		return;
	hx_gguf_write_tensor(w, name, type, dims[1] == 1 ? 1 : 2, dims);
	*bytes += in * dims[1] / hx_types[type].block * hx_types[type].bytes;
}

static void write_changed(const struct change *c)
{
	struct hx_gguf_writer *w;
	struct hx_err err;
	bool known = false;
	int64_t bytes = 0;

	assert_int_equal(hx_gguf_write(&w, file, &err), HX_OK);
	hx_gguf_write_string(w, "general.architecture", c->key && strcmp(c->key, "general.architecture") == 0 ? c->text : "llama");
	if (!c->key || strcmp(c->key, "llama.attention.layer_norm_rms_epsilon") != 0)
		hx_gguf_write_number(w, "llama.attention.layer_norm_rms_epsilon", 1e-5);
	for (size_t i = 0; i < COUNT(values); i++) {
		bool changed = c->key && strcmp(c->key, values[i].key) == 0;

		if (!changed || c->value != ABSENT)
			hx_gguf_write_integer(w, values[i].key, HX_GGUF_U32, changed ? c->value : values[i].value);
		known |= changed;
	}
	if (c->key && !known && c->text && strcmp(c->key, "general.architecture") != 0)
		hx_gguf_write_string(w, c->key, c->text);
	else if (c->key && !known && !c->text && c->number != 0)
		hx_gguf_write_number(w, c->key, c->number);
	else if (c->key && !known && !c->text && c->value != ABSENT)
		hx_gguf_write_integer(w, c->key, HX_GGUF_U32, c->value);
	for (size_t i = 0; i < COUNT(tensors); i++)
		announce(w, c, tensors[i].name, tensors[i].in, tensors[i].out, &bytes);
	if (c->tensor && c->rows < 0) /* one more */
		announce(w, &(struct change){0}, c->tensor, 8, 1, &bytes);
	for (; bytes > 0; bytes -= 2)
		hx_gguf_write_data(w, "\0", 2);
	if (hx_gguf_write_end(w, &err))
		fail_msg("%s", err.msg);
}

static const struct change changes[] = {
	{.message = NULL},
	{.key = "general.architecture", .text = "granite", .message = "architecture 'granite' is not supported; llama, qwen2, qwen3 and gemma3 are"},
	{.key = "general.architecture", .text = "gemma2", .message = "architecture 'gemma2' is not supported"},
	{.key = "general.architecture", .text = "lla", .message = "architecture 'lla' is not supported"},
	{.key = "general.architecture", .text = "qwen2", .message = "qwen2.block_count is missing"},
	{.key = "llama.block_count", .value = ABSENT, .message = "llama.block_count is missing"},
	{.key = "llama.block_count", .value = 0, .message = "llama.block_count must be in 1 to 1024, is 0"},
	{.key = "llama.block_count", .value = 2, .message = "tensor 'blk.1.attn_norm.weight' is missing"},
	{.key = "llama.block_count", .value = 4294967295, .message = "llama.block_count must be in 1 to 1024"},
	{.key = "llama.embedding_length", .value = 4294967295, .message = "llama.embedding_length must be in"},
	{.key = "llama.embedding_length", .value = 32, .message = "tensor 'token_embd.weight' is 64 x 50, not 32 x 50 as the metadata say"},
	{.key = "llama.context_length", .value = ABSENT, .message = "llama.context_length is missing"},
	{.key = "llama.attention.head_count", .value = 3, .message = "2 key heads do not divide 3 heads"},
	{.key = "llama.attention.head_count", .value = 65, .message = "llama.attention.key_length is missing"},
	{.key = "llama.attention.head_count_kv", .value = 5, .message = "llama.attention.head_count_kv must be in 1 to 4"},
	{.key = "llama.attention.head_count_kv", .value = ABSENT, .message = "tensor 'blk.0.attn_k.weight' is 64 x 32, not 64 x 64"},
	{.key = "llama.attention.key_length", .value = 16, .message = NULL},
	{.key = "llama.attention.key_length", .value = 32, .message = "tensor 'blk.0.attn_q.weight' is 64 x 64, not 64 x 128"},
	{.key = "llama.attention.value_length", .value = 8, .message = "heads of 16 keys and 8 values"},
	{.key = "llama.rope.dimension_count", .value = 8, .message = NULL},
	{.key = "llama.rope.dimension_count", .value = 7, .message = "7 rotated dimensions are not even"},
	{.key = "llama.rope.dimension_count", .value = 18, .message = "llama.rope.dimension_count must be in 1 to 16"},
	{.key = "llama.attention.layer_norm_rms_epsilon", .value = ABSENT, .message = "llama.attention.layer_norm_rms_epsilon must be in 0 to 1, is nan"},
	{.key = "llama.rope.freq_base", .number = -1, .message = "llama.rope.freq_base must be in 1 to 1e+12, is -1"},
	{.key = "llama.rope.freq_base", .number = NAN, .message = "llama.rope.freq_base must be in"},
	{.key = "llama.rope.scaling.type", .text = "yarn", .message = "rope scaling 'yarn' is not supported"},
	{.key = "llama.rope.scaling.type", .text = "longrope", .message = "rope scaling 'longrope' is not supported"},
	{.key = "llama.rope.scaling.type", .text = "none", .message = NULL},
	{.key = "llama.expert_count", .value = 8, .message = "llama.expert_count is 8, which is not supported"},
	{.key = "llama.expert_count", .value = 0, .message = NULL},
	{.key = "llama.logit_scale", .number = 8, .message = "llama.logit_scale is 8, which is not supported"},
	{.key = "llama.residual_scale", .number = 0.22, .message = "llama.residual_scale is 0.22, which is not supported"},
	{.key = "llama.final_logit_softcapping", .number = 30, .message = "llama.final_logit_softcapping is 30"},
	{.key = "split.count", .value = 3, .message = "is one of 3 parts"},
	{.tensor = "token_embd.weight", .message = "tensor 'token_embd.weight' is missing: the file holds no model"},
	{.tensor = "output_norm.weight", .message = "tensor 'output_norm.weight' is missing"},
	{.tensor = "blk.0.ffn_up.weight", .message = "tensor 'blk.0.ffn_up.weight' is missing"},
	{.tensor = "blk.0.ffn_up.weight", .rows = 95, .message = "tensor 'blk.0.ffn_up.weight' is 64 x 95, not 64 x 96"},
	{.tensor = "blk.0.ffn_up.weight", .type = HX_Q5_1, .message = NULL},
	{.tensor = "blk.0.ffn_norm.weight", .type = HX_F16, .message = NULL},
	{.tensor = "blk.0.ffn_norm.weight", .type = HX_Q8_0, .message = "tensor 'blk.0.ffn_norm.weight' is q8_0; norms and biases must be of a float type"},
	{.tensor = "blk.0.attn_output.bias", .rows = -1, .message = "tensor 'blk.0.attn_output.bias' has no part in the llama models"},
	{.tensor = "blk.0.attn_q.bias", .rows = -1, .message = "tensor 'blk.0.attn_q.bias' is 8 x 1, not 64 x 1"},
	{.tensor = "rope_freqs.weight", .rows = -1, .message = "tensor 'rope_freqs.weight' has a value that is not above 0"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct hx_model m;
		struct hx_err err = {""};
		int rc;

		write_changed(&changes[i]);
		rc = hx_model_open(&m, file, &err);
		if (rc != (changes[i].message ? HX_INPUT : HX_OK) || (changes[i].message && !strstr(err.msg, changes[i].message)))
			fail_msg("row %zu: %s", i, err.msg);
		if (!rc)
			hx_model_free(&m);
	}
	unlink(file);
}

/* Linear scaling divides positions; an older key says the same. */
static void scaling(void **state)
{
	static const char *const keys[] = {"llama.rope.scaling.factor", "llama.rope.scale_linear"};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct hx_model m;
		struct hx_err err;

		write_changed(&(struct change){.key = keys[i], .number = 4});
		if (hx_model_open(&m, file, &err))
			fail_msg("%s", err.msg);
		check_near(m.rope_scale, 4, 0);
		assert_string_equal(m.shape.rope, "linear: positions divided by 4");
		assert_string_equal(m.shape.tokenizer, "none");
		hx_model_free(&m);
	}
	unlink(file);
}

/* Shapes that no file of ours could hold. */
static void unwritable(void **state)
{
	struct hx_shape wrong[8];
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		wrong[i] = families[0].shape;
	wrong[0].family = "gptneox";
	wrong[1].norm = HX_NORM_LAYER;
	wrong[2].norms = 4;
	wrong[3].qk_norm = true;
	wrong[4].linear_bias = true;
	wrong[5].window = 8;
	wrong[6].gated_ffn = false;
	wrong[7].vocab = 257;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(hx_synth_write(&wrong[i], &(struct hx_synth_options){0}, file, &err), HX_INPUT);
		assert_int_not_equal(access(file, F_OK), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_read), cmocka_unit_test(types), cmocka_unit_test(tokenizers),
		cmocka_unit_test(refuses), cmocka_unit_test(scaling), cmocka_unit_test(unwritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
