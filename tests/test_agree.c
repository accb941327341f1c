#include "engine/agree.h"

#include "check.h"
#include "fake_lm.h"
#include "fake_tables.h"
#include "probabilities.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VOCAB = 9, TABLE = VOCAB * VOCAB * VOCAB, CONTEXT = 96, TOKENS = 50 };
static float target[TABLE], drafter[TABLE];
static const int prompt[] = {3, 1, 4, 1, 5};

static int make_tables(void **state)
{
	(void)state;
	fake_table(target, TABLE, NULL, 8, 1);
	fake_table(drafter, TABLE, target, 5, 2);
	return 0;
}

/* Text of the target, and the drafter's agreement with it. */
struct measured {
	struct fake t, d;
	struct hx_lm target, drafter;
	struct hx_generate what;
	struct hx_generated text;
	struct hx_agreement at[TOKENS];
	int all[COUNT(prompt) + TOKENS];
};

static void measure(struct measured *m, bool front, int n_prompt, double temperature)
{
	struct hx_err err;

	*m = (struct measured){.what = {.target = &m->target, .prompt = prompt, .n_prompt = n_prompt, .max_tokens = TOKENS}};
	m->what.sampling = (struct hx_sample_options){.temperature = temperature, .top_p = 0.95, .seed = 5};
	fake_init(&m->t, FAKE_TARGET, VOCAB, CONTEXT, target, drafter);
	fake_init(&m->d, FAKE_DRAFTER, VOCAB, CONTEXT, drafter, NULL);
	m->target = fake_lm(&m->t);
	m->drafter = front ? fake_front(&m->t) : fake_lm(&m->d);
	m->t.again = true;
	assert_int_equal(hx_speculate(&m->text, &m->what, &err), HX_OK);
	assert_int_equal(hx_agree_model(m->at, &m->what, &m->text, &m->drafter, front, &err), HX_OK);
	memcpy(m->all, prompt, (size_t)n_prompt * sizeof(*prompt));
	memcpy(m->all + n_prompt, m->text.tokens, TOKENS * sizeof(*m->all));
}

static void done(struct measured *m)
{
	hx_speculate_free(&m->text);
	fake_free(&m->t);
	fake_free(&m->d);
}

static void shares_and_confidence(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++) {
		const double temperature = (double[]){0, 0.5, 1, 2}[i % 4];
		const int n_prompt = i / 8 ? 1 : COUNT(prompt);
		struct measured m;
		int run = 0;

		measure(&m, i / 4 % 2, n_prompt, temperature);
		for (int k = TOKENS - 1; k >= 0; k--) {
			const float *mine = fake_row(drafter, VOCAB, m.all, n_prompt + k), *its = fake_row(target, VOCAB, m.all, n_prompt + k);
			const int first = fake_first(mine, VOCAB);
			struct hx_sample_options o = m.what.sampling;
			double p[VOCAB], q[VOCAB], share = 0;

			run = first == m.text.tokens[k] ? run + 1 : 0;
			assert_int_equal(m.at[k].agreed, run);
			assert_int_equal(m.at[k].drafted, TOKENS - k);
			if (temperature == 0)
				o = (struct hx_sample_options){.temperature = 1};
			probabilities(&o, its, VOCAB, p);
			probabilities(&o, mine, VOCAB, q);
			for (int t = 0; t < VOCAB; t++)
				share += fmin(p[t], q[t]);
			check_near(m.at[k].share, temperature > 0 ? share : run > 0, 1e-5);
			check_near(m.at[k].confidence, q[first], 1e-5);
		}
		done(&m);
	}
}

/* Replayed at any gamma and confidence, a trace gives the rounds that drafting gives. */
static void a_trace_replays(void **state)
{
	(void)state;
	for (int i = 0; i < 8 * 3; i++) {
		const int gamma = 1 + i % 8;
		const double least = (double[]){0, 0.3, 0.6}[i / 8];
		struct measured m;
		struct hx_draft draft;
		struct hx_generated out;
		struct hx_err err;
		int at = 1;

		measure(&m, false, COUNT(prompt), 0);
		draft = hx_draft_model(&m.drafter, false, least);
		m.what.draft = &draft;
		m.what.gamma = gamma;
		assert_int_equal(hx_speculate(&out, &m.what, &err), HX_OK);
		for (int r = 0; r < out.n_rounds; r++) {
			int most = gamma < TOKENS - at - 1 ? gamma : TOKENS - at - 1, accepted = 0;

			while (accepted < most && accepted < m.at[at].agreed && m.at[at + accepted].confidence >= least)
				accepted++;
			assert_int_equal(out.rounds[r].accepted, accepted);
			at += accepted + 1;
		}
		assert_int_equal(at, TOKENS);
		hx_speculate_free(&out);
		hx_draft_free(&draft);
		done(&m);
	}
}

static void lookups_replay(void **state)
{
	(void)state;
	for (int gamma = 1; gamma <= 8; gamma++) {
		struct measured m;
		struct hx_draft draft = hx_draft_ngram(1, 3);
		struct hx_generated out;
		struct hx_err err;
		int at = 1, right = 0;

		measure(&m, false, COUNT(prompt), 0);
		assert_int_equal(hx_agree_lookup(m.at, &m.what, &m.text, &draft, gamma, &err), HX_OK);
		m.what.draft = &draft;
		m.what.gamma = gamma;
		assert_int_equal(hx_speculate(&out, &m.what, &err), HX_OK);
		for (int r = 0; r < out.n_rounds; r++) {
			int most = TOKENS - at - 1;

			assert_int_equal(out.rounds[r].drafted, m.at[at].drafted < most ? m.at[at].drafted : most);
			assert_int_equal(out.rounds[r].accepted, m.at[at].agreed < most ? m.at[at].agreed : most);
			check_near(m.at[at].share, m.at[at].agreed > 0, 0);
			right += out.rounds[r].accepted;
			at += out.rounds[r].accepted + 1;
		}
		assert_true(right > 0);
		hx_speculate_free(&out);
		hx_draft_free(&draft);
		done(&m);
	}
}

static void refuses(void **state)
{
	struct measured m;
	struct hx_lm other, small;
	struct hx_err err;

	(void)state;
	measure(&m, false, COUNT(prompt), 0);
	other = small = m.drafter;
	other.vocab = 10;
	small.context = COUNT(prompt) + TOKENS - 2;
	assert_int_equal(hx_agree_model(m.at, &m.what, &m.text, &other, false, &err), HX_INPUT);
	assert_string_equal(err.msg, "the drafter's vocabulary has 10 tokens, the target's 9");
	assert_int_equal(hx_agree_model(m.at, &m.what, &m.text, &small, false, &err), HX_INPUT);
	assert_string_equal(err.msg, "prompt and output have 55 tokens, the drafter's context holds 53");
	m.t.fails_after = m.d.fails_after = 2;
	assert_int_equal(hx_agree_model(m.at, &m.what, &m.text, &m.drafter, false, &err), HX_IO);
	done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_and_confidence),
		cmocka_unit_test(a_trace_replays),
		cmocka_unit_test(lookups_replay),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, make_tables, NULL);
}
