/* Validation. */
#include "device/validate_internal.h"

#include "store/store_measured.h"

#include <math.h>
#include <stdlib.h>

enum { WARM_UP = 4 /* tokens */, AGAIN_LEAST = 5, AGAIN_MOST = 11 };

bool validate_stopped(const struct validate *v)
{
	return v->options.stop && *v->options.stop;
}

/* ---- models ---- */

static const char *target_map(const struct validate_job *j, const struct point *pt)
{
	return j->v->p->space->target.v[pt->target_map].text;
}

static int load_weights(struct validate_job *j, struct hx_err *err)
{
	struct validate *v = j->v;
	const struct drafter *d = validate_drafter(v, &j->pt);
	const char *given = validate_target_file(v);
	int rc = validate_model(&v->models, VALIDATE_TARGET, &v->p->study->target, j->pt.target_type, given, target_map(j, &j->pt), &j->target, err);

	j->synthesised |= !given;
	if (rc || !d || d->kind != HX_DRAFT_MODEL)
		return rc;
	given = validate_draft_file(v, &j->pt);
	j->synthesised |= !given;
	return validate_model(&v->models, VALIDATE_DRAFT, d->shape, j->pt.draft_type, given, v->p->space->draft[j->pt.drafter].v[j->pt.draft_map].text,
			      &j->draft, err);
}

static int open_runners(struct validate_job *j, struct hx_err *err)
{
	const struct predict *p = j->v->p;
	const struct drafter *d = validate_drafter(j->v, &j->pt);
	struct runner_options o = {.target = p->study->target.name,
				   .draft = d ? d->name : NULL,
				   .target_like = j->target,
				   .draft_like = j->draft,
				   .gamma = j->pt.gamma,
				   .mode = j->pt.mode,
				   .context = j->workload->prompt + j->tokens + j->ahead + 1,
				   .kv_cache = p->study->sweep.kv_cache,
				   .text = j->v->options.prompt,
				   .target_type = j->pt.target_type,
				   .draft_type = j->pt.draft_type,
				   .target_map = target_map(j, &j->pt),
				   .draft_map = j->draft ? p->space->draft[j->pt.drafter].v[j->pt.draft_map].text : NULL};
	int rc = runner_open(&j->configuration, &j->v->machine, &o, err);

	if (rc || j->one_mapping)
		return rc;
	o.target_map = target_map(j, &j->plain);
	o.draft = o.draft_map = NULL;
	o.gamma = o.mode = 0;
	return runner_open(&j->baseline, &j->v->machine, &o, err);
}

/* ---- a point ---- */

static int warm_up(struct validate_job *j, struct hx_err *err)
{
	int rc = HX_OK;

	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc; kind++) {
		struct validate_output o = {.energy_j = NAN};
		bool whole;

		rc = validate_job_generate(j, kind, WARM_UP < j->tokens ? WARM_UP : j->tokens, &o, &whole, err);
		hx_speculate_free(&o.g);
	}
	return rc;
}

static int add_memory(struct validate_job *j, struct hx_err *err)
{
	const struct point *points[] = {&j->plain, &j->pt};
	int rc = HX_OK;

	j->memory.reader = &j->v->reader;
	for (int i = 0; i < 2 && !rc; i++) {
		struct pair pair = {0};

		predict_pair(j->v->p, points[i], &pair);
		rc = validate_memory_add(&j->memory, j->v->p, &pair, &j->v->machine.engine, err);
		predict_pair_free(&pair);
	}
	return rc;
}

static int make_ready(struct validate_job *j, struct hx_err *err)
{
	int rc = load_weights(j, err);

	if (!rc)
		rc = open_runners(j, err);
	if (!rc)
		rc = validate_job_text(j, err);
	if (!rc)
		rc = warm_up(j, err);
	return rc ? rc : add_memory(j, err);
}

/* HX_INPUT, with the point's number: it cannot run. */
static int open_job(struct validate_job *j, struct validate *v, const struct point *pt, struct hx_err *err)
{
	struct hx_err why;
	int rc;

	*j = (struct validate_job){.v = v,
				   .pt = *pt,
				   .plain = space_point(v->p->space, predict_baseline(v->p, pt)->index),
				   .workload = &v->p->study->sweep.workloads[pt->workload]};
	j->one_mapping = j->plain.target_map == pt->target_map;
	j->n_prompt = j->workload->prompt;
	j->ahead = pt->gamma * (pt->mode == HX_OVERLAPPED ? 2 : 1);
	j->tokens = v->options.tokens ? v->options.tokens : j->workload->generated;
	rc = make_ready(j, &why);
	return rc ? hx_err_set(err, rc, "point %lld: %s", (long long)pt->index + 1, why.msg) : HX_OK;
}

static void close_job(struct validate_job *j)
{
	runner_close(&j->configuration);
	runner_close(&j->baseline);
	free(j->prompt);
	free(j->accepted);
}

static int measure(struct validate_job *j, double began_s, double budget_s, struct validate_result *out, struct hx_err *err)
{
	struct validate_reading now = validate_memory_read(&j->memory);
	int rc = HX_OK;

	validate_memory_await(&j->memory, began_s + budget_s / 4, j->v->options.stop, &now);
	for (int kind = STORE_BASELINE; kind <= STORE_CONFIGURATION && !rc && !out->pairs; kind++)
		rc = validate_job_trace(j, kind, &out->steps[kind], err);
	return rc ? rc : validate_job_pairs(j, began_s, budget_s, out, err);
}

int validate_point(struct validate *v, const struct point *pt, double budget_s, struct validate_result *out, struct hx_err *err)
{
	struct validate_job j;
	double began_s = hx_trace_now_s();
	struct hx_err why;
	int rc;

	v->models.keep = false;
	rc = open_job(&j, v, pt, &why);
	if (!rc)
		rc = measure(&j, began_s, budget_s, out, &why);
	close_job(&j);
	return rc && !validate_stopped(v) ? hx_err_set(err, rc, "%s", why.msg) : HX_OK;
}

void validate_result_free(struct validate_result *r)
{
	validate_steps_free(&r->steps[STORE_BASELINE]);
	validate_steps_free(&r->steps[STORE_CONFIGURATION]);
	free(r->ratios);
}

/* ---- points in turns ---- */

static int once_more(struct validate_job *j, int repeat, double until_s, bool *whole, struct hx_err *err)
{
	struct validate_output o = {.energy_j = NAN};
	struct validate_reading before = validate_memory_read(&j->memory), after;
	int rc;

	validate_memory_await(&j->memory, until_s, j->v->options.stop, &before);
	rc = validate_job_generate(j, STORE_AGAIN, j->tokens, &o, whole, err);
	after = validate_memory_read(&j->memory);
	if (*whole)
		rc = validate_job_store(j, STORE_AGAIN, repeat, validate_memory_changed(&before, &after) && hx_trace_now_s() < until_s,
					validate_memory_speed(&before, &after), &o, err);
	hx_speculate_free(&o.g);
	return rc;
}

int validate_again(struct validate *v, const struct point *points, size_t n, int first, double budget_s, struct hx_err *err)
{
	struct validate_job *jobs = hx_xcalloc(n, sizeof(*jobs));
	double until_s = hx_trace_now_s() + budget_s;
	struct hx_err why;
	bool whole = true;
	int rc = HX_OK;

	v->models.keep = true;
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_job(&jobs[i], v, &points[i], &why);
	for (int r = 0; !rc && whole && (r < AGAIN_LEAST || (r < AGAIN_MOST && hx_trace_now_s() < until_s)); r++)
		for (size_t i = 0; i < n && !rc && whole; i++)
			rc = once_more(&jobs[i], first + r, until_s, &whole, &why);
	for (size_t i = 0; i < n; i++)
		close_job(&jobs[i]);
	free(jobs);
	return rc && !validate_stopped(v) ? hx_err_set(err, rc, "%s", why.msg) : HX_OK;
}

/* ---- the run ---- */

int validate_begin(struct validate *v, struct hx_err *err)
{
	struct hx_err none;
	int rc = machine_init(&v->machine, &v->p->study->profile, NULL, err);

	if (rc)
		return rc;
	rc = validate_check_cores(v, err);
	if (!rc && v->p->study->profile.host.awake)
		rc = machine_keep_awake(&v->machine, err);
	if (rc) {
		machine_free(&v->machine);
		return rc;
	}
	energy_init(&v->energy, "");
	v->models = (struct validate_models){.engine = &v->machine.engine, .stop = v->options.stop, .seed = v->options.seed};
	if (!probe_reader_init(&v->reader, &v->machine.probe, &none))
		v->machine.engine.memory_bytes -= (double)v->reader.bytes;
	return HX_OK;
}

int validate_record(struct validate *v, const char *command, const int64_t *points, size_t n, struct hx_err *err)
{
	char *device = probe_fingerprint(&v->machine.probe);
	struct store_run_row row = {.command = command, .device = device, .seed = (int64_t)v->options.seed, .load = machine_load()};
	int rc = store_run_begin(v->store, &row, &v->run, err);

	free(device);
	return rc ? rc : store_chosen_add(v->store, v->run, v->sweep, points, n, err);
}

int validate_end(struct validate *v, bool whole, struct hx_err *err)
{
	int rc = HX_OK;

	if (whole)
		rc = store_run_end(v->store, v->run, err);
	validate_models_free(&v->models);
	free((void *)v->reader.buffer);
	machine_free(&v->machine);
	return rc;
}
