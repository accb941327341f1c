/* Sampled speculative output of the engine follows its target's distribution: the texts of 10^5 generations are counted and compared with their
 * exact chances, which the target's logits give. */
#define _GNU_SOURCE /* affinity */
#include "engine/speculate.h"

#include "emulated.h"
#include "one_cpu.h"
#include "probabilities.h"
#include "tiny_model.h"

#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VOCAB = 16, GENERATED = 4, TEXTS = VOCAB * VOCAB * VOCAB, SAMPLES = 100000, EMULATED_SAMPLES = 3000, GAMMA = 3 };
static const char file[] = "test_engine_sampled.tmp.gguf", other_file[] = "test_engine_sampled_other.tmp.gguf";
static const int prompt[] = {3, 1, 4};

static const struct tiny tiny = {.shape = {.family = "llama", .layers = 2, .d_model = 32, .heads = 2, .kv_heads = 1, .d_head = 8, .d_ff = 32,
					   .vocab = VOCAB, .context = 16, .norms = 2, .gated_ffn = true, .rope_theta = 1e4},
				 .gain = 1.5};

enum drafter { NONE, GOOD, BAD, FRONT, LOOKUP };
static struct hx_engine engine;
static struct hx_instance target, good, bad;

static int set_up(void **state)
{
	struct hx_engine_model want = {.path = file, .type = -1, .mapping = "cpux1", .options = {16, GAMMA + 1, true, 1}};

	(void)state;
	tiny_write(&tiny, 1, file);
	tiny_write(&tiny, 2, other_file);
	engine = one_cpu(NULL);
	one_cpu_open(&target, &engine, &want);
	want.options = (struct hx_exec_options){16, 1, true, 0};
	want.type = HX_Q4_0; /* nearly the target */
	one_cpu_open(&good, &engine, &want);
	want.path = other_file;
	one_cpu_open(&bad, &engine, &want);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hx_instance_free(&bad);
	hx_instance_free(&good);
	hx_instance_free(&target);
	hx_engine_free(&engine);
	unlink(file);
	unlink(other_file);
	return 0;
}

/* A drafter that says its guesses were drawn from all tokens alike, which makes those it often has too frequent. */
static int (*honest)(void *, const int *, int, int, struct hx_sampler *, struct hx_proposal *, struct hx_err *);

static int says_uniform(void *self, const int *text, int n, int max, struct hx_sampler *s, struct hx_proposal *out, struct hx_err *err)
{
	static float uniform[GAMMA * VOCAB];
	int rc = honest(self, text, n, max, s, out, err);

	for (size_t i = 0; i < COUNT(uniform); i++)
		uniform[i] = 1.0f / VOCAB;
	out->q = uniform;
	return rc;
}

/* Counts texts by their tokens but the first, which no drafter has a part in. Returns the drafts accepted. */
static int count(const struct hx_sample_options *sampling, enum drafter drafter, bool lies, int samples, int *counts)
{
	struct hx_lm lm = hx_exec_lm(target.exec), drafts = drafter == FRONT ? hx_exec_front(target.exec) : hx_exec_lm((drafter == GOOD ? &good : &bad)->exec);
	struct hx_draft draft = drafter == LOOKUP ? hx_draft_ngram(1, 2) : hx_draft_model(&drafts, drafter == FRONT, 0);
	struct hx_generate what = {.target = &lm, .draft = drafter == NONE ? NULL : &draft, .gamma = drafter == NONE ? 0 : GAMMA, .sampling = *sampling,
				   .prompt = prompt, .n_prompt = COUNT(prompt), .max_tokens = GENERATED};
	int accepted = 0;

	honest = draft.propose;
	if (lies)
		draft.propose = says_uniform;
	for (int i = 0; i < samples; i++) {
		struct hx_generated out;
		struct hx_err err = {""};

		what.sampling.seed = (uint64_t)i;
		if (hx_speculate(&out, &what, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(out.n_tokens, GENERATED);
		counts[(out.tokens[1] * VOCAB + out.tokens[2]) * VOCAB + out.tokens[3]]++;
		for (int r = 0; r < out.n_rounds; r++)
			accepted += out.rounds[r].accepted;
		hx_speculate_free(&out);
	}
	hx_draft_free(&draft);
	return accepted;
}

/* Adds the chances of all texts that begin with the n tokens given, which have the chance `chance`. */
static void add_chances(const struct hx_sample_options *sampling, int *text, int n, double chance, double *chances)
{
	struct hx_lm lm = hx_exec_lm(target.exec);
	const int known = COUNT(prompt) + n, *t = text + COUNT(prompt);
	struct hx_logits row = {.wanted = true};
	struct hx_err err = {""};
	double p[VOCAB];

	if (n == GENERATED) {
		chances[(t[1] * VOCAB + t[2]) * VOCAB + t[3]] += chance;
		return;
	}
	lm.rollback(lm.self, n ? known - 1 : 0);
	if (lm.decode(lm.self, HX_PASS_VERIFY, n ? text + known - 1 : text, n ? 1 : known, 1, &row, &err))
		fail_msg("%s", err.msg);
	probabilities(sampling, row.logits, VOCAB, p);
	for (int i = 0; i < VOCAB; i++) {
		text[known] = i;
		add_chances(sampling, text, n + 1, chance * p[i], chances);
	}
}

static const struct {
	const char *name;
	enum drafter drafter;
	double temperature;
	bool lies;
} cases[] = {
	{"plain", NONE, 1, false},           {"plain, cool", NONE, 0.5, false}, {"good drafter", GOOD, 1, false}, {"good drafter, cool", GOOD, 0.5, false},
	{"bad drafter", BAD, 1, false},      {"bad drafter, cool", BAD, 0.5, false}, {"early exit", FRONT, 1, false}, {"lookup, cool", LOOKUP, 0.5, false},
	{"drafter that lies", GOOD, 1, true},
};

static void follows_the_target(void **state)
{
	const int samples = emulated() ? EMULATED_SAMPLES : SAMPLES;

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		const struct hx_sample_options sampling = {.temperature = cases[c].temperature};
		static double chances[TEXTS];
		static int counts[TEXTS];
		int text[COUNT(prompt) + GENERATED], accepted;
		double p;

		memset(chances, 0, sizeof(chances));
		memset(counts, 0, sizeof(counts));
		memcpy(text, prompt, sizeof(prompt));
		add_chances(&sampling, text, 0, 1, chances);
		accepted = count(&sampling, cases[c].drafter, cases[c].lies, samples, counts);
		p = chi_square(counts, chances, TEXTS);
		print_message("%s: p = %.3g, %.2f drafts accepted\n", cases[c].name, p, (double)accepted / samples);
		if (cases[c].lies ? p > 1e-6 : p <= 0.01)
			fail_msg("%s: p = %g", cases[c].name, p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_target),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
