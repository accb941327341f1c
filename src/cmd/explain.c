/* hexplore explain: where the time of one point goes, what bounds it, what would change the answer. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/explain_sure.h"
#include "cmd/session.h"
#include "core/predict_ops.h"
#include "output/plot_text.h"
#include "output/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_ELASTICITIES = 10 };

/* What the printing functions share. */
struct explaining {
	const struct session *s;
	struct point pt;
	struct pair pair;
	struct prediction pr;
};

static const char *unit_name(const struct explaining *x, int unit)
{
	return x->s->study.profile.units[unit].is.name;
}

/* Seconds as milliseconds with four digits. */
static const char *ms(char *buf, double s)
{
	return text_digits(buf, s * 1e3, 4);
}

static double mean_context(const struct explaining *x)
{
	const struct workload *w = &x->s->study.sweep.workloads[x->pt.workload];

	return w->prompt + w->generated / 2.0;
}

/* ---- what it is ---- */

static void print_target(const struct explaining *x)
{
	const struct study *st = &x->s->study;

	printf("%s %s on %s", st->target.name, hx_type_names[x->pt.target_type], x->s->space.target.v[x->pt.target_map].text);
}

static void print_drafter(const struct explaining *x)
{
	const struct study *st = &x->s->study;

	if (x->pt.drafter < 0) {
		printf(", plain decoding");
		return;
	}
	printf(", drafter %s", st->drafters[x->pt.drafter].name);
	if (x->pt.draft_map >= 0)
		printf(" %s on %s", hx_type_names[x->pt.draft_type], x->s->space.draft[x->pt.drafter].v[x->pt.draft_map].text);
	printf(",\ngamma %d, %s", x->pt.gamma, hx_modes[x->pt.mode]);
}

static void print_head(const struct explaining *x)
{
	const struct study *st = &x->s->study;
	const struct workload *w = &st->sweep.workloads[x->pt.workload];
	char source[128];

	printf("Point %lld:%lld: ", (long long)x->s->sweep.id, (long long)x->pt.index + 1);
	print_target(x);
	print_drafter(x);
	printf("\n%s (%s), %d + %d tokens, %s, %s", st->profile.name, profile_statuses[st->profile.status], w->prompt, w->generated,
	       st->sweep.kv_cache ? "KV cache" : "no KV cache", st->sweep.temperature > 0 ? "sampled" : "greedy");
	if (st->sweep.model == COST_EQ1)
		printf(", by Eq. 1 alone");
	puts("");
	if (x->pr.acceptance >= 0) {
		const struct accept *a = &st->sweep.acceptance[x->pr.acceptance];
		char line[512];

		accept_text(a, source, sizeof(source));
		snprintf(line, sizeof(line), "acceptance: %s (%s%s%s)", source, profile_source_kinds[a->kind], a->from ? ": " : "",
			 a->from ? a->from : "");
		plot_text_wrapped(line);
	}
	puts(x->s->study.costs.relative ? "times are in the unit of the costs table: read s for a unit\n" : "");
}

static void print_speedups(const struct explaining *x)
{
	const struct baseline *base = predict_baseline(&x->s->predict, &x->pt);
	struct point plain;
	char plain_ms[TEXT_MAX];

	if (base->index < 0) {
		puts("No plain decoding of this quantisation can run here, so there is no speedup.\n");
		return;
	}
	plain = space_point(&x->s->space, base->index);
	printf("Speedup %.3f over plain decoding on %s (point %lld, %s ms a token);\n", x->pr.speedup, x->s->space.target.v[plain.target_map].text,
	       (long long)base->index + 1, ms(plain_ms, x->s->predict.plain[base->index].tpot_s));
	printf("with prefill %.3f", x->pr.speedup_e2e);
	if (!isnan(x->pr.speedup_same))
		printf(", over plain on the same mapping %.3f", x->pr.speedup_same);
	if (!isnan(x->pr.speedup_cpu))
		printf(",\nover the best CPU-only mapping %.3f", x->pr.speedup_cpu);
	puts(".\n");
}

/* ---- the round ---- */

static void print_round(const struct explaining *x)
{
	const struct {
		const char *name;
		double s;
	} phases[] = {{"draft", x->pr.draft_s}, {"verify", x->pr.verify_s}, {"transfer", x->pr.transfer_s}, {"sync", x->pr.sync_s}, {"host", x->pr.host_s}};
	char a[TEXT_MAX], b[TEXT_MAX];

	printf("A round yields %.3f tokens in %s ms: %s ms a token.\n", x->pr.tokens_per_round, ms(a, x->pr.round_s), ms(b, x->pr.tpot_s));
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		printf("  %-9s %9s ms  %5.1f %%\n", phases[i].name, ms(a, phases[i].s), 100 * phases[i].s / x->pr.round_s);
	if (x->pt.mode == HX_OVERLAPPED)
		puts("  (draft: what the verify pass does not hide)");
	printf("First token after %s, the whole output after ", text_time(a, x->pr.ttft_s));
	printf("%s, memory %s", text_time(a, x->pr.e2e_s), text_bytes(b, x->pr.memory_bytes));
	if (!isnan(x->pr.energy_j_token))
		printf(",\n%.3g J a token", x->pr.energy_j_token);
	puts(".\n");
}

/* ---- the plan ---- */

static void print_schedule(const struct explaining *x)
{
	const struct hx_plan *p = &x->pair.plan;

	puts("Schedule of a round (steps of one number run together):");
	for (int i = 0; i < p->n_steps; i++) {
		const struct hx_step *s = &p->steps[i];
		char times[16] = "";

		if (s->times > 1)
			snprintf(times, sizeof(times), " x%d", s->times);
		printf("  %d  %s%s: %s\n", s->together + 1, s->pass < 0 ? "host" : hx_pass_names[s->pass], times, s->note);
	}
	puts("");
}

static void print_chain(const struct explaining *x, const struct hx_chain *c)
{
	for (size_t i = 0; i < c->n_segments; i++) {
		const struct hx_segment *s = &c->segments[i];
		size_t end = s->first + s->n - 1;
		const struct hx_op *first = hx_graph_op(c->graph, s->first), *last = hx_graph_op(c->graph, end);
		int first_layer = hx_graph_layer(c->graph, s->first), last_layer = hx_graph_layer(c->graph, end);

		/* a long cut is not made clearer by its hundredth segment */
		if (i == 6 && c->n_segments > 8) {
			printf("    ... %zu segments more\n", c->n_segments - i);
			return;
		}
		if (s->from >= 0)
			printf("    -> %s: %.0f bytes a row\n", unit_name(x, s->unit), s->transfer_row);
		printf("    %s x%d: %zu operators, %s", unit_name(x, s->unit), first->cores, s->n, hx_op_names[first->kind]);
		if (first_layer >= 0)
			printf(" of layer %d", first_layer);
		printf(" to %s", hx_op_names[last->kind]);
		if (last_layer >= 0)
			printf(" of layer %d", last_layer);
		puts("");
	}
}

static void print_passes(const struct explaining *x)
{
	const struct hx_plan *p = &x->pair.plan;

	puts("Passes (means over the output; times in ms):");
	puts("  pass             rows    time  launch   trans    sync      GB   GFLOP       J");
	for (int i = 0; i < p->n_passes; i++) {
		const struct hx_pass *pass = &p->passes[i];
		struct pass_cost c = predict_pass(&x->s->predict, &x->pair, pass->kind, predict_usually(&x->pair, pass->kind));
		int rows = pass->rows ? pass->rows : x->s->study.sweep.workloads[x->pt.workload].prompt;
		const double values[] = {c.time_s * 1e3, c.launch_s * 1e3, c.transfer_s * 1e3, c.sync_s * 1e3, c.bytes * 1e-9, c.flop * 1e-9, c.energy_j};
		char digits[TEXT_MAX];

		printf("  %-15s %5d", hx_pass_names[pass->kind], rows);
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
			printf(" %7s", text_digits(digits, values[v], v ? 3 : 4));
		puts("");
	}
	puts("");
	for (int k = 0; k < HX_CHAIN_COUNT; k++) {
		static const char *const names[] = {"target", "drafter", "target, first layers", "target, remaining layers"};

		const struct hx_chain *c = p->chains[k];

		if (!c)
			continue;
		printf("  %s: %zu operators in %zu segment%s\n", names[k], c->n, c->n_segments, c->n_segments == 1 ? "" : "s");
		print_chain(x, c);
	}
	puts("");
}

/* ---- the operators ---- */

/* What takes most of the time; "both" where the two roofs are within a fifth of each other. */
static const char *bound(const struct op_cost *c)
{
	double larger = fmax(c->memory_s, c->compute_s), smaller = fmin(c->memory_s, c->compute_s);

	if (c->launch_s > larger)
		return "launch";
	if (smaller > 0.8 * larger)
		return "both";
	return c->memory_s > c->compute_s ? "memory" : "compute";
}

static void list_pass(const struct explaining *x, const struct hx_pass *pass, struct report *r)
{
	struct predict_ops ops;

	predict_ops(&x->s->predict, &x->pair, pass, mean_context(x), &ops);
	for (int k = 0; k < HX_OP_COUNT; k++)
		for (int u = 0; u < HX_MAX_UNITS; u++) {
			const struct predict_op *g = &ops.v[k][u];

			if (!g->count)
				continue;
			report_text(r, hx_pass_names[pass->kind]);
			report_text(r, hx_op_names[k]);
			report_text(r, unit_name(x, u));
			report_text(r, hx_type_names[g->type]);
			report_number(r, g->count);
			report_number(r, g->cost.time_s);
			report_number(r, g->cost.memory_s);
			report_number(r, g->cost.compute_s);
			report_number(r, g->cost.launch_s);
			report_number(r, g->cost.bytes);
			report_number(r, g->cost.flop);
			report_text(r, bound(&g->cost));
		}
}

static void list_operators(const struct explaining *x, enum report_format format)
{
	static const struct report_column columns[] = {
		{"pass", "pass", REPORT_TEXT, 0, 0},
		{"operator", "operator", REPORT_TEXT, 0, 0},
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"type", NULL, REPORT_TEXT, 0, 0},
		{"count", "count", REPORT_NUMBER, 0, 0},
		{"time_s", "ms", REPORT_NUMBER, 4, 1e3},
		{"memory_s", "memory", REPORT_NUMBER, 3, 1e3},
		{"compute_s", "compute", REPORT_NUMBER, 3, 1e3},
		{"launch_s", NULL, REPORT_NUMBER, 3, 1e3},
		{"bytes", "MB", REPORT_NUMBER, 3, 1e-6},
		{"flop", NULL, REPORT_NUMBER, 3, 1e-9},
		{"bound", "bound by", REPORT_TEXT, 0, 0},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));

	for (int i = 0; i < x->pair.plan.n_passes; i++) {
		const struct hx_pass *pass = &x->pair.plan.passes[i];

		/* people are spared the prefills and the near twin of the draft pass */
		if (format != REPORT_TABLE || (pass->rows && pass->kind != HX_PASS_CATCH_UP))
			list_pass(x, pass, r);
	}
	report_end(r);
}

/* ---- memory and thresholds ---- */

static void print_memory(const struct explaining *x)
{
	const struct profile *p = &x->s->study.profile;
	struct hx_buffers b;

	predict_buffers(&x->s->predict, &x->pair, x->pt.gamma, &b);
	puts("\nMemory in MB:");
	printf("  unit   ");
	for (int k = 0; k < HX_BUF_COUNT; k++)
		printf(" %11s", hx_buffer_names[k]);
	puts("");
	for (size_t u = 0; u < p->n_units; u++) {
		double sum = 0;

		for (int k = 0; k < HX_BUF_COUNT; k++)
			sum += b.bytes[u][k];
		if (sum == 0)
			continue;
		printf("  %-7s", p->units[u].is.name);
		for (int k = 0; k < HX_BUF_COUNT; k++)
			printf(" %11.4g", b.bytes[u][k] * 1e-6);
		puts("");
	}
	if (x->pair.target->graph.row_fallback || (x->pair.draft && x->pair.draft->graph.row_fallback))
		puts("  Rows that a block of the type does not divide are f16.");
}

static void print_thresholds(struct explaining *x)
{
	double plain_s = predict_baseline(&x->s->predict, &x->pt)->decode_s;
	double alpha = predict_alpha_threshold(&x->s->predict, &x->pt, &x->pair, plain_s);
	double cost = predict_cost_threshold(&x->s->predict, &x->pt, &x->pair, plain_s);
	double oracle = predict_oracle(&x->s->predict, &x->pt, &x->pair, plain_s);

	puts("\nThis pair of mappings, at its best gamma, matches the baseline");
	if (isnan(alpha))
		puts("  at no constant alpha;");
	else if (alpha == 0)
		puts("  at any alpha;");
	else
		printf("  at a constant alpha of %.3f and above;\n", alpha);
	if (isnan(cost) && x->pair.plan.drafter != HX_DRAFT_NGRAM)
		puts("  with no drafter, however cheap, at the acceptance known.");
	else if (!isnan(cost))
		printf("  with a drafter of up to %.3g times this one's cost, at the acceptance known.\n", cost);
	if (!isnan(oracle))
		printf("An oracle that picks gamma, 0 included, for every prompt would reach a speedup of %.3f.\n", oracle);
}

static int print_all(struct explaining *x, struct hx_err *err)
{
	bool compares = predict_baseline(&x->s->predict, &x->pt)->index >= 0;
	int rc;

	print_head(x);
	if (!x->pr.feasible)
		return HX_OK;
	print_speedups(x);
	if (compares && (rc = explain_interval(x->s, &x->pt, err)))
		return rc;
	print_round(x);
	print_schedule(x);
	print_passes(x);
	puts("Operators, in ms of a pass at the mean context:");
	if (x->s->study.costs.n)
		puts("(passes that --costs measured are taken whole: these are the model's, and need not add up to them)");
	list_operators(x, REPORT_TABLE);
	print_memory(x);
	if (!x->pt.gamma || !compares)
		return HX_OK;
	print_thresholds(x);
	puts("\nThe speedup changes by so many per cent where a parameter is 1 % larger:");
	explain_elasticities(x->s, &x->pt, SHOWN_ELASTICITIES, REPORT_TABLE);
	return HX_OK;
}

static int explain(struct explaining *x, int64_t id, bool elasticities, enum report_format format, struct hx_err *err)
{
	char reason[192];
	int rc = HX_OK;

	if (id > x->s->space.size)
		return hx_err_set(err, HX_INPUT, "sweep %lld has points 1 to %lld", (long long)x->s->sweep.id, (long long)x->s->space.size);
	x->pt = space_point(&x->s->space, id - 1);
	predict_point(&x->s->predict, &x->pt, &x->pair, &x->pr);
	predict_pair(&x->s->predict, &x->pt, &x->pair);
	if (elasticities && x->pr.feasible)
		explain_elasticities(x->s, &x->pt, 0, format);
	else if (format == REPORT_TABLE)
		rc = print_all(x, err);
	else if (x->pr.feasible)
		list_operators(x, format);
	if (!x->pr.feasible)
		return hx_err_set(err, HX_NO, "point %lld cannot run: %s", (long long)id,
				  predict_reason(&x->s->predict, &x->pt, &x->pr.refusal, reason, sizeof(reason)));
	return rc;
}

int cmd_explain(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = NULL, *sweep_id = NULL, *format_text = NULL;
	char sweep_buf[TEXT_MAX];
	bool help = false, elasticities = false;
	const struct opt opts[] = {
		{"sweep-id", 0, "N", "of sweep N (default: the latest)", &sweep_id, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "csv, json or jsonl: only the operators, or elasticities", &format_text, NULL},
		{"elasticities", 0, NULL, "only what the speedup hangs on: all parameters, the most first", NULL, &elasticities},
		{0}};
	struct explaining x = {0};
	enum report_format format;
	struct session s;
	int64_t id;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if (first >= argc)
		return hx_err_set(err, HX_INPUT, "explain: which point? 'hexplore best' lists ids");
	if ((rc = cmd_no_arguments(about, argc, argv, first + 1, err)) || (rc = report_format_parse(format_text, &format, err)) ||
	    (rc = session_point_id(argv[first], sweep_buf, sizeof(sweep_buf), &sweep_id, &id, err)) || (rc = session_open(&s, db, sweep_id, err)))
		return rc;
	x.s = &s;
	if (!(rc = session_load(&s, err)))
		rc = explain(&x, id, elasticities, format, err);
	predict_pair_free(&x.pair);
	session_close(&s);
	return rc;
}
