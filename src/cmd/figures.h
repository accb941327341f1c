/* Figures over a set of measured points (cost-model.md section 9). */
#ifndef CMD_FIGURES_H
#define CMD_FIGURES_H

#include "cmd/measured.h"
#include "output/report.h"

/* `ID`, or `SWEEP:ID` where the set has several sweeps. Returns buf, of 48 bytes. */
const char *figures_point(const struct measured_set *set, const struct measured *m, char *buf);

/* Lists all points with all that is known of them: the columns that people need in tables, all in other formats. */
void figures_list(const struct measured_set *set, enum report_format format);

/* Errors, correlation, intervals, regret, what is to blame, and what the reader must know of the measurement. */
void figures_print(const struct measured_set *set, FILE *f);

/* Errors of predicted speedups of the points that `wanted` (NULL: all) of that argument. at: index of the worst. Points without a prediction are left out. */
typedef bool figures_wanted(const struct measured *m, const void *arg);
struct figures {
	size_t n, worst_at, right; /* right: verdicts */
	double mape, bias, worst, spearman;
};
struct figures figures_of(const struct measured_set *set, figures_wanted *wanted, const void *arg, bool eq1);

/* Of the repeats of one run that were made for it: the predicted best, the best, and by how much the former is slower. False: there are none. */
struct figures_regret {
	const struct measured *predicted, *best;
	double regret;
};
bool figures_regret(const struct measured_set *set, const struct measured *of, struct figures_regret *r);

#endif
