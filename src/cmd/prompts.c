/* Reading prompts. */
#include "cmd/prompts.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 16 << 20 };

static int read_all(const char *path, const char *shown, char **text, size_t *len, struct hx_err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	int rc = HX_OK;

	if (!f)
		return hx_err_set(err, HX_IO, "cannot open '%s': %s", shown, strerror(errno));
	*text = hx_xmalloc(MOST_BYTES + 1);
	*len = fread(*text, 1, MOST_BYTES, f);
	if (ferror(f))
		rc = hx_err_set(err, HX_IO, "cannot read '%s'", shown);
	else if (*len == MOST_BYTES)
		rc = hx_err_set(err, HX_INPUT, "'%s': prompts of 16 MiB or more", shown);
	if (f != stdin)
		fclose(f);
	return rc;
}

/* What is wrong with a line, or NULL. It ends in NUL. */
static const char *fault(const char *line, size_t len)
{
	size_t at = 0;

	while (at < len) {
		int n = line[at] ? text_utf8(line + at) : 0;

		if (!n)
			return "is not UTF-8 text";
		at += (size_t)n;
	}
	return strspn(line, " \t") == len ? "has nothing but white space" : NULL;
}

static int add(struct prompts *p, const struct hx_tokenizer *t, const char *line, size_t len, int number, bool special)
{
	struct prompt *new;

	p->items = hx_xrealloc(p->items, p->n + 1, sizeof(*p->items));
	new = &p->items[p->n++];
	*new = (struct prompt){.line = number};
	new->n = (int)hx_tokenizer_encode(t, line, len, true, special, &new->tokens);
	return new->n;
}

int prompts_read(struct prompts *p, const char *path, const struct hx_tokenizer *t, bool special, int most_tokens, struct hx_err *err)
{
	char *text = NULL, shown[200];
	size_t len = 0;
	int rc, number = 0;

	*p = (struct prompts){0};
	text_clean(shown, sizeof(shown), path);
	rc = read_all(path, shown, &text, &len, err);
	for (char *line = text, *end; !rc && line < text + len; line = end + 1) {
		const char *wrong;
		size_t n;

		end = memchr(line, '\n', (size_t)(text + len - line));
		end = end ? end : text + len;
		n = (size_t)(end - line);
		n -= n && line[n - 1] == '\r';
		line[n] = '\0';
		number++;
		if (!n)
			continue;
		wrong = fault(line, n);
		if (wrong) {
			rc = hx_err_set(err, HX_INPUT, "%s:%d: %s", shown, number, wrong);
		} else {
			int tokens = add(p, t, line, n, number, special);

			if (tokens > most_tokens || !tokens)
				rc = hx_err_set(err, HX_INPUT, "%s:%d: a prompt of %d tokens; %d at most leave room for the output", shown, number,
						tokens, most_tokens);
		}
	}
	if (!rc && !p->n)
		rc = hx_err_set(err, HX_INPUT, "'%s' has no prompts: one a line", shown);
	free(text);
	if (rc)
		prompts_free(p);
	return rc;
}

void prompts_free(struct prompts *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->items[i].tokens);
	free(p->items);
	*p = (struct prompts){0};
}
