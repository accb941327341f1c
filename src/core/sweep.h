/* A sweep: the axes of a design space, the workload, and what counts as good. */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include "base/field.h"
#include "core/accept.h"

struct workload {
	int prompt, generated; /* tokens */
};

/* Bounds on predictions; NAN: none. */
struct constraints {
	double memory_bytes, energy_j_token, ttft_s, tpot_s;
};

enum cost_form { COST_FULL, COST_EQ1 };
enum objective { OBJECTIVE_LATENCY, OBJECTIVE_ENERGY, OBJECTIVE_MEMORY };
enum keep { KEEP_ALL, KEEP_PARETO, KEEP_TOP };

struct sweep {
	char *name, *description;
	char *target;
	int *target_quants, *draft_quants; /* enum hx_type */
	size_t n_target_quants, n_draft_quants;
	char **drafters; /* model name or path, `ngram`, `early-exit:K` */
	size_t n_drafters;
	char **target_mappings, **draft_mappings; /* `auto` stands for all of `cuts` parts */
	size_t n_target_mappings, n_draft_mappings;
	int cuts, cut_step; /* auto: mappings of up to `cuts` parts, cut at multiples of cut_step layers */
	int *cores;         /* core counts that auto mappings use; none: all */
	size_t n_cores;
	double *clocks;     /* shares of the units' own clocks; every configuration is tried at each */
	size_t n_clocks;
	int *gamma;
	size_t n_gamma;
	int *modes; /* enum hx_mode */
	size_t n_modes;
	bool kv_cache;
	struct workload *workloads;
	size_t n_workloads;
	double temperature;
	struct accept *acceptance;
	size_t n_acceptance;
	char *baseline; /* mapping, or NULL: the best feasible plain one of the same target quantisation */
	int *objectives; /* for keep pareto: latency, energy, memory */
	size_t n_objectives;
	struct constraints constraints;
	char *keep;
	int seed;
	int model; /* enum cost_form */
	char *costs; /* file of measured passes, beside the sweep file */
};

extern const struct field_table sweep_fields;
extern const char *const sweep_objectives[], *const sweep_models[];
extern const char *const sweep_objective_columns[]; /* of the predictions, to be minimised */

int sweep_parse(struct sweep *s, const char *text, size_t len, const char *name, struct hx_err *err);
void sweep_free(struct sweep *s);

/* Parses `all`, `pareto`, `top:N`. */
int sweep_keep(const char *text, enum keep *keep, int *top, struct hx_err *err);

#endif
