/* A bounded memory of computed values: once full, it forgets everything. Belongs to one thread. */
#ifndef CORE_MEMO_H
#define CORE_MEMO_H

#include <stdbool.h>
#include <stddef.h>

struct memo;

/* Keys and values are of fixed sizes; keys are compared by their bytes, so padding must be zero. most: entries held. */
struct memo *memo_create(size_t key_size, size_t value_size, size_t most);
void memo_free(struct memo *m);

/* The value of a key; *found says whether it was there before, else the caller fills it in. Valid until the next call. */
void *memo_at(struct memo *m, const void *key, bool *found);

#endif
