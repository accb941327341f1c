/* Whether the tests run in an emulator, where everything takes some fifty times as long: tests/aarch64.sh names its processor. */
#ifndef TESTS_EMULATED_H
#define TESTS_EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool emulated(void)
{
	return getenv("QEMU_CPU") != NULL;
}

#endif
