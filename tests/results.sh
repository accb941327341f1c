#!/bin/sh
# `make results` with tiny models in the place of its two pairs: it measures, is interrupted, goes on, adds a run. How fast anything is, is nobody's business.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

mkdir temp
# model NAME LAYERS
model() {
	cat >"$1.json" <<JSON
{"schema": "hexplore/model/1", "name": "$1", "family": "llama", "from": "made up", "tokenizer": "toy", "layers": $2, "d_model": 64, "heads": 4,
 "kv_heads": 2, "d_head": 16, "d_ff": 96, "vocab": 320, "context": 8192, "tied": true}
JSON
}
model big 3
model small 1
unit=$("$HEXPLORE" devices --quick --format jsonl | sed -n '1s/.*"unit": *"\([^"]*\)".*/\1/p')
for name in one two; do
	cat >$name.json <<JSON
{"schema": "hexplore/sweep/1", "name": "$name", "target": "big", "target_quants": ["q8_0"], "drafters": ["small"], "draft_quants": ["f16"],
 "target_mappings": ["${unit}x1"], "draft_mappings": ["${unit}x1"], "gamma": [1, 2, 3], "workloads": [{"prompt": 8, "generated": 16}],
 "acceptance": [{"alpha": 0.7, "kind": "estimate", "from": "x"}]}
JSON
done
results() {
	run env top_srcdir="$top_srcdir" HEXPLORE="$HEXPLORE" HEXPLORE_PATH="$tmp" TMPDIR="$tmp/temp" RESULTS_DIR="$tmp/out" \
		CALIBRATE_OPTIONS="--quick --largest 300kB --types q8_0 --units $unit" CASES="one $tmp/one.json 2 2s --repeats 1
two $tmp/two.json 1 ${budget:-2s} --repeats 1" sh "$top_srcdir/results/validation/make.sh" "$@"
}
results page
is "nothing was measured: status" "$status" 1
results nonsense
is "an argument that is none" "$status" 1
budget=never
results
is "what fails ends it" "$status" 2
cp out/machine.json before.json
budget=2s
command -v gnuplot >/dev/null || skip_all "no gnuplot"
results
is "it goes on" "$status" 0
ok "without calibrating again" cmp out/machine.json before.json
is "all that is for a repository" "$(cd out && ls)" "README.md
machine.json
points.csv
report.txt
roofline.png
validation.png
work"
is "a line for each point" "$(wc -l <out/points.csv | tr -d ' ')" 4
like "points have both" "$(head -n 1 out/points.csv)" 'predicted_speedup.*measured_speedup'
like "sentences have the figures" "$(cat out/README.md)" '^Of 3 points that were run on the machine below, the predicted speedup is [0-9.]+ % off'
like "by case" "$(cat out/README.md)" '^\| one \| 2 \| '
like "the best" "$(cat out/README.md)" '^It pays (most at|at none of them; nearest to it comes) point [12]:[0-9]+, target q8_0 on '
like "commands" "$(cat out/README.md)" '^    hexplore validate --sample 2 --seed 1 --budget 2s --sweep-id 1 '
like "one run so far" "$(cat out/README.md)" 'make results. again adds another'
results
is "called again it adds a run" "$status $(wc -l <out/points.csv | tr -d ' ')" "0 7"
like "and compares the two" "$(cat out/README.md)" '^3 points were measured again: '
results page
is "the page alone" "$status $(wc -l <out/points.csv | tr -d ' ')" "0 7"
is "no model is left" "$(ls temp)" ""
done_testing
