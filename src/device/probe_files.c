/* Small files of /proc and /sys. */
#include "device/probe_internal.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 24 /* of /proc/cpuinfo, on the largest machines, a few million */ };

static char *read_all(FILE *f)
{
	size_t n = 0, room = 4096, got;
	char *text = hx_xmalloc(room);

	while ((got = fread(text + n, 1, room - 1 - n, f)) > 0 && room < MOST_BYTES) {
		n += got;
		if (n == room - 1)
			text = hx_xrealloc(text, room *= 2, 1);
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\0')) /* the device tree ends its texts so */
		n--;
	text[n] = '\0';
	return text;
}

static char *text_at(const char *root, const char *fmt, va_list ap)
{
	char path[512], *text = NULL;
	int n = snprintf(path, sizeof(path), "%s", root);
	FILE *f;

	if (n < 0 || (size_t)n >= sizeof(path) || (size_t)vsnprintf(path + n, sizeof(path) - (size_t)n, fmt, ap) >= sizeof(path) - (size_t)n)
		return NULL;
	if ((f = fopen(path, "r"))) {
		text = read_all(f);
		fclose(f);
	}
	if (text && !*text) {
		free(text);
		return NULL;
	}
	return text;
}

char *probe_text(const char *root, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_at(root, fmt, ap);
	va_end(ap);
	return text;
}

void probe_line(char *buf, size_t size, const char *root, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_at(root, fmt, ap);
	va_end(ap);
	text_clean(buf, size, text ? text : "");
	free(text);
}

double probe_number(const char *root, const char *fmt, ...)
{
	double v = NAN;
	char *text, *end;
	va_list ap;

	va_start(ap, fmt);
	text = text_at(root, fmt, ap);
	va_end(ap);
	if (text && isdigit((unsigned char)*text)) {
		v = strtod(text, &end);
		v *= *end == 'K' ? 1024 : *end == 'M' ? 1048576 : 1;
	}
	free(text);
	return v;
}

double probe_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		const char *end = strchr(text, '\n');

		if (strncmp(text, key, len) == 0 && strchr(": \t", text[len])) {
			text += len + strspn(text + len, ": \t");
			return isdigit((unsigned char)*text) ? strtod(text, NULL) : NAN;
		}
		text = end ? end + 1 : NULL;
	}
	return NAN;
}

bool probe_list_has(const char *list, int number)
{
	while (*list) {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (number >= first && number <= last)
			return true;
		list = *end == ',' ? end + 1 : "";
	}
	return false;
}
