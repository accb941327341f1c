/* Reading what was measured, repeat by repeat and step by step; its summary by point is the view `validation`. A database of before there was a place for
 * what is asked has none. */
#ifndef STORE_STORE_MEASURED_H
#define STORE_STORE_MEASURED_H

#include "store/store_measure.h"

/* Of a run that chose or measured points of a sweep. */
struct store_run_found {
	int64_t run, sweep, seed;
	bool ended;
	char started[32], version[32];
};

/* All runs by ascending id, one entry for each sweep of a run; the caller frees them. */
int store_runs(struct store *s, struct store_run_found **runs, size_t *n, struct hx_err *err);

/* The points that a run is to measure, in their order; the caller frees them. */
int store_chosen_add(struct store *s, int64_t run, int64_t sweep, const int64_t *points, size_t n, struct hx_err *err);
int store_chosen(struct store *s, int64_t run, int64_t sweep, int64_t **points, size_t *n, struct hx_err *err);

/* A repeat of a configuration. NAN: unknown. */
struct store_repeat {
	int64_t point;
	int repeat;
	bool left_out, again, synthesised; /* as store_measurement has them; again: STORE_AGAIN */
	double baseline_s;                 /* a token of the baseline measured in turn; NAN: again */
	double decode_s;                   /* of the whole output */
	double tokens, rounds, catch_ups, memory;
};

/* Those of a run and sweep: points as they were chosen, repeats ascending. Non-zero ends it and is returned. */
typedef int store_repeat_row(void *arg, const struct store_repeat *repeat);
int store_repeats(struct store *s, int64_t run, int64_t sweep, store_repeat_row *row, void *arg, struct hx_err *err);

/* Steps likewise, those of a point together, its baseline's first; texts are borrowed until the next. */
typedef int store_step_row(void *arg, const struct store_subject *of, const struct store_step *step);
int store_steps(struct store *s, int64_t run, int64_t sweep, store_step_row *row, void *arg, struct hx_err *err);

#endif
