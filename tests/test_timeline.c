/* Traces read back, and what they amount to. */
#include "output/timeline.h"

#include "tempfile.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FILE_OF(events) "{\"otherData\": {\"schema\": \"hexplore/trace/1\"}, \"traceEvents\": [" events "]}"
#define LANE(number, name) "{\"ph\":\"M\",\"name\":\"thread_name\",\"tid\":" number ",\"args\":{\"name\":" name "}}"
#define SPAN(cat, name, tid, ts, dur, pass) \
	"{\"ph\":\"X\",\"cat\":\"" cat "\",\"name\":\"" name "\",\"tid\":" tid ",\"ts\":" ts ",\"dur\":" dur ",\"args\":{\"pass\":\"" pass "\"}}"

static int read_text(struct timeline *t, const char *text, struct hx_err *err)
{
	tempfile_put(text);
	return timeline_read(t, tempfile_path, err);
}

/* Any order, any spacing, keys and metadata of others. */
static void reads(void **state)
{
	static const char text[] = "{\"traceEvents\": [\n"
				   "{\"ph\": \"X\", \"cat\": \"op\", \"name\": \"head\", \"tid\": 9, \"ts\": 2e3, \"dur\": 500.5, \"pid\": 4, \"tdur\": 1,\n"
				   " \"args\": {\"pass\": \"verify\", \"rows\": 3, \"colour\": [1, {}]}},\n" SPAN(
					   "pass", "verify", "1", "1", "2500", "verify") ",\n" LANE("9", "\"gpu\"") ",\n"
				   "{\"ph\": \"M\", \"name\": \"process_labels\", \"tid\": 77, \"args\": {\"labels\": \"x\"}}\n"
				   "], \"metadata\": [1, 2], \"otherData\": {\"schema\": \"hexplore/trace/1\", \"target\": \"big\", \"gamma\": 3}}";
	struct timeline t;
	struct hx_err err;

	(void)state;
	if (read_text(&t, text, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(t.about.target, "big");
	assert_null(t.about.drafter);
	assert_int_equal(t.about.gamma, 3);
	assert_int_equal(t.n_lanes, 2);
	assert_string_equal(t.lanes[0].name, "gpu");
	assert_string_equal(t.lanes[1].name, "lane 1");
	assert_true(!t.lanes[0].passes && t.lanes[1].passes);
	assert_int_equal(t.n_spans, 2);
	assert_int_equal(t.spans[0].op, HX_EVENT_PASS);
	assert_int_equal(t.spans[1].op, HX_OP_HEAD);
	assert_int_equal(t.spans[1].rows, 3);
	check_near(t.spans[1].start_s, 2e-3, 1e-12);
	check_near(t.end_s, 2.501e-3, 1e-12);
	timeline_free(&t);
}

static const struct {
	const char *text, *message;
	int status;
} refused[] = {
	{"", ": empty file", HX_INPUT},
	{"[]", ": is no trace of hexplore's; 'hexplore run --trace' writes one", HX_INPUT},
	{"3", ": is no trace of hexplore's", HX_INPUT},
	{"{\"traceEvents\": []}", ": is no trace of hexplore's", HX_INPUT},
	{"{\"otherData\": {\"version\": \"My Application v1.0\"}}", ":1: 'schema' is missing", HX_INPUT},
	{"{\"otherData\": {\"schema\": \"hexplore/trace/2\"}}", ":1: schema: must be 'hexplore/trace/1'", HX_INPUT},
	{"{\"otherData\": {\"schema\": \"hexplore/trace/1\",\n\"gama\": 3}}", ":2: gama: unknown key, did you mean 'gamma'?", HX_INPUT},
	{"{\"otherData\": {\"schema\": \"hexplore/trace/1\"}}", ": the trace has no events", HX_NO},
	{FILE_OF(LANE("1", "\"cpu\"")), ": the trace has no events", HX_NO},
	{"{\"otherData\": {\"schema\": \"hexplore/trace/1\"}, \"traceEvents\": 3}", ": the trace has no events", HX_NO},
	{"{\"otherData\": {\"schema\": \"hexplore/trace/1\"}, \"traceEvents\": [\n" SPAN("pass", "verify", "1", "0", "1", "verify") ",\n",
	 ":3: the file ends where a value is expected", HX_INPUT},
	{FILE_OF("\n\n7"), ":3: must be an object, is 7", HX_INPUT},
	{FILE_OF("\n{}"), ":2: 'ph' is missing", HX_INPUT},
	{FILE_OF("\n{\"ph\":\"B\",\"name\":\"x\",\"tid\":1}"), ":2: ph: unknown value 'B'; known are: M, X", HX_INPUT},
	{FILE_OF("\n{\"ph\":\"X\",\"name\":\"x\",\"tid\":1}"), ":2: an event needs cat, ts, dur and args.pass", HX_INPUT},
	{FILE_OF("{\"ph\":\"X\",\"cat\":\"op\",\"name\":\"qkv\",\"tid\":1,\"ts\":1,\"dur\":1}"), ":1: an event needs cat, ts, dur and args.pass",
	 HX_INPUT},
	{FILE_OF("\n" SPAN("op", "qkw", "1", "1", "1", "verify")), ":2: there is no operator 'qkw'", HX_INPUT},
	{FILE_OF("\n" SPAN("op", "qkv", "1", "1", "1", "varify")), ":2: args.pass: unknown value 'varify', did you mean 'verify'?", HX_INPUT},
	{FILE_OF(SPAN("gpu", "qkv", "1", "1", "1", "verify")), ":1: cat: unknown value 'gpu'; known are: pass, op, transfer", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "1", "1", "-1", "verify")), ":1: dur: must be in [0, 1e15] us, is -1", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "1", "-0.5", "1", "verify")), ":1: ts: must be in [0, 1e15] us, is -0.5", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "1", "1e300", "1", "verify")), ":1: ts: must be in [0, 1e15] us, is 1e300", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "1", "1e999", "1", "verify")), ":1: '1e999' is too large", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "1", "\"1\"", "1", "verify")), ":1: ts: must be a number, is '1'", HX_INPUT},
	{FILE_OF(SPAN("op", "qkv", "-1", "1", "1", "verify")), ":1: tid: must be in [0, 1e9], is -1", HX_INPUT},
	{FILE_OF(LANE("1", "\"\\u001b[2J\"")), ":1: args.name: control characters are not accepted", HX_INPUT},
	{FILE_OF("{\"ph\":\"M\",\"ph\":\"M\"}"), ":1: duplicate key 'ph'", HX_INPUT},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct timeline t;
		struct hx_err err;

		if (read_text(&t, refused[i].text, &err) != refused[i].status || !strstr(err.msg, refused[i].message))
			fail_msg("%s: '%s'", refused[i].text, err.msg);
	}
}

static void many_lanes(void **state)
{
	char text[8192] = "{\"otherData\": {\"schema\": \"hexplore/trace/1\"}, \"traceEvents\": [";
	struct timeline t;
	struct hx_err err;

	(void)state;
	for (int i = 0; i <= TIMELINE_LANES; i++)
		sprintf(text + strlen(text), "%s\n{\"ph\":\"M\",\"name\":\"thread_name\",\"tid\":%d,\"args\":{\"name\":\"u\"}}", i ? "," : "", i);
	strcat(text, "]}");
	assert_int_equal(read_text(&t, text, &err), HX_INPUT);
	assert_non_null(strstr(err.msg, ":66: more than 64 lanes"));
}

/* Two units, which tests/timeline.sh draws: times are worked out by hand. */
static void shipped(struct timeline *t)
{
	char path[4096];
	struct hx_err err;

	snprintf(path, sizeof(path), "%s/tests/data/overlapped-trace.json", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	if (timeline_read(t, path, &err))
		fail_msg("%s", err.msg);
}

static void rounds(void **state)
{
	static const double ends_ms[] = {2, 3.92, 4.94, 5.96, 7.92, 8.94};
	struct timeline t;

	(void)state;
	shipped(&t);
	assert_int_equal(t.n_rounds, 5);
	for (int i = 0; i < 5; i++) {
		check_near(t.rounds[i].start_s, 1e-3 * ends_ms[i], 1e-9);
		check_near(t.rounds[i].end_s, 1e-3 * ends_ms[i + 1], 1e-9);
	}
	timeline_free(&t);
}

static void shares(void **state)
{
	static const struct {
		double from_ms, to_ms, cpu_ms, opencl_ms, both_ms;
	} rows[] = {
		{3.92, 7.92, 3.08, 3.64, 2.72}, /* rounds 2 to 4 */
		{0, 2, 2, 0.8, 0.8},
		{0.5, 1, 0.5, 0.4, 0.4},
		{2, 2.9, 0, 0.9, 0},
		{2.91, 2.915, 0.005, 0.005, 0.005}, /* within a transfer */
		{6, 6.5, 0, 0.5, 0},
		{8.94, 9, 0, 0, 0},
	};
	struct timeline t;

	(void)state;
	shipped(&t);
	for (size_t i = 0; i < COUNT(rows); i++) {
		double from_s = 1e-3 * rows[i].from_ms, to_s = 1e-3 * rows[i].to_ms;

		check_near(1 + timeline_busy_s(&t, 2, from_s, to_s), 1 + 1e-3 * rows[i].cpu_ms, 1e-12);
		check_near(1 + timeline_busy_s(&t, 3, from_s, to_s), 1 + 1e-3 * rows[i].opencl_ms, 1e-12);
		check_near(1 + timeline_overlap_s(&t, from_s, to_s), 1 + 1e-3 * rows[i].both_ms, 1e-12);
	}
	timeline_free(&t);
}

/* Spans that lie in each other, and three units: what is busy twice counts once. */
static void overlap_of_three(void **state)
{
	static const char text[] = FILE_OF(
		SPAN("op", "qkv", "1", "0", "10", "draft") "," SPAN("op", "rope", "1", "2", "3", "draft") "," SPAN("op", "qkv", "2", "4", "10", "draft") ","
		SPAN("op", "qkv", "3", "5", "3", "draft") "," SPAN("op", "qkv", "3", "12", "8", "draft") "," SPAN("pass", "draft", "4", "0", "20", "draft"));
	struct timeline t;
	struct hx_err err;

	(void)state;
	if (read_text(&t, text, &err))
		fail_msg("%s", err.msg);
	check_near(timeline_busy_s(&t, 0, 0, 1), 10e-6, 1e-9);
	check_near(timeline_overlap_s(&t, 0, 1), 8e-6, 1e-9); /* 4 to 10, 12 to 14 */
	timeline_free(&t);
}

static void cells(void **state)
{
	static const char text[] = FILE_OF(SPAN("op", "qkv", "1", "0", "10", "draft") "," SPAN("op", "rope", "1", "10", "1", "draft") ","
					   SPAN("op", "attn", "1", "11", "5", "draft") "," SPAN("op", "head", "1", "36", "3", "draft") ","
					   SPAN("op", "argmax", "1", "39", "0", "draft"));
	static const int four[] = {0, 2, -1, -1}; /* of ten each: the second has attn for half of it, the last is idle for most of it */
	int got[4], one;
	struct timeline t;
	struct hx_err err;

	(void)state;
	if (read_text(&t, text, &err))
		fail_msg("%s", err.msg);
	timeline_cells(&t, 0, 0, 40e-6, got, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(got[i], four[i]);
	timeline_cells(&t, 0, 36e-6, 38e-6, &one, 1);
	assert_int_equal(one, 3);
	timeline_cells(&t, 0, 30e-6, 31e-6, &one, 1);
	assert_int_equal(one, -1);
	timeline_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),  cmocka_unit_test(refuses),          cmocka_unit_test(many_lanes), cmocka_unit_test(rounds),
		cmocka_unit_test(shares), cmocka_unit_test(overlap_of_three), cmocka_unit_test(cells),
	};

	return cmocka_run_group_tests(tests, tempfile_enter, tempfile_leave);
}
