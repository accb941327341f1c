/* UTF-8, and the classes of code points that pre-tokenizers tell apart. */
#ifndef ENGINE_UNICODE_H
#define ENGINE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum hx_unicode_class { HX_UNICODE_OTHER, HX_UNICODE_LETTER, HX_UNICODE_NUMBER, HX_UNICODE_SPACE };

/* Code point of the first character of len > 0 bytes, and its length in *size. A byte that does not begin well-formed UTF-8 (too long a form, a
 * surrogate, cut off) is a character of its own: -1, size 1. */
int32_t hx_unicode_decode(const char *s, size_t len, size_t *size);

/* General category L or N, property White_Space, or none of these: also for -1. */
enum hx_unicode_class hx_unicode_class(int32_t c);

/* Of unicode_gen.py: starts of runs of one class in order, code point << 2 | class. */
extern const uint32_t hx_unicode_table[];
extern const size_t hx_unicode_table_n;

#endif
