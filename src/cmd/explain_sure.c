/* How sure a speedup is. */
#include "cmd/explain_sure.h"

#include "core/spread.h"
#include "core/variation.h"

#include <math.h>
#include <stdlib.h>

int explain_interval(const struct session *s, const struct point *pt, struct hx_err *err)
{
	struct spread spread;
	int rc = spread_points(&s->predict, pt, 1, &spread, err);

	if (rc)
		return rc;
	if (isnan(spread.p05))
		puts("How sure that is, neither profile nor acceptance source tells.");
	else
		printf("It is a gain with a probability of %.2f: %.3f to %.3f, 90 times of 100.\n", spread.p_gain, spread.p05, spread.p95);
	if (!isnan(spread.prompt_p05))
		printf("Of 100 prompts, 90 have a speedup of %.3f to %.3f.\n", spread.prompt_p05, spread.prompt_p95);
	puts("");
	return HX_OK;
}

void explain_elasticities(const struct session *s, const struct point *pt, size_t most, enum report_format format)
{
	static const struct report_column columns[] = {
		{"parameter", "parameter", REPORT_TEXT, 0, 0},
		{"elasticity", "elasticity", REPORT_NUMBER, 3, 0},
		{"source", "is", REPORT_TEXT, 0, 0},
	};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));
	struct variation v;
	struct elasticity *list;
	size_t n;

	variation_init(&v, &s->predict);
	list = variation_elasticities(&v, pt, &n);
	for (size_t i = 0; i < n && (!most || i < most); i++) {
		const struct source *from = profile_source(&s->study.profile, list[i].path);

		report_text(r, list[i].path);
		report_number(r, list[i].value);
		report_text(r, from ? profile_source_kinds[from->kind] : NULL);
	}
	report_end(r);
	free(list);
	variation_free(&v);
}
