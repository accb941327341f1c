/* Intervals and elasticities against closed forms. Passes of the ideal profile of one row are bound by memory to 1e-4, so times are bytes over bandwidth. */
#include "core/spread.h"
#include "core/variation.h"

#include "fixture.h"

#define PAIR                                                                                                                               \
	"\"target_quants\": [\"f16\"], \"drafters\": [\"small\"], \"draft_quants\": [\"f16\"], \"target_mappings\": [\"cx1\"],\n"          \
	"\"draft_mappings\": [\"cx1\", \"g\"], \"modes\": [\"sequential\"], \"workloads\": [{\"prompt\": 50, \"generated\": 100}],\n"      \
	"\"gamma\": [1, 2, 4], "
#define ALPHA "\"acceptance\": [{\"alpha\": 0.7, \"kind\": \"estimate\", \"from\": \"x\"}]"
#define SAMPLED "\"acceptance\": [{\"alpha\": 0.7, \"n_prompts\": 40, \"kind\": \"measured\", \"from\": \"x\"}]"
#define SPREAD "\"acceptance\": [{\"beta\": {\"a\": 6, \"b\": 2}, \"kind\": \"measured\", \"from\": \"x\"}]"
#define DRAFTER "units.g.bandwidth.bytes_s[0][0]"
#define TARGET "units.c.bandwidth.bytes_s[0][0]"

static const double sigma = 0.2, z95 = 1.6448536269514722;

/* The ideal profile with a bandwidth of g, and members more. */
static void load(struct fixture *f, double bytes_s, const char *members, const char *sweep)
{
	char *number = hx_xasprintf("\"core\": \"shader\", \"cores\": 1, \"clock_hz\": 1e9, \"flop_per_cycle\": {\"f16\": 16},\n"
				    "\"bandwidth\": {\"cores\": [1], \"footprint_bytes\": [1], \"bytes_s\": [[%.17g]]}",
				    bytes_s);
	char *with = fixture_replace(fixture_ideal,
				     "\"core\": \"shader\", \"cores\": 1, \"clock_hz\": 1e9, \"flop_per_cycle\": {\"f16\": 16},\n"
				     "\"bandwidth\": {\"cores\": [1], \"footprint_bytes\": [1], \"bytes_s\": [[1e9]]}",
				     number);
	char *more = fixture_replace(with, "\"sources\": {}", members);

	fixture_load(f, more, sweep, NULL);
	free(number);
	free(with);
	free(more);
}

#define NOTHING "\"sources\": {}"
#define COVARIANCE "\"covariance\": {\"parameters\": [\"" DRAFTER "\"], \"matrix\": [[0.04]]}, \"sources\": {}"

static struct spread spread_of(const struct fixture *f, int64_t i)
{
	struct point pt = space_point(&f->space, i);
	struct spread s;
	struct hx_err err;

	if (spread_points(&f->predict, &pt, 1, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

/* Speedup with that parameter times a factor. */
static double speedup_with(const struct fixture *f, int64_t i, const char *path, double factor)
{
	struct point pt = space_point(&f->space, i);
	struct variation v;
	struct variation_parameter *p;
	struct rounds r;
	double speedup;

	variation_init(&v, &f->predict);
	p = variation_find(&v, path);
	assert_non_null(p);
	*p->at = p->value * factor;
	variation_changed(&v);
	r = variation_rounds(&v, &pt);
	speedup = variation_speedup(&v, &pt, &r);
	variation_free(&v);
	return speedup;
}

/* Speedup 1/(a + b/bandwidth) of the drafter's, over the baseline: from two values. */
static void line(const struct fixture *f, int64_t i, double *a, double *b)
{
	double one = 1 / speedup_with(f, i, DRAFTER, 1), two = 1 / speedup_with(f, i, DRAFTER, .5);

	*b = two - one;
	*a = one - *b;
}

static void one_parameter(void **state)
{
	struct fixture f;
	struct spread s;
	double a, b;
	int64_t i;

	(void)state;
	load(&f, 1e9, COVARIANCE, PAIR ALPHA);
	i = fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2);
	line(&f, i, &a, &b);
	check_near(1 / (a + b), fixture_predict(&f, i).speedup, 1e-12);
	s = spread_of(&f, i);
	check_near(s.p05, 1 / (a + b * exp(sigma * z95)), 3 * .13 * sigma * b / (a + b)); /* three deviations of a percentile of 256 draws */
	check_near(s.p95, 1 / (a + b * exp(-sigma * z95)), 3 * .13 * sigma * b / (a + b));
	assert_true(s.p05 < 1 / (a + b) && s.p95 > 1 / (a + b));
	assert_true(isnan(s.prompt_p05) && isnan(s.prompt_p95));
	/* what does not use the unit does not vary, and the baseline is itself in every draw */
	i = fixture_point(&f, 0, "cx1", "cx1", HX_SEQUENTIAL, 2);
	s = spread_of(&f, i);
	check_near(s.p05, fixture_predict(&f, i).speedup, 1e-12);
	check_near(s.p95, fixture_predict(&f, i).speedup, 1e-12);
	s = spread_of(&f, 0);
	check_near(s.p05, 1, 0);
	check_near(s.p_gain, 0, 0);
	fixture_free(&f);
}

/* A speedup of 1 is as likely above as below. */
static void even(void **state)
{
	struct fixture f;
	double a, b;
	int64_t i;

	(void)state;
	load(&f, 1e9, COVARIANCE, PAIR ALPHA);
	i = fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2);
	line(&f, i, &a, &b);
	fixture_free(&f);
	load(&f, 1e9 * b / (1 - a), COVARIANCE, PAIR ALPHA);
	check_near(fixture_predict(&f, i).speedup, 1, 1e-3);
	check_near(spread_of(&f, i).p_gain, .5, .2);
	fixture_free(&f);
}

/* Plain decoding, verifying and drafting each err by their own, on one unit as on two. */
static void residual(void **state)
{
	static const char text[] = "\"ceiling\": 1}], \"launch_s\"", with[] = "\"ceiling\": 1}], \"residual\": 0.05, \"launch_s\"";
	static const char *const drafts[] = {"cx1", "g"};
	char *once = fixture_replace(fixture_ideal, text, with), *twice = fixture_replace(once, text, with);
	struct fixture f;

	(void)state;
	fixture_load(&f, twice, PAIR ALPHA, NULL);
	free(once);
	free(twice);
	for (size_t k = 0; k < COUNT(drafts); k++) {
		int64_t i = fixture_point(&f, 0, "cx1", drafts[k], HX_SEQUENTIAL, 4);
		struct prediction p = fixture_predict(&f, i);
		struct spread s = spread_of(&f, i);
		double drafting = p.draft_s / p.round_s, deviation = .05 * sqrt(1 + drafting * drafting + (1 - drafting) * (1 - drafting));

		check_near(s.p05, p.speedup * (1 - z95 * deviation), 3 * .13 * deviation);
		check_near(s.p95, p.speedup * (1 + z95 * deviation), 3 * .13 * deviation);
	}
	fixture_free(&f);
}

static void acceptance(void **state)
{
	struct fixture f;
	struct spread s;
	struct pair pair = {0};
	struct point pt;
	double base_s;
	int64_t i;

	(void)state;
	load(&f, 4e9, NOTHING, PAIR ALPHA);
	i = fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 4);
	assert_false(spread_known(&f.predict));
	s = spread_of(&f, i);
	assert_true(isnan(s.p05) && isnan(s.p95) && isnan(s.p_gain) && isnan(s.prompt_p05));
	fixture_free(&f);

	load(&f, 4e9, NOTHING, PAIR SAMPLED);
	s = spread_of(&f, i);
	pt = space_point(&f.space, i);
	base_s = predict_baseline(&f.predict, &pt)->decode_s;
	for (int k = 0; k < 2; k++) { /* of Beta(28, 12) */
		struct accept q = accept_constant(k ? .81108 : .57707);

		check_near(k ? s.p95 : s.p05, base_s / predict_decode_s(&f.predict, &pt, &pair, 4, &q, 1), .04);
	}
	assert_true(isnan(spread_of(&f, 0).p05)); /* plain decoding has no alpha */
	predict_pair_free(&pair);
	fixture_free(&f);

	load(&f, 4e9, NOTHING, PAIR SPREAD);
	s = spread_of(&f, i);
	pt = space_point(&f.space, i);
	assert_true(isnan(s.p05)); /* of how many prompts is not known */
	for (int k = 0; k < 2; k++) { /* of Beta(6, 2) */
		struct accept q = accept_constant(k ? .94662 : .47930);

		check_near(k ? s.prompt_p95 : s.prompt_p05, base_s / predict_decode_s(&f.predict, &pt, &pair, 4, &q, 1), 1e-4);
	}
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* In whatever company a point is asked for, its draws are those of the sweep's seed. */
static void seeded(void **state)
{
	struct fixture f, other;
	struct point points[2];
	struct spread both[2], alone, elsewhere;
	struct hx_err err;
	int64_t i;

	(void)state;
	load(&f, 1e9, COVARIANCE, PAIR SAMPLED);
	load(&other, 1e9, COVARIANCE, PAIR "\"seed\": 2, " SAMPLED);
	i = fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2);
	points[0] = space_point(&f.space, i + 1);
	points[1] = space_point(&f.space, i);
	assert_int_equal(spread_points(&f.predict, points, 2, both, &err), HX_OK);
	alone = spread_of(&f, i);
	elsewhere = spread_of(&other, i);
	check_near(both[1].p05, alone.p05, 0);
	check_near(both[1].p95, alone.p95, 0);
	check_near(both[1].p_gain, alone.p_gain, 0);
	assert_true(elsewhere.p05 != alone.p05);
	fixture_free(&f);
	fixture_free(&other);
}

static void no_parameter(void **state)
{
	char *text = fixture_replace(fixture_ideal, "\"sources\": {}", "\"covariance\": {\"parameters\": [\"units.g.speed\"], \"matrix\": [[1]]}, \"sources\": {}");
	struct profile p;
	struct hx_err err;

	(void)state;
	assert_int_equal(profile_parse(&p, text, strlen(text), "p.json", &err), HX_INPUT);
	assert_non_null(strstr(err.msg, "covariance.parameters[0]: this profile has no number 'units.g.speed'"));
	free(text);
}

static double elasticity_of(const struct elasticity *e, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(e[i].path, path) == 0)
			return e[i].value;
	return 0;
}

/* On one unit its bandwidth does not matter; a drafter's elsewhere by its share of the time. */
static void elasticities(void **state)
{
	struct fixture f;
	struct variation v;
	struct elasticity *e;
	struct point pt;
	double a, b;
	int64_t i;
	size_t n;

	(void)state;
	load(&f, 2e9, NOTHING, PAIR ALPHA);
	variation_init(&v, &f.predict);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "cx1", HX_SEQUENTIAL, 2));
	e = variation_elasticities(&v, &pt, &n);
	check_near(1 + elasticity_of(e, n, TARGET), 1, 2e-3); /* verification of 3 rows has (3/16)^4 of arithmetic */
	check_near(elasticity_of(e, n, DRAFTER), 0, 0);
	free(e);
	i = fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2);
	line(&f, i, &a, &b);
	pt = space_point(&f.space, i);
	e = variation_elasticities(&v, &pt, &n);
	check_near(elasticity_of(e, n, DRAFTER), b / (a + b), 5e-3);
	check_near(1 + elasticity_of(e, n, TARGET), 1 - b / (a + b), 2e-3);
	for (size_t k = 1; k < n; k++)
		assert_true(fabs(e[k].value) <= fabs(e[k - 1].value));
	free(e);
	variation_free(&v);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_parameter), cmocka_unit_test(even),         cmocka_unit_test(residual),     cmocka_unit_test(acceptance),
		cmocka_unit_test(seeded),        cmocka_unit_test(no_parameter), cmocka_unit_test(elasticities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
