/* The man pages of the file formats say what the field tables say, in the same order.
 *
 * Keys stand between `.Sh KEYS` and the next `.Sh`. `.Ss units[].bandwidth` opens a structure, `.It Ic cores` a key, and the line after it is
 * what described_field makes of the table's row. */
#include "core/accept.h"
#include "core/predict.h"
#include "core/profile.h"
#include "core/shape.h"
#include "core/sweep.h"
#include "engine/plan.h"

#include "base/text.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_page(const char *name)
{
	const char *root = getenv("top_srcdir");
	char path[1024], *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/%s", root ? root : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s", path);
	if (getdelim(&text, &size, '\0', f) < 0)
		fail_msg("cannot read %s", path);
	fclose(f);
	return text;
}

/* ---- what the tables say ---- */

static void print_range(FILE *out, const struct field *f)
{
	char a[TEXT_MAX], b[TEXT_MAX];

	fprintf(out, "%s%s, %s to %s", f->unit ? " in " : "", f->unit ? f->unit : "", text_exact(a, f->min), text_exact(b, f->max));
}

static void print_choices(FILE *out, const struct field *f)
{
	if (f->choices == hx_type_names)
		fputs("weight type", out);
	else if (f->choices == hx_op_names)
		fputs("operator", out);
	for (int i = 0; f->choices != hx_type_names && f->choices != hx_op_names && f->choices[i]; i++)
		fprintf(out, "%s%s", i ? " | " : "", f->choices[i]);
}

static void print_type(FILE *out, const struct field *f)
{
	static const struct {
		const char *words;
		bool range, choices;
	} types[] = {
		[FIELD_STRING] = {"Text", false, false},
		[FIELD_NAME] = {"Name", false, false},
		[FIELD_NUMBER] = {"Number", true, false},
		[FIELD_INT] = {"Whole number", true, false},
		[FIELD_BOOL] = {"true | false", false, false},
		[FIELD_CHOICE] = {"Word: ", false, true},
		[FIELD_NUMBERS] = {"List of numbers", true, false},
		[FIELD_AXIS] = {"Axis", true, false},
		[FIELD_STRINGS] = {"List of texts", false, false},
		[FIELD_NAMES] = {"List of names", false, false},
		[FIELD_CHOICES] = {"List of words: ", false, true},
		[FIELD_OBJECT] = {"Object", false, false},
		[FIELD_OBJECTS] = {"List of objects", false, false},
		[FIELD_MAP] = {"Object with keys of your choice", false, false},
		[FIELD_MATRIX] = {"List of lists of numbers", true, false},
	};

	fputs(types[f->type].words, out);
	if (types[f->type].range)
		print_range(out, f);
	if (types[f->type].choices)
		print_choices(out, f);
}

static void print_default(FILE *out, const struct field *f)
{
	char text[TEXT_MAX];
	bool number = f->type == FIELD_NUMBER || f->type == FIELD_INT;

	if (f->flags & FIELD_REQUIRED)
		fputs("; required", out);
	else if (f->type == FIELD_BOOL)
		fprintf(out, "; default %s", f->missing != 0 ? "true" : "false");
	else if (f->type == FIELD_CHOICE)
		fprintf(out, "; default %s", f->choices[(int)f->missing]);
	else if (number && !isnan(f->missing))
		fprintf(out, "; default %s", text_exact(text, f->missing));
	else
		fputs("; optional", out);
	if (f->flags & FIELD_MIN1)
		fputs(", not empty", out);
}

static void print_table(FILE *out, const struct field_table *t, const char *prefix, bool map)
{
	char path[256];

	if (*prefix)
		fprintf(out, ".Ss %s\n", prefix);
	if (t->schema)
		fprintf(out, ".It Ic schema\n\"%s\"; required.\n", t->schema);
	for (const struct field *f = t->fields; f->name; f++) {
		fprintf(out, ".It Ic %s\n", f->name);
		if (map && f == t->fields) {
			fputs("The key itself: text.\n", out);
			continue;
		}
		print_type(out, f);
		print_default(out, f);
		fputs(".\n", out);
	}
	for (const struct field *f = t->fields; f->name; f++) {
		if (!f->sub || f->sub == &accept_inline_fields) /* has a page of its own */
			continue;
		snprintf(path, sizeof(path), "%s%s%s%s", prefix, *prefix ? "." : "", f->name,
			 f->type == FIELD_OBJECTS ? "[]" : f->type == FIELD_MAP ? ".*" : "");
		print_table(out, f->sub, path, f->type == FIELD_MAP);
	}
}

/* ---- what the page says ---- */

/* The lines of a section that print_table would print. Cuts the text into lines. */
static void print_page(FILE *out, char *text, const char *section)
{
	char *save = NULL;
	bool inside = false, after_item = false;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, ".Sh ", 4) == 0)
			inside = strcmp(line + 4, section) == 0;
		if (!inside)
			continue;
		if (after_item || strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".It Ic ", 7) == 0)
			fprintf(out, "%s\n", line);
		after_item = strncmp(line, ".It Ic ", 7) == 0;
	}
}

/* Text without roff's escapes: `\-` is `-`, `\&` nothing. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == '&')
			s++;
		else if (s[0] != '\\' || s[1] != '-')
			*to++ = *s;
	}
	*to = '\0';
}

static char *line_of(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

static void check_lines(const char *name, char *expected, char *actual)
{
	char *e = expected, *a = actual, *want, *have, where[256] = "", item[256] = "";

	unescape(actual);
	do {
		want = line_of(&e);
		have = line_of(&a);
		if ((want || have) && (!want || !have || strcmp(want, have) != 0))
			fail_msg("%s: at '%s' '%s': the table says '%s', the page '%s'", name, where, item, want ? want : "(nothing)",
				 have ? have : "(nothing)");
		if (want && strncmp(want, ".Ss", 3) == 0)
			snprintf(where, sizeof(where), "%s", want);
		if (want && strncmp(want, ".It", 3) == 0)
			snprintf(item, sizeof(item), "%s", want);
	} while (want && have);
}

static void check_page(const char *name, const struct field_table *t)
{
	char *page = read_page(name), *expected, *actual;
	size_t size;
	FILE *f = open_memstream(&expected, &size);

	print_table(f, t, "", false);
	fclose(f);
	f = open_memstream(&actual, &size);
	print_page(f, page, "KEYS");
	fclose(f);
	check_lines(name, expected, actual);
	free(page);
	free(expected);
	free(actual);
}

static void profile(void **state)
{
	(void)state;
	check_page("hexplore-profile.5", &profile_fields);
}

static void model(void **state)
{
	(void)state;
	check_page("hexplore-model.5", &shape_fields);
}

static void sweep(void **state)
{
	(void)state;
	check_page("hexplore-sweep.5", &sweep_fields);
}

static void acceptance(void **state)
{
	(void)state;
	check_page("hexplore-acceptance.5", &accept_fields);
}

/* ---- words ---- */

/* Whether the page has a line that lists the words, `a, b, c.` */
static void check_list(const char *name, const char *const *words)
{
	char *page = read_page(name), list[512] = "\n";

	for (size_t n = 1, i = 0; words[i] && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", words[i], words[i + 1] ? ", " : ".\n");
	unescape(page);
	if (!strstr(page, list))
		fail_msg("%s lacks the line '%s'", name, list);
	free(page);
}

static void types_and_operators(void **state)
{
	(void)state;
	check_list("hexplore-profile.5", hx_type_names);
	check_list("hexplore-model.5", hx_type_names);
	check_list("hexplore-sweep.5", hx_type_names);
	check_list("hexplore-acceptance.5", hx_type_names);
	check_list("hexplore-profile.5", hx_op_names);
}

/* The unit of every predicted number: `REAL, s.` in the section of the view. */
static void predictions(void **state)
{
	char *page = read_page("hexplore-db.5"), *actual, *at, wanted[256];
	size_t size;
	FILE *f = open_memstream(&actual, &size);

	(void)state;
	print_page(f, page, "PREDICTIONS");
	fclose(f);
	unescape(actual);
	for (const struct predict_column *c = predict_columns; c->name; c++) {
		snprintf(wanted, sizeof(wanted), ".It Ic %s\nREAL%s%s.", c->name, *c->unit ? ", " : "", c->unit);
		at = strstr(actual, wanted);
		if (!at)
			fail_msg("hexplore-db.5 lacks '%s'", wanted);
	}
	free(page);
	free(actual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile),    cmocka_unit_test(model),		     cmocka_unit_test(sweep),
		cmocka_unit_test(acceptance), cmocka_unit_test(types_and_operators), cmocka_unit_test(predictions),
	};

	return cmocka_run_group_tests_name("man pages", tests, NULL, NULL);
}
