/* What a database holds of validation runs: every point measured, beside what was predicted of it, from the rows alone. */
#ifndef CMD_MEASURED_H
#define CMD_MEASURED_H

#include "cmd/session.h"
#include "device/validate_stats.h"
#include "store/store_measured.h"

/* A step of a plan, and what it adds to the error of a speedup. */
struct measured_step {
	bool plain; /* of the baseline's output */
	char pass[24], op[24], unit[40];
	double share; /* its seconds beyond the prediction, as a share of the traced output's; a baseline's count against */
};

/* NAN: unknown. */
struct measured {
	struct session *s;
	int64_t id, run;
	struct point pt;
	double predicted, tpot_s; /* as stored: speedup, seconds of a token */
	double p05, p95, p_gain;
	double eq1;      /* the naive model's speedup */
	double realised; /* predicted with the rounds that the measured output took: for what is left of the error, timing is to blame */
	struct validate_interval measured;
	int pairs, left_out;
	bool synthesised;
	double predicted_decode_s, decode_s; /* of the output, with the rounds it took; the median */
	double tokens_per_round, memory;
	double token_s; /* the median */
	double again_s;          /* the median of a token in the repeats for the regret */
	double traced_s[2];      /* of the outputs that were traced, by enum store_kind */
	struct measured_step *steps;
	size_t n_steps;
};

struct measured_set {
	struct measured *v;
	size_t n;
};

/* Adds the points of a session's sweep that a run measured a pair of at least; s outlives the set. eq1: with the naive model's predictions. */
int measured_add(struct measured_set *set, struct session *s, const struct store_run_found *run, bool eq1, struct hx_err *err);
void measured_free(struct measured_set *set);

/* Predicted over measured, less 1. */
double measured_error(const struct measured *m);

/* The step of most effect; NULL: none was traced. */
const struct measured_step *measured_blame(const struct measured *m);

/* Whether two speedups say the same: that it pays, or that it does not. */
bool measured_agree(double a, double b);

#endif
