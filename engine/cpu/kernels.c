/* Which kernel sets there are. */
#include "engine/cpu/sets.h"

#include <pthread.h>
#include <string.h>

/* Fastest first. */
static const struct hx_kernels *const sets[] = {
#if defined(__x86_64__)
	&hx_kernels_avx512,
	&hx_kernels_avx2,
#endif
#if defined(__aarch64__)
	&hx_kernels_neon_dot,
	&hx_kernels_neon,
#endif
	&hx_kernels_portable,
};

enum { SETS = sizeof(sets) / sizeof(*sets) };

static const struct hx_kernels *usable[SETS + 1];

static void find_usable(void)
{
	int n = 0;

	for (int i = 0; i < SETS; i++)
		if (sets[i]->usable())
			usable[n++] = sets[i];
}

const struct hx_kernels *const *hx_kernels_usable(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_usable);
	return usable;
}

const struct hx_kernels *hx_kernels_find(const char *name)
{
	const struct hx_kernels *const *k = hx_kernels_usable();

	while (name && *k && strcmp((*k)->name, name) != 0)
		k++;
	return *k;
}
