/* UTF-8 and the classes of its characters. */
#include "engine/unicode.h"

int32_t hx_unicode_decode(const char *s, size_t len, size_t *size)
{
	static const struct {
		unsigned char mask, lead;
		int32_t least;
	} forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const unsigned char *u = (const unsigned char *)s;

	*size = 1;
	for (size_t n = 1; n <= 4 && n <= len; n++) {
		int32_t c = u[0] & ~forms[n - 1].mask;

		if ((u[0] & forms[n - 1].mask) != forms[n - 1].lead)
			continue;
		for (size_t i = 1; i < n; i++) {
			if ((u[i] & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (u[i] & 0x3f);
		}
		if (c < forms[n - 1].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return -1;
		*size = n;
		return c;
	}
	return -1;
}

enum hx_unicode_class hx_unicode_class(int32_t c)
{
	size_t lo = 0, hi = hx_unicode_table_n;

	if (c < 0)
		return HX_UNICODE_OTHER;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (hx_unicode_table[mid] >> 2 <= (uint32_t)c)
			lo = mid;
		else
			hi = mid;
	}
	return hx_unicode_table[lo] & 3;
}
