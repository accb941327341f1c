/* hexplore run: generates text with one configuration. The text goes to stdout, figures to stderr. */
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/run_trace.h"
#include "output/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PROMPT = 16 << 20, DEFAULT_TOKENS = 128 };

struct run {
	struct loaded *models;
	struct hx_generate what;
	int *prompt;
	const char *trace; /* file; NULL: none is wanted */
	bool silent;   /* the comparison's text is not printed */
	bool first;    /* nothing was printed yet */
	bool terminal;
	char last;
};

static bool stops(const struct run *r, int token)
{
	return hx_tokenizer_ends(r->models->runner.target.tokenizer, token);
}

/* A model is not to steer a terminal. */
static void print_piece(struct run *r, struct hx_gguf_text piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		unsigned char c = (unsigned char)piece.s[i];

		putchar(r->terminal && (c < ' ' || c == 127) && c != '\n' && c != '\t' ? '?' : c);
		r->last = (char)c;
	}
	fflush(stdout);
}

static bool take_token(void *to, int token, const float *logits)
{
	struct run *r = to;
	const struct hx_tokenizer *t = r->models->runner.target.tokenizer;
	struct hx_gguf_text piece = hx_tokenizer_piece(t, token, false);

	(void)logits;
	if (stops(r, token))
		return false;
	/* SentencePiece puts a space before a text's first word */
	if (r->first && r->what.n_prompt <= 1 && hx_tokenizer_space_prefix(t) && piece.len && *piece.s == ' ')
		piece = (struct hx_gguf_text){piece.s + 1, piece.len - 1};
	r->first = false;
	if (!r->silent)
		print_piece(r, piece);
	return !interrupt_came() && !ferror(stdout);
}

/* Of a file, `-` being standard input; the caller frees *text. */
static int read_prompt(const char *path, char **text, size_t *len, struct hx_err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	size_t n = 0, room = 4096;
	int failed, reason;

	if (!f)
		return hx_err_set(err, HX_IO, "cannot open '%.200s': %s", path, strerror(errno));
	*text = hx_xmalloc(room);
	while ((n += fread(*text + n, 1, room - n, f)) == room && room < MOST_PROMPT)
		*text = hx_xrealloc(*text, room *= 2, 1);
	*len = n;
	failed = ferror(f);
	reason = errno;
	if (f != stdin)
		fclose(f);
	if (failed)
		return hx_err_set(err, HX_IO, "cannot read '%.200s': %s", path, strerror(reason));
	return n < MOST_PROMPT ? HX_OK : hx_err_set(err, HX_INPUT, "'%.200s': a prompt of 16 MiB or more", path);
}

static int encode(struct run *r, const char *text, size_t len, bool special, struct hx_err *err)
{
	const struct hx_tokenizer *t = r->models->runner.target.tokenizer;

	r->what.n_prompt = (int)hx_tokenizer_encode(t, text, len, true, special, &r->prompt);
	if (!r->what.n_prompt && hx_tokenizer_bos(t) >= 0) {
		free(r->prompt);
		r->prompt = hx_xmalloc(sizeof(*r->prompt));
		r->prompt[r->what.n_prompt++] = hx_tokenizer_bos(t);
	}
	r->what.prompt = r->prompt;
	return r->what.n_prompt ? HX_OK : hx_err_set(err, HX_INPUT, "this model cannot begin without a prompt; -p gives one");
}

static double decode_s(const struct hx_generated *g)
{
	return g->seconds[HX_DRAFTING] + g->seconds[HX_VERIFYING] + g->seconds[HX_HOST];
}

static void tell_acceptance(const struct hx_generated *g, int gamma)
{
	int drafted = 0, accepted = 0;

	for (int i = 0; i < g->n_rounds; i++) {
		drafted += g->rounds[i].drafted;
		accepted += g->rounds[i].accepted;
	}
	fprintf(stderr, "rounds: %d, drafted %d, accepted %d (%.3g %%); accepted by position:", g->n_rounds, drafted, accepted,
		drafted ? 100.0 * accepted / drafted : 0);
	for (int p = 0; p < gamma; p++) {
		int tried = 0, right = 0;

		for (int i = 0; i < g->n_rounds; i++) {
			tried += g->rounds[i].drafted > p && g->rounds[i].accepted >= p;
			right += g->rounds[i].accepted > p;
		}
		fprintf(stderr, tried ? " %.2f" : " -", tried ? (double)right / tried : 0);
	}
	fputc('\n', stderr);
}

static void tell(const struct run *r, const struct hx_generated *g)
{
	char prefill[TEXT_MAX], decode[TEXT_MAX];
	double s = decode_s(g);

	fprintf(stderr, "prompt: %d tokens in %s\n", r->what.n_prompt,
		text_time(prefill, g->seconds[HX_PREFILL_TARGET] + g->seconds[HX_PREFILL_DRAFT]));
	fprintf(stderr, "output: %d tokens, all but the first in %s, %.4g tokens/s\n", g->n_tokens, text_time(decode, s),
		s > 0 ? (g->n_tokens - 1) / s : 0);
	if (r->what.draft)
		tell_acceptance(g, r->what.gamma);
	if (r->models->runner.draft.exec && r->what.n_prompt + g->n_tokens > r->models->runner.lm_draft.context + 1)
		fprintf(stderr, "drafter: holds %d tokens; what follows was decoded without drafts\n", r->models->runner.lm_draft.context);
	if (s > 0)
		fprintf(stderr, "time: draft %.1f %%, verify %.1f %%, host %.1f %%\n", 100 * g->seconds[HX_DRAFTING] / s,
			100 * g->seconds[HX_VERIFYING] / s, 100 * g->seconds[HX_HOST] / s);
}

/* Time by pass and operator, of everything traced. */
static void tell_steps(const struct hx_trace *t)
{
	static const struct report_column columns[] = {{"pass", "pass", REPORT_TEXT, 0, 0},           {"op", "operator", REPORT_TEXT, 0, 0},
						       {"times", "times", REPORT_NUMBER, 0, 0},        {"mean_s", "mean (us)", REPORT_NUMBER, 4, 1e6},
						       {"total_s", "in all (ms)", REPORT_NUMBER, 4, 1e3}};
	double total[HX_PASS_COUNT][HX_OP_COUNT] = {{0}};
	int times[HX_PASS_COUNT][HX_OP_COUNT] = {{0}};
	struct report *r = report_begin(stderr, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < t->n; i++)
		if (t->events[i].op >= 0) {
			total[t->events[i].pass][t->events[i].op] += t->events[i].end_s - t->events[i].start_s;
			times[t->events[i].pass][t->events[i].op]++;
		}
	for (int p = 0; p < HX_PASS_COUNT; p++)
		for (int o = 0; o < HX_OP_COUNT; o++)
			if (times[p][o]) {
				report_text(r, hx_pass_names[p]);
				report_text(r, hx_op_names[o]);
				report_number(r, times[p][o]);
				report_number(r, total[p][o] / times[p][o]);
				report_number(r, total[p][o]);
			}
	report_end(r);
}

/* The same without a drafter: the same text, when greedy, and its time. */
static int compare(struct run *r, const struct hx_generated *g, struct hx_err *err)
{
	struct hx_generate plain = r->what;
	struct hx_generated alone = {0};
	int rc;

	r->silent = true;
	rc = runner_generate(&r->models->runner, true, &plain, &alone, err);
	if (!rc && decode_s(g) > 0 && g->n_tokens > 1 && alone.n_tokens > 1)
		fprintf(stderr, "plain decoding: %.4g tokens/s; speedup %.3g\n", (alone.n_tokens - 1) / decode_s(&alone),
			decode_s(&alone) / (alone.n_tokens - 1) / (decode_s(g) / (g->n_tokens - 1)));
	if (!rc && r->what.sampling.temperature == 0 && !interrupt_came() &&
	    (alone.n_tokens != g->n_tokens || memcmp(alone.tokens, g->tokens, sizeof(*g->tokens) * (size_t)g->n_tokens) != 0))
		rc = hx_err_set(err, HX_NO, "speculative and plain text differ: this is a defect of hexplore, please report it");
	hx_speculate_free(&alone);
	return rc;
}

static int generate(struct run *r, bool quiet, bool verbose, bool compared, struct hx_err *err)
{
	struct runner *runner = &r->models->runner;
	struct hx_generated g = {0};
	struct hx_trace trace = {.ops = true}, drafter = {.ops = true};
	int rc;

	if (verbose || r->trace)
		runner_trace(runner, &trace, &drafter);
	interrupt_catch(true);
	rc = runner_generate(runner, false, &r->what, &g, err);
	if (r->last != '\n' && !r->first)
		putchar('\n');
	fflush(stdout);
	if (!rc && !quiet)
		tell(r, &g);
	hx_trace_join(&trace, &drafter);
	if (!rc && verbose)
		tell_steps(&trace);
	if (!rc && r->trace)
		rc = run_trace_write(r->trace, r->models, runner->mode, &trace, err);
	if (!rc && compared && !interrupt_came())
		rc = compare(r, &g, err);
	if (!rc && interrupt_came())
		rc = hx_err_set(err, INTERRUPT_STATUS, "interrupted after %d tokens", g.n_tokens);
	interrupt_catch(false);
	hx_speculate_free(&g);
	hx_trace_free(&trace);
	hx_trace_free(&drafter);
	return rc;
}

static int read_mode(const char *text, const struct model_options *models, int *mode, struct hx_err *err)
{
	for (*mode = 0; *mode < HX_MODES && strcmp(text, hx_modes[*mode]) != 0; ++*mode)
		;
	if (*mode == HX_MODES)
		return hx_err_set(err, HX_INPUT, "--mode: sequential or overlapped, not '%.40s'", text);
	if (*mode == HX_OVERLAPPED && !models->draft)
		return hx_err_set(err, HX_INPUT, "--mode overlapped needs a drafter: --draft names a GGUF file");
	return HX_OK;
}

int cmd_run(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct model_options models = {0};
	const char *prompt = NULL, *prompt_file = NULL, *tokens = NULL, *temperature = NULL, *top_k = NULL, *top_p = NULL, *seed = NULL, *mode = NULL,
		   *confidence = NULL, *trace = NULL;
	bool help = false, special = false, quiet = false, verbose = false, compared = false;
	const struct opt opts[] = {
		MODEL_OPTIONS(models),
		{"mode", 0, "M", "sequential (default), or overlapped: draft while the target verifies", &mode, NULL},
		{"min-confidence", 0, "P", "a drafter less sure than that stops early (default: 0)", &confidence, NULL},
		{"prompt", 'p', "TEXT", "text to go on from", &prompt, NULL},
		{"prompt-file", 0, "FILE", "the same from a file; - is standard input", &prompt_file, NULL},
		{"special", 0, NULL, "control tokens in the prompt are those, not their text", NULL, &special},
		{"tokens", 'n', "N", "tokens at most (default: 128)", &tokens, NULL},
		{"temperature", 't', "T", "0 (default): greedy; above: sampled", &temperature, NULL},
		{"top-k", 0, "K", "sample from the K likeliest (default: 0, all)", &top_k, NULL},
		{"top-p", 0, "P", "sample from the likeliest that hold this share (default: 1)", &top_p, NULL},
		{"seed", 0, "N", "of sampling (default: 1)", &seed, NULL},
		{"compare", 0, NULL, "then decode plainly: same text? how much faster?", NULL, &compared},
		{"trace", 0, "FILE", "write what ran when, for 'plot timeline' and Perfetto", &trace, NULL},
		{"verbose", 'v', NULL, "time by pass and operator", NULL, &verbose},
		{"quiet", 'q', NULL, "the text only", NULL, &quiet},
		{0}};
	struct runner_options more = {0};
	struct loaded loaded;
	struct run r = {.models = &loaded, .first = true, .terminal = isatty(STDOUT_FILENO) == 1, .what = {.sampling = {.top_p = 1}}};
	struct hx_sample_options *sampling = &r.what.sampling;
	long n = DEFAULT_TOKENS, k = 0, s = 1;
	char *text = NULL;
	size_t len = 0;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)))
		return rc;
	if (mode && (rc = read_mode(mode, &models, &more.mode, err)))
		return rc;
	if (trace && (rc = file_may_write(trace, true, err)))
		return rc;
	if (prompt && prompt_file)
		return hx_err_set(err, HX_INPUT, "--prompt and --prompt-file: one of them");
	if ((tokens && (rc = text_int(tokens, 1, 1 << 24, "--tokens", &n, err))) || (top_k && (rc = text_int(top_k, 0, 1 << 24, "--top-k", &k, err))) ||
	    (seed && (rc = text_int(seed, 0, 1L << 62, "--seed", &s, err))) ||
	    (temperature && (rc = text_number(temperature, 0, 100, "--temperature", &sampling->temperature, err))) ||
	    (top_p && (rc = text_number(top_p, 1e-6, 1, "--top-p", &sampling->top_p, err))) ||
	    (confidence && (rc = text_number(confidence, 0, 1, "--min-confidence", &more.min_confidence, err))))
		return rc;
	sampling->top_k = (int)k;
	sampling->seed = (uint64_t)s;
	if (prompt_file && (rc = read_prompt(prompt_file, &text, &len, err)))
		goto end;
	if (prompt)
		len = strlen(prompt);
	if ((rc = model_options_load(&loaded, &models, &more, err)))
		goto end;
	r.trace = trace;
	r.what.gamma = loaded.options.gamma;
	r.what.max_tokens = (int)n;
	r.what.token = take_token;
	r.what.to = &r;
	rc = encode(&r, text ? text : prompt ? prompt : "", len, special, err);
	if (!rc)
		rc = generate(&r, quiet, verbose, compared, err);
	model_options_free(&loaded);
end:
	free(text);
	free(r.prompt);
	return rc;
}
