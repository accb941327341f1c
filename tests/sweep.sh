#!/bin/sh
# The main job end to end: sweep, best, explain, pareto, and the study it starts from.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

# column NAME: that column of CSV on stdin, without the header. Only fields before the first quoted one are safe.
column() {
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }'
}

for p in $(cd "$top_srcdir/hwprofiles" && ls *.json); do
	run "$HEXPLORE" sweep --profile "$p" --quiet --db "$p.db"
	is "$p: sweeps" "$status" 0
	is "$p: nothing on stderr" "$err" ""
	like "$p: a verdict for q4_0" "$out" '^q4_0 +(speculate|do not speculate|too close to call): '
	run "$HEXPLORE" best --db "$p.db" --format csv --top 1000000
	feasible=$(printf '%s\n' "$out" | tail -n +2 | wc -l)
	is "$p: the head counts the points that can run" \
		"$("$HEXPLORE" sweep --profile "$p" -q --db again.db | sed -n 's/.* points, \(.*\) can run.*/\1/p' | tr -d ,)" "$feasible"
	rm again.db*
	printf '%s\n' "$out" >all.csv
	is "$p: best is sorted by speedup" "$(column speedup <all.csv)" "$(column speedup <all.csv | LC_ALL=C sort -gr)"
	run "$HEXPLORE" explain "$(column id <all.csv | head -n 1)" --db "$p.db"
	is "$p: the best point is explained" "$status" 0
	like "$p: with its operators" "$out" '^verify +ffn_down'
	run "$HEXPLORE" pareto --db "$p.db" --format jsonl
	like "$p: the front is not empty" "$out" '^\{"sweep": 1, "id": '
done

points=$("$HEXPLORE" sweep --profile imx95 --dry-run --format json | sed 's/.*"points": \([0-9]*\).*/\1/')
is "a dry run counts what the sweep stores" "$points" "$(sqlite3 imx95.json.db 'SELECT count(*) FROM point')"
ok "a dry run writes nothing" test ! -e results
bytes=$("$HEXPLORE" sweep --profile imx95 --dry-run --format json | sed 's/.*"bytes": \([0-9]*\).*/\1/')
real=$(wc -c <imx95.json.db)
ok "and foresees the file's size within a half" test $((bytes * 2)) -gt "$real" -a $((bytes * 2)) -lt $((real * 3))

# the reference study, as its own page in results/ has it
paper() {
	"$HEXPLORE" sweep --profile imx95 --sweep imx95-paper --acceptance "$1" --db paper.db
}
out=$(paper 0.90)
like "alpha 0.90: 1.551" "$out" '^13 .* g310 +4 +seq +1\.551 '
out=$(paper 0.94)
like "alpha 0.94: gamma 5, 1.695" "$out" '^14 .* g310 +5 +seq +1\.695 '
out=$(paper 0.17)
like "alpha 0.17: no" "$out" '^q8_0 +do not speculate'
like "alpha 0.17: pays above c" "$out" 'pays above alpha 0\.41'
like "an earlier sweep is still there" "$("$HEXPLORE" best --db paper.db --sweep-id 1 --top 1)" ' 1\.551 '
like "N:ID names its points" "$("$HEXPLORE" explain 1:13 --db paper.db)" 'Speedup 1\.551 over plain'

# the full model on the same board with a KV cache, as the page says
out=$("$HEXPLORE" sweep --profile imx95 --sweep imx95-kv --acceptance 0.90 --db paper.db)
like "with a KV cache alpha 0.90 gives 1.19" "$out" '^11 .* g310 +2 +seq +1\.189 '
like "and 0.94 gives 1.25" "$("$HEXPLORE" sweep --profile imx95 --sweep imx95-kv --acceptance 0.94 --db paper.db)" ' g310 +3 +seq +1\.246 '

# one thread and several give the same rows
"$HEXPLORE" sweep --profile rk3588 --jobs 1 --db one.db >/dev/null
"$HEXPLORE" sweep --profile rk3588 --jobs 5 --db five.db >/dev/null
is "the number of threads changes nothing" "$(sqlite3 five.db 'SELECT * FROM point' | cksum)" "$(sqlite3 one.db 'SELECT * FROM point' | cksum)"

# a bound that plain decoding misses: speculation is still compared with it, and kept
sweep=$top_srcdir/sweeps/translation.json
sed 's/"keep": "all"/"keep": "top:5", "constraints": {"tpot_s": 0.3}/; s/\["f16", "q8_0", "q4_0"\],$/["f16"],/' "$sweep" |
	sed 's/"draft_quants": \["f16"\]/"draft_quants": ["q4_0"]/' >bound.json
out=$("$HEXPLORE" sweep --profile rk3588 --sweep bound.json --db bound.db)
like "only speculation meets the bound" "$out" '^f16 +speculate: 1\.19x'
is "and is what is kept" "$(sqlite3 bound.db 'SELECT count(*), min(gamma), max(tpot_s) < 0.3 FROM point')" "3|1|1"

# a baseline that is named is what `speedup` is over; the verdict is over the fastest plain mapping all the same
sed 's/"keep"/"baseline": "a76x1", "keep"/' "$sweep" >baseline.json
out=$("$HEXPLORE" sweep --profile rk3588 --sweep baseline.json --db baseline.db)
like "the verdict does not depend on the baseline" "$out" '^q4_0 +do not speculate: 0\.95x'
like "which is told" "$out" '^ +[0-9.]+x over the baseline'
is "speedups are over it" "$("$HEXPLORE" best --db baseline.db --where target_map=a76x1 --max gamma=0 --top 1 -f csv | column speedup)" 1

# of plain mappings, one within the bounds counts before a faster one beyond them
sed 's/"keep"/"constraints": {"ttft_s": 3}, "keep"/' "$sweep" >ttft.json
out=$("$HEXPLORE" sweep --profile rk3588 --sweep ttft.json --db ttft.db)
like "compared with the plain mapping that meets the bound" "$out" '^q8_0 +speculate: 1\.[0-9]+x, 212\.1 ms a token instead of 276\.9 ms'
sed 's/"llama-3.2-1b"\],/],/; s/"drafters": \[.*/"drafters": [],/; s/"ttft_s": 3/"ttft_s": 4/' ttft.json >plain.json
out=$("$HEXPLORE" sweep --profile rk3588 --sweep plain.json --db ttft.db)
like "and named where there is no drafter" "$out" '^q8_0 +plain on g610: 276\.9 ms a token; no drafter to try'

# costs given for one row count only: the rest of that model's passes are scaled, so the curve over rows keeps its shape
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3b,q4_0,a76,4,1,0,0.5\nllama-3.2-3b,q4_0,a76,4,1,94.5,1\n' >one.csv
"$HEXPLORE" sweep --profile rk3588 --costs one.csv --db costs.db >/dev/null
curve="SELECT round(max(verify_s) FILTER (WHERE gamma = 1)/min(verify_s) FILTER (WHERE gamma = 0), 2) FROM prediction
	WHERE target_quant = 'q4_0' AND target_map = 'a76x4' AND ifnull(mode, 'sequential') = 'sequential'"
is "a table of one row count scales the verify curve" "$(sqlite3 costs.db "$curve")" "$(sqlite3 one.db "$curve")"
sed 's/seconds/relative/' one.csv >relative.csv
out=$("$HEXPLORE" sweep --profile rk3588 --costs relative.csv --db costs.db)
like "relative times do not mix with seconds" "$out" '^f16 +cannot run: the costs table, in a unit of its own, has no row'

# the output of llama-bench in place of CSV, by its content; its seconds are those of the passes, and the database keeps it
cp "$top_srcdir/tests/data/llama-bench.json" bench.txt
"$HEXPLORE" sweep --profile rk3588 --costs bench.txt --db bench.db >/dev/null
rm bench.txt
plain="FROM prediction WHERE gamma = 0 AND target_quant = 'q4_0' AND target_map"
is "llama-bench: a plain pass takes what was measured" "$(sqlite3 bench.db "SELECT printf('%.4f', verify_s) $plain = 'a76x4'")" 0.2067
is "llama-bench: on the GPU too" "$(sqlite3 bench.db "SELECT printf('%.4f', verify_s) $plain = 'g610'")" 0.4000
is "llama-bench: what it has no test of is the model's" "$(sqlite3 bench.db "SELECT verify_s $plain = 'a76x3'")" \
	"$(sqlite3 one.db "SELECT verify_s $plain = 'a76x3'")"
id=$(sqlite3 bench.db "SELECT id $plain = 'a76x4'")
like "llama-bench: explained from the database alone" "$("$HEXPLORE" explain "$id" --db bench.db)" '^  verify +206\.7 ms '
like "llama-bench: and listed" "$("$HEXPLORE" best --db bench.db --where target_map=a76x4 --max gamma=0)" "^ *$id +q4_0 "
cp "$top_srcdir/tests/data/llama-bench.jsonl" beside.jsonl
sed 's/"keep"/"costs": "beside.jsonl", "keep"/' "$sweep" >beside.json
"$HEXPLORE" sweep --profile rk3588 --sweep beside.json --db beside.db >/dev/null
is "llama-bench: an object a line, named by the sweep" "$(sqlite3 beside.db "SELECT printf('%.4f', verify_s) $plain = 'a76x4'")" 0.2000

# what is kept
"$HEXPLORE" sweep --profile rk3588 --keep top:7 --db top.db >/dev/null
is "top:7 keeps the seven best" "$("$HEXPLORE" best --db top.db -f csv | column id)" "$("$HEXPLORE" best --db one.db --top 7 -f csv | column id)"
"$HEXPLORE" sweep --profile imx95 --keep pareto --db front.db >/dev/null
is "pareto keeps the front" "$("$HEXPLORE" best --db front.db --top 0 -f csv | column id | sort)" \
	"$("$HEXPLORE" pareto --db imx95.json.db -f csv | column id | sort)"

# the database alone is enough to explain a point
mkdir home && cp "$top_srcdir/hwprofiles/rk3588.json" home/board.json
(cd home && "$HEXPLORE" sweep --profile board.json --db ../board.db >/dev/null && rm board.json)
is "a point is explained without its profile's file" "$("$HEXPLORE" explain 100 --db board.db >/dev/null; echo $?)" 0

# the numbers of explain are those that are stored
stored=$(sqlite3 one.db "SELECT printf('%.4g ms a token', tpot_s * 1000) FROM point WHERE id = 1660")
like "explain recomputes what is stored" "$("$HEXPLORE" explain 1660 --db one.db)" "$stored"

# filters and objectives
is "--where and --max" "$("$HEXPLORE" best --db one.db --where target_quant=q8_0 --max gamma=0 --top 1 -f csv | column target_quant)" q8_0
fastest=$(sqlite3 one.db 'SELECT id FROM point WHERE feasible ORDER BY tpot_s LIMIT 1')
is "--objective latency" "$("$HEXPLORE" best --db one.db --objective latency --top 1 -f csv | column id)" "$fastest"

# a database that somebody edited, or may not write
cp one.db edited.db
sqlite3 edited.db "UPDATE point SET target_quant = x'00ff', tpot_s = 'abc' WHERE id = 1660; UPDATE point SET tokens_per_round = 0, draft_s = -1,
	speedup = 9e999 WHERE id = 1661"
for command in "best" "pareto" "explain 1660" "plot pareto" "plot heatmap" "plot breakdown"; do
	run timeout 60 "$HEXPLORE" $command --db edited.db
	ok "edited database: $command ends" test "$status" -le 3
done
mkdir closed && cp one.db closed/db && chmod -R a-w closed
if [ "$(id -u)" -ne 0 ]; then
	is "a closed folder is read" "$("$HEXPLORE" best --db closed/db --top 1 -f csv | column id)" 1660
elif setpriv --reuid 65534 --clear-groups "$HEXPLORE" --version >/dev/null 2>&1 && chmod a+rx . closed; then
	is "a closed folder is read" "$(setpriv --reuid 65534 --clear-groups "$HEXPLORE" best --db "$PWD/closed/db" --top 1 -f csv | column id)" 1660
else
	skip "a closed folder is read" "root cannot be kept out, and nobody cannot run the program here"
fi
chmod -R u+w closed

for format in csv json jsonl; do
	ok "best --format $format is well-formed" sh -c "'$HEXPLORE' best --db one.db -f $format >$format.out && test -s $format.out"
done
is "json is read by another program" "$(sqlite3 :memory: "SELECT json_array_length(readfile('json.out'))")" 10

ok "two sweeps at once lose nothing" sh -c "
	'$HEXPLORE' sweep -p rk3588 -q --db both.db >/dev/null & first=\$!
	'$HEXPLORE' sweep -p mt8195 -q --db both.db >/dev/null && wait \$first &&
	test \$(sqlite3 both.db 'SELECT count(*) FROM point') = \$(sqlite3 both.db 'SELECT sum(size) FROM sweep')"
done_testing
