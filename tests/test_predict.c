/* Predictions of a made-up device, against passes priced one by one. */
#include "studies.h"

#include "core/predict_ops.h"

/* Mean price of a chain from the cost room, with bandwidths given. */
static struct pass_cost priced(const struct fixture *f, const struct hx_chain *chain, const double *bw, double r, double l, double n0,
			       double n1)
{
	struct cost_env env = {.profile = &f->study.profile, .bw = {bw[0], bw[1]}, .kv_cache = true};

	return cost_pass_mean(&env, chain, r, l, n0, n1);
}

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
		struct pass_cost v, d1 = {0}, d2 = {0}, again = {0}, busy = {0}, front = {0};
		double time_s, energy_j, row_s = 1e-6;
		const struct hx_chain *const *chains;

		if (!pr.feasible)
			continue;
		predict_pair(&f.predict, &pt, &pair);
		chains = pair.plan.chains;
		if (kind != HX_DRAFT_NGRAM) {
			d1 = priced(&f, chains[HX_CHAIN_DRAFT], pair.env_draft.bw, 1, 1, 63, 126);
			d2 = priced(&f, chains[HX_CHAIN_DRAFT], pair.env_draft.bw, 2, 1, 63, 126);
			again = priced(&f, chains[HX_CHAIN_DRAFT], pair.again_draft.bw, 1, 1, 63, 126);
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
			/* a drafter on g is waited for once a round */
			double spared_s = kind == HX_DRAFT_MODEL && !strcmp(f.space.draft[pt.drafter].v[pt.draft_map].text, "g") ? (g - 1) * 1e-4 : 0;

			time_s = r.rounds * (d1.time_s + (g - 1) * again.time_s - spared_s + front.time_s + v.time_s) + extra * (d2.time_s - d1.time_s);
			energy_j = r.rounds * (d1.energy_j + (g - 1) * again.energy_j + front.energy_j + v.energy_j) + extra * (d2.energy_j - d1.energy_j);
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
			struct pass_cost cost = predict_pass(&f.predict, &pair, pass->kind, predict_usually(&pair, pass->kind));
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

/* Columns: named as the members are, each number once. */
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
		cmocka_unit_test(baselines), cmocka_unit_test(waking), cmocka_unit_test(breakdown), cmocka_unit_test(rounds_by_hand), cmocka_unit_test(plain_by_hand),
		cmocka_unit_test(operators), cmocka_unit_test(known_rounds), cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
