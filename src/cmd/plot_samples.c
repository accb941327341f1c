/* hexplore plot roofline --samples: what the latest calibration measured of matrices, beside what the sweep's profile says of them. */
#include "cmd/plot_data.h"
#include "output/plot_samples.h"
#include "store/store_measure.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double most = 1e15; /* of any figure: a database may have been edited */

struct samples {
	const struct profile *profile;
	struct plot_sample *v;
	size_t n, max, n_all; /* n_all: whatever they are of */
	struct plot_sample_roof roofs[PLOT_SAMPLE_ROOFS];
	struct {
		int unit, cores;
		double near_bytes, far_bytes; /* footprints */
	} key[PLOT_SAMPLE_ROOFS];
	size_t n_roofs;
	const char *types[PLOT_SAMPLE_TYPES];
	size_t n_types;
};

static int find(const char *const *names, const char *name)
{
	for (int i = 0; name && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* The matrix that was sampled, as the cost model has it; false where the profile has no such unit or it is no matrix. */
static bool operator_of(const struct profile *p, const struct store_sample *s, struct hx_op *op)
{
	int kind = find(hx_op_names, s->kind), type = find(hx_type_names, s->type), unit = 0;
	int64_t stored;

	while (unit < (int)p->n_units && s->unit && strcmp(p->units[unit].is.name, s->unit) != 0)
		unit++;
	if (kind < 0 || type < 0 || unit == (int)p->n_units || s->cores < 1 || s->cores > p->units[unit].is.cores || s->n_out < 1 || s->n_in < 1 ||
	    s->rows < 1 || (double)s->n_out * (double)s->n_in > most || (double)s->rows > most || s->n_in > 1000000000 || !(s->seconds > 0) ||
	    !(s->footprint_bytes > 0 && s->footprint_bytes < most) || !profile_kernel(&p->units[unit], type))
		return false;
	/* ffn_up: of pairs of outputs one value stays; attn_out and ffn_down add to what is there */
	stored = kind == HX_OP_FFN_UP ? s->n_out / 2 : kind == HX_OP_ATTN_OUT || kind == HX_OP_FFN_DOWN ? 2 * s->n_out : s->n_out;
	*op = (struct hx_op){.kind = kind, .unit = unit, .cores = s->cores, .clock_hz = p->units[unit].is.clock_hz, .type = type,
			     .weight_bytes = (double)s->n_out * hx_shape_row_bytes(type, (int)s->n_in), .flop_row = 2.0 * (double)s->n_out * (double)s->n_in,
			     .act_row = (double)(stored + s->n_in) * sizeof(float), .in_row = (double)s->n_in * sizeof(float)};
	return true;
}

static size_t roof_of(struct samples *x, const struct hx_op *op, double footprint)
{
	const struct unit *u = &x->profile->units[op->unit];
	struct plot_sample_roof *r;
	size_t i = 0;

	while (i < x->n_roofs && !(x->key[i].unit == op->unit && x->key[i].cores == op->cores))
		i++;
	if (i == PLOT_SAMPLE_ROOFS)
		return i;
	r = &x->roofs[i];
	if (i == x->n_roofs) {
		x->n_roofs++;
		x->key[i].unit = op->unit;
		x->key[i].cores = op->cores;
		x->key[i].near_bytes = x->key[i].far_bytes = footprint;
		snprintf(r->label, sizeof(r->label), u->is.kind == HX_CPU ? "%.40sx%d" : "%.40s", u->is.name, op->cores);
	}
	x->key[i].near_bytes = fmin(x->key[i].near_bytes, footprint);
	x->key[i].far_bytes = fmax(x->key[i].far_bytes, footprint);
	r->peak_ops_s = fmax(r->peak_ops_s, cost_peak(u, op->cores, op->clock_hz, profile_kernel(u, op->type)));
	return i;
}

static size_t type_of(struct samples *x, const char *name)
{
	size_t i = 0;

	while (i < x->n_types && x->types[i] != name)
		i++;
	if (i == x->n_types && i < PLOT_SAMPLE_TYPES)
		x->types[x->n_types++] = name;
	return i;
}

static int collect(void *arg, const struct store_sample *s)
{
	struct samples *x = arg;
	size_t roof, type;
	struct op_cost c;
	struct hx_op op;

	x->n_all++;
	if (!operator_of(x->profile, s, &op) || (roof = roof_of(x, &op, s->footprint_bytes)) == PLOT_SAMPLE_ROOFS ||
	    (type = type_of(x, hx_type_names[op.type])) == PLOT_SAMPLE_TYPES)
		return 0;
	c = cost_op(x->profile, &op, (double)s->rows, (double)s->rows, 0,
		    cost_bandwidth(&x->profile->units[op.unit], op.cores, op.clock_hz, s->footprint_bytes));
	if (x->n == x->max) {
		x->max = x->max ? 2 * x->max : 1024;
		x->v = hx_xrealloc(x->v, x->max, sizeof(*x->v));
	}
	x->v[x->n++] = (struct plot_sample){.ops = c.flop, .bytes = c.bytes, .time_s = s->seconds, .model_s = c.time_s, .roof = roof, .type = type};
	return 0;
}

/* Fills bandwidths and quantiles; returns the mean absolute difference of measured and modelled time. */
static double sum_up(struct samples *x)
{
	double *ratio = hx_xcalloc(x->n, sizeof(*ratio)), off = 0;

	for (size_t u = 0; u < x->n_roofs; u++) {
		const struct unit *unit = &x->profile->units[x->key[u].unit];
		struct plot_sample_roof *r = &x->roofs[u];

		for (size_t i = 0; i < x->n; i++)
			if (x->v[i].roof == u) {
				ratio[r->n++] = x->v[i].time_s / x->v[i].model_s;
				off += fabs(x->v[i].model_s / x->v[i].time_s - 1) / (double)x->n;
			}
		gsl_sort(ratio, 1, r->n);
		r->median = gsl_stats_median_from_sorted_data(ratio, 1, r->n);
		r->p10 = gsl_stats_quantile_from_sorted_data(ratio, 1, r->n, 0.1);
		r->p90 = gsl_stats_quantile_from_sorted_data(ratio, 1, r->n, 0.9);
		r->near_bw = cost_bandwidth(unit, x->key[u].cores, unit->is.clock_hz, x->key[u].near_bytes);
		r->far_bw = cost_bandwidth(unit, x->key[u].cores, unit->is.clock_hz, x->key[u].far_bytes);
	}
	free(ratio);
	return off;
}

int plot_samples_draw(struct plotting *p, struct hx_err *err)
{
	const struct profile *profile = &p->s.study.profile;
	struct samples x = {.profile = profile};
	int rc = store_samples(p->s.store, collect, &x, err);

	if (!rc && !x.n)
		rc = hx_err_set(err, HX_NO, x.n_all ? "the calibration in this database is of other units than those of profile '%s'"
						    : "this database holds no calibration of profile '%s'; 'hexplore calibrate' stores its samples",
				profile->name);
	if (!rc) {
		double off = sum_up(&x);

		p->title = hx_xasprintf("Does the profile say what was measured? Matrices are %.1f %% off on average", 100 * off);
		p->subtitle = hx_xasprintf("%.100s | profile %s (%s) | %zu samples of matrices, of the latest calibration", profile->soc, profile->name,
					   profile_statuses[profile->status], x.n);
		p->note = hx_xstrdup("Far and near: bandwidth at the largest footprint sampled (solid roof) and the smallest (dashed). Grey: within 10 %. "
				       "Percentiles are of measured over modelled time; in brackets the 10th and the 90th.");
		rc = plot_samples(&(struct plot_samples){.head = plot_data_head(p), .roofs = x.roofs, .n_roofs = x.n_roofs, .types = x.types,
							 .n_types = x.n_types, .samples = x.v, .n_samples = x.n},
				  p->path, err);
	}
	free(x.v);
	return rc;
}
