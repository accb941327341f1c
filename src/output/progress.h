/* Progress of a long command on stderr: a bar on a terminal, a line every ten seconds elsewhere. */
#ifndef OUTPUT_PROGRESS_H
#define OUTPUT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* `what` is counted (`points`); quiet shows nothing. */
struct progress *progress_begin(const char *what, int64_t total, bool quiet);
void progress_update(struct progress *p, int64_t done);
double progress_elapsed_s(const struct progress *p);

/* Clears the bar and frees p. */
void progress_end(struct progress *p);

#endif
