/* One output of a point that is validated: its text, its times, its trace. */
#include "device/validate_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>


static int read_prompt(struct validate_job *j, struct hx_err *err)
{
	const char *path = j->v->options.prompt;
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t len = f ? getdelim(&text, &room, '\0', f) : -1;
	size_t n;

	if (f)
		fclose(f);
	if (len < 0) {
		free(text);
		return hx_err_set(err, HX_IO, "cannot read '%.200s'", path);
	}
	n = hx_tokenizer_encode(j->configuration.target.tokenizer, text, (size_t)len, true, false, &j->prompt);
	free(text);
	if (n < (size_t)j->n_prompt)
		return hx_err_set(err, HX_INPUT, "'%.200s' has %zu tokens, the workload's prompt %d", path, n, j->n_prompt);
	return HX_OK;
}

/* Any tokens will do for random weights. */
static void make_prompt(struct validate_job *j)
{
	struct hx_random random;

	hx_random_init(&random, j->v->options.seed);
	j->prompt = hx_xmalloc((size_t)j->n_prompt * sizeof(*j->prompt));
	for (int i = 0; i < j->n_prompt; i++)
		j->prompt[i] = (int)(hx_random_uniform(&random) * j->configuration.lm.vocab);
}

int validate_job_text(struct validate_job *j, struct hx_err *err)
{
	const struct study *st = j->v->p->study;
	int source;

	if (j->v->options.prompt)
		return read_prompt(j, err);
	make_prompt(j);
	j->imposed = j->synthesised = true;
	if (j->pt.drafter < 0)
		return HX_OK;
	source = study_acceptance(st, j->pt.target_type, j->pt.drafter, j->pt.draft_type);
	j->n_accepted = validate_sequence(&st->sweep.acceptance[source], j->pt.gamma, j->pt.mode, j->tokens, &j->accepted);
	return HX_OK;
}

/* ---- one output ---- */

struct counting {
	const struct validate *v;
	int wanted, left; /* tokens */
	struct energy_reading energy; /* at the first token, the prefill's */
};

static bool count(void *to, int token, const float *logits)
{
	struct counting *c = to;

	(void)token, (void)logits;
	if (c->left == c->wanted)
		c->energy = energy_read(&c->v->energy);
	return --c->left > 0 && !validate_stopped(c->v);
}

int validate_job_generate(struct validate_job *j, enum store_kind kind, int tokens, struct validate_output *out, bool *whole, struct hx_err *err)
{
	bool plain = kind == STORE_BASELINE;
	struct counting counting = {j->v, tokens + 1, tokens + 1, {{0}}};
	struct hx_imposed imposed = {.accepted = j->accepted, .n = j->n_accepted};
	struct hx_generate what = {.gamma = j->pt.gamma,
				   .sampling = {.temperature = j->v->p->study->sweep.temperature, .seed = j->v->options.seed},
				   .prompt = j->prompt,
				   .n_prompt = j->n_prompt,
				   .max_tokens = tokens + 1 + (plain ? 0 : j->ahead),
				   .token = count,
				   .to = &counting,
				   .imposed = j->imposed ? &imposed : NULL};
	int rc = runner_generate(plain && !j->one_mapping ? &j->baseline : &j->configuration, plain, &what, &out->g, err);
	struct energy_reading after = energy_read(&j->v->energy);

	out->energy_j = energy_between(&j->v->energy, &counting.energy, &after);
	*whole = !rc && out->g.n_tokens == tokens + 1;
	return rc;
}

static double decode_s(const struct hx_generated *g)
{
	return g->seconds[HX_DRAFTING] + g->seconds[HX_VERIFYING] + g->seconds[HX_HOST];
}

double validate_token_s(const struct validate_output *o)
{
	return decode_s(&o->g) / (o->g.n_tokens - 1);
}

static struct store_subject subject(const struct validate_job *j, enum store_kind kind)
{
	return (struct store_subject){j->v->run, j->v->sweep, j->pt.index + 1, kind};
}

int validate_job_store(const struct validate_job *j, enum store_kind kind, int repeat, bool left_out, double memory, const struct validate_output *o,
		       struct hx_err *err)
{
	const struct hx_generated *g = &o->g;
	int map = kind == STORE_BASELINE ? j->plain.target_map : j->pt.target_map;
	struct store_measurement m = {.of = subject(j, kind),
				      .repeat = repeat,
				      .left_out = left_out,
				      .target_map = j->v->p->space->target.v[map].text,
				      .synthesised = j->synthesised,
				      .prefill_s = g->seconds[HX_PREFILL_TARGET] + g->seconds[HX_PREFILL_DRAFT],
				      .draft_s = g->seconds[HX_DRAFTING],
				      .verify_s = g->seconds[HX_VERIFYING],
				      .host_s = g->seconds[HX_HOST],
				      .decode_s = decode_s(g),
				      .tokens = g->n_tokens - 1,
				      .rounds = g->n_rounds,
				      .memory = memory,
				      .energy_j = o->energy_j};

	for (int i = 0; i < g->n_rounds; i++) {
		m.drafted += g->rounds[i].drafted;
		m.accepted += g->rounds[i].accepted;
		m.catch_ups += kind != STORE_BASELINE && i + 1 < g->n_rounds && g->rounds[i].accepted == j->pt.gamma;
	}
	return store_measurement_add(j->v->store, &m, err);
}

static int store_steps(const struct validate_job *j, enum store_kind kind, const struct validate_steps *s, struct hx_err *err)
{
	struct store_step *rows = hx_xcalloc(s->n, sizeof(*rows));
	struct store_subject of = subject(j, kind);
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		const struct validate_step *v = &s->v[i];
		const char *unit = v->unit < 0 ? "" : j->v->p->study->profile.units[v->unit].is.name;

		rows[i] = (struct store_step){
			validate_step_pass(v->pass), unit, validate_step_op(v->op), v->predicted_s, v->measured_s, v->n};
	}
	rc = store_steps_add(j->v->store, &of, rows, s->n, err);
	free(rows);
	return rc;
}

int validate_job_trace(struct validate_job *j, enum store_kind kind, struct validate_steps *steps, struct hx_err *err)
{
	const struct predict *p = j->v->p;
	const struct point *pt = kind == STORE_BASELINE ? &j->plain : &j->pt;
	struct runner *r = kind == STORE_BASELINE && !j->one_mapping ? &j->baseline : &j->configuration;
	struct hx_trace t = {.ops = true}, drafter = {.ops = true};
	struct validate_output o = {.energy_j = NAN};
	struct prediction pr;
	struct pair pair = {0};
	bool whole;
	int rc;

	runner_trace(r, &t, &drafter);
	rc = validate_job_generate(j, kind, j->tokens, &o, &whole, err);
	runner_trace(r, NULL, NULL);
	hx_trace_join(&t, &drafter);
	if (whole) {
		predict_point(p, pt, &pair, &pr);
		validate_steps(steps, p, &pair, &t, &o.g, pr.host_s);
		predict_pair_free(&pair);
		rc = store_steps(j, kind, steps, err);
	}
	hx_speculate_free(&o.g);
	hx_trace_free(&t);
	hx_trace_free(&drafter);
	return rc;
}

