/* Match traces. */
#include "core/accept_trace.h"

#include <math.h>
#include <stdlib.h>

#define AT(m) offsetof(struct accept_match, m)

static const struct field rows[] = {
	{"lengths", FIELD_NUMBERS, .at = AT(lengths), .count_at = AT(n_lengths), .min = 0, .max = ACCEPT_TRACE_TOKENS,
	 .help = "at each output token after the first: drafts that would be right from there on"},
	{"chances", FIELD_NUMBERS, .at = AT(chances), .count_at = AT(n_chances), .min = 0, .max = 1,
	 .help = "at each output token after the first: chance that a draft of it is accepted"},
	{"confidence", FIELD_NUMBERS, .at = AT(confidence), .count_at = AT(n_confidence), .min = 0, .max = 1,
	 .help = "at each output token after the first: the drafter's probability of its first choice"},
	{0}};
const struct field_table accept_trace_fields = {.size = sizeof(struct accept_match), .fields = rows};

size_t accept_trace_tokens(const struct accept_match *m)
{
	return m->n_lengths + m->n_chances; /* there is but one of them */
}

static int check_match(const struct accept_match *m, const char *where, size_t i, struct hx_err *err)
{
	if (!m->n_lengths == !m->n_chances)
		return hx_err_set(err, HX_INPUT, "%s: matches[%zu]: needs exactly one of 'lengths' and 'chances', with a number or more", where, i);
	if (m->n_confidence && m->n_confidence != accept_trace_tokens(m))
		return hx_err_set(err, HX_INPUT, "%s: matches[%zu].confidence: has %zu numbers for %zu tokens", where, i, m->n_confidence,
				  accept_trace_tokens(m));
	for (size_t k = 0; k < m->n_lengths; k++) {
		if (m->lengths[k] != floor(m->lengths[k]))
			return hx_err_set(err, HX_INPUT, "%s: matches[%zu].lengths[%zu]: must be a whole number, is %g", where, i, k, m->lengths[k]);
		if (m->lengths[k] > (double)(m->n_lengths - k))
			return hx_err_set(err, HX_INPUT, "%s: matches[%zu].lengths[%zu]: is %g, of %zu tokens that are left", where, i, k,
					  m->lengths[k], m->n_lengths - k);
	}
	return HX_OK;
}

int accept_trace_check(const struct accept *a, const char *where, struct hx_err *err)
{
	size_t tokens = 0;
	int rc = HX_OK;

	for (size_t i = 0; i < a->n_matches && !rc; i++) {
		tokens += accept_trace_tokens(&a->matches[i]);
		rc = check_match(&a->matches[i], where, i, err);
	}
	if (!rc && tokens > ACCEPT_TRACE_TOKENS)
		rc = hx_err_set(err, HX_INPUT, "%s: matches: %zu tokens in all; at most %d", where, tokens, ACCEPT_TRACE_TOKENS);
	return rc;
}

/* ---- replay ---- */

/* Chance that draft a of those made from token `at` on is right, if those before it were. */
static double chance(const struct accept_match *m, size_t at, size_t a)
{
	return m->n_lengths ? m->lengths[at] > (double)a : m->chances[at + a];
}

/* Expected rounds of the first n tokens. By draft: how often it was tried and how often right, added to what is there; NULL: not wanted. */
static struct rounds replay(const struct accept_match *m, int gamma, int mode, size_t n, double *tried, double *right)
{
	double *begins = hx_xcalloc(n, sizeof(*begins)); /* chance that a round does at a token */
	struct rounds r = {0, 0};

	begins[0] = 1;
	for (size_t at = 0; at < n; at++) {
		double reached = begins[at];

		r.rounds += reached;
		for (int a = 0; a <= gamma && at + (size_t)a < n && reached > 0; a++) {
			double on = a < gamma ? reached * chance(m, at, (size_t)a) : 0;
			size_t next = at + (size_t)accept_yield(a, gamma, mode);

			if (tried && a < gamma) {
				tried[a] += reached;
				right[a] += on;
			}
			if (next < n) {
				begins[next] += reached - on;
				r.catch_ups += a == gamma ? reached : 0;
			}
			reached = on;
		}
	}
	free(begins);
	return r;
}

struct rounds accept_trace_rounds(const struct accept *a, int gamma, int mode, double n_tokens)
{
	struct rounds sum = {0, 0};
	double tokens = 0, scale;

	for (size_t i = 0; i < a->n_matches; i++) {
		const struct accept_match *m = &a->matches[i];
		size_t n = (size_t)fmin(n_tokens, (double)accept_trace_tokens(m));
		struct rounds r = replay(m, gamma, mode, n, NULL, NULL);

		sum.rounds += r.rounds;
		sum.catch_ups += r.catch_ups;
		tokens += (double)n;
	}
	scale = (isinf(n_tokens) ? 1 : n_tokens) / tokens;
	return (struct rounds){sum.rounds * scale, sum.catch_ups * scale};
}

/* ---- reduction ---- */

double accept_trace_prompt_alpha(const struct accept_match *m)
{
	size_t n = accept_trace_tokens(m);
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += chance(m, k, 0);
	return sum / (double)n;
}

double accept_trace_alpha(const struct accept *a)
{
	double sum = 0, tokens = 0;

	for (size_t i = 0; i < a->n_matches; i++) {
		double n = (double)accept_trace_tokens(&a->matches[i]);

		sum += n * accept_trace_prompt_alpha(&a->matches[i]);
		tokens += n;
	}
	return sum / tokens;
}

void accept_trace_positions(const struct accept *a, int gamma, double *by_position)
{
	double *tried = hx_xcalloc((size_t)gamma, sizeof(*tried)), *right = hx_xcalloc((size_t)gamma, sizeof(*right));

	for (size_t i = 0; i < a->n_matches; i++)
		replay(&a->matches[i], gamma, HX_SEQUENTIAL, accept_trace_tokens(&a->matches[i]), tried, right);
	for (int k = 0; k < gamma; k++)
		by_position[k] = tried[k] > 0 ? right[k] / tried[k] : NAN;
	free(tried);
	free(right);
}

/* Whether what is right at a token does not depend on where the draft began, which is not so of lookup. */
static bool is_chain(const struct accept_match *m)
{
	for (size_t k = 0; k < m->n_lengths; k++)
		if (m->lengths[k] > 0 && m->lengths[k] != 1 + (k + 1 < m->n_lengths ? m->lengths[k + 1] : 0))
			return false;
	return true;
}

struct prompt {
	double alpha, tokens;
};

static int by_alpha(const void *a, const void *b)
{
	double x = ((const struct prompt *)a)->alpha, y = ((const struct prompt *)b)->alpha;

	return (x > y) - (x < y);
}

/* Neighbours in alpha stand together where there are more prompts than ACCEPT_PROMPTS. */
int accept_trace_prompts(const struct accept *a, double *alpha, double *weight)
{
	size_t n = a->n_matches, groups = n < ACCEPT_PROMPTS ? n : ACCEPT_PROMPTS;
	struct prompt *prompts;
	double tokens = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_chain(&a->matches[i]))
			return 0;
	prompts = hx_xcalloc(n, sizeof(*prompts));
	for (size_t i = 0; i < n; i++) {
		prompts[i] = (struct prompt){accept_trace_prompt_alpha(&a->matches[i]), (double)accept_trace_tokens(&a->matches[i])};
		tokens += prompts[i].tokens;
	}
	qsort(prompts, n, sizeof(*prompts), by_alpha);
	for (size_t g = 0; g < groups; g++) {
		double sum = 0, right = 0;

		for (size_t i = g * n / groups; i < (g + 1) * n / groups; i++) {
			sum += prompts[i].tokens;
			right += prompts[i].tokens * prompts[i].alpha;
		}
		alpha[g] = right / sum;
		weight[g] = sum / tokens;
	}
	free(prompts);
	return (int)groups;
}
