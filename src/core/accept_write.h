/* Match traces as files. */
#ifndef CORE_ACCEPT_WRITE_H
#define CORE_ACCEPT_WRITE_H

#include "core/accept.h"

#include <stdio.h>

/* Writes a source with matches so that accept_parse reads it back; chances and confidences are rounded to 4 digits. */
void accept_write(FILE *f, const struct accept *a);

#endif
