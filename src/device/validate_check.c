/* What of a sweep can be validated on this machine. */
#include "device/validate_internal.h"

#include <string.h>

static const char *core_of(const struct probe *p, int cpu)
{
	for (int i = 0; i < p->n_clusters; i++)
		for (int k = 0; k < p->clusters[i].n; k++)
			if (p->clusters[i].cpus[k] == cpu)
				return p->clusters[i].core;
	return "unknown";
}

int validate_check_cores(const struct validate *v, struct hx_err *err)
{
	const struct profile *p = &v->p->study->profile;

	for (size_t i = 0; i < p->n_units; i++)
		for (size_t k = 0; v->machine.engine.cpus[i] && k < p->units[i].n_affinity; k++) {
			const char *core = core_of(&v->machine.probe, p->units[i].affinity[k]);

			if (strcmp(core, p->units[i].core))
				return hx_err_set(err, HX_INPUT,
						  "profile '%s' is of another machine: its %s is a %s, CPU %d here a %s; 'hexplore "
						  "calibrate' makes a profile "
						  "of this machine",
						  p->name, p->units[i].is.name, p->units[i].core, p->units[i].affinity[k], core);
		}
	return HX_OK;
}

const struct drafter *validate_drafter(const struct validate *v, const struct point *pt)
{
	return pt->drafter < 0 ? NULL : &v->p->study->drafters[pt->drafter];
}

/* Every unit of a mapping must be one that the engine has processors for, or a device. */
static int check_units(const struct validate *v, const struct hx_mapping *m, struct hx_err *err)
{
	for (int i = 0; i < m->n_uses; i++) {
		int unit = m->uses[i].unit;

		if (v->machine.engine.cpus[unit] || v->machine.engine.devices[unit].wanted)
			continue;
		return hx_err_set(err, HX_INPUT, "%s: the engine cannot run %s here: %s", m->text, v->p->study->profile.units[unit].is.name,
				  v->p->study->profile.units[unit].is.kind == HX_CPU ? "the profile does not tell its CPUs (affinity)"
										     : "the profile does not tell its OpenCL device");
	}
	return HX_OK;
}

/* The file that the sweep itself names as a model, if it is one with weights. */
static const char *own_file(const struct validate *v, const char *model)
{
	for (size_t i = 0; i < v->in->n; i++) {
		const struct input *in = v->in->items[i];

		if (in->kind == INPUT_MODEL && strcmp(in->name, model) == 0 && input_is_gguf(in->path))
			return in->path;
	}
	return NULL;
}

const char *validate_target_file(const struct validate *v)
{
	return v->options.target ? v->options.target : own_file(v, v->p->study->sweep.target);
}

const char *validate_draft_file(const struct validate *v, const struct point *pt)
{
	return v->options.draft ? v->options.draft : own_file(v, v->p->study->sweep.drafters[pt->drafter]);
}

/* A text needs models that can read it, and drafters that look into it need a text. */
static int check_text(const struct validate *v, const struct point *pt, struct hx_err *err)
{
	const struct drafter *d = validate_drafter(v, pt);

	if (!v->options.prompt && d && d->kind == HX_DRAFT_NGRAM)
		return hx_err_set(
			err, HX_INPUT,
			"what ngram drafts depends on the text, so its acceptance cannot be imposed: give a model and a text with "
			"--target and --prompt");
	if (!v->options.prompt)
		return HX_OK;
	if (!validate_target_file(v))
		return hx_err_set(err, HX_INPUT, "--prompt: random weights say nothing of a text; give the target's with --target");
	if (d && d->kind == HX_DRAFT_MODEL && !validate_draft_file(v, pt))
		return hx_err_set(err, HX_INPUT, "--prompt: random weights say nothing of a text; give the drafter's with --draft");
	return HX_OK;
}

static int check_point(struct validate *v, const struct point *pt, struct hx_err *err)
{
	const struct baseline *base = predict_baseline(v->p, pt);
	const struct drafter *d = validate_drafter(v, pt);
	struct prediction pr;
	struct pair pair = {0};
	char reason[192];
	int rc;

	predict_point(v->p, pt, &pair, &pr);
	predict_pair_free(&pair);
	if (!pr.feasible)
		return hx_err_set(err, HX_INPUT, "it cannot run: %s", predict_reason(v->p, pt, &pr.refusal, reason, sizeof(reason)));
	if (base->index < 0)
		return hx_err_set(err, HX_INPUT, "it has no baseline: no plain decoding of this quantisation can run");
	rc = check_units(v, &v->p->space->target.v[pt->target_map], err);
	if (!rc)
		rc = check_units(v, &v->p->space->target.v[space_point(v->p->space, base->index).target_map], err);
	if (!rc && d && d->kind == HX_DRAFT_MODEL)
		rc = check_units(v, &v->p->space->draft[pt->drafter].v[pt->draft_map], err);
	return rc ? rc : check_text(v, pt, err);
}

int validate_check(struct validate *v, const struct point *pt, struct hx_err *err)
{
	struct hx_err why;
	int rc = check_point(v, pt, &why);

	return rc ? hx_err_set(err, rc, "point %lld: %s", (long long)pt->index + 1, why.msg) : HX_OK;
}
