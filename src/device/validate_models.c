/* Weights to validate with. */
#include "device/validate_models.h"

#include "engine/model.h"
#include "engine/synth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a pass costs depends on these alone. */
static int check_shape(const struct hx_shape *want, const struct hx_shape *is, const char *path, struct hx_err *err)
{
	const struct {
		const char *name;
		int want, is;
	} figures[] = {
		{"layers", want->layers, is->layers},       {"d_model", want->d_model, is->d_model}, {"heads", want->heads, is->heads},
		{"kv_heads", want->kv_heads, is->kv_heads}, {"d_head", want->d_head, is->d_head},    {"d_ff", want->d_ff, is->d_ff},
		{"vocab", want->vocab, is->vocab},          {"tied", want->tied, is->tied},          {"window", want->window, is->window}};

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (figures[i].want != figures[i].is)
			return hx_err_set(err, HX_INPUT, "'%.200s' is not %s: its %s is %d, not %d", path, want->name, figures[i].name,
					  figures[i].is, figures[i].want);
	return HX_OK;
}

static int check_given(const struct hx_shape *want, const char *path, struct hx_err *err)
{
	struct hx_model model;
	int rc = hx_model_open(&model, path, err);

	if (rc)
		return rc;
	rc = check_shape(want, &model.shape, path, err);
	hx_model_free(&model);
	return rc;
}

static int make_folder(struct validate_models *m, struct hx_err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (m->dir)
		return HX_OK;
	m->dir = hx_xasprintf("%s/hexplore.XXXXXX", tmp && *tmp ? tmp : P_tmpdir);
	if (mkdtemp(m->dir))
		return HX_OK;
	hx_err_set(err, HX_IO, "cannot make a folder '%.200s' for random weights: %s", m->dir, strerror(errno));
	free(m->dir);
	m->dir = NULL;
	return HX_IO;
}

static void remove_made(struct validate_models *m, int role)
{
	if (m->made[role].path)
		unlink(m->made[role].path);
	free(m->made[role].path);
	m->made[role].path = NULL;
}

static int make(struct validate_models *m, int role, const struct hx_shape *shape, int type, struct hx_err *err)
{
	const struct hx_synth_options options = {.type = type, .seed = m->seed + (uint64_t)role, .stop = m->stop};
	char *path;
	int rc;

	remove_made(m, role);
	if ((rc = make_folder(m, err)))
		return rc;
	path = hx_xasprintf("%s/%s.gguf", m->dir, role == VALIDATE_TARGET ? "target" : "draft");
	if ((rc = hx_synth_write(shape, &options, path, err))) {
		free(path);
		return rc;
	}
	m->made[role].path = path;
	m->made[role].shape = shape;
	m->made[role].type = type;
	return HX_OK;
}

int validate_model(struct validate_models *m, enum validate_role role, const struct hx_shape *shape, int type, const char *given,
		   const char **path, struct hx_err *err)
{
	bool made = m->made[role].path && m->made[role].shape == shape && m->made[role].type == type;
	int rc = given ? check_given(shape, given, err) : made ? HX_OK : make(m, role, shape, type, err);

	if (!rc)
		*path = given ? given : m->made[role].path;
	return rc;
}

void validate_models_free(struct validate_models *m)
{
	for (int i = 0; i < VALIDATE_ROLES; i++)
		remove_made(m, i);
	if (m->dir)
		rmdir(m->dir);
	free(m->dir);
	*m = (struct validate_models){0};
}
