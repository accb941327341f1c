/* Memory of packed matrices. */
#define _DEFAULT_SOURCE /* madvise */
#include "engine/cpu/kernels.h"

#include "engine/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

void *hx_pack_alloc(size_t bytes)
{
	size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : LINE, size = (bytes + align - 1) / align * align;
	void *p = size >= bytes ? aligned_alloc(align, size ? size : align) : NULL;

	if (!p)
		return hx_xmalloc(SIZE_MAX); /* which says so and aborts */
	if (align == HUGE_PAGE)
		madvise(p, size, MADV_HUGEPAGE); /* advice: without it streams are some percent slower, no more */
	return memset(p, 0, size);
}

void hx_pack_free(void *data)
{
	free(data);
}
