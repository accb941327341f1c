#!/bin/sh
# Validation end to end: tiny models on one processor of this machine. How fast it is, is nobody's business here.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

command -v sqlite3 >/dev/null || skip_all "no sqlite3"
"$HEXPLORE" devices --quick --format jsonl | head -n 1 >device.json || exit 1
core=$(sed -n 's/.*"core": *"\([^"]*\)".*/\1/p' device.json)
cpu=$(sed -n 's/.*"cpus": *"\([0-9]*\).*/\1/p' device.json)
[ -n "$core" ] && [ -n "$cpu" ] || skip_all "this machine's processors are not known"
TMPDIR=$tmp/files
export TMPDIR
mkdir files

# profile NAME CORE AFFINITY
profile() {
	cat >"$1.json" <<JSON
{"schema": "hexplore/profile/1", "name": "$1", "soc": "test", "status": "estimate", "units": [
 {"name": "c", "kind": "cpu", "core": "$2", "cores": 1, "clock_hz": 1e9, "flop_per_cycle": {"f32": 16, "f16": 16, "i8_dot": 32}, $3
  "bandwidth": {"cores": [1], "footprint_bytes": [1e6], "bytes_s": [[1e10]]}, "launch_s": 1e-6, "sync_s": 1e-6,
  "kernels": [{"type": "f32", "arithmetic": "f32", "ceiling": 0.5}, {"type": "f16", "arithmetic": "f16", "ceiling": 0.5},
   {"type": "q8_0", "arithmetic": "i8_dot", "ceiling": 0.5}]}],
 "memory": {"capacity_bytes": 8e9, "bw_bytes_s": 1e10}, "host": {"h0_s": 1e-5},
 "sources": {"units": {"kind": "estimate", "from": "x"}, "memory": {"kind": "estimate", "from": "x"}, "host": {"kind": "estimate", "from": "x"}}}
JSON
}
profile here "$core" "\"affinity\": [$cpu],"
profile elsewhere "No Such Core" "\"affinity\": [$cpu],"
profile larger "$core" '"affinity": [1023],'
profile unknown "$core" ""
profile faster "$core" "\"affinity\": [$cpu], \"read_bytes_s\": [1e13],"
profile cached "$core" "\"affinity\": [$cpu], \"read_bytes_s\": [1e13], \"cache_bytes\": 1e9,"

# model NAME LAYERS
model() {
	cat >"$1.json" <<JSON
{"schema": "hexplore/model/1", "name": "$1", "family": "llama", "from": "made up", "tokenizer": "toy", "layers": $2, "d_model": 64, "heads": 4,
 "kv_heads": 2, "d_head": 16, "d_ff": 96, "vocab": 320, "context": 8192, "tied": true}
JSON
}
model big 3
model small 1
cat >tiny.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "tiny", "target": "big", "target_quants": ["q8_0"], "drafters": ["small", "ngram", "early-exit:1"],
 "draft_quants": ["f16"], "target_mappings": ["c"], "draft_mappings": ["c"], "gamma": [3], "modes": ["sequential", "overlapped"],
 "workloads": [{"prompt": 8, "generated": 16}], "acceptance": [{"alpha": 0.7, "kind": "estimate", "from": "x"}]}
JSON
sed 's/"gamma"/"kv_cache": false, &/' tiny.json >uncached.json
sweep() {
	"$HEXPLORE" sweep -q -p "$1" -s "$2" --db "$3" >/dev/null || exit 1
}
# id DB DRAFTER [MODE]
id() {
	sqlite3 "$1" "SELECT id FROM prediction WHERE ifnull(drafter, 'none') = '$2' AND ifnull(mode, 'sequential') = '${3:-sequential}'"
}
ask() {
	sqlite3 "$db" "$1"
}
validate() {
	run "$HEXPLORE" validate -q --db "$db" "$@"
}
# cell N NAME: of line N of the CSV in $out
cell() {
	printf '%s\n' "$out" | awk -F, -v n="$1" -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == n + 1 { print $at }'
}

# ---- two points ----

db=here.db
sweep here tiny "$db"
drafted=$(id $db small) exit=$(id $db early-exit:1) plain=$(id $db none)
before=$(ask 'SELECT * FROM point')
validate "$drafted" "$exit" --repeats 3 --format csv
is "two points are run" "$status" 0
is "a line each" "$(printf '%s\n' "$out" | wc -l)" 3
is "in their order" "$(cell 1 id) $(cell 2 id)" "$drafted $exit"
is "beside what was stored" "$(ask "SELECT abs(speedup - $(cell 1 predicted_speedup)) < 1e-12 FROM point WHERE id = $drafted")" 1
like "what was measured is positive" "$(cell 1 measured_speedup)" '^[0-9.e-]+$'
is "rows say that they are synthesised" "$(cell 1 synthesised)" 1
like "errors are summed up" "$err" '^2 points: mean absolute error'
like "so is who is to blame" "$err" '^most of it by '
is "every repeat is stored" "$(ask "SELECT point, kind, count(*), max(repeat), min(tokens), max(tokens) FROM measurement GROUP BY point, kind")" \
	"$drafted|baseline|3|3|16|16
$drafted|configuration|3|3|16|16
$exit|baseline|3|3|16|16
$exit|configuration|3|3|16|16"
is "rounds are those of the acceptance" "$(ask "SELECT DISTINCT rounds >= 4 AND rounds <= 9, drafted = 3 * rounds, accepted <= drafted AND accepted + rounds >= tokens
	FROM measurement WHERE kind = 'configuration'")" "1|1|1"
is "a baseline drafts nothing" "$(ask "SELECT DISTINCT rounds, drafted, accepted FROM measurement WHERE kind = 'baseline'")" "16|0|0"
is "the view has both" "$(ask 'SELECT count(*), min(repeats), min(synthesised), min(measured_speedup) > 0 FROM validation')" "2|3|1|1"
is "what is listed is the view's" "$(cell 2 measured_speedup | cut -c 1-8)" "$(ask "SELECT measured_speedup FROM validation WHERE id = $exit" | cut -c 1-8)"
is "passes have their operators" "$(ask "SELECT DISTINCT pass FROM step WHERE point = $drafted AND kind = 'configuration' AND measured_s > 0 ORDER BY pass" |
	tr '\n' ',')" "catch-up,draft,prefill drafter,prefill target,round,verify,"
is "as predicted and as measured" "$(ask "SELECT count(*) > 10, min(predicted_s) > 0, min(measured_s) > 0, min(n) > 0 FROM step WHERE pass = 'verify'")" "1|1|1|1"
is "an early exit has a front" "$(ask "SELECT count(*) > 3 FROM step WHERE point = $exit AND pass = 'front' AND measured_s > 0")" 1
is "the run has ended" "$(ask "SELECT count(ended), count(*) FROM run WHERE command LIKE 'hexplore validate%'")" "1|1"
is "predictions stay as they were" "$(ask 'SELECT * FROM point')" "$before"
is "no file is left" "$(ls files)" ""

validate "$drafted" --repeats 1 --tokens 5
is "shorter outputs" "$status $(ask 'SELECT DISTINCT tokens FROM measurement WHERE run = 2')" "0 5"
is "it fits 80 columns" "$(echo "$out" | grep -E '^.{81}')" ""
like "a table of steps" "$out" '^point +verify +ffn_up +c '
like "a mark of what is synthesised" "$out" '^synthesised: '
validate "$plain" --repeats 1
is "plain decoding too" "$status" 0

db=uncached.db
sweep here uncached "$db"
validate "$(id $db small)" "$(id $db early-exit:1)" --repeats 1
is "without a KV cache" "$status" 0

# ---- drafting while the target verifies: two processors of a kind ----

second=$(sed -n 's/.*"cpus": *"[0-9]*\([-,][0-9]*\).*/\1/p' device.json)
case $second in
-*) second=$((cpu + 1)) ;;
,*) second=${second#,} ;;
esac
if [ -n "$second" ]; then
	sed "s/\"affinity\": .$cpu./\"affinity\": [$cpu, $second]/; s/\"cores\": 1,/\"cores\": 2,/; s/\"here\"/\"two\"/" here.json >two.json
	sed 's/\["c"\]/["cx1"]/g' tiny.json >apart.json
	db=two.db
	sweep two apart "$db"
	overlapped=$(id $db small overlapped)
	validate "$overlapped" --repeats 2 --format csv
	is "overlapped drafting" "$status $(cell 1 mode)" "0 overlapped"
	is "rounds are those of the acceptance, without the bonus token" "$(ask "SELECT DISTINCT rounds >= 4 AND rounds <= 10, drafted = 3 * rounds, tokens
		FROM measurement WHERE kind = 'configuration'")" "1|1|16"
	is "it has passes of both" "$(ask "SELECT DISTINCT pass FROM step WHERE kind = 'configuration' AND measured_s > 0 ORDER BY pass" | tr '\n' ',')" \
		"draft,prefill drafter,prefill target,round,verify,"
	validate "$overlapped" "$(id $db small)" --repeats 1 --tokens 5
	is "its table is headed so" "$(echo "$out" | grep '^Point')" "Point $overlapped, overlapped, seconds of one pass:
Point $(id $db small), seconds of one pass:"
fi

# ---- given weights ----

db=here.db
"$HEXPLORE" model synth big --quant f16 -o big.gguf && "$HEXPLORE" model synth small --quant f16 -o small.gguf || exit 1
printf 'one two three four one two three four one two three four' >text
validate "$drafted" "$(id $db ngram)" "$exit" --repeats 1 --target big.gguf --draft small.gguf --prompt text --format csv
is "given weights go on with a text" "$status" 0
is "and nothing is imposed" "$(cell 1 synthesised)$(cell 2 synthesised)$(cell 3 synthesised)" 000
validate "$drafted" --repeats 1 --target big.gguf --format csv
is "without a text it is" "$status$(cell 1 synthesised)" 01
validate "$drafted" --target small.gguf
is "weights of another shape are refused" "$status" 2
like "and told apart" "$err" "'small.gguf' is not big: its layers is 1, not 3"
printf short >text
validate "$drafted" --target big.gguf --draft small.gguf --prompt text
like "a text shorter than the prompt is refused" "$status $err" "2 .*'text' has [0-9]* tokens, the workload's prompt 8"
validate "$drafted" --prompt text
like "a text needs weights" "$status $err" '2 .*give the target.s with --target'

# ---- what cannot be run ----

measured=$(ask 'SELECT count(*) FROM measurement')
# refused NAME MESSAGE ARGUMENT...
refused() {
	name=$1 message=$2
	shift 2
	validate "$@"
	like "$name" "$status $err" "^2 hexplore: $message"
}
refused "overlapped drafting on one core" 'point [0-9]*: it cannot run: overlapped drafter and target need 1 [+] 1 cores of c, which has 1' "$(id $db small overlapped)"
refused "what looks into a text" 'point [0-9]*: what ngram drafts depends on the text' "$(id $db ngram)"
refused "a point that is not there" 'sweep 1 has points 1 to' 1000
refused "a point twice" 'point [0-9]* is named twice' "$drafted" "$drafted"
refused "no point" 'validate: which points'
refused "points of two sweeps" 'validate: points of one sweep' "1:$drafted" "2:$drafted"
refused "a budget that is none" "--budget: '5x'" "$drafted" --budget 5x
is "none of them was begun" "$(ask 'SELECT count(*) FROM measurement')" "$measured"
for p in elsewhere larger unknown; do
	sweep $p tiny $p.db
done
db=elsewhere.db
refused "another core" "profile 'elsewhere' is of another machine: its c is a No Such Core" "$drafted"
db=larger.db
refused "a processor that is missing" "profile 'larger': .* no CPU 1023" "$drafted"
db=unknown.db
refused "processors that are not told" 'point [0-9]*: c: the engine cannot run c here: the profile does not tell its CPUs' "$drafted"
is "nothing is stored of them" "$(ask 'SELECT count(*) FROM run')" 0

# ---- memory that is not what it was ----

db=faster.db
sweep faster tiny "$db"
validate "$drafted" --budget 1 --format csv
is "nobody waits for ever" $status 0
is "the pair that must be is measured" "$(cell 1 pairs)" 1
is "memory is as slow as it is" "$(cell 1 memory_speed | sed 's/-0\.9.*/-0.9/')" -0.9
like "which is said" "$err" "memory was not what it was when calibrated, at 1 of 1 points .-100"
db=cached.db
sweep cached tiny "$db"
validate "$drafted" --repeats 1 --format csv
is "models that a cache holds do not wait for it" "$status$(cell 1 memory_speed)" 0

# ---- chosen points ----

db=many.db
sed 's/"gamma": .3./"gamma": [1, 2, 3, 4]/; s/, "overlapped"//; s/"early-exit:1"/"early-exit:1", "early-exit:2"/' tiny.json >many.json
sweep here many "$db"
validate --top 3 --repeats 1 --format csv
is "the best are validated" "$status $(cell 1 id) $(cell 2 id) $(cell 3 id)" \
	"0 $(ask "SELECT id FROM prediction WHERE feasible AND drafter IS NOT 'ngram' ORDER BY speedup DESC, id LIMIT 3" | xargs)"
run "$HEXPLORE" validate --db $db --top 13 --repeats 1
like "what cannot be run here is passed over, which is told" "$status $err" '4 points passed over that cannot be run here: point [0-9]*: what ngram drafts'
front=$("$HEXPLORE" pareto --db $db --format csv | sed 1d | cut -d, -f2 | xargs | tr ' ' ,)
front=$(ask "SELECT id FROM prediction WHERE id IN ($front) AND drafter IS NOT 'ngram' ORDER BY tpot_s" | xargs)
validate --pareto --repeats 1 --format csv
is "the front is validated" "$status $(echo "$out" | sed 1d | cut -d, -f2 | xargs)" "0 $front"
# sampled OPTION...: the ids that a sample has
sampled() {
	validate --repeats 1 --format csv --sample "$@"
	echo "$out" | sed 1d | cut -d, -f2 | xargs
}
first=$(sampled 8)
is "a sample has so many points" "$(echo "$first" | wc -w)" 8
is "each once" "$(echo "$first" | tr ' ' '\n' | sort -u | wc -l)" 8
is "the same for the same seed" "$(sampled 8)" "$first"
is "others for another" "$([ "$(sampled 8 --seed 99)" = "$first" ]; echo $?)" 1
is "it is spread over gamma" "$(ask "SELECT group_concat(DISTINCT gamma) FROM (SELECT gamma FROM prediction WHERE id IN ($(echo "$first" | tr ' ' ,)) ORDER BY gamma)")" 1,2,3,4
validate --sample 8 --repeats 1 --format csv
like "the regret is measured" "$err" '^regret [0-9.-]* %: point [0-9]* was predicted fastest'
like "by repeats of a kind of their own" "$(ask "SELECT count(DISTINCT point), min(n), max(n) FROM (SELECT point, count(*) AS n FROM measurement
	WHERE kind = 'again' AND run = (SELECT max(id) FROM run) GROUP BY point)")" '^[56][|]([5-9]|10|11)[|]'
report=$("$HEXPLORE" report --db $db 2>/dev/null | head -n 1)
is "a report says the same" "$report" "$(echo "$err" | head -n 1)"

# ---- gone on with ----

run=$(ask 'SELECT max(id) FROM run')
like "no run to go on with" "$(validate --resume; echo "$status $err")" '^2 hexplore: --resume: no validation run was left'
# what an interruption leaves: a run without an end, points without pairs, and one with fewer than it wants
ask "UPDATE run SET ended = NULL WHERE id = $run; DELETE FROM measurement WHERE run = $run AND (kind = 'again' OR point IN (SELECT point FROM chosen
	WHERE run = $run AND place > 3))"
before=$(ask "SELECT * FROM measurement WHERE run = $run")
validate --resume --repeats 2 --format csv
is "it goes on with the same points" "$status $(echo "$out" | sed 1d | cut -d, -f2 | xargs)" "0 $first"
is "in the same run, which ends" "$(ask "SELECT max(id), ended NOTNULL FROM run WHERE id = $run")|$(ask 'SELECT max(id) FROM run')" "$run|1|$run"
is "what was measured stays" "$(ask "SELECT m.* FROM measurement m JOIN chosen c ON c.run = m.run AND c.point = m.point
	WHERE m.run = $run AND m.kind != 'again' AND m.repeat = 1 AND c.place <= 3")" "$before"
is "pairs are added" "$(ask "SELECT DISTINCT repeats FROM validation WHERE run = $run")" 2
pairs=$(ask "SELECT count(*) FROM measurement WHERE run = $run AND kind = 'baseline'")
validate --resume --run "$run" --repeats 2
is "what is finished is not measured again" "$status $(ask "SELECT count(*) FROM measurement WHERE run = $run AND kind = 'baseline'")" "0 $pairs"
refused "outputs of another length" "run $run generates 16 tokens an output: resume it with --tokens 16" --resume --run "$run" --tokens 5
refused "a run that is not there" '--run: there is no validation run 999' --resume --run 999
refused "two ways to choose" 'validate: one of ids, --top, --pareto, --sample and --resume' --top 3 --pareto
refused "ids and a way to choose" 'validate: one of ids' 1 --sample 3
refused "a seed of nothing" '--seed: ' 1 --seed 3
refused "a run that is not gone on with" '--run: ' 1 --run 3
# ---- how sure the prediction was ----

sed 's/"launch_s"/"residual": 0.1, &/' here.json >sure.json
db=sure.db
sweep sure tiny "$db"
ask 'UPDATE point SET speedup_p05 = NULL, speedup_p95 = NULL, p_gain = NULL'
validate "$drafted" --repeats 1
is "what is measured has the interval of its prediction" "$status|$(ask 'SELECT id, speedup_p05 <= predicted_speedup, speedup_p95 >= predicted_speedup FROM validation')" \
	"0|$drafted|1|1"

# ---- interrupted ----

db=stopped.db
sweep here tiny "$db"
(exec "$HEXPLORE" validate "$drafted" -q --db "$db" --tokens 2500 --format csv >stopped.csv) &
pid=$!
while kill -0 $pid 2>/dev/null && ! [ "$(sqlite3 -cmd '.timeout 9000' "$db" 'SELECT count(*) FROM validation' 2>/dev/null)" = 1 ]; do
	:
done
kill -INT $pid
wait $pid
is "an interrupt ends it" $? 130
is "its repeats are there" "$(ask 'SELECT count(*) FROM validation')" 1
is "its run has no end" "$(ask 'SELECT count(ended) FROM run')" 0
is "what there was is listed" "$(wc -l <stopped.csv)" 2
is "no file is left behind" "$(ls files)" ""
before=$(ask "SELECT * FROM measurement WHERE repeat = 1")
validate --resume --repeats 2 --tokens 2500 --format csv
is "it can be gone on with" "$status$(cell 1 pairs)$(ask 'SELECT count(ended) FROM run')" 021
is "after the pairs that there are" "$(ask "SELECT * FROM measurement WHERE repeat = 1")" "$before"
done_testing
