/* Writing a file as a whole: beside its name, which it takes when it is finished. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "engine/err.h"

#include <stdbool.h>
#include <stdio.h>

/* HX_INPUT unless a file of that name may be begun: nothing is there, or a regular file and replace. Cheap, for before the work. */
int file_may_write(const char *path, bool replace, struct hx_err *err);

/* Calls put(f, arg) on the new file. HX_IO, and the old file untouched: it could not be written. */
int file_write(const char *path, void (*put)(FILE *f, const void *arg), const void *arg, struct hx_err *err);

#endif
