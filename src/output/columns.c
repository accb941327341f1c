/* How the columns of the view `prediction` look in lists. */
#include "output/columns.h"

#include <math.h>
#include <string.h>

const struct report_column columns_looks[] = {
	{"sweep", NULL, REPORT_NUMBER, 0, 0},
	{"id", "id", REPORT_NUMBER, -1, 0},
	{"profile", NULL, REPORT_TEXT, 0, 0},
	{"target", NULL, REPORT_TEXT, 0, 0},
	{"target_quant", "target", REPORT_TEXT, 0, 0},
	{"target_map", "on", REPORT_TEXT, 0, 0},
	{"drafter", "?drafter", REPORT_TEXT, 0, 0},
	{"draft_quant", "draft", REPORT_TEXT, 0, 0},
	{"draft_map", "on", REPORT_TEXT, 0, 0},
	{"gamma", "gamma", REPORT_NUMBER, 0, 0},
	{"mode", "mode", REPORT_TEXT, 0, 0},
	{"kv_cache", NULL, REPORT_BOOL, 0, 0},
	{"temperature", NULL, REPORT_NUMBER, 3, 0},
	{"prompt", "?prompt", REPORT_NUMBER, 0, 0},
	{"generated", "?tokens", REPORT_NUMBER, 0, 0},
	{"acceptance", NULL, REPORT_TEXT, 0, 0},
	{"feasible", NULL, REPORT_BOOL, 0, 0},
	{"reason", NULL, REPORT_TEXT, 0, 0},
	{"speedup", "speedup", REPORT_NUMBER, 4, 0},
	{"tpot_s", "ms/token", REPORT_NUMBER, 4, 1e3},
	{"ttft_s", "?TTFT s", REPORT_NUMBER, 3, 0},
	{"e2e_s", NULL, REPORT_NUMBER, 3, 0},
	{"speedup_e2e", NULL, REPORT_NUMBER, 3, 0},
	{"speedup_cpu", NULL, REPORT_NUMBER, 3, 0},
	{"speedup_same", NULL, REPORT_NUMBER, 3, 0},
	{"tokens_per_round", NULL, REPORT_NUMBER, 3, 0},
	{"round_s", NULL, REPORT_NUMBER, 3, 0},
	{"draft_s", NULL, REPORT_NUMBER, 3, 0},
	{"verify_s", NULL, REPORT_NUMBER, 3, 0},
	{"transfer_s", NULL, REPORT_NUMBER, 3, 0},
	{"sync_s", NULL, REPORT_NUMBER, 3, 0},
	{"host_s", NULL, REPORT_NUMBER, 3, 0},
	{"memory_bytes", "GB", REPORT_NUMBER, 3, 1e-9},
	{"energy_j_token", "?J/token", REPORT_NUMBER, 3, 0},
	{"quality", "?quality", REPORT_NUMBER, 4, 0},
	{"speedup_p05", NULL, REPORT_NUMBER, 4, 0},
	{"speedup_p95", NULL, REPORT_NUMBER, 4, 0},
	{"p_gain", NULL, REPORT_NUMBER, 3, 0},
	{"speedup_prompt_p05", NULL, REPORT_NUMBER, 4, 0},
	{"speedup_prompt_p95", NULL, REPORT_NUMBER, 4, 0},
};
enum { N_LOOKS = sizeof(columns_looks) / sizeof(*columns_looks) };

enum { TARGET_QUANT = 4 };

struct listing {
	struct report *report;
	struct report_column columns[N_LOOKS];
	enum report_format format;
	char quant[16]; /* of the target in the first row */
	bool mixed;
	size_t rows;
};

/* Tables fit into 80 columns. */
static const char *shorter(const struct listing *l, const char *text)
{
	if (l->format != REPORT_TABLE || !text)
		return text;
	return strcmp(text, hx_modes[HX_SEQUENTIAL]) == 0 ? "seq" : strcmp(text, hx_modes[HX_OVERLAPPED]) == 0 ? "over" : text;
}

static int print_row(void *arg, const struct store_value *v)
{
	struct listing *l = arg;
	const char *quant;

	for (int i = 0; i < N_LOOKS; i++) {
		if (columns_looks[i].type == REPORT_TEXT)
			report_text(l->report, shorter(l, v[i].text));
		else
			report_number(l->report, v[i].number);
	}
	quant = v[TARGET_QUANT].text ? v[TARGET_QUANT].text : ""; /* the database may have been edited */
	if (!l->rows++)
		snprintf(l->quant, sizeof(l->quant), "%s", quant);
	l->mixed |= strcmp(l->quant, quant) != 0;
	return 0;
}

/* Whether a `?` column says something in this study. */
static bool needed(const char *name, const struct study *study)
{
	if (strcmp(name, "drafter") == 0)
		return study->sweep.n_drafters > 1;
	if (study->costs.relative && (strcmp(name, "energy_j_token") == 0 || strcmp(name, "ttft_s") == 0))
		return false;
	/* one of the two fits */
	if (strcmp(name, "energy_j_token") == 0)
		return !isnan(study->profile.power.idle_w);
	if (strcmp(name, "ttft_s") == 0)
		return isnan(study->profile.power.idle_w);
	if (strcmp(name, "quality") == 0)
		return study->target.n_quality > 0;
	return study->sweep.n_workloads > 1;
}

static void begin(struct listing *l, enum report_format format, const struct study *study)
{
	*l = (struct listing){.format = format};
	memcpy(l->columns, columns_looks, sizeof(columns_looks));
	for (int i = 0; i < N_LOOKS; i++)
		if (columns_looks[i].title && columns_looks[i].title[0] == '?')
			l->columns[i].title = needed(columns_looks[i].name, study) ? columns_looks[i].title + 1 : NULL;
	for (int i = 0; i < N_LOOKS && study->costs.relative; i++)
		if (strcmp(columns_looks[i].name, "tpot_s") == 0) {
			l->columns[i].title = "per token";
			l->columns[i].scale = 1;
		}
	l->report = report_begin(stdout, format, l->columns, N_LOOKS);
}

static void end(struct listing *l, enum report_format format)
{
	report_end(l->report);
	if (format == REPORT_TABLE && l->mixed)
		puts("Target quantisations differ, and with them the answers' quality; each speedup\nis over plain decoding of the same quantisation.");
}

int columns_list(struct store *s, struct store_query *q, enum report_format format, const struct study *study, size_t *rows, struct hx_err *err)
{
	struct listing l;
	int rc;

	begin(&l, format, study);
	q->columns = store_columns;
	q->n_columns = N_LOOKS;
	rc = store_select(s, q, print_row, &l, err);
	*rows = l.rows;
	end(&l, format);
	return rc;
}

int columns_list_ids(struct store *s, int64_t sweep_id, const int64_t *ids, size_t n, enum report_format format, const struct study *study,
		     struct hx_err *err)
{
	struct listing l;
	int rc = HX_OK;

	begin(&l, format, study);
	for (size_t i = 0; i < n && !rc; i++) {
		struct store_query q = {.sweep = sweep_id, .columns = store_columns, .n_columns = N_LOOKS, .n_filters = 1,
					.filters = {{"id", "=", NULL, (double)ids[i]}}};

		rc = store_select(s, &q, print_row, &l, err);
	}
	end(&l, format);
	return rc;
}
