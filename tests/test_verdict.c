#include "output/verdict.h"

#include "core/evaluate.h"

#include "fixture.h"

#define HEADER "model,quantisation,unit,cores,rows,context,seconds\n"
#define STUDY                                                                                                                              \
	"\"target_quants\": [\"f16\"], \"drafters\": [\"small\"], \"target_mappings\": [\"cx1\"], \"draft_mappings\": [\"g\"], "           \
	"\"model\": \"eq1\",\n"                                                                                                            \
	"\"workloads\": [{\"prompt\": 1, \"generated\": 9}], \"gamma\": {\"from\": 0, \"to\": 8},\n"
#define ALPHA(a) "\"acceptance\": [{\"alpha\": " a ", \"kind\": \"estimate\", \"from\": \"x\"}]"

/* Eq. 1 with c = .41: gamma 4 gives 1.55117 at alpha .9; gamma 1 gives 1.17/1.41 = .83 at .17, and would give 1 at alpha .41, or at c = .17,
 * .41 times as dear. At .41 nothing is gained, nor lost. */
static const struct {
	const char *profile_from, *profile_to, *members;
	int feasible;
	const char *said[4], *unsaid;
} answers[] = {
	{"", "", STUDY ALPHA("0.9"), 9, {"f16 ", "speculate: 1.55x", "drafter small f16 on g, gamma 4", "plain on cx1"}, "not speculate"},
	{"", "", STUDY ALPHA("0.17"), 9, {"do not speculate", "0.83x", "pays above alpha 0.41", "0.41 x"}, "too close"},
	{"", "", STUDY ALPHA("0.41"), 9, {"too close to call", "plain on cx1"}, "do not"},
	{"", "", STUDY ALPHA("0"), 9, {"do not speculate", "pays above alpha 0.41", "free drafter"}, " x "},
	{"", "", STUDY "\"acceptance\": []", 1, {"plain on cx1", "no drafter can run: no acceptance source for a f16 target"}, "speculate"},
	{"\"capacity_bytes\": 1e15",
	 "\"capacity_bytes\": 1e6",
	 STUDY ALPHA("0.9"),
	 0,
	 {"cannot run: needs ", "1 MB are available"},
	 "plain"},
	{"",
	 "",
	 "\"target_quants\": [\"f16\"], \"gamma\": [0], \"workloads\": [{\"prompt\": 1, \"generated\": 9}, {\"prompt\": 2, \"generated\": "
	 "5}]",
	 6,
	 {"no drafter to try", "1 + 9 tokens:\n", "2 + 5 tokens:\n"},
	 "speculate"},
};

static int take(void *arg, const struct batch *b)
{
	findings_join(arg, &b->findings);
	return 0;
}

static void says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		char *profile = fixture_replace(fixture_ideal, answers[i].profile_from, answers[i].profile_to), *said;
		const struct keeper all = {.keep = KEEP_ALL};
		struct findings found;
		struct fixture f;
		size_t size;
		FILE *out = open_memstream(&said, &size);

		fixture_load(&f, profile, answers[i].members, HEADER "big,f16,c,1,1,0,1\nsmall,f16,g,1,1,0,.41\n");
		findings_init(&found, &f.predict);
		evaluate(&f.predict, 0, f.space.size, 1, &all, take, &found);
		verdict_print(&f.predict, &found, out);
		fclose(out);
		assert_int_equal(found.feasible, answers[i].feasible);
		for (int k = 0; k < 4 && answers[i].said[k]; k++)
			if (!strstr(said, answers[i].said[k]))
				fail_msg("row %zu: no '%s' in:\n%s", i, answers[i].said[k], said);
		if (strstr(said, answers[i].unsaid))
			fail_msg("row %zu: '%s' in:\n%s", i, answers[i].unsaid, said);
		findings_free(&found);
		fixture_free(&f);
		free(said);
		free(profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
