/* Prices of operators and passes on a profile (cost-model.md section 1). */
#ifndef CORE_COST_H
#define CORE_COST_H

#include "core/profile.h"
#include "engine/plan.h"

/* Bandwidth in B/s that `cores` of a unit reach when footprint bytes are touched per round: linear in cores, linear in the logarithm of the
 * footprint, constant beyond the measured ranges. At a clock below the unit's own, what a byte takes in its cache (the rate at the smallest
 * footprint) grows with the cycle, and what main memory adds does not: an assumption. */
double cost_bandwidth(const struct unit *u, int cores, double clock_hz, double footprint);

/* What plain reading of main memory by `cores` of a unit reached when the profile was calibrated, in B/s: linear in cores. NAN: unknown. */
double cost_read_bandwidth(const struct unit *u, int cores);

/* e(r): share of the peak that a kernel reaches with r rows. */
double cost_efficiency(const struct kernel *k, double rows);

/* P: operations per second of `cores` in the arithmetic of a kernel. */
double cost_peak(const struct unit *u, int cores, double clock_hz, const struct kernel *k);

struct op_cost {
	double time_s;              /* with launch */
	double memory_s, compute_s; /* the two roofs */
	double launch_s;
	double bytes, flop;
};

/* One operator for r rows, l logit rows after n cached positions; bw: the bandwidth its unit reaches. */
struct op_cost cost_op(const struct profile *p, const struct hx_op *op, double r, double l, double n, double bw);

/* Price of a pass. Times are seconds; time_s is the sum of operators, transfers and syncs. */
struct pass_cost {
	double time_s;
	double launch_s, transfer_s, sync_s; /* of time_s */
	double bytes, flop;
	double energy_j; /* above idle; NAN without powers */
};

/* The circumstances of a pass: bandwidth of each unit, and whether the KV cache is kept. */
struct cost_env {
	const struct profile *profile;
	double bw[HX_MAX_UNITS];
	bool kv_cache;
	enum pass_group group; /* whose draw scales the times of operators */
};

/* One pass after n positions; without a KV cache those n are computed again. */
struct pass_cost cost_pass(const struct cost_env *env, const struct hx_chain *c, double r, double l, double n);

/* Mean over passes after n0 to n1 positions: at the mean context where time is linear in it, by Simpson's rule where it is not. */
struct pass_cost cost_pass_mean(const struct cost_env *env, const struct hx_chain *c, double r, double l, double n0, double n1);

/* HX_INPUT with the reason when some operator's unit has no kernel for its type. */
int cost_check(const struct profile *p, const struct hx_graph *g, struct hx_err *err);

/* Active power above idle of a unit with so many cores; NAN where unknown, and at any clock but the unit's own. */
double cost_active_w(const struct profile *p, int unit, int cores, double clock_hz);

#endif
