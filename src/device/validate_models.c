/* Weights to validate with. */
#include "device/validate_models.h"

#include "device/random_model.h"

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

static int load(struct validate_models *m, struct validate_held *held, const struct hx_shape *shape, int type, const char *path, const char *mapping,
		struct hx_err *err)
{
	const struct hx_engine_model want = {.path = path, .type = type, .mapping = mapping, .options = {.context = 1, .logit_rows = 1, .kv_cache = true}};
	int rc = hx_instance_open(&held->loaded, m->engine, &want, err);

	if (rc)
		return rc;
	held->shape = shape;
	held->type = type;
	return HX_OK;
}

static int load_random(struct validate_models *m, struct validate_held *held, uint64_t seed, const struct hx_shape *shape, int type, const char *mapping,
		       struct hx_err *err)
{
	const struct hx_synth_options options = {.type = type, .seed = seed, .stop = m->stop};
	struct random_model file;
	int rc = random_model_write(&file, shape, &options, err);

	if (rc)
		return rc;
	rc = load(m, held, shape, type, file.path, mapping, err);
	random_model_remove(&file); /* it stays mapped */
	return rc;
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

static void drop(struct validate_held *held)
{
	if (held->shape)
		hx_instance_free(&held->loaded);
	held->shape = NULL;
}

/* The place of what is wanted, or where it can be loaded. */
static struct validate_held *place(struct validate_models *m, enum validate_role role, const struct hx_shape *shape, int type)
{
	struct validate_held *held = m->held[role], *empty = NULL;

	for (int i = 0; i < VALIDATE_HELD; i++) {
		if (held[i].shape == shape && held[i].type == type)
			return &held[i];
		if (!held[i].shape && !empty)
			empty = &held[i];
	}
	for (int i = 0; i < VALIDATE_HELD && !m->keep; i++)
		drop(&held[i]);
	return m->keep ? empty : held;
}

int validate_model(struct validate_models *m, enum validate_role role, const struct hx_shape *shape, int type, const char *given, const char *mapping,
		   const struct hx_instance **out, struct hx_err *err)
{
	struct validate_held *held = place(m, role, shape, type);
	int rc;

	*out = &held->loaded;
	if (held->shape)
		return HX_OK;
	if (!given)
		return load_random(m, held, m->seed + (uint64_t)role, shape, type, mapping, err);
	rc = check_given(shape, given, err);
	return rc ? rc : load(m, held, shape, type, given, mapping, err);
}

void validate_models_free(struct validate_models *m)
{
	for (int i = 0; i < VALIDATE_ROLES; i++)
		for (int k = 0; k < VALIDATE_HELD; k++)
			drop(&m->held[i][k]);
}
