/* Runners: models and a drafter put together. */
#include "device/runner.h"

#include "base/text.h"
#include "engine/cpu/pool.h"

#include <stdlib.h>
#include <string.h>

enum { NGRAM_SHORTEST = 1, NGRAM_LONGEST = 3 };

static const char exit_prefix[] = "early-exit:";

/* What the drafter's name says. */
static int read_drafter(struct runner *r, const struct runner_options *o, long *layers, struct hx_err *err)
{
	*layers = 0;
	r->speculates = o->draft != NULL;
	r->lookup = o->draft && strcmp(o->draft, "ngram") == 0;
	r->early_exit = o->draft && strncmp(o->draft, exit_prefix, sizeof(exit_prefix) - 1) == 0;
	r->mode = o->mode;
	if (o->mode == HX_OVERLAPPED && (r->lookup || r->early_exit))
		return hx_err_set(err, HX_INPUT, "overlapped drafting needs a drafter that is a model of its own, which %.40s is not", o->draft);
	if (r->early_exit)
		return text_int(o->draft + sizeof(exit_prefix) - 1, 1, HX_MAX_LAYERS, "early-exit", layers, err);
	return HX_OK;
}

static int open_target(struct runner *r, struct machine *m, const struct runner_options *o, int layers, struct hx_err *err)
{
	int rows = o->gamma + 1 > o->logit_rows ? o->gamma + 1 : o->logit_rows;
	const struct hx_engine_model want = {.path = o->target, .type = o->target_type, .like = o->target_like, .mapping = o->target_map ? o->target_map : "cpu", .text = o->text,
					     .options = {o->context, rows, o->kv_cache, layers}};
	int rc = hx_instance_open(&r->target, &m->engine, &want, err);

	if (!rc)
		rc = hx_exec_warm_up(r->target.exec, err);
	if (rc)
		return rc;
	r->lm = hx_exec_lm(r->target.exec);
	return HX_OK;
}

static int open_draft(struct runner *r, struct machine *m, const struct runner_options *o, struct hx_err *err)
{
	const char *map = o->draft_map ? o->draft_map : o->target_map ? o->target_map : "cpu";
	int rows = o->logit_rows > 1 ? o->logit_rows : 1, rc;
	const struct hx_engine_model want = {.path = o->draft, .type = o->draft_type, .like = o->draft_like, .mapping = map, .text = o->text,
					     .beside = o->mode == HX_OVERLAPPED ? &r->target : NULL, .options = {r->lm.context, rows, o->kv_cache, 0}, .shorter = true};
	struct hx_lm lm;

	rc = hx_instance_open(&r->draft, &m->engine, &want, err);
	if (!rc && o->text)
		rc = hx_tokenizer_same(r->target.tokenizer, r->draft.tokenizer, err);
	if (!rc)
		rc = hx_exec_warm_up(r->draft.exec, err);
	if (rc)
		return rc;
	lm = hx_exec_lm(r->draft.exec);
	r->lm_draft = hx_fitted_lm(&r->fitted, &lm, r->lm.vocab);
	return HX_OK;
}

int runner_open(struct runner *r, struct machine *m, const struct runner_options *o, struct hx_err *err)
{
	long layers;
	int rc;

	*r = (struct runner){0};
	rc = read_drafter(r, o, &layers, err);
	if (!rc)
		rc = open_target(r, m, o, (int)layers, err);
	if (!rc && r->early_exit)
		r->lm_draft = hx_exec_front(r->target.exec);
	else if (!rc && r->speculates && !r->lookup)
		rc = open_draft(r, m, o, err);
	if (!rc && r->speculates && o->mode == HX_OVERLAPPED)
		rc = hx_speculate_sides(&r->sides, err);
	if (rc) {
		runner_close(r);
		return rc;
	}
	if (r->lookup)
		r->drafter = hx_draft_ngram(NGRAM_SHORTEST, NGRAM_LONGEST);
	else if (r->speculates)
		r->drafter = hx_draft_model(&r->lm_draft, r->early_exit, o->min_confidence);
	return HX_OK;
}

void runner_close(struct runner *r)
{
	hx_pool_free(r->sides);
	hx_draft_free(&r->drafter);
	hx_fitted_free(&r->fitted);
	hx_instance_free(&r->draft);
	hx_instance_free(&r->target);
}

void runner_trace(struct runner *r, struct hx_trace *target, struct hx_trace *draft)
{
	hx_exec_trace(r->target.exec, target);
	if (r->draft.exec)
		hx_exec_trace(r->draft.exec, draft);
}

int runner_generate(struct runner *r, bool plain, struct hx_generate *what, struct hx_generated *out, struct hx_err *err)
{
	what->target = &r->lm;
	what->draft = plain || !r->speculates ? NULL : &r->drafter;
	what->mode = r->mode;
	what->sides = r->sides;
	if (!what->draft)
		what->gamma = 0;
	return hx_speculate(out, what, err);
}
