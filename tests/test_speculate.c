#include "engine/fitted.h"
#include "engine/speculate.h"

#include "check.h"
#include "fake_lm.h"
#include "fake_tables.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VOCAB = 11, SMALLER = 8, LARGER = 14, TABLE = VOCAB * VOCAB * VOCAB, CONTEXT = 96 };
static float target[TABLE], good[TABLE], bad[TABLE], worst[TABLE], smaller[SMALLER * SMALLER * SMALLER], larger[LARGER * LARGER * LARGER];
static const int prompt[] = {3, 1, 4, 1, 5, 9, 2, 6, 5};

static int make_tables(void **state)
{
	(void)state;
	fake_table(target, TABLE, NULL, 10, 1);
	fake_table(good, TABLE, target, 5, 2);
	fake_table(bad, TABLE, NULL, 10, 3);
	for (int i = 0; i < TABLE; i++)
		worst[i] = -target[i];
	fake_resized(smaller, SMALLER, good, VOCAB, 4);
	fake_resized(larger, LARGER, good, VOCAB, 5);
	return 0;
}

enum kind { PLAIN, MODEL, FRONT, LOOKUP };
static const struct drafter {
	int kind;
	const float *table;
	double right; /* share of guesses accepted; -1: it depends */
	int vocab;
	bool drafts; /* several at once, where its vocabulary is not cut */
	int mode;
} plain = {.kind = PLAIN, .vocab = VOCAB}, perfect = {.kind = MODEL, .table = target, .right = 1, .vocab = VOCAB}, drafters[] = {
	{.kind = PLAIN, .vocab = VOCAB},
	{MODEL, target, 1, .vocab = VOCAB},
	{MODEL, good, -1, .vocab = VOCAB},
	{MODEL, bad, -1, .vocab = VOCAB},
	{MODEL, worst, 0, .vocab = VOCAB},
	{MODEL, smaller, -1, .vocab = SMALLER},
	{MODEL, larger, -1, .vocab = LARGER},
	{FRONT, target, 1, .vocab = VOCAB},
	{FRONT, good, -1, .vocab = VOCAB},
	{FRONT, worst, 0, .vocab = VOCAB},
	{MODEL, target, 1, .vocab = VOCAB, .drafts = true},
	{MODEL, good, -1, .vocab = VOCAB, .drafts = true},
	{MODEL, worst, 0, .vocab = VOCAB, .drafts = true},
	{MODEL, smaller, -1, .vocab = SMALLER, .drafts = true},
	{MODEL, larger, -1, .vocab = LARGER, .drafts = true},
	{MODEL, target, 1, .vocab = VOCAB, .mode = HX_OVERLAPPED},
	{MODEL, good, -1, .vocab = VOCAB, .mode = HX_OVERLAPPED},
	{MODEL, bad, -1, .vocab = VOCAB, .mode = HX_OVERLAPPED},
	{MODEL, worst, 0, .vocab = VOCAB, .mode = HX_OVERLAPPED},
	{MODEL, smaller, -1, .vocab = SMALLER, .mode = HX_OVERLAPPED},
	{MODEL, larger, -1, .vocab = LARGER, .mode = HX_OVERLAPPED},
	{MODEL, good, -1, .vocab = VOCAB, .drafts = true, .mode = HX_OVERLAPPED},
	{LOOKUP, NULL, -1, .vocab = VOCAB},
};

/* One generation, on fakes of its own; what is wrong with a token is found when it comes. */
struct run {
	struct hx_generate what;
	int context, draft_context;
	double min_confidence;
	int stop_behind; /* tokens; 0: never */
	int fails_after; /* of the target; 0: never */

	struct fake target, drafter;
	struct hx_fitted fitted;
	struct hx_generated out;
	struct hx_err err;
	int text[CONTEXT + 1], n;
};

static bool check_token(void *to, int token, const float *logits)
{
	struct run *r = to;
	const float *row = fake_row(target, VOCAB, r->text, r->n);

	if (r->what.logits)
		assert_memory_equal(logits, row, VOCAB * sizeof(*row));
	if (!r->what.imposed)
		assert_int_equal(token, fake_first(row, VOCAB));
	r->text[r->n++] = token;
	return r->n - r->what.n_prompt != r->stop_behind;
}

static struct hx_draft make_draft(struct run *r, const struct drafter *d)
{
	struct hx_lm own = fake_lm(&r->drafter), lm = d->kind == FRONT ? fake_front(&r->target) : hx_fitted_lm(&r->fitted, &own, VOCAB);

	return d->kind == LOOKUP ? hx_draft_ngram(1, 3) : hx_draft_model(&lm, d->kind == FRONT, r->min_confidence);
}

/* The caller frees with done(). */
static int generate(struct run *r, const struct drafter *d)
{
	struct hx_lm lm;
	struct hx_draft draft;
	int rc;

	fake_init(&r->target, FAKE_TARGET, VOCAB, r->context ? r->context : CONTEXT, target, d->table);
	fake_init(&r->drafter, FAKE_DRAFTER, d->vocab, r->draft_context ? r->draft_context : CONTEXT, d->table, NULL);
	r->target.fails_after = r->fails_after;
	r->target.again = r->drafter.again = r->what.imposed;
	r->drafter.drafts = d->drafts;
	r->drafter.again |= d->vocab == SMALLER; /* what it lacks is its first token to it, which may have been refused */
	lm = fake_lm(&r->target);
	draft = make_draft(r, d);
	r->what.target = &lm;
	r->what.draft = d->kind == PLAIN ? NULL : &draft;
	r->what.mode = d->mode;
	r->what.prompt = prompt;
	r->what.token = check_token;
	r->what.to = r;
	memcpy(r->text, prompt, (size_t)r->what.n_prompt * sizeof(*prompt));
	r->n = r->what.n_prompt;
	rc = hx_speculate(&r->out, &r->what, &r->err);
	hx_draft_free(&draft);
	return rc;
}

static void done(struct run *r)
{
	hx_speculate_free(&r->out);
	hx_fitted_free(&r->fitted);
	fake_free(&r->target);
	fake_free(&r->drafter);
}

static void check_counts(const struct run *r, const struct drafter *d)
{
	const bool overlaps = d->mode == HX_OVERLAPPED && r->what.gamma;
	int tokens = 1, rows = 0;

	for (int i = 0; i < r->out.n_rounds; i++) {
		const struct hx_round *round = &r->out.rounds[i];
		bool bonus; /* a token of the target behind the last draft */

		assert_in_range(round->drafted, 0, r->what.gamma);
		assert_in_range(round->accepted, 0, round->drafted);
		if (d->right >= 0)
			assert_int_equal(round->accepted, d->right * round->drafted);
		bonus = !(overlaps && round->drafted == r->what.gamma);
		tokens += round->accepted + (bonus || round->accepted < round->drafted);
		rows += round->drafted + bonus;
	}
	assert_int_equal(r->out.n_tokens, tokens);
	assert_int_equal(r->target.taken[HX_PASS_VERIFY], rows);
	assert_int_equal(r->target.passes[HX_PASS_VERIFY], r->out.n_rounds);
	assert_memory_equal(r->out.tokens, r->text + r->what.n_prompt, (size_t)tokens * sizeof(int));
	assert_true(!r->drafter.rounds || (d->drafts && d->vocab <= VOCAB && r->min_confidence == 0));
}

static void greedy_is_lossless(void **state)
{
	static const int lengths[] = {1, 2, 3, 7, 60}, prompts[] = {1, 2, COUNT(prompt)};
	static const double confidences[] = {0, 0.5, 1.1};

	(void)state;
	for (size_t d = 0; d < COUNT(drafters); d++)
		for (int gamma = 0; gamma <= 8; gamma++)
			for (size_t i = 0; i < COUNT(lengths) * COUNT(prompts) * COUNT(confidences); i++) {
				struct run r = {.what = {.gamma = gamma, .max_tokens = lengths[i % COUNT(lengths)]}};

				if (drafters[d].mode == HX_OVERLAPPED && (i + (size_t)gamma) % 4)
					continue; /* each starts a thread */
				r.what.n_prompt = prompts[i / COUNT(lengths) % COUNT(prompts)];
				r.min_confidence = confidences[i / COUNT(lengths) / COUNT(prompts)];
				r.what.logits = i % 2;
				assert_int_equal(generate(&r, &drafters[d]), HX_OK);
				assert_int_equal(r.out.n_tokens, lengths[i % COUNT(lengths)]);
				assert_int_equal(r.out.ending, HX_END_LENGTH);
				check_counts(&r, &drafters[d]);
				done(&r);
			}
}

/* The caller stops behind any token: the first, a guess in the middle, the target's own. */
static void stops_when_asked(void **state)
{
	(void)state;
	for (size_t d = 0; d < COUNT(drafters); d++)
		for (int stop = 1; stop <= 20; stop++) {
			struct run r = {.what = {.gamma = 4, .n_prompt = 3, .max_tokens = 30}, .stop_behind = stop};

			assert_int_equal(generate(&r, &drafters[d]), HX_OK);
			assert_int_equal(r.out.n_tokens, stop);
			assert_int_equal(r.n, 3 + stop);
			assert_int_equal(r.out.ending, HX_END_CALLER);
			if (stop == 1)
				assert_int_equal(r.drafter.passes[HX_PASS_PREFILL_DRAFT], 0);
			done(&r);
		}
}

/* The last token is not taken in, so there is one more of them than the context holds. A drafter with less room guesses as long as it can. */
static void ends_with_the_context(void **state)
{
	(void)state;
	for (size_t d = 0; d < COUNT(drafters); d++)
		for (int context = 9; context <= 24; context++)
			for (int less = 0; less < 2; less++) {
				struct run r = {.what = {.gamma = 5, .n_prompt = 9, .max_tokens = 1000}, .context = context};

				r.draft_context = less ? context / 2 + 2 : context;
				assert_int_equal(generate(&r, &drafters[d]), HX_OK);
				assert_int_equal(r.out.n_tokens, context - 9 + 1);
				assert_int_equal(r.out.ending, HX_END_CONTEXT);
				check_counts(&r, &drafters[d]);
				done(&r);
			}
}

/* The last guess of a drafter need not be taken in by it either. */
static void guesses_as_long_as_there_is_room(void **state)
{
	struct run r = {.what = {.gamma = 3, .n_prompt = 9, .max_tokens = 20}, .draft_context = 18};
	static const int drafted[] = {3, 3, 1, 0};

	(void)state;
	assert_int_equal(generate(&r, &perfect), HX_OK);
	for (size_t i = 0; i < COUNT(drafted); i++)
		assert_int_equal(r.out.rounds[i].drafted, drafted[i]);
	done(&r);
}

/* Passes of a drafter that is always right, gamma 4: the first token, three full rounds, a round of 1 token. */
static void catches_up(void **state)
{
	struct run r = {.what = {.gamma = 4, .n_prompt = 5, .max_tokens = 1 + 3 * 5 + 1}};

	(void)state;
	assert_int_equal(generate(&r, &perfect), HX_OK);
	assert_int_equal(r.out.n_rounds, 4);
	assert_int_equal(r.drafter.taken[HX_PASS_PREFILL_DRAFT], 5);
	assert_int_equal(r.drafter.passes[HX_PASS_DRAFT], 4 + 3 + 3);
	assert_int_equal(r.drafter.passes[HX_PASS_CATCH_UP], 2);
	assert_int_equal(r.target.taken[HX_PASS_PREFILL_TARGET], 5);
	assert_int_equal(r.target.taken[HX_PASS_VERIFY], 3 * 5 + 1);
	for (int i = 0; i < HX_PHASES; i++)
		assert_true(r.out.seconds[i] >= 0 && r.out.seconds[i] < 10);
	done(&r);
}

/* Drafted at once or one by one, the rounds are the same, and so are the passes. */
static void drafts_at_once(void **state)
{
	static const struct drafter several = {MODEL, good, -1, .vocab = VOCAB, .drafts = true}, single = {MODEL, good, -1, .vocab = VOCAB};

	(void)state;
	for (int gamma = 1; gamma <= 8; gamma++) {
		struct run a = {.what = {.gamma = gamma, .n_prompt = 4, .max_tokens = 60}}, b = a;

		assert_int_equal(generate(&a, &several), HX_OK);
		assert_int_equal(generate(&b, &single), HX_OK);
		assert_int_equal(a.out.n_rounds, b.out.n_rounds);
		assert_memory_equal(a.out.rounds, b.out.rounds, (size_t)a.out.n_rounds * sizeof(*a.out.rounds));
		assert_memory_equal(a.drafter.passes, b.drafter.passes, sizeof(a.drafter.passes));
		assert_in_range(a.drafter.rounds, a.out.n_rounds - 1, a.out.n_rounds); /* the last may have no room for drafts */
		assert_int_equal(b.drafter.rounds, 0);
		done(&a);
		done(&b);
	}
}

/* Guesses go on as long as the table says that the drafter is sure enough, which costs it one pass more. */
static void stops_when_unsure(void **state)
{
	struct run r = {.what = {.gamma = 8, .n_prompt = 4, .max_tokens = 60}, .min_confidence = 0.9};
	int n = 5, cut = 0;

	(void)state;
	assert_int_equal(generate(&r, &drafters[2]), HX_OK);
	for (int i = 0; i < r.out.n_rounds - 1; i++) {
		int text[CONTEXT + 16], guesses = 0;

		memcpy(text, r.text, sizeof(r.text));
		for (; guesses < 8 && guesses < r.n - n - 1; guesses++) {
			const float *row = fake_row(good, VOCAB, text, n + guesses);
			int first = fake_first(row, VOCAB);
			double sum = 0;

			for (int t = 0; t < VOCAB; t++)
				sum += exp((double)row[t] - (double)row[first]);
			if (1 / sum < 0.9)
				break;
			text[n + guesses] = first;
		}
		assert_int_equal(r.out.rounds[i].drafted, guesses);
		cut += guesses < 8;
		n += r.out.rounds[i].accepted + 1;
	}
	assert_in_range(cut, 1, r.out.n_rounds);
	done(&r);
}

static void looks_up(void **state)
{
	static const struct {
		int n, text[12], max, guesses, guessed[6];
	} cases[] = {
		{1, {7}, 4, 0, {0}},
		{3, {1, 2, 3}, 4, 0, {0}},
		{5, {1, 2, 3, 4, 1}, 2, 2, {2, 3}},
		{5, {1, 2, 3, 4, 1}, 6, 6, {2, 3, 4, 1, 2, 3}},         /* a loop is guessed to last */
		{3, {5, 5, 5}, 3, 3, {5, 5, 5}},
		{8, {1, 2, 8, 3, 2, 9, 4, 2}, 1, 1, {9}},               /* the last of equals */
		{9, {1, 2, 8, 3, 2, 9, 4, 1, 2}, 1, 1, {8}},            /* the longer before the later */
		{11, {6, 1, 2, 3, 8, 1, 2, 3, 9, 2, 3}, 1, 1, {9}},
		{12, {6, 1, 2, 3, 8, 0, 1, 2, 3, 1, 2, 3}, 1, 1, {1}},  /* longest counts 3 tokens: the later again */
	};
	struct hx_draft d = hx_draft_ngram(1, 3), picky = hx_draft_ngram(2, 3);
	struct hx_sampler sampler = {0};
	struct hx_proposal p;
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(d.propose(d.self, cases[i].text, cases[i].n, cases[i].max, &sampler, &p, &err), HX_OK);
		assert_int_equal(p.n, cases[i].guesses);
		if (p.n)
			assert_memory_equal(p.tokens, cases[i].guessed, (size_t)p.n * sizeof(int));
	}
	assert_int_equal(picky.propose(picky.self, cases[2].text, 5, 4, &sampler, &p, &err), HX_OK);
	assert_int_equal(p.n, 0);
	hx_draft_free(&d);
	hx_draft_free(&picky);
}

static void imposes_counts(void **state)
{
	static const int accepted[] = {0, 4, 2, 9, 0, 1};
	static const int got[] = {0, 4, 2, 4, 0, 1, 0, 0};
	const struct hx_imposed imposed = {.accepted = accepted, .n = COUNT(accepted)};

	(void)state;
	for (size_t d = 1; d < COUNT(drafters) - 1; d++) {
		struct run r = {.what = {.gamma = 4, .n_prompt = 3, .max_tokens = 40, .imposed = &imposed}};

		assert_int_equal(generate(&r, &drafters[d]), HX_OK);
		for (size_t i = 0; i < COUNT(got); i++)
			assert_int_equal(r.out.rounds[i].accepted, got[i]);
		assert_true(r.out.imposed);
		done(&r);
	}
}

static void imposes_a_chance(void **state)
{
	static const double alphas[] = {0, 0.3, 0.8, 1};

	(void)state;
	for (size_t a = 0; a < COUNT(alphas); a++) {
		int tried = 0, right = 0;

		for (uint64_t seed = 0; seed < 200; seed++) {
			struct hx_imposed imposed = {.alpha = alphas[a], .seed = seed};
			struct run r = {.what = {.gamma = 3, .n_prompt = 3, .max_tokens = 80, .imposed = &imposed}};

			assert_int_equal(generate(&r, &drafters[3]), HX_OK);
			for (int i = 0; i < r.out.n_rounds; i++) {
				right += r.out.rounds[i].accepted;
				tried += r.out.rounds[i].accepted + (r.out.rounds[i].accepted < r.out.rounds[i].drafted);
			}
			done(&r);
		}
		assert_true(fabs((double)right / tried - alphas[a]) <= 4 * sqrt(alphas[a] * (1 - alphas[a]) / tried));
	}
}

static void refuses(void **state)
{
	struct run empty = {.what = {.gamma = 2, .max_tokens = 4}}, longer = {.what = {.gamma = 2, .n_prompt = 9, .max_tokens = 4}, .context = 8};
	struct run negative = {.what = {.gamma = 2, .n_prompt = 3, .max_tokens = 4, .sampling.temperature = -1}};
	struct hx_lm lm = {.vocab = 12, .context = 8}, other = {.vocab = 11, .context = 8};
	struct hx_draft draft = hx_draft_model(&other, false, 0);
	struct hx_generate what = {.target = &lm, .draft = &draft, .prompt = prompt, .n_prompt = 1, .max_tokens = 4};
	struct hx_generated out;
	struct hx_err err;

	(void)state;
	assert_int_equal(generate(&empty, &plain), HX_INPUT);
	assert_string_equal(empty.err.msg, "the prompt is empty");
	assert_int_equal(generate(&longer, &plain), HX_INPUT);
	assert_string_equal(longer.err.msg, "the prompt has 9 tokens, the target's context holds 8");
	assert_int_equal(generate(&negative, &plain), HX_INPUT);
	assert_int_equal(hx_speculate(&out, &what, &err), HX_INPUT);
	assert_string_equal(err.msg, "the drafter's vocabulary has 11 tokens, the target's 12");
	hx_speculate_free(&out);
	hx_draft_free(&draft);
	for (int i = 0; i < 2; i++) {
		other.vocab = lm.vocab;
		draft = i ? hx_draft_ngram(1, 3) : hx_draft_model(&other, true, 0);
		what.gamma = 2;
		what.mode = HX_OVERLAPPED;
		assert_int_equal(hx_speculate(&out, &what, &err), HX_INPUT);
		assert_string_equal(err.msg, "only a drafter with a model of its own can draft while the target verifies");
		hx_speculate_free(&out);
		hx_draft_free(&draft);
	}
	done(&empty);
	done(&longer);
	done(&negative);
}

static void keeps_what_there_was_before_a_failure(void **state)
{
	(void)state;
	for (size_t d = 0; d < COUNT(drafters); d++)
		for (int after = 1; after < 6; after++) {
			struct run r = {.what = {.gamma = 2, .n_prompt = 3, .max_tokens = 30}, .fails_after = after};

			assert_int_equal(generate(&r, &drafters[d]), HX_IO);
			assert_string_equal(r.err.msg, "the device is gone");
			assert_int_equal(r.out.n_tokens, r.n - 3);
			done(&r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greedy_is_lossless),
		cmocka_unit_test(stops_when_asked),
		cmocka_unit_test(ends_with_the_context),
		cmocka_unit_test(guesses_as_long_as_there_is_room),
		cmocka_unit_test(catches_up),
		cmocka_unit_test(drafts_at_once),
		cmocka_unit_test(stops_when_unsure),
		cmocka_unit_test(looks_up),
		cmocka_unit_test(imposes_counts),
		cmocka_unit_test(imposes_a_chance),
		cmocka_unit_test(refuses),
		cmocka_unit_test(keeps_what_there_was_before_a_failure),
	};

	return cmocka_run_group_tests(tests, make_tables, NULL);
}
