/* What a sweep's answer is drawn from. */
#include "core/findings.h"

#include <math.h>
#include <stdlib.h>

static const struct finding nothing = {-1, -1, HUGE_VAL, NAN};

void findings_init(struct findings *f, const struct predict *p)
{
	f->n = p->study->sweep.n_workloads * p->study->sweep.n_target_quants;
	f->v = hx_xcalloc(f->n, sizeof(*f->v));
	findings_clear(f);
}

void findings_free(struct findings *f)
{
	free(f->v);
	*f = (struct findings){0};
}

void findings_clear(struct findings *f)
{
	f->feasible = 0;
	for (size_t i = 0; i < f->n; i++)
		f->v[i] = nothing;
}

static void join_best(struct finding *f, int64_t index, double s)
{
	if (index >= 0 && (f->best < 0 || s < f->best_s || (s == f->best_s && index < f->best))) {
		f->best = index;
		f->best_s = s;
	}
}

/* A known need for memory goes before none, less before more, the first before others. */
static void join_refused(struct finding *f, int64_t index, double bytes)
{
	bool known = !isnan(bytes), had = !isnan(f->refused_bytes);

	if (index < 0)
		return;
	if (f->refused < 0 || known > had || (known && had && bytes < f->refused_bytes) ||
	    (known == had && !(bytes > f->refused_bytes) && index < f->refused)) {
		f->refused = index;
		f->refused_bytes = bytes;
	}
}

void findings_add(struct findings *f, size_t group, int64_t index, bool speculative, const struct prediction *pr)
{
	f->feasible += pr->feasible;
	if (speculative && pr->feasible)
		join_best(&f->v[group], index, pr->tpot_s);
	else if (speculative)
		join_refused(&f->v[group], index, pr->memory_bytes);
}

void findings_join_one(struct finding *f, const struct finding *other)
{
	join_best(f, other->best, other->best_s);
	join_refused(f, other->refused, other->refused_bytes);
}

void findings_join(struct findings *f, const struct findings *other)
{
	f->feasible += other->feasible;
	for (size_t i = 0; i < f->n; i++)
		findings_join_one(&f->v[i], &other->v[i]);
}
