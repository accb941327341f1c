/* A file of its own, for tests of what is written and read by name. */
#ifndef TESTS_TEMPFILE_H
#define TESTS_TEMPFILE_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char tempfile_path[300];

static inline int tempfile_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(tempfile_path, sizeof(tempfile_path), "%.200s/hxfile.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	fd = mkstemp(tempfile_path);
	return fd < 0 ? -1 : close(fd);
}

static inline int tempfile_leave(void **state)
{
	(void)state;
	return unlink(tempfile_path);
}

static inline void tempfile_put(const char *text)
{
	FILE *f = fopen(tempfile_path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* The first 64 KiB, for the caller to free. */
static inline char *tempfile_text(void)
{
	char *text = calloc(1, 65537);
	FILE *f = fopen(tempfile_path, "rb");

	assert_non_null(f);
	assert_true(fread(text, 1, 65536, f) > 0);
	fclose(f);
	return text;
}

#endif
