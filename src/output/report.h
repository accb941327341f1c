/* Lists in every format: aligned table for people, CSV, JSON, JSON lines for programs. */
#ifndef OUTPUT_REPORT_H
#define OUTPUT_REPORT_H

#include "engine/err.h"

#include <stdio.h>

enum report_format { REPORT_TABLE, REPORT_CSV, REPORT_JSON, REPORT_JSONL };

/* Parses `table`, `csv`, `json`, `jsonl`; NULL is the table. */
int report_format_parse(const char *text, enum report_format *out, struct hx_err *err);

enum report_type { REPORT_TEXT, REPORT_NUMBER, REPORT_BOOL };

struct report_column {
	const char *name;  /* key in CSV and JSON, unit suffix included: `tpot_s` */
	const char *title; /* heading of the table; NULL: the column is not in the table */
	enum report_type type;
	int digits;        /* significant digits in the table; 0: an integer with thousands separators, -1: a plain integer */
	double scale;      /* the table shows value x scale (1000 for ms); 0 means 1 */
};

struct report;

/* Begins a list on f. Rows are given cell by cell in column order; a table is held until report_end to align it, the other formats stream.
 * Numbers are exact in CSV and JSON; NAN is an empty cell, null, or `-`. Text is cleaned of control characters in tables and CSV,
 * quoted after RFC 4180 in CSV, escaped in JSON. Columns and f are borrowed. */
struct report *report_begin(FILE *f, enum report_format format, const struct report_column *columns, int n);
void report_text(struct report *r, const char *text); /* NULL: as NAN */
void report_number(struct report *r, double v);       /* also REPORT_BOOL: 0 or 1, `no`/`yes` in tables */
void report_end(struct report *r);                    /* prints what is held, frees r */

#endif
