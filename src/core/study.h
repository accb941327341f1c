/* A study: one sweep on one profile, with every input it names read and checked. */
#ifndef CORE_STUDY_H
#define CORE_STUDY_H

#include "core/costs.h"
#include "core/input.h"
#include "core/profile.h"
#include "core/shape.h"
#include "core/sweep.h"

/* A way of drafting. */
struct drafter {
	int kind; /* enum hx_drafter */
	char *name; /* model's name, `ngram`, `early-exit:K` */
	struct hx_shape *shape; /* of a model: owned; of an early exit: the target's */
	int layers; /* of a model: all; of an early exit: K */
};

struct study {
	const struct input *file; /* the sweep's, for errors that name a place in it; borrowed */
	struct profile profile;
	struct sweep sweep;
	struct hx_shape target;
	struct drafter *drafters; /* in the sweep's order */
	struct costs costs;
};

/* What a command line may change of a sweep; members left NULL change nothing. */
struct study_changes {
	const char *acceptance; /* a number, or a source's name or path: used for every pair */
	const char *costs;      /* file of measured passes */
	const char *keep;
};

/* Reads profile and sweep by name, and all they name, into st; texts stay in `in`, which must outlive st. */
int study_load(struct study *st, struct inputs *in, const char *profile, const char *sweep, const struct study_changes *changes, struct hx_err *err);
void study_free(struct study *st);

/* HX_INPUT with the place of a key in the sweep's file, and a message. */
int study_fail(const struct study *st, struct hx_err *err, const char *path, const char *message);

/* Index of the acceptance source for a pair of quantisations, or -1. */
int study_acceptance(const struct study *st, int target_type, int drafter, int draft_type);

#endif
