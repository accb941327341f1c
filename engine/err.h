/* Errors and allocation for the engine and everything above it. */
#ifndef ENGINE_ERR_H
#define ENGINE_ERR_H

#include <stddef.h>

/* What a function returns and the process exits with. */
enum hx_status {
	HX_OK = 0,
	HX_NO = 1,    /* the answer is no: a check failed */
	HX_INPUT = 2, /* usage, or input that is wrong */
	HX_IO = 3,    /* input/output or device */
};

/* A finished sentence without capital or full stop that names its subject. Untouched on success. */
struct hx_err {
	char msg[1024];
};

#if defined(__GNUC__)
#define HX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define HX_PRINTF(fmt, args)
#endif

/* Formats the message and returns status, so that `return hx_err_set(err, HX_INPUT, ...)` fails in one line. */
int hx_err_set(struct hx_err *err, int status, const char *fmt, ...) HX_PRINTF(3, 4);

/* Allocation that cannot fail: out of memory prints one line and aborts. The caller frees. */
void *hx_xmalloc(size_t size);
void *hx_xcalloc(size_t n, size_t size);
void *hx_xrealloc(void *p, size_t n, size_t size);
char *hx_xstrdup(const char *s);
char *hx_xasprintf(const char *fmt, ...) HX_PRINTF(1, 2);

#endif
