/* A real model: stories260K of llama2.c, converted here, tells the story that its author published, however it runs. */
#define _GNU_SOURCE /* affinity */
#include "engine/speculate.h"

#include "one_cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 256, EXIT = 3, SPECIAL = 3 /* unknown, begin and end */, BYTES = 256 };
static const char file[] = "test_stories.tmp.gguf";

/* What llama2.c's own test wants of 200 steps at temperature 0. */
static const char story[] =
	"Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to "
	"play with it, but it was too high.\nLily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I "
	"want to play with your ball, but I can't find it.\"\nLily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know what "
	"to do.\"\nLily didn't want to help her mom, so she";

/* ---- llama2.c's format to GGUF ---- */

struct bytes {
	char *at;
	size_t size;
};

static bool read_file(const char *name, struct bytes *b)
{
	const char *shared = getenv("HX_SHARED");
	char *path = shared ? hx_xasprintf("%s/data/stories/%s", shared, name) : hx_xasprintf("%s/../shared/data/stories/%s", HX_SRCDIR, name);
	FILE *f = fopen(path, "rb");

	free(path);
	if (!f)
		return false;
	b->at = hx_xmalloc(2 << 20);
	b->size = fread(b->at, 1, 2 << 20, f);
	fclose(f);
	return true;
}

enum { DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCAB, CONTEXT, FIGURES };

/* The checkpoint's tensors in order; those of layers one layer behind the other, kind by kind. */
static const struct {
	const char *name; /* of a layer's: behind `blk.N.` */
	bool layer;
	int rows, columns; /* figures; -1: 1, KV_HEADS: of all key heads */
} tensors[] = {
	{"token_embd.weight", false, VOCAB, DIM}, {"attn_norm.weight", true, -1, DIM},  {"attn_q.weight", true, DIM, DIM},
	{"attn_k.weight", true, KV_HEADS, DIM},   {"attn_v.weight", true, KV_HEADS, DIM}, {"attn_output.weight", true, DIM, DIM},
	{"ffn_norm.weight", true, -1, DIM},       {"ffn_gate.weight", true, HIDDEN, DIM}, {"ffn_down.weight", true, DIM, HIDDEN},
	{"ffn_up.weight", true, HIDDEN, DIM},     {"output_norm.weight", false, -1, DIM},
};
enum { N_TENSORS = sizeof(tensors) / sizeof(*tensors) };

static int64_t size_of(const int32_t *figures, int which)
{
	return which < 0 ? 1 : which == KV_HEADS ? figures[DIM] / figures[HEADS] * figures[KV_HEADS] : figures[which];
}

/* All of them, announced or written. */
static void put_tensors(struct hx_gguf_writer *w, const int32_t *figures, const char *weights)
{
	for (int i = 0; i < N_TENSORS; i++)
		for (int l = 0; l < (tensors[i].layer ? figures[LAYERS] : 1); l++) {
			const int64_t dims[] = {size_of(figures, tensors[i].columns), size_of(figures, tensors[i].rows)};
			size_t bytes = sizeof(float) * (size_t)(dims[0] * dims[1]);
			char name[64];

			snprintf(name, sizeof(name), "blk.%d.%s", l, tensors[i].name);
			if (!weights) {
				hx_gguf_write_tensor(w, tensors[i].layer ? name : tensors[i].name, HX_F32, dims[1] > 1 ? 2 : 1, dims);
				continue;
			}
			hx_gguf_write_data(w, weights, bytes);
			weights += bytes;
		}
}

/* A score, a length and the bytes of each token, behind the greatest length. Spaces are U+2581 in a GGUF. */
static void put_vocabulary(struct hx_gguf_writer *w, const char *p, int n)
{
	struct hx_gguf_text *texts = hx_xcalloc((size_t)n, sizeof(*texts));
	double *scores = hx_xcalloc((size_t)n, sizeof(*scores)), *kinds = hx_xcalloc((size_t)n, sizeof(*kinds));

	p += sizeof(int32_t);
	for (int i = 0; i < n; i++) {
		char *text;
		float score;
		int32_t len;

		memcpy(&score, p, 4);
		memcpy(&len, p + 4, 4);
		p += 8;
		text = hx_xmalloc(3 * (size_t)len);
		texts[i].s = text;
		for (int k = 0; k < len; k++) {
			size_t wide = p[k] == ' ' ? 3 : 1;

			memcpy(text + texts[i].len, p[k] == ' ' ? "\xe2\x96\x81" : p + k, wide);
			texts[i].len += wide;
		}
		p += len;
		scores[i] = (double)score;
		kinds[i] = i == 0 ? 2 : i < SPECIAL ? 3 : i < SPECIAL + BYTES ? 6 : 1; /* unknown, control, byte, normal */
	}
	hx_gguf_write_string(w, "tokenizer.ggml.model", "llama");
	hx_gguf_write_strings(w, "tokenizer.ggml.tokens", texts, (size_t)n);
	hx_gguf_write_numbers(w, "tokenizer.ggml.scores", HX_GGUF_F32, scores, (size_t)n);
	hx_gguf_write_numbers(w, "tokenizer.ggml.token_type", HX_GGUF_I32, kinds, (size_t)n);
	hx_gguf_write_integer(w, "tokenizer.ggml.bos_token_id", HX_GGUF_U32, 1);
	hx_gguf_write_integer(w, "tokenizer.ggml.eos_token_id", HX_GGUF_U32, 2);
	for (int i = 0; i < n; i++)
		free((char *)texts[i].s);
	free(texts);
	free(scores);
	free(kinds);
}

static void convert(const struct bytes *model, const struct bytes *vocabulary)
{
	static const char *const keys[FIGURES] = {
		[DIM] = "llama.embedding_length",          [HIDDEN] = "llama.feed_forward_length",    [LAYERS] = "llama.block_count",
		[HEADS] = "llama.attention.head_count",    [KV_HEADS] = "llama.attention.head_count_kv", [VOCAB] = "llama.vocab_size",
		[CONTEXT] = "llama.context_length"};
	int32_t figures[FIGURES];
	struct hx_gguf_writer *w;
	struct hx_err err = {""};

	memcpy(figures, model->at, sizeof(figures));
	if (hx_gguf_write(&w, file, &err))
		fail_msg("%s", err.msg);
	hx_gguf_write_string(w, "general.architecture", "llama");
	for (int i = 0; i < FIGURES; i++)
		hx_gguf_write_integer(w, keys[i], HX_GGUF_U32, figures[i]);
	hx_gguf_write_number(w, "llama.attention.layer_norm_rms_epsilon", 1e-5);
	put_vocabulary(w, vocabulary->at, figures[VOCAB]);
	put_tensors(w, figures, NULL);
	put_tensors(w, figures, model->at + sizeof(figures));
	if (hx_gguf_write_end(w, &err))
		fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
	struct bytes model = {0}, vocabulary = {0};

	*state = NULL;
	if (read_file("stories260K.bin", &model) && read_file("tok512.bin", &vocabulary)) {
		convert(&model, &vocabulary);
		*state = (void *)file;
	}
	free(model.at);
	free(vocabulary.at);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

/* ---- stories ---- */

struct teller {
	struct hx_engine engine;
	struct hx_instance model;
	struct hx_lm lm, front;
};

static void teller_init(struct teller *t, const char *kernels, int type)
{
	const struct hx_engine_model want = {.path = file, .type = type, .mapping = "cpux1", .text = true, .options = {0, 9, true, EXIT}};

	t->engine = one_cpu(kernels);
	one_cpu_open(&t->model, &t->engine, &want);
	t->lm = hx_exec_lm(t->model.exec);
	t->front = hx_exec_front(t->model.exec);
}

static void teller_free(struct teller *t)
{
	hx_instance_free(&t->model);
	hx_engine_free(&t->engine);
}

static struct hx_generated tell(struct teller *t, struct hx_draft *draft, int gamma)
{
	const int begin = hx_tokenizer_bos(t->model.tokenizer);
	const struct hx_generate what = {
		.target = &t->lm, .draft = draft, .gamma = gamma, .sampling = {.top_p = 1}, .prompt = &begin, .n_prompt = 1, .max_tokens = STEPS};
	struct hx_generated out;
	struct hx_err err = {""};

	if (hx_speculate(&out, &what, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(out.n_tokens, STEPS);
	return out;
}

/* Without the space that SentencePiece begins with. */
static char *text_of(const struct teller *t, const struct hx_generated *g, int n)
{
	char *text = hx_xcalloc((size_t)n + 1, 32), *end = text;

	for (int i = 0; i < n; i++) {
		struct hx_gguf_text piece = hx_tokenizer_piece(t->model.tokenizer, g->tokens[i], false);

		assert_true(piece.len < 32);
		memcpy(end, piece.s, piece.len);
		end += piece.len;
	}
	return memmove(text, text + (*text == ' '), (size_t)(end - text));
}

static void tells_the_published_story(void **state)
{
	if (!*state)
		skip();
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++) {
		struct teller t;
		struct hx_generated g;
		char *text;

		teller_init(&t, (*k)->name, -1);
		g = tell(&t, NULL, 0);
		text = text_of(&t, &g, STEPS);
		assert_true(strlen(text) > strlen(story));
		text[strlen(story)] = '\0';
		assert_string_equal(text, story);
		free(text);
		hx_speculate_free(&g);
		teller_free(&t);
	}
}

/* Also where rows of 172 are no whole blocks and stay f16. */
static void speculates_losslessly(void **state)
{
	static const int types[] = {-1, HX_F16, HX_Q8_0, HX_Q4_0};

	if (!*state)
		skip();
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct teller t;
		struct hx_generated plain;

		teller_init(&t, NULL, types[i]);
		plain = tell(&t, NULL, 0);
		for (int gamma = 1; gamma <= 8; gamma++) {
			struct hx_draft drafts[] = {hx_draft_ngram(1, 3), hx_draft_model(&t.front, true, 0)};

			for (int d = 0; d < 2; d++) {
				struct hx_generated g = tell(&t, &drafts[d], gamma);

				assert_memory_equal(g.tokens, plain.tokens, sizeof(*g.tokens) * STEPS);
				assert_true(g.n_rounds < STEPS - 1); /* some draft was right */
				hx_speculate_free(&g);
				hx_draft_free(&drafts[d]);
			}
		}
		hx_speculate_free(&plain);
		teller_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_published_story),
		cmocka_unit_test(speculates_losslessly),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
