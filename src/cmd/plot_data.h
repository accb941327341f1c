/* What the charts of `plot` are made of: rows of the stored sweep, the table of speedups, and the words around a chart. */
#ifndef CMD_PLOT_DATA_H
#define CMD_PLOT_DATA_H

#include "cmd/session.h"
#include "output/plot.h"

enum { PLOT_LABEL = 128 };

/* Columns read of every row, in this order. */
enum column { ID, SPEEDUP, TPOT, MEMORY, ENERGY, TOKENS, FIRST_PHASE, N_COLUMNS = FIRST_PHASE + PLOT_PHASES };

struct row {
	struct point point;
	double v[N_COLUMNS];
};

/* A growing list of rows; zeroed but for space before use, v is freed by the caller. */
struct rows {
	const struct space *space;
	struct row *v;
	size_t n, max;
};

/* What a chart is drawn from. */
struct plotting {
	struct session s;
	const char *path, *target_quant, *drafter, *objectives, *trace, *from, *to, *run, *db, *sweep_ids; /* options, or NULL */
	bool samples;                    /* of a calibration, in the place of a point */
	int64_t id;                      /* asked for; 0: none */
	struct row best;                 /* the point asked for, or the best speculative one */
	const struct workload *workload; /* of best */
	char *title, *subtitle, *note;   /* owned */
};

/* A query of the columns above, and filters for it. NULL text filters nothing. */
struct store_query plot_data_query(const struct plotting *p);
void plot_data_where(struct store_query *q, const char *column, const char *text);
void plot_data_compare(struct store_query *q, const char *column, const char *op, double number);

/* A store_row that adds to struct rows. */
int plot_data_collect(void *arg, const struct store_value *values);

/* Sets best and workload. HX_NO, with the reason, when there is no such point. */
int plot_data_best(struct plotting *p, struct hx_err *err);

/* The row of a point that can run; HX_NO when it cannot, or was not kept. */
int plot_data_row(struct plotting *p, int64_t id, struct row *out, struct hx_err *err);

/* The sweep's `keep` where it left points out, or NULL. */
const char *plot_data_kept(const struct plotting *p);

/* `g52 <- a73x4`, with the drafter's name where several are compared; the same with gamma and mode, or `plain`. */
void plot_data_pair(const struct plotting *p, const struct point *pt, char *buf, size_t size);
void plot_data_label(const struct plotting *p, const struct point *pt, char *buf, size_t size);

/* Profile, models, workload, acceptance. all_quants: the chart mixes target quantisations. */
void plot_data_subtitle(struct plotting *p, bool all_quants);
struct plot_head plot_data_head(const struct plotting *p);

/* Speedups of the mapping pairs with the best's workload and target quantisation, the best pair first. */
struct pair_row {
	struct point point;
	double *speedup; /* by index of the space's gamma; NAN: none */
	int64_t best_id;
	double best;
};

struct table {
	struct plotting *p;
	size_t n, max, last, n_gamma;
	struct pair_row *rows;
};

int plot_data_table(struct table *t, struct plotting *p, struct hx_err *err);
void plot_data_table_free(struct table *t);

/* The chart that computes its point anew (plot_roofline.c). */
int plot_roofline_draw(struct plotting *p, struct hx_err *err);

/* The chart of a calibration (plot_samples.c). */
int plot_samples_draw(struct plotting *p, struct hx_err *err);

/* The chart of what was measured (plot_validation.c). */
int plot_validation_draw(struct plotting *p, struct hx_err *err);

/* The chart of a trace, which needs no session (plot_timeline.c). */
int plot_timeline_draw(struct plotting *p, struct hx_err *err);

#endif
