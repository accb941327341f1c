#!/bin/sh
# run-tap.sh COMMAND [ARG...]: runs one test for automake's TAP driver and evens out what the driver would count wrongly.
limit=${TEST_TIMEOUT:-300} # seconds; a test that hangs fails

if command -v timeout >/dev/null 2>&1; then
	out=$(timeout "$limit" "$@" </dev/null)
else
	out=$("$@" </dev/null)
fi
rc=$?
[ $rc -eq 124 ] && echo "# no end after $limit s"

# cmocka before 1.1.6 writes a skipped test as `not ok N # SKIP`, which is a failure in TAP.
out=$(printf '%s\n' "$out" | sed 's/^not \(ok .*# SKIP\)/\1/')
if [ $rc -eq 77 ] && [ -z "$out" ]; then
	echo "1..0 # SKIP exit status 77"
	exit 0
fi
printf '%s\n' "$out"

# A status that only repeats the failures above would be counted as one more of them.
case $out in
*"not ok "*) [ $rc -ge 124 ] || exit 0 ;;
esac
exit $rc
