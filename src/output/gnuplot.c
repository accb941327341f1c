/* Runs gnuplot without a shell. Script, output and complaints are unnamed temporary files: a gnuplot that dies early blocks nobody. */
#include "output/gnuplot.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS_INCH = 72, NOT_FOUND = 127, TIME_LIMIT_S = 60 };

/* A pixel of a picture is a point of a PDF. pngcairo's fonts are of 96 dots per inch; the others' are scaled to look the same. */
static const struct format {
	const char *extension, *terminal;
	double unit; /* of the terminal's size, in pixels */
} formats[] = {
	{"png", "pngcairo noenhanced background '#ffffff' font 'sans,12'", 1},
	{"svg", "svg noenhanced background '#ffffff' font 'sans-serif,12' fontscale 1.333", 1},
	{"pdf", "pdfcairo noenhanced background '#ffffff' font 'sans,12' fontscale 1.333", POINTS_INCH},
};
enum { N_FORMATS = sizeof(formats) / sizeof(*formats) };

static const struct format *format_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	for (int i = 0; dot && i < N_FORMATS; i++)
		if (strcasecmp(dot + 1, formats[i].extension) == 0)
			return &formats[i];
	return NULL;
}

int gnuplot_path_check(const char *path, struct hx_err *err)
{
	char shown[512];
	struct stat st;

	text_clean(shown, sizeof(shown), path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return hx_err_set(err, HX_INPUT, "'%s' is a directory; -o names a file", shown);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return hx_err_set(err, HX_INPUT, "'%s' is not a regular file", shown);
	if (!format_of(path))
		return hx_err_set(err, HX_INPUT, "'%s': the extension must be .png, .svg or .pdf", shown);
	return HX_OK;
}

static int temporary(FILE **f, struct hx_err *err)
{
	*f = tmpfile();
	return *f ? HX_OK : hx_err_set(err, HX_IO, "cannot create a temporary file: %s", strerror(errno));
}

int gnuplot_begin(struct gnuplot *g, const char *path, int width, int height, int lines, struct hx_err *err)
{
	const struct format *format = path ? format_of(path) : NULL;
	int rc;

	*g = (struct gnuplot){.path = path};
	if ((rc = temporary(&g->script, err)))
		return rc;
	fputs("set encoding utf8\n", g->script);
	if (format)
		fprintf(g->script, "set terminal %s size %.6g%s,%.6g%s\n", format->terminal, width / format->unit, format->unit == 1 ? "" : "in",
			height / format->unit, format->unit == 1 ? "" : "in");
	else
		fprintf(g->script, "set terminal dumb noenhanced mono size 79,%d\n", lines);
	return HX_OK;
}

void gnuplot_string(const struct gnuplot *g, const char *s)
{
	char clean[1000];

	text_clean(clean, sizeof(clean), s);
	putc('\'', g->script);
	if (*clean == '\'')
		putc(' ', g->script); /* gnuplot takes two quotes at the beginning for an empty string */
	for (const char *c = clean; *c; c++) {
		if (*c == '\'')
			putc('\'', g->script);
		putc(*c, g->script);
	}
	putc('\'', g->script);
}

/* First line of gnuplot's complaint that says what is wrong. */
static void complaint(FILE *f, char *buf, size_t size)
{
	char line[512];

	snprintf(buf, size, "it said nothing");
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "line 0: ");

		line[strcspn(line, "\r\n")] = '\0';
		at = at ? at + strlen("line 0: ") : line + strspn(line, " \t");
		if (*at && *at != '^' && strncmp(at, "gnuplot>", 8) != 0 && strncmp(at, "Warning", 7) != 0)
			text_clean(buf, size, at);
	}
}

/* Runs gnuplot on the script; its output goes to out. */
static int draw(FILE *script, FILE *out, FILE *said, struct hx_err *err)
{
	char why[300];
	int status;
	pid_t pid;

	rewind(script);
	pid = fork();
	if (pid < 0)
		return hx_err_set(err, HX_IO, "cannot start gnuplot: %s", strerror(errno));
	if (pid == 0) {
		alarm(TIME_LIMIT_S); /* outlives exec */
		if (dup2(fileno(script), 0) == 0 && dup2(fileno(out), 1) == 1 && dup2(fileno(said), 2) == 2)
			execlp("gnuplot", "gnuplot", "--default-settings", (char *)NULL);
		_exit(NOT_FOUND);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return hx_err_set(err, HX_IO, "cannot wait for gnuplot: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return HX_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return hx_err_set(err, HX_IO, "gnuplot is not installed (Debian and Ubuntu: apt-get install gnuplot-nox)");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return hx_err_set(err, HX_IO, "gnuplot took more than %d s", TIME_LIMIT_S);
	if (WIFSIGNALED(status))
		return hx_err_set(err, HX_IO, "gnuplot was ended by signal %d", WTERMSIG(status));
	complaint(said, why, sizeof(why));
	return hx_err_set(err, HX_IO, "gnuplot failed: %s", why);
}

/* Copies what gnuplot drew; its form feeds stay behind. */
static bool copy(FILE *from, FILE *to, bool text)
{
	char buf[8192];
	size_t n;

	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0) {
		size_t skip = text && *buf == '\f';

		if (fwrite(buf + skip, 1, n - skip, to) != n - skip)
			return false;
	}
	return !ferror(from);
}

/* Ctrl-C and the like wait while a file lies beside the picture that is to replace it. */
static void hold_signals(bool hold, sigset_t *before)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	if (hold)
		sigprocmask(SIG_BLOCK, &ending, before);
	else
		sigprocmask(SIG_SETMASK, before, NULL);
}

/* Writes beside path, then renames. */
static int save(FILE *drawn, const char *path, struct hx_err *err)
{
	char *beside = hx_xasprintf("%s.XXXXXX", path), shown[512];
	mode_t mask = umask(0);
	int rc = HX_OK, fd;
	sigset_t before;
	bool whole;
	FILE *f;

	hold_signals(true, &before);
	umask(mask);
	text_clean(shown, sizeof(shown), path);
	fd = mkstemp(beside);
	f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (!f) {
		rc = hx_err_set(err, HX_IO, "cannot write '%s': %s", shown, strerror(errno));
		goto out;
	}
	whole = copy(drawn, f, false) && fchmod(fd, 0666 & ~mask) == 0;
	whole = fclose(f) == 0 && whole;
	if (!whole || rename(beside, path) != 0) {
		rc = hx_err_set(err, HX_IO, "cannot write '%s': %s", shown, strerror(errno));
		unlink(beside);
	}
out:
	hold_signals(false, &before);
	free(beside);
	return rc;
}

int gnuplot_end(struct gnuplot *g, struct hx_err *err)
{
	FILE *out = NULL, *said = NULL;
	int rc;

	if ((rc = temporary(&out, err)) || (rc = temporary(&said, err)) || (rc = draw(g->script, out, said, err)))
		goto out;
	fseek(out, 0, SEEK_END);
	if (ftell(out) <= 0)
		rc = hx_err_set(err, HX_IO, "gnuplot drew nothing");
	else if (g->path)
		rc = save(out, g->path, err);
	else
		copy(out, stdout, true); /* main looks at stdout's state */
out:
	if (said)
		fclose(said);
	if (out)
		fclose(out);
	fclose(g->script);
	*g = (struct gnuplot){0};
	return rc;
}
