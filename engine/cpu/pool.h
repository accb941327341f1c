/* Threads pinned to processors, which run one function together. */
#ifndef ENGINE_CPU_POOL_H
#define ENGINE_CPU_POOL_H

#include "engine/err.h"

#include <stdint.h>

struct hx_pool;

/* n threads, the caller of hx_pool_run being the first: n - 1 are started. cpus: the processor of each, or NULL: none is pinned. HX_IO: a thread
 * cannot be started, or a processor not be used. */
int hx_pool_create(struct hx_pool **out, int n, const int *cpus, struct hx_err *err);
void hx_pool_free(struct hx_pool *p);

/* From now on threads that wait sleep at once: they leave their processors to others, at some 50 microseconds for waking. */
void hx_pool_rest(struct hx_pool *p);

/* Callers stay bound as they are: they come and go between this pool and another one that binds them. */
void hx_pool_keep(struct hx_pool *p);

/* Runs work(arg, thread, n) on every thread and returns when all are done. The caller is pinned to the first processor, and stays so. Threads that
 * wait spin for a while, then sleep. */
void hx_pool_run(struct hx_pool *p, void (*work)(void *arg, int thread, int n), void *arg);

/* Binds the calling thread to a processor until a pool binds it to another or lets it go; it stays where it is if that cannot be used. */
void hx_pool_bind(int cpu);
void hx_pool_let_go(void);

/* Inside work: waits for all threads of the pool; what any wrote before is seen by all after. */
void hx_pool_barrier(struct hx_pool *p, int thread);

int hx_pool_threads(const struct hx_pool *p);

/* Part of [0, n) that a thread takes: [*first, *last), cut at multiples of `step`. */
void hx_pool_share(int64_t n, int64_t step, int thread, int threads, int64_t *first, int64_t *last);

#endif
