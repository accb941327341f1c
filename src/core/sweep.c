/* Sweep descriptions: fields, defaults, checks between fields. */
#include "core/sweep.h"

#include "core/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double clock_step = 0.005; /* nearer ones could be the same in MHz */

#define AT(m) offsetof(struct sweep, m)
#define LIST(m, n) .at = AT(m), .count_at = AT(n)

const char *const sweep_objectives[] = {"latency", "energy", "memory", NULL};
const char *const sweep_objective_columns[] = {"tpot_s", "energy_j_token", "memory_bytes"};
const char *const sweep_models[] = {"full", "eq1", NULL};

static const struct field workload_rows[] = {
	{"prompt", FIELD_INT, FIELD_REQUIRED, .at = offsetof(struct workload, prompt), .unit = "tokens", .min = 1, .max = 1e6, .help = "prompt length"},
	{"generated", FIELD_INT, FIELD_REQUIRED, .at = offsetof(struct workload, generated), .unit = "tokens", .min = 1, .max = 1e5,
	 .help = "tokens generated"},
	{0}};
static const struct field_table workload = {.size = sizeof(struct workload), .fields = workload_rows};

static const struct field constraint_rows[] = {
	{"memory_bytes", FIELD_NUMBER, .at = offsetof(struct constraints, memory_bytes), .unit = "B", .min = 1, .max = 1e15, .missing = NAN,
	 .help = "most memory"},
	{"energy_j_token", FIELD_NUMBER, .at = offsetof(struct constraints, energy_j_token), .unit = "J", .min = 1e-9, .max = 1e9, .missing = NAN,
	 .help = "most energy per token"},
	{"ttft_s", FIELD_NUMBER, .at = offsetof(struct constraints, ttft_s), .unit = "s", .min = 1e-9, .max = 1e9, .missing = NAN,
	 .help = "longest time to first token"},
	{"tpot_s", FIELD_NUMBER, .at = offsetof(struct constraints, tpot_s), .unit = "s", .min = 1e-9, .max = 1e9, .missing = NAN,
	 .help = "longest time per output token"},
	{0}};
static const struct field_table constraints = {.size = sizeof(struct constraints), .fields = constraint_rows};

static const struct field rows[] = {
	{"name", FIELD_NAME, FIELD_REQUIRED, .at = AT(name), .help = "name of the sweep"},
	{"description", FIELD_STRING, .at = AT(description), .help = "the question it answers"},
	{"target", FIELD_STRING, FIELD_REQUIRED, .at = AT(target), .help = "target model: name or path of a shape"},
	{"target_quants", FIELD_CHOICES, FIELD_REQUIRED | FIELD_MIN1, LIST(target_quants, n_target_quants), .choices = hx_type_names,
	 .help = "quantisations of the target"},
	{"drafters", FIELD_STRINGS, 0, LIST(drafters, n_drafters), .help = "models, 'ngram', 'early-exit:K'; left out: plain decoding only"},
	{"draft_quants", FIELD_CHOICES, 0, LIST(draft_quants, n_draft_quants), .choices = hx_type_names,
	 .help = "quantisations of drafter models; left out: those of the target"},
	{"target_mappings", FIELD_STRINGS, 0, LIST(target_mappings, n_target_mappings), .help = "mappings; 'auto', or left out: all of 'cuts' parts"},
	{"draft_mappings", FIELD_STRINGS, 0, LIST(draft_mappings, n_draft_mappings), .help = "likewise, of drafter models"},
	{"cuts", FIELD_INT, .at = AT(cuts), .min = 1, .max = 4, .missing = 1, .help = "auto: most parts a model is cut into"},
	{"cut_step", FIELD_INT, .at = AT(cut_step), .unit = "layers", .min = 1, .max = HX_MAX_LAYERS, .missing = 1,
	 .help = "auto: cuts at multiples of so many layers"},
	{"cores", FIELD_AXIS, 0, LIST(cores, n_cores), .min = 1, .max = 1024, .help = "auto: core counts of CPUs; left out: all"},
	{"clocks", FIELD_NUMBERS, 0, LIST(clocks, n_clocks), .min = 0.05, .max = 1,
	 .help = "shares of the profile's clocks, of all units alike; left out: 1"},
	{"gamma", FIELD_AXIS, FIELD_REQUIRED | FIELD_MIN1, LIST(gamma, n_gamma), .unit = "tokens", .min = 0, .max = 256, .help = "draft lengths"},
	{"modes", FIELD_CHOICES, 0, LIST(modes, n_modes), .choices = hx_modes, .help = "sequential, overlapped; left out: sequential"},
	{"kv_cache", FIELD_BOOL, .at = AT(kv_cache), .missing = 1, .help = "keys and values are cached"},
	{"workloads", FIELD_OBJECTS, FIELD_REQUIRED | FIELD_MIN1, LIST(workloads, n_workloads), .sub = &workload, .help = "lengths"},
	{"temperature", FIELD_NUMBER, .at = AT(temperature), .min = 0, .max = 10, .missing = 0, .help = "0: greedy"},
	{"acceptance", FIELD_OBJECTS, 0, LIST(acceptance, n_acceptance), .sub = &accept_inline_fields,
	 .help = "sources, inline or by name; the first that matches a pair is used"},
	{"baseline", FIELD_STRING, .at = AT(baseline), .help = "mapping of plain decoding to compare with; left out: the best plain one"},
	{"objectives", FIELD_CHOICES, 0, LIST(objectives, n_objectives), .choices = sweep_objectives, .help = "of keep pareto; left out: latency, memory"},
	{"constraints", FIELD_OBJECT, .at = AT(constraints), .sub = &constraints, .help = "bounds; points outside are infeasible"},
	{"keep", FIELD_STRING, .at = AT(keep), .help = "points stored: all, pareto, top:N; left out: all"},
	{"seed", FIELD_INT, .at = AT(seed), .min = 0, .max = 2147483647, .missing = 1, .help = "seed of everything random"},
	{"model", FIELD_CHOICE, .at = AT(model), .choices = sweep_models, .missing = COST_FULL, .help = "full, or eq1: the naive formula"},
	{"costs", FIELD_STRING, .at = AT(costs), .help = "measured passes, CSV or JSON of llama-bench, beside this file"},
	{0}};
const struct field_table sweep_fields = {.schema = "hexplore/sweep/1", .size = sizeof(struct sweep), .fields = rows};

int sweep_keep(const char *text, enum keep *keep, int *top, struct hx_err *err)
{
	char *end;
	long n;

	*keep = KEEP_ALL;
	if (!text || strcmp(text, "all") == 0)
		return HX_OK;
	*keep = KEEP_PARETO;
	if (strcmp(text, "pareto") == 0)
		return HX_OK;
	*keep = KEEP_TOP;
	n = strncmp(text, "top:", 4) == 0 && text[4] >= '0' && text[4] <= '9' ? strtol(text + 4, &end, 10) : 0;
	if (n < 1 || n > 1000000 || *end)
		return hx_err_set(err, HX_INPUT, "keep: must be all, pareto or top:N with N from 1 to 1000000, is '%.40s'", text);
	*top = (int)n;
	return HX_OK;
}

/* A list of one value, for a field that was left out. */
static void set_default(int **list, size_t *n, const int *values, size_t count)
{
	if (*n)
		return;
	*list = hx_xcalloc(count, sizeof(**list));
	memcpy(*list, values, count * sizeof(**list));
	*n = count;
}

static void fill_defaults(struct sweep *s)
{
	set_default(&s->modes, &s->n_modes, (int[]){HX_SEQUENTIAL}, 1);
	set_default(&s->objectives, &s->n_objectives, (int[]){OBJECTIVE_LATENCY, OBJECTIVE_MEMORY}, 2);
	set_default(&s->draft_quants, &s->n_draft_quants, s->target_quants, s->n_target_quants);
	if (!s->n_clocks) {
		s->clocks = hx_xcalloc(1, sizeof(*s->clocks));
		s->clocks[s->n_clocks++] = 1;
	}
}

int sweep_parse(struct sweep *s, const char *text, size_t len, const char *name, struct hx_err *err)
{
	char path[64];
	struct hx_err why;
	enum keep keep;
	int top, rc;

	if ((rc = field_read(s, &sweep_fields, text, len, name, err)))
		return rc;
	fill_defaults(s);
	if (sweep_keep(s->keep, &keep, &top, &why))
		rc = field_fail(text, len, name, "keep", err, "%s", why.msg + strlen("keep: "));
	for (size_t i = 0; i < s->n_clocks && !rc; i++)
		for (size_t j = 0; j < i && !rc; j++)
			if (fabs(s->clocks[i] - s->clocks[j]) < clock_step) {
				snprintf(path, sizeof(path), "clocks[%zu]", i);
				rc = field_fail(text, len, name, path, err, "is within %g of an earlier one", clock_step);
			}
	for (size_t i = 0; i < s->n_acceptance && !rc; i++) {
		snprintf(path, sizeof(path), "acceptance[%zu]", i);
		if (!s->acceptance[i].file && accept_check(&s->acceptance[i], path, &why))
			rc = field_fail(text, len, name, path, err, "%s", why.msg + strlen(path) + 2);
	}
	if (rc)
		sweep_free(s);
	return rc;
}

void sweep_free(struct sweep *s)
{
	field_free(s, &sweep_fields);
}
