#include "core/input.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[256];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A folder of its own to work in:  a/models/mine.json, a/models/llama-3.2-1b.json, b/models/mine.json, b/other.json, here.json, a FIFO. */
static int enter(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[600];

	(void)state;
	snprintf(dir, sizeof(dir), "%.200s/hxinput.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir) || chdir(dir) || mkdir("a", 0700) || mkdir("b", 0700) || mkdir("a/models", 0700) || mkdir("b/models", 0700) ||
	    mkfifo("pipe", 0600))
		return -1;
	put("a/models/mine.json", "a");
	put("a/models/llama-3.2-1b.json", "shadow");
	put("b/models/mine.json", "b");
	put("b/models/notes.txt", "x");
	put("b/other.json", "other");
	put("here.json", "here");
	put("empty", "");
	snprintf(path, sizeof(path), "%s/a:%s/b", dir, dir);
	return setenv("HEXPLORE_PATH", path, 1);
}

static int leave(void **state)
{
	static const char *const files[] = {"a/models/mine.json",
					    "a/models/llama-3.2-1b.json",
					    "b/models/mine.json",
					    "b/models/notes.txt",
					    "b/other.json",
					    "here.json",
					    "empty",
					    "pipe"};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(files[i]);
	rmdir("a/models");
	rmdir("b/models");
	rmdir("a");
	rmdir("b");
	return chdir("/") || rmdir(dir);
}

static void finds(void **state)
{
	static const struct {
		const char *name, *text, *path; /* path: how it ends */
	} rows[] = {
		{"here.json", "here", "here.json"},
		{"here", "here", "here.json"},
		{"./here", "here", "./here.json"},
		{"mine", "a", "/a/models/mine.json"},
		{"mine.json", "a", "/a/models/mine.json"},
		{"other", "other", "/b/other.json"},
		{"b/models/mine", "b", "b/models/mine.json"},
		{"llama-3.2-1b", "shadow", "/a/models/llama-3.2-1b.json"},
		{"empty", "", "empty"},
	};
	struct inputs in = {0};
	struct hx_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct input *file, *again;
		size_t n = strlen(rows[i].path);

		if (input_find(&in, INPUT_MODEL, rows[i].name, &file, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(file->text, rows[i].text);
		assert_int_equal(file->len, strlen(rows[i].text));
		assert_string_equal(file->name, rows[i].name);
		assert_true(strlen(file->path) >= n);
		assert_string_equal(file->path + strlen(file->path) - n, rows[i].path);
		assert_int_equal(input_find(&in, INPUT_MODEL, rows[i].name, &again, &err), HX_OK);
		assert_ptr_equal(again, file);
		assert_int_equal(in.n, i + 1);
	}
	inputs_free(&in);
}

static void refuses(void **state)
{
	static const struct {
		const char *name, *message;
	} rows[] = {
		{"llama-3.2-2b", "no model 'llama-3.2-2b'; did you mean 'llama-3.2-"},
		{"qqqqqqqqqqqqqqqq", "no model 'qqqqqqqqqqqqqqqq': no such file, and no such name in models/ (HEXPLORE_PATH adds folders)"},
		{"", "no model ''"},
		{"a", "'a' is a directory; name the file"},
		{"pipe", "'pipe' is not a regular file"},
		{"/dev/null", "'/dev/null' is not a regular file"},
		{"\033[2Jqqqqqqqqqqqqqq", "no model '?[2Jqqqqqqqqqqqqqq'"},
		{"notes", "no model 'notes'"},
	};
	struct inputs in = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct input *file;
		struct hx_err err = {""};

		assert_int_equal(input_find(&in, INPUT_MODEL, rows[i].name, &file, &err), HX_INPUT);
		if (strncmp(err.msg, rows[i].message, strlen(rows[i].message)) != 0)
			fail_msg("%s", err.msg);
	}
	assert_int_equal(in.n, 0);
	inputs_free(&in);
}

static void unreadable(void **state)
{
	struct inputs in = {0};
	const struct input *file;
	struct hx_err err = {""};

	(void)state;
	if (geteuid() == 0)
		skip();
	chmod("here.json", 0);
	assert_int_equal(input_find(&in, INPUT_MODEL, "here.json", &file, &err), HX_IO);
	chmod("here.json", 0600);
	assert_non_null(strstr(err.msg, "cannot read 'here.json': "));
	inputs_free(&in);
}

static void too_large(void **state)
{
	struct inputs in = {0};
	const struct input *file;
	struct hx_err err = {""};

	(void)state;
	assert_int_equal(truncate("empty", (16 << 20) + 1), 0);
	assert_int_equal(input_find(&in, INPUT_MODEL, "empty", &file, &err), HX_INPUT);
	assert_int_equal(truncate("empty", 0), 0);
	assert_string_equal(err.msg, "'empty' has 16777217 bytes; at most 16777216 are read");
	inputs_free(&in);
}

/* What comes from a database looks at no files; kinds have names of their own. */
static void sealed(void **state)
{
	struct inputs in = {0};
	const struct input *file;
	struct hx_err err = {""};

	(void)state;
	input_add(&in, INPUT_MODEL, "x", "p", "text\0more", 9);
	in.sealed = true;
	assert_int_equal(input_find(&in, INPUT_MODEL, "x", &file, &err), HX_OK);
	assert_int_equal(file->len, 9);
	assert_memory_equal(file->text, "text\0more", 10);
	assert_int_equal(input_find(&in, INPUT_SWEEP, "x", &file, &err), HX_INPUT);
	assert_string_equal(err.msg, "the database holds no sweep 'x'");
	assert_int_equal(input_find(&in, INPUT_MODEL, "here.json", &file, &err), HX_INPUT);
	inputs_free(&in);
}

/* Sorted, each once, without the suffix; shipped ones among them. */
static void names(void **state)
{
	char **list = input_names(INPUT_MODEL);
	int mine = 0, shipped = 0;

	(void)state;
	for (char **n = list; *n; n++) {
		mine += strcmp(*n, "mine") == 0;
		shipped += strcmp(*n, "llama-3.2-1b") == 0;
		assert_null(strstr(*n, "notes"));
		if (n > list)
			assert_true(strcmp(n[-1], *n) < 0);
	}
	assert_int_equal(mine, 1);
	assert_int_equal(shipped, 1);
	input_names_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),     cmocka_unit_test(refuses), cmocka_unit_test(unreadable),
		cmocka_unit_test(too_large), cmocka_unit_test(sealed),  cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
