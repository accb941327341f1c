/* Printing what was validated. */
#ifndef CMD_VALIDATE_PRINT_H
#define CMD_VALIDATE_PRINT_H

#include "cmd/session.h"
#include "device/validate.h"
#include "output/report.h"

struct validated {
	const struct session *s;
	int64_t *ids;
	struct validate_result *results;
	size_t done; /* points with a pair at least: the first ones */
};

/* The list of points on stdout; as a table with the steps of each and what is said of all, which goes to stderr otherwise. */
void validate_print(const struct validated *x, enum report_format format);

#endif
