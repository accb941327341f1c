/* hexplore accept: measures how often a target accepts its drafter's tokens, and keeps that as an acceptance source. */
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/model_options.h"
#include "cmd/prompts.h"
#include "core/accept_fit.h"
#include "core/accept_trace.h"
#include "core/accept_write.h"
#include "device/agreement.h"
#include "engine/agree.h"
#include "output/progress.h"
#include "output/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOKENS = 128, GAMMAS = ACCEPT_FIT_POSITIONS };

struct job {
	struct loaded models;
	struct prompts prompts;
	struct hx_generate what;
	struct accept source; /* strings and matches are its own */
	size_t done;          /* prompts, also those without matches */
	double tokens;        /* generated */
};

static bool take_token(void *to, int token, const float *logits)
{
	const struct job *j = to;

	(void)logits;
	return !interrupt_came() && !hx_tokenizer_ends(j->models.runner.target.tokenizer, token);
}

static int measure(struct job *j, bool quiet, struct hx_err *err)
{
	struct progress *progress = progress_begin("prompts", (int64_t)j->prompts.n, quiet);
	uint64_t seed = j->what.sampling.seed;
	int rc = HX_OK;

	j->source.matches = hx_xcalloc(j->prompts.n, sizeof(*j->source.matches));
	interrupt_catch(true);
	for (size_t i = 0; i < j->prompts.n && !interrupt_came(); i++) {
		struct accept_match *m = &j->source.matches[j->source.n_matches];
		int n;

		j->what.prompt = j->prompts.items[i].tokens;
		j->what.n_prompt = j->prompts.items[i].n;
		j->what.sampling.seed = seed + i;
		rc = agreement_measure(m, &n, &j->models.runner, &j->what, interrupt_came, err);
		if (rc || (interrupt_came() && !accept_trace_tokens(m)))
			break;
		j->source.n_matches += accept_trace_tokens(m) > 0;
		j->tokens += n;
		j->done++;
		progress_update(progress, (int64_t)j->done);
	}
	interrupt_catch(false);
	progress_end(progress);
	return rc;
}

/* ---- what was measured ---- */

static void describe(struct job *j, const char *prompts, const char *task, const char *output)
{
	const struct runner_options *o = &j->models.options;
	const struct runner *r = &j->models.runner;
	const struct hx_sample_options *s = &j->what.sampling;
	const struct hx_model *draft = r->lookup || r->early_exit ? &r->target.model : &r->draft.model;
	const char *base = output && strrchr(output, '/') ? strrchr(output, '/') + 1 : output;
	struct accept *a = &j->source;
	char shown[200], sampled[100] = "";

	text_clean(shown, sizeof(shown), prompts);
	if (s->temperature > 0)
		snprintf(sampled, sizeof(sampled), ", top-k %d, top-p %g, seed %llu", s->top_k, s->top_p, (unsigned long long)s->seed);
	a->target = hx_xstrdup(r->target.model.shape.name);
	a->drafter = hx_xstrdup(r->lookup || r->early_exit ? o->draft : draft->shape.name);
	a->target_quant = hx_xstrdup(hx_type_names[o->target_type >= 0 ? o->target_type : r->target.model.type]);
	a->draft_quant = r->lookup || r->early_exit ? hx_xstrdup(a->target_quant)
						     : hx_xstrdup(hx_type_names[o->draft_type >= 0 ? o->draft_type : draft->type]);
	a->task = task ? hx_xstrdup(task) : NULL;
	a->temperature = s->temperature;
	a->kind = SOURCE_MEASURED;
	a->from = hx_xasprintf("hexplore " HX_VERSION " accept: prompts of '%s', %d tokens at most%s; kernels %s", shown, j->what.max_tokens, sampled,
			       j->models.machine.engine.kernels->name);
	if (base) {
		size_t n = strlen(base);

		a->name = hx_xasprintf("%.*s", (int)(n > 5 && strcmp(base + n - 5, ".json") == 0 ? n - 5 : n), base);
		if (!text_is_name(a->name)) {
			free(a->name);
			a->name = NULL;
		}
	}
}

/* ---- printing ---- */

static const struct report_column columns[] = {
	{"prompts", NULL, REPORT_NUMBER, 0, 0},
	{"drafts", NULL, REPORT_NUMBER, 0, 0},
	{"alpha", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_se", NULL, REPORT_NUMBER, 3, 0},
	{"beta_a", NULL, REPORT_NUMBER, 3, 0},
	{"beta_a_se", NULL, REPORT_NUMBER, 3, 0},
	{"beta_b", NULL, REPORT_NUMBER, 3, 0},
	{"beta_b_se", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_p5", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_p25", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_p50", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_p75", NULL, REPORT_NUMBER, 3, 0},
	{"alpha_p95", NULL, REPORT_NUMBER, 3, 0},
	{"gamma", "gamma", REPORT_NUMBER, 0, 0},
	{"chance", "chance", REPORT_NUMBER, 3, 0},
	{"tokens_per_round", "tokens/round", REPORT_NUMBER, 4, 0},
	{"constant_tokens_per_round", "by alpha", REPORT_NUMBER, 4, 0},
	{"beta_tokens_per_round", "by Beta", REPORT_NUMBER, 4, 0},
	{"position_tokens_per_round", "by position", REPORT_NUMBER, 4, 0},
};

static void print_row(struct report *r, const struct accept *traces, const struct accept_fit *fit, int gamma)
{
	struct accept constant = accept_constant(fit->alpha), beta = accept_constant(NAN), by_position = accept_constant(NAN);
	const double figures[] = {(double)traces->n_matches, fit->tokens, fit->alpha, fit->alpha_se, fit->beta.a, fit->beta.a_se, fit->beta.b,
				  fit->beta.b_se};

	beta.beta_a = fit->beta.a;
	beta.beta_b = fit->beta.b;
	by_position.by_position = (double *)fit->by_position;
	while (by_position.n_positions < ACCEPT_FIT_POSITIONS && !isnan(fit->by_position[by_position.n_positions]))
		by_position.n_positions++;
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		report_number(r, figures[i]);
	for (int q = 0; q < ACCEPT_FIT_QUANTILES; q++)
		report_number(r, fit->quantile[q]);
	report_number(r, gamma);
	report_number(r, fit->by_position[gamma - 1]);
	report_number(r, accept_fit_tokens(traces, traces, gamma));
	report_number(r, accept_fit_tokens(traces, &constant, gamma));
	report_number(r, isnan(beta.beta_a) ? NAN : accept_fit_tokens(traces, &beta, gamma));
	report_number(r, accept_fit_tokens(traces, &by_position, gamma));
}

static void print_summary(const struct job *j, const struct accept_fit *fit)
{
	const struct accept_beta *b = &fit->beta;
	char prompts[TEXT_MAX], tokens[TEXT_MAX], drafts[TEXT_MAX];

	printf("prompts: %s, output: %s tokens, drafts: %s\n", text_count(prompts, (double)j->done), text_count(tokens, j->tokens),
	       text_count(drafts, fit->tokens));
	printf("alpha: %.4f", fit->alpha);
	if (!isnan(fit->alpha_se))
		printf(" +- %.2g (standard error)", fit->alpha_se);
	printf("\nover prompts:");
	for (int q = 0; q < ACCEPT_FIT_QUANTILES; q++)
		printf("%s %.2f (%g %%)", q ? "," : "", fit->quantile[q], 100 * accept_fit_quantiles[q]);
	if (isnan(b->a))
		puts("\nno Beta distribution fits: prompts differ no more than by chance, or in all or nothing\n");
	else
		printf("\nBeta(%.3g, %.3g), standard errors %.2g and %.2g\n\n", b->a, b->b, b->a_se, b->b_se);
}

static void print(const struct job *j, enum report_format format)
{
	struct accept_fit fit;
	struct report *r;

	accept_fit(&j->source, &fit);
	if (format == REPORT_TABLE)
		print_summary(j, &fit);
	r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));
	for (int gamma = 1; gamma <= GAMMAS; gamma++)
		print_row(r, &j->source, &fit, gamma);
	report_end(r);
}

static void put(FILE *f, const void *source)
{
	accept_write(f, source);
}

/* Keeps and prints what there is; says so where it is not all. */
static int finish(struct job *j, const char *output, enum report_format format, struct hx_err *err)
{
	const bool all = j->done == j->prompts.n;
	int rc = HX_OK;

	j->source.n_prompts = (int)j->source.n_matches;
	if (!j->source.n_matches && all)
		return hx_err_set(err, HX_INPUT, "every output ended with its first token: nothing to draft");
	if (j->source.n_matches && output)
		rc = file_write(output, put, &j->source, err);
	if (j->source.n_matches)
		print(j, format);
	if (rc || all)
		return rc;
	return hx_err_set(err, INTERRUPT_STATUS, "interrupted after %zu of %zu prompts%s", j->done, j->prompts.n,
			  j->source.n_matches && output ? ", which the file holds" : "");
}

/* ---- options ---- */

struct typed {
	const char *prompts, *output, *tokens, *temperature, *top_k, *top_p, *seed, *task, *format;
	bool special, force, quiet;
};

static int read_numbers(struct job *j, const struct typed *t, struct hx_err *err)
{
	struct hx_sample_options *s = &j->what.sampling;
	long n = DEFAULT_TOKENS, k = 0, seed = 1;
	int rc;

	s->top_p = 1;
	if ((t->tokens && (rc = text_int(t->tokens, 2, ACCEPT_TRACE_TOKENS, "--tokens", &n, err))) ||
	    (t->top_k && (rc = text_int(t->top_k, 0, 1 << 24, "--top-k", &k, err))) ||
	    (t->seed && (rc = text_int(t->seed, 0, 1L << 62, "--seed", &seed, err))) ||
	    (t->temperature && (rc = text_number(t->temperature, 0, 10, "--temperature", &s->temperature, err))) ||
	    (t->top_p && (rc = text_number(t->top_p, 1e-6, 1, "--top-p", &s->top_p, err))))
		return rc;
	j->what.max_tokens = (int)n;
	s->top_k = (int)k;
	s->seed = (uint64_t)seed;
	return HX_OK;
}

static int check_typed(const struct typed *t, const struct model_options *models, struct hx_err *err)
{
	char clean[1001];

	if (!models->draft)
		return hx_err_set(err, HX_INPUT, "which drafter? --draft names a GGUF file, ngram or early-exit:K");
	if (!t->prompts)
		return hx_err_set(err, HX_INPUT, "which prompts? --prompts names a file, a prompt a line");
	if (t->task && strcmp(text_clean(clean, sizeof(clean), t->task), t->task) != 0)
		return hx_err_set(err, HX_INPUT, "--task: must be a text of at most 1000 bytes without control characters");
	return t->output ? file_may_write(t->output, t->force, err) : HX_OK;
}

/* Prompts that leave room for the output in what both models hold. */
static int read_prompts(struct job *j, const struct typed *t, struct hx_err *err)
{
	const struct runner *r = &j->models.runner;
	int context = r->lookup || r->lm.context < r->lm_draft.context ? r->lm.context : r->lm_draft.context;
	int rc;

	if (context <= j->what.max_tokens)
		return hx_err_set(err, HX_INPUT, "--tokens: %d tokens do not fit beside a prompt in a context of %d", j->what.max_tokens, context);
	rc = prompts_read(&j->prompts, t->prompts, r->target.tokenizer, t->special, context - j->what.max_tokens, err);
	if (!rc && (double)j->prompts.n * (j->what.max_tokens - 1) > ACCEPT_TRACE_TOKENS)
		rc = hx_err_set(err, HX_INPUT, "%zu prompts of %d tokens: a source holds %d tokens at most", j->prompts.n, j->what.max_tokens,
				ACCEPT_TRACE_TOKENS);
	return rc;
}

int cmd_accept(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct model_options models = {0};
	struct typed t = {0};
	bool help = false;
	const struct opt opts[] = {
		MODEL_OPTIONS_WHAT(models),
		MODEL_OPTIONS_HOW(models),
		{"prompts", 'p', "FILE", "prompts, one a line; - is standard input", &t.prompts, NULL},
		{"special", 0, NULL, "control tokens in prompts are those, not their text", NULL, &t.special},
		{"tokens", 'n', "N", "tokens a prompt, at most (default: 128)", &t.tokens, NULL},
		{"temperature", 't', "T", "0 (default): greedy; above: sampled", &t.temperature, NULL},
		{"top-k", 0, "K", "sample from the K likeliest (default: 0, all)", &t.top_k, NULL},
		{"top-p", 0, "P", "sample from the likeliest that hold this share (default: 1)", &t.top_p, NULL},
		{"seed", 0, "N", "of sampling (default: 1)", &t.seed, NULL},
		{"output", 'o', "FILE", "write the acceptance source, for sweep --acceptance", &t.output, NULL},
		{"task", 0, "TEXT", "what the prompts are, for the source", &t.task, NULL},
		{"force", 0, NULL, "replace the file", NULL, &t.force},
		{"format", 'f', "FMT", "table, csv, json or jsonl", &t.format, NULL},
		{"quiet", 'q', NULL, "no progress", NULL, &t.quiet},
		{0}};
	const struct runner_options more = {.logit_rows = HX_AGREE_ROWS};
	struct job j = {.source = accept_constant(NAN)};
	enum report_format format;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(t.format, &format, err)) ||
	    (rc = read_numbers(&j, &t, err)) || (rc = check_typed(&t, &models, err)) || (rc = model_options_load(&j.models, &models, &more, err)))
		return rc;
	j.what.token = take_token;
	j.what.to = &j;
	rc = read_prompts(&j, &t, err);
	if (!rc) {
		describe(&j, t.prompts, t.task, t.output);
		rc = measure(&j, t.quiet, err);
	}
	if (!rc)
		rc = finish(&j, t.output, format, err);
	accept_free(&j.source);
	prompts_free(&j.prompts);
	model_options_free(&j.models);
	return rc;
}
