#include "engine/sample.h"

#include "check.h"
#include "fake_tables.h"
#include "probabilities.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Values that the authors' implementations give (prng.di.unimi.it). */
static void random_numbers_are_the_published_ones(void **state)
{
	static const uint64_t seeded[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u};
	static const uint64_t drawn[] = {11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u, 607988272756665600u};
	struct hx_random r;

	(void)state;
	hx_random_init(&r, 1234567);
	assert_memory_equal(r.state, seeded, sizeof(seeded));
	r = (struct hx_random){{1, 2, 3, 4}};
	for (size_t i = 0; i < COUNT(drawn); i++)
		assert_true(hx_random_bits(&r) == drawn[i]);
}

static void uniform_is_below_one(void **state)
{
	struct hx_random r = {{0, UINT64_MAX / 5 + 1, 0, 0}};
	double sum = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double u = hx_random_uniform(&r);

		assert_true(u >= 0 && u < 1);
		sum += u;
	}
	assert_true(fabs(sum / 100000 - 0.5) < 0.005);
}

static void probabilities_are_right(void **state)
{
	static const int vocabs[] = {1, 2, 3, 17, MOST_TOKENS}, ks[] = {0, 1, 2, 16, 1000};
	static const double temperatures[] = {0.01, 0.5, 1, 3}, shares[] = {0, 1e-9, 0.3, 0.9, 0.999, 1};
	float logits[MOST_TOKENS], p[MOST_TOKENS];
	double want[MOST_TOKENS];

	(void)state;
	for (size_t i = 0; i < COUNT(vocabs) * COUNT(ks) * COUNT(temperatures) * COUNT(shares); i++) {
		const int vocab = vocabs[i % COUNT(vocabs)];
		size_t rest = i / COUNT(vocabs);
		struct hx_sample_options o = {.top_k = ks[rest % COUNT(ks)]};
		struct hx_sampler s;
		double sum = 0;

		o.temperature = temperatures[rest / COUNT(ks) % COUNT(temperatures)];
		o.top_p = shares[rest / COUNT(ks) / COUNT(temperatures)];
		fake_table(logits, (size_t)vocab, NULL, 20, i);
		for (int t = 0; t < vocab; t++)
			logits[t] = rintf(4 * logits[t]) / 4; /* many are equal: the lower token comes first */
		probabilities(&o, logits, vocab, want);
		hx_sample_init(&s, &o, vocab);
		hx_sample_probabilities(&s, logits, p);
		for (int t = 0; t < vocab; t++) {
			assert_true(fabs(p[t] - want[t]) <= 1e-5 * want[t] + 1e-30); /* a float exponent of up to 70 */
			sum += p[t];
		}
		check_near(sum, 1, 1e-6);
		hx_sample_free(&s);
	}
}

/* One logit that outweighs all, and rows that leave something out. */
static void extreme_rows_give_a_token(void **state)
{
	static const float rows[][4] = {
		{3e38f, -3e38f, 0, 0}, {-INFINITY, -INFINITY, -INFINITY, 1}, {0, 0, 0, 0}, {1e-40f, 0, -1e-40f, 0}, {NAN, NAN, NAN, NAN},
	};
	const struct hx_sample_options o = {.temperature = 0.01, .top_k = 3, .top_p = 0.5};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hx_sampler s;
		float p[4];

		hx_sample_init(&s, &o, 4);
		hx_sample_probabilities(&s, rows[i], p);
		assert_in_range(hx_sample_draw(&s, p), 0, 3);
		if (i == 0 || i == 1)
			check_near(p[i ? 3 : 0], 1, 0);
		hx_sample_free(&s);
	}
}

/* What is drawn, and what is accepted or drawn instead, both follow p. */
static void draws_follow(void **state)
{
	static const float p[] = {0.1f, 0, 0.4f, 0.2f, 0.3f}, q[] = {0.5f, 0.3f, 0, 0.1f, 0.1f};
	static const double want[] = {0.1, 0, 0.4, 0.2, 0.3};
	const struct hx_sample_options o = {.temperature = 1, .seed = 7};
	int drawn[5] = {0}, replaced[5] = {0}, certain[5] = {0}, accepted = 0;
	struct hx_sampler s;

	(void)state;
	hx_sample_init(&s, &o, 5);
	for (int i = 0; i < 100000; i++) {
		float rest[5], other[5];
		int token = hx_sample_draw(&s, q);
		bool right = hx_sample_accept(&s, p, q, token);

		memcpy(rest, p, sizeof(p));
		memcpy(other, p, sizeof(p));
		drawn[hx_sample_draw(&s, p)]++;
		replaced[right ? token : hx_sample_residual(&s, rest, q, token)]++;
		accepted += right;
		certain[hx_sample_accept(&s, p, NULL, 3) ? 3 : hx_sample_residual(&s, other, NULL, 3)]++;
	}
	assert_true(chi_square(drawn, want, 5) > 0.01);
	assert_true(chi_square(replaced, want, 5) > 0.01);
	assert_true(chi_square(certain, want, 5) > 0.01);
	assert_true(fabs(accepted / 1e5 - 0.3) < 0.005); /* the sum of the smaller ones */
	hx_sample_free(&s);
}

static void a_seed_repeats(void **state)
{
	static const float p[] = {0.25f, 0.25f, 0.25f, 0.25f};
	struct hx_sampler a, b, c;
	int differ = 0;

	(void)state;
	hx_sample_init(&a, &(struct hx_sample_options){.temperature = 1, .seed = 1}, 4);
	hx_sample_init(&b, &(struct hx_sample_options){.temperature = 1, .seed = 1}, 4);
	hx_sample_init(&c, &(struct hx_sample_options){.temperature = 1, .seed = 2}, 4);
	for (int i = 0; i < 100; i++) {
		int token = hx_sample_draw(&a, p);

		assert_int_equal(token, hx_sample_draw(&b, p));
		differ += token != hx_sample_draw(&c, p);
	}
	assert_in_range(differ, 50, 95);
	hx_sample_free(&a);
	hx_sample_free(&b);
	hx_sample_free(&c);
}

static void residual_of_equals_is_the_token(void **state)
{
	float p[] = {0.5f, 0.5f}, q[] = {0.5f, 0.5f};
	struct hx_sampler s;

	(void)state;
	hx_sample_init(&s, &(struct hx_sample_options){.temperature = 1}, 2);
	assert_int_equal(hx_sample_residual(&s, p, q, 1), 1);
	hx_sample_free(&s);
}

static void confidence_is_the_softmax(void **state)
{
	static const float logits[] = {1, 3, 2};

	(void)state;
	check_near(hx_sample_confidence(logits, 3, 1), 1 / (1 + exp(-1) + exp(-2)), 1e-6);
}

static void options_are_checked(void **state)
{
	static const struct {
		struct hx_sample_options o;
		int rc;
	} cases[] = {
		{{0}, HX_OK},
		{{.temperature = 0.7, .top_k = 40, .top_p = 0.9}, HX_OK},
		{{.temperature = 1, .top_p = 1}, HX_OK},
		{{.temperature = -1}, HX_INPUT},
		{{.temperature = 1e-9}, HX_INPUT},
		{{.temperature = NAN}, HX_INPUT},
		{{.temperature = INFINITY}, HX_INPUT},
		{{.top_k = -1}, HX_INPUT},
		{{.top_p = -0.1}, HX_INPUT},
		{{.top_p = 1.1}, HX_INPUT},
		{{.top_p = NAN}, HX_INPUT},
	};
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(hx_sample_check(&cases[i].o, &err), cases[i].rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_numbers_are_the_published_ones),
		cmocka_unit_test(uniform_is_below_one),
		cmocka_unit_test(probabilities_are_right),
		cmocka_unit_test(extreme_rows_give_a_token),
		cmocka_unit_test(draws_follow),
		cmocka_unit_test(a_seed_repeats),
		cmocka_unit_test(residual_of_equals_is_the_token),
		cmocka_unit_test(confidence_is_the_softmax),
		cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
