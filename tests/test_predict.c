#include "fixture.h"

#include "core/predict_ops.h"

#include <stdio.h>

#define ALPHA(a)   "\"acceptance\": [{\"alpha\": " a ", \"kind\": \"estimate\", \"from\": \"x\"}]"
#define DRAFTER    "\"target_quants\": [\"f16\"], \"drafters\": [\"small\"],\n"
#define IDEAL_MAPS "\"target_mappings\": [\"cx1\"], \"draft_mappings\": [\"g\"],\n"
#define LONG       "\"workloads\": [{\"prompt\": 1, \"generated\": 100000}],\n"
#define SHORT      "\"workloads\": [{\"prompt\": 63, \"generated\": 63}],\n"
#define HEADER     "model,quantisation,unit,cores,rows,context,seconds\n"
#define BOTH       "\"modes\": [\"sequential\", \"overlapped\"],\n"

static double speedup(const struct fixture *f, int mode, int gamma)
{
	return fixture_predict(f, fixture_point(f, 0, NULL, NULL, mode, gamma)).speedup;
}

/* ---- the design's figures, end to end: passes from a table, no other cost ---- */

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

/* ---- the reference study ---- */

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

/* 1 + alpha = 1 + c at gamma 1; longer drafts need more. gamma c <= alpha + ... + alpha^gamma is loosest at gamma 1 as well. */
static void study_thresholds(void **state)
{
	static const struct {
		const char *map;
		double c;
	} rows[] = {{"g310", .41}, {"a55x1", .80}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pair pair = {0};
		struct point pt;
		struct fixture f;

		fixture_shipped(&f, "imx95", "imx95-paper", NULL);
		pt = space_point(&f.space, fixture_point(&f, 0, "a55x1", rows[i].map, HX_SEQUENTIAL, 3));
		check_near(predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), rows[i].c, 1e-5);
		check_near(predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), .9 / rows[i].c, 1e-5);
		predict_pair_free(&pair);
		fixture_free(&f);
		fixture_shipped(&f, "imx95", "imx95-paper", "0"); /* nothing is ever accepted: not even a free drafter gains */
		check_near(predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), NAN, 0);
		check_near(predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), rows[i].c, 1e-5);
		predict_pair_free(&pair);
		fixture_free(&f);
	}
}

/* ---- the full model on the toy device ---- */

#define MIXED                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\", \"early-exit:2\"], \"draft_quants\": [\"f16\"],\n"   \
	"\"target_mappings\": [\"cx1\", \"cx3\", \"g\", \"cx2:0-2+g:3-5\"], \"draft_mappings\": [\"cx1\", \"g\"],\n" SHORT BOTH            \
	"\"gamma\": {\"from\": 0, \"to\": 4},\n"

static void baselines(void **state)
{
	struct fixture f;
	double best[2] = {HUGE_VAL, HUGE_VAL}, cpu[2] = {HUGE_VAL, HUGE_VAL};

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	assert_int_equal(f.space.n_plain, 8);
	for (int i = 0; i < 8; i++) {
		struct prediction pr = fixture_predict(&f, i);

		assert_true(pr.feasible);
		assert_int_equal(pr.acceptance, -1);
		best[i / 4] = fmin(best[i / 4], pr.tpot_s);
		if (i % 4 < 2)
			cpu[i / 4] = fmin(cpu[i / 4], pr.tpot_s);
		check_near(pr.speedup_same, 1, 0);
		check_near(pr.quality, i < 4 ? NAN : 9.5, 0);
	}
	assert_true(best[0] < cpu[0]); /* g has more bandwidth */
	for (int64_t i = 0; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct prediction pr = fixture_predict(&f, i), same;
		int q = pt.target_type == HX_Q8_0;

		if (!pr.feasible)
			continue;
		same = fixture_predict(&f, 4 * q + pt.target_map);
		check_near(pr.speedup, best[q] / pr.tpot_s, 1e-12);
		check_near(pr.speedup_cpu, cpu[q] / pr.tpot_s, 1e-12);
		check_near(pr.speedup_same, same.tpot_s / pr.tpot_s, 1e-12);
		if (!pt.gamma && pr.tpot_s == best[q])
			assert_true(pr.speedup == 1 && predict_baseline(&f.predict, &pt)->index == i);
	}
	fixture_free(&f);
	fixture_load(&f, fixture_profile, MIXED "\"baseline\": \"cx1\"," ALPHA("0.7"), NULL);
	for (int i = 0; i < 8; i++) /* the first mapping is cx1 */
		check_near(fixture_predict(&f, i).speedup, fixture_predict(&f, i - i % 4).tpot_s / fixture_predict(&f, i).tpot_s, 1e-12);
	fixture_free(&f);
}

/* Threads sleep through passes on other cores of theirs, and are woken once a round for each model that has several. */
static void waking(void **state)
{
	static const double wakes[2][2] = {{0, 1}, {1, 0}}; /* by mapping of target and drafter: cx1, cx4 */
	static const char study[] = DRAFTER "\"target_mappings\": [\"cx1\", \"cx4\"], \"draft_mappings\": [\"cx1\", \"cx4\"]," SHORT
					    "\"gamma\": [2]," ALPHA("0.5");
	char *profile = fixture_replace(fixture_profile, "\"sync_s\": 1e-5", "\"sync_s\": 1e-5, \"wake_s\": 0.001");
	struct fixture with, without;

	(void)state;
	fixture_load(&with, profile, study, NULL);
	fixture_load(&without, fixture_profile, study, NULL);
	assert_int_equal(with.space.size, 6);
	for (int64_t i = 0; i < 6; i++) {
		struct point pt = space_point(&with.space, i);
		double round_s = pt.gamma ? wakes[pt.target_map][pt.draft_map] * 0.001 : 0;

		check_near(fixture_predict(&with, i).sync_s, fixture_predict(&without, i).sync_s + round_s, 1e-12);
		check_near(fixture_predict(&with, i).round_s, fixture_predict(&without, i).round_s + round_s, 1e-12);
	}
	fixture_free(&with);
	fixture_free(&without);
	free(profile);
}

/* A round is its phases; a token its share of a round. */
static void breakdown(void **state)
{
	struct fixture f;
	int modes[HX_MODES] = {0}, drafters[3] = {0};

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 0; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct prediction pr = fixture_predict(&f, i);

		if (!pr.feasible)
			continue;
		check_near(pr.draft_s + pr.verify_s + pr.transfer_s + pr.sync_s + pr.host_s, pr.round_s, 1e-12);
		check_near(pr.round_s / pr.tokens_per_round, pr.tpot_s, 1e-12);
		check_near(pr.ttft_s + 63 * pr.tpot_s, pr.e2e_s, 1e-12);
		assert_true(pr.draft_s >= 0 && pr.verify_s > 0 && pr.transfer_s >= 0 && pr.sync_s > 0 && pr.host_s > 0);
		modes[pt.mode]++;
		if (pt.drafter >= 0)
			drafters[pt.drafter]++;
	}
	assert_true(modes[1] > 0 && drafters[0] > 0 && drafters[1] > 0 && drafters[2] > 0);
	fixture_free(&f);
}

/* Mean price of a chain from the cost room, with bandwidths given. */
static struct pass_cost priced(const struct fixture *f, const struct hx_chain *chain, const double *bw, double r, double l, double n0,
			       double n1)
{
	struct cost_env env = {.profile = &f->study.profile, .bw = {bw[0], bw[1]}, .kv_cache = true};

	return cost_pass_mean(&env, chain, r, l, n0, n1);
}

/* Bandwidth at the round's footprint: weights of each model on the unit and its cache at the mean context of 94.5.
 * f16, bytes: big on c or g 28,338,176 streamed (6 layers of 4,722,688 and last norm) + table 2,097,152, 6144 a position;
 * small 2 x (4 x 32 x 128 x 2 + 2 x 64 x 128 x 2 + 3 x 256 x 128 x 2 + 2 x 128 x 4) + 512 + 2048 x 128 x 2, 512 a position. */
static const double big = 6 * 4722688. + 2048 + 2097152 + 6144 * 94.5;
static const double small = 2 * (128 * 128 * 2 + 128 * 128 * 2 + 128 * 128 * 2 + 3 * 256 * 128 * 2 + 1024.) + 512 + 524288 + 512 * 94.5;

static void footprints(void **state)
{
	struct pair pair = {0};
	struct point pt;
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     DRAFTER SHORT
		     "\"target_mappings\": [\"cx1\", \"g\"], \"draft_mappings\": [\"cx3\", \"g\"], \"gamma\": [2]," ALPHA("0.5"),
		     NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "cx3", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.env.bw[0], 4e9 - 2e9 * log((big + small) / 1e6) / log(100), 1e-9);
	check_near(pair.env_draft.bw[0], 8e9 - 4e9 * log((big + small) / 1e6) / log(100), 1e-9);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx1", "g", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.env.bw[0], 4e9 - 2e9 * log(big / 1e6) / log(100), 1e-9);
	check_near(pair.env_draft.bw[1], 8e9, 0);
	assert_memory_equal(&pair.busy, &pair.env, sizeof(pair.env));
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* Two streams share 12 GB/s in proportion, two halves of a cluster what all its cores reach; a measured factor goes before. */
static void contention(void **state)
{
	static const char members[] = DRAFTER SHORT
		"\"modes\": [\"overlapped\"], \"target_mappings\": [\"cx3\", \"g\"], \"draft_mappings\": [\"cx1\"], \"gamma\": [2]," ALPHA(
			"0.5");
	char *measured = fixture_replace(
		fixture_profile, "\"bw_bytes_s\": 1.2e10",
		"\"bw_bytes_s\": 1.2e10, \"contention\": [{\"a\": \"c\", \"b\": \"g\", \"factor_a\": 0.6, \"factor_b\": 0.9}]");
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double both;

	(void)state;
	fixture_load(&f, fixture_profile, members, NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "g", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	both = pair.env.bw[1] + pair.env_draft.bw[0];
	check_near(pair.busy.bw[1], pair.env.bw[1] * fmin(1, 1.2e10 / both), 1e-12);
	check_near(pair.busy_draft.bw[0], pair.env_draft.bw[0] * fmin(1, 1.2e10 / both), 1e-12);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx3", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	both = pair.env.bw[0] + pair.env_draft.bw[0];
	assert_true(both > 5e9);
	check_near(pair.busy.bw[0] + pair.busy_draft.bw[0], 5e9, 1e-12);
	check_near(pair.busy.bw[0], pair.env.bw[0] * 5e9 / both, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	fixture_load(&f, measured, members, NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "g", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	check_near(pair.busy.bw[1], pair.env.bw[1] * .9, 1e-12);
	check_near(pair.busy_draft.bw[0], pair.env_draft.bw[0] * .6, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	free(measured);
}

/* At half the clock a byte takes longer by what it takes in the cache: .25 ns with one core, .125 with three, .1 with four. What all four reach
 * of main memory is what two models share. */
static void slow_clocks(void **state)
{
	double beyond = log((big + small) / 1e6) / log(100), cluster = 1 / (1 / 5e9 + 1e-10);
	struct pair pair = {0};
	struct point pt;
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile,
		     DRAFTER SHORT BOTH
		     "\"gamma\": [2], \"target_mappings\": [\"cx3@500MHz\"], \"draft_mappings\": [\"cx1@500MHz\"]," ALPHA("0.5"),
		     NULL);
	for (int mode = HX_SEQUENTIAL; mode <= HX_OVERLAPPED; mode++) {
		pt = space_point(&f.space, fixture_point(&f, 0, NULL, "cx1@500MHz", mode, 2));
		predict_pair(&f.predict, &pt, &pair);
		check_near(pair.env.bw[0], 1 / (1 / (8e9 - 4e9 * beyond) + .125e-9), 1e-9);
		check_near(pair.env_draft.bw[0], 1 / (1 / (4e9 - 2e9 * beyond) + .25e-9), 1e-9);
	}
	assert_true(pair.env.bw[0] + pair.env_draft.bw[0] > cluster);
	check_near(pair.busy.bw[0] + pair.busy_draft.bw[0], cluster, 1e-12);
	check_near(pair.busy.bw[0] / pair.busy_draft.bw[0], pair.env.bw[0] / pair.env_draft.bw[0], 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* Sections 2, 3 and 6 by hand from passes priced here: times and energies of every mode. */
static void rounds_by_hand(void **state)
{
	struct fixture f;
	struct pair pair = {0};

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 8; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct prediction pr = fixture_predict(&f, i);
		struct accept a = accept_constant(.7);
		struct rounds r = accept_rounds(&a, pt.gamma, pt.mode, 63);
		int g = pt.gamma, kind = f.study.drafters[pt.drafter].kind;
		struct pass_cost v, d1 = {0}, d2 = {0}, busy = {0}, front = {0};
		double time_s, energy_j, row_s = 1e-6;
		const struct hx_chain *const *chains;

		if (!pr.feasible)
			continue;
		predict_pair(&f.predict, &pt, &pair);
		chains = pair.plan.chains;
		if (kind != HX_DRAFT_NGRAM) {
			d1 = priced(&f, chains[HX_CHAIN_DRAFT], pair.env_draft.bw, 1, 1, 63, 126);
			d2 = priced(&f, chains[HX_CHAIN_DRAFT], pair.env_draft.bw, 2, 1, 63, 126);
			busy = priced(&f, chains[HX_CHAIN_DRAFT], pair.busy_draft.bw, 1, 1, 63, 126);
		}
		if (kind == HX_DRAFT_EXIT) {
			front = priced(&f, chains[HX_CHAIN_FRONT], pair.env.bw, 1, 0, 63, 126);
			v = priced(&f, chains[HX_CHAIN_TAIL], pair.env.bw, g + 1, g + 1, 63, 126);
		} else if (pt.mode == HX_OVERLAPPED) {
			v = priced(&f, chains[HX_CHAIN_TARGET], pair.busy.bw, g, g, 63, 126);
		} else {
			v = priced(&f, chains[HX_CHAIN_TARGET], pair.env.bw, g + 1, g + 1, 63, 126);
		}
		if (pt.mode == HX_OVERLAPPED) {
			double ready = r.catch_ups; /* rounds that find their drafts made */

			time_s = r.rounds * v.time_s + (r.rounds - ready) * g * d1.time_s + ready * fmax(0, g * busy.time_s - v.time_s);
			energy_j = r.rounds * (v.energy_j + g * busy.energy_j) + (r.rounds - ready) * g * d1.energy_j;
		} else {
			double extra = kind == HX_DRAFT_MODEL ? r.catch_ups : 0;

			time_s = r.rounds * (g * d1.time_s + front.time_s + v.time_s) + extra * (d2.time_s - d1.time_s);
			energy_j = r.rounds * (g * d1.energy_j + front.energy_j + v.energy_j) + extra * (d2.energy_j - d1.energy_j);
		}
		time_s += r.rounds * (5e-5 + (kind == HX_DRAFT_NGRAM ? 0 : g * row_s) + (pt.mode == HX_OVERLAPPED ? g : g + 1) * row_s);
		check_near(pr.tpot_s * 63, time_s, 1e-11);
		check_near(pr.energy_j_token * 63, energy_j + 1.5 * time_s, 1e-11);
		check_near(pr.tokens_per_round, 63 / r.rounds, 1e-12);
	}
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* 63 plain passes of one row, one by one. */
static void plain_by_hand(void **state)
{
	struct fixture f;
	struct pair pair = {0};
	struct point pt;
	struct prediction pr;
	double time_s = 0, energy_j = 0;

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	pt = space_point(&f.space, fixture_point(&f, SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0));
	pr = fixture_predict(&f, pt.index);
	predict_pair(&f.predict, &pt, &pair);
	for (int n = 0; n < 63; n++) {
		struct pass_cost c = priced(&f, pair.plan.chains[HX_CHAIN_TARGET], pair.env.bw, 1, 1, 63 + n, 63 + n);

		time_s += c.time_s + 2e-5 + 1e-6;
		energy_j += c.energy_j + 1.5 * (c.time_s + 2.1e-5);
	}
	check_near(pr.tpot_s * 63, time_s, 1e-3);
	check_near(pr.energy_j_token * 63, energy_j, 1e-3);
	check_near(pr.ttft_s, priced(&f, pair.plan.chains[HX_CHAIN_TARGET], pair.env.bw, 63, 1, 0, 0).time_s, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* ---- what cannot run ---- */

#define ONE DRAFTER "\"target_mappings\": [\"cx2\", \"g\"], \"draft_mappings\": [\"cx3\", \"g\"], " BOTH "\"gamma\": [2],\n"

static const struct {
	const char *from, *to, *members; /* change of the profile; the sweep */
	int drafter;
	const char *target_map, *draft_map;
	int mode, gamma;
	const char *reason;
} refused[] = {
	{"", "", ONE SHORT "\"acceptance\": []", 0, "g", "cx3", HX_SEQUENTIAL, 2,
	 "no acceptance source for a f16 target with small in f16"},
	{"", "", ONE SHORT "\"acceptance\": []", 0, "g", "cx3", HX_OVERLAPPED, 2,
	 "no acceptance source for a f16 target with small in f16"},
	{"", "", ONE SHORT "\"temperature\": 1," ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2, "no acceptance source"},
	{"", "", ONE SHORT ALPHA("0.5"), 0, "g", "g", HX_OVERLAPPED, 2, "overlapped drafter and target share g"},
	{"", "", ONE SHORT ALPHA("0.5"), 0, "cx2", "cx3", HX_OVERLAPPED, 2,
	 "overlapped drafter and target need 3 + 2 cores of c, which has 4"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 1}], ", ONE SHORT ALPHA("0.5"), 0, "cx2", "cx3",
	 HX_OVERLAPPED, 2, "overlapped drafter and target need 3 + 2 cores of c, which has 3"},
	{"\"reserved\": {", "\"reserved\": {\"cores\": [{\"unit\": \"c\", \"cores\": 1}], ",
	 DRAFTER SHORT BOTH "\"gamma\": [2], \"target_mappings\": [\"cx2\"], \"draft_mappings\": [\"cx2\"]," ALPHA("0.5"), 0, "cx2", "cx2",
	 HX_OVERLAPPED, 2, "overlapped drafter and target need 2 + 2 cores of c, which has 3"},
	{"", "", DRAFTER SHORT BOTH "\"gamma\": [2], \"target_mappings\": [\"cx2@500MHz\"], \"draft_mappings\": [\"cx2\"]," ALPHA("0.5"), 0,
	 "cx2@500MHz", "cx2", HX_SEQUENTIAL, 2, "drafter and target run c at different clocks"},
	{"", "", ONE SHORT "\"model\": \"eq1\"," ALPHA("0.5"), 0, "g", "cx3", HX_OVERLAPPED, 2, "eq1 knows the sequential mode only"},
	{"", "", ONE "\"workloads\": [{\"prompt\": 950000, \"generated\": 50001}]," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "1000001 tokens exceed the target's context limit of 1000000"},
	{"\"kernels\": [\n{\"type\": \"f16\", \"arithmetic\": \"f16\", \"rows\": [1, 4, 16], \"efficiency\": [0.1, 0.2, 0.6]},\n",
	 "\"kernels\": [\n", ONE SHORT ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2, "target: g has no kernel for f16 (qkv)"},
	{"\"kernels\": [\n{\"type\": \"f16\", \"arithmetic\": \"f16\", \"rows\": [1, 4, 16], \"efficiency\": [0.1, 0.2, 0.6]},\n",
	 "\"kernels\": [\n", ONE SHORT ALPHA("0.5"), 0, "cx2", "g", HX_SEQUENTIAL, 2, "drafter: g has no kernel for f16 (qkv)"},
	{"\"memory_bytes\": 1e9", "\"memory_bytes\": 1.99e9", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "of memory; 10 MB are available"},
	{"\"p\": 4,", "\"p\": 4, \"mem_limit_bytes\": 2e7,", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "g would hold "},
	{"\"p\": 4,", "\"p\": 4, \"max_alloc_bytes\": 2e6,", ONE SHORT ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "g would need one allocation of 2.1 MB; its limit is 2 MB"},
	{"", "", ONE SHORT "\"constraints\": {\"memory_bytes\": 2e7}," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "the sweep allows 20 MB"},
	{"", "", ONE SHORT "\"constraints\": {\"ttft_s\": 1e-6}," ALPHA("0.5"), SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0,
	 "s; the sweep allows 1e-06 s"},
	{"", "", ONE SHORT "\"constraints\": {\"tpot_s\": 1e-6}," ALPHA("0.5"), 0, "g", "cx3", HX_OVERLAPPED, 2,
	 "per token; the sweep allows 1e-06 s"},
	{"", "", ONE SHORT "\"constraints\": {\"energy_j_token\": 1e-6}," ALPHA("0.5"), 0, "g", "cx3", HX_SEQUENTIAL, 2,
	 "J per token; the sweep allows"},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		char *profile = fixture_replace(fixture_profile, refused[i].from, refused[i].to);
		struct prediction pr;
		struct fixture f;
		struct point pt;
		char reason[192];

		fixture_load(&f, profile, refused[i].members, NULL);
		pt = space_point(&f.space, fixture_point(&f, refused[i].drafter, refused[i].target_map, refused[i].draft_map, refused[i].mode,
							 refused[i].gamma));
		pr = fixture_predict(&f, pt.index);
		if (pr.feasible || !strstr(predict_reason(&f.predict, &pt, &pr.refusal, reason, sizeof(reason)), refused[i].reason))
			fail_msg("row %zu: feasible %d, '%s', not '%s'", i, pr.feasible, reason, refused[i].reason);
		check_near(pr.speedup, NAN, 0);
		fixture_free(&f);
		free(profile);
	}
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

/* An operator that falls back runs on the other unit at the clock of the configuration. */
static void fallback_clock(void **state)
{
	char *text = fixture_replace(fixture_profile, "\"p\": 4", "\"fallback\": \"c\", \"supports\": [{\"op\": \"attn\"}], \"p\": 4");
	struct fixture f;
	const struct placed *placed;
	bool seen = false;

	(void)state;
	fixture_load(&f, text, DRAFTER SHORT "\"gamma\": [2], \"clocks\": [0.6], \"target_mappings\": [\"g\"], \"draft_mappings\": [\"cx4\"]," ALPHA("0.5"), NULL);
	placed = placed_find(&f.predict.target, HX_F16, 0);
	for (size_t i = 0; i < placed->graph.n_ops; i++)
		if (hx_graph_op(&placed->graph, i)->unit == 0) {
			check_near(hx_graph_op(&placed->graph, i)->clock_hz, 6e8, 1e-12);
			seen = true;
		}
	assert_true(seen);
	assert_true(fixture_predict(&f, fixture_point(&f, 0, NULL, NULL, HX_SEQUENTIAL, 2)).feasible);
	fixture_free(&f);
	free(text);
}

/* A constraint that holds exactly, or is just missed. */
static void constraint_bounds(void **state)
{
	static const char *const bounds[] = {"memory_bytes", "energy_j_token", "ttft_s", "tpot_s"};
	struct fixture f;
	struct prediction free_pr;

	(void)state;
	fixture_load(&f, fixture_profile, ONE SHORT ALPHA("0.5"), NULL);
	free_pr = fixture_predict(&f, 0);
	fixture_free(&f);
	for (size_t i = 0; i < COUNT(bounds); i++)
		for (int above = 0; above < 2; above++) {
			double value = (double[]){free_pr.memory_bytes, free_pr.energy_j_token, free_pr.ttft_s, free_pr.tpot_s}[i] *
				       (above ? 1 + 1e-9 : 1 - 1e-9);
			char *members = hx_xasprintf(ONE SHORT "\"constraints\": {\"%s\": %.17g}," ALPHA("0.5"), bounds[i], value);

			fixture_load(&f, fixture_profile, members, NULL);
			assert_int_equal(fixture_predict(&f, 0).feasible, above);
			fixture_free(&f);
			free(members);
		}
}

/* Memory of both models, by hand from the engine's buffers: 63 rows of prefill, 63 + 63 + gamma + 1 positions. */
static void memory(void **state)
{
	struct hx_buffers b = {0};
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double sum = 0;

	(void)state;
	fixture_load(&f, fixture_profile, ONE SHORT ALPHA("0.5"), NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx2", "g", HX_SEQUENTIAL, 2));
	predict_pair(&f.predict, &pt, &pair);
	hx_graph_buffers(&pair.target->graph, 63, 3, 129, &b);
	hx_graph_buffers(&pair.draft->graph, 63, 1, 129, &b);
	for (int u = 0; u < HX_MAX_UNITS; u++)
		for (int k = 0; k < HX_BUF_COUNT; k++)
			sum += b.bytes[u][k];
	check_near(fixture_predict(&f, pt.index).memory_bytes, sum, 1e-12);
	predict_pair_free(&pair);
	fixture_free(&f);
	/* an early exit's layers are the target's: more rows of logits and positions, nothing else */
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.5"), NULL);
	check_near(fixture_predict(&f, fixture_point(&f, 2, "g", NULL, HX_SEQUENTIAL, 2)).memory_bytes,
		   fixture_predict(&f, fixture_point(&f, SPACE_PLAIN, "g", NULL, HX_SEQUENTIAL, 0)).memory_bytes + 2 * (2048 * 4 + 6144),
		   1e-12);
	fixture_free(&f);
}

static void bad_studies(void **state)
{
	static const struct {
		const char *members, *message;
	} rows[] = {
		{ONE SHORT "\"baseline\": \"cx1\"," ALPHA("0.5"), "is none of the target's mappings; add it to target_mappings"},
		{"\"target_quants\": [\"f16\"], \"target_mappings\": [\"d\"], \"gamma\": [0], " SHORT ALPHA("0.5"),
		 "no unit 'd'; the profile has c, g"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"early-exit:6\"], \"gamma\": [1], " SHORT ALPHA("0.5"), "early-exit:6"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"early-exit:0\"], \"gamma\": [1], " SHORT ALPHA("0.5"), "early-exit:0"},
		{"\"target_quants\": [\"f16\"], \"drafters\": [\"gemma3-1b\"], \"gamma\": [1], " SHORT ALPHA("0.5"),
		 "gemma3-1b cannot draft for big: its vocabulary is gemma3, the target's is toy"},
		{"\"target_quants\": [\"f16\"], \"cores\": [7], \"target_mappings\": [\"auto\"], \"drafters\": [\"smal\"], \"gamma\": "
		 "[1], " SHORT ALPHA("0.5"),
		 "no model 'smal'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct hx_err err = {""};

		assert_int_equal(fixture_try(&f, fixture_profile, rows[i].members, NULL, &err), HX_INPUT);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("%s", err.msg);
		fixture_free(&f);
	}
}

/* ---- thresholds and monotonicity ---- */

/* Best speedup over gamma of a pair under constant acceptance (or the known source). */
static double best_speedup(const struct fixture *f, const struct point *pt, const struct accept *a, double factor)
{
	struct pair pair = {0};
	double best_s = HUGE_VAL;

	for (size_t g = 0; g < f->space.n_gamma; g++)
		best_s = fmin(best_s, predict_decode_s(&f->predict, pt, &pair, f->space.gamma[g], a, factor));
	predict_pair_free(&pair);
	return predict_baseline(&f->predict, pt)->decode_s / best_s;
}

static void thresholds(void **state)
{
	struct fixture f;
	int alphas = 0, factors = 0;

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 8; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct accept known = accept_constant(.7);
		struct pair pair = {0};
		double alpha, factor;

		if (pt.gamma != 1 || !fixture_predict(&f, i).feasible)
			continue;
		alpha = predict_alpha_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s);
		factor = predict_cost_threshold(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s);
		if (alpha == 0) {
			struct accept never = accept_constant(0);

			assert_true(best_speedup(&f, &pt, &never, 1) >= 1);
		} else if (!isnan(alpha)) {
			struct accept at = accept_constant(alpha), above = accept_constant(fmin(1, alpha + .01)),
				      below = accept_constant(alpha - .01);

			check_near(best_speedup(&f, &pt, &at, 1), 1, 1e-4);
			assert_true(best_speedup(&f, &pt, &above, 1) > 1);
			assert_true(best_speedup(&f, &pt, &below, 1) < 1);
			alphas++;
		} else {
			struct accept certain = accept_constant(1);

			assert_true(best_speedup(&f, &pt, &certain, 1) < 1);
		}
		if (!isnan(factor)) {
			check_near(best_speedup(&f, &pt, &known, factor), 1, 1e-4);
			assert_true(best_speedup(&f, &pt, &known, factor * .99) >= 1);
			factors++;
		} else if (pt.drafter != 1) { /* n-gram lookup has no drafter's cost */
			assert_true(best_speedup(&f, &pt, &known, 1e-6) < 1);
		}
		predict_pair_free(&pair);
	}
	assert_true(alphas > 5 && factors > 3);
	fixture_free(&f);
}

static void monotonic(void **state)
{
	struct fixture f;

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 8; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		double last = 0;

		if (pt.gamma != 1 || !fixture_predict(&f, i).feasible)
			continue;
		for (int k = 0; k <= 20; k++) { /* higher alpha; overlapped may lose by it when drafting is slower than verifying */
			struct accept a = accept_constant(k / 20.);
			double s = best_speedup(&f, &pt, &a, 1);

			if (pt.mode == HX_SEQUENTIAL)
				assert_true(s >= last);
			last = s;
		}
		last = HUGE_VAL;
		for (double factor = .01; factor < 100; factor *= 1.5) { /* a slower drafter */
			struct accept a = accept_constant(.7);
			double s = best_speedup(&f, &pt, &a, factor);

			assert_true(s <= last);
			last = s;
		}
	}
	fixture_free(&f);
}

/* The oracle picks gamma for every prompt: for Beta(1, 1) and c = .41 (Eq. 1), 1/E[min(1, min over gamma of (1 + gamma c)/Omega)]. */
static void oracle(void **state)
{
	enum { STEPS = 100000 };
	struct pair pair = {0};
	struct point pt;
	struct fixture f;
	double mean = 0;

	(void)state;
	fixture_load(&f, fixture_ideal,
		     DRAFTER IDEAL_MAPS SHORT "\"model\": \"eq1\", \"gamma\": {\"from\": 1, \"to\": 8},"
					      "\"acceptance\": [{\"beta\": {\"a\": 1, \"b\": 1}, \"kind\": \"estimate\", \"from\": \"x\"}]",
		     HEADER "big,f16,c,1,1,0,1\nsmall,f16,g,1,1,0,.41\n");
	pt = space_point(&f.space, 1);
	for (int i = 0; i < STEPS; i++) {
		double alpha = (i + .5) / STEPS, best = 1;

		for (int g = 1; g <= 8; g++)
			best = fmin(best, (1 + g * .41) * (1 - alpha) / (1 - pow(alpha, g + 1)));
		mean += best / STEPS;
	}
	/* the mean has kinks that a quadrature of 48 prompts smooths */
	check_near(predict_oracle(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s), 1 / mean, 1e-3);
	for (int g = 1; g <= 8; g++)
		assert_true(predict_oracle(&f.predict, &pt, &pair, predict_baseline(&f.predict, &pt)->decode_s) > fixture_predict(&f, g).speedup);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* Columns: named as the members are, each number once. */
/* The operators of a pass add up to its price. */
static void operators(void **state)
{
	struct fixture f;
	struct pair pair = {0};

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 0; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);

		predict_pair(&f.predict, &pt, &pair);
		for (int k = 0; k < pair.plan.n_passes && !pair.refusal.kind; k++) {
			const struct hx_pass *pass = &pair.plan.passes[k];
			const struct workload *w = &f.study.sweep.workloads[pt.workload];
			struct pass_cost cost = predict_pass(&f.predict, &pair, pass->kind, pass->kind == HX_PASS_VERIFY);
			double sum = cost.transfer_s + cost.sync_s;
			struct predict_ops ops;

			predict_ops(&f.predict, &pair, pass, w->prompt + w->generated / 2.0, &ops);
			for (int o = 0; o < HX_OP_COUNT * HX_MAX_UNITS; o++)
				sum += ops.v[o / HX_MAX_UNITS][o % HX_MAX_UNITS].cost.time_s;
			check_near(sum, cost.time_s, 1e-12);
		}
	}
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* With the rounds that are expected anyway, the time is that predicted. */
static void known_rounds(void **state)
{
	struct fixture f;
	struct pair pair = {0};

	(void)state;
	fixture_load(&f, fixture_profile, MIXED ALPHA("0.7"), NULL);
	for (int64_t i = 0; i < f.space.size; i++) {
		struct point pt = space_point(&f.space, i);
		struct prediction pr = fixture_predict(&f, i);
		int tokens = f.study.sweep.workloads[pt.workload].generated;
		struct rounds r = accept_rounds(&f.study.sweep.acceptance[0], pt.gamma, pt.mode, tokens);

		if (pr.feasible)
			check_near(predict_rounds_s(&f.predict, &pt, &pair, &r), pr.tpot_s * tokens, 1e-12);
	}
	predict_pair_free(&pair);
	fixture_free(&f);
}

static void columns(void **state)
{
	struct prediction pr = {.speedup = 1, .tpot_s = 2, .quality = 3};
	int n = 0;

	(void)state;
	for (; predict_columns[n].name; n++)
		for (int k = 0; k < n; k++)
			assert_int_not_equal(predict_columns[n].at, predict_columns[k].at);
	assert_int_equal(n, PREDICT_COLUMNS);
	check_near(*(double *)((char *)&pr + predict_columns[0].at), 1, 0);
	check_near(*(double *)((char *)&pr + predict_columns[1].at), 2, 0);
	check_near(*(double *)((char *)&pr + predict_columns[n - 1].at), 3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapped_values),
		cmocka_unit_test(limits),
		cmocka_unit_test(overlapped_ends),
		cmocka_unit_test(spread),
		cmocka_unit_test(hosts_and_catch_ups),
		cmocka_unit_test(reference_study),
		cmocka_unit_test(study_thresholds),
		cmocka_unit_test(baselines),
		cmocka_unit_test(waking), cmocka_unit_test(breakdown),
		cmocka_unit_test(footprints),
		cmocka_unit_test(contention),
		cmocka_unit_test(slow_clocks),
		cmocka_unit_test(rounds_by_hand),
		cmocka_unit_test(plain_by_hand),
		cmocka_unit_test(measured_clock), cmocka_unit_test(uncached_costs), cmocka_unit_test(fallback_clock), cmocka_unit_test(refusals),
		cmocka_unit_test(constraint_bounds),
		cmocka_unit_test(memory),
		cmocka_unit_test(measured_rows_scale),
		cmocka_unit_test(bad_studies),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(monotonic),
		cmocka_unit_test(oracle),
		cmocka_unit_test(operators),
		cmocka_unit_test(known_rounds),
		cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
