/* Reading what was measured, and predicting what belongs beside it. */
#include "cmd/measured.h"

#include "device/validate_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The repeats of the point that is being read. */
struct repeats {
	double *ratios, *token_s, *decode_s, *memory, *again_s;
	size_t n, n_again, room;
	double tokens, rounds, catch_ups; /* of the last that counts */
};

struct reading {
	struct measured_set *set;
	struct session *s;
	const struct store_run_found *run;
	struct measured now; /* id 0: no point yet */
	struct repeats of;
};

/* ---- repeats ---- */

static void make_room(struct repeats *r)
{
	double **lists[] = {&r->ratios, &r->token_s, &r->decode_s, &r->memory, &r->again_s};

	if (r->n < r->room && r->n_again < r->room)
		return;
	r->room = r->room ? 2 * r->room : 64;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		*lists[i] = hx_xrealloc(*lists[i], r->room, sizeof(**lists[i]));
}

static void free_repeats(struct repeats *r)
{
	free(r->ratios);
	free(r->token_s);
	free(r->decode_s);
	free(r->memory);
	free(r->again_s);
}

/* The prediction, had the rounds been known. */
static void realise(struct measured *m, const struct repeats *r)
{
	const struct predict *p = &m->s->predict;
	const struct baseline *base = predict_baseline(p, &m->pt);
	struct rounds rounds = {r->rounds, r->catch_ups};
	struct pair pair = {0};

	m->predicted_decode_s = m->realised = NAN;
	if (isnan(r->catch_ups) || base->index < 0)
		return;
	m->predicted_decode_s = predict_rounds_s(p, &m->pt, &pair, &rounds);
	m->realised = p->plain[base->index].tpot_s * r->tokens / m->predicted_decode_s;
	predict_pair_free(&pair);
}

/* Puts the point that was read into the set, if a pair of it counts. */
static void finish_point(struct reading *x)
{
	struct measured *m = &x->now;
	struct repeats *r = &x->of;

	if (m->id && r->n) {
		m->measured = validate_bootstrap(r->ratios, r->n, (uint64_t)x->run->seed);
		m->pairs = (int)r->n;
		m->token_s = validate_median(r->token_s, r->n);
		m->decode_s = validate_median(r->decode_s, r->n);
		m->memory = validate_median(r->memory, r->n);
		m->again_s = validate_median(r->again_s, r->n_again);
		m->tokens_per_round = r->tokens / r->rounds;
		realise(m, r);
		x->set->v = hx_xrealloc(x->set->v, x->set->n + 1, sizeof(*x->set->v));
		x->set->v[x->set->n++] = *m;
	}
	r->n = r->n_again = 0;
}

static int read_repeat(void *arg, const struct store_repeat *row)
{
	struct reading *x = arg;
	struct repeats *r = &x->of;

	if (row->point < 1 || row->point > x->s->space.size || !(row->tokens >= 1) || !(row->rounds >= 1)) /* the database may have been edited */
		return 0;
	if (row->point != x->now.id) {
		finish_point(x);
		x->now = (struct measured){.s = x->s, .id = row->point, .run = x->run->run, .pt = space_point(&x->s->space, row->point - 1)};
	}
	x->now.left_out += row->left_out && !row->again;
	if (row->left_out || (!row->again && !(row->baseline_s > 0 && row->decode_s > 0)))
		return 0;
	make_room(r);
	if (row->again) {
		r->again_s[r->n_again++] = row->decode_s / row->tokens;
		return 0;
	}
	r->token_s[r->n] = row->decode_s / row->tokens;
	r->ratios[r->n] = row->baseline_s / r->token_s[r->n];
	r->decode_s[r->n] = row->decode_s;
	r->memory[r->n++] = row->memory;
	r->tokens = row->tokens;
	r->rounds = row->rounds;
	r->catch_ups = row->catch_ups;
	x->now.synthesised |= row->synthesised;
	return 0;
}

/* ---- steps ---- */

static struct measured *find(const struct measured_set *set, size_t first, int64_t id)
{
	for (size_t i = first; i < set->n; i++)
		if (set->v[i].id == id)
			return &set->v[i];
	return NULL;
}

struct tracing {
	struct measured_set *set;
	size_t first;
};

/* share becomes the step's seconds beyond the prediction, until the whole output is known. */
static int read_step(void *arg, const struct store_subject *of, const struct store_step *step)
{
	const struct tracing *t = arg;
	struct measured *m = find(t->set, t->first, of->point);
	struct measured_step *s;

	if (!m || strncmp(step->pass, "prefill", 7) == 0)
		return 0;
	m->steps = hx_xrealloc(m->steps, m->n_steps + 1, sizeof(*m->steps));
	s = &m->steps[m->n_steps++];
	*s = (struct measured_step){.plain = of->kind == STORE_BASELINE};
	snprintf(s->pass, sizeof(s->pass), "%s", step->pass);
	snprintf(s->op, sizeof(s->op), "%s", step->op);
	snprintf(s->unit, sizeof(s->unit), "%s", step->unit);
	s->share = (double)step->n * (step->measured_s - step->predicted_s);
	if (isnan(s->share))
		s->share = 0;
	if (step->n && step->measured_s > 0)
		m->traced_s[of->kind] += (double)step->n * step->measured_s;
	return 0;
}

/* Of the output that was traced, which may have been another than those that were timed. */
static void share_out(struct measured *m)
{
	for (size_t i = 0; i < m->n_steps; i++) {
		struct measured_step *s = &m->steps[i];
		double output_s = m->traced_s[s->plain ? STORE_BASELINE : STORE_CONFIGURATION];

		s->share = output_s > 0 ? s->share / (s->plain ? -output_s : output_s) : 0;
	}
}

/* ---- predictions ---- */

static int keep_prediction(void *arg, const struct store_value *v)
{
	struct measured *m = arg;

	m->predicted = v[0].number;
	m->tpot_s = v[1].number;
	m->p05 = v[2].number;
	m->p95 = v[3].number;
	m->p_gain = v[4].number;
	return 0;
}

static int read_prediction(struct measured *m, struct hx_err *err)
{
	const char *const columns[] = {"speedup", "tpot_s", "speedup_p05", "speedup_p95", "p_gain"};
	struct store_query q = {.sweep = m->s->sweep.id,
				.columns = columns,
				.n_columns = sizeof(columns) / sizeof(*columns),
				.n_filters = 1,
				.infeasible = true,
				.filters = {{.column = "id", .op = "=", .number = (double)m->id}}};

	m->predicted = m->tpot_s = m->p05 = m->p95 = m->p_gain = NAN;
	return store_select(m->s->store, &q, keep_prediction, m, err);
}

/* The naive model knows sequential drafting alone: a point that overlaps is what it says of the same drafter in turns. */
static int predict_eq1(struct measured_set *set, size_t first, struct session *s, struct hx_err *err)
{
	struct session naive;
	int rc = session_naive(&naive, s, err);

	for (size_t i = first; i < set->n && !rc; i++) {
		struct point pt = set->v[i].pt;
		struct pair pair = {0};
		struct prediction pr;

		pt.mode = HX_SEQUENTIAL;
		predict_point(&naive.predict, &pt, &pair, &pr);
		set->v[i].eq1 = pr.speedup;
		predict_pair_free(&pair);
	}
	session_close(&naive);
	return rc;
}

int measured_add(struct measured_set *set, struct session *s, const struct store_run_found *run, bool eq1, struct hx_err *err)
{
	struct reading x = {.set = set, .s = s, .run = run};
	struct tracing t = {set, set->n};
	int rc = store_repeats(s->store, run->run, s->sweep.id, read_repeat, &x, err);

	finish_point(&x);
	free_repeats(&x.of);
	if (!rc)
		rc = store_steps(s->store, run->run, s->sweep.id, read_step, &t, err);
	for (size_t i = t.first; i < set->n && !rc; i++) {
		share_out(&set->v[i]);
		set->v[i].eq1 = NAN;
		rc = read_prediction(&set->v[i], err);
	}
	return rc || !eq1 || t.first == set->n ? rc : predict_eq1(set, t.first, s, err);
}

void measured_free(struct measured_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->v[i].steps);
	free(set->v);
	*set = (struct measured_set){0};
}

double measured_error(const struct measured *m)
{
	return m->predicted / m->measured.median - 1;
}

const struct measured_step *measured_blame(const struct measured *m)
{
	const struct measured_step *most = NULL;

	for (size_t i = 0; i < m->n_steps; i++)
		if (!most || fabs(m->steps[i].share) > fabs(most->share))
			most = &m->steps[i];
	return most && most->share != 0 ? most : NULL;
}

bool measured_agree(double a, double b)
{
	return (a > 1) == (b > 1);
}
