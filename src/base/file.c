/* Whole files. */
#include "base/file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: a FIFO would otherwise hang the open. */
int file_read(const char *path, size_t most, char **text, size_t *len, struct hx_err *err)
{
	char shown[256];
	struct stat st;
	size_t have = 0;
	ssize_t n = 0;
	int rc = HX_OK, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	text_clean(shown, sizeof(shown), path);
	*text = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = hx_err_set(err, HX_IO, "cannot read '%s': %s", shown, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		rc = hx_err_set(err, HX_INPUT, "'%s' is a directory; name the file", shown);
	else if (!S_ISREG(st.st_mode))
		rc = hx_err_set(err, HX_INPUT, "'%s' is not a regular file", shown);
	else if ((size_t)st.st_size > most)
		rc = hx_err_set(err, HX_INPUT, "'%s' has %lld bytes; at most %zu are read", shown, (long long)st.st_size, most);
	if (rc)
		goto out;
	*text = hx_xmalloc((size_t)st.st_size + 1);
	while (have < (size_t)st.st_size && (n = read(fd, *text + have, (size_t)st.st_size - have)) > 0)
		have += (size_t)n;
	if (n < 0)
		rc = hx_err_set(err, HX_IO, "cannot read '%s': %s", shown, strerror(errno));
	(*text)[have] = '\0';
	*len = have;
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

int file_may_write(const char *path, bool replace, struct hx_err *err)
{
	char *folder = hx_xstrdup(path), *slash = strrchr(folder, '/'), shown[200];
	struct stat st;
	int rc;

	text_clean(shown, sizeof(shown), path);
	if (slash)
		slash[slash == folder] = '\0';
	rc = access(slash ? folder : ".", W_OK | X_OK) ? hx_err_set(err, HX_IO, "cannot write '%s': %s", shown, strerror(errno)) : HX_OK;
	free(folder);
	if (rc || stat(path, &st) != 0)
		return rc;
	if (!S_ISREG(st.st_mode))
		return hx_err_set(err, HX_INPUT, "'%s' is not a regular file", shown);
	return replace ? HX_OK : hx_err_set(err, HX_INPUT, "'%s' is there already; --force replaces it", shown);
}

/* mkstemp's files are their owner's alone; this is to be as other files are. */
static bool open_up(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) == 0;
}

int file_write(const char *path, void (*put)(FILE *f, const void *arg), const void *arg, struct hx_err *err)
{
	char *beside = hx_xasprintf("%s.XXXXXX", path), shown[200];
	int fd = mkstemp(beside), rc = HX_OK;
	FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	bool whole = f != NULL;

	if (whole) {
		put(f, arg);
		whole = !ferror(f) && open_up(fd);
		whole = fclose(f) == 0 && whole;
	}
	if (!whole || rename(beside, path) != 0) {
		rc = hx_err_set(err, HX_IO, "cannot write '%s': %s", text_clean(shown, sizeof(shown), path), strerror(errno));
		if (fd >= 0)
			unlink(beside);
	}
	free(beside);
	return rc;
}
