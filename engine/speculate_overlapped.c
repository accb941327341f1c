/* The overlapped loop: while the target verifies the drafts at hand, the drafter drafts on behind them, on a thread of its own. */
#include "engine/cpu/pool.h"
#include "engine/speculate_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Threads: the caller's, which has the target verify, and the drafter's. */
enum { VERIFIES, DRAFTS, SIDES };

struct overlap {
	struct hx_loop *l;
	struct hx_pool *sides;
	struct hx_sampler sampler; /* the drafter's: how far it gets depends on time, so what it draws comes from the position */
	int *text;   /* the drafter's own: drafts are behind it */
	float *q[2]; /* gamma x vocab, by turns */
	int turn;
	bool at_hand; /* there are drafts to verify, maybe none */
	bool bets;    /* what is being drafted goes on behind them: then the target adds no token */
	struct hx_proposal hand, made; /* drafts that are verified, and that are being made */
	int behind, wanted; /* made behind so many tokens; so many at most */
	atomic_bool stop;   /* no further draft is begun */
	int status[SIDES];
	struct hx_err err[SIDES];
};

/* One by one, so that one at most is waited for when they are no longer wanted. */
static int draft(struct overlap *o, struct hx_err *err)
{
	const struct hx_draft *d = o->l->what->draft;
	const size_t vocab = (size_t)o->l->target->vocab;

	o->made = (struct hx_proposal){.tokens = o->text + o->behind};
	while (o->made.n < o->wanted && !atomic_load(&o->stop)) {
		const int n = o->behind + o->made.n;
		struct hx_proposal one;
		int rc;

		hx_sample_seek(&o->sampler, n);
		rc = d->propose(d->self, o->text, n, 1, &o->sampler, &one, err);
		if (rc || !one.n)
			return rc;
		o->text[n] = one.tokens[0];
		if (one.q) {
			memcpy(o->q[o->turn] + (size_t)o->made.n * vocab, one.q, vocab * sizeof(*one.q));
			o->made.q = o->q[o->turn];
		}
		o->made.n++;
	}
	return HX_OK;
}

static int verify(struct overlap *o, struct hx_err *err)
{
	struct hx_loop *l = o->l;
	int rc = hx_speculate_verify(l, &o->hand, !o->bets, err);

	if (rc || !l->all_right)
		atomic_store(&o->stop, true);
	if (!rc)
		hx_speculate_emit(l);
	if (l->stopped)
		atomic_store(&o->stop, true);
	return rc;
}

static void work(void *arg, int side, int sides)
{
	struct overlap *o = arg;

	(void)sides;
	if (side == DRAFTS)
		o->status[side] = draft(o, &o->err[side]);
	else if (o->at_hand)
		o->status[side] = verify(o, &o->err[side]);
}

/* Drafting alone where nothing is at hand; else verifying, and drafting on beside it where that may be of use: a drafter that stopped early, or that has no room
 * for more, would not know how to go on. */
static int step(struct overlap *o, struct hx_err *err)
{
	struct hx_loop *l = o->l;
	const struct hx_generate *what = l->what;
	int room;

	o->bets = o->at_hand && o->hand.n == what->gamma;
	o->behind = l->n + (o->bets ? what->gamma : 0);
	room = l->end - o->behind - 1; /* the target adds the last token */
	o->wanted = o->at_hand && !o->bets ? 0 : what->gamma < room ? what->gamma : room;
	atomic_store(&o->stop, false);
	hx_pool_run(o->sides, work, o);
	hx_speculate_lap(l, HX_DRAFTING);
	for (int side = 0; side < SIDES; side++)
		if (o->status[side]) {
			*err = o->err[side];
			return o->status[side];
		}
	if (!o->at_hand || (o->bets && l->all_right)) {
		o->hand = o->made;
		o->turn = !o->turn;
		o->at_hand = true;
		return HX_OK;
	}
	o->text[l->n - 1] = l->text[l->n - 1];
	what->draft->settle(what->draft->self, l->n);
	o->at_hand = false;
	return HX_OK;
}

int hx_speculate_sides(struct hx_pool **out, struct hx_err *err)
{
	int rc = hx_pool_create(out, SIDES, NULL, err);

	if (rc)
		return rc;
	hx_pool_keep(*out);
	/* whoever waits must not take a processor that a device wants; and where processors are virtual, the host stops those that pause for long, for a millisecond */
	hx_pool_rest(*out);
	return HX_OK;
}

int hx_speculate_overlapped(struct hx_loop *l, struct hx_err *err)
{
	const size_t q = (size_t)l->what->gamma * (size_t)l->target->vocab * sizeof(float);
	struct overlap o = {.l = l, .sides = l->what->sides};
	int rc = o.sides ? HX_OK : hx_speculate_sides(&o.sides, err);

	if (rc)
		return rc;
	hx_sample_init(&o.sampler, &l->what->sampling, l->target->vocab);
	o.text = hx_xmalloc((size_t)l->end * sizeof(*o.text));
	memcpy(o.text, l->text, (size_t)l->n * sizeof(*o.text));
	for (int i = 0; i < 2 && !hx_sample_greedy(&o.sampler); i++)
		o.q[i] = hx_xmalloc(q);
	while (!rc && !l->stopped && l->n < l->end)
		rc = step(&o, err);
	if (!l->what->sides)
		hx_pool_free(o.sides);
	hx_sample_free(&o.sampler);
	free(o.text);
	free(o.q[0]);
	free(o.q[1]);
	return rc;
}
