/* The answer of a sweep. */
#include "cmd/answer.h"

#include "base/text.h"
#include "output/columns.h"
#include "output/verdict.h"

enum { BEST = 5, SHOWN_SOURCES = 3 };

static void print_head(const struct study *st, const struct store_sweep *stored, const struct findings *found, const char *time, FILE *f)
{
	char points[TEXT_MAX], feasible[TEXT_MAX], source[128];

	fprintf(f, "%s", st->target.name);
	for (size_t i = 0; i < st->sweep.n_drafters; i++)
		fprintf(f, "%s%s", i ? ", " : " with ", st->drafters[i].name);
	fprintf(f, " on %s (%s)\n", st->profile.name, profile_statuses[st->profile.status]);
	if (st->profile.status != PROFILE_MEASURED)
		fputs("not calibrated: boards of one SoC alone differ by up to 40 %\n", f);
	for (size_t i = 0; i < st->sweep.n_acceptance; i++) {
		if (i == SHOWN_SOURCES) {
			fprintf(f, ",\n            and %zu more", st->sweep.n_acceptance - i);
			break;
		}
		accept_text(&st->sweep.acceptance[i], source, sizeof(source));
		fprintf(f, "%s%s (%s)", i ? ",\n            " : "acceptance: ", source, profile_source_kinds[st->sweep.acceptance[i].kind]);
	}
	fputs(st->sweep.n_acceptance ? "\n" : "", f);
	if (st->costs.relative)
		fputs("times are in the unit of the costs table, not in seconds\n", f);
	fprintf(f, "sweep %lld, %s: %s points, %s can run%s%s\n\n", (long long)stored->id, st->sweep.name, text_count(points, (double)stored->done),
		text_count(feasible, (double)found->feasible), time ? ", " : "", time ? time : "");
}

int answer_print(struct store *store, const struct store_sweep *sweep, const struct predict *p, const struct findings *found, const char *time,
		 enum report_format format, struct hx_err *err)
{
	struct store_query q = {.sweep = sweep->id, .order = "speedup", .descending = true, .limit = BEST};
	FILE *f = format == REPORT_TABLE ? stdout : stderr;
	size_t rows;

	print_head(p->study, sweep, found, time, f);
	verdict_print(p, found, f);
	if (format == REPORT_TABLE)
		puts("");
	return columns_list(store, &q, format, p->study, &rows, err);
}
