/* Traces made by hand, of a pair of toy models. */
#include "device/validate_steps.h"

#include "fixture.h"

static const char members[] = "\"target_quants\": [\"f16\"], \"drafters\": [\"small\"], \"draft_quants\": [\"f16\"], \"target_mappings\": "
			      "[\"cx4\", \"cx4:0-2+g:3-5,head\"],\n"
			      "\"draft_mappings\": [\"cx1\"], \"gamma\": [2], \"workloads\": [{\"prompt\": 8, \"generated\": 4}],\n"
			      "\"acceptance\": [{\"alpha\": 0.5, \"kind\": \"estimate\", \"from\": \"x\"}]";

static double clock_s;

/* All operators of a graph, a millisecond each; those that take logits only where there are any. Then the pass, two milliseconds longer. */
static void add_pass(struct hx_trace *t, const struct hx_graph *g, int pass, int rows, bool logits)
{
	double start_s = clock_s;

	for (size_t i = 0; i < g->n_ops; i++) {
		struct hx_event e = {
			.pass = pass, .op = hx_graph_op(g, i)->kind, .layer = hx_graph_layer(g, i), .rows = rows, .start_s = clock_s};

		if (hx_graph_op(g, i)->logits && !logits)
			continue;
		e.end_s = clock_s += 1e-3;
		hx_trace_add(t, &e);
	}
	clock_s += 2e-3;
	hx_trace_add(t, &(struct hx_event){.pass = pass, .op = -1, .layer = -1, .rows = rows, .start_s = start_s, .end_s = clock_s});
}

static const struct validate_step *find(const struct validate_steps *s, int pass, int op, int unit)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].pass == pass && s->v[i].op == op && s->v[i].unit == unit)
			return &s->v[i];
	fail_msg("no step %s of %s", validate_step_op(op), validate_step_pass(pass));
	return NULL;
}

/* An output of two rounds: three drafts of one row, one catch-up, two verify passes, of which one is cut and left out. */
static void steps_of(struct validate_steps *out, struct fixture *f, const char *target_map, struct pair *pair)
{
	struct point pt = space_point(&f->space, fixture_point(f, 0, target_map, "cx1", HX_SEQUENTIAL, 2));
	struct hx_trace t = {.ops = true};
	struct hx_generated g = {.n_tokens = 5, .n_rounds = 2};
	const struct hx_graph *target, *draft;
	double decode_from_s;

	predict_pair(&f->predict, &pt, pair);
	target = pair->plan.chains[HX_CHAIN_TARGET]->graph;
	draft = pair->plan.chains[HX_CHAIN_DRAFT]->graph;
	clock_s = 100;
	add_pass(&t, target, HX_PASS_PREFILL_TARGET, 8, true);
	add_pass(&t, draft, HX_PASS_PREFILL_DRAFT, 8, false);
	decode_from_s = clock_s;
	add_pass(&t, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&t, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&t, target, HX_PASS_VERIFY, 3, true);
	add_pass(&t, draft, HX_PASS_CATCH_UP, 2, true);
	add_pass(&t, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&t, target, HX_PASS_VERIFY, 2, true);
	g.seconds[HX_VERIFYING] = clock_s - decode_from_s;
	g.seconds[HX_HOST] = 5e-3;
	validate_steps(out, &f->predict, pair, &t, &g, 1e-3);
	hx_trace_free(&t);
}

static void one_unit(void **state)
{
	struct fixture f;
	struct validate_steps s;
	struct pair pair = {0};
	const struct validate_step *step;

	(void)state;
	fixture_load(&f, fixture_profile, members, NULL);
	steps_of(&s, &f, "cx4", &pair);
	step = find(&s, HX_PASS_VERIFY, HX_OP_FFN_UP, 0);
	assert_int_equal(step->n, 1); /* that of two rows is not the plan's */
	check_near(step->measured_s, 6e-3, 1e-6);
	assert_true(step->predicted_s > 0);
	assert_true(step->decodes);
	step = find(&s, HX_PASS_DRAFT, HX_OP_FFN_UP, 0);
	assert_int_equal(step->n, 3);
	check_near(step->measured_s, 2e-3, 1e-6);
	check_near(find(&s, HX_PASS_CATCH_UP, HX_OP_HEAD, 0)->measured_s, 1e-3, 1e-6);
	check_near(find(&s, HX_PASS_DRAFT, VALIDATE_SYNC, 0)->measured_s, 2e-3, 1e-6);
	check_near(find(&s, HX_PASS_DRAFT, VALIDATE_SYNC, 0)->predicted_s, 1e-5, 1e-12);
	assert_false(find(&s, HX_PASS_PREFILL_TARGET, HX_OP_ATTN, 0)->decodes);
	step = find(&s, VALIDATE_ROUND, VALIDATE_HOST, -1);
	check_near(step->measured_s, 2.5e-3, 1e-6);
	check_near(step->predicted_s, 1e-3, 0);
	validate_steps_free(&s);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* Each unit has the layers that are on it. */
static void two_units(void **state)
{
	struct fixture f;
	struct validate_steps s;
	struct pair pair = {0};

	(void)state;
	fixture_load(&f, fixture_profile, members, NULL);
	steps_of(&s, &f, "cx4:0-2+g:3-5,head", &pair);
	check_near(find(&s, HX_PASS_VERIFY, HX_OP_QKV, 0)->measured_s, 3e-3, 1e-6);
	check_near(find(&s, HX_PASS_VERIFY, HX_OP_QKV, 1)->measured_s, 3e-3, 1e-6);
	check_near(find(&s, HX_PASS_VERIFY, HX_OP_HEAD, 1)->measured_s, 1e-3, 1e-6);
	check_near(find(&s, HX_PASS_VERIFY, VALIDATE_SYNC, -1)->measured_s, 2e-3, 1e-6);
	validate_steps_free(&s);
	predict_pair_free(&pair);
	fixture_free(&f);
}

/* Two drafts alone, two verify passes with drafts beside the first, of which the second ends behind it, one draft alone. Those beside are in no figure but for the
 * time that the target waits, which is the round's. */
static void overlapped(void **state)
{
	static const char apart[] = "\"target_quants\": [\"f16\"], \"drafters\": [\"small\"], \"draft_quants\": [\"f16\"], \"target_mappings\": [\"cx3\"],\n"
				    "\"draft_mappings\": [\"cx1\"], \"gamma\": [2], \"modes\": [\"overlapped\"], \"workloads\": [{\"prompt\": 8, "
				    "\"generated\": 4}],\n\"acceptance\": [{\"alpha\": 0.5, \"kind\": \"estimate\", \"from\": \"x\"}]";
	struct hx_trace t = {.ops = true}, drafter = {.ops = true};
	struct hx_generated g = {.n_tokens = 5, .n_rounds = 2};
	struct validate_steps s;
	struct pair pair = {0};
	struct fixture f;
	struct point pt;
	const struct hx_graph *target, *draft;
	double decode_from_s, verify_s, draft_s;

	(void)state;
	fixture_load(&f, fixture_profile, apart, NULL);
	pt = space_point(&f.space, fixture_point(&f, 0, "cx3", "cx1", HX_OVERLAPPED, 2));
	predict_pair(&f.predict, &pt, &pair);
	target = pair.plan.chains[HX_CHAIN_TARGET]->graph;
	draft = pair.plan.chains[HX_CHAIN_DRAFT]->graph;
	decode_from_s = clock_s = 100;
	add_pass(&drafter, draft, HX_PASS_DRAFT, 1, true);
	draft_s = clock_s - decode_from_s;
	add_pass(&drafter, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&t, target, HX_PASS_VERIFY, 2, true);
	verify_s = clock_s - decode_from_s - 2 * draft_s;
	clock_s -= draft_s + 1e-3;
	add_pass(&drafter, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&drafter, draft, HX_PASS_DRAFT, 1, true);
	add_pass(&t, target, HX_PASS_VERIFY, 2, true);
	add_pass(&drafter, draft, HX_PASS_DRAFT, 1, true);
	hx_trace_join(&t, &drafter);
	g.seconds[HX_VERIFYING] = clock_s - decode_from_s;
	validate_steps(&s, &f.predict, &pair, &t, &g, 1e-3);
	assert_int_equal(find(&s, HX_PASS_VERIFY, HX_OP_QKV, 0)->n, 2);
	check_near(find(&s, HX_PASS_VERIFY, HX_OP_QKV, 0)->measured_s, 6e-3, 1e-6);
	assert_int_equal(find(&s, HX_PASS_DRAFT, HX_OP_QKV, 0)->n, 3);
	check_near(find(&s, HX_PASS_DRAFT, HX_OP_QKV, 0)->measured_s, 2e-3, 1e-6);
	check_near(s.decode_s, 2 * verify_s + 3 * draft_s + draft_s - 1e-3, 1e-6);
	check_near(find(&s, VALIDATE_ROUND, VALIDATE_HOST, -1)->measured_s, (draft_s - 1e-3) / 2, 1e-6);
	hx_trace_free(&t);
	hx_trace_free(&drafter);
	validate_steps_free(&s);
	predict_pair_free(&pair);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unit),
		cmocka_unit_test(two_units),
		cmocka_unit_test(overlapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
