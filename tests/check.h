/* What cmocka lacks. Includes all that cmocka.h asks for. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's own comparison goes through float. NAN is near NAN only. */
#define check_near(actual, expected, relative) check_near_at(actual, expected, relative, #actual, __FILE__, __LINE__)

static inline void check_near_at(double actual, double expected, double relative, const char *text, const char *file, int line)
{
	if (isnan(expected) ? isnan(actual) : actual == expected || fabs(actual - expected) <= relative * fabs(expected))
		return;
	print_error("%s is %.17g, not within %g of %.17g\n", text, actual, relative, expected);
	_fail(file, line);
}

#endif
