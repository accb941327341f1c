/* Speedups with another profile than the study's. */
#include "core/variation.h"

#include <gsl/gsl_math.h>
#include <stdlib.h>
#include <string.h>

static const double step = 0.01; /* of a difference, relative */

static void add(void *arg, const char *path, const struct field *f, double *number)
{
	struct variation *v = arg;

	if ((v->n & (v->n - 1)) == 0)
		v->parameters = hx_xrealloc(v->parameters, v->n ? 2 * v->n : 1, sizeof(*v->parameters));
	v->parameters[v->n++] = (struct variation_parameter){hx_xstrdup(path), f, number, *number};
}

void variation_init(struct variation *v, const struct predict *p)
{
	*v = (struct variation){.study = *p->study, .predict = *p};
	v->predict.study = &v->study;
	profile_copy(&v->study.profile, &p->study->profile);
	field_numbers(&v->study.profile, &profile_fields, add, v);
}

void variation_free(struct variation *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->parameters[i].path);
	free(v->parameters);
	variation_changed(v);
	profile_free(&v->study.profile);
}

struct variation_parameter *variation_find(const struct variation *v, const char *path)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->parameters[i].path, path) == 0)
			return &v->parameters[i];
	return NULL;
}

void variation_changed(struct variation *v)
{
	predict_pair_free(&v->pair);
	predict_pair_free(&v->plain);
}

struct rounds variation_rounds(const struct variation *v, const struct point *pt)
{
	const struct sweep *sw = &v->study.sweep;
	int generated = sw->workloads[pt->workload].generated;
	int source = pt->gamma ? study_acceptance(&v->study, pt->target_type, pt->drafter, pt->draft_type) : -1;

	return source < 0 ? (struct rounds){generated, 0} : predict_rounds(&v->predict, &sw->acceptance[source], pt->gamma, pt->mode, generated);
}

double variation_speedup(struct variation *v, const struct point *pt, const struct rounds *r)
{
	const struct baseline *base = predict_baseline(&v->predict, pt);
	struct rounds plain_r = {v->study.sweep.workloads[pt->workload].generated, 0};
	struct point plain;

	if (base->index < 0)
		return NAN;
	plain = space_point(v->predict.space, base->index);
	return predict_rounds_s(&v->predict, &plain, &v->plain, &plain_r) / predict_rounds_s(&v->predict, pt, &v->pair, r);
}

/* ---- elasticities ---- */

static bool is_parameter(const struct variation_parameter *p)
{
	static const char *const others[] = {"cores", "rows", "footprint_bytes", "clock_hz", "matrix", "residual"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(p->field->name, others[i]) == 0)
			return false;
	return p->value != 0;
}

static double moved(struct variation *v, const struct point *pt, const struct rounds *r, struct variation_parameter *p, double factor)
{
	double speedup;

	*p->at = p->value * factor;
	variation_changed(v);
	speedup = variation_speedup(v, pt, r);
	*p->at = p->value;
	variation_changed(v);
	return speedup;
}

static int by_size(const void *pa, const void *pb)
{
	const struct elasticity *a = pa, *b = pb;
	double x = fabs(a->value), y = fabs(b->value);

	return x == y ? strcmp(a->path, b->path) : (x < y) - (x > y);
}

struct elasticity *variation_elasticities(struct variation *v, const struct point *pt, size_t *n)
{
	struct elasticity *list = hx_xcalloc(v->n + 1, sizeof(*list));
	struct rounds r = variation_rounds(v, pt);

	*n = 0;
	for (size_t i = 0; i < v->n; i++) {
		struct variation_parameter *p = &v->parameters[i];
		double more, less;

		if (!is_parameter(p))
			continue;
		more = moved(v, pt, &r, p, 1 + step);
		less = moved(v, pt, &r, p, 1 - step);
		if (fabs(more / less - 1) > 4 * GSL_DBL_EPSILON)
			list[(*n)++] = (struct elasticity){p->path, log(more / less) / log((1 + step) / (1 - step))};
	}
	qsort(list, *n, sizeof(*list), by_size);
	return list;
}
