/* Numbers, units and names as people type and read them. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_MAX = 32 }; /* room for any number printed here */

/* Strict numbers. `what` names the offender in the error (`--top`). The number may carry a suffix: k M G T (and Ki Mi Gi Ti), optionally
 * followed by a unit (Hz, B, s, W): `1.8GHz`, `4GiB`. */
int text_number(const char *s, double min, double max, const char *what, double *out, struct hx_err *err);
int text_seconds(const char *s, double min, double max, const char *what, double *out, struct hx_err *err); /* 30, 30s, 10m, 2h */
int text_int(const char *s, long min, long max, const char *what, long *out, struct hx_err *err);

/* Print value with unit into buf of TEXT_MAX bytes and return buf; NAN prints `-`. */
const char *text_bytes(char *buf, double bytes);          /* 1.31 GB (powers of 1000) */
const char *text_time(char *buf, double seconds);         /* 12.3 ms, 1.42 s, 87 us */
const char *text_si(char *buf, double v, const char *unit); /* 25.6 GB/s, 1.8 GHz */
const char *text_count(char *buf, double n);              /* 1,234,567 */

/* v with so many significant digits and no exponent, unless it is tiny or huge. */
const char *text_digits(char *buf, double v, int digits);

/* Shortest text that reads back as the same double, with an exponent where that saves many zeros: `0.1`, `1000`, `1.8e9`. */
const char *text_exact(char *buf, double v);

/* The candidate (NULL-terminated list) nearest to name by edit distance, or NULL when none is near enough to be meant. */
const char *text_nearest(const char *name, const char *const *candidates);

/* Bytes of the well-formed UTF-8 character at s (of NUL: 1); 0 when it is malformed, overlong, a surrogate or beyond U+10FFFF. */
int text_utf8(const char *s);

/* Whether the well-formed UTF-8 character at s steers what shows it: C0, DEL, C1, line and paragraph separators (U+2028, U+2029), and what
 * turns the direction of the text around it (U+202A to U+202E, U+2066 to U+2069). */
bool text_is_control(const char *s);

/* Copies s with control characters (text_is_control) and invalid UTF-8 replaced by `?`, so that nothing from a file steers a terminal. Cuts at size - 1 bytes, never inside a character. Returns buf. */
const char *text_clean(char *buf, size_t size, const char *s);

/* Whether s is a FIELD_NAME: [A-Za-z0-9][A-Za-z0-9._+-]{0,63}. */
bool text_is_name(const char *s);

#endif
