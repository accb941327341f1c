/* Predictions (cost-model.md sections 2, 3, 5 and 6): what a point of a space costs, and what it gains over plain decoding. */
#ifndef CORE_PREDICT_H
#define CORE_PREDICT_H

#include "core/cost.h"
#include "core/placed.h"
#include "core/space.h"

/* A speedup this near to 1 says neither yes nor no: no profile is that exact. */
#define PREDICT_TOO_CLOSE 0.02

enum refusal_kind {
	REFUSED_NOT, REFUSED_TARGET, REFUSED_DRAFTER, REFUSED_UNPRICED, REFUSED_CONTEXT, REFUSED_EQ1, REFUSED_ACCEPTANCE, REFUSED_SHARED, REFUSED_CORES, REFUSED_CLOCKS,
	REFUSED_PROCESSOR, REFUSED_MEASURED,
	REFUSED_UNIT_MEMORY, REFUSED_ALLOCATION, REFUSED_MEMORY, REFUSED_MEMORY_BOUND, REFUSED_TTFT, REFUSED_TPOT, REFUSED_ENERGY, REFUSED_ENERGY_UNKNOWN,
};

/* Why a point cannot run, in numbers; predict_reason says it in words. */
struct refusal {
	short kind; /* enum refusal_kind */
	short unit;
	bool drafter; /* it is the drafter's context, or price */
	double need, have;
};

/* Everything predicted of a point. Seconds of a round are means over the output; NAN where unknown or infeasible. */
struct prediction {
	bool feasible;
	int acceptance; /* index of the sweep's source, -1: none (plain) */
	struct refusal refusal; /* why it is not feasible */
	double tokens_per_round;
	double round_s; /* = draft + verify + transfer + sync + host; overlapped: drafting that is not hidden */
	double draft_s, verify_s, transfer_s, sync_s, host_s;
	double tpot_s; /* time per output token */
	double ttft_s; /* time to first token: prefill of both models */
	double e2e_s;  /* prefill, then a round's share for every token; the prompt's last row is thus counted twice */
	double speedup;     /* of decoding, against the baseline: the sweep's, or the best feasible plain mapping of the same target quantisation */
	double speedup_e2e; /* likewise with prefill */
	double speedup_cpu; /* against the best CPU-only plain mapping of the same quantisation */
	double speedup_same; /* against plain decoding on the same mapping */
	double memory_bytes; /* peak of weights, caches, activations, logits and staging */
	double energy_j_token;
	double quality; /* of the target's quantisation, in its shape's metric */
};

/* The numbers of a prediction by name, in the order in which they are stored; ends with a NULL name. */
struct predict_column {
	const char *name;
	size_t at; /* offset of the double */
	const char *unit, *help;
};
extern const struct predict_column predict_columns[];
enum { PREDICT_COLUMNS = 17 };

/* Mean costs of one target with one drafter on one workload: all that does not depend on gamma. */
struct pair {
	struct point key; /* gamma and index do not count */
	bool valid;
	struct refusal refusal; /* why the pair cannot run */
	size_t group;           /* predict_group, predict_plain and the index of the acceptance source (-1: none) of its points */
	int64_t plain;
	int source;
	double quality;
	const struct placed *target, *draft; /* draft NULL without a drafter graph */
	struct hx_plan plan;
	struct cost_env env, env_draft;     /* of target and drafter, alone */
	struct cost_env again_draft;        /* of the drafter directly behind a draft pass */
	struct cost_env busy, busy_draft;   /* while the other model streams too; as alone when sequential */
	/* draft1, draft2: of 1 and 2 rows behind the target's pass; draft1_again: behind another draft */
	struct pass_cost prefill, prefill_draft, draft1, draft2, draft1_again, draft1_busy, front;
	struct pass_cost *verify; /* 0 for plain decoding, then by index of gamma in the space; time_s NAN: not priced yet */
	double row_s_draft, row_s_target; /* host time of sampling a row */
	struct memo *passes, *verifies; /* prices of earlier pairs */
};

/* Plain decoding that speedups are taken against. */
struct baseline {
	int64_t index; /* of the plain point; -1: none can run */
	bool meets;    /* the sweep's bounds on time and energy: one that does not stands only where none does */
	double decode_s, e2e_s;
};

struct predict {
	const struct study *study; /* borrowed, as is space */
	const struct space *space;
	struct placements target;
	struct placements *draft; /* one a drafter */
	struct rounds *rounds;    /* by source, workload, mode, gamma */
	struct baseline *best, *cpu, *fastest; /* by predict_group: the baseline; the best CPU-only plain mapping; the best of all */
	struct prediction *plain;    /* by index of the plain point */
};

/* Places every model, tabulates rounds, predicts the plain points and finds the baselines. */
int predict_init(struct predict *p, const struct study *study, const struct space *space, struct hx_err *err);
void predict_free(struct predict *p);

/* HX_INPUT when the target runs on no mapping in any quantisation, with the reason of the one that needs least. */
int predict_fits(const struct predict *p, struct hx_err *err);

/* Predicts a point. pair is scratch of the calling thread, zeroed before first use; points in the space's order reuse it. */
void predict_point(const struct predict *p, const struct point *pt, struct pair *pair, struct prediction *out);

/* Predicts the points from pt on that differ from it in gamma alone, at most n, in order: out[i] is that of index pt->index + i. Returns how
 * many. */
size_t predict_run(const struct predict *p, const struct point *pt, size_t n, struct pair *pair, struct prediction *out);

/* Why a point that is not feasible cannot run, in words. Returns buf. */
const char *predict_reason(const struct predict *p, const struct point *pt, const struct refusal *why, char *buf, size_t size);
void predict_pair_free(struct pair *pair);

/* Makes pair that of the point, at its gamma. pair->refusal says when it cannot run, and then plan and prices are not set. */
void predict_pair(const struct predict *p, const struct point *pt, struct pair *pair);

/* Circumstances of a pass: alone; in overlapped mode beside the other model; of a drafter directly behind a draft pass, so that caches hold what they can of it. */
enum predict_when { PREDICT_ALONE, PREDICT_BUSY, PREDICT_AGAIN };

/* Those of most passes of a kind. */
enum predict_when predict_usually(const struct pair *pair, int kind);

/* One pass of a pair that can run, averaged over the contexts of the output. Zero where the plan has no such pass. Priced anew. */
struct pass_cost predict_pass(const struct predict *p, const struct pair *pair, int kind, enum predict_when when);

const struct cost_env *predict_env(const struct pair *pair, int kind, enum predict_when when);

/* The buffers of a feasible pair at draft length gamma. */
void predict_buffers(const struct predict *p, const struct pair *pair, int gamma, struct hx_buffers *b);

/* Index of a point's workload and target quantisation among all. */
size_t predict_group(const struct predict *p, const struct point *pt);

/* Index of plain decoding on the point's target mapping. */
int64_t predict_plain(const struct predict *p, const struct point *pt);

/* Of plain points [first, first + n), the index of the one that needs least memory: its reason says best why nothing runs. */
int64_t predict_least(const struct predict *p, int64_t first, int64_t n);

/* What speedups of the point are taken against; its index is -1 when no plain mapping can run. */
const struct baseline *predict_baseline(const struct predict *p, const struct point *pt);

/* Decode seconds of the point's pair with draft length gamma under an acceptance source, its drafting taking draft_factor times as long;
 * NAN where infeasible. The tool of thresholds. */
double predict_decode_s(const struct predict *p, const struct point *pt, struct pair *pair, int gamma, const struct accept *a, double draft_factor);

/* Decode seconds of the point's pair, at its gamma, for an output that took so many rounds and catch-ups; NAN where infeasible. */
double predict_rounds_s(const struct predict *p, const struct point *pt, struct pair *pair, const struct rounds *r);

/* Expected rounds and catch-ups of an output of so many tokens, as the sweep's model counts them. */
struct rounds predict_rounds(const struct predict *p, const struct accept *a, int gamma, int mode, int n_tokens);

/* Constant acceptance above which the best gamma of the space makes the pair at least as fast as plain decoding in plain_s; 0: any does, NAN:
 * none. */
double predict_alpha_threshold(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s);

/* Factor on the drafter's cost below which it does, at the acceptance known, sought up to 1000; NAN: not even a free drafter, or drafting costs
 * nothing (n-gram lookup). */
double predict_cost_threshold(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s);

/* Speedup over plain decoding in plain_s of an oracle that picks gamma (0, plain decoding, included) for every prompt: what no fixed gamma of this pair can
 * pass. NAN where alpha does not differ by prompt. */
double predict_oracle(const struct predict *p, const struct point *pt, struct pair *pair, double plain_s);

#endif
