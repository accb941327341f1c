/* A target and its drafter, loaded and ready to generate: what `run`, `accept` and `validate` have in common. */
#ifndef DEVICE_RUNNER_H
#define DEVICE_RUNNER_H

#include "device/machine.h"
#include "engine/fitted.h"
#include "engine/speculate.h"

struct runner_options {
	const char *target;           /* GGUF */
	const char *draft;            /* GGUF, `ngram`, `early-exit:K`; NULL: plain decoding */
	const struct hx_instance *target_like, *draft_like; /* have these files loaded in these types, and outlive the runner; NULL: none */
	const char *target_map, *draft_map; /* NULL: `cpu`; as the target */
	int target_type, draft_type;  /* enum hx_type to requantise to; -1: as in the file */
	int gamma;                    /* most guesses of a round */
	int mode;                     /* enum hx_mode; overlapped, a drafter takes cores that the target leaves */
	int context;                  /* of the target, 0: as much as it holds, 4096 at most; a drafter that holds less drafts no further than that */
	int logit_rows;               /* that passes may ask for besides gamma + 1; 0: none */
	bool kv_cache;
	bool text;                    /* tokenizers are wanted, and have to agree */
	double min_confidence;        /* a model drafter stops below it; 0: never */
};

struct runner {
	struct hx_instance target, draft; /* draft: unused by lookup and early exit */
	struct hx_lm lm, lm_draft;        /* lm_draft: of a model drafter, early exit too */
	struct hx_fitted fitted;          /* a drafter whose vocabulary is padded to another size than the target's */
	struct hx_draft drafter;
	bool speculates;                  /* there is a drafter */
	int mode;                         /* with it */
	struct hx_pool *sides;            /* of overlapped drafting; NULL: it is not */
	bool early_exit, lookup;
};

/* Loads. HX_INPUT: a model that cannot run here, vocabularies that differ, a drafter that cannot overlap. The machine outlives the runner, which stays where it is. */
int runner_open(struct runner *r, struct machine *m, const struct runner_options *o, struct hx_err *err);
void runner_close(struct runner *r);

/* Passes of the target and of a drafting model are traced from now on, an early exit's with the target's; NULL: none are. */
void runner_trace(struct runner *r, struct hx_trace *target, struct hx_trace *draft);

/* hx_speculate with the runner's models and drafter (plain: without): fills what with them. */
int runner_generate(struct runner *r, bool plain, struct hx_generate *what, struct hx_generated *out, struct hx_err *err);

#endif
