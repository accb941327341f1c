/* How the columns of the view `prediction` look in lists. */
#ifndef OUTPUT_COLUMNS_H
#define OUTPUT_COLUMNS_H

#include "output/report.h"
#include "store/store.h"

/* In the order of store_columns. Titles of columns that only some studies need begin with `?`. */
extern const struct report_column columns_looks[];

/* Lists the rows of a query on stdout: the usual columns in tables, all in the other formats. q's columns are set here. In tables the
 * drafter's name, the lengths, the quality and the energy (else the time to first token) stand only where the study has several or any, and
 * a list that mixes target quantisations says so. *rows becomes how many there were. */
int columns_list(struct store *s, struct store_query *q, enum report_format format, const struct study *study, size_t *rows, struct hx_err *err);

/* The same for rows at hand: ids in the order wanted. */
int columns_list_ids(struct store *s, int64_t sweep_id, const int64_t *ids, size_t n, enum report_format format, const struct study *study,
		     struct hx_err *err);

#endif
