/* Printing the steps of a point that was validated. */
#ifndef CMD_VALIDATE_PRINT_H
#define CMD_VALIDATE_PRINT_H

#include "cmd/session.h"
#include "device/validate.h"

/* The seconds of one pass by operator, predicted and measured, as a table on stdout; nothing where no output was traced. */
void validate_print_steps(const struct session *s, int64_t id, const struct validate_result *r);

#endif
