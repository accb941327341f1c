/* Writing Chrome's trace events. */
#include "output/trace_json.h"

#include "base/file.h"

#include <math.h>
#include <stdbool.h>

const char *const trace_json_categories[] = {"pass", "op", "transfer", NULL};

#define AT(member) .at = offsetof(struct trace_json_about, member)

static const struct field about_rows[] = {
	{"command", FIELD_STRING, AT(command), .help = "of hexplore"},
	{"target", FIELD_STRING, AT(target), .help = "model and quantisation"},
	{"drafter", FIELD_STRING, AT(drafter), .help = "model and quantisation"},
	{"target_map", FIELD_STRING, AT(target_map), .help = "where the target runs"},
	{"draft_map", FIELD_STRING, AT(draft_map), .help = "where the drafter runs"},
	{"gamma", FIELD_INT, AT(gamma), .unit = "tokens", .max = 1e6, .help = "draft length"},
	{"mode", FIELD_CHOICE, AT(mode), .choices = hx_modes, .help = "sequential or overlapped"},
	{0}};
const struct field_table trace_json_about = {.schema = "hexplore/trace/1", .size = sizeof(struct trace_json_about), .fields = about_rows};

/* Lanes are numbered by model, then by unit; those of the drafter's operators, where they are apart, behind all. */
enum { TARGET = 1, DRAFTER, UNITS, DRAFTER_UNITS = UNITS + HX_MAX_UNITS, LANES = DRAFTER_UNITS + HX_MAX_UNITS };

/* Passes of the drafter; with an early exit the front that a verification begins with is the target's. */
static const bool drafts[HX_PASS_COUNT] = {[HX_PASS_PREFILL_DRAFT] = true, [HX_PASS_DRAFT] = true, [HX_PASS_CATCH_UP] = true};

struct writing {
	const struct trace_json_about *about;
	const struct hx_units *units;
	const struct hx_trace *trace;
	double first_s;
};

static int lane_of(const struct writing *w, const struct hx_event *e)
{
	bool drafter = drafts[e->pass];

	if (e->unit < 0)
		return drafter ? DRAFTER : TARGET;
	return (drafter && w->about->mode == HX_OVERLAPPED ? DRAFTER_UNITS : UNITS) + e->unit;
}

/* A unit's is its own name, unless it has two. */
static void put_lane(FILE *f, const struct writing *w, int lane, const bool *used)
{
	static const char *const models[] = {[TARGET] = "target", [DRAFTER] = "drafter"};
	bool drafter = lane >= DRAFTER_UNITS;
	int unit = lane - (drafter ? DRAFTER_UNITS : UNITS);
	char name[128];

	if (lane < UNITS)
		snprintf(name, sizeof(name), "%s", models[lane]);
	else
		snprintf(name, sizeof(name), "%s%s", w->units->v[unit]->name,
			 !used[UNITS + unit] || !used[DRAFTER_UNITS + unit] ? "" : drafter ? " (drafter)" : " (target)");
	fprintf(f, ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":%d,\"args\":{\"name\":", lane);
	json_quote(f, name);
	fprintf(f, "}},\n{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":1,\"tid\":%d,\"args\":{\"sort_index\":%d}}", lane, lane);
}

/* Nanoseconds: both ends are rounded, so that what lies within something else does so here. */
static void put_event(FILE *f, const struct writing *w, const struct hx_event *e)
{
	double start_ns = round(1e9 * (e->start_s - w->first_s)), end_ns = round(1e9 * (e->end_s - w->first_s));
	int category = e->op == HX_EVENT_PASS ? TRACE_JSON_PASS : e->op == HX_EVENT_TRANSFER ? TRACE_JSON_TRANSFER : TRACE_JSON_OP;
	const char *name = category == TRACE_JSON_PASS ? hx_pass_names[e->pass] : category == TRACE_JSON_TRANSFER ? "transfer" : hx_op_names[e->op];

	fprintf(f, ",\n{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"pass\":\"%s\",", name,
		trace_json_categories[category], lane_of(w, e), start_ns / 1e3, (end_ns - start_ns) / 1e3, hx_pass_names[e->pass]);
	if (e->layer >= 0)
		fprintf(f, "\"layer\":%d,", e->layer);
	fprintf(f, "\"rows\":%d,\"cached\":%d}}", e->rows, e->cached);
}

static void put_all(FILE *f, const void *arg)
{
	const struct writing *w = arg;
	bool used[LANES] = {false};

	fputs("{\"displayTimeUnit\": \"ms\", \"otherData\": ", f);
	field_write(f, w->about, &trace_json_about);
	fputs(", \"traceEvents\": [\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"hexplore\"}}", f);
	for (size_t i = 0; i < w->trace->n; i++)
		used[lane_of(w, &w->trace->events[i])] = true;
	for (int lane = 0; lane < LANES; lane++)
		if (used[lane])
			put_lane(f, w, lane, used);
	for (size_t i = 0; i < w->trace->n; i++)
		put_event(f, w, &w->trace->events[i]);
	fputs("\n]}\n", f);
}

int trace_json_write(const char *path, const struct trace_json_about *about, const struct hx_units *units, const struct hx_trace *trace,
		     struct hx_err *err)
{
	struct writing w = {about, units, trace, INFINITY};

	for (size_t i = 0; i < trace->n; i++)
		w.first_s = fmin(w.first_s, trace->events[i].start_s);
	return file_write(path, put_all, &w, err);
}
