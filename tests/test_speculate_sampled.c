/* Sampled speculative output follows the target's distribution: all texts of four tokens are counted over 10^5 generations (overlapped: fewer) and compared with their
 * exact probabilities. */
#include "engine/fitted.h"
#include "engine/speculate.h"

#include "check.h"
#include "fake_lm.h"
#include "fake_tables.h"
#include "probabilities.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VOCAB = 8, SMALLER = 6, LARGER = 10, TABLE = VOCAB * VOCAB * VOCAB, COUNTED = 4, TEXTS = 8 * 8 * 8 * 8, GENERATED = 7, SAMPLES = 100000, FEWER = 10000 /* where each starts a thread */ };
static float target[TABLE], good[TABLE], bad[TABLE], worst[TABLE], smaller[SMALLER * SMALLER * SMALLER], larger[LARGER * LARGER * LARGER];
static const int prompt[] = {2, 7, 1, 2, 7};

static int make_tables(void **state)
{
	(void)state;
	fake_table(target, TABLE, NULL, 5, 1);
	fake_table(good, TABLE, target, 2, 2);
	fake_table(bad, TABLE, NULL, 5, 3);
	for (int i = 0; i < TABLE; i++)
		worst[i] = -target[i];
	fake_resized(smaller, SMALLER, good, VOCAB, 4);
	fake_resized(larger, LARGER, good, VOCAB, 5);
	return 0;
}

/* Drafters that break the rules: what they say of q is not what they drew from. */
typedef int (*propose)(void *, const int *, int, int, struct hx_sampler *, struct hx_proposal *, struct hx_err *);
static propose honest;

/* The likeliest token, as if it were drawn. */
static int says_drawn(void *self, const int *text, int n, int max, struct hx_sampler *s, struct hx_proposal *out, struct hx_err *err)
{
	static int likeliest[GENERATED];
	int rc = honest(self, text, n, max, s, out, err);

	for (int i = 0; i < out->n; i++)
		likeliest[i] = fake_first(out->q + (size_t)i * VOCAB, VOCAB);
	out->tokens = likeliest;
	return rc;
}

static int says_uniform(void *self, const int *text, int n, int max, struct hx_sampler *s, struct hx_proposal *out, struct hx_err *err)
{
	static float uniform[GENERATED * VOCAB];
	int rc = honest(self, text, n, max, s, out, err);

	for (size_t i = 0; i < COUNT(uniform); i++)
		uniform[i] = 1.0f / VOCAB;
	out->q = uniform;
	return rc;
}

/* Keeps a guess to itself because of which token it is. */
static int keeps_unlikely(void *self, const int *text, int n, int max, struct hx_sampler *s, struct hx_proposal *out, struct hx_err *err)
{
	int rc = honest(self, text, n, max, s, out, err);

	for (int i = 0; i < out->n; i++)
		if (out->q[i * VOCAB + out->tokens[i]] < 0.3f)
			out->n = i;
	return rc;
}

static const struct {
	const char *name;
	struct hx_sample_options options;
	const float *table; /* NULL: plain decoding */
	int gamma;
	double min_confidence;
	propose lies;
	bool front, lookup;
	int vocab; /* of the table; 0: the target's */
	int mode;
} cases[] = {
	{"plain", {.temperature = 1}, .gamma = 0},
	{"plain, warm", {.temperature = 0.5}, .gamma = 0},
	{"good", {.temperature = 1}, .table = good, .gamma = 4},
	{"good, warm", {.temperature = 0.5}, .table = good, .gamma = 4},
	{"bad", {.temperature = 1}, .table = bad, .gamma = 4},
	{"bad, warm", {.temperature = 0.5}, .table = bad, .gamma = 3},
	{"worst", {.temperature = 1}, .table = worst, .gamma = 2},
	{"perfect", {.temperature = 1}, .table = target, .gamma = 5},
	{"front", {.temperature = 1}, .table = good, .gamma = 3, .front = true},
	{"bad front, warm", {.temperature = 0.5}, .table = bad, .gamma = 2, .front = true},
	{"lookup", {.temperature = 1}, .gamma = 4, .lookup = true},
	{"lookup, warm", {.temperature = 0.5}, .gamma = 2, .lookup = true},
	{"unsure", {.temperature = 1}, .table = good, .gamma = 4, .min_confidence = 0.4},
	{"unsure, warm", {.temperature = 0.5}, .table = bad, .gamma = 4, .min_confidence = 0.6},
	{"top-k", {.temperature = 1, .top_k = 3}, .table = good, .gamma = 4},
	{"top-k, bad", {.temperature = 1, .top_k = 2}, .table = bad, .gamma = 3},
	{"top-p", {.temperature = 1, .top_p = 0.8}, .table = good, .gamma = 4},
	{"top-p, bad, warm", {.temperature = 0.5, .top_p = 0.9}, .table = bad, .gamma = 4},
	{"top-k and top-p", {.temperature = 1, .top_k = 5, .top_p = 0.7}, .table = bad, .gamma = 4},
	{"smaller vocabulary", {.temperature = 1}, .table = smaller, .gamma = 4, .vocab = SMALLER},
	{"smaller vocabulary, cut, warm", {.temperature = 0.5, .top_k = 7, .top_p = 0.9}, .table = smaller, .gamma = 3, .vocab = SMALLER},
	{"larger vocabulary", {.temperature = 1}, .table = larger, .gamma = 4, .vocab = LARGER},
	{"larger vocabulary, cut", {.temperature = 1, .top_k = 5, .top_p = 0.9}, .table = larger, .gamma = 3, .vocab = LARGER},
	{"overlapped, good", {.temperature = 1}, .table = good, .gamma = 2, .mode = HX_OVERLAPPED},
	{"overlapped, bad, warm", {.temperature = 0.5}, .table = bad, .gamma = 1, .mode = HX_OVERLAPPED},
	{"overlapped, perfect", {.temperature = 1}, .table = target, .gamma = 3, .mode = HX_OVERLAPPED},
	{"overlapped, unsure, cut", {.temperature = 1, .top_k = 5, .top_p = 0.9}, .table = good, .gamma = 2, .min_confidence = 0.4, .mode = HX_OVERLAPPED},
	{"overlapped, larger vocabulary", {.temperature = 1}, .table = larger, .gamma = 2, .vocab = LARGER, .mode = HX_OVERLAPPED},
	{"overlapped, says it guesses", {.temperature = 1}, .table = good, .gamma = 2, .lies = says_uniform, .mode = HX_OVERLAPPED},
	{"says it drew", {.temperature = 1}, .table = good, .gamma = 1, .lies = says_drawn},
	{"says it guesses", {.temperature = 1}, .table = good, .gamma = 4, .lies = says_uniform},
	{"keeps unlikely guesses", {.temperature = 1}, .table = good, .gamma = 4, .lies = keeps_unlikely},
};

static void count_texts(size_t c, int *counts)
{
	struct fake t, d;
	struct hx_lm lm, own, drafter;
	struct hx_fitted fitted = {0};
	struct hx_draft draft;
	struct hx_generate what = {.target = &lm, .draft = cases[c].gamma ? &draft : NULL, .gamma = cases[c].gamma, .sampling = cases[c].options};
	struct hx_generated out;
	struct hx_err err;

	fake_init(&t, FAKE_TARGET, VOCAB, 32, target, cases[c].table);
	fake_init(&d, FAKE_DRAFTER, cases[c].vocab ? cases[c].vocab : VOCAB, 32, cases[c].table, NULL);
	lm = fake_lm(&t);
	own = fake_lm(&d);
	drafter = cases[c].front ? fake_front(&t) : hx_fitted_lm(&fitted, &own, VOCAB);
	draft = cases[c].lookup ? hx_draft_ngram(1, 2) : hx_draft_model(&drafter, cases[c].front, cases[c].min_confidence);
	honest = draft.propose;
	if (cases[c].lies)
		draft.propose = cases[c].lies;
	what.prompt = prompt;
	what.n_prompt = COUNT(prompt);
	what.max_tokens = GENERATED;
	what.mode = cases[c].mode;
	t.again = cases[c].lies;
	d.again = cases[c].lies || cases[c].vocab == SMALLER; /* what it lacks is its first token to it */
	for (int i = 0; i < (cases[c].mode == HX_OVERLAPPED ? FEWER : SAMPLES); i++) {
		int text = 0;

		what.sampling.seed = (uint64_t)i;
		assert_int_equal(hx_speculate(&out, &what, &err), HX_OK);
		assert_int_equal(out.n_tokens, GENERATED);
		for (int k = 0; k < COUNTED; k++)
			text = VOCAB * text + out.tokens[k];
		counts[text]++;
		hx_speculate_free(&out);
	}
	hx_draft_free(&draft);
	hx_fitted_free(&fitted);
	fake_free(&t);
	fake_free(&d);
}

static void exact(const struct hx_sample_options *o, double *chances)
{
	int text[COUNT(prompt) + COUNTED];
	double p[VOCAB];

	memcpy(text, prompt, sizeof(prompt));
	for (int i = 0; i < TEXTS; i++) {
		chances[i] = 1;
		for (int k = 0, unit = TEXTS / VOCAB; k < COUNTED; k++, unit /= VOCAB) {
			int n = COUNT(prompt) + k;

			text[n] = i / unit % VOCAB;
			probabilities(o, fake_row(target, VOCAB, text, n), VOCAB, p);
			chances[i] *= p[text[n]];
		}
	}
}

static void follows_the_target(void **state)
{
	static double chances[TEXTS];

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		int counts[TEXTS] = {0};
		double p;

		exact(&cases[c].options, chances);
		count_texts(c, counts);
		p = chi_square(counts, chances, TEXTS);
		print_message("%s: p = %.3g\n", cases[c].name, p);
		if (cases[c].lies ? p > 1e-6 : p <= 0.01)
			fail_msg("%s: p = %g", cases[c].name, p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_target),
	};

	return cmocka_run_group_tests(tests, make_tables, NULL);
}
