#!/bin/sh
# Traces: `run --trace` writes them, `plot timeline` draws them, and neither falls for a bad file.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

target=$top_srcdir/models/pair/pair-target.gguf drafter=$top_srcdir/models/pair/pair-drafter.gguf
two=$top_srcdir/tests/data/overlapped-trace.json
translate() {
	run "$HEXPLORE" run --target "$target" -p "Wer hat die letzte Banane gegessen?" "$@"
}
timeline() {
	run "$HEXPLORE" plot timeline "$@"
}

# ---- what is written ----

# What is amiss in a trace, one line each: an operator outside a pass of its kind, two at once on one lane.
amiss() {
	sed -nE 's/.*"X","name":"([^"]*)","cat":"([^"]*)".*"tid":([0-9]+),"ts":([0-9.]+),"dur":([0-9.]+),.*"pass":"([^"]*)".*/\1;\2;\3;\4;\5;\6/p' "$1" |
		sort -t';' -s -k4,4n | awk -F';' '
		{ name[NR] = $1; cat[NR] = $2; lane[NR] = $3; from[NR] = $4 * 1000; to[NR] = from[NR] + $5 * 1000; pass[NR] = $6 }
		END {
			if (!NR) print "no events"
			for (i = 1; i <= NR; i++) {
				if (cat[i] != "pass") {
					if (from[i] < until[lane[i]] - 0.5) print name[i] " begins at " from[i] ", before what was there ends"
					until[lane[i]] = to[i]
				}
				for (k = 1; cat[i] != "pass" && k <= NR; k++)
					if (cat[k] == "pass" && (pass[k] == pass[i] || pass[i] == "front") && from[k] <= from[i] + 0.5 && to[i] <= to[k] + 0.5) break
				if (k > NR) print name[i] " at " from[i] " is in no " pass[i]
			}
		}'
}
count() {
	grep -c "$1" "$2"
}

translate -q
plain=$out
i=0
for draft in "" "--draft $drafter --gamma 3" "--draft ngram" "--draft early-exit:3" "--draft $drafter --no-kv-cache"; do
	i=$((i + 1))
	# shellcheck disable=SC2086
	translate --trace $i.json $draft
	is "with a trace the text is the same: $draft" "$status $out" "0 $plain"
	is "operators lie in their passes: $draft" "$(amiss $i.json)" ""
	if command -v python3 >/dev/null; then
		ok "it is JSON: $draft" python3 -m json.tool $i.json
	else
		skip "it is JSON: $draft" "no python3"
	fi
	rounds=$(printf '%s\n' "$err" | sed -n 's/^rounds: \([0-9]*\),.*/\1/p')
	[ -z "$rounds" ] || is "a pass for each round: $draft" "$(count '"name":"verify"' $i.json)" "$rounds"
	timeline --trace $i.json
	is "it can be drawn: $draft" "$status$err" 0
	is "at most 79 columns: $draft" "$(printf '%s\n' "$out" | awk 'length > 79')" ""
done
is "plain: a lane for the target, one for the unit" "$(sed -n 's/.*"thread_name".*"args":{"name":"\(.*\)"}}.*/\1/p' 1.json | tr '\n' ' ')" "target cpu "
is "drafted: one more" "$(sed -n 's/.*"thread_name".*"args":{"name":"\(.*\)"}}.*/\1/p' 2.json | tr '\n' ' ')" "target drafter cpu "
like "the drafter's passes are told from the target's" "$(cat 2.json)" '"name":"draft","cat":"pass","pid":1,"tid":2,'
is "lookup has none" "$(count '"draft' 3.json)" 1 # but for its name
like "an early exit drafts on the target's layers" "$(cat 4.json)" '"name":"draft","cat":"pass","pid":1,"tid":2,'
like "who ran" "$(cat 2.json)" '^  "drafter": "pair-drafter f16",$'
like "how far" "$(cat 2.json)" '^  "gamma": 3,$'
translate --trace 2.json -q --draft "$drafter" --compare
like "a comparison is not in it, and an old file goes" "$status$(count '"name":"prefill target","cat":"pass"' 2.json)" '^01$'

# ---- what cannot be written ----
mkdir full folder.json
translate -q --trace no/where.json
is "no folder: said before the work" "$status $out$err" "3 hexplore: cannot write 'no/where.json': No such file or directory"
translate -q --trace folder.json
is "a folder" "$status $out$err" "2 hexplore: 'folder.json' is not a regular file"
echo old >full/t.json
run sh -c 'trap "" XFSZ; ulimit -f 4; exec "$0" run -q --target "$1" -p "Guten Tag." --trace full/t.json' "$HEXPLORE" "$target"
is "a full disk: status, and the text" "$status $out" "3 $("$HEXPLORE" run -q --target "$target" -p "Guten Tag.")"
like "a full disk: message" "$err" "^hexplore: cannot write 'full/t.json': File too large$"
is "a full disk: the old file stays, alone" "$(cat full/*)" old

# ---- what is drawn ----
timeline --trace "$two"
like "two units: shares of three rounds in the middle" "$out" '^Which unit works when\? cpu 77 %, opencl 91 %, both at once 68 % of the time$'
is "two units: what ran, and the window" "$(printf '%s\n' "$out" | sed -n 2,3p)" \
	"made-up-target q8_0 on cpu, drafter made-up-drafter q4_0 on opencl, gamma 3,
overlapped; rounds 2 to 4 of 5, 3.92 to 7.92 ms of 8.94 ms"
like "two units: the target's lane" "$out" '^target  \|Vv+Vv+ +Vv+\|  75 %$'
like "two units: the drafter's" "$out" '^drafter \|(Dd+){3} +(Dd+){3} +Cc+(Dd+){5} +\|  91 %$'
timeline --trace "$two" --from r4 --to r4
like "a round" "$out" '^overlapped; round 4 of 5, 5.96 to 7.92 ms of 8.94 ms$'
timeline --trace "$two" --from 2.9 --to 2.91
like "milliseconds: within a transfer" "$out" '^cpu     \|t+\| 100 %$'
timeline --trace "$two" --to r1
like "from the beginning" "$out" '^overlapped; round 1 of 5, 0.00 to 3.92 ms of 8.94 ms$'
timeline --trace "$two" --from 8 --to 100
like "to the end" "$out" '^overlapped; round 5 of 5, 8.000 to 8.940 ms of 8.940 ms$'
tr -d '\n' <"$two" | sed 's/,{/, {/g' >joined.json
timeline --trace "$two"
written=$out
timeline --trace joined.json
is "lines are no matter" "$out" "$written"

# ---- what is not ----
# refuses NAME STATUS MESSAGE ARG...
refuses() {
	name=$1 want=$2 message=$3
	shift 3
	timeline "$@"
	is "$name: status" "$status" "$want"
	like "$name: message" "$err" "^hexplore: $message\$"
	is "$name: one line" "$(printf '%s\n' "$err" | wc -l | tr -d ' ')$out" 1
}
begin='{"otherData": {"schema": "hexplore/trace/1"}, "traceEvents": ['
pass='{"ph":"X","cat":"pass","name":"verify","tid":1,"ts":0,"dur":1,"args":{"pass":"verify"}}'
head -c 4000 "$two" >cut.json
echo '{"traceEvents": []}' >other.json
echo "$begin]}" >empty.json
echo "$begin$pass]}" | sed 's/"dur":1/"dur":-1/' >negative.json
echo "$begin$pass]}" | sed 's/"ts":0/"ts":1e30/' >huge.json
echo "$begin$pass]}" | sed 's/"dur":1/"dur":0/' >instant.json
echo "$begin$(echo "$pass" | sed 's/verify/prefill target/g')]}" >prefill.json
printf '%s{"ph":"M","name":"thread_name","tid":1,"args":{"name":"a\033[2J"}}]}' "$begin" >control.json
refuses "no trace" 2 "which trace\? --trace names a file that 'hexplore run --trace' wrote"
refuses "an argument too many" 2 "plot: unexpected argument '17'; .*" 17 --trace "$two"
refuses "no file" 3 "cannot read 'none.json': No such file or directory" --trace none.json
refuses "a folder" 2 "'folder.json' is a directory; name the file" --trace folder.json
refuses "a device" 2 "'/dev/zero' is not a regular file" --trace /dev/zero
refuses "cut off" 2 "cut.json:[0-9]+: .*" --trace cut.json
refuses "another program's" 2 "other.json: is no trace of hexplore's; 'hexplore run --trace' writes one" --trace other.json
refuses "a model" 2 "$target:1: .*" --trace "$target"
refuses "empty" 1 "empty.json: the trace has no events" --trace empty.json
refuses "a negative time" 2 "negative.json:1: dur: must be in \[0, 1e15\] us, is -1" --trace negative.json
refuses "a huge time" 2 "huge.json:1: ts: must be in \[0, 1e15\] us, is 1e30" --trace huge.json
refuses "control characters" 2 "control.json:1: control character in a string; write .*" --trace control.json
refuses "no time at all" 2 "nothing to draw from 0 to 0 ms; the trace ends at 0 ms" --trace instant.json
refuses "behind the end" 2 "nothing to draw from 9 to 8.94 ms; the trace ends at 8.94 ms" --trace "$two" --from 9
refuses "backwards" 2 "nothing to draw from 5 to 4 ms; the trace ends at 8.94 ms" --trace "$two" --from 5 --to 4
refuses "a round too many" 2 "--to: must be in \[1, 5\], is 6" --trace "$two" --to r6
refuses "no rounds" 2 "--from: the trace has no rounds" --trace prefill.json --from r1
refuses "no number" 2 "--from: 'early' is not a number" --trace "$two" --from early
timeline --trace prefill.json
like "without rounds all of it" "$out" '^a trace; 0.00000 to 0.00100 ms of 0.00100 ms$'
truncate -s 1073741825 vast.json 2>/dev/null && refuses "more than 1 GiB" 2 "'vast.json' has 1073741825 bytes; at most 1073741824 are read" --trace vast.json
rm -f vast.json

# ---- pictures ----
if ! command -v gnuplot >/dev/null; then
	skip "pictures" "gnuplot is not installed"
	done_testing
fi
for format in png svg pdf; do
	timeline --trace "$two" -o two.$format
	is "$format" "$status$err" 0
	ok "$format: is not empty" test -s two.$format
done
like "svg: title" "$(cat two.svg)" 'cpu 77 %, opencl 91 %, both at once 68 % of the time'
like "svg: axis" "$(cat two.svg)" 'milliseconds from the beginning'
like "svg: a pass and its rows" "$(cat two.svg)" 'verify, 3 rows'
like "svg: rounds" "$(cat two.svg)" 'round 4'
like "svg: a transfer" "$(cat two.svg)" '>transfer<'
for i in 1 2 3 4; do
	timeline --trace $i.json -o $i.svg --from 0
	is "trace $i, whole" "$status$err" 0
done
ok "a longer trace makes no larger picture" test "$(wc -c <2.svg)" -lt 2000000

cat >evil.sed <<'END'
s/"(opencl|made-up-drafter q4_0)"/"\\"; system(\\"touch hit1\\"); `touch hit2` '; system(\\"touch hit3\\"); # @x %s \\\\ $(touch hit4) <b>"/
END
sed -E -f evil.sed "$two" >evil.json
for format in png svg; do
	ok "hostile names: $format" "$HEXPLORE" plot timeline --trace evil.json -o evil.$format
done
is "hostile names do nothing" "$(ls hit* 2>/dev/null)" ""
like "hostile names are shown as they are" "$(cat evil.svg)" 'system\("touch'
done_testing
