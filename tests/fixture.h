/* A small made-up device, models and sweeps for tests of the core: round figures, so that prices can be worked out by hand. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "check.h"
#include "core/predict.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Two units: c, four CPU cores, and g, a GPU. One line a field: errors name lines. */
static const char fixture_profile[] =
	"{\"schema\": \"hexplore/profile/1\",\n"
	"\"name\": \"toy\", \"soc\": \"none\", \"status\": \"estimate\",\n"
	"\"units\": [{\n"
	"\"name\": \"c\", \"kind\": \"cpu\", \"core\": \"core\", \"cores\": 4, \"clock_hz\": 1e9,\n"
	"\"flop_per_cycle\": {\"f32\": 8, \"f16\": 16, \"i8_dot\": 32},\n"
	"\"bandwidth\": {\n"
	"\"cores\": [1, 4],\n"
	"\"footprint_bytes\": [1e6, 1e8],\n"
	"\"bytes_s\": [[4e9, 1e10], [2e9, 5e9]]},\n"
	"\"kernels\": [\n"
	"{\"type\": \"f32\", \"arithmetic\": \"f32\", \"ceiling\": 0.5, \"r_half\": 1},\n"
	"{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\": 0.5, \"r_half\": 1},\n"
	"{\"type\": \"q8_0\", \"arithmetic\": \"i8_dot\", \"ceiling\": 0.25, \"r_half\": 3}],\n"
	"\"p\": 2, \"launch_s\": 1e-6, \"sync_s\": 1e-5},\n"
	"{\"name\": \"g\", \"kind\": \"gpu\", \"core\": \"shader\", \"cores\": 2, \"clock_hz\": 1e9,\n"
	"\"flop_per_cycle\": {\"f16\": 64},\n"
	"\"bandwidth\": {\"cores\": [2], \"footprint_bytes\": [1e6], \"bytes_s\": [[8e9]]},\n"
	"\"kernels\": [\n"
	"{\"type\": \"f16\", \"arithmetic\": \"f16\", \"rows\": [1, 4, 16], \"efficiency\": [0.1, 0.2, 0.6]},\n"
	"{\"type\": \"q8_0\", \"arithmetic\": \"f16\", \"ceiling\": 0.5}],\n"
	"\"p\": 4, \"launch_s\": 1e-5, \"sync_s\": 1e-4}],\n"
	"\"memory\": {\"capacity_bytes\": 2e9, \"bw_bytes_s\": 1.2e10},\n"
	"\"host\": {\"h0_s\": 5e-5, \"h0_plain_s\": 2e-5, \"greedy_row_s\": 1e-6, \"sample_vocab_s\": 1e-8},\n"
	"\"reserved\": {\"memory_bytes\": 1e9},\n"
	"\"links\": [{\"a\": \"g\", \"b\": \"c\", \"fixed_s\": 2e-5, \"bw_bytes_s\": 1e9}],\n"
	"\"power\": {\"idle_w\": 1.5, \"dram_j_byte\": 1e-10,\n"
	"\"units\": [{\"unit\": \"c\", \"active_w\": [0.5, 0.9, 1.2, 1.4]}, {\"unit\": \"g\", \"active_w\": [2]}]},\n"
	"\"sources\": {\"units\": {\"kind\": \"estimate\", \"from\": \"made up\"},\n"
	"\"memory\": {\"kind\": \"estimate\", \"from\": \"made up\"},\n"
	"\"host\": {\"kind\": \"estimate\", \"from\": \"made up\"},\n"
	"\"reserved\": {\"kind\": \"estimate\", \"from\": \"made up\"},\n"
	"\"links\": {\"kind\": \"estimate\", \"from\": \"made up\"},\n"
	"\"power\": {\"kind\": \"estimate\", \"from\": \"made up\"}}\n"
	"}\n";

/* Units whose every pass of whole models comes from a table of costs: no launch, sync, link or host time, bandwidth to spare. */
static const char fixture_ideal[] =
	"{\"schema\": \"hexplore/profile/1\", \"name\": \"ideal\", \"soc\": \"none\", \"status\": \"estimate\", \"units\": [\n"
	"{\"name\": \"c\", \"kind\": \"cpu\", \"core\": \"core\", \"cores\": 2, \"clock_hz\": 1e9, \"flop_per_cycle\": {\"f16\": 16},\n"
	"\"bandwidth\": {\"cores\": [1], \"footprint_bytes\": [1], \"bytes_s\": [[1e9]]},\n"
	"\"kernels\": [{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\": 1}], \"launch_s\": 0, \"sync_s\": 0},\n"
	"{\"name\": \"g\", \"kind\": \"gpu\", \"core\": \"shader\", \"cores\": 1, \"clock_hz\": 1e9, \"flop_per_cycle\": {\"f16\": 16},\n"
	"\"bandwidth\": {\"cores\": [1], \"footprint_bytes\": [1], \"bytes_s\": [[1e9]]},\n"
	"\"kernels\": [{\"type\": \"f16\", \"arithmetic\": \"f16\", \"ceiling\": 1}], \"launch_s\": 0, \"sync_s\": 0}],\n"
	"\"memory\": {\"capacity_bytes\": 1e15, \"bw_bytes_s\": 1e13}, \"host\": {\"h0_s\": 0}, \"sources\": {}}\n";

static const char fixture_big[] =
	"{\"schema\": \"hexplore/model/1\", \"name\": \"big\", \"family\": \"llama\", \"from\": \"made up\", \"tokenizer\": \"toy\",\n"
	"\"layers\": 6, \"d_model\": 512, \"heads\": 8, \"kv_heads\": 4, \"d_head\": 64, \"d_ff\": 1024, \"vocab\": 2048,\n"
	"\"context\": 1000000, \"tied\": true,\n"
	"\"quality\": [{\"type\": \"q8_0\", \"metric\": \"perplexity\", \"value\": 9.5, \"from\": \"made up\"}]}\n";
static const char fixture_small[] =
	"{\"schema\": \"hexplore/model/1\", \"name\": \"small\", \"family\": \"llama\", \"from\": \"made up\", \"tokenizer\": \"toy\",\n"
	"\"layers\": 2, \"d_model\": 128, \"heads\": 4, \"kv_heads\": 2, \"d_head\": 32, \"d_ff\": 256, \"vocab\": 2048,\n"
	"\"context\": 1000000, \"tied\": true}\n";

/* A copy of text with the first occurrence of from replaced. */
static inline char *fixture_replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		fail_msg("'%s' is not in the text to change", from);
	return hx_xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* A study and all that stands on it. */
struct fixture {
	struct inputs in;
	struct study study;
	struct space space;
	struct predict predict;
};

/* Reads profile, target, sweep (the members after its name and target) and costs (NULL: none) from texts. */
static inline int fixture_try_target(struct fixture *f, const char *profile, const char *target, const char *members, const char *costs,
				     struct hx_err *err)
{
	char *sweep = hx_xasprintf("{\"schema\": \"hexplore/sweep/1\", \"name\": \"s\", \"target\": \"big\",\n%s}\n", members);
	struct study_changes changes = {.costs = costs ? "costs" : NULL};
	int rc;

	gsl_set_error_handler_off();
	*f = (struct fixture){0};
	input_add(&f->in, INPUT_PROFILE, "p", "p.json", profile, strlen(profile));
	input_add(&f->in, INPUT_SWEEP, "s", "s.json", sweep, strlen(sweep));
	input_add(&f->in, INPUT_MODEL, "big", "big.json", target, strlen(target));
	input_add(&f->in, INPUT_MODEL, "small", "small.json", fixture_small, strlen(fixture_small));
	if (costs)
		input_add(&f->in, INPUT_COSTS, "costs", "costs.csv", costs, strlen(costs));
	free(sweep);
	rc = study_load(&f->study, &f->in, "p", "s", &changes, err);
	if (!rc)
		rc = space_init(&f->space, &f->study, err);
	return rc ? rc : predict_init(&f->predict, &f->study, &f->space, err);
}

static inline int fixture_try(struct fixture *f, const char *profile, const char *members, const char *costs, struct hx_err *err)
{
	return fixture_try_target(f, profile, fixture_big, members, costs, err);
}

static inline void fixture_load(struct fixture *f, const char *profile, const char *members, const char *costs)
{
	struct hx_err err;

	if (fixture_try(f, profile, members, costs, &err))
		fail_msg("%s", err.msg);
}

/* A study of shipped files. */
static inline void fixture_shipped(struct fixture *f, const char *profile, const char *sweep, const char *acceptance)
{
	struct study_changes changes = {.acceptance = acceptance};
	struct hx_err err;

	gsl_set_error_handler_off();
	*f = (struct fixture){0};
	if (study_load(&f->study, &f->in, profile, sweep, &changes, &err) || space_init(&f->space, &f->study, &err) ||
	    predict_init(&f->predict, &f->study, &f->space, &err))
		fail_msg("%s", err.msg);
}

static inline void fixture_free(struct fixture *f)
{
	if (f->predict.study)
		predict_free(&f->predict);
	if (f->space.study)
		space_free(&f->space);
	study_free(&f->study);
	inputs_free(&f->in);
}

/* Index of a mapping by its text. */
static inline int fixture_map(const struct mappings *m, const char *text)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].text, text) == 0)
			return (int)i;
	fail_msg("no mapping '%s'", text);
	return -1;
}

/* The prediction of point i. */
static inline struct prediction fixture_predict(const struct fixture *f, int64_t i)
{
	struct point pt = space_point(&f->space, i);
	struct pair pair = {0};
	struct prediction pr;

	predict_point(&f->predict, &pt, &pair, &pr);
	predict_pair_free(&pair);
	return pr;
}

/* Index of the point of that drafter, target and drafter mapping (NULL: any), mode and gamma; its first target quantisation. */
static inline int64_t fixture_point(const struct fixture *f, int drafter, const char *target_map, const char *draft_map, int mode,
				    int gamma)
{
	for (int64_t i = 0; i < f->space.size; i++) {
		struct point pt = space_point(&f->space, i);

		if (pt.drafter == drafter && pt.gamma == gamma && pt.mode == mode &&
		    (!target_map || !strcmp(f->space.target.v[pt.target_map].text, target_map)) &&
		    (!draft_map || !strcmp(f->space.draft[drafter].v[pt.draft_map].text, draft_map)))
			return i;
	}
	fail_msg("no such point");
	return -1;
}

#endif
