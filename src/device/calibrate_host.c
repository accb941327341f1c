/* Host time of a round: what hx_speculate does besides passes, timed on a model so small that this is much of it. */
#include "device/calibrate_internal.h"

#include "engine/speculate.h"

#include <math.h>
#include <stdlib.h>

enum { CONTEXT = 256, PROMPT = 16, TOKENS = 128, REPEATS = 9, FEW = 1, MANY = 8 };

/* Ways to generate whose host times tell the parameters apart. */
enum { PLAIN, SAMPLED, SHORT, LONG, WAYS };
static const struct way {
	int gamma;
	double temperature;
} ways[WAYS] = {{0, 0}, {0, 1}, {FEW, 0}, {MANY, 0}};

struct host_bench {
	struct calibrate_model model;
	struct hx_mapping mapping;
	struct hx_graph graph;
	struct hx_pool *pools[HX_MAX_UNITS];
	struct hx_exec *target, *draft;
};

/* Host seconds of a round. */
static int once(struct host_bench *b, const struct way *way, double *round_s, struct hx_err *err)
{
	static const int prompt[PROMPT] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
	struct hx_lm target = hx_exec_lm(b->target), lm = hx_exec_lm(b->draft);
	struct hx_draft draft = hx_draft_model(&lm, false, 0);
	const struct hx_imposed imposed = {.alpha = 0.7, .seed = 1};
	struct hx_generate what = {.target = &target, .draft = way->gamma ? &draft : NULL, .gamma = way->gamma, .sampling = {.temperature = way->temperature},
				   .prompt = prompt, .n_prompt = PROMPT, .max_tokens = TOKENS, .imposed = way->gamma ? &imposed : NULL};
	struct hx_generated out;
	int rc = hx_speculate(&out, &what, err);

	if (!rc)
		*round_s = out.seconds[HX_HOST] / out.n_rounds;
	hx_speculate_free(&out);
	hx_draft_free(&draft);
	return rc;
}

static int open_bench(struct host_bench *b, struct calibrate_step *s, struct hx_err *err)
{
	const struct hx_exec_options options = {.context = CONTEXT, .logit_rows = MANY + 1, .kv_cache = true};
	struct hx_engine *e = &s->m->engine;
	int unit = s->c->unit_of[0], type = HX_F16, rc;

	rc = hx_engine_pool(e, unit, 1, &b->pools[unit], err);
	if (!rc)
		rc = calibrate_model_open(&b->model, type, 0, e->kernels, b->pools[unit], s->o->stop, err);
	if (!rc) {
		char *map = hx_xasprintf("%sx1", e->units.v[unit]->name);

		rc = hx_mapping_parse(&b->mapping, map, &b->model.model.shape, &e->units, err);
		free(map);
	}
	if (!rc)
		rc = hx_graph_init(&b->graph, &b->model.model.shape, &b->mapping, type, b->model.model.shape.layers, &e->units, err);
	if (!rc)
		rc = hx_exec_create(&b->target, &b->graph, &b->model.weights, b->pools, &options, err);
	return rc ? rc : hx_exec_create(&b->draft, &b->graph, &b->model.weights, b->pools, &options, err);
}

static int by_size(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* h = h0 + (2 gamma + 1) row: gamma rows of the drafter, gamma + 1 of the target. */
static void solve(struct host *h, const double round_s[WAYS], int vocab)
{
	double row_s = fmax(0, (round_s[LONG] - round_s[SHORT]) / (2 * (MANY - FEW)));

	h->greedy_row_s = row_s;
	h->h0_s = fmax(0, round_s[SHORT] - (2 * FEW + 1) * row_s);
	h->h0_plain_s = fmax(0, round_s[PLAIN] - row_s);
	h->sample_vocab_s = fmax(0, (round_s[SAMPLED] - h->h0_plain_s) / vocab);
}

int calibrate_host(struct calibrate_step *s, struct hx_err *err)
{
	struct host_bench b = {0};
	double times[WAYS][REPEATS], median[WAYS];
	int rc = open_bench(&b, s, err);

	for (int i = 0; i < REPEATS && !rc; i++)
		for (int w = 0; w < WAYS && !rc; w++)
			rc = once(&b, &ways[w], &times[w][i], err);
	for (int w = 0; w < WAYS && !rc; w++) {
		qsort(times[w], REPEATS, sizeof(double), by_size);
		median[w] = times[w][REPEATS / 2];
	}
	if (!rc)
		solve(&s->c->profile.host, median, b.model.model.shape.vocab);
	hx_exec_free(b.target);
	hx_exec_free(b.draft);
	hx_graph_free(&b.graph);
	hx_mapping_free(&b.mapping);
	calibrate_model_close(&b.model);
	return rc;
}
