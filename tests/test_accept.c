#include "core/accept.h"

#include "check.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAX_GAMMA = 16 };

static struct accept constant(double alpha)
{
	return accept_constant(alpha);
}

static struct accept beta(double a, double b)
{
	struct accept s = accept_constant(NAN);

	s.beta_a = a;
	s.beta_b = b;
	return s;
}

static struct accept by_position(double *chance, size_t n)
{
	struct accept s = accept_constant(NAN);

	s.by_position = chance;
	s.n_positions = n;
	return s;
}

/* Published closed form. */
static double omega(double alpha, int gamma)
{
	return alpha == 1 ? gamma + 1 : (1 - pow(alpha, gamma + 1)) / (1 - alpha);
}

/* Tokens of a sequential round in the limit of long outputs. */
static double tokens(double alpha, int gamma)
{
	struct accept a = constant(alpha);

	return 1 / accept_rounds(&a, gamma, HX_SEQUENTIAL, INFINITY).rounds;
}

static double eq1(double alpha, int gamma, double c)
{
	return tokens(alpha, gamma) / (gamma * c + 1);
}

static void tokens_per_round(void **state)
{
	(void)state;
	check_near(tokens(.8, 4), 3.3616, 1e-12);
	check_near(eq1(.9, 4, .41), 1.55117, 5e-6);
	check_near(eq1(.94, 5, .41), 1.69470, 5e-6);
	for (int gamma = 0; gamma <= 40; gamma += 5)
		for (double alpha = 0; alpha <= 1; alpha += .125)
			check_near(tokens(alpha, gamma), omega(alpha, gamma), 1e-12);
}

/* Figures of long outputs against the formulas of cost-model.md sections 2 and 3. */
static void long_outputs(void **state)
{
	static const double alphas[] = {0, .17, .58, .9, .999, 1};

	(void)state;
	for (size_t i = 0; i < COUNT(alphas); i++)
		for (int gamma = 1; gamma <= 12; gamma++) {
			struct accept a = constant(alphas[i]);
			struct rounds seq = accept_rounds(&a, gamma, HX_SEQUENTIAL, INFINITY),
				      over = accept_rounds(&a, gamma, HX_OVERLAPPED, INFINITY);
			double full = pow(alphas[i], gamma), tokens = alphas[i] == 1 ? gamma : (1 - full) / (1 - alphas[i]);

			check_near(seq.rounds, 1 / omega(alphas[i], gamma), 1e-12);
			check_near(seq.catch_ups, full / omega(alphas[i], gamma), 1e-12);
			check_near(over.rounds, 1 / tokens, 1e-12);
			check_near(over.catch_ups, full / tokens, 1e-12);
		}
}

/* Tokens per V of the overlapped mode without contention: cost-model.md section 3. */
static double overlapped_speed(double alpha, int gamma, double draft_s, double verify_s)
{
	struct accept a = constant(alpha);
	struct rounds r = accept_rounds(&a, gamma, HX_OVERLAPPED, INFINITY);

	return 1 / ((r.rounds - r.catch_ups) * (gamma * draft_s + verify_s) + r.catch_ups * fmax(gamma * draft_s, verify_s));
}

static void overlapped_values(void **state)
{
	(void)state;
	check_near(overlapped_speed(.9, 3, .41, 1), 1.80546, 3e-6);
	check_near(tokens(.9, 3) / (3 * .41 + 1), 1.54215, 3e-6);
	check_near(overlapped_speed(.8, 4, .1, 1.2), 2.05548, 3e-6);
	check_near(tokens(.8, 4) / (4 * .1 + 1.2), 2.10100, 3e-6);
}

/* Without a drafter every token is a round. */
static void plain(void **state)
{
	struct accept a = constant(.5);

	(void)state;
	check_near(accept_rounds(&a, 0, HX_SEQUENTIAL, 63).rounds, 63, 0);
	check_near(accept_rounds(&a, 0, HX_SEQUENTIAL, 63).catch_ups, 0, 0);
	check_near(accept_rounds(&a, 0, HX_SEQUENTIAL, INFINITY).rounds, 1, 0);
}

/* Adds up every sequence of rounds until n tokens are there, each with its probability. */
static void enumerate(const double *chance, int gamma, int mode, int n, double weight, struct rounds *sum)
{
	double reached = 1;

	sum->rounds += weight;
	for (int a = 0; a <= gamma; a++) {
		double p = a < gamma ? reached * (1 - chance[a]) : reached;
		int left = n - (a == gamma && mode == HX_OVERLAPPED ? gamma : a + 1);

		if (a < gamma)
			reached *= chance[a];
		if (a == gamma && left > 0)
			sum->catch_ups += weight * p;
		if (left > 0 && p > 0)
			enumerate(chance, gamma, mode, left, weight * p, sum);
	}
}

static void check_enumerated(const struct accept *a, const double *chance, int gamma, int mode, int n)
{
	struct rounds expected = {0, 0}, r = accept_rounds(a, gamma, mode, n);

	enumerate(chance, gamma, mode, n, 1, &expected);
	check_near(r.rounds, expected.rounds, 1e-11);
	check_near(r.catch_ups, expected.catch_ups, 1e-11);
}

static void short_outputs(void **state)
{
	static const double alphas[] = {0, .3, .8, 1};
	double chance[MAX_GAMMA] = {.9, .5, .7, .7, .7, .7, .7, .7};
	struct accept varied = by_position(chance, 3);

	(void)state;
	for (int mode = 0; mode < HX_MODES; mode++)
		for (int n = 1; n <= 13; n += 3)
			for (int gamma = 1; gamma <= 6; gamma++) {
				for (size_t i = 0; i < COUNT(alphas); i++) {
					struct accept a = constant(alphas[i]);
					double same[MAX_GAMMA];

					for (int k = 0; k < gamma; k++)
						same[k] = alphas[i];
					check_enumerated(&a, same, gamma, mode, n);
				}
				check_enumerated(&varied, chance, gamma, mode, n);
			}
}

/* The design's figure: 13 % more rounds than 12/Omega at alpha .8, gamma 4. */
static void last_round_is_cut(void **state)
{
	struct accept a = constant(.8);
	double chance[4] = {.8, .8, .8, .8}, surplus = 2;
	struct rounds exact = {0, 0};

	(void)state;
	enumerate(chance, 4, HX_SEQUENTIAL, 12, 1, &exact);
	check_near(exact.rounds / (12 / 3.3616), 1.13, .005);
	check_near(accept_rounds(&a, 4, HX_SEQUENTIAL, 12).rounds, exact.rounds, 1e-12);
	for (int n = 10; n <= 100000; n *= 10) {
		double ratio = accept_rounds(&a, 4, HX_SEQUENTIAL, n).rounds / n * 3.3616;

		assert_true(ratio > 1 && ratio < surplus);
		surplus = ratio;
	}
	check_near(surplus, 1, 2e-5);
}

static double draw(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (double)(*s >> 11) / 9007199254740992.0;
}

/* The process itself: drafts, one target token a round, the drafter two tokens behind after a fully accepted round. */
static void process(void **state)
{
	static const struct {
		double alpha;
		int gamma, n;
	} rows[] = {{.8, 4, 12}, {.58, 3, 63}, {.95, 8, 40}};
	enum { OUTPUTS = 100000 };
	uint64_t s = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct accept a = constant(rows[i].alpha);
		struct rounds r = accept_rounds(&a, rows[i].gamma, HX_SEQUENTIAL, rows[i].n);
		double rounds = 0, rounds2 = 0, catch_ups = 0, catch_ups2 = 0;

		for (int k = 0; k < OUTPUTS; k++) {
			int out = 0, count = 0, caught = 0, behind = 1; /* behind: tokens the drafter has yet to take in */

			while (out < rows[i].n) {
				int accepted = 0;

				caught += behind == 2;
				while (accepted < rows[i].gamma && draw(&s) < rows[i].alpha)
					accepted++;
				/* of gamma drafts the drafter itself took in all but the last; the target's token is new to it */
				behind = accepted == rows[i].gamma ? 2 : 1;
				out += accepted + 1;
				count++;
			}
			rounds += count;
			rounds2 += (double)count * count;
			catch_ups += caught;
			catch_ups2 += (double)caught * caught;
		}
		rounds /= OUTPUTS;
		catch_ups /= OUTPUTS;
		/* five standard errors */
		assert_true(fabs(rounds - r.rounds) < 5 * sqrt((rounds2 / OUTPUTS - rounds * rounds) / OUTPUTS));
		assert_true(fabs(catch_ups - r.catch_ups) < 5 * sqrt((catch_ups2 / OUTPUTS - catch_ups * catch_ups) / OUTPUTS));
	}
}

/* E[alpha^i] = prod (a+j)/(a+b+j). Of gamma + 2 tokens only a fully accepted first round leaves one for a catch-up: E[alpha^gamma]. */
static void beta_moments(void **state)
{
	static const double pairs[][2] = {{6, 2},       {.3, .6}, {.01, .01}, {.01, 1000}, {1000, .01},
					  {1000, 1000}, {1, 1},   {.5, .5},   {100, 200},  {2, 171}};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct accept a = beta(pairs[i][0], pairs[i][1]);
		double moment = 1;

		for (int gamma = 1; gamma <= 40; gamma++) {
			moment *= (pairs[i][0] + gamma - 1) / (pairs[i][0] + pairs[i][1] + gamma - 1);
			/* moments down to 1e-200: what is far below rounding may be off */
			assert_true(fabs(accept_rounds(&a, gamma, HX_SEQUENTIAL, gamma + 2).catch_ups - moment) <= 1e-9 * moment + 1e-15);
			check_near(accept_rounds(&a, gamma, HX_SEQUENTIAL, 1).rounds, 1, 1e-12);
		}
	}
}

/* Mean of f over Beta(a, b), a and b at least 1, by the midpoint rule. */
static double beta_mean(double a, double b, double (*f)(double alpha, int gamma), int gamma)
{
	enum { STEPS = 200000 };
	double sum = 0, total = 0;

	for (int i = 0; i < STEPS; i++) {
		double x = (i + .5) / STEPS, w = pow(x, a - 1) * pow(1 - x, b - 1);

		sum += w * f(x, gamma);
		total += w;
	}
	return sum / total;
}

static double inverse_omega(double alpha, int gamma)
{
	return 1 / omega(alpha, gamma);
}

/* The whole workload's speedup is the harmonic mean over prompts. */
static void spread_over_prompts(void **state)
{
	struct accept a = beta(6, 2);

	(void)state;
	check_near(1 / (accept_rounds(&a, 4, HX_SEQUENTIAL, INFINITY).rounds * (4 * .15 + 1)), 1.84979, 3e-6);
	check_near(beta_mean(6, 2, omega, 4) / (4 * .15 + 1), 1.98864, 3e-6); /* what it is not */
	for (int gamma = 1; gamma <= 40; gamma++)
		check_near(accept_rounds(&a, gamma, HX_SEQUENTIAL, INFINITY).rounds, beta_mean(6, 2, inverse_omega, gamma), 1e-8);
}

/* A narrow spread is a constant. */
static void narrow_spread(void **state)
{
	struct accept narrow = beta(800, 200), a = constant(.8);

	(void)state;
	for (int gamma = 1; gamma <= 8; gamma++)
		check_near(accept_rounds(&narrow, gamma, HX_SEQUENTIAL, INFINITY).rounds,
			   accept_rounds(&a, gamma, HX_SEQUENTIAL, INFINITY).rounds, 2e-3);
}

/* Extremes: nearly all prompts near 0, near 1, or at either end in equal shares. */
static void extreme_spread(void **state)
{
	struct accept low = beta(.01, 1000), high = beta(1000, .01), ends = beta(.01, .01);

	(void)state;
	check_near(accept_rounds(&low, 4, HX_SEQUENTIAL, INFINITY).rounds, 1, 1e-4);
	check_near(accept_rounds(&high, 4, HX_SEQUENTIAL, INFINITY).rounds, .2, 1e-4);
	check_near(accept_rounds(&high, 4, HX_OVERLAPPED, INFINITY).rounds, .25, 1e-4);
	/* P(alpha < e) is about half of e^.01 (1.4 % of all prompts lie between .25 and .75) */
	check_near(accept_rounds(&ends, 4, HX_SEQUENTIAL, INFINITY).rounds, .6, .02);
}

/* The reference study's semi-quantised pair: no gamma pays at c = .41, though its 90th percentile gains 1.55. */
static void semi_quantised(void **state)
{
	struct accept a = beta(.3, .6);
	double c = .41;

	(void)state;
	for (int gamma = 1; gamma <= 32; gamma++)
		assert_true(1 / (accept_rounds(&a, gamma, HX_SEQUENTIAL, INFINITY).rounds * (gamma * c + 1)) < 1);
	check_near(eq1(.9, 4, c), 1.55, 1e-3);
}

static void one_token(void **state)
{
	struct accept a = constant(.7), spread = beta(3, 2);

	(void)state;
	for (int gamma = 1; gamma <= 256; gamma *= 4) {
		check_near(accept_rounds(&a, gamma, HX_SEQUENTIAL, 1).rounds, 1, 0);
		check_near(accept_rounds(&a, gamma, HX_SEQUENTIAL, 1).catch_ups, 0, 0);
		check_near(accept_rounds(&spread, gamma, HX_OVERLAPPED, 1).rounds, 1, 1e-12);
	}
}

/* Certain acceptance: rounds of gamma + 1 tokens, or gamma; the last one may be cut, and nothing follows it. */
static void certain(void **state)
{
	struct accept a = constant(1), never = constant(0);

	(void)state;
	check_near(accept_rounds(&a, 4, HX_SEQUENTIAL, 12).rounds, 3, 1e-12);
	check_near(accept_rounds(&a, 4, HX_SEQUENTIAL, 12).catch_ups, 2, 1e-12);
	check_near(accept_rounds(&a, 4, HX_SEQUENTIAL, 10).rounds, 2, 1e-12);
	check_near(accept_rounds(&a, 4, HX_OVERLAPPED, 12).rounds, 3, 1e-12);
	check_near(accept_rounds(&a, 4, HX_OVERLAPPED, 13).rounds, 4, 1e-12);
	check_near(accept_rounds(&never, 4, HX_SEQUENTIAL, 12).rounds, 12, 1e-12);
	check_near(accept_rounds(&never, 4, HX_OVERLAPPED, 12).rounds, 12, 1e-12);
	check_near(accept_rounds(&never, 4, HX_SEQUENTIAL, 12).catch_ups, 0, 0);
}

#define SOURCE(members) "{\"schema\": \"hexplore/acceptance/1\",\n\"kind\": \"measured\", \"from\": \"here\"" members "}"

static void parses(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{SOURCE(", \"alpha\": 0.58"), "alpha 0.58"},
		{SOURCE(", \"beta\": {\"a\": 0.3, \"b\": 0.6}"), "Beta(0.3, 0.6)"},
		{SOURCE(", \"by_position\": [0.8, 0.75, 1]"), "by position 0.8 0.75 1"},
	};
	struct hx_err err;
	struct accept a;
	char shown[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (accept_parse(&a, rows[i].text, strlen(rows[i].text), "a.json", &err))
			fail_msg("%s", err.msg);
		accept_text(&a, shown, sizeof(shown));
		assert_string_equal(shown, rows[i].shown);
		accept_text(&a, shown, 5);
		assert_memory_equal(shown, rows[i].shown, 4);
		assert_int_equal(strlen(shown), 4);
		accept_free(&a);
		accept_free(&a);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{SOURCE(""), "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
		{SOURCE(", \"alpha\": 0.5, \"by_position\": [1]"), "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
		{SOURCE(", \"alpha\": 0.5, \"beta\": {\"a\": 1, \"b\": 1}"),
		 "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
		{SOURCE(", \"by_position\": []"), "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
		{SOURCE(",\n\"alpha\": 1.01"), "a.json:3: alpha: must be in [0, 1], is 1.01"},
		{SOURCE(",\n\"beta\": {\"a\": 1}"), "a.json:3: beta: 'b' is missing (second shape parameter)"},
		{SOURCE(",\n\"beta\": {\"a\": 0, \"b\": 1}"), "a.json:3: beta.a: must be in [0.01, 1000], is 0"},
		{SOURCE(", \"alpha\": 0.5, \"draft_quant\": \"q9\""), "a.json: draft_quant: unknown type 'q9'"},
		{SOURCE(", \"alpha\": 0.5, \"target_quant\": \"Q8_0\""), "a.json: target_quant: unknown type 'Q8_0'"},
		{"{\"schema\": \"hexplore/acceptance/1\", \"alpha\": 1, \"kind\": \"measured\"}",
		 "a.json:1: 'from' is missing (who says so)"},
	};
	struct hx_err err;
	struct accept a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(accept_parse(&a, rows[i].text, strlen(rows[i].text), "a.json", &err), HX_INPUT);
		assert_string_equal(err.msg, rows[i].message);
	}
}

static void matches(void **state)
{
	struct accept any = constant(.5), one = constant(.5);

	(void)state;
	one.target = "t";
	one.drafter = "d";
	one.target_quant = "q8_0";
	one.draft_quant = "f16";
	one.temperature = .7;
	assert_true(accept_matches(&any, "x", HX_Q4_0, "ngram", HX_F32, 0));
	assert_false(accept_matches(&any, "x", HX_Q4_0, "ngram", HX_F32, .7));
	assert_true(accept_matches(&one, "t", HX_Q8_0, "d", HX_F16, .7));
	assert_false(accept_matches(&one, "u", HX_Q8_0, "d", HX_F16, .7));
	assert_false(accept_matches(&one, "t", HX_F16, "d", HX_F16, .7));
	assert_false(accept_matches(&one, "t", HX_Q8_0, "e", HX_F16, .7));
	assert_false(accept_matches(&one, "t", HX_Q8_0, "d", HX_Q8_0, .7));
	assert_false(accept_matches(&one, "t", HX_Q8_0, "d", HX_F16, 0));
}

/* Rounds by the number accepted: sum 1, and of their mean the tokens that a round yields. */
static void check_shares(const struct accept *a, int gamma)
{
	double p[MAX_GAMMA + 1], sum = 0, mean = 0;

	accept_shares(a, gamma, p);
	for (int k = 0; k <= gamma; k++) {
		sum += p[k];
		mean += p[k] * (k + 1);
	}
	check_near(sum, 1, 1e-12);
	check_near(mean, 1 / accept_rounds(a, gamma, HX_SEQUENTIAL, INFINITY).rounds, 1e-9);
}

static void shares(void **state)
{
	double chance[] = {.5, .25}, p[MAX_GAMMA + 1];
	struct accept even = constant(.5), spread = beta(.3, .6), positions = by_position(chance, COUNT(chance));

	(void)state;
	accept_shares(&even, 2, p);
	check_near(p[0], .5, 1e-15);
	check_near(p[1], .25, 1e-15);
	check_near(p[2], .25, 1e-15);
	accept_shares(&positions, 3, p);
	check_near(p[0], .5, 1e-15);
	check_near(p[1], .375, 1e-15);
	check_near(p[2], .09375, 1e-15);
	check_near(p[3], .03125, 1e-15);
	for (int gamma = 0; gamma <= MAX_GAMMA; gamma++) {
		check_shares(&even, gamma);
		check_shares(&spread, gamma);
		check_shares(&positions, gamma);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_per_round),
		cmocka_unit_test(long_outputs),
		cmocka_unit_test(overlapped_values),
		cmocka_unit_test(plain),
		cmocka_unit_test(short_outputs),
		cmocka_unit_test(process),
		cmocka_unit_test(last_round_is_cut),
		cmocka_unit_test(beta_moments),
		cmocka_unit_test(narrow_spread),
		cmocka_unit_test(extreme_spread),
		cmocka_unit_test(spread_over_prompts),
		cmocka_unit_test(semi_quantised),
		cmocka_unit_test(one_token),
		cmocka_unit_test(certain),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(matches),
		cmocka_unit_test(shares),
	};

	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
