/* Acceptance sources and expected rounds. */
#include "core/accept.h"

#include "core/accept_trace.h"
#include "core/profile.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(m) offsetof(struct accept, m)

enum {
	NODES = ACCEPT_PROMPTS, /* of the quadrature over prompts: exact for polynomials of alpha to degree 95 */
	MAX_POSITIONS = 1024,   /* longest draft */
};

static const struct field beta_rows[] = {
	{"a", FIELD_NUMBER, FIELD_REQUIRED, .at = 0, .min = 0.01, .max = 1000, .missing = NAN, .help = "first shape parameter"},
	{"b", FIELD_NUMBER, FIELD_REQUIRED, .at = sizeof(double), .min = 0.01, .max = 1000, .missing = NAN, .help = "second shape parameter"},
	{0}};
static const struct field_table beta = {.size = 2 * sizeof(double), .fields = beta_rows};

static const struct field rows[] = {
	{"name", FIELD_NAME, .at = AT(name), .help = "name of the source"},
	{"description", FIELD_STRING, .at = AT(description), .help = "what was measured, and how"},
	{"target", FIELD_NAME, .at = AT(target), .help = "target model; left out: any"},
	{"drafter", FIELD_STRING, .at = AT(drafter), .help = "drafter: a model, ngram or early-exit:K; left out: any"},
	{"target_quant", FIELD_NAME, .at = AT(target_quant), .help = "quantisation of the target; left out: any"},
	{"draft_quant", FIELD_NAME, .at = AT(draft_quant), .help = "quantisation of the drafter; left out: any"},
	{"task", FIELD_STRING, .at = AT(task), .help = "task of the prompts"},
	{"temperature", FIELD_NUMBER, .at = AT(temperature), .min = 0, .max = 10, .missing = 0, .help = "0: greedy"},
	{"n_prompts", FIELD_INT, .at = AT(n_prompts), .min = 0, .max = 1e9, .missing = 0, .help = "prompts measured"},
	{"alpha", FIELD_NUMBER, .at = AT(alpha), .min = 0, .max = 1, .missing = NAN, .help = "constant chance that a draft is accepted"},
	{"beta", FIELD_OBJECT, .at = AT(beta_a), .sub = &beta, .help = "Beta distribution of alpha over prompts"},
	{"by_position", FIELD_NUMBERS, .at = AT(by_position), .count_at = AT(n_positions), .min = 0, .max = 1,
	 .help = "chance by draft position; the last one holds for longer drafts"},
	{"matches", FIELD_OBJECTS, .at = AT(matches), .count_at = AT(n_matches), .sub = &accept_trace_fields, .help = "match trace, by prompt"},
	{"kind", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(kind), .choices = profile_source_kinds, .help = "measured, datasheet, derived or estimate"},
	{"from", FIELD_STRING, FIELD_REQUIRED, .at = AT(from), .help = "who says so"},
	{0}};
const struct field_table accept_fields = {.schema = "hexplore/acceptance/1", .size = sizeof(struct accept), .fields = rows};
const struct field_table accept_inline_fields = {.size = sizeof(struct accept), .or_string = true, .string_at = AT(file), .fields = rows};

int accept_check(const struct accept *a, const char *where, struct hx_err *err)
{
	int forms = !isnan(a->alpha) + !isnan(a->beta_a) + (a->n_positions > 0) + (a->n_matches > 0);

	if (forms != 1)
		return hx_err_set(err, HX_INPUT, "%s: needs exactly one of 'alpha', 'beta', 'by_position' and 'matches'", where);
	if (a->target_quant && hx_shape_type(a->target_quant) < 0)
		return hx_err_set(err, HX_INPUT, "%s: target_quant: unknown type '%s'", where, a->target_quant);
	if (a->draft_quant && hx_shape_type(a->draft_quant) < 0)
		return hx_err_set(err, HX_INPUT, "%s: draft_quant: unknown type '%s'", where, a->draft_quant);
	return accept_trace_check(a, where, err);
}

int accept_parse(struct accept *a, const char *text, size_t len, const char *name, struct hx_err *err)
{
	int rc = field_read(a, &accept_fields, text, len, name, err);

	if (!rc && (rc = accept_check(a, name, err)))
		accept_free(a);
	return rc;
}

void accept_free(struct accept *a)
{
	free(a->file); /* only inline sources have one, and field_free on either table frees the rest */
	a->file = NULL;
	field_free(a, &accept_fields);
}

static bool is(const char *wanted, const char *actual)
{
	return !wanted || strcmp(wanted, actual) == 0;
}

bool accept_matches(const struct accept *a, const char *target, int target_type, const char *drafter, int draft_type, double temperature)
{
	return is(a->target, target) && is(a->drafter, drafter) && is(a->target_quant, hx_type_names[target_type]) &&
	       is(a->draft_quant, hx_type_names[draft_type]) && a->temperature == temperature;
}

struct accept accept_constant(double alpha)
{
	return (struct accept){.alpha = alpha, .beta_a = NAN, .beta_b = NAN, .kind = SOURCE_ESTIMATE};
}

/* p[a]: chance that exactly a of gamma drafts are accepted, given the chance of each position. */
static void accepted(const double *chance, size_t n, int gamma, double *p)
{
	double reached = 1;

	for (int a = 0; a < gamma; a++) {
		double c = chance[(size_t)a < n ? (size_t)a : n - 1];

		p[a] = reached * (1 - c);
		reached *= c;
	}
	p[gamma] = reached;
}

int accept_yield(int accepted, int gamma, int mode)
{
	return accepted == gamma && mode == HX_OVERLAPPED ? gamma : accepted + 1;
}

static struct rounds rounds_per_token(const double *p, int gamma, int mode)
{
	double tokens = 0;

	for (int a = 0; a <= gamma; a++)
		tokens += p[a] * accept_yield(a, gamma, mode);
	return (struct rounds){1 / tokens, p[gamma] / tokens};
}

/* Whether the last gamma + 1 increments of R and C agree to rounding: from there on both are linear. */
static bool settled(const struct rounds *at, size_t n, int gamma)
{
	double r = at[n].rounds - at[n - 1].rounds, c = at[n].catch_ups - at[n - 1].catch_ups;

	for (size_t k = 1; k <= (size_t)gamma; k++)
		if (fabs(at[n - k].rounds - at[n - k - 1].rounds - r) > 1e-13 || fabs(at[n - k].catch_ups - at[n - k - 1].catch_ups - c) > 1e-13)
			return false;
	return true;
}

/* R(n) = 1 + sum_a P(a) R(n - yield(a)), R(n <= 0) = 0; likewise for catch-ups. */
static struct rounds rounds_of(const double *p, int gamma, int mode, size_t n)
{
	struct rounds *at = hx_xcalloc(n + 1, sizeof(*at)), result;
	size_t left = 0;

	while (left < n && !(left > 2 * (size_t)gamma + 2 && settled(at, left, gamma))) {
		struct rounds r = {1, 0};

		left++;
		for (int a = 0; a <= gamma; a++) {
			size_t y = (size_t)accept_yield(a, gamma, mode);

			if (y >= left)
				continue;
			r.rounds += p[a] * at[left - y].rounds;
			r.catch_ups += p[a] * at[left - y].catch_ups;
			if (a == gamma)
				r.catch_ups += p[a];
		}
		at[left] = r;
	}
	result = at[left];
	if (left < n) {
		result.rounds += (double)(n - left) * (at[left].rounds - at[left - 1].rounds);
		result.catch_ups += (double)(n - left) * (at[left].catch_ups - at[left - 1].catch_ups);
	}
	free(at);
	return result;
}

static struct rounds rounds_with(const double *chance, size_t n_chance, int gamma, int mode, double n_tokens)
{
	double p[MAX_POSITIONS + 1];

	accepted(chance, n_chance, gamma, p);
	return isinf(n_tokens) ? rounds_per_token(p, gamma, mode) : rounds_of(p, gamma, mode, (size_t)n_tokens);
}

/* Nodes and weights, of sum 1, of the Gauss-Jacobi quadrature whose weight function is the Beta density: eigenvalues, and squared first
 * components of the eigenvectors, of the recurrence's matrix (Golub and Welsch 1969). GSL's own overflows where a + b passes 171. */
static int quadrature(const struct accept *a, double *node, double *weight)
{
	double p = a->beta_b - 1, q = a->beta_a - 1, s = p + q;
	gsl_matrix *m = gsl_matrix_calloc(NODES, NODES), *vectors = gsl_matrix_alloc(NODES, NODES);
	gsl_vector *values = gsl_vector_alloc(NODES);
	gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(NODES);
	int status;

	for (int k = 0; k < NODES; k++) {
		double t = 2 * k + s;
		double next = k == 0 ? 4 * (1 + p) * (1 + q) / ((2 + s) * (2 + s) * (3 + s))
				     : 4 * (k + 1) * (k + 1 + p) * (k + 1 + q) * (k + 1 + s) / ((t + 2) * (t + 2) * (t + 1) * (t + 3));

		gsl_matrix_set(m, k, k, (1 + (k == 0 ? (q - p) / (s + 2) : (q - p) * s / (t * (t + 2)))) / 2);
		if (k + 1 < NODES)
			gsl_matrix_set(m, k + 1, k, sqrt(next) / 2); /* the lower triangle is all that is read */
	}
	status = gsl_eigen_symmv(m, values, vectors, w);
	for (int k = 0; k < NODES; k++) {
		node[k] = fmin(fmax(gsl_vector_get(values, k), 0), 1);
		weight[k] = gsl_pow_2(gsl_matrix_get(vectors, 0, k));
	}
	gsl_eigen_symmv_free(w);
	gsl_vector_free(values);
	gsl_matrix_free(vectors);
	gsl_matrix_free(m);
	return status;
}

int accept_prompts(const struct accept *a, double *alpha, double *weight)
{
	if (!isnan(a->beta_a))
		return quadrature(a, alpha, weight) ? 0 : NODES;
	if (a->n_matches)
		return accept_trace_prompts(a, alpha, weight);
	*alpha = a->alpha;
	*weight = 1;
	return a->n_positions ? 0 : 1;
}

/* Mean over prompts. */
static struct rounds rounds_beta(const struct accept *a, int gamma, int mode, double n_tokens)
{
	struct rounds mean = {0, 0};
	double node[NODES], weight[NODES];
	int n = accept_prompts(a, node, weight);

	if (!n)
		return (struct rounds){NAN, NAN};
	for (int i = 0; i < n; i++) {
		struct rounds r = rounds_with(&node[i], 1, gamma, mode, n_tokens);

		mean.rounds += weight[i] * r.rounds;
		mean.catch_ups += weight[i] * r.catch_ups;
	}
	return mean;
}

struct rounds accept_rounds(const struct accept *a, int gamma, int mode, double n_tokens)
{
	if (gamma == 0)
		return isinf(n_tokens) ? (struct rounds){1, 0} : (struct rounds){n_tokens, 0};
	if (!isnan(a->beta_a))
		return rounds_beta(a, gamma, mode, n_tokens);
	if (a->n_matches)
		return accept_trace_rounds(a, gamma, mode, n_tokens);
	if (a->n_positions)
		return rounds_with(a->by_position, a->n_positions, gamma, mode, n_tokens);
	return rounds_with(&a->alpha, 1, gamma, mode, n_tokens);
}

void accept_shares(const struct accept *a, int gamma, double *p)
{
	double node[NODES], weight[NODES], one[MAX_POSITIONS + 1], sum = 0;
	int n = a->n_matches ? 0 : accept_prompts(a, node, weight);

	if (a->n_matches) {
		accept_trace_positions(a, gamma, one);
		for (int k = 0; k < gamma; k++)
			one[k] = isnan(one[k]) ? 0 : one[k];
		accepted(one, (size_t)gamma, gamma, p);
		return;
	}
	accepted(a->by_position, a->n_positions, a->n_positions ? gamma : 0, p);
	for (int i = 0; i < n; i++) {
		double rounds;

		accepted(&node[i], 1, gamma, one);
		rounds = weight[i] * rounds_per_token(one, gamma, HX_SEQUENTIAL).rounds; /* a prompt of high alpha has fewer */
		sum += rounds;
		for (int k = 0; k <= gamma; k++)
			p[k] = (i ? p[k] : 0) + rounds * one[k];
	}
	for (int k = 0; k <= gamma && n; k++)
		p[k] /= sum;
}

void accept_text(const struct accept *a, char *buf, size_t size)
{
	if (!isnan(a->beta_a)) {
		snprintf(buf, size, "Beta(%g, %g)", a->beta_a, a->beta_b);
	} else if (a->n_positions) {
		size_t n = (size_t)snprintf(buf, size, "by position");

		for (size_t i = 0; i < a->n_positions && n < size; i++)
			n += (size_t)snprintf(buf + n, size - n, " %g", a->by_position[i]);
	} else if (a->n_matches) {
		snprintf(buf, size, "match trace of %zu prompts, alpha %.2g", a->n_matches, accept_trace_alpha(a));
	} else {
		snprintf(buf, size, "alpha %g", a->alpha);
	}
}
