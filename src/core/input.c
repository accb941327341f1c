/* Input files. */
#include "core/input.h"

#include "base/file.h"
#include "base/text.h"
#include "core/shape.h"
#include "engine/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 16 << 20 };

const char *const input_kinds[] = {"profile", "sweep", "model", "acceptance", "costs", NULL};
static const char *const folders[] = {"hwprofiles", "sweeps", "models", "acceptance", "sweeps"};

bool input_is_gguf(const char *path)
{
	char magic[4];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool yes = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "GGUF", sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

/* A GGUF file stands for the shape it describes. */
static int read_input(enum input_kind kind, const char *path, char **text, size_t *len, struct hx_err *err)
{
	struct hx_model m;
	int rc;

	if (kind != INPUT_MODEL || !input_is_gguf(path))
		return file_read(path, MAX_BYTES, text, len, err);
	if ((rc = hx_model_open(&m, path, err)))
		return rc;
	*text = shape_text(&m.shape);
	*len = strlen(*text);
	hx_model_free(&m);
	return HX_OK;
}

/* Calls visit for every root folder in order until it returns non-zero, and returns that. */
static int each_root(int (*visit)(void *arg, const char *root), void *arg)
{
	const char *env = getenv("HEXPLORE_PATH");
	char *list = hx_xstrdup(env ? env : ""), *save = NULL;
	int found = 0;

	for (char *dir = strtok_r(list, ":", &save); dir && !found; dir = strtok_r(NULL, ":", &save))
		found = visit(arg, dir);
	free(list);
	if (!found && access(HX_SRCDIR, X_OK) == 0) /* once installed, it may be another user's closed folder */
		found = visit(arg, HX_SRCDIR);
	if (!found)
		found = visit(arg, PKGDATADIR);
	return found;
}

struct search {
	enum input_kind kind;
	const char *name;
	char *path;
};

static int try_path(struct search *s, const char *dir, const char *folder, const char *suffix)
{
	struct stat st;

	free(s->path);
	s->path = dir ? hx_xasprintf("%s/%s%s%s%s", dir, folder, *folder ? "/" : "", s->name, suffix) : hx_xasprintf("%s%s", s->name, suffix);
	return stat(s->path, &st) == 0 ? !S_ISDIR(st.st_mode) : errno == EACCES || errno == ELOOP;
}

static int try_root(void *arg, const char *root)
{
	struct search *s = arg;
	const char *folder = folders[s->kind];

	return try_path(s, root, folder, "") || try_path(s, root, folder, ".json") || try_path(s, root, "", "") || try_path(s, root, "", ".json");
}

static int not_found(const struct search *s, struct hx_err *err)
{
	char shown[256];
	char **names = input_names(s->kind);
	const char *near = text_nearest(s->name, (const char *const *)names);
	int rc;

	text_clean(shown, sizeof(shown), s->name);
	if (near)
		rc = hx_err_set(err, HX_INPUT, "no %s '%s'; did you mean '%s'?", input_kinds[s->kind], shown, near);
	else
		rc = hx_err_set(err, HX_INPUT, "no %s '%s': no such file, and no such name in %s/ (HEXPLORE_PATH adds folders)", input_kinds[s->kind], shown,
				folders[s->kind]);
	input_names_free(names);
	return rc;
}

const struct input *input_add(struct inputs *set, enum input_kind kind, const char *name, const char *path, const char *text, size_t len)
{
	struct input *in = hx_xcalloc(1, sizeof(*in));

	*in = (struct input){kind, hx_xstrdup(name), hx_xstrdup(path), hx_xmalloc(len + 1), len};
	memcpy(in->text, text, len);
	in->text[len] = '\0';
	set->items = hx_xrealloc(set->items, set->n + 1, sizeof(*set->items));
	set->items[set->n++] = in;
	return in;
}

int input_find(struct inputs *set, enum input_kind kind, const char *name, const struct input **out, struct hx_err *err)
{
	struct search s = {kind, name, NULL};
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int rc = HX_OK;

	for (size_t i = 0; i < set->n; i++)
		if (set->items[i]->kind == (int)kind && strcmp(set->items[i]->name, name) == 0) {
			*out = set->items[i];
			return HX_OK;
		}
	if (set->sealed)
		return hx_err_set(err, HX_INPUT, "the database holds no %s '%.100s'", input_kinds[kind], name);
	if (*name && (try_path(&s, NULL, "", "") || try_path(&s, NULL, "", ".json") || each_root(try_root, &s)))
		rc = read_input(kind, s.path, &text, &len, err);
	else if (*name && stat(name, &st) == 0)
		rc = file_read(name, MAX_BYTES, &text, &len, err); /* a directory: says so */
	else
		rc = not_found(&s, err);
	if (!rc)
		*out = input_add(set, kind, name, s.path, text, len);
	free(text);
	free(s.path);
	return rc;
}

void inputs_free(struct inputs *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->items[i]->name);
		free(set->items[i]->path);
		free(set->items[i]->text);
		free(set->items[i]);
	}
	free(set->items);
	*set = (struct inputs){0};
}

struct listing {
	const char *folder;
	char **names;
	size_t n;
};

static int list_root(void *arg, const char *root)
{
	struct listing *l = arg;
	char *path = hx_xasprintf("%s/%s", root, l->folder);
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		size_t len = strlen(e->d_name);
		char *name;

		if (len <= 5 || strcmp(e->d_name + len - 5, ".json") != 0)
			continue;
		name = hx_xstrdup(e->d_name);
		name[len - 5] = '\0';
		l->names = hx_xrealloc(l->names, l->n + 2, sizeof(*l->names));
		l->names[l->n++] = name;
	}
	if (dir)
		closedir(dir);
	free(path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **input_names(enum input_kind kind)
{
	struct listing l = {folders[kind], hx_xcalloc(1, sizeof(char *)), 0};
	size_t kept = 0;

	each_root(list_root, &l);
	qsort(l.names, l.n, sizeof(*l.names), by_name);
	for (size_t i = 0; i < l.n; i++) {
		if (kept && strcmp(l.names[kept - 1], l.names[i]) == 0)
			free(l.names[i]);
		else
			l.names[kept++] = l.names[i];
	}
	l.names[kept] = NULL;
	return l.names;
}

void input_names_free(char **names)
{
	for (size_t i = 0; names[i]; i++)
		free(names[i]);
	free(names);
}
