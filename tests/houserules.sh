#!/bin/sh
# The house rules that a machine can check. Each rule is a function that prints one line per offence below the current
# directory; it must stay silent on the sources, and must not on a tree of offences made here.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

sources() {
	find engine src tests -name '*.[ch]' | LC_ALL=C sort
}

# FILE:LINE:HEADER of every #include in the files named on stdin.
includes() {
	xargs grep -Hn '^[[:space:]]*#[[:space:]]*include' | sed 's/[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^>"]*\).*/\1/'
}

# A room includes itself and rooms of lower rank; store may use core, never the other way round.
arrows() {
	sources | grep -v '^tests/' | includes | awk -F: '
		BEGIN {
			rank["engine"] = 0; rank["base"] = 1; rank["core"] = 2; rank["store"] = 3
			rank["device"] = rank["output"] = 4; rank["cmd"] = 5; rank["main.c"] = 6
		}
		{
			split($1, p, "/"); from = p[1] == "src" ? p[2] : p[1]
			n = split($3, q, "/"); to = q[1] == "src" ? q[2] : q[1]
			if (!(from in rank)) { print $1 ": unknown room"; next }
			if (!(to in rank) || n == 1) next
			if (to != from && rank[to] >= rank[from]) print $1 ":" $2 ": " from " must not include " $3
		}'
}

# A library is used in its own room only.
libraries() {
	sources | grep -v '^tests/' | includes | awk -F: '
		$3 ~ /(^|\/)cJSON/ && $1 !~ /^src\/base\// ||
		$3 ~ /^sqlite3/ && $1 !~ /^src\/store\// ||
		$3 ~ /^CL\// && $1 !~ /^engine\/opencl/ ||
		$3 ~ /^gsl\// && $1 !~ /^src\// ||
		$3 ~ /\.\./ || $3 ~ /\.c$/ { print $1 ":" $2 ": must not include " $3 }
		$3 ~ /\.\./ || $3 ~ /\.c$/ { next }'
	sources | grep '^tests/' | includes | awk -F: '$3 ~ /\.c$/ { print $1 ":" $2 ": must not include " $3 }'
}

# Global symbols begin with hx_ in engine/, in src/ with the file's name or a leading part of it (profile_ in
# profile_fields.c), in src/cmd/ also with cmd_ and the file's name. $1: where the objects are.
symbols() {
	find engine src -name '*.c' | LC_ALL=C sort | while read -r c; do
		o=$1/${c%.c}.o
		case $c in engine/opencl*) [ -f "$o" ] || continue ;; esac
		[ -f "$o" ] || { echo "$c: not built: is it in Makefile.am?"; continue; }
		nm -g "$o" | awk -v file="$c" '
			BEGIN {
				n = split(file, p, "/"); stem = substr(p[n], 1, length(p[n]) - 2)
				if (p[1] == "engine") want["hx"]
				else for (s = stem; ; sub(/_[^_]*$/, "", s)) { want[s]; want[s "s"]; if (s !~ /_/) break }
				if (p[2] == "cmd") want["cmd_" stem]
			}
			NF < 3 || $3 ~ /^__/ || file == "src/main.c" && $3 == "main" { next } # undefined, or the compiler`s own
			{
				for (w in want) if ($3 == w && p[1] == "src" || index($3, w "_") == 1) next
				print file ": global symbol " $3 " is named after another file: make it static or rename it"
			}'
	done
}

externs() {
	sources | grep '\.c$' | xargs grep -Hn '^[[:space:]]*extern\>' | sed 's/$/ (extern belongs in a header)/'
}

# The guard of src/core/profile.h is CORE_PROFILE_H, of engine/err.h ENGINE_ERR_H, of tests/check.h TESTS_CHECK_H.
guards() {
	sources | grep '\.h$' | while read -r h; do
		guard=$(echo "$h" | sed 's,^src/,,' | tr 'a-z/.-' 'A-Z___')
		set -- $(grep -m 2 '^#' "$h")
		[ "$1 $2 $3 $4" = "#ifndef $guard #define $guard" ] || echo "$h: include guard must be $guard"
	done
}

# Shipped files name no folder of the machine they were written on.
paths() {
	find engine src hwprofiles models sweeps acceptance man *.md bootstrap configure.ac Makefile.am .ci \
		-type f ! -name '*.o' ! -name '.*' 2>/dev/null |
		xargs grep -HInE '(^|[^A-Za-z0-9_.~>$}/-])/(work|home|root|tmp)(/|[^A-Za-z0-9_/]|$)'
}

offences=$tmp/offences
mkdir -p "$offences/engine" "$offences/src/core" "$offences/src/cmd" "$offences/tests" && cd "$offences" || exit 1
cat >engine/bad.c <<'END'
#include "core/bad.h"
#include <gsl/gsl_math.h>
extern int elsewhere;
END
printf '#include "store/store.h"\n#include <sqlite3.h>\n' >src/core/bad.h
echo 'int shape_count; /* see /home/me */' >src/core/bad.c
echo 'int ugly;' >engine/ugly.c
echo 'int run(void); int run(void) { return 0; }' >src/cmd/best.c
echo '#include "core/bad.c"' >tests/test_bad.c
for c in engine/ugly src/core/bad src/cmd/best; do
	${CC:-cc} -c $c.c -o $c.o || exit 1
done

# rule NAME OFFENCES COMMAND...: OFFENCES is how many the tree above has.
rule() {
	name=$1 planted=$2
	shift 2
	said=$(cd "$offences" && "$@")
	found=$(printf '%s' "$said" | grep -c '')
	[ "$found" -eq "$planted" ] || { fail "$name: the check finds $planted planted offences" "$said"; return; }
	[ "$1" = symbols ] && set -- symbols "$top_builddir"
	is "$name" "$(cd "$top_srcdir" && "$@")" ""
}
rule "dependencies point one way" 2 arrows
rule "libraries stay in their rooms" 3 libraries
rule "global symbols carry their file's name" 4 symbols .
rule "no extern in .c files" 1 externs
rule "include guards are paths" 1 guards
rule "no path of a developer's machine" 1 paths

cd "$top_srcdir" || exit 1
unlisted=$(for f in tests/*.sh tests/test_*.c; do
	[ -f "$f" ] && { grep -Fqw "${f%.c}" Makefile.am || echo "$f"; }
done)
is "every test is in Makefile.am" "$unlisted" ""
sources | grep '\.h$' | xargs wc -l | awk '$2 != "total" && $1 > 80 { print "# note: " $2 " has " $1 " lines" }'
done_testing
