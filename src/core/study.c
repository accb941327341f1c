/* Loading a study: the profile, the sweep, and what the sweep names. */
#include "core/study.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_shape(struct hx_shape *s, struct inputs *in, const char *name, struct hx_err *err)
{
	const struct input *file;
	int rc = input_find(in, INPUT_MODEL, name, &file, err);

	return rc ? rc : shape_parse(s, file->text, file->len, file->path, err);
}

int study_fail(const struct study *st, struct hx_err *err, const char *path, const char *message)
{
	return field_fail(st->file->text, st->file->len, st->file->path, path, err, "%s", message);
}

static int load_drafter(struct study *st, struct drafter *d, struct inputs *in, const char *name, struct hx_err *err)
{
	static const char exit_prefix[] = "early-exit:";
	long layers;
	int rc;

	if (strcmp(name, "ngram") == 0) {
		*d = (struct drafter){HX_DRAFT_NGRAM, hx_xstrdup(name), NULL, 0};
		return HX_OK;
	}
	if (strncmp(name, exit_prefix, strlen(exit_prefix)) == 0) {
		rc = text_int(name + strlen(exit_prefix), 1, st->target.layers - 1, name, &layers, err);
		if (!rc)
			*d = (struct drafter){HX_DRAFT_EXIT, hx_xstrdup(name), &st->target, (int)layers};
		return rc;
	}
	*d = (struct drafter){.kind = HX_DRAFT_MODEL, .shape = hx_xcalloc(1, sizeof(*d->shape))};
	if ((rc = load_shape(d->shape, in, name, err)))
		return rc;
	d->name = hx_xstrdup(d->shape->name);
	d->layers = d->shape->layers;
	if (strcmp(d->shape->tokenizer, st->target.tokenizer) != 0)
		return hx_err_set(err, HX_INPUT, "%s cannot draft for %s: its vocabulary is %s, the target's is %s", d->name, st->target.name,
				  d->shape->tokenizer, st->target.tokenizer);
	return HX_OK;
}

static int load_drafters(struct study *st, struct inputs *in, struct hx_err *err)
{
	char path[32];
	struct hx_err why;
	int rc = HX_OK;

	st->drafters = hx_xcalloc(st->sweep.n_drafters, sizeof(*st->drafters));
	for (size_t i = 0; i < st->sweep.n_drafters && !rc; i++)
		if ((rc = load_drafter(st, &st->drafters[i], in, st->sweep.drafters[i], &why))) {
			snprintf(path, sizeof(path), "drafters[%zu]", i);
			study_fail(st, err, path, why.msg);
		}
	return rc;
}

/* Replaces a source that was given by name with the file's contents. */
static int load_source(struct accept *a, struct inputs *in, struct hx_err *err)
{
	const struct input *file;
	struct accept loaded;
	int rc;

	if (!a->file)
		return HX_OK;
	rc = input_find(in, INPUT_ACCEPTANCE, a->file, &file, err);
	if (!rc)
		rc = accept_parse(&loaded, file->text, file->len, file->path, err);
	if (rc)
		return rc;
	accept_free(a);
	*a = loaded;
	return HX_OK;
}

/* One source for every pair: what was typed is a number or a name. */
static int replace_acceptance(struct study *st, const char *text, struct hx_err *err)
{
	struct sweep *sw = &st->sweep;
	char *end;
	double alpha = strtod(text, &end);

	if (end != text && !*end && !(alpha >= 0 && alpha <= 1))
		return hx_err_set(err, HX_INPUT, "--acceptance: must be in [0, 1] or name a source, is '%.40s'", text);
	for (size_t i = 0; i < sw->n_acceptance; i++)
		accept_free(&sw->acceptance[i]);
	sw->acceptance = hx_xrealloc(sw->acceptance, 1, sizeof(*sw->acceptance));
	sw->n_acceptance = 1;
	sw->acceptance[0] = accept_constant(alpha);
	if (end == text || *end)
		sw->acceptance[0].file = hx_xstrdup(text);
	return HX_OK;
}

static int load_acceptance(struct study *st, struct inputs *in, const char *change, struct hx_err *err)
{
	struct sweep *sw = &st->sweep;
	int rc = change ? replace_acceptance(st, change, err) : HX_OK;

	for (size_t i = 0; i < sw->n_acceptance && !rc; i++)
		rc = load_source(&sw->acceptance[i], in, err);
	if (rc || !change)
		return rc;
	/* what was typed is meant for every pair, whatever the file was measured on */
	sw->acceptance[0].temperature = sw->temperature;
	free(sw->acceptance[0].target);
	free(sw->acceptance[0].drafter);
	free(sw->acceptance[0].target_quant);
	free(sw->acceptance[0].draft_quant);
	sw->acceptance[0].target = sw->acceptance[0].drafter = sw->acceptance[0].target_quant = sw->acceptance[0].draft_quant = NULL;
	return HX_OK;
}

static bool studied(const struct study *st, const char *model)
{
	for (size_t i = 0; i < st->sweep.n_drafters; i++)
		if (strcmp(st->drafters[i].name, model) == 0)
			return true;
	return strcmp(st->target.name, model) == 0;
}

/* A table may hold other models, but every unit must be the profile's, and something must be of use. */
static int check_costs(const struct study *st, const char *path, struct hx_err *err)
{
	size_t used = 0;

	for (size_t i = 0; i < st->costs.n; i++) {
		const struct cost_row *r = &st->costs.rows[i];

		if (profile_unit(&st->profile, r->unit) < 0)
			return hx_err_set(err, HX_INPUT, "%s:%d: profile '%s' has no unit '%.64s'", path, r->line, st->profile.name, r->unit);
		used += studied(st, r->model);
	}
	if (!used)
		return hx_err_set(err, HX_INPUT, "%s: no row is of %s or of its drafters", path, st->target.name);
	return HX_OK;
}

/* By the text itself: JSON is llama-bench's, all else CSV. */
static int parse_costs(struct study *st, const struct input *file, struct hx_err *err)
{
	const struct hx_shape **shapes;
	struct costs_models models = {.profile = &st->profile, .n = 1};
	int rc;

	if (!costs_llama_bench(file->text))
		return costs_parse(&st->costs, file->text, file->len, file->path, err);
	models.shapes = shapes = hx_xcalloc(st->sweep.n_drafters + 1, sizeof(*shapes));
	shapes[0] = &st->target;
	for (size_t i = 0; i < st->sweep.n_drafters; i++)
		if (st->drafters[i].kind == HX_DRAFT_MODEL)
			shapes[models.n++] = st->drafters[i].shape;
	rc = costs_llama_bench_parse(&st->costs, &models, file->text, file->len, file->path, err);
	free(shapes);
	return rc;
}

/* A relative path in a sweep file is meant beside that file. */
static int load_costs(struct study *st, struct inputs *in, const char *change, struct hx_err *err)
{
	const char *name = change ? change : st->sweep.costs, *slash = strrchr(st->file->path, '/');
	const struct input *file;
	char *beside;
	int rc;

	if (!name)
		return HX_OK;
	if (!change && slash && *name != '/')
		beside = hx_xasprintf("%.*s/%s", (int)(slash - st->file->path), st->file->path, name);
	else
		beside = hx_xstrdup(name);
	rc = input_find(in, INPUT_COSTS, beside, &file, err);
	free(beside);
	if (!rc)
		rc = parse_costs(st, file, err);
	return rc ? rc : check_costs(st, file->path, err);
}

int study_load(struct study *st, struct inputs *in, const char *profile, const char *sweep, const struct study_changes *changes, struct hx_err *err)
{
	const struct input *file;
	struct hx_err why;
	int rc;

	memset(st, 0, sizeof(*st));
	if ((rc = input_find(in, INPUT_PROFILE, profile, &file, err)) ||
	    (rc = profile_parse(&st->profile, file->text, file->len, file->path, err)))
		goto out;
	if ((rc = input_find(in, INPUT_SWEEP, sweep, &file, err)) || (rc = sweep_parse(&st->sweep, file->text, file->len, file->path, err)))
		goto out;
	st->file = file;
	if ((rc = load_shape(&st->target, in, st->sweep.target, &why))) {
		study_fail(st, err, "target", why.msg);
		goto out;
	}
	if ((rc = load_drafters(st, in, err)) || (rc = load_acceptance(st, in, changes->acceptance, err)))
		goto out;
	rc = load_costs(st, in, changes->costs, err);
out:
	if (rc)
		study_free(st);
	return rc;
}

void study_free(struct study *st)
{
	for (size_t i = 0; st->drafters && i < st->sweep.n_drafters; i++) {
		struct drafter *d = &st->drafters[i];

		free(d->name);
		if (d->kind == HX_DRAFT_MODEL && d->shape) {
			shape_free(d->shape);
			free(d->shape);
		}
	}
	free(st->drafters);
	costs_free(&st->costs);
	shape_free(&st->target);
	sweep_free(&st->sweep);
	profile_free(&st->profile);
	memset(st, 0, sizeof(*st));
}

int study_acceptance(const struct study *st, int target_type, int drafter, int draft_type)
{
	for (size_t i = 0; i < st->sweep.n_acceptance; i++)
		if (accept_matches(&st->sweep.acceptance[i], st->target.name, target_type, st->drafters[drafter].name, draft_type, st->sweep.temperature))
			return (int)i;
	return -1;
}
