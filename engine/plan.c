/* Plans: the passes of a round, and its schedule. */
#include "engine/plan.h"

const char *const hx_modes[] = {"sequential", "overlapped", NULL};
const char *const hx_pass_names[] = {"prefill target", "prefill drafter", "draft", "catch-up", "front", "verify", NULL};

static void add_pass(struct hx_plan *p, int kind, int chain, int rows, int logit_rows)
{
	p->passes[p->n_passes++] = (struct hx_pass){kind, chain, rows, logit_rows};
}

static void add_step(struct hx_plan *p, int pass, int times, int together, const char *note)
{
	p->steps[p->n_steps++] = (struct hx_step){pass, times, together, note};
}

static void set_exit(struct hx_plan *p)
{
	add_pass(p, HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1);
	add_pass(p, HX_PASS_FRONT, HX_CHAIN_FRONT, 1, 0);
	add_pass(p, HX_PASS_VERIFY, HX_CHAIN_TAIL, p->gamma + 1, p->gamma + 1);
	add_step(p, HX_PASS_DRAFT, p->gamma, 0, "token ids are read back");
	add_step(p, HX_PASS_FRONT, 1, 1, "first layers of the last draft; those of the others are cached");
	add_step(p, HX_PASS_VERIFY, 1, 2, "the remaining layers, for all rows");
	add_step(p, -1, 1, 3, "accept, roll the cache back");
}

static void set_overlapped(struct hx_plan *p)
{
	add_pass(p, HX_PASS_PREFILL_DRAFT, HX_CHAIN_DRAFT, 0, 0);
	add_pass(p, HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1);
	/* the bonus token is given up, so gamma rows do */
	add_pass(p, HX_PASS_VERIFY, HX_CHAIN_TARGET, p->gamma, p->gamma);
	add_step(p, HX_PASS_VERIFY, 1, 0, "of the drafts at hand");
	add_step(p, HX_PASS_DRAFT, p->gamma, 0, "of the next round, betting that all are accepted");
	add_step(p, -1, 1, 1, "accept; after a rejection roll both caches back");
	add_step(p, HX_PASS_DRAFT, p->gamma, 2, "again, only after a rejection");
}

static void set_sequential(struct hx_plan *p)
{
	add_pass(p, HX_PASS_PREFILL_DRAFT, HX_CHAIN_DRAFT, 0, 0);
	add_pass(p, HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1);
	add_pass(p, HX_PASS_CATCH_UP, HX_CHAIN_DRAFT, 2, 1);
	add_pass(p, HX_PASS_VERIFY, HX_CHAIN_TARGET, p->gamma + 1, p->gamma + 1);
	add_step(p, HX_PASS_DRAFT, p->gamma, 0, "token ids are read back");
	add_step(p, HX_PASS_CATCH_UP, 1, 0, "instead of the first draft, after a fully accepted round");
	add_step(p, HX_PASS_VERIFY, 1, 1, "token ids are read back");
	add_step(p, -1, 1, 2, "accept, roll both caches back");
}

static void set_without_model(struct hx_plan *p)
{
	int step = 0;

	add_pass(p, HX_PASS_VERIFY, HX_CHAIN_TARGET, p->gamma + 1, p->gamma + 1);
	if (p->drafter == HX_DRAFT_NGRAM)
		add_step(p, -1, 1, step++, "look the last tokens up in prompt and output");
	add_step(p, HX_PASS_VERIFY, 1, step++, p->gamma ? "token ids are read back" : "one row: plain decoding");
	add_step(p, -1, 1, step, p->gamma ? "accept, roll the cache back" : "take the token");
}

void hx_plan_set_gamma(struct hx_plan *p, int gamma)
{
	p->gamma = gamma;
	p->n_passes = p->n_steps = 0;
	add_pass(p, HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1);
	if (p->drafter == HX_DRAFT_EXIT)
		set_exit(p);
	else if (p->drafter != HX_DRAFT_MODEL)
		set_without_model(p);
	else if (p->mode == HX_OVERLAPPED)
		set_overlapped(p);
	else
		set_sequential(p);
}

static size_t first_op_of_layer(const struct hx_graph *g, int layer)
{
	size_t i = 1;

	while (hx_graph_layer(g, i) >= 0 && hx_graph_layer(g, i) < layer)
		i++;
	return i;
}

void hx_plan_init(struct hx_plan *p, int drafter, const struct hx_graph *target, const struct hx_graph *draft, int gamma, int mode, bool kv_cache)
{
	*p = (struct hx_plan){.drafter = drafter, .mode = mode, .kv_cache = kv_cache};
	p->chains[HX_CHAIN_TARGET] = &target->whole;
	p->chains[HX_CHAIN_DRAFT] = draft ? &draft->whole : NULL;
	if (drafter == HX_DRAFT_EXIT) {
		size_t cut = first_op_of_layer(target, draft->layers);

		hx_chain_init(&p->front, target, 0, cut);
		hx_chain_init(&p->tail, target, cut, target->n_ops - cut);
		p->chains[HX_CHAIN_FRONT] = &p->front;
		p->chains[HX_CHAIN_TAIL] = &p->tail;
	}
	hx_plan_set_gamma(p, gamma);
}

void hx_plan_free(struct hx_plan *p)
{
	hx_chain_free(&p->front);
	hx_chain_free(&p->tail);
	*p = (struct hx_plan){0};
}

const struct hx_pass *hx_plan_pass(const struct hx_plan *p, int kind)
{
	for (int i = 0; i < p->n_passes; i++)
		if (p->passes[i].kind == kind)
			return &p->passes[i];
	return NULL;
}
