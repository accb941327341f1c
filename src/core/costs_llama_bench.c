/* Measured forward passes from the JSON of llama.cpp's llama-bench. The format is its own: keys come and go between versions, and most of
 * them say nothing of a pass's price. */
#include "base/field.h"
#include "core/costs.h"
#include "core/profile.h"
#include "engine/shape.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CPUS_MAX = 4096,       /* of a mask: beyond what a string may hold */
	OFFLOADED_PROMPT = 32, /* tokens from which llama.cpp computes even host layers on a GPU */
};
static const double same_params = 0.005; /* relative: files hold a few small tensors more, such as rotary frequencies */

/* A test as llama-bench reports it. */
struct test {
	char *model_type, *backends, *gpu_info, *devices, *cpu_mask, *type_k, *type_v, *overrides;
	double model_n_params, avg_ns, *samples_ns;
	size_t n_samples;
	int n_prompt, n_gen, n_depth, n_threads, n_gpu_layers, fit_target, fit_context;
	bool no_kv_offload, embeddings;
};

struct report {
	struct test *tests;
	size_t n;
};

#define AT(member) .at = offsetof(struct test, member)

static const struct field test_rows[] = {
	{"model_type", FIELD_STRING, FIELD_REQUIRED, AT(model_type), .help = "llama-bench: architecture, size and quantisation"},
	{"model_n_params", FIELD_NUMBER, FIELD_REQUIRED, AT(model_n_params), .min = 1, .max = 1e15,
	 .help = "llama-bench: parameters of the model"},
	{"backends", FIELD_STRING, FIELD_REQUIRED, AT(backends), .help = "llama-bench: CPU, or what else it was built for"},
	{"gpu_info", FIELD_STRING, AT(gpu_info), .help = "GPUs found"},
	{"devices", FIELD_STRING, AT(devices), .help = "devices used"},
	{"n_threads", FIELD_INT, FIELD_REQUIRED, AT(n_threads), .min = 1, .max = 1024, .help = "llama-bench: CPU threads"},
	{"cpu_mask", FIELD_STRING, AT(cpu_mask), .help = "CPUs they ran on, hexadecimal"},
	{"n_gpu_layers", FIELD_INT, FIELD_REQUIRED, AT(n_gpu_layers), .min = INT_MIN, .max = INT_MAX,
	 .help = "llama-bench: layers on the GPU"},
	{"fit_target", FIELD_INT, AT(fit_target), .min = INT_MIN, .max = INT_MAX, .help = "memory left free, by moving layers off the GPU"},
	{"fit_min_ctx", FIELD_INT, AT(fit_context), .min = INT_MIN, .max = INT_MAX, .help = "context made to fit, likewise"},
	{"no_kv_offload", FIELD_BOOL, AT(no_kv_offload), .help = "cache kept from the GPU"},
	{"tensor_buft_overrides", FIELD_STRING, AT(overrides), .help = "tensors kept from the GPU"},
	{"type_k", FIELD_STRING, AT(type_k), .help = "type of the key cache"},
	{"type_v", FIELD_STRING, AT(type_v), .help = "type of the value cache"},
	{"embeddings", FIELD_BOOL, AT(embeddings), .help = "embeddings instead of logits"},
	{"n_prompt", FIELD_INT, FIELD_REQUIRED, AT(n_prompt), .unit = "tokens", .max = 1e6, .help = "llama-bench: prompt evaluated"},
	{"n_gen", FIELD_INT, FIELD_REQUIRED, AT(n_gen), .unit = "tokens", .max = 1e6, .help = "llama-bench: tokens generated"},
	{"n_depth", FIELD_INT, AT(n_depth), .unit = "tokens", .max = 1e9, .help = "cached before"},
	{"avg_ns", FIELD_NUMBER, FIELD_REQUIRED, AT(avg_ns), .unit = "ns", .min = 1, .max = 1e15,
	 .help = "llama-bench: mean time of the test"},
	{"samples_ns", FIELD_NUMBERS, 0, AT(samples_ns), .count_at = offsetof(struct test, n_samples), .unit = "ns", .min = 1, .max = 1e15,
	 .help = "time of each repetition"},
	{0}};
static const struct field_table test_fields = {.size = sizeof(struct test), .foreign = true, .fields = test_rows};
static const struct field report_rows[] = {{"", FIELD_OBJECTS, .at = offsetof(struct report, tests), .count_at = offsetof(struct report, n),
					    .sub = &test_fields, .help = "tests"},
					   {0}};
static const struct field_table report_fields = {.size = sizeof(struct report), .list = true, .fields = report_rows};

/* Names of backends that are not a GPU, and whether they are the CPU. */
static const struct {
	const char *name;
	bool cpu;
} backends[] = {{"CPU", true}, {"BLAS", true}, {"ZenDNN", true}, {"RPC", false}, {"HTP", false}, {"CANN", false}, {"OPENVINO", false}};

struct reader {
	const struct costs_models *models;
	const char *text, *name;
	size_t len;
	struct hx_err *err;
};

/* Why a test is none of ours, and the field that says so. */
struct unfit {
	const char *field, *why;
};

static int fail(const struct reader *r, size_t i, const char *field, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "[%zu].%s", i, field);
	return field_fail(r->text, r->len, r->name, path, r->err, "%s", what);
}

/* Whether an optional text is there and says something else. */
static bool is_other(const char *text, const char *usual)
{
	return text && strcmp(text, usual) != 0;
}

/* ---- what was measured ---- */

/* The last word that names a type: `llama 3B Q4_0`, `qwen2 1B Q4_K - Medium`, `llama 7B mostly Q4_0 (guessed)`; -1: none. */
static int type_of(const char *model_type)
{
	int found = -1;

	for (const char *s = model_type; *s; s += *s == ' ') {
		char word[16];
		size_t n = strcspn(s, " ");

		for (size_t i = 0; i < n && n < sizeof(word); i++)
			word[i] = (char)tolower((unsigned char)s[i]);
		word[n < sizeof(word) ? n : 0] = '\0';
		if (hx_shape_type(word) >= 0)
			found = hx_shape_type(word);
		s += n;
	}
	return found;
}

/* Architecture and number of parameters: a model that differs only in whether its head is tied has another number. */
static bool is_of(const struct test *t, const struct hx_shape *s)
{
	size_t n = strlen(s->family);
	double params = (double)hx_shape_params(s);

	return strncmp(t->model_type, s->family, n) == 0 && t->model_type[n] == ' ' &&
	       fabs(t->model_n_params - params) <= same_params * params;
}

/* The study's model of a test; NULL: none. */
static int find_shape(const struct reader *r, size_t i, const struct test *t, const struct hx_shape **found)
{
	char what[256];

	*found = NULL;
	for (size_t m = 0; m < r->models->n; m++) {
		const struct hx_shape *s = r->models->shapes[m];

		if (!is_of(t, s) || (*found && strcmp((*found)->name, s->name) == 0))
			continue;
		if (*found) {
			snprintf(what, sizeof(what), "may be of %s or of %s; name the model in a CSV of costs instead", (*found)->name,
				 s->name);
			return fail(r, i, "model_n_params", what);
		}
		*found = s;
	}
	return HX_OK;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median of the repetitions: a first one that had to read the file, or a board that throttled, would pull the mean. */
static double seconds_of(struct test *t)
{
	size_t n = t->n_samples;

	if (!n)
		return t->avg_ns * 1e-9;
	qsort(t->samples_ns, n, sizeof(*t->samples_ns), ascending);
	return (t->samples_ns[(n - 1) / 2] + t->samples_ns[n / 2]) / 2 * 1e-9;
}

/* ---- where ---- */

enum place { ON_CPU, ON_GPU, ELSEWHERE };

static enum place place_of(const struct test *t, const struct hx_shape *s)
{
	bool gpu = false, other = false;

	for (const char *b = t->backends; *b; b += *b == ',') {
		size_t n = strcspn(b, ","), k = 0, count = sizeof(backends) / sizeof(*backends);

		while (k < count && (strlen(backends[k].name) != n || strncmp(backends[k].name, b, n) != 0))
			k++;
		gpu |= k == count;
		other |= k < count && !backends[k].cpu;
		b += n;
	}
	if ((!gpu && !other) || (t->devices && strcmp(t->devices, "none") == 0))
		return ON_CPU;
	if (t->n_gpu_layers == 0)
		return t->n_prompt < OFFLOADED_PROMPT ? ON_CPU : ELSEWHERE;
	if (other || (t->gpu_info && !*t->gpu_info) || t->no_kv_offload || is_other(t->overrides, "none"))
		return ELSEWHERE;
	if (t->fit_target || t->fit_context) /* llama.cpp then chooses other layers than it reports */
		return ELSEWHERE;
	/* the head counts as one layer more; negative: all */
	return t->n_gpu_layers < 0 || t->n_gpu_layers > s->layers ? ON_GPU : ELSEWHERE;
}

/* CPUs of a mask, bit 0 being CPU 0; -1: it is no mask. */
static int cpus_of(const char *mask, int cpus[CPUS_MAX])
{
	const char *first = mask + (strncmp(mask, "0x", 2) == 0 || strncmp(mask, "0X", 2) == 0 ? 2 : 0), *p = first + strlen(first);
	int n = 0;

	if (!*first || first[strspn(first, "0123456789abcdefABCDEF")])
		return -1;
	for (int cpu = 0; p > first; cpu += 4) {
		char digit[2] = {*--p, '\0'};
		long bits = strtol(digit, NULL, 16);

		for (int bit = 0; bit < 4; bit++)
			if (bits >> bit & 1 && n < CPUS_MAX)
				cpus[n++] = cpu + bit;
	}
	return n;
}

static bool has_cpus(const struct unit *u, const int *cpus, int n)
{
	for (int i = 0; i < n; i++) {
		size_t k = 0;

		while (k < u->n_affinity && u->affinity[k] != cpus[i])
			k++;
		if (k == u->n_affinity)
			return false;
	}
	return true;
}

/* Of one core, in the arithmetic it is best at. */
static double peak(const struct unit *u)
{
	double most = 0;

	for (int a = 0; a < ARITH_COUNT; a++)
		most = fmax(most, u->flop_per_cycle[a]); /* of a number and NAN: the number */
	return most * u->is.clock_hz;
}

/* The CPU unit of a test; *unit NULL: its mask is not of one. Without a mask the threads are taken to be on the only CPU, or on the fastest one that
 * has cores for all of them. */
static int find_cpu(const struct reader *r, size_t i, const struct test *t, const struct unit **unit)
{
	const struct profile *p = r->models->profile;
	int cpus[CPUS_MAX], n = t->cpu_mask ? cpus_of(t->cpu_mask, cpus) : 0, n_cpu = 0;
	const struct unit *only = NULL;
	char what[256];

	*unit = NULL;
	if (n < 0)
		return fail(r, i, "cpu_mask", "must be a hexadecimal number");
	for (size_t k = 0; k < p->n_units; k++) {
		const struct unit *u = &p->units[k];

		if (u->is.kind != HX_CPU)
			continue;
		only = n_cpu++ ? NULL : u;
		if (n ? has_cpus(u, cpus, n) : u->is.cores >= t->n_threads && (!*unit || peak(u) > peak(*unit)))
			*unit = u;
	}
	if (only && (!n || !only->n_affinity))
		*unit = only;
	if (!*unit && n)
		return HX_OK;
	if (!*unit)
		snprintf(what, sizeof(what), "is %d; no CPU of profile '%s' has so many cores", t->n_threads, p->name);
	else if (t->n_threads > (*unit)->is.cores)
		snprintf(what, sizeof(what), "is %d; %s has %d cores", t->n_threads, (*unit)->is.name, (*unit)->is.cores);
	else if (n && t->n_threads > n)
		snprintf(what, sizeof(what), "is %d; cpu_mask names %d CPUs", t->n_threads, n);
	else
		return HX_OK;
	return fail(r, i, "n_threads", what);
}

static int find_gpu(const struct reader *r, size_t i, const struct unit **unit)
{
	const struct profile *p = r->models->profile;
	char what[256];

	*unit = NULL;
	for (size_t k = 0; k < p->n_units; k++) {
		if (p->units[k].is.kind != HX_GPU)
			continue;
		if (*unit) {
			snprintf(what, sizeof(what), "profile '%s' has several GPUs; name the unit in a CSV of costs instead", p->name);
			return fail(r, i, "backends", what);
		}
		*unit = &p->units[k];
	}
	return HX_OK;
}

/* ---- rows ---- */

static struct unfit unfit(const struct test *t, enum place place)
{
	if (t->n_prompt && t->n_gen)
		return (struct unfit){"n_gen", "with a prompt is a mixture of passes"};
	if (type_of(t->model_type) < 0)
		return (struct unfit){"model_type", "ends in a quantisation that is not known here"};
	if (is_other(t->type_k, "f16"))
		return (struct unfit){"type_k", "is not f16"};
	if (is_other(t->type_v, "f16"))
		return (struct unfit){"type_v", "is not f16"};
	if (t->embeddings)
		return (struct unfit){"embeddings", "has no logits"};
	if (place == ELSEWHERE && t->gpu_info && !*t->gpu_info) /* some versions do not list integrated ones */
		return (struct unfit){"gpu_info", "does not tell that there was a GPU"};
	if (place == ELSEWHERE && (t->fit_target || t->fit_context))
		return (struct unfit){"fit_target", "leaves open which layers the GPU took"};
	if (place == ELSEWHERE)
		return (struct unfit){"n_gpu_layers", "leaves the pass on neither the CPU nor the GPU alone"};
	return (struct unfit){NULL, NULL};
}

/* One test into a row; none when it is of no use, and then *why says so for the first of the study's models. */
static int resolve(const struct reader *r, size_t i, struct test *t, struct costs *c, size_t *first, struct unfit *why)
{
	const struct hx_shape *shape;
	const struct unit *unit = NULL;
	struct cost_row *row;
	struct unfit no;
	enum place place;
	double context = t->n_depth;
	int rc;

	if (!t->n_prompt && !t->n_gen)
		return fail(r, i, "n_prompt", "and n_gen are 0: nothing was measured");
	if ((rc = find_shape(r, i, t, &shape)) || !shape)
		return rc;
	place = place_of(t, shape);
	no = unfit(t, place);
	if (!no.field && (rc = place == ON_GPU ? find_gpu(r, i, &unit) : find_cpu(r, i, t, &unit)))
		return rc;
	if (!no.field && !unit)
		no = place == ON_GPU ? (struct unfit){"backends", "is a GPU, which the profile has not"}
				     : (struct unfit){"cpu_mask", "names CPUs that are not those of one unit ('affinity' in the profile)"};
	if (no.field) {
		if (!why->field) {
			*why = no;
			*first = i;
		}
		return HX_OK;
	}
	if (t->n_gen) /* after n_depth, n_depth + 1, ... tokens */
		context += (t->n_gen - 1) / 2.0;
	row = &c->rows[c->n++];
	*row = (struct cost_row){.model = hx_xstrdup(shape->name),
				 .unit = hx_xstrdup(unit->is.name),
				 .type = type_of(t->model_type),
				 .cores = place == ON_GPU ? unit->is.cores : t->n_threads,
				 .rows = t->n_prompt ? t->n_prompt : 1,
				 .context = context,
				 .seconds = seconds_of(t) / (t->n_gen ? t->n_gen : 1),
				 .logit_rows = 1};
	return HX_OK;
}

/* By rows and context, as costs are kept; of one pass the fastest first. */
static int by_pass(const void *pa, const void *pb)
{
	const struct cost_row *a = pa, *b = pb;
	double diff[] = {a->rows - b->rows, a->context - b->context, strcmp(a->model, b->model), strcmp(a->unit, b->unit),
			 a->type - b->type, a->cores - b->cores,     a->seconds - b->seconds};

	for (size_t i = 0; i < sizeof(diff) / sizeof(*diff); i++)
		if (diff[i] != 0)
			return diff[i] < 0 ? -1 : 1;
	return 0;
}

static bool same_pass(const struct cost_row *a, const struct cost_row *b)
{
	struct cost_row other = *b;

	other.seconds = a->seconds;
	return by_pass(a, &other) == 0;
}

/* One pass measured with several settings, or twice: the fastest stays. */
static void drop_repeats(struct costs *c)
{
	size_t kept = 0;

	if (c->n)
		qsort(c->rows, c->n, sizeof(*c->rows), by_pass);
	for (size_t i = 0; i < c->n; i++) {
		if (kept && same_pass(&c->rows[kept - 1], &c->rows[i])) {
			free(c->rows[i].model);
			free(c->rows[i].unit);
		} else {
			c->rows[kept++] = c->rows[i];
		}
	}
	c->n = kept;
}

bool costs_llama_bench(const char *text)
{
	text += strspn(text, " \t\r\n");
	return *text == '[' || *text == '{';
}

int costs_llama_bench_parse(struct costs *c, const struct costs_models *models, const char *text, size_t len, const char *name,
			    struct hx_err *err)
{
	struct reader r = {models, text, name, len, err};
	struct report report;
	struct unfit why = {NULL, NULL};
	char what[128];
	size_t first = 0;
	int rc = field_read(&report, &report_fields, text, len, name, err);

	*c = (struct costs){0};
	if (rc)
		return rc;
	c->rows = hx_xcalloc(report.n, sizeof(*c->rows));
	for (size_t i = 0; i < report.n && !rc; i++)
		rc = resolve(&r, i, &report.tests[i], c, &first, &why);
	if (!rc && !c->n && why.field) {
		snprintf(what, sizeof(what), "%s; no other test is of use either", why.why);
		rc = fail(&r, first, why.field, what);
	} else if (!rc && !c->n) {
		rc = hx_err_set(err, HX_INPUT, "%s: no row is of %s or of its drafters", name, models->shapes[0]->name);
	}
	drop_repeats(c);
	field_free(&report, &report_fields);
	if (rc)
		costs_free(c);
	return rc;
}
