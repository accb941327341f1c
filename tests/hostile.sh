#!/bin/sh
# Input that means harm, or that nobody meant: files that are no JSON, names that would be code, streams that are closed.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

profile=$top_srcdir/hwprofiles/rk3588.json
model=$top_srcdir/models/llama-3.2-1b.json
acceptance=$top_srcdir/acceptance/paper-fp.json
cat "$top_srcdir/tests/data/small.json" >small.json # which may be read-only

# The address sanitizer needs more address space than there is.
limit=
sh -c 'ulimit -v 600000 && "$0" --version' "$HEXPLORE" >/dev/null 2>&1 && limit='ulimit -v 600000 &&'

# offer KIND FILE: gives the file to the command that reads its kind.
offer() {
	case $1 in
	profile) set -- profile check "$2" ;;
	model) set -- model check "$2" ;;
	sweep) set -- sweep -n -p "$profile" -s "$2" ;;
	acceptance) set -- sweep -n -p "$profile" -s small.json -a "$2" ;;
	costs) set -- sweep -n -p "$profile" -s small.json --costs "$2" ;;
	esac
	eval "$limit"' timeout 20 "$HEXPLORE" "$@"'
}

# refuses NAME REGEX FILE [KIND...]: every kind of input is refused in time and memory, with one line that names the file.
refuses() {
	name=$1 regex=$2 file=$3 wrong=
	shift 3
	[ $# -gt 0 ] || set -- profile model sweep acceptance
	for kind; do
		run offer $kind "$file"
		[ "$status" -eq 2 ] || [ "$status" -eq 3 ] && [ -z "$out" ] && [ "$(printf '%s\n' "$err" | wc -l)" -eq 1 ] &&
			printf '%s\n' "$err" | grep -Eq -e "^hexplore: .*$regex" && printf '%s\n' "$err" | grep -Fq -e "$file" ||
			wrong="$wrong$kind: status $status, said: $err$out
"
	done
	is "$name" "$wrong" ""
}

# refuses_text REGEX FORMAT: the same of a text, a format of printf.
refuses_text() {
	printf "$2" >text.json
	refuses "text: $(printf %s "$2" | tr -d '\\')" "$1" text.json
}

# ---- files that are no JSON ----
refuses_text 'text.json:1: .*1e999.* is too large' '{"a": 1e999}'
refuses_text 'text.json:1: .*-1e999.* is too large' '[-1e999]'
refuses_text 'text.json:1: .*leading zero' '{"a": 01}'
refuses_text "text.json:1: expected a value, found '\+1'" '{"a": +1}'
refuses_text "text.json:1: expected a value, found '.5'" '{"a": .5}'
refuses_text "text.json:1: '1\.' is not a JSON number" '{"a": 1.}'
refuses_text "text.json:1: expected a value, found 'NaN'" '{"a": NaN}'
refuses_text "text.json:1: .*'-Infinity' is not a JSON number" '{"a": -Infinity}'
refuses_text "text.json:2: duplicate key 'a'" '{"a": 1,\n"\\u0061": 2}'
refuses_text 'text.json:1: invalid UTF-8' '{"a": "\300\200"}'
refuses_text 'text.json:1: invalid UTF-8' '{"a": "\355\240\200"}'
refuses_text 'text.json:1: invalid UTF-8' '{"a": "\342\202'
refuses_text 'text.json:1: NUL byte' '{"a": "\0"}'
refuses_text 'text.json:1: \\u0000 is not accepted' '{"a": "\\u0000"}'
refuses_text 'text.json:1: byte-order mark' '\357\273\277{}'
refuses_text 'text.json:1: NUL byte; save the file as UTF-8' '\377\376{\0}\0'
refuses_text 'text.json: empty file' ''
refuses_text 'text.json: empty file' ' \n\t\r\n '
refuses_text "text.json:1: expected the end of the file, found '\{'" '{}{}'
refuses_text 'text.json:1: comments are not JSON' '{"a": 1 // one\n}'
head -c 100000 /dev/zero | tr '\0' '[' >deep.json
refuses "100,000 levels" 'deep.json:1: nested deeper than 64' deep.json
yes 1, | tr -d '\n' | head -c 15900001 | sed 's/^/[/; s/$/]/' >many.json
refuses "eight million elements" 'many.json:1: more than 2000000 values' many.json
awk 'BEGIN { printf "{\"schema\": \"hexplore/profile/1\""; for (i = 0; i < 1000000; i++) printf ",\"k%d\":1", i; printf "}" }' >keys.json
refuses "a million keys" 'keys.json:1: ' keys.json profile model
rm many.json keys.json

# ---- tables that are no CSV ----
header=model,quantisation,unit,cores,rows,context,seconds
# refuses_table REGEX FORMAT
refuses_table() {
	printf "$2" >table.csv
	refuses "costs: $(printf %s "$2" | tr -d '\\')" "$1" table.csv costs
}
refuses_table 'table.csv:1: byte-order mark' "\357\273\277$header\n"
refuses_table 'table.csv:1: invalid UTF-8; save the file as UTF-8' '\377\376m\0o\0'
refuses_table 'table.csv:3: NUL byte' "$header\nllama-3.2-3b,q8_0,a76,4,1,0,1\n\0lost\n"
refuses_table 'table.csv:2: invalid UTF-8' "$header\nllama\351,q8_0,a76,4,1,0,1\n"
refuses_table 'table.csv:2: seconds: ' "$header\nllama-3.2-3b,q8_0,a76,4,1,0,1e999\n"
refuses_table "table.csv:1: a second column of 'seconds'" "$header,relative\nllama-3.2-3b,q8_0,a76,4,1,0,1,2\n"
refuses_table "table.csv:2: profile 'rk3588' has no unit '\?\[31m'" "$header\nllama-3.2-3b,q8_0,\033[31m,4,1,0,1\n"
refuses_table 'table.csv: no rows' ''

# ---- what is no file to read ----
kinds='profile model sweep acceptance costs'
dd if=/dev/null of=sparse.json bs=1 seek=104857600 2>/dev/null
mkfifo fifo.json
mkdir folder.json
ln -s loop.json loop.json
refuses "100 MB" 'has 104857600 bytes; at most' sparse.json $kinds
refuses "a FIFO" 'is not a regular file' fifo.json $kinds
refuses "a directory" 'is a directory; name the file' folder.json $kinds
refuses "a loop of symbolic links" 'oo many .*symbolic links' loop.json $kinds
refuses "/dev/zero" 'is not a regular file' /dev/zero $kinds

# ---- names and texts ----
# unsteering FILE: no byte of it steers a terminal.
unsteering() {
	[ "$(LC_ALL=C tr -d '\n\t\040-\176\200-\377' <"$1" | wc -c)" -eq 0 ] &&
		! LC_ALL=C grep -aq "$(printf '\302[\200-\237]\\|\342\200[\250-\256]\\|\342\201[\246-\251]')" "$1"
}
printf 'a\033[31m' >esc
printf 'a\342\200\256b' >rlo
printf 'a\302\233b' >c1
ok "the test sees what steers" eval '! unsteering esc && ! unsteering rlo && ! unsteering c1'

# evil N: the Nth name that would do harm.
evil() {
	case $1 in
	1) printf %s '"; system("touch x"); "' ;;
	2) printf %s '`touch x` $(touch x)' ;;
	3) printf %s "x'); drop table point; --" ;;
	4) printf %s '@foo_{bar}^2 %s%n \\' ;;
	5) printf %s "=cmd|' -C calc'!A0, \"b\"" ;;
	6) printf 'two\nlines\tand\rmore' ;;
	7) printf 'red \033[31m \302\23331m \033]0;title\007' ;;
	8) printf 'turned \342\200\256 \342\201\246 \342\200\250 round' ;;
	esac
}
for i in 1 2 3 4 5 6 7 8; do
	name=$(evil $i)
	cp "$profile" "$name.json"
	cp small.json "$name-sweep.json"
	cp "$acceptance" "$name-acceptance.json"
	printf '{' >"$name-cut.json"
	printf '%s\nllama-3.2-3b,q8_0,a76,4,1,0,1\n' $header >"$name.csv"
	{
		"$HEXPLORE" sweep -p "$name.json" -s "$name-sweep.json" -a "$name-acceptance.json" --costs "$name.csv" --db "$name.db"
		[ $? -eq 0 ] || echo not swept
		"$HEXPLORE" best --db "$name.db" --format csv >evil.csv
		cat evil.csv
		"$HEXPLORE" best --db "$name.db" --format json
		"$HEXPLORE" explain 4 --db "$name.db"
		"$HEXPLORE" plot breakdown --db "$name.db"
		"$HEXPLORE" profile check "$name.json"
	} >said 2>&1
	is "file names $i: all runs" "$(grep -a '^hexplore\|^not swept' said)" ""
	ok "file names $i: csv is one line a row" test "$(wc -l <evil.csv)" -eq 11
	for bad in "$name-cut.json" "$name-none.json" "$name."; do
		"$HEXPLORE" profile check "$bad" 2>&1
		"$HEXPLORE" sweep -p "$bad" -s "$bad" --db none.db 2>&1
		"$HEXPLORE" best --db "$bad" --where "$bad" 2>&1
		"$HEXPLORE" best --db "$bad" 2>&1
		"$HEXPLORE" best --objective "$bad" 2>&1
		"$HEXPLORE" plot "$bad" 2>&1
		"$HEXPLORE" plot gamma --db "$name.db" --drafter "$bad" 2>&1
		"$HEXPLORE" plot gamma --db "$name.db" -o "$bad" 2>&1
	done >errors
	is "file names $i: an error is one line" "$(grep -ac '^hexplore: ' errors)" "$(wc -l <errors)"
	ok "file names $i: nothing steers" eval 'unsteering said && unsteering errors'
	is "file names $i: the tables are there" "$(sqlite3 "$name.db" 'SELECT count(*) > 0 FROM point')" 1
	# as a name inside a file, and as a text
	"$HEXPLORE" sweep -p rk3588 -s small.json --db texts.db -q >/dev/null
	sql=$(printf %s "$name" | sed "s/'/''/g")
	sqlite3 :memory: "SELECT json_set(readfile('$profile'), '\$.name', '$sql')" >named.json
	sqlite3 :memory: "SELECT json_set(readfile('$profile'), '\$.units[0].name', '$sql')" >unit.json
	sqlite3 :memory: "SELECT json_set(readfile('$profile'), '\$.\"$(printf %s "$sql" | tr -d '"\\')\"', 1)" >key.json
	sqlite3 :memory: "SELECT json_set(readfile('small.json'), '\$.target', '$sql')" >target.json
	sqlite3 :memory: "SELECT json_set(readfile('small.json'), '\$.drafters[0]', '$sql')" >drafter.json
	sqlite3 :memory: "SELECT json_set(readfile('small.json'), '\$.target_mappings[0]', '$sql')" >mapping.json
	sqlite3 :memory: "SELECT json_set(readfile('$model'), '\$.name', '$sql')" >shape.json
	for file in named unit key; do "$HEXPLORE" profile check $file.json; done >errors 2>&1
	for file in target drafter mapping; do "$HEXPLORE" sweep -p rk3588 -s $file.json --db none.db; done >>errors 2>&1
	"$HEXPLORE" model check shape.json >>errors 2>&1
	is "names $i: refused, in a line each" "$(wc -l <errors) $(grep -c '^hexplore: ' errors)" "7 7"
	sqlite3 :memory: "SELECT json_set(readfile('$profile'), '\$.soc', '$sql', '\$.units[0].core', '$sql', '\$.sources.host.from', '$sql')" >free.json
	{
		"$HEXPLORE" profile show free.json
		"$HEXPLORE" profile show --format csv free.json
		"$HEXPLORE" profile show --format json free.json >free.out && sqlite3 :memory: "SELECT json_valid(readfile('free.out'))"
		"$HEXPLORE" sweep -p free.json -s small.json -q --db free.db && "$HEXPLORE" plot roofline --db free.db
	} >said 2>&1
	if [ $i -lt 6 ]; then
		is "texts $i: taken as they are" "$(grep -c '^hexplore: ' said) $(grep -cx 1 said)" "0 1"
	else
		like "texts $i: refused" "$(cat said)" 'free.json:[0-9]+: .*control characters are not accepted'
	fi
	ok "names and texts $i: nothing steers" eval 'unsteering said && unsteering errors'
done

# ---- a database that another program wrote ----
all=$(for i in 1 2 3 4 5 6 7 8; do evil $i; done)
sql=$(printf %s "$all" | sed "s/'/''/g")
"$HEXPLORE" sweep -p rk3588 -s small.json --db edited.db -q >/dev/null
sqlite3 edited.db "UPDATE sweep SET profile = '$sql', target = '$sql', keep = '$sql', created = '$sql';
	UPDATE sweep_input SET name = '$sql', path = '$sql' WHERE name = 'rk3588'; UPDATE mapping SET text = '$sql' || id;
	UPDATE point SET reason = '$sql', drafter = '$sql', mode = '$sql', acceptance = '$sql'"
for format in table csv json jsonl; do
	for command in best pareto "best --objective latency --top 0" "explain 4"; do
		"$HEXPLORE" $command --db edited.db --format $format || echo failed
	done
done >said 2>&1
for kind in heatmap gamma breakdown roofline pareto; do
	"$HEXPLORE" plot $kind --db edited.db || echo failed
done >>said 2>&1
is "edited texts: all runs" "$(grep -ac '^failed\|^hexplore' said)" 0
"$HEXPLORE" best --db edited.db --format csv --top 0 >rows.csv
is "edited texts: csv is read by another program" \
	"$(sqlite3 :memory: '.mode csv' '.import rows.csv t' 'SELECT count(*), count(DISTINCT profile), max(length(profile)) > 100 FROM t' 2>&1)" \
	"$(($(wc -l <rows.csv) - 1)),1,1"
"$HEXPLORE" best --db edited.db --format json --top 0 >rows.json
is "edited texts: json is read by another program, exactly" \
	"$(sqlite3 edited.db "SELECT json_extract(readfile('rows.json'), '\$[0].profile') = profile FROM sweep")" 1
ok "edited texts: nothing steers" eval 'unsteering said && unsteering rows.csv && unsteering rows.json'
sqlite3 edited.db "UPDATE input SET text = replace(text, '\"soc\"', '\"\\u001b[31m\"') WHERE kind = 'profile'"
run "$HEXPLORE" best --db edited.db
like "a stored input that is wrong: says where it is from" "$status $err" '^2 hexplore: as sweep 1 stored it: .*unknown key'
"$HEXPLORE" sweep -p rk3588 -s small.json --db plain.db -q >/dev/null
cp plain.db numbers.db
best=$("$HEXPLORE" best --db numbers.db --top 1 -f jsonl | sed 's/.*"id": \([0-9]*\),.*/\1/')
sqlite3 numbers.db "UPDATE point SET draft_s = 1e308, verify_s = 1e308 WHERE id = $best; UPDATE point SET id = 9e18 WHERE id = 2"
for command in "plot breakdown" "plot breakdown $best" "plot gamma" pareto; do
	run timeout 20 "$HEXPLORE" $command --db numbers.db
	ok "huge numbers: $command ends" test "$status" -le 2 -a "${#out}" -lt 100000
done

if command -v gnuplot >/dev/null; then
	"$HEXPLORE" sweep -p rk3588 -s small.json --db edited.db -q >/dev/null
	sqlite3 edited.db "UPDATE sweep SET profile = '$sql' WHERE id = 2; UPDATE sweep_input SET name = '$sql' WHERE name = 'rk3588'"
	for kind in gamma heatmap; do
		run "$HEXPLORE" plot $kind --db edited.db -o "$(evil 1)$(evil 7).png"
		is "picture of edited texts: $kind" "$status$err" 0
	done
	# a gnuplot that has Ctrl-C pressed while the picture is being saved
	mkdir bin
	cat >bin/gnuplot <<-'END'
		#!/bin/sh
		(until ls beside.png.* >/dev/null 2>&1; do kill -0 $PPID 2>/dev/null || exit; done; kill -INT $PPID) >/dev/null 2>&1 &
		head -c 64000000 /dev/zero
	END
	chmod +x bin/gnuplot
	(PATH=$tmp/bin:$PATH "$HEXPLORE" plot gamma --db plain.db -o beside.png) 2>/dev/null
	is "Ctrl-C while a picture is saved leaves it whole" "$(ls beside.png*) $(wc -c <beside.png)" "beside.png 64000000"
else
	skip "pictures of edited texts" "gnuplot is not installed"
fi
is "nothing was executed" "$(ls x 2>/dev/null)" ""

# ---- streams ----
{ "$HEXPLORE" best --top 0 --db plain.db; echo $? >status; } 2>errors | head -n 1 >/dev/null
is "a reader that leaves early hears nothing" "$(cat errors)" ""
(trap '' PIPE && "$HEXPLORE" best --top 0 --db plain.db 2>errors; echo $? >status) | :
ok "even without SIGPIPE" test ! -s errors
"$HEXPLORE" best --db plain.db >&- 2>errors
is "stdout is closed: status" $? 3
like "stdout is closed: is said" "$(cat errors)" '^hexplore: cannot write the output: '
"$HEXPLORE" sweep -p rk3588 -s small.json -q --format csv --db quiet.db 2>&- >rows.csv
is "stderr is closed: the rows are whole" "$? $(wc -l <rows.csv)" "0 6"
if [ -e /dev/full ]; then
	for command in "best --db plain.db" "explain 1 --db plain.db" "plot breakdown --db plain.db" "model list" "sweep -n -p rk3588"; do
		"$HEXPLORE" $command >/dev/full 2>errors
		is "a full disk under $command" "$? $(cat errors)" "3 hexplore: cannot write the output: No space left on device"
	done
fi

# ---- a terminal of 80 columns ----
for p in $(cd "$top_srcdir/hwprofiles" && ls *.json); do
	"$HEXPLORE" sweep -p "$p" --db wide.db -q
	id=$("$HEXPLORE" best --db wide.db --top 1 -f jsonl | sed 's/.*"id": \([0-9]*\),.*/\1/')
	plain=$("$HEXPLORE" best --db wide.db --top 1 --max gamma=0 -f jsonl | sed 's/.*"id": \([0-9]*\),.*/\1/')
	for command in best "best --objective memory" pareto "explain $id" "explain $plain" "plot heatmap" "plot breakdown" "plot roofline"; do
		"$HEXPLORE" $command --db wide.db
	done
	"$HEXPLORE" profile show "$p"
done >wide 2>&1
for command in "profile list" "model list" "model show llama-3.2-3b" "" "sweep --help" "best --help" "explain --help" "plot --help"; do
	"$HEXPLORE" $command
done >>wide
is "no line is wider" "$(awk 'length > 80' wide)" ""
done_testing
