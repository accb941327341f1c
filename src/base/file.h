/* Whole files. One that is written stands beside its name, which it takes when it is finished. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "engine/err.h"

#include <stdbool.h>
#include <stdio.h>

/* The text of a file, which ends in NUL beyond *len; the caller frees it, on failure too. HX_INPUT: not a regular file, or more than `most` bytes;
 * HX_IO: unreadable. */
int file_read(const char *path, size_t most, char **text, size_t *len, struct hx_err *err);

/* Whether file_write can be expected to succeed, for before the work. HX_IO: no folder to write to; HX_INPUT: what is there is not a regular file,
 * or is not to be replaced. */
int file_may_write(const char *path, bool replace, struct hx_err *err);

/* Calls put(f, arg) on the new file. HX_IO, and the old file untouched: it could not be written. */
int file_write(const char *path, void (*put)(FILE *f, const void *arg), const void *arg, struct hx_err *err);

#endif
