/* The steps of a point, predicted and measured. */
#include "cmd/validate_print.h"

#include "output/report.h"

static const double small_share = 0.03; /* of a pass: steps below are summed up */

static const char *const kinds[] = {[STORE_BASELINE] = "plain", [STORE_CONFIGURATION] = "point"};

static void list_step(struct report *r, const char *kind, int pass, const char *op, const char *unit, double predicted_s, double measured_s,
		      int64_t n)
{
	report_text(r, kind);
	report_text(r, validate_step_pass(pass));
	report_text(r, op);
	report_text(r, unit);
	report_number(r, predicted_s);
	report_number(r, measured_s);
	report_number(r, measured_s / predicted_s);
	report_number(r, (double)n);
}

/* The pass whose steps begin at first: as a whole, then those of its steps that matter, then what they leave. Returns the first step behind it. */
static size_t list_pass(const struct session *session, const struct validate_steps *s, size_t first, const char *kind, struct report *r)
{
	const struct validate_step *v = s->v;
	bool whole = !v[first].decodes || !v[first].n ||
		     v[first].pass == HX_PASS_CATCH_UP; /* people are spared the near twin of the draft pass */
	double predicted_s = 0, measured_s = 0, small_predicted_s = 0, small_measured_s = 0;
	size_t end = first, left = 0;

	for (; end < s->n && v[end].pass == v[first].pass; end++) {
		predicted_s += v[end].predicted_s;
		measured_s += v[end].measured_s;
	}
	list_step(r, kind, v[first].pass, end - first > 1 ? "all" : validate_step_op(v[first].op), NULL, predicted_s, measured_s,
		  v[first].n);
	for (size_t i = first; i < end && end - first > 1 && !whole; i++) {
		if (v[i].predicted_s < small_share * predicted_s && v[i].measured_s < small_share * measured_s) {
			small_predicted_s += v[i].predicted_s;
			small_measured_s += v[i].measured_s;
			left++;
			continue;
		}
		list_step(r, kind, v[i].pass, validate_step_op(v[i].op),
			  v[i].unit < 0 ? NULL : session->study.profile.units[v[i].unit].is.name, v[i].predicted_s, v[i].measured_s, v[i].n);
	}
	if (left)
		list_step(r, kind, v[first].pass, "others", NULL, small_predicted_s, small_measured_s, v[first].n);
	return end;
}

void validate_print_steps(const struct session *session, int64_t id, const struct validate_result *res)
{
	static const struct report_column columns[] = {
		{"run", "run", REPORT_TEXT, 0, 0},
		{"pass", "pass", REPORT_TEXT, 0, 0},
		{"operator", "operator", REPORT_TEXT, 0, 0},
		{"unit", "unit", REPORT_TEXT, 0, 0},
		{"predicted_s", "predicted ms", REPORT_NUMBER, 4, 1e3},
		{"measured_s", "measured ms", REPORT_NUMBER, 4, 1e3},
		{"ratio", "ratio", REPORT_NUMBER, 3, 0},
		{"n", "n", REPORT_NUMBER, 0, 0},
	};
	bool overlapped = space_point(&session->space, id - 1).mode == HX_OVERLAPPED;
	struct report *r;

	if (!res->steps[STORE_CONFIGURATION].n)
		return;
	printf("\nPoint %lld%s, seconds of one pass:\n", (long long)id, overlapped ? ", overlapped" : "");
	r = report_begin(stdout, REPORT_TABLE, columns, sizeof(columns) / sizeof(*columns));
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION; kind++)
		for (size_t i = 0; i < res->steps[kind].n;)
			i = list_pass(session, &res->steps[kind], i, kinds[kind], r);
	report_end(r);
}
