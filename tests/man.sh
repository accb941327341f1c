#!/bin/sh
# The man pages: they render without warnings, list the commands, options, charts, tables and columns that there are, and their examples
# run. tests/test_man.c compares the pages of the file formats with the field tables.
#
# An example is a display after a line `.\" test: KIND`: `run` holds commands after `$ `, the other kinds a file.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

man=$top_srcdir/man
mkdir bin && ln -s "$HEXPLORE" bin/hexplore && PATH=$tmp/bin:$PATH || exit 1
unset HEXPLORE_PATH

# Source of a page without roff's escapes and its comments, but for those that mark examples.
page() {
	sed -e 's/\\-/-/g; s/\\&//g; s/\\(dq/"/g' -e '/^\.\\" test: /b' -e '/^\.\\"/d' "$man/$1"
}

# ---- rendering ----

for f in "$man"/*.[1-9]; do
	name=${f##*/}
	if command -v groff >/dev/null; then
		is "$name: groff has no warnings" "$(groff -mandoc -Tutf8 -ww -z "$f" 2>&1)" ""
		is "$name: fits 80 columns" "$(groff -mandoc -Tascii -P-cbou "$f" 2>&1 | grep -E '^.{81}')" ""
	else
		skip "$name: groff has no warnings" "no groff"
		skip "$name: fits 80 columns" "no groff"
	fi
	if command -v mandoc >/dev/null; then
		is "$name: mandoc has no warnings" "$(mandoc -T lint -W warning "$f" 2>&1)" ""
	else
		skip "$name: mandoc has no warnings" "no mandoc"
	fi
	broken=$(page "$name" | sed -nE 's/^\.Xr (hexplore[a-z-]*) ([0-9]).*/\1.\2/p' | while read -r to; do
		[ -f "$man/$to" ] || echo "$to"
	done)
	is "$name: refers to pages that exist" "$broken" ""
done

# ---- commands and options ----

is "hexplore(1) has every command" \
	"$(page hexplore.1 | awk '/^\.Sh/ { inside = $2 == "COMMANDS" } inside && /^\.Ss/ { print $2 }')" \
	"$(hexplore --help | sed -n 's/^  \([a-z]*\) .*/\1/p')"

# `-p, --profile P`, one a line, in the order in which --help has them; --help itself stands in the page once for all.
help_options() {
	hexplore "$1" --help | sed -nE 's/^  (-.,|   ) (--[a-z-]+( [^ ]+)?)( .*)?$/\1 \2/p' | grep -v -e '--help'
}

section() {
	page hexplore.1 | awk -v name="$1" '/^\.S[hs]/ { inside = $1 == ".Ss" && $2 == name } inside'
}

page_options() {
	section "$1" | sed -nE '/^\.It Fl/ { s/^\.It Fl (.) , -/-\1, --/; s/^\.It Fl -/    --/; s/ Ar / /; p; }'
}

for c in $(hexplore --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	is "$c: the page has the options of --help" "$(page_options "$c")" "$(help_options "$c")"
	usage=$(hexplore "$c" --help | awk '!NF { exit } { $1 = $1; printf "%s%s", (NR > 1 ? " " : ""), $0 }' | sed 's/^usage: //')
	is "$c: the page has the usage of --help" "$(section "$c" | sed -n 's/^\.Dl //p')" "$usage"
done
is "-h is described" "$(page hexplore.1 | grep -Fxc '.Fl h , -help .')" 1
is "plot: the page has every chart" "$(section plot | sed -n 's/^\.It Cm //p')" \
	"$(hexplore plot --help | sed -n '/^Charts/,$ s/^  \([a-z]*\) .*/\1/p')"

# ---- examples ----

# Writes every example to examples/PAGE-N.KIND.
mkdir examples
for f in "$man"/*.[1-9]; do
	page "${f##*/}" | awk -v to="$tmp/examples/${f##*/}" '
		/^\.\\" test: / { kind = $3; file = to "-" ++n "." kind; next }
		kind && /^\.Bd/ { inside = 1; next }
		/^\.Ed/ { if (file) close(file); kind = file = ""; inside = 0 }
		inside && file { print > file }'
	is "${f##*/}: has examples" "$(page "${f##*/}" | grep -c '^\.\\" test: ')" "$(find examples -name "${f##*/}-*" | wc -l)"
done

# The sessions of hexplore(1), in order and in one directory.
for f in examples/*.run; do
	while read -r dollar command; do
		[ "$dollar" = '$' ] || continue
		case $command in
		*plot*)
			command -v gnuplot >/dev/null || {
				skip "$command" "no gnuplot"
				continue
			}
			;;
		esac
		ok "$command" sh -c "$command"
	done <"$f"
done

# example FILE: tries it, by its kind.
example() {
	case $1 in
	*.profile) ok "${1#*/}: is a profile" hexplore profile check "$1" ;;
	*.model) ok "${1#*/}: is a model" hexplore model check "$1" ;;
	*.sweep) ok "${1#*/}: is a sweep" hexplore sweep -q -p rk3588 -s "$1" --db example.db ;;
	*.acceptance) ok "${1#*/}: is an acceptance source" hexplore sweep -p rk3588 -a "$1" --dry-run ;;
	*.costs) ok "${1#*/}: is a table of passes" hexplore sweep -p rk3588 --costs "$1" --dry-run ;;
	*.sql)
		command -v sqlite3 >/dev/null || {
			skip "${1#*/}: the queries are understood" "no sqlite3"
			return
		}
		run sqlite3 -bail results/hexplore.db ".read $1"
		is "${1#*/}: the queries are understood" "$status$err" 0
		like "${1#*/}: the queries find something" "$out" .
		;;
	*.python)
		if python3 -c 'import pandas' 2>/dev/null; then
			ok "${1#*/}: runs" python3 "$1"
		else
			skip "${1#*/}: runs" "no pandas"
		fi
		;;
	*.run) ;;
	*) fail "${1#*/}: is of no known kind" ;;
	esac
}
for f in examples/*; do
	example "$f"
done

# The mappings shown, on the profile and target they are written for.
mappings=$(page hexplore.1 | awk '/^\.Sh/ { inside = $2 == "MAPPINGS" } inside && /^\.It Li/ { printf "%s\"%s\"", sep, $3; sep = ", " }')
cat >mappings.json <<END
{"schema": "hexplore/sweep/1", "name": "mappings", "target": "llama-3.2-3b", "target_quants": ["q4_0"], "gamma": [0],
 "workloads": [{"prompt": 63, "generated": 63}], "target_mappings": [$mappings]}
END
like "hexplore(1) has mappings" "$mappings" '",'
ok "the mappings shown are understood" hexplore sweep -q -p rk3588 -s mappings.json --db mappings.db

# ---- the database ----

# TABLE|COLUMN|TYPE of hexplore-db(5).
page_columns() {
	page hexplore-db.5 | awk '
		item { sub(/[,.].*/, ""); print table "|" item "|" $0; item = "" }
		/^\.Ss/ { table = $2 }
		/^\.It Ic/ { item = $3 }' | sort -s -t '|' -k 1,1
}

if command -v sqlite3 >/dev/null; then
	# SQLite knows no type of a column that a view computes: that of the page stands in for it
	page_columns >page.columns
	sqlite3 results/hexplore.db "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid" | awk -F '|' '
		NR == FNR { type[$1 "|" $2] = $3; next }
		{ print $1 "|" $2 "|" ($3 == "" && $1 == "validation" ? type[$1 "|" $2] : $3) }' page.columns - >stored.columns
	is "hexplore-db(5) has every table, view, column and type" "$(cat page.columns)" "$(cat stored.columns)"
	for pragma in application_id user_version; do
		number=$(sqlite3 results/hexplore.db "PRAGMA $pragma")
		like "hexplore-db(5) has the $pragma" "$(page hexplore-db.5 | grep -A 4 "PRAGMA $pragma" | tr '\n' ' ')" "[^0-9]$number[^0-9]"
	done
else
	skip "hexplore-db(5) has every table, view, column and type" "no sqlite3"
fi
done_testing
