/* A report of validation for people. */
#ifndef CMD_REPORT_PRINT_H
#define CMD_REPORT_PRINT_H

#include "cmd/measured.h"

/* On stdout: the figures, of all and by group; the naive model beside ours; the n_worst points; whether speculation pays; how runs agree. */
void report_print(const struct measured_set *set, size_t n_worst);

#endif
