/* Compiled programs on disk, in HEXPLORE_CACHE, else in hexplore below XDG_CACHE_HOME, else below ~/.cache. Without such a folder nothing is kept, and
 * nothing complains. */
#ifndef ENGINE_OPENCL_CACHE_H
#define ENGINE_OPENCL_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* 64-bit FNV-1a (Fowler, Noll, Vo) of what `hash` stands for and these bytes after it; HX_CL_HASH stands for nothing. */
#define HX_CL_HASH UINT64_C(0xcbf29ce484222325)
uint64_t hx_cl_hash(uint64_t hash, const void *data, size_t n);

/* What was kept under a key, to be freed; NULL: nothing, or a file that was damaged. */
unsigned char *hx_cl_cache_read(uint64_t key, size_t *n);

/* Under a key: at once, so that other processes see all of it or nothing. */
void hx_cl_cache_write(uint64_t key, const unsigned char *data, size_t n);

/* Keeps a text for people beside them; its path, to be freed, or NULL. */
char *hx_cl_cache_log(uint64_t key, const char *text);

#endif
