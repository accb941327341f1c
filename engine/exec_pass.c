/* Passes: what a text asks of an executor. */
#include "engine/exec_internal.h"

#include <string.h>

/* The text from length to `to`, whose first rows the front may have taken in. */
static int run_behind_front(struct hx_exec *e, int pass, int to, int logit_rows, struct hx_err *err)
{
	int drafted = e->front_length, rc = HX_OK;

	if (drafted < to)
		rc = hx_exec_walk(e, &e->front, &(struct hx_exec_going){HX_PASS_FRONT, drafted, to - drafted, 0, drafted - e->length}, err);
	return rc ? rc : hx_exec_walk(e, &e->tail, &(struct hx_exec_going){pass, e->length, to - e->length, logit_rows, 0}, err);
}

/* What the device gave is waited for. */
static int collect(struct hx_exec *e, int pass, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	const bool on_device = e->device && e->places[hx_graph_unit(e->graph, HX_OP_ARGMAX, -1)].cl;
	const unsigned flows = 1u << HX_FLOW_ARGMAX | (out && out->wanted ? 1u << HX_FLOW_LOGITS : 0);
	int rc = HX_OK;

	if (on_device && logit_rows)
		rc = hx_cl_run_to_host(e->device, &(struct hx_cl_handover){pass, flows, flows, 0, logit_rows}, err);
	else if (e->device)
		rc = hx_cl_run_finish(e->device, err);
	if (rc || !out)
		return rc;
	out->rows = logit_rows;
	out->logits = e->walk.at.logits;
	if (on_device || e->turns.crossing >> HX_FLOW_LOGITS & 1)
		out->logits = out->wanted && logit_rows ? hx_cl_run_host(e->device, HX_FLOW_LOGITS) : NULL;
	out->argmax = on_device ? hx_cl_run_host(e->device, HX_FLOW_ARGMAX) : e->walk.at.argmax;
	return HX_OK;
}

static int check(const struct hx_exec *e, int at, const int *tokens, int n, int logit_rows, struct hx_err *err)
{
	const struct hx_shape *s = e->graph->shape;

	if (n < 1 || n > e->options.context - at)
		return hx_err_set(err, HX_INPUT, "%s: %d tokens do not fit behind %d, where there is room for %d", s->name, n, at, e->options.context);
	if (logit_rows > n || logit_rows > e->options.logit_rows)
		return hx_err_set(err, HX_INPUT, "%s: logits of %d rows cannot be had of a pass of %d", s->name, logit_rows, n);
	for (int i = 0; i < n; i++)
		if (tokens[i] < 0 || tokens[i] >= s->vocab)
			return hx_err_set(err, HX_INPUT, "%s has no token %d, its vocabulary ends at %d", s->name, tokens[i], s->vocab - 1);
	return HX_OK;
}

static void told(const struct hx_exec *e, int pass, int cached, int rows, double start_s)
{
	hx_trace_add(e->trace, &(struct hx_event){.pass = pass, .op = HX_EVENT_PASS, .unit = -1, .layer = -1, .rows = rows, .cached = cached, .start_s = start_s,
						  .end_s = hx_trace_now_s()});
}

static int decode(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_exec *e = self;
	int cached = e->options.kv_cache ? e->length : 0, to = e->length + n, rc = check(e, e->length, tokens, n, logit_rows, err), rows;
	bool drafted = e->front_length > e->length && to >= e->front_length && to - e->length <= HX_EXEC_ROWS &&
		       memcmp(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)(e->front_length - e->length)) == 0;
	double start_s = hx_trace_now_s();

	if (rc)
		return rc;
	memcpy(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)n);
	if (drafted && e->options.kv_cache)
		rc = run_behind_front(e, pass, to, logit_rows, err);
	else
		rc = hx_exec_walk_text(e, pass, &e->graph->whole, cached, to, logit_rows, &rows, err);
	if (!rc)
		rc = collect(e, pass, logit_rows, out, err);
	if (rc)
		return rc;
	told(e, pass, cached, to - cached, start_s);
	e->length = e->front_length = to;
	return HX_OK;
}

/* Where the device has the whole model: each draft's token is the next one's input there, and they are read back together, HX_CL_DRAFTS at most. */
static int draft_chain(struct hx_exec *e, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	const struct hx_chain *whole = &e->graph->whole;
	const unsigned argmax = 1u << HX_FLOW_ARGMAX;
	struct hx_cl_stretch stretch = {.first = 0, .n = whole->n, .pass = pass, .rows = n, .cached = e->length, .logit_rows = 1, .tokens = e->tokens + e->length,
					.alone = true};
	int rc = check(e, e->length, tokens, n, 1, err);

	if (!rc && steps - 1 > e->options.context - e->length - n)
		rc = hx_err_set(err, HX_INPUT, "%s: %d drafts at once are too many behind %d tokens", e->graph->shape->name, steps, e->length + n);
	if (rc)
		return rc;
	memcpy(e->tokens + e->length, tokens, sizeof(*tokens) * (size_t)n);
	rc = hx_cl_run_to_device(e->device, &(struct hx_cl_handover){.flows = argmax | 1u << HX_FLOW_LOGITS}, err);
	for (int i = 0; i < steps && !rc; i++) {
		stretch.slot = i;
		rc = hx_cl_run_stretch(e->device, &stretch, err);
		stretch.cached += stretch.rows;
		stretch.rows = 1;
		stretch.pass = HX_PASS_DRAFT;
		stretch.tokens = NULL;
	}
	if (!rc)
		rc = hx_cl_run_to_host(e->device, &(struct hx_cl_handover){HX_PASS_DRAFT, argmax, argmax, 0, steps}, err);
	if (rc)
		return rc;
	memcpy(drafts, hx_cl_run_host(e->device, HX_FLOW_ARGMAX), sizeof(*drafts) * (size_t)steps);
	e->length += n;
	memcpy(e->tokens + e->length, drafts, sizeof(*drafts) * (size_t)(steps - 1));
	e->length += steps - 1;
	e->front_length = e->length;
	return HX_OK;
}

static int draft(void *self, enum hx_pass_kind pass, const int *tokens, int n, int steps, int *drafts, struct hx_err *err)
{
	int rc = HX_OK;

	for (int chain; steps && !rc; steps -= chain) {
		chain = steps < HX_CL_DRAFTS ? steps : HX_CL_DRAFTS;
		rc = draft_chain(self, pass, tokens, n, chain, drafts, err);
		/* the last draft is what the next chain takes in first */
		pass = HX_PASS_DRAFT;
		drafts += chain;
		tokens = drafts - 1;
		n = 1;
	}
	return rc;
}

static void rollback(void *self, int length)
{
	struct hx_exec *e = self;

	e->length = length < e->length ? length : e->length;
	e->front_length = length < e->front_length ? length : e->front_length;
}

/* The front's own passes. With a cache its hidden rows stay where they are until those behind them are verified. */
static int decode_front(void *self, enum hx_pass_kind pass, const int *tokens, int n, int logit_rows, struct hx_logits *out, struct hx_err *err)
{
	struct hx_exec *e = self;
	int cached = e->options.kv_cache ? e->front_length : 0, to = e->front_length + n, rows;
	int rc = check(e, e->front_length, tokens, n, logit_rows, err);
	double start_s = hx_trace_now_s();

	if (!rc && to - e->length > hx_exec_rows(&e->options))
		rc = hx_err_set(err, HX_INPUT, "%s: an early exit takes %d tokens at most before they are verified", e->graph->shape->name, HX_EXEC_ROWS);
	if (rc)
		return rc;
	memcpy(e->tokens + e->front_length, tokens, sizeof(*tokens) * (size_t)n);
	if (e->options.kv_cache) {
		rows = to - e->length;
		rc = hx_exec_walk(e, &e->front, &(struct hx_exec_going){pass, cached, n, 0, rows - n}, err);
	} else {
		rc = hx_exec_walk_text(e, pass, &e->front, 0, to, 0, &rows, err);
	}
	if (!rc && logit_rows)
		rc = hx_exec_walk(e, &e->end, &(struct hx_exec_going){pass, to - logit_rows, logit_rows, logit_rows, rows - logit_rows}, err);
	if (!rc)
		rc = collect(e, pass, logit_rows, out, err);
	if (rc)
		return rc;
	told(e, pass, cached, to - cached, start_s);
	e->front_length = to;
	return HX_OK;
}

int hx_exec_warm_up(struct hx_exec *e, struct hx_err *err)
{
	int most = hx_exec_rows(&e->options) < HX_CL_ROWS ? hx_exec_rows(&e->options) : HX_CL_ROWS, rc = HX_OK;
	struct hx_trace *trace = e->trace;

	rollback(e, 0);
	if (!e->device)
		return HX_OK;
	hx_exec_trace(e, NULL);
	memset(e->tokens, 0, sizeof(*e->tokens) * (size_t)most);
	for (int rows = 1; rows <= most && !rc; rows++) {
		rc = hx_exec_walk_text(e, HX_PASS_PREFILL_TARGET, &e->graph->whole, 0, rows, rows < e->options.logit_rows ? rows : e->options.logit_rows, &(int){0}, err);
		if (!rc)
			rc = hx_cl_run_finish(e->device, err);
	}
	hx_exec_trace(e, trace);
	return rc;
}

/* A single segment on a device. */
static bool is_all_on_device(const struct hx_exec *e)
{
	return e->device && e->graph->whole.n_segments == 1;
}

struct hx_lm hx_exec_lm(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode, rollback,
			       is_all_on_device(e) && e->options.kv_cache && e->options.logit_rows > 0 ? draft : NULL};
}

struct hx_lm hx_exec_front(struct hx_exec *e)
{
	return (struct hx_lm){e, e->graph->shape->vocab, e->options.context, decode_front, rollback, NULL};
}
