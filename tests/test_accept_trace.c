#include "core/accept_trace.h"
#include "core/accept_write.h"
#include "core/profile.h"
#include "engine/random.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAX_GAMMA = 8, TOKENS = 40, PROMPTS = 3, LONG = 200000 };

static struct hx_random dice;

static struct accept source(struct accept_match *matches, size_t n)
{
	struct accept a = accept_constant(NAN);

	a.matches = matches;
	a.n_matches = n;
	return a;
}

static void flip(bool *right, size_t n, double alpha)
{
	for (size_t i = 0; i < n; i++)
		right[i] = hx_random_uniform(&dice) < alpha;
}

static struct accept_match chain(double *lengths, const bool *right, size_t n)
{
	for (size_t i = n; i-- > 0;)
		lengths[i] = right[i] ? 1 + (i + 1 < n ? lengths[i + 1] : 0) : 0;
	return (struct accept_match){.lengths = lengths, .n_lengths = n};
}

/* Drafts token by token, as the engine does: never beyond the last token, which the target gives. */
static struct rounds draft(const bool *right, size_t n, int gamma, int mode)
{
	struct rounds r = {0, 0};
	size_t at = 0;

	while (at < n) {
		int accepted = 0;

		r.rounds++;
		while (accepted < gamma && at < n && right[at]) {
			accepted++;
			at++;
		}
		if (accepted < gamma || mode == HX_SEQUENTIAL)
			at++;
		r.catch_ups += accepted == gamma && at < n;
	}
	return r;
}

static void replays_what_is_drafted(void **state)
{
	(void)state;
	for (int trial = 0; trial < 200; trial++) {
		bool right[PROMPTS][TOKENS];
		double lengths[PROMPTS][TOKENS];
		struct accept_match m[PROMPTS];
		struct accept a = source(m, PROMPTS);

		for (int p = 0; p < PROMPTS; p++) {
			flip(right[p], TOKENS, trial % 11 / 10.);
			m[p] = chain(lengths[p], right[p], TOKENS);
		}
		for (int mode = 0; mode < HX_MODES; mode++)
			for (int gamma = 1; gamma <= MAX_GAMMA; gamma++)
				for (size_t n = 1; n <= TOKENS; n += n < 10 ? 1 : 5) {
					struct rounds r = accept_rounds(&a, gamma, mode, (double)n), sum = {0, 0};

					/* what follows the first n tokens must not matter */
					for (int p = 0; p < PROMPTS; p++) {
						struct rounds one = draft(right[p], n, gamma, mode);

						sum.rounds += one.rounds / PROMPTS;
						sum.catch_ups += one.catch_ups / PROMPTS;
					}
					check_near(r.rounds, sum.rounds, 1e-12);
					check_near(r.catch_ups, sum.catch_ups, 1e-12);
				}
	}
}

/* Adds up every outcome of every draft. */
static void enumerate(const double *chance, size_t n, int gamma, int mode, double weight, struct rounds *sum)
{
	double reached = weight;

	sum->rounds += weight;
	for (int a = 0; a <= gamma; a++) {
		double c = a < gamma && (size_t)a < n ? chance[a] : 0;
		size_t used = (size_t)(a == gamma && mode == HX_OVERLAPPED ? gamma : a + 1);

		if (used < n && reached * (1 - c) > 0) {
			enumerate(chance + used, n - used, gamma, mode, reached * (1 - c), sum);
			sum->catch_ups += a == gamma ? reached : 0;
		}
		reached *= c;
	}
}

static void chances_are_averaged(void **state)
{
	double chances[12];
	struct accept_match m = {.chances = chances, .n_chances = COUNT(chances)};
	struct accept a = source(&m, 1);

	(void)state;
	for (int trial = 0; trial < 10; trial++) {
		for (size_t i = 0; i < COUNT(chances); i++)
			chances[i] = trial == 0 ? 1 : trial == 1 ? 0 : hx_random_uniform(&dice);
		for (int mode = 0; mode < HX_MODES; mode++)
			for (int gamma = 1; gamma <= MAX_GAMMA; gamma++)
				for (size_t n = 1; n <= COUNT(chances); n++) {
					struct rounds r = accept_rounds(&a, gamma, mode, (double)n), sum = {0, 0};

					enumerate(chances, n, gamma, mode, 1, &sum);
					check_near(r.rounds, sum.rounds, 1e-12);
					assert_true(fabs(r.catch_ups - sum.catch_ups) <= 1e-12);
				}
	}
}

/* One chance everywhere is a constant source; drawn from it, a long trace is one but for sampling error. */
static void constant_chance(void **state)
{
	double *numbers = hx_xcalloc(LONG, sizeof(*numbers));
	bool *right = hx_xcalloc(LONG, sizeof(*right));

	(void)state;
	for (int k = 0; k <= 5; k++) {
		const double alpha = k / 5.;
		struct accept constant = accept_constant(alpha);
		struct accept_match m = {.chances = numbers, .n_chances = 100};
		struct accept a = source(&m, 1);

		for (int i = 0; i < 100; i++)
			numbers[i] = alpha;
		for (int mode = 0; mode < HX_MODES; mode++)
			for (int gamma = 1; gamma <= MAX_GAMMA; gamma++) {
				struct rounds one = accept_rounds(&a, gamma, mode, 77), other = accept_rounds(&constant, gamma, mode, 77);

				check_near(one.rounds, other.rounds, 1e-10);
				check_near(one.catch_ups, other.catch_ups, 1e-10);
			}
		flip(right, LONG, alpha);
		m = chain(numbers, right, LONG);
		check_near(accept_trace_alpha(&a), alpha, 2e-2);
		for (int mode = 0; mode < HX_MODES; mode++)
			for (int gamma = 1; gamma <= MAX_GAMMA; gamma++)
				check_near(accept_rounds(&a, gamma, mode, INFINITY).rounds, accept_rounds(&constant, gamma, mode, INFINITY).rounds, 1e-2);
	}
	free(numbers);
	free(right);
}

/* Prompts count by the tokens they have, and go on as they began. */
static void outputs_of_different_length(void **state)
{
	double four[4] = {4, 3, 2, 1}, two[2] = {0, 0};
	struct accept_match m[2] = {{.lengths = four, .n_lengths = 4}, {.lengths = two, .n_lengths = 2}};
	struct accept a = source(m, 2);

	(void)state;
	check_near(accept_rounds(&a, 1, HX_SEQUENTIAL, 2).rounds, (1 + 2) / 2., 1e-12);
	check_near(accept_rounds(&a, 1, HX_SEQUENTIAL, 4).rounds, (2 + 2) * 4 / 6., 1e-12);
	check_near(accept_rounds(&a, 1, HX_SEQUENTIAL, 60).rounds, (2 + 2) * 60 / 6., 1e-12);
	check_near(accept_rounds(&a, 1, HX_SEQUENTIAL, INFINITY).rounds, 4 / 6., 1e-12);
	check_near(accept_rounds(&a, 1, HX_SEQUENTIAL, 4).catch_ups, 1 * 4 / 6., 1e-12);
	check_near(accept_rounds(&a, 0, HX_SEQUENTIAL, 4).rounds, 4, 0);
	check_near(accept_trace_alpha(&a), 4 / 6., 1e-12);
}

/* Lookup finds nothing at the second token, and from the third on what it did not see from the first. */
static void lookups(void **state)
{
	double lengths[5] = {1, 0, 3, 0, 0};
	struct accept_match m = {.lengths = lengths, .n_lengths = 5};
	struct accept a = source(&m, 1);
	double alpha[ACCEPT_PROMPTS], weight[ACCEPT_PROMPTS];

	(void)state;
	check_near(accept_rounds(&a, 4, HX_SEQUENTIAL, 5).rounds, 2, 1e-12);
	check_near(accept_rounds(&a, 2, HX_SEQUENTIAL, 5).rounds, 2, 1e-12);
	check_near(accept_rounds(&a, 2, HX_OVERLAPPED, 5).rounds, 3, 1e-12);
	assert_int_equal(accept_prompts(&a, alpha, weight), 0);
}

static void prompts_stand_for_all(void **state)
{
	enum { MANY = 130 };
	static double lengths[MANY][TOKENS];
	static bool right[TOKENS];
	struct accept_match m[MANY];

	(void)state;
	for (int p = 0; p < MANY; p++) {
		size_t n = 1 + (size_t)p % TOKENS;

		flip(right, n, .7);
		m[p] = chain(lengths[p], right, n);
	}
	for (size_t n = 1; n <= MANY; n++) {
		struct accept a = source(m, n);
		double alpha[ACCEPT_PROMPTS], weight[ACCEPT_PROMPTS], mean = 0, whole = 0;
		int groups = accept_prompts(&a, alpha, weight);

		assert_int_equal(groups, n < ACCEPT_PROMPTS ? n : ACCEPT_PROMPTS);
		for (int g = 0; g < groups; g++) {
			mean += alpha[g] * weight[g];
			whole += weight[g];
			if (n <= ACCEPT_PROMPTS)
				assert_true(g == 0 || alpha[g] >= alpha[g - 1]);
		}
		check_near(whole, 1, 1e-12);
		check_near(mean, accept_trace_alpha(&a), 1e-12);
	}
}

/* ---- files ---- */

#define SOURCE(matches) "{\"schema\": \"hexplore/acceptance/1\",\n\"kind\": \"measured\", \"from\": \"here\",\n\"matches\": " matches "}"

static void refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{SOURCE("[]"), "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
		{SOURCE("[{}]"), "a.json: matches[0]: needs exactly one of 'lengths' and 'chances', with a number or more"},
		{SOURCE("[{\"lengths\": [0]}, {\"lengths\": []}]"),
		 "a.json: matches[1]: needs exactly one of 'lengths' and 'chances', with a number or more"},
		{SOURCE("[{\"lengths\": [0], \"chances\": [0]}]"),
		 "a.json: matches[0]: needs exactly one of 'lengths' and 'chances', with a number or more"},
		{SOURCE("[{\"lengths\": [1, 0.5]}]"), "a.json: matches[0].lengths[1]: must be a whole number, is 0.5"},
		{SOURCE("[{\"lengths\": [0, 2]}]"), "a.json: matches[0].lengths[1]: is 2, of 1 tokens that are left"},
		{SOURCE("[{\"lengths\": [-1]}]"), "a.json:3: matches[0].lengths[0]: must be in [0, 500000], is -1"},
		{SOURCE("[{\"lengths\": [1e300]}]"), "a.json:3: matches[0].lengths[0]: must be in [0, 500000], is 1e300"},
		{SOURCE("[{\"lengths\": [\"1\"]}]"), "a.json:3: matches[0].lengths[0]: must be a number, is '1'"},
		{SOURCE("[{\"chances\": [1.001]}]"), "a.json:3: matches[0].chances[0]: must be in [0, 1], is 1.001"},
		{SOURCE("[{\"chances\": [1], \"confidence\": [1, 1]}]"), "a.json: matches[0].confidence: has 2 numbers for 1 tokens"},
		{SOURCE("[{\"length\": [1]}]"), "a.json:3: matches[0].length: unknown key, did you mean 'lengths'?"},
		{SOURCE("[[1]]"), "a.json:3: matches[0]: must be an object, is a list"},
		{SOURCE("{\"lengths\": [1]}"), "a.json:3: matches: must be a list, is an object"},
		{SOURCE("[{\"lengths\": [1]}], \"alpha\": 1"), "a.json: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'"},
	};
	struct hx_err err;
	struct accept a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(accept_parse(&a, rows[i].text, strlen(rows[i].text), "a.json", &err), HX_INPUT);
		assert_string_equal(err.msg, rows[i].message);
	}
}

static void sizes_are_bounded(void **state)
{
	static const char head[] = "{\"schema\": \"hexplore/acceptance/1\", \"kind\": \"measured\", \"from\": \"here\", \"matches\": [";
	size_t n = 0, size = sizeof(head) + 2 * ACCEPT_TRACE_TOKENS + 100;
	char *text = hx_xmalloc(size);
	struct hx_err err;
	struct accept a;

	(void)state;
	n += (size_t)snprintf(text, size, "%s{\"lengths\": [0", head);
	for (int i = 1; i < ACCEPT_TRACE_TOKENS; i++) {
		text[n++] = ',';
		text[n++] = '0';
	}
	snprintf(text + n, size - n, "]}]}");
	assert_int_equal(accept_parse(&a, text, strlen(text), "a.json", &err), HX_OK);
	check_near(accept_rounds(&a, 3, HX_SEQUENTIAL, INFINITY).rounds, 1, 0);
	accept_free(&a);
	snprintf(text + n, size - n, "]}, {\"chances\": [1]}]}");
	assert_int_equal(accept_parse(&a, text, strlen(text), "a.json", &err), HX_INPUT);
	assert_string_equal(err.msg, "a.json: matches: 500001 tokens in all; at most 500000");
	free(text);
}

static void reads_what_it_writes(void **state)
{
	double lengths[] = {2, 1, 0}, chances[] = {1, 0.12345678, 1e-9}, confidence[] = {0.5, 1, 0};
	struct accept_match m[] = {{.lengths = lengths, .n_lengths = 3}, {.chances = chances, .confidence = confidence, .n_chances = 3, .n_confidence = 3}};
	struct accept a = source(m, 2), b;
	struct hx_err err = {""};
	char *text, shown[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	a.name = "n";
	a.description = "a \"quoted\" \\ text";
	a.drafter = "early-exit:2";
	a.temperature = 0.1;
	a.n_prompts = 2;
	a.from = "here";
	a.kind = SOURCE_MEASURED;
	accept_write(f, &a);
	fclose(f);
	if (accept_parse(&b, text, size, "a.json", &err))
		fail_msg("%s", err.msg);
	assert_string_equal(b.name, a.name);
	assert_string_equal(b.description, a.description);
	assert_string_equal(b.drafter, a.drafter);
	assert_null(b.target);
	assert_int_equal(b.kind, a.kind);
	assert_int_equal(b.n_prompts, 2);
	check_near(b.temperature, 0.1, 0);
	assert_int_equal(b.n_matches, 2);
	for (int i = 0; i < 3; i++) {
		check_near(b.matches[0].lengths[i], lengths[i], 0);
		check_near(b.matches[1].chances[i], chances[i], 1e-3);
		check_near(b.matches[1].confidence[i], confidence[i], 1e-3);
	}
	accept_text(&b, shown, sizeof(shown));
	assert_string_equal(shown, "match trace of 2 prompts, alpha 0.52");
	accept_free(&b);
	free(text);
}

static int seed(void **state)
{
	(void)state;
	hx_random_init(&dice, 7);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_what_is_drafted),
		cmocka_unit_test(chances_are_averaged),
		cmocka_unit_test(constant_chance),
		cmocka_unit_test(outputs_of_different_length),
		cmocka_unit_test(lookups),
		cmocka_unit_test(prompts_stand_for_all),
		cmocka_unit_test(refuses),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, seed, NULL);
}
