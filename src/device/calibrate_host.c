/* Host time of a round: what hx_speculate does besides passes. Stand-ins take the models' part, whose pass is to read as much as the smallest model that is
 * measured: the larger one is, the more of what the host takes is to find its own in memory again, and the less it matters. */
#include "device/calibrate_internal.h"

#include "engine/cpu/pack.h"
#include "engine/speculate.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

enum { VOCAB = 32768, CONTEXT = 256, PROMPT = 16, TOKENS = 24, REPEATS = 5, FEW = 1, MANY = 8, LINE = 64 };

/* Ways to generate whose host times tell the parameters apart. */
enum { PLAIN, SAMPLED, SHORT, LONG, WAYS };
static const struct way {
	int gamma;
	double temperature;
} ways[WAYS] = {{0, 0}, {0, 1}, {FEW, 0}, {MANY, 0}};

struct stand_in {
	float *logits; /* MANY + 1 rows */
	int argmax[MANY + 1];
	volatile const char *memory;
	size_t bytes;
	double passes_s; /* in them, so far */
};

static int decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct stand_in *s = self;
	double start_s = hx_trace_now_s();

	(void)pass, (void)tokens, (void)n, (void)err;
	for (size_t i = 0; i < s->bytes; i += LINE)
		(void)s->memory[i];
	*out = (struct hx_logits){logit_rows, s->logits, s->argmax, true};
	s->passes_s += hx_trace_now_s() - start_s;
	return HX_OK;
}

static void rollback(void *self, int length)
{
	(void)self, (void)length;
}

/* Host seconds of a round. */
static int once(struct stand_in *s, const struct way *way, double *round_s, struct hx_err *err)
{
	static const int prompt[PROMPT] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
	struct hx_lm lm = {s, VOCAB, CONTEXT, decode, rollback, NULL};
	struct hx_draft draft = hx_draft_model(&lm, false, 0);
	const struct hx_imposed imposed = {.alpha = 0.7, .seed = 1};
	struct hx_generate what = {.target = &lm, .draft = way->gamma ? &draft : NULL, .gamma = way->gamma, .sampling = {.temperature = way->temperature},
				   .prompt = prompt, .n_prompt = PROMPT, .max_tokens = TOKENS, .imposed = way->gamma ? &imposed : NULL};
	struct hx_generated out;
	double start_s = hx_trace_now_s();
	int rc;

	s->passes_s = 0;
	rc = hx_speculate(&out, &what, err);
	if (!rc)
		*round_s = fmax(0, hx_trace_now_s() - start_s - s->passes_s) / out.n_rounds;
	hx_speculate_free(&out);
	hx_draft_free(&draft);
	return rc;
}

/* The thread is then on the first unit's first core. */
static int open_stand_in(struct stand_in *s, struct calibrate_step *step, struct hx_err *err)
{
	struct hx_random random;
	struct hx_pool *one;
	int rc = hx_engine_pool(&step->m->engine, step->c->unit_of[0], 0, 1, &one, err);

	if (rc)
		return rc;
	hx_pool_run(one, calibrate_no_work, NULL);
	s->bytes = (size_t)step->c->profile.units[0].bandwidth.footprint_bytes[0];
	s->memory = hx_pack_alloc(s->bytes);
	s->logits = hx_xmalloc((MANY + 1) * VOCAB * sizeof(*s->logits));
	hx_random_init(&random, 1);
	for (int i = 0; i < (MANY + 1) * VOCAB; i++)
		s->logits[i] = (float)(8 * hx_random_uniform(&random));
	return HX_OK;
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

int calibrate_host(struct calibrate_step *step, struct hx_err *err)
{
	struct stand_in s = {0};
	double times[WAYS][REPEATS], median[WAYS];
	int rc = open_stand_in(&s, step, err);

	for (int i = 0; i < REPEATS && !rc; i++)
		for (int w = 0; w < WAYS && !rc; w++)
			if (!(rc = calibrate_stopped(step, err)))
				rc = once(&s, &ways[w], &times[w][i], err);
	for (int w = 0; w < WAYS && !rc; w++) {
		gsl_sort(times[w], 1, REPEATS);
		median[w] = gsl_stats_median_from_sorted_data(times[w], 1, REPEATS);
	}
	if (!rc)
		solve(&step->c->profile.host, median, VOCAB);
	hx_pack_free((void *)s.memory);
	free(s.logits);
	return rc;
}
