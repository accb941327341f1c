#!/bin/sh
# hexplore plot validation: the chart of measured points. What was measured is made up here: in every pair speculation takes what was predicted, times a
# factor that differs from point to point.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

command -v sqlite3 >/dev/null || skip_all "no sqlite3"
validation() {
	run "$HEXPLORE" plot validation "$@"
}
cat >apart.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "apart", "target": "smollm2-1.7b", "target_quants": ["q8_0"], "drafters": ["smollm2-135m", "ngram"],
 "draft_quants": ["q4_0"], "target_mappings": ["a76x2", "g610", "a76x4:0-7+g610"], "draft_mappings": ["a55x2", "a76x2"], "gamma": [0, 1, 4],
 "modes": ["sequential", "overlapped"], "workloads": [{"prompt": 32, "generated": 48}],
 "acceptance": [{"alpha": 0.8, "kind": "estimate", "from": "x"}]}
JSON
"$HEXPLORE" sweep -q -p rk3588 -s apart.json --db empty.db >/dev/null && cp empty.db all.db || exit 1
# measured RUN SWEEP FACTOR
measured() {
	sqlite3 all.db "INSERT OR IGNORE INTO device (id, fingerprint) VALUES (1, 'x');
		INSERT OR IGNORE INTO run (id, device, command, version, seed, started) VALUES ($1, 1, 'hexplore validate', 'x', 1, 'x');
		INSERT INTO measurement (run, sweep, point, kind, repeat, target_map, synthesised, decode_s, tokens, rounds, accepted, drafted)
		SELECT $1, sweep, id, kind, repeat, target_map, 1, CASE kind WHEN 'baseline' THEN tpot_s * speedup ELSE tpot_s * $3 END * 48, 48, 20, 28, 80
		FROM point, (SELECT 'baseline' AS kind UNION SELECT 'configuration'), (SELECT 1 AS repeat UNION SELECT 2)
		WHERE sweep = $2 AND speedup NOTNULL" || exit 1
}

# ---- nothing measured ----
validation --db empty.db
is "nothing measured: status" "$status$out" 1
is "nothing measured: message" "$err" "hexplore: sweep 1 has no validation run; 'hexplore validate' makes one"
validation --db empty.db --sweep-id all
is "nothing measured in any sweep" "$status $err" "1 hexplore: no sweep has a validation run; 'hexplore validate' makes one"

# ---- text ----
measured 1 1 '(CASE id % 2 WHEN 0 THEN 1.03 ELSE 0.98 END)'
sqlite3 all.db "UPDATE measurement SET decode_s = decode_s * 1.1 WHERE kind = 'configuration' AND point = (SELECT max(point) FROM measurement)"
n=$(sqlite3 all.db "SELECT count(*) FROM validation")
worst=$(sqlite3 all.db "SELECT id FROM validation ORDER BY abs(predicted_speedup / measured_speedup - 1) DESC LIMIT 1")
mape=$(sqlite3 all.db "SELECT printf('%.1f', 100 * avg(abs(predicted_speedup / measured_speedup - 1))) FROM validation")
mkdir nothing
run env PATH="$tmp/nothing" "$HEXPLORE" plot validation --db all.db
is "as text it needs no gnuplot" "$status$err" 0
is "at most 79 columns" "$(printf '%s\n' "$out" | awk 'length > 79')" ""
like "question and answer" "$out" "^Do the predictions hold\? $n points, $mape % off on average, "
like "the machine is named" "$out" '^Rockchip RK3588 \| profile rk3588 '
like "it says what is synthesised" "$(printf '%s' "$out" | tr '\n' ' ')" "synthesised: $n of $n,"
like "the figures" "$out" "^mean absolute error $mape %"
like "the worst point" "$out" "^worst [+-][0-9.]+ % \(point $worst\)"
for group in plain 'a76 <- a55' 'g610 <- a76' 'a76[+]g610 <- a55'; do
	like "a group by units: $group" "$out" "^[A-H] $group: [0-9]+, "
done
is "at most eight groups" "$(printf '%s\n' "$out" | grep -c '^[A-Z] ')" 8
like "the rest is one group" "$out" '^H others: '

# ---- runs and sweeps ----
"$HEXPLORE" sweep -q -p rk3588 -s apart.json --db all.db >/dev/null || exit 1
measured 2 2 1
validation --db all.db
like "the latest sweep" "$out" "^Do the predictions hold\? $n points, 0.0 % off"
validation --db all.db --sweep-id 1
like "another" "$out" "^Do the predictions hold\? $n points, $mape % off"
validation --db all.db --sweep-id all
like "all sweeps" "$out" "^Do the predictions hold\? $((2 * n)) points"
like "each is named" "$out" 'sweep 1 \(smollm2-1.7b\), 2'
like "points are named with their sweeps" "$out" "\(point 1:$worst\)"
validation --db all.db --run 1
like "one run" "$out" "^Do the predictions hold\? $n points, $mape % off"
measured 3 2 1.01
validation --db all.db
like "the latest run" "$out" "^Do the predictions hold\? $n points, 1.0 % off"
validation --db all.db --run all
like "all runs" "$out" "^Do the predictions hold\? $((2 * n)) points"
validation --db all.db --run 7
is "a run that there is not" "$status" 2
validation --db all.db --run x
is "a run that is none" "$status" 2
run "$HEXPLORE" plot heatmap --db all.db --sweep-id all
is "other charts are of one sweep" "$status" 2

# ---- pictures ----
sqlite3 all.db "UPDATE point SET speedup_p05 = speedup * 0.9, speedup_p95 = speedup * 1.1 WHERE id % 2; INSERT INTO measured_speedup
	SELECT run, sweep, id, measured_speedup * 0.98, measured_speedup * 1.02 FROM validation WHERE id % 3"
sqlite3 all.db "UPDATE input SET text = replace(text, 'Rockchip RK3588', '''; system(''touch hit1''); # \`touch hit2\` \$(touch hit3) @x %s <b>')" || exit 1
validation --db all.db --sweep-id 1
is "hostile names as text" "$status$err" 0
if command -v gnuplot >/dev/null; then
	for format in png svg pdf; do
		validation --db all.db --sweep-id 1 -o "v.$format"
		is "as $format" "$status$out$err" 0
	done
	like "axes" "$(cat v.svg)" 'measured speedup over plain decoding'
	like "the other axis" "$(cat v.svg)" 'predicted speedup over plain decoding'
	like "bands" "$(cat v.svg)" '>within 5 %<'
	like "markers by mode" "$(cat v.svg)" '>overlapped<'
	like "intervals" "$(cat v.svg)" '>bars: 90 % interval of the<'
	like "groups" "$(cat v.svg)" '>g610 &lt;- a76: '
	like "figures" "$(cat v.svg)" ">mean absolute error $mape %<"
	like "a hostile string is shown as it is" "$(cat v.svg)" '; system\(.*touch hit1.*\); # `touch hit2`'
else
	skip "pictures" "gnuplot is not installed"
fi
is "hostile names do nothing" "$(ls hit* 2>/dev/null)" ""
done_testing
