/* A file a program: magic, length and hash of what follows, what follows. */
#include "engine/opencl/cache.h"

#include "engine/err.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct header {
	char magic[8];
	uint64_t n, hash;
};
static const char magic[8] = "hxclbin1";

enum { LARGEST = 256 << 20 };

uint64_t hx_cl_hash(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Made if it must be; NULL: it cannot be used. Takes path. */
static char *folder(char *path)
{
	if (mkdir(path, 0700) == 0 || access(path, W_OK | X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* The cache's folder, to be freed, or NULL. */
static char *home(void)
{
	const char *mine = getenv("HEXPLORE_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
	char *above, *path;

	if (mine)
		return folder(hx_xstrdup(mine));
	if (xdg && *xdg == '/')
		above = folder(hx_xstrdup(xdg));
	else
		above = user && *user == '/' ? folder(hx_xasprintf("%s/.cache", user)) : NULL;
	path = above ? hx_xasprintf("%s/hexplore", above) : NULL;
	free(above);
	return path ? folder(path) : NULL;
}

static char *path_of(uint64_t key, const char *ending)
{
	char *in = home(), *path = in ? hx_xasprintf("%s/%016" PRIx64 ".%s", in, key, ending) : NULL;

	free(in);
	return path;
}

static unsigned char *read_file(FILE *f, size_t *n)
{
	struct header h;
	unsigned char *data;

	if (fread(&h, sizeof(h), 1, f) != 1 || memcmp(h.magic, magic, sizeof(magic)) || h.n == 0 || h.n > LARGEST)
		return NULL;
	*n = (size_t)h.n;
	data = hx_xmalloc(*n);
	if (fread(data, 1, *n, f) == *n && fgetc(f) == EOF && hx_cl_hash(HX_CL_HASH, data, *n) == h.hash)
		return data;
	free(data);
	return NULL;
}

unsigned char *hx_cl_cache_read(uint64_t key, size_t *n)
{
	char *path = path_of(key, "bin");
	FILE *f = path ? fopen(path, "rb") : NULL;
	unsigned char *data = f ? read_file(f, n) : NULL;

	if (f)
		fclose(f);
	free(path);
	return data;
}

/* Takes path; returns it, or NULL. */
static char *write_file(char *path, const void *head, size_t n_head, const void *data, size_t n)
{
	char *part = path ? hx_xasprintf("%s.XXXXXX", path) : NULL;
	int fd = part ? mkstemp(part) : -1;
	FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	bool done = f && fwrite(head, 1, n_head, f) == n_head && fwrite(data, 1, n, f) == n;

	if (f)
		done = fclose(f) == 0 && done;
	if (done)
		done = rename(part, path) == 0;
	if (!done) {
		if (fd >= 0)
			unlink(part);
		free(path);
		path = NULL;
	}
	free(part);
	return path;
}

void hx_cl_cache_write(uint64_t key, const unsigned char *data, size_t n)
{
	struct header h = {.n = n, .hash = hx_cl_hash(HX_CL_HASH, data, n)};

	memcpy(h.magic, magic, sizeof(magic));
	free(write_file(path_of(key, "bin"), &h, sizeof(h), data, n));
}

char *hx_cl_cache_log(uint64_t key, const char *text)
{
	return write_file(path_of(key, "log"), "", 0, text, strlen(text));
}
