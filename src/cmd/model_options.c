/* Models as options name them. */
#include "cmd/model_options.h"

#include "base/text.h"
#include "cmd/cmd.h"

#include <string.h>

enum { DEFAULT_GAMMA = 4, MOST_GAMMA = 64 };

static int read_count(const char *option, const char *text, long least, long most, long missing, int *out, struct hx_err *err)
{
	long n = missing;
	int rc = text ? text_int(text, least, most, option, &n, err) : HX_OK;

	*out = (int)n;
	return rc;
}

static int read_options(struct runner_options *r, const struct model_options *o, struct hx_err *err)
{
	int rc;

	if (!o->target)
		return hx_err_set(err, HX_INPUT, "which target? --target names a GGUF file");
	r->target = o->target;
	r->draft = o->draft;
	r->target_map = o->target_map;
	r->draft_map = o->draft_map;
	r->kv_cache = !o->no_kv_cache;
	r->text = true;
	r->target_type = r->draft_type = -1;
	if ((rc = cmd_quantisation("--target-quant", o->target_quant, &r->target_type, err)) ||
	    (rc = cmd_quantisation("--draft-quant", o->draft_quant, &r->draft_type, err)) ||
	    (rc = read_count("--gamma", o->gamma, 0, MOST_GAMMA, o->draft ? DEFAULT_GAMMA : 0, &r->gamma, err)) ||
	    (rc = read_count("--context", o->context, 1, 1 << 24, 0, &r->context, err)))
		return rc;
	if (r->gamma && !o->draft)
		return hx_err_set(err, HX_INPUT, "--gamma %d needs a drafter: --draft names a GGUF file, ngram or early-exit:K", r->gamma);
	if (!r->gamma)
		r->draft = NULL;
	return HX_OK;
}

static int load_profile(struct loaded *l, const char *name, struct hx_err *err)
{
	const struct input *file;
	int rc = input_find(&l->inputs, INPUT_PROFILE, name, &file, err);

	return rc ? rc : profile_parse(&l->profile, file->text, file->len, file->path, err);
}

int model_options_load(struct loaded *l, const struct model_options *o, const struct runner_options *more, struct hx_err *err)
{
	int rc;

	*l = (struct loaded){.options = *more};
	rc = read_options(&l->options, o, err);
	if (!rc && o->profile)
		rc = load_profile(l, o->profile, err);
	if (!rc)
		rc = machine_init(&l->machine, o->profile ? &l->profile : NULL, o->kernels, err);
	if (!rc)
		rc = runner_open(&l->runner, &l->machine, &l->options, err);
	if (rc)
		model_options_free(l);
	return rc;
}

void model_options_free(struct loaded *l)
{
	runner_close(&l->runner);
	machine_free(&l->machine);
	profile_free(&l->profile);
	inputs_free(&l->inputs);
	*l = (struct loaded){0};
}
