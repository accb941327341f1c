/* Predictions from measured passes: the formulas of rounds end to end, the reference study, and what a measurement says of other passes. */
#include "studies.h"

static double speedup(const struct fixture *f, int mode, int gamma)
{
	return fixture_predict(f, fixture_point(f, 0, NULL, NULL, mode, gamma)).speedup;
}

/* Rows for every pass of 1 to 9: 1 + beta (rows - 1) for the target, c for the drafter. */
static char *affine(double beta, double c, double c2)
{
	char *text = hx_xasprintf(HEADER "small,f16,g,1,1,0,%g\nsmall,f16,g,1,2,0,%g\n", c, c2);

	for (int r = 1; r <= 9; r++) {
		char *longer = hx_xasprintf("%sbig,f16,c,1,%d,0,%.17g\n", text, r, 1 + beta * (r - 1));

		free(text);
		text = longer;
	}
	return text;
}

/* Tokens per V of section 3; an output of 100,000 tokens loses 2e-5 of the limit to its last round. */
static void overlapped_values(void **state)
{
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_ideal, DRAFTER IDEAL_MAPS LONG BOTH "\"gamma\": [3]," ALPHA("0.9"),
		     HEADER "big,f16,c,1,1,0,1\nbig,f16,c,1,3,0,1\nbig,f16,c,1,4,0,1\nsmall,f16,g,1,1,0,.41\nsmall,f16,g,1,2,0,.41\n");
	check_near(speedup(&f, HX_OVERLAPPED, 3), 1.80546, 3e-5);
	check_near(speedup(&f, HX_SEQUENTIAL, 3), 1.54215, 3e-5);
	fixture_free(&f);
	fixture_load(&f, fixture_ideal, DRAFTER IDEAL_MAPS LONG BOTH "\"gamma\": [4]," ALPHA("0.8"),
		     HEADER "big,f16,c,1,1,0,1\nbig,f16,c,1,4,0,1.2\nbig,f16,c,1,5,0,1.2\nsmall,f16,g,1,1,0,.1\nsmall,f16,g,1,2,0,.1\n");
	check_near(speedup(&f, HX_OVERLAPPED, 4), 2.05548, 3e-5);
	check_near(speedup(&f, HX_SEQUENTIAL, 4), 2.10100, 3e-5);
	fixture_free(&f);
}

/* S = Omega/(1 + gamma (c + beta)); beta = 0 is Eq. 1 */
static void limits(void **state)
{
	static const double betas[] = {0, .07, .3};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(betas); i++) {
		char *costs = affine(betas[i], .15, .15);

		fixture_load(&f, fixture_ideal, DRAFTER IDEAL_MAPS LONG "\"gamma\": {\"from\": 1, \"to\": 8}," ALPHA("0.8"), costs);
		for (int gamma = 1; gamma <= 8; gamma++)
			check_near(speedup(&f, HX_SEQUENTIAL, gamma), (1 - pow(.8, gamma + 1)) / .2 / (1 + gamma * (.15 + betas[i])), 4e-5);
		fixture_free(&f);
		free(costs);
	}
}

/* An overlapped output has a first round, which drafts alone, and a last one, after which no draft is waited for. Certain acceptance, gamma 2,
 * 4 tokens: 2 drafts of .4 s, two passes of 1.1 s, drafting hidden behind the first. Slow drafts of 2 s: 4 + 1.1 + (4 - 1.1) + 1.1.
 * Acceptance 0: four rounds of both. */
static void overlapped_ends(void **state)
{
	static const struct {
		const char *alpha;
		double draft_s, total_s;
	} rows[] = {{"1", .4, 3}, {"1", 2, 9.1}, {"0", .4, 4 * 1.9}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *costs = affine(.1, rows[i].draft_s, rows[i].draft_s);
		char *members = hx_xasprintf(DRAFTER IDEAL_MAPS BOTH
					     "\"workloads\": [{\"prompt\": 1, \"generated\": 4}], \"gamma\": [2]," ALPHA("%s"),
					     rows[i].alpha);
		struct fixture f;

		fixture_load(&f, fixture_ideal, members, costs);
		check_near(fixture_predict(&f, fixture_point(&f, 0, NULL, NULL, HX_OVERLAPPED, 2)).tpot_s * 4, rows[i].total_s, 1e-12);
		fixture_free(&f);
		free(members);
		free(costs);
	}
}

/* A spread over prompts: the harmonic mean, 1.84979 for Beta(6, 2), c = .15, gamma = 4. */
static void spread(void **state)
{
	char *costs = affine(0, .15, .15);
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_ideal,
		     DRAFTER IDEAL_MAPS LONG "\"gamma\": [4],"
					     "\"acceptance\": [{\"beta\": {\"a\": 6, \"b\": 2}, \"kind\": \"estimate\", \"from\": \"x\"}]",
		     costs);
	check_near(speedup(&f, HX_SEQUENTIAL, 4), 1.84979, 3e-5);
	fixture_free(&f);
	free(costs);
}

/* T = R (gamma T_D(1) + T_T(gamma+1) + h0 + gamma s + (gamma+1) s) + C (T_D(2) - T_D(1)); plain N (T_T(1) + h0' + s).
 * N = 3, gamma = 2, alpha = 1/2: a round yields 1, 2, 3 tokens with chances 1/2, 1/4, 1/4. R(1) = 1, R(2) = 3/2, R(3) = 1 + 3/4 + 1/4 = 2;
 * of N = 3, full rounds end the output, after one token R(2)'s do too, so C = 0. N = 4: R = 1 + 2/2 + 1.5/4 + 1/4 = 2.625, C = 1/4. */
static void hosts_and_catch_ups(void **state)
{
	char *profile = fixture_replace(fixture_ideal, "\"h0_s\": 0", "\"h0_s\": 0.05, \"h0_plain_s\": 0.02, \"greedy_row_s\": 0.01");
	char *costs = affine(.1, .4, .6);
	struct prediction pr;
	struct fixture f;

	(void)state;
	fixture_load(&f, profile,
		     DRAFTER IDEAL_MAPS
		     "\"workloads\": [{\"prompt\": 1, \"generated\": 3}, {\"prompt\": 1, \"generated\": 4}], \"gamma\": [2]," ALPHA("0.5"),
		     costs);
	pr = fixture_predict(&f, 0);
	check_near(pr.tpot_s, 1.03, 1e-12);
	check_near(pr.speedup, 1, 0);
	pr = fixture_predict(&f, 2);
	check_near(pr.tpot_s * 3, 2 * (.8 + 1.2 + .05 + .02 + .03), 1e-12);
	check_near(pr.host_s, .1, 1e-12);
	check_near(pr.tokens_per_round, 1.5, 1e-12);
	check_near(pr.speedup, 3 * 1.03 / 4.2, 1e-12);
	pr = fixture_predict(&f, 3);
	check_near(pr.tpot_s * 4, 2.625 * 2.1 + .25 * .2, 1e-12);
	check_near(pr.draft_s, .8 + .05 / 2.625, 1e-12);
	check_near(pr.verify_s, 1.2, 1e-12);
	check_near(pr.ttft_s, 1.4, 1e-12); /* both prefills are one row */
	check_near(pr.e2e_s, 1.4 + 2.625 * 2.1 + .05, 1e-12);
	check_near(pr.speedup_e2e, (1 + 4 * 1.03) / pr.e2e_s, 1e-12);
	fixture_free(&f);
	/* sampling costs the host the whole vocabulary, 2048 x .001 s */
	free(profile);
	profile = fixture_replace(fixture_ideal, "\"h0_s\": 0", "\"h0_s\": 0.05, \"sample_vocab_s\": 0.001");
	fixture_load(&f, profile,
		     DRAFTER IDEAL_MAPS LONG
		     "\"temperature\": 0.5, \"gamma\": [2],"
		     "\"acceptance\": [{\"temperature\": 0.5, \"alpha\": 1, \"kind\": \"estimate\", \"from\": \"x\"}]",
		     costs);
	check_near(fixture_predict(&f, 1).host_s, .05 + 2 * 2.048 + 3 * 2.048, 1e-12);
	check_near(fixture_predict(&f, 0).host_s, 2.048, 1e-12);
	fixture_free(&f);
	free(profile);
	free(costs);
}

static void best_of(const struct fixture *f, const char *draft_map, int *gamma, double *best)
{
	*best = 0;
	for (int g = 1; g <= 8; g++) {
		double s = fixture_predict(f, fixture_point(f, 0, "a55x1", draft_map, HX_SEQUENTIAL, g)).speedup;

		if (s > *best) {
			*best = s;
			*gamma = g;
		}
	}
}

static void reference_study(void **state)
{
	static const struct {
		const char *alpha;
		int gamma;
		double speedup;
	} rows[] = {{NULL, 4, 1.55117}, {"0.9", 4, 1.55117}, {"0.94", 5, 1.69470}, {"0.17", 1, 1.17 / 1.41}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		int gamma;
		double best;

		fixture_shipped(&f, "imx95", "imx95-paper", rows[i].alpha);
		best_of(&f, "g310", &gamma, &best);
		assert_int_equal(gamma, rows[i].gamma);
		check_near(best, rows[i].speedup, 3e-6);
		best_of(&f, "a55x1", &gamma, &best);
		if (rows[i].gamma == 1)
			assert_true(best < 1);
		check_near(fixture_predict(&f, 0).speedup, 1, 0);
		check_near(fixture_predict(&f, 0).energy_j_token, NAN, 0);
		fixture_free(&f);
	}
}

/* Where one number of rows was measured, the others are the model's, scaled to it: both models' passes stay on one scale each. */
static void measured_rows_scale(void **state)
{
	struct prediction with, without;
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double target, draft;

	(void)state;
	fixture_load(&f, fixture_profile, DRAFTER IDEAL_MAPS SHORT "\"gamma\": [2]," ALPHA("0.5"),
		     HEADER "big,f16,c,1,1,0,3\nsmall,f16,g,2,2,0,2\n");
	with = fixture_predict(&f, 1);
	check_near(fixture_predict(&f, 0).verify_s, 3, 1e-12);
	fixture_free(&f);
	fixture_load(&f, fixture_profile, DRAFTER IDEAL_MAPS SHORT "\"gamma\": [2]," ALPHA("0.5"), NULL);
	without = fixture_predict(&f, 1);
	pt = space_point(&f.space, 1);
	predict_pair(&f.predict, &pt, &pair);
	target = 3 / cost_pass(&pair.env, pair.plan.chains[HX_CHAIN_TARGET], 1, 1, 0).time_s;
	draft = 2 / cost_pass(&pair.env_draft, pair.plan.chains[HX_CHAIN_DRAFT], 2, 1, 0).time_s;
	check_near(with.verify_s, without.verify_s * target, 1e-12);
	check_near(with.ttft_s, pair.prefill.time_s * target + pair.prefill_draft.time_s * draft, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* What was measured at one clock is not compared with what is modelled at another. */
static void measured_clock(void **state)
{
	struct fixture f;
	struct point pt;
	struct prediction pr;
	char reason[192];

	(void)state;
	fixture_load(&f, fixture_profile, DRAFTER SHORT "\"gamma\": [2], \"target_mappings\": [\"cx2\", \"cx2@500MHz\"], \"draft_mappings\": [\"g\"]," ALPHA("0.5"),
		     HEADER "big,f16,c,2,1,0,1\n");
	for (int i = 0; i < 2; i++) {
		pt = space_point(&f.space, fixture_point(&f, 0, i ? "cx2@500MHz" : "cx2", "g", HX_SEQUENTIAL, 2));
		pr = fixture_predict(&f, pt.index);
		assert_int_equal(pr.feasible, !i);
	}
	assert_string_equal(predict_reason(&f.predict, &pt, &pr.refusal, reason, sizeof(reason)), "costs are measured at the own clock of c");
	assert_int_equal(f.predict.best[0].index, 0);
	fixture_free(&f);
}

/* Without a cache a pass is over the whole text: a measurement of cached rows says nothing of it. */
static void uncached_costs(void **state)
{
	struct fixture with, without;
	const char *members = "\"target_quants\": [\"f16\"], \"target_mappings\": [\"cx2\"], \"gamma\": [0], \"kv_cache\": false,\n" SHORT "\"temperature\": 0";

	(void)state;
	fixture_load(&with, fixture_profile, members, HEADER "big,f16,c,2,1,64,1e-4\n");
	fixture_load(&without, fixture_profile, members, NULL);
	check_near(fixture_predict(&with, 0).tpot_s, fixture_predict(&without, 0).tpot_s, 0);
	fixture_free(&with);
	fixture_free(&without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapped_values), cmocka_unit_test(limits), cmocka_unit_test(overlapped_ends), cmocka_unit_test(spread),
		cmocka_unit_test(hosts_and_catch_ups), cmocka_unit_test(reference_study), cmocka_unit_test(measured_rows_scale), cmocka_unit_test(measured_clock),
		cmocka_unit_test(uncached_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
