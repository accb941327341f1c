# Helpers of the shell tests: . "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"
#
# Gives $top_srcdir, $top_builddir, $HEXPLORE (the program) and $tmp, all absolute; the test runs inside $tmp, which is removed
# at its end. A test ends with `done_testing`, without which it counts as failed.
#
#	run CMD [ARG...]          runs it; leaves $status, $out (stdout) and $err (stderr)
#	ok NAME CMD [ARG...]      the command succeeds; what it prints is shown if not
#	is NAME GOT WANT          two strings are equal
#	like NAME GOT REGEX       a string has a line that matches the extended regular expression
#	skip NAME REASON          one test that cannot run here
#	skip_all REASON           nothing can run here: ends the script

top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/..}" && pwd) || exit 1
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd) || exit 1
HEXPLORE=${HEXPLORE:-$top_builddir/hexplore}
tmp=$(mktemp -d) && cd "$tmp" || exit 1
trap 'cd / && rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
tests=0 failures=0

pass() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

# fail NAME [DIAGNOSTICS]
fail() {
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - $1"
	[ -z "$2" ] || printf '%s\n' "$2" | sed 's/^/# /'
}

run() {
	out=$("$@" 2>"$tmp/.stderr" </dev/null)
	status=$?
	err=$(cat "$tmp/.stderr")
}

ok() {
	ok_name=$1
	shift
	if ok_said=$("$@" 2>&1 </dev/null); then
		pass "$ok_name"
	else
		fail "$ok_name" "$ok_said"
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:  $2
want: $3"
	fi
}

like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
	else
		fail "$1" "got:  $2
want: $3"
	fi
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$tests"
	[ "$failures" -eq 0 ]
	exit
}
