/* Validation. */
#include "device/validate_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_WANTED = 11, WARM_UP = 4 /* tokens */ };
static const double narrow = 0.01; /* half-width of an interval that is good enough */

/* One point while it is measured. */
struct job {
	struct validate *v;
	const struct point *pt;
	struct point plain; /* its baseline */
	const struct workload *workload;
	const struct hx_instance *target, *draft; /* weights; draft NULL: the drafter has none */
	struct runner configuration, baseline; /* the baseline's is not opened where both have one mapping */
	bool one_mapping, synthesised;
	int tokens, n_prompt, *prompt;
	int ahead; /* of an output's last token: what may be drafted behind it */
	int *accepted, n_accepted; /* imposed */
	bool imposed;
	struct rounds rounds; /* that the configuration took */
	struct validate_memory memory; /* as it and its baseline read it */
};

static bool stopped(const struct validate *v)
{
	return v->options.stop && *v->options.stop;
}

/* ---- models ---- */

static const char *target_map(const struct job *j, const struct point *pt)
{
	return j->v->p->space->target.v[pt->target_map].text;
}

static int load_weights(struct job *j, struct hx_err *err)
{
	struct validate *v = j->v;
	const struct drafter *d = validate_drafter(v, j->pt);
	const char *given = validate_target_file(v);
	int rc = validate_model(&v->models, VALIDATE_TARGET, &v->p->study->target, j->pt->target_type, given, target_map(j, j->pt), &j->target, err);

	j->synthesised |= !given;
	if (rc || !d || d->kind != HX_DRAFT_MODEL)
		return rc;
	given = validate_draft_file(v, j->pt);
	j->synthesised |= !given;
	return validate_model(&v->models, VALIDATE_DRAFT, d->shape, j->pt->draft_type, given, v->p->space->draft[j->pt->drafter].v[j->pt->draft_map].text,
			      &j->draft, err);
}

static int open_runners(struct job *j, struct hx_err *err)
{
	const struct predict *p = j->v->p;
	const struct drafter *d = validate_drafter(j->v, j->pt);
	struct runner_options o = {.target = p->study->target.name,
				   .draft = d ? d->name : NULL,
				   .target_like = j->target,
				   .draft_like = j->draft,
				   .gamma = j->pt->gamma,
				   .mode = j->pt->mode,
				   .context = j->workload->prompt + j->tokens + j->ahead + 1,
				   .kv_cache = p->study->sweep.kv_cache,
				   .text = j->v->options.prompt,
				   .target_type = j->pt->target_type,
				   .draft_type = j->pt->draft_type,
				   .target_map = target_map(j, j->pt),
				   .draft_map = j->draft ? p->space->draft[j->pt->drafter].v[j->pt->draft_map].text : NULL};
	int rc = runner_open(&j->configuration, &j->v->machine, &o, err);

	if (rc || j->one_mapping)
		return rc;
	o.target_map = target_map(j, &j->plain);
	o.draft = o.draft_map = NULL;
	o.gamma = o.mode = 0;
	return runner_open(&j->baseline, &j->v->machine, &o, err);
}

/* ---- the text ---- */

static int read_prompt(struct job *j, struct hx_err *err)
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
static void make_prompt(struct job *j)
{
	struct hx_random random;

	hx_random_init(&random, j->v->options.seed);
	j->prompt = hx_xmalloc((size_t)j->n_prompt * sizeof(*j->prompt));
	for (int i = 0; i < j->n_prompt; i++)
		j->prompt[i] = (int)(hx_random_uniform(&random) * j->configuration.lm.vocab);
}

static int prepare_text(struct job *j, struct hx_err *err)
{
	const struct study *st = j->v->p->study;
	int source;

	if (j->v->options.prompt)
		return read_prompt(j, err);
	make_prompt(j);
	j->imposed = j->synthesised = true;
	if (j->pt->drafter < 0)
		return HX_OK;
	source = study_acceptance(st, j->pt->target_type, j->pt->drafter, j->pt->draft_type);
	j->n_accepted = validate_sequence(&st->sweep.acceptance[source], j->pt->gamma, j->pt->mode, j->tokens, &j->accepted);
	return HX_OK;
}

/* ---- one output ---- */

struct counting {
	const struct validate *v;
	int left; /* tokens wanted */
};

static bool count(void *to, int token, const float *logits)
{
	struct counting *c = to;

	(void)token, (void)logits;
	return --c->left > 0 && !stopped(c->v);
}

/* The first token is the prefill's, then `tokens` more. The last round is not told that it is the last, just as none is told that a text ends. *whole: it
 * was not stopped. */
static int generate(struct job *j, enum store_kind kind, int tokens, struct hx_generated *g, bool *whole, struct hx_err *err)
{
	bool plain = kind == STORE_BASELINE;
	struct counting counting = {j->v, tokens + 1};
	struct hx_imposed imposed = {.accepted = j->accepted, .n = j->n_accepted};
	struct hx_generate what = {.gamma = j->pt->gamma,
				   .sampling = {.temperature = j->v->p->study->sweep.temperature, .seed = j->v->options.seed},
				   .prompt = j->prompt,
				   .n_prompt = j->n_prompt,
				   .max_tokens = tokens + 1 + (plain ? 0 : j->ahead),
				   .token = count,
				   .to = &counting,
				   .imposed = j->imposed ? &imposed : NULL};
	int rc = runner_generate(plain && !j->one_mapping ? &j->baseline : &j->configuration, plain, &what, g, err);

	*whole = !rc && g->n_tokens == tokens + 1;
	return rc;
}

static double decode_s(const struct hx_generated *g)
{
	return g->seconds[HX_DRAFTING] + g->seconds[HX_VERIFYING] + g->seconds[HX_HOST];
}

static struct store_subject subject(const struct job *j, enum store_kind kind)
{
	return (struct store_subject){j->v->run, j->v->sweep, j->pt->index + 1, kind};
}

static int store_output(const struct job *j, enum store_kind kind, int repeat, bool left_out, const struct hx_generated *g, struct hx_err *err)
{
	int map = kind == STORE_BASELINE ? j->plain.target_map : j->pt->target_map;
	struct store_measurement m = {.of = subject(j, kind),
				      .energy_j = NAN,
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
				      .rounds = g->n_rounds};

	for (int i = 0; i < g->n_rounds; i++) {
		m.drafted += g->rounds[i].drafted;
		m.accepted += g->rounds[i].accepted;
	}
	return store_measurement_add(j->v->store, &m, err);
}

/* ---- steps ---- */

static int store_steps(const struct job *j, enum store_kind kind, const struct validate_steps *s, struct hx_err *err)
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

/* An output of its own: what is timed is not traced. */
static int trace(struct job *j, enum store_kind kind, struct validate_steps *steps, struct hx_err *err)
{
	const struct predict *p = j->v->p;
	const struct point *pt = kind == STORE_BASELINE ? &j->plain : j->pt;
	struct runner *r = kind == STORE_BASELINE && !j->one_mapping ? &j->baseline : &j->configuration;
	struct hx_trace t = {.ops = true}, drafter = {.ops = true};
	struct hx_generated g;
	struct prediction pr;
	struct pair pair = {0};
	bool whole;
	int rc;

	runner_trace(r, &t, &drafter);
	rc = generate(j, kind, j->tokens, &g, &whole, err);
	runner_trace(r, NULL, NULL);
	hx_trace_join(&t, &drafter);
	if (whole) {
		predict_point(p, pt, &pair, &pr);
		validate_steps(steps, p, &pair, &t, &g, pr.host_s);
		predict_pair_free(&pair);
		rc = store_steps(j, kind, steps, err);
	}
	hx_speculate_free(&g);
	hx_trace_free(&t);
	hx_trace_free(&drafter);
	return rc;
}

/* ---- repeats ---- */

/* Pairs so far; arrays have room for all that are wanted. */
struct pairs {
	double began_s, budget_s;
	struct validate_reading now; /* of memory */
	double *ratios, *seconds, *memory;
};

static double token_s(const struct hx_generated *g)
{
	return decode_s(g) / (g->n_tokens - 1);
}

static void count_rounds(struct job *j, const struct hx_generated *g)
{
	j->rounds = (struct rounds){g->n_rounds, 0};
	for (int i = 0; i + 1 < g->n_rounds; i++)
		j->rounds.catch_ups += g->rounds[i].accepted == j->pt->gamma;
}

/* Counts a pair, unless memory changed while it ran: then it compares two machines. Without any other one is taken all the same when the time is up. */
static void count_pair(struct job *j, struct pairs *p, const struct hx_generated *g, bool *left_out, struct validate_result *out)
{
	struct validate_reading before = p->now;
	int n = out->pairs;

	p->now = validate_memory_read(&j->memory);
	*left_out = validate_memory_changed(&before, &p->now) && (n || hx_trace_now_s() - p->began_s < p->budget_s);
	out->left_out += *left_out;
	if (*left_out)
		return;
	p->ratios[n] = token_s(&g[STORE_BASELINE]) / token_s(&g[STORE_CONFIGURATION]);
	p->seconds[n] = token_s(&g[STORE_CONFIGURATION]) * j->tokens;
	p->memory[n] = validate_memory_speed(&before, &p->now);
	out->pairs++;
	out->measured = validate_bootstrap(p->ratios, (size_t)out->pairs, j->v->options.seed);
	count_rounds(j, &g[STORE_CONFIGURATION]);
}

/* Generates both outputs of a pair, counts and stores them; *whole: neither was stopped. */
static int take_pair(struct job *j, struct pairs *p, struct validate_result *out, bool *whole, struct hx_err *err)
{
	struct hx_generated g[2] = {{0}};
	int rc = HX_OK, number = out->pairs + out->left_out + 1;
	bool left_out;

	*whole = true;
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc && *whole; kind++)
		rc = generate(j, kind, j->tokens, &g[kind], whole, err);
	if (!rc && *whole) {
		count_pair(j, p, g, &left_out, out);
		for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc; kind++)
			rc = store_output(j, kind, number, left_out, &g[kind], err);
	}
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION; kind++)
		hx_speculate_free(&g[kind]);
	return rc;
}

static bool enough(const struct job *j, const struct pairs *p, const struct validate_result *out)
{
	int wanted = j->v->options.repeats < PAIRS_WANTED ? j->v->options.repeats : PAIRS_WANTED;

	if (stopped(j->v) || out->pairs >= j->v->options.repeats)
		return true;
	if (!out->pairs)
		return false;
	return hx_trace_now_s() - p->began_s > p->budget_s || (out->pairs >= wanted && validate_half_width(&out->measured) < narrow);
}

static int measure(struct job *j, double began_s, double budget_s, struct validate_result *out, struct hx_err *err)
{
	const size_t most = (size_t)j->v->options.repeats;
	struct pairs p = {began_s, budget_s, validate_memory_read(&j->memory), hx_xcalloc(most, sizeof(double)), hx_xcalloc(most, sizeof(double)),
			  hx_xcalloc(most, sizeof(double))};
	bool whole = true;
	int rc = HX_OK;

	while (!rc && whole && !enough(j, &p, out)) {
		validate_memory_await(&j->memory, began_s + (out->pairs ? budget_s : budget_s / 2), j->v->options.stop, &p.now);
		if (out->pairs && !validate_is_calm(validate_memory_speed(&p.now, &p.now)))
			break;
		rc = take_pair(j, &p, out, &whole, err);
	}
	out->decode_s = validate_median(p.seconds, (size_t)out->pairs);
	out->memory = validate_median(p.memory, (size_t)out->pairs);
	free(p.ratios);
	free(p.seconds);
	free(p.memory);
	return rc;
}

/* The prediction, had the rounds been known. */
static void realise(const struct job *j, struct validate_result *out)
{
	const struct predict *p = j->v->p;
	struct pair pair = {0};

	out->tokens_per_round = j->tokens / j->rounds.rounds;
	out->predicted_decode_s = predict_rounds_s(p, j->pt, &pair, &j->rounds);
	out->realised = p->plain[predict_baseline(p, j->pt)->index].tpot_s * j->tokens / out->predicted_decode_s;
	predict_pair_free(&pair);
}

static int warm_up(struct job *j, struct hx_err *err)
{
	int rc = HX_OK;

	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc; kind++) {
		struct hx_generated g;
		bool whole;

		rc = generate(j, kind, WARM_UP < j->tokens ? WARM_UP : j->tokens, &g, &whole, err);
		hx_speculate_free(&g);
	}
	return rc;
}

static int add_memory(struct job *j, struct hx_err *err)
{
	const struct point *points[] = {&j->plain, j->pt};
	int rc = HX_OK;

	j->memory.reader = &j->v->reader;
	for (int i = 0; i < 2 && !rc; i++) {
		struct pair pair = {0};

		predict_pair(j->v->p, points[i], &pair);
		rc = validate_memory_add(&j->memory, j->v->p, &pair, &j->v->machine.engine, err);
		predict_pair_free(&pair);
	}
	return rc;
}

static int run(struct job *j, double began_s, double budget_s, struct validate_result *out, struct hx_err *err)
{
	struct validate_reading now;
	int rc = load_weights(j, err);

	if (!rc)
		rc = open_runners(j, err);
	if (!rc)
		rc = prepare_text(j, err);
	if (!rc)
		rc = warm_up(j, err);
	if (!rc)
		rc = add_memory(j, err);
	if (!rc) {
		now = validate_memory_read(&j->memory);
		validate_memory_await(&j->memory, began_s + budget_s / 4, j->v->options.stop, &now);
	}
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc; kind++)
		rc = trace(j, kind, &out->steps[kind], err);
	if (!rc)
		rc = measure(j, began_s, budget_s, out, err);
	if (!rc && out->pairs)
		realise(j, out);
	out->synthesised = j->synthesised;
	return rc;
}

int validate_point(struct validate *v, const struct point *pt, double predicted, double budget_s, struct validate_result *out,
		   struct hx_err *err)
{
	struct job j = {.v = v,
			.pt = pt,
			.plain = space_point(v->p->space, predict_baseline(v->p, pt)->index),
			.workload = &v->p->study->sweep.workloads[pt->workload]};
	struct hx_err why;
	int rc;

	*out = (struct validate_result){.predicted = predicted,
					.realised = NAN,
					.measured = {NAN, NAN, NAN},
					.decode_s = NAN,
					.predicted_decode_s = NAN,
					.tokens_per_round = NAN,
					.memory = NAN};
	j.one_mapping = j.plain.target_map == pt->target_map;
	j.n_prompt = j.workload->prompt;
	j.ahead = pt->gamma * (pt->mode == HX_OVERLAPPED ? 2 : 1);
	j.tokens = v->options.tokens ? v->options.tokens : j.workload->generated;
	rc = run(&j, hx_trace_now_s(), budget_s, out, &why);
	runner_close(&j.configuration);
	runner_close(&j.baseline);
	free(j.prompt);
	free(j.accepted);
	if (rc && stopped(v))
		return HX_OK;
	return rc ? hx_err_set(err, rc, "point %lld: %s", (long long)pt->index + 1, why.msg) : HX_OK;
}

void validate_result_free(struct validate_result *r)
{
	validate_steps_free(&r->steps[STORE_BASELINE]);
	validate_steps_free(&r->steps[STORE_CONFIGURATION]);
}

/* ---- the run ---- */

int validate_begin(struct validate *v, struct hx_err *err)
{
	struct hx_err none;
	int rc = machine_init(&v->machine, &v->p->study->profile, NULL, err);

	if (!rc && (rc = validate_check_cores(v, err)))
		machine_free(&v->machine);
	v->models = (struct validate_models){.engine = &v->machine.engine, .stop = v->options.stop, .seed = v->options.seed};
	if (!rc && !probe_reader_init(&v->reader, &v->machine.probe, &none))
		v->machine.engine.memory_bytes -= (double)v->reader.bytes;
	return rc;
}

int validate_record(struct validate *v, const char *command, struct hx_err *err)
{
	char *device = probe_fingerprint(&v->machine.probe);
	struct store_run_row row = {.command = command, .device = device, .seed = (int64_t)v->options.seed, .load = machine_load()};
	int rc = store_run_begin(v->store, &row, &v->run, err);

	free(device);
	return rc;
}

int validate_end(struct validate *v, struct hx_err *err)
{
	int rc = HX_OK;

	if (v->run && !stopped(v))
		rc = store_run_end(v->store, v->run, err);
	validate_models_free(&v->models);
	free((void *)v->reader.buffer);
	machine_free(&v->machine);
	return rc;
}

double validate_blame(const struct validate_result *r, enum store_kind kind, const struct validate_step *step)
{
	double beyond_s = (double)step->n * (step->measured_s - step->predicted_s) / r->steps[kind].decode_s;

	if (!step->decodes || isnan(beyond_s))
		return 0;
	return kind == STORE_BASELINE ? -beyond_s : beyond_s;
}
