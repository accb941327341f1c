/* The plan: what runs where, in which order, with which transfers and buffers. The cost model prices it, the engine runs it.
 *
 * mapping  (mapping.h) where each part of one model runs
 * graph    (graph.h) one model on one mapping: its operators in order
 * chain    (graph.h) a stretch of a graph's operators, cut into segments (one unit each) with the transfers between them
 * plan     a configuration: target and drafter, the passes (chains with their rows) and the round's schedule
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/graph.h"

enum hx_mode { HX_SEQUENTIAL, HX_OVERLAPPED, HX_MODES };
extern const char *const hx_modes[];

enum hx_drafter { HX_DRAFT_NONE, HX_DRAFT_MODEL, HX_DRAFT_NGRAM, HX_DRAFT_EXIT };

enum hx_pass_kind {
	HX_PASS_PREFILL_TARGET, HX_PASS_PREFILL_DRAFT, HX_PASS_DRAFT, HX_PASS_CATCH_UP, HX_PASS_FRONT, HX_PASS_VERIFY,
	HX_PASS_COUNT
};
extern const char *const hx_pass_names[]; /* NULL-terminated, in the order of the enum */

/* A chain and the rows it takes. Without speculation the verify pass covers one row: plain decoding. */
struct hx_pass {
	int kind; /* enum hx_pass_kind */
	int chain; /* enum hx_chain_kind */
	int rows, logit_rows; /* 0 rows: the prompt's length. Without a KV cache rows are added to the whole prefix */
};

/* One line of the round's schedule, in order; steps of equal `together` run at the same time. */
struct hx_step {
	int pass; /* enum hx_pass_kind, or -1: host work */
	int times;
	int together;
	const char *note; /* what is read back, or what the host does */
};

/* The chains of a plan: both models whole; with early exit after K layers the target's first K layers and the rest. */
enum hx_chain_kind { HX_CHAIN_TARGET, HX_CHAIN_DRAFT, HX_CHAIN_FRONT, HX_CHAIN_TAIL, HX_CHAIN_COUNT };

struct hx_plan {
	int drafter; /* enum hx_drafter */
	int gamma, mode;
	bool kv_cache;
	const struct hx_chain *chains[HX_CHAIN_COUNT]; /* NULL: the plan has none */
	struct hx_chain front, tail; /* of an early exit */
	struct hx_pass passes[HX_PASS_COUNT];
	int n_passes;
	struct hx_step steps[8];
	int n_steps;
};

/* Compiles a configuration. draft is NULL for plain decoding and n-gram lookup, the K-layer graph for early exit. Graphs are
 * borrowed. gamma is 0 for plain decoding. */
void hx_plan_init(struct hx_plan *p, int drafter, const struct hx_graph *target, const struct hx_graph *draft, int gamma,
		  int mode, bool kv_cache);
void hx_plan_free(struct hx_plan *p);

/* The same configuration with another draft length; allocates nothing. */
void hx_plan_set_gamma(struct hx_plan *p, int gamma);

const struct hx_pass *hx_plan_pass(const struct hx_plan *p, int kind); /* NULL: the plan has none */

#endif
