#!/bin/sh
# Reports of validation, of databases made by hand: what they must say is known beforehand.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

command -v sqlite3 >/dev/null || skip_all "no sqlite3"
cat >s.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "s", "target": "llama-3.2-3b", "target_quants": ["q8_0", "q4_0"], "drafters": ["llama-3.2-1b"],
 "draft_quants": ["q4_0"], "target_mappings": ["a76x4", "g610"], "draft_mappings": ["a76x4"], "gamma": [2, 4], "modes": ["sequential"],
 "workloads": [{"prompt": 8, "generated": 16}], "acceptance": [{"alpha": 0.7, "kind": "estimate", "from": "x"}]}
JSON
db=a.db
"$HEXPLORE" sweep -q -p rk3588 -s s.json --db $db >/dev/null || exit 1
report() {
	run "$HEXPLORE" report --db "$db" "$@"
}
report
like "nothing was validated: the answer is no" "$status $err" "^1 hexplore: sweep 1 has no validation run; 'hexplore validate' makes one"

# Plain decoding and a configuration that takes as long as the prediction, times FACTOR, of a speedup that is stored as SPEEDUP.
# measure RUN ID SPEEDUP MEASURED [KIND]
measure() {
	echo "UPDATE point SET speedup = $3, tpot_s = 1.0 / $3, speedup_p05 = 0.95 * $3, speedup_p95 = 1.05 * $3 WHERE sweep = 1 AND id = $2;"
	for repeat in 1 2 3; do
		echo "INSERT INTO measurement (run, sweep, point, kind, repeat, target_map, synthesised, decode_s, tokens, rounds, accepted, drafted, catch_ups)
			VALUES ($1, 1, $2, 'baseline', $repeat, 1, 1, 16, 16, 16, 0, 0, 0),
			($1, 1, $2, 'configuration', $repeat, 1, 1, 16 / $4, 16, 6, 10, 24, 2);"
	done
}
# again RUN ID SECONDS
again() {
	echo "INSERT INTO measurement (run, sweep, point, kind, repeat, target_map, synthesised, decode_s, tokens, rounds, accepted, drafted, catch_ups)
		VALUES ($1, 1, $2, 'again', 1, 1, 1, 16 * $3, 16, 6, 10, 24, 2);"
}
run_row="INSERT INTO run (device, command, version, seed, started) VALUES (1, 'hexplore validate', '0', 1, '2026-01-01T00:00:00Z');"
ids=$(sqlite3 $db "SELECT id FROM prediction WHERE gamma > 0 AND feasible ORDER BY target_quant, target_map, id" | head -n 5)
# shellcheck disable=SC2086
set -- $ids
{
	echo "INSERT INTO device (fingerprint) VALUES ('{}'); $run_row"
	# errors: 10, -10, 0, 20, 0 %; ranks 1 2 3 4 5 against 1 2 3 5 4
	measure 1 "$1" 0.55 0.5
	measure 1 "$2" 0.72 0.8
	measure 1 "$3" 1.1 1.1
	measure 1 "$4" 1.8 1.5
	measure 1 "$5" 1.6 1.6
	again 1 "$4" 0.66
	again 1 "$5" 0.60
	echo "INSERT INTO step (run, sweep, point, kind, pass, unit, op, predicted_s, measured_s, n) VALUES
		(1, 1, $4, 'configuration', 'verify', 'a76', 'ffn_up', 0.1, 0.2, 16), (1, 1, $4, 'configuration', 'prefill target', 'a76', 'ffn_up', 0.1, 100, 1),
		(1, 1, $4, 'baseline', 'verify', 'a76', 'head', 0.1, 0.11, 16);"
} | sqlite3 $db

report
is "a run is reported" "$status" 0
like "its errors" "$out" "^5 points: mean absolute error 8.0 %, worst [+]20.0 % \(point $4\), bias [+]4.0 %"
like "its rank correlation" "$out" "^Spearman's rank correlation 0.900"
like "its intervals" "$out" "cover 2 of 5 points \(40 %\)"
like "its regret" "$out" "^regret 10.0 %: point $4 was predicted fastest, $5 is \(run 1\)"
like "speculation that pays" "$out" "^speculation pays: 1.60x at best over plain decoding \(point $5, predicted 1.60x\)"
like "and that does not" "$out" "^rightly advised against: 0.50x at point $1 \(predicted 0.55x\)"
like "by quantisation" "$out" "^quantisation  q4_0 "
like "by units" "$out" "^units         with a device "
like "the naive model" "$out" "^Eq. 1 +5 "
like "and ours" "$out" "^hexplore +5 .* 5$"
like "the worst, and what is to blame" "$out" "^$4 +1.800 +1.500 +20 +point +verify +ffn_up +a76 +15$"
report --worst 1
is "fewer of the worst" "$(echo "$out" | sed -n '/^id /,$p' | wc -l)" 2
report --worst 0
is "or none" "$(echo "$out" | grep -c '^id ')" 0
report --format csv
is "points for programs" "$(echo "$out" | head -n 1)" "sweep,id,run,target_quant,target_map,drafter,draft_quant,draft_map,gamma,mode,predicted_speedup,measured_speedup,measured_low,measured_high,measured_half_width,speedup_p05,speedup_p95,p_gain,eq1_speedup,error,timing_error,acceptance_error,predicted_decode_s,measured_decode_s,measured_tokens_per_round,memory_speed,pairs,pairs_left_out,synthesised,blame_output,blame_pass,blame_operator,blame_unit,blame_share"
is "a line each" "$(echo "$out" | wc -l)" 6
like "their figures go elsewhere" "$err" "^5 points: "

# ---- Equation 1, by its formula: what a sweep of that model predicts ----

sed 's/"name": "s"/"name": "s", "model": "eq1"/' s.json >naive.json
"$HEXPLORE" sweep -q -p rk3588 -s naive.json --db naive.db >/dev/null || exit 1
is "the naive model's speedup is that of its own sweep" \
	"$(echo "$out" | awk -F, -v id="$5" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "eq1_speedup") at = i } $2 == id { printf "%.6f\n", $at }')" \
	"$(sqlite3 naive.db "SELECT printf('%.6f', speedup) FROM prediction WHERE id = $5")"

# ---- several runs ----

{
	echo "$run_row"
	measure 2 "$1" 0.55 0.505
	measure 2 "$3" 1.1 0.99
} | sqlite3 $db
report
like "the latest run" "$out" "^2 points: "
report --run 1
like "an earlier one" "$out" "^5 points: "
report --run all
like "all" "$out" "^7 points: "
like "how they agree" "$out" "^runs: 2 points were measured more than once; their speedups differ by 6.1 %"
like "and whether they conclude the same" "$out" "11.1 % at worst \(point $3\), whether they pay agrees at 1 of 2"
"$HEXPLORE" sweep -q -p rk3588 -s s.json --db $db >/dev/null
{
	echo "$run_row"
	measure 3 "$1" 0.55 0.5 | sed "s/VALUES (3, 1,/VALUES (3, 2,/; s/(3, 1,/(3, 2,/"
} | sqlite3 $db
report --sweep-id 1,2
like "several sweeps" "$status $out" "^0 3 points: .*\(point [12]:[0-9]+\)"
report --sweep-id all --run all
like "all sweeps" "$out" "^8 points: "

# ---- what cannot be reported ----

# refused NAME MESSAGE ARGUMENT...
refused() {
	name=$1 message=$2
	shift 2
	report "$@"
	like "$name" "$status $(echo "$err" | tail -n 1)" "^2 hexplore: $message"
}
refused "a run that is not there" '--run: there is no validation run 9' --run 9
refused "a run of another sweep" '--run: sweep 2 has no validation run 1' --sweep-id 2 --run 1
refused "a sweep that is not there" "database 'a.db' has no sweep 7" --sweep-id 1,7
refused "a run that is no number" "--run: 'x'" --run x
refused "an argument" "report: " 17
done_testing
