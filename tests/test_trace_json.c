/* Chrome's trace events, as they are written. */
#include "output/trace_json.h"

#include "tempfile.h"

static char cpu[] = "cpu", gpu[] = "g\"\033u";
static const struct hx_unit the_cpu = {.name = cpu}, the_gpu = {.name = gpu, .kind = HX_GPU};
static const struct hx_units units = {2, {&the_cpu, &the_gpu}};

static char *written(const struct trace_json_about *about, struct hx_event *events, size_t n)
{
	const struct hx_trace trace = {.events = events, .n = n};
	struct hx_err err;

	if (trace_json_write(tempfile_path, about, &units, &trace, &err))
		fail_msg("%s", err.msg);
	return tempfile_text();
}

/* A pass comes behind its operators, as the engine has it; its end rounds up, and theirs with it. */
static void golden(void **state)
{
	static char target[] = "big q8_0", map[] = "cpu+g";
	struct trace_json_about about = {.target = target, .target_map = map};
	struct hx_event events[] = {
		{HX_PASS_VERIFY, HX_OP_QKV, 0, 2, 3, 10, 7.000001, 7.0000025},
		{HX_PASS_VERIFY, HX_EVENT_TRANSFER, 1, -1, 3, 10, 7.0000025, 7.0000030004},
		{HX_PASS_VERIFY, HX_OP_HEAD, 1, -1, 3, 10, 7.000003, 7.0010000006},
		{HX_PASS_VERIFY, HX_EVENT_PASS, -1, -1, 3, 10, 7, 7.0010000006},
	};
	char *text = written(&about, events, sizeof(events) / sizeof(*events));

	(void)state;
	assert_string_equal(text, "{\"displayTimeUnit\": \"ms\", \"otherData\": {\n"
				  "  \"schema\": \"hexplore/trace/1\",\n"
				  "  \"target\": \"big q8_0\",\n"
				  "  \"target_map\": \"cpu+g\",\n"
				  "  \"gamma\": 0,\n"
				  "  \"mode\": \"sequential\"\n"
				  "}\n"
				  ", \"traceEvents\": [\n"
				  "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"hexplore\"}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":1,\"args\":{\"name\":\"target\"}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":1,\"tid\":1,\"args\":{\"sort_index\":1}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":3,\"args\":{\"name\":\"cpu\"}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":1,\"tid\":3,\"args\":{\"sort_index\":3}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":4,\"args\":{\"name\":\"g\\\"\\u001bu\"}},\n"
				  "{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":1,\"tid\":4,\"args\":{\"sort_index\":4}},\n"
				  "{\"ph\":\"X\",\"name\":\"qkv\",\"cat\":\"op\",\"pid\":1,\"tid\":3,\"ts\":1.000,\"dur\":1.500,\"args\":{\"pass\":\"verify\",\"layer\":2,"
				  "\"rows\":3,\"cached\":10}},\n"
				  "{\"ph\":\"X\",\"name\":\"transfer\",\"cat\":\"transfer\",\"pid\":1,\"tid\":4,\"ts\":2.500,\"dur\":0.500,\"args\":{\"pass\":\"verify\","
				  "\"rows\":3,\"cached\":10}},\n"
				  "{\"ph\":\"X\",\"name\":\"head\",\"cat\":\"op\",\"pid\":1,\"tid\":4,\"ts\":3.000,\"dur\":997.001,\"args\":{\"pass\":\"verify\","
				  "\"rows\":3,\"cached\":10}},\n"
				  "{\"ph\":\"X\",\"name\":\"verify\",\"cat\":\"pass\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":1000.001,\"args\":{\"pass\":\"verify\","
				  "\"rows\":3,\"cached\":10}}\n"
				  "]}\n");
	free(text);
}

/* Lanes of a drafter and a target, on one unit, one after the other or at once; on a unit each. */
static void lanes(void **state)
{
	static const struct {
		int mode, draft_unit;
		const char *lane, *name; /* of the drafter's operator */
		const char *target;      /* name of the lane of the target's */
	} rows[] = {
		{HX_SEQUENTIAL, 0, "\"tid\":3,\"ts\":0.000", "{\"name\":\"cpu\"}", "{\"name\":\"cpu\"}"},
		{HX_OVERLAPPED, 0, "\"tid\":19,\"ts\":0.000", "{\"name\":\"cpu (drafter)\"}", "{\"name\":\"cpu (target)\"}"},
		{HX_OVERLAPPED, 1, "\"tid\":20,\"ts\":0.000", "{\"name\":\"g\\\"\\u001bu\"}", "{\"name\":\"cpu\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct trace_json_about about = {.mode = rows[i].mode};
		struct hx_event events[] = {
			{HX_PASS_VERIFY, HX_OP_HEAD, 0, -1, 1, 1, 2, 3},
			{HX_PASS_CATCH_UP, HX_OP_HEAD, rows[i].draft_unit, -1, 1, 1, 1, 2},
			{HX_PASS_CATCH_UP, HX_EVENT_PASS, -1, -1, 1, 1, 1, 2},
		};
		char *text = written(&about, events, 3);

		assert_non_null(strstr(text, rows[i].lane));
		assert_non_null(strstr(text, rows[i].name));
		assert_non_null(strstr(text, rows[i].target));
		assert_non_null(strstr(text, "\"tid\":2,\"ts\":0.000,\"dur\":1000000.000"));
		free(text);
	}
}

static void empty(void **state)
{
	struct trace_json_about about = {0};
	char *text = written(&about, NULL, 0);
	struct json *j;
	struct hx_err err;

	(void)state;
	if (json_parse(&j, text, strlen(text), "x", &err))
		fail_msg("%s", err.msg);
	json_free(j);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(golden), cmocka_unit_test(lanes), cmocka_unit_test(empty)};

	return cmocka_run_group_tests(tests, tempfile_enter, tempfile_leave);
}
