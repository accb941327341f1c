/* Threads that drivers start, kept so that they can be pinned: PoCL starts its workers when devices are first listed, wherever that thread may run. */
#ifndef ENGINE_OPENCL_THREADS_H
#define ENGINE_OPENCL_THREADS_H

#include "engine/err.h"

/* What threads appear between the two calls belong to that platform. */
void hx_cl_threads_watch(void);
void hx_cl_threads_seen(int platform);

/* All threads of the platform, for good. HX_IO: this process may not use that processor. */
int hx_cl_threads_pin(int platform, int cpu, struct hx_err *err);

#endif
