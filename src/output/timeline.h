/* A trace read back from its file: what ran when on which lane, and how busy the units were. */
#ifndef OUTPUT_TIMELINE_H
#define OUTPUT_TIMELINE_H

#include "output/trace_json.h"

/* Something that took time. */
struct timeline_span {
	double start_s, end_s; /* from the trace's beginning */
	int lane;
	int pass; /* enum hx_pass_kind */
	int op;   /* enum hx_op_kind, or what trace.h has beside it */
	int rows;
};

/* A unit, or with passes a model. */
struct timeline_lane {
	int number; /* in the file */
	char *name;
	bool passes;
};

enum { TIMELINE_LANES = 64 };

/* What verifies, and since the one before was verified; the first since the prompt was taken in. */
struct timeline_round {
	double start_s, end_s;
};

struct timeline {
	struct trace_json_about about;
	struct timeline_lane lanes[TIMELINE_LANES]; /* in the file's order */
	int n_lanes;
	struct timeline_span *spans; /* by start */
	size_t n_spans;
	struct timeline_round *rounds;
	size_t n_rounds;
	double end_s;
};

/* Reads what trace_json_write wrote, in whatever order and spacing it stands by now, whole in memory; keys and metadata that others added are skipped.
 * HX_INPUT: another format, more than 1 GiB, an event that is none of ours; HX_NO: no event; HX_IO. */
int timeline_read(struct timeline *t, const char *path, struct hx_err *err);
void timeline_free(struct timeline *t);

/* Seconds within a window in which a lane was in use; in which two units or more were. */
double timeline_busy_s(const struct timeline *t, int lane, double from_s, double to_s);
double timeline_overlap_s(const struct timeline *t, double from_s, double to_s);

/* Cuts a window of a lane into n equal cells: the index of the span that takes most of each, or -1 where the lane was idle for most of it. */
void timeline_cells(const struct timeline *t, int lane, double from_s, double to_s, int *cells, size_t n);

#endif
