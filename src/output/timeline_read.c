/* Reading a trace: the list of events is too long for a tree, so each is one of its own. */
#include "output/timeline.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 30 };
static const double longest_us = 1e15; /* thirty years */

struct event {
	char *name;
	int ph, cat, tid;
	double ts_us, dur_us;
	struct args {
		char *name;
		int pass, rows;
	} args;
};

enum { PH_METADATA, PH_COMPLETE };
static const char *const phases[] = {"M", "X", NULL};

#define AT(member) .at = offsetof(struct event, member)

static const struct field args_rows[] = {
	{"name", FIELD_STRING, .at = offsetof(struct args, name), .help = "of a lane"},
	{"pass", FIELD_CHOICE, .at = offsetof(struct args, pass), .missing = -1, .choices = hx_pass_names, .help = "kind of pass"},
	{"rows", FIELD_INT, .at = offsetof(struct args, rows), .max = 1e9, .help = "rows taken"},
	{0}};
static const struct field_table args_fields = {.size = sizeof(struct args), .foreign = true, .fields = args_rows};
static const struct field event_rows[] = {
	{"ph", FIELD_CHOICE, FIELD_REQUIRED, AT(ph), .choices = phases, .help = "phase"},
	{"name", FIELD_STRING, FIELD_REQUIRED, AT(name), .help = "what ran"},
	{"cat", FIELD_CHOICE, AT(cat), .missing = -1, .choices = trace_json_categories, .help = "category"},
	{"tid", FIELD_INT, FIELD_REQUIRED, AT(tid), .max = 1e9, .help = "lane"},
	{"ts", FIELD_NUMBER, AT(ts_us), .unit = "us", .min = 0, .max = longest_us, .missing = NAN, .help = "start"},
	{"dur", FIELD_NUMBER, AT(dur_us), .unit = "us", .min = 0, .max = longest_us, .missing = NAN, .help = "duration"},
	{"args", FIELD_OBJECT, AT(args), .sub = &args_fields, .help = "more"},
	{0}};
static const struct field_table event_fields = {.size = sizeof(struct event), .foreign = true, .fields = event_rows};

struct reading {
	struct timeline *t;
	const char *name;
	size_t room;
	bool ours;
};

static bool is(const struct json_item *item, const char *key)
{
	return item->key && item->key_len == strlen(key) && memcmp(item->key, key, item->key_len) == 0;
}

/* The lane of that number, a new one where there was none; NULL: too many. */
static struct timeline_lane *lane_of(struct timeline *t, int number)
{
	struct timeline_lane *l = t->lanes;

	while (l < t->lanes + t->n_lanes && l->number != number)
		l++;
	if (l < t->lanes + t->n_lanes)
		return l;
	if (t->n_lanes == TIMELINE_LANES)
		return NULL;
	t->n_lanes++;
	*l = (struct timeline_lane){.number = number, .name = hx_xasprintf("lane %d", number)};
	return l;
}

static int op_of(const struct event *e)
{
	if (e->cat != TRACE_JSON_OP)
		return e->cat == TRACE_JSON_PASS ? HX_EVENT_PASS : HX_EVENT_TRANSFER;
	for (int op = 0; op < HX_OP_COUNT; op++)
		if (strcmp(e->name, hx_op_names[op]) == 0)
			return op;
	return HX_OP_COUNT;
}

static int take_span(struct reading *r, const struct event *e, struct timeline_lane *lane, int line, struct hx_err *err)
{
	struct timeline *t = r->t;
	int op = op_of(e);
	char shown[80];

	if (e->cat < 0 || e->args.pass < 0 || isnan(e->ts_us) || isnan(e->dur_us))
		return hx_err_set(err, HX_INPUT, "%s:%d: an event needs cat, ts, dur and args.pass", r->name, line);
	if (op == HX_OP_COUNT)
		return hx_err_set(err, HX_INPUT, "%s:%d: there is no operator '%s'", r->name, line, text_clean(shown, sizeof(shown), e->name));
	if (t->n_spans == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		t->spans = hx_xrealloc(t->spans, r->room, sizeof(*t->spans));
	}
	lane->passes |= op == HX_EVENT_PASS;
	t->spans[t->n_spans++] = (struct timeline_span){1e-6 * e->ts_us, 1e-6 * (e->ts_us + e->dur_us), (int)(lane - t->lanes), e->args.pass, op,
							e->args.rows};
	return HX_OK;
}

static int take_event(void *arg, const struct json_item *item, struct hx_err *err)
{
	struct reading *r = arg;
	struct timeline_lane *lane;
	struct event e;
	int rc = field_read_item(&e, &event_fields, item, r->name, err);

	if (rc)
		return rc;
	if (e.ph == PH_METADATA && strcmp(e.name, "thread_name") != 0)
		goto out;
	lane = lane_of(r->t, e.tid);
	if (!lane) {
		rc = hx_err_set(err, HX_INPUT, "%s:%d: more than %d lanes", r->name, item->line, TIMELINE_LANES);
	} else if (e.ph == PH_COMPLETE) {
		rc = take_span(r, &e, lane, item->line, err);
	} else if (e.args.name) {
		free(lane->name);
		lane->name = e.args.name;
		e.args.name = NULL;
	}
out:
	field_free(&e, &event_fields);
	return rc;
}

static int take_member(void *arg, const struct json_item *item, struct hx_err *err)
{
	struct reading *r = arg;

	if (is(item, "traceEvents"))
		return json_each(item->text, item->len, item->line, r->name, take_event, r, err);
	if (!is(item, "otherData") || r->ours)
		return HX_OK;
	r->ours = true;
	return field_read_item(&r->t->about, &trace_json_about, item, r->name, err);
}

static int by_start(const void *a, const void *b)
{
	const struct timeline_span *p = a, *q = b;

	return (p->start_s > q->start_s) - (p->start_s < q->start_s);
}

static void find_rounds(struct timeline *t)
{
	double since_s = 0;

	for (size_t i = 0; i < t->n_spans; i++) {
		const struct timeline_span *s = &t->spans[i];

		if (s->op != HX_EVENT_PASS)
			continue;
		if (s->pass == HX_PASS_VERIFY) {
			t->rounds = hx_xrealloc(t->rounds, t->n_rounds + 1, sizeof(*t->rounds));
			t->rounds[t->n_rounds++] = (struct timeline_round){since_s, s->end_s};
			since_s = s->end_s;
		} else if (t->n_rounds == 0 && (s->pass == HX_PASS_PREFILL_TARGET || s->pass == HX_PASS_PREFILL_DRAFT)) {
			since_s = fmax(since_s, s->end_s);
		}
	}
}

static int read_text(struct reading *r, const char *text, size_t len, struct hx_err *err)
{
	struct timeline *t = r->t;
	int rc = json_each(text, len, 1, r->name, take_member, r, err);

	if (!rc && !r->ours)
		rc = hx_err_set(err, HX_INPUT, "%s: is no trace of hexplore's; 'hexplore run --trace' writes one", r->name);
	if (!rc && !t->n_spans)
		rc = hx_err_set(err, HX_NO, "%s: the trace has no events", r->name);
	if (rc)
		return rc;
	qsort(t->spans, t->n_spans, sizeof(*t->spans), by_start);
	find_rounds(t);
	for (size_t i = 0; i < t->n_spans; i++)
		t->end_s = fmax(t->end_s, t->spans[i].end_s);
	return HX_OK;
}

int timeline_read(struct timeline *t, const char *path, struct hx_err *err)
{
	struct reading r = {.t = t, .name = path};
	char *text = NULL;
	size_t len;
	int rc;

	*t = (struct timeline){0};
	rc = file_read(path, MOST_BYTES, &text, &len, err);
	if (!rc)
		rc = read_text(&r, text, len, err);
	free(text);
	if (rc)
		timeline_free(t);
	return rc;
}

void timeline_free(struct timeline *t)
{
	field_free(&t->about, &trace_json_about);
	for (int i = 0; i < t->n_lanes; i++)
		free(t->lanes[i].name);
	free(t->spans);
	free(t->rounds);
	*t = (struct timeline){0};
}
