/* Drafting while the target verifies: rounds are what the pattern of right and wrong drafts makes them, whichever side is faster; errors and ends stop both
 * sides. tests/test_speculate.c has what holds for all drafters in both modes. */
#include "engine/speculate.h"
#include "engine/trace.h"

#include "check.h"
#include "fake_lm.h"
#include "fake_tables.h"

#include <stdatomic.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VOCAB = 11, TABLE = VOCAB * VOCAB * VOCAB, CONTEXT = 96, PROMPT = 3, MOST = 40 };
static float target[TABLE], good[TABLE], worst[TABLE];
static const int prompt[PROMPT] = {3, 1, 4};
static int plain[MOST]; /* what the target says by itself */

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int make_tables(void **state)
{
	struct fake t;
	struct hx_lm lm;
	struct hx_generate what = {.target = &lm, .prompt = prompt, .n_prompt = PROMPT, .max_tokens = MOST};
	struct hx_generated out;
	struct hx_err err;

	(void)state;
	fake_table(target, TABLE, NULL, 10, 1);
	fake_table(good, TABLE, target, 5, 2);
	for (int i = 0; i < TABLE; i++)
		worst[i] = -target[i];
	fake_init(&t, FAKE_TARGET, VOCAB, CONTEXT, target, NULL);
	lm = fake_lm(&t);
	assert_int_equal(hx_speculate(&out, &what, &err), HX_OK);
	memcpy(plain, out.tokens, sizeof(plain));
	hx_speculate_free(&out);
	fake_free(&t);
	return 0;
}

/* ---- a drafter that is right where it is told to be ---- */

struct script {
	uint32_t right;  /* a bit for each token of the output behind the first */
	int token;       /* drafted last */
	int known;       /* tokens of the text so far, drafts included: they come in order */
	atomic_int calls;
	atomic_int *come; /* a draft behind `from` tokens or more ends when this is set; NULL: at once */
	int from;
};

static int script_start(void *self, const int *text, int n, struct hx_err *err)
{
	struct script *s = self;

	(void)err;
	assert_memory_equal(text, prompt, sizeof(prompt));
	s->known = n + 1;
	return HX_OK;
}

static int script_propose(void *self, const int *text, int n, int max, struct hx_sampler *sampler, struct hx_proposal *out, struct hx_err *err)
{
	struct script *s = self;
	const int at = n - PROMPT;

	(void)text, (void)sampler, (void)err;
	assert_int_equal(max, 1);
	assert_int_equal(n, s->known++);
	assert_true(at > 0 && at < MOST);
	atomic_fetch_add(&s->calls, 1);
	while (s->come && n >= s->from && !atomic_load(s->come))
		sched_yield();
	s->token = s->right >> (at - 1) & 1 ? plain[at] : (plain[at] + 1) % VOCAB;
	*out = (struct hx_proposal){1, &s->token, NULL};
	return HX_OK;
}

static void script_settle(void *self, int n)
{
	struct script *s = self;

	s->known = n;
}

static void script_free(void *self)
{
	(void)self;
}

static struct hx_draft script_draft(struct script *s)
{
	return (struct hx_draft){s, 0, true, script_start, script_propose, script_settle, script_free};
}

/* ---- patterns ---- */

/* Rounds of the text, from the rules alone. */
static int rounds_of(uint32_t right, int gamma, int tokens, struct hx_round *rounds)
{
	int n = 1, count = 0;

	while (n < tokens) {
		const int drafted = smaller(gamma, tokens - n - 1);
		int accepted = 0;

		while (accepted < drafted && right >> (n - 1 + accepted) & 1)
			accepted++;
		rounds[count++] = (struct hx_round){drafted, accepted};
		n += accepted + !(accepted == drafted && drafted == gamma);
	}
	return count;
}

static void every_pattern(void **state)
{
	enum { TOKENS = 9 };

	(void)state;
	for (uint32_t right = 0; right < 1u << (TOKENS - 2); right++)
		for (int gamma = 1; gamma <= 8; gamma++) {
			struct fake t;
			struct script s = {.right = right};
			struct hx_lm lm;
			struct hx_draft draft = script_draft(&s);
			struct hx_generate what = {.target = &lm, .draft = &draft, .gamma = gamma, .mode = HX_OVERLAPPED, .prompt = prompt, .n_prompt = PROMPT,
						   .max_tokens = TOKENS};
			struct hx_generated out;
			struct hx_round rounds[TOKENS];
			struct hx_err err;

			fake_init(&t, FAKE_TARGET, VOCAB, CONTEXT, target, NULL);
			lm = fake_lm(&t);
			assert_int_equal(hx_speculate(&out, &what, &err), HX_OK);
			assert_int_equal(out.n_tokens, TOKENS);
			assert_memory_equal(out.tokens, plain, TOKENS * sizeof(*plain));
			assert_int_equal(out.n_rounds, rounds_of(right, gamma, TOKENS, rounds));
			assert_memory_equal(out.rounds, rounds, (size_t)out.n_rounds * sizeof(*rounds));
			hx_speculate_free(&out);
			fake_free(&t);
		}
}

/* ---- no draft is begun in vain ---- */

/* Lets the drafter go on when a token of that number is out, and gives it time to begin a draft that it should not. */
struct release {
	struct script *script;
	atomic_int come;
	int at, n;
};

static bool release(void *to, int token, const float *logits)
{
	struct release *r = to;

	(void)token, (void)logits;
	if (r->n++ < r->at)
		return true;
	atomic_store(&r->come, 1);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_in_range(atomic_load(&r->script->calls), 4, 5);
	return false;
}

/* Tokens 1 to 4 are drafted, and one of them is wrong. The draft behind them, if it was begun, ends when the token in its place is out, and is the last. */
static void a_refusal_stops_drafting(void **state)
{
	(void)state;
	for (int wrong = 0; wrong < 4; wrong++) {
		struct script s = {.right = ~(1u << wrong), .from = PROMPT + 5};
		struct release r = {.script = &s, .at = 1 + wrong};
		struct fake t;
		struct hx_lm lm;
		struct hx_draft draft = script_draft(&s);
		struct hx_generate what = {.target = &lm, .draft = &draft, .gamma = 4, .mode = HX_OVERLAPPED, .prompt = prompt, .n_prompt = PROMPT,
					   .max_tokens = 30, .token = release, .to = &r};
		struct hx_generated out;
		struct hx_err err;

		s.come = &r.come;
		fake_init(&t, FAKE_TARGET, VOCAB, CONTEXT, target, NULL);
		lm = fake_lm(&t);
		assert_int_equal(hx_speculate(&out, &what, &err), HX_OK);
		assert_int_equal(out.ending, HX_END_CALLER);
		assert_int_equal(out.n_tokens, wrong + 2);
		assert_memory_equal(out.tokens, plain, (size_t)out.n_tokens * sizeof(*plain));
		hx_speculate_free(&out);
		fake_free(&t);
	}
}

/* ---- models on both sides ---- */

struct pair {
	struct fake t, d;
	struct hx_lm target, drafter;
	struct hx_draft draft;
	struct hx_generate what;
	struct hx_random jitter[2];
};

static void pair_init(struct pair *p, const float *table, int gamma, uint64_t seed)
{
	*p = (struct pair){.what = {.target = &p->target, .draft = &p->draft, .gamma = gamma, .mode = HX_OVERLAPPED, .prompt = prompt, .n_prompt = PROMPT,
				    .max_tokens = MOST}};
	fake_init(&p->t, FAKE_TARGET, VOCAB, CONTEXT, target, NULL);
	fake_init(&p->d, FAKE_DRAFTER, VOCAB, CONTEXT, table, NULL);
	hx_random_init(&p->jitter[0], seed);
	hx_random_init(&p->jitter[1], ~seed);
	p->t.jitter = seed % 3 ? &p->jitter[0] : NULL;
	p->d.jitter = seed % 3 < 2 ? &p->jitter[1] : NULL;
	p->target = fake_lm(&p->t);
	p->drafter = fake_lm(&p->d);
	p->draft = hx_draft_model(&p->drafter, false, 0);
}

static void pair_free(struct pair *p)
{
	hx_draft_free(&p->draft);
	fake_free(&p->t);
	fake_free(&p->d);
}

/* Either side, or both, fail at any pass: the text so far stays, and is the target's. */
static void either_side_fails(void **state)
{
	enum { FAILS = 12 };
	const float *const tables[] = {target, good, worst};

	(void)state;
	for (size_t k = 0; k < COUNT(tables); k++)
		for (int gamma = 1; gamma <= 4; gamma += 3)
			for (int at = 0; at < FAILS * FAILS; at++) {
				struct pair p;
				struct hx_generated out;
				struct hx_err err = {""};
				int rc;

				pair_init(&p, tables[k], gamma, (uint64_t)at);
				p.t.fails_after = at % FAILS;
				p.d.fails_after = at / FAILS;
				rc = hx_speculate(&out, &p.what, &err);
				if (rc)
					assert_string_equal(err.msg, "the device is gone");
				else
					assert_int_equal(out.n_tokens, MOST);
				if (at == 0)
					assert_int_equal(rc, HX_OK);
				if (at % FAILS && at % FAILS < 5)
					assert_int_equal(rc, HX_IO);
				assert_memory_equal(out.tokens, plain, (size_t)out.n_tokens * sizeof(*plain));
				hx_speculate_free(&out);
				pair_free(&p);
			}
}

/* Sampled text depends on the seed, not on how far a drafter came that was stopped. */
static void a_seed_repeats(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 6; seed++) {
		int first[MOST], differ = 0;

		for (uint64_t time = 0; time < 12; time++) {
			struct pair p;
			struct hx_generated out;
			struct hx_err err;

			pair_init(&p, good, 3, time);
			p.what.sampling = (struct hx_sample_options){.temperature = 2, .seed = seed};
			assert_int_equal(hx_speculate(&out, &p.what, &err), HX_OK);
			if (time == 0)
				memcpy(first, out.tokens, sizeof(first));
			assert_memory_equal(out.tokens, first, sizeof(first));
			differ += memcmp(out.tokens, plain, sizeof(plain)) != 0;
			hx_speculate_free(&out);
			pair_free(&p);
		}
		assert_int_equal(differ, 12);
	}
}

/* Phases add up to the whole: none is counted twice although two sides work. */
static void phases_add_up(void **state)
{
	struct pair p;
	struct hx_generated out;
	struct hx_err err;
	double sum_s = 0, start_s;

	(void)state;
	pair_init(&p, good, 4, 1);
	start_s = hx_trace_now_s();
	assert_int_equal(hx_speculate(&out, &p.what, &err), HX_OK);
	for (int i = 0; i < HX_PHASES; i++)
		sum_s += out.seconds[i];
	assert_true(sum_s <= hx_trace_now_s() - start_s);
	hx_speculate_free(&out);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pattern),  cmocka_unit_test(a_refusal_stops_drafting), cmocka_unit_test(either_side_fails),
		cmocka_unit_test(a_seed_repeats), cmocka_unit_test(phases_add_up),
	};

	return cmocka_run_group_tests(tests, make_tables, NULL);
}
