#!/bin/sh
# hexplore accept on tiny models of random weights: traces measured, written, and swept with.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

# shape NAME LAYERS
shape() {
	cat >"$1.json" <<END
{"schema": "hexplore/model/1", "name": "$1", "family": "llama", "from": "none", "tokenizer": "none", "layers": $2, "d_model": 64,
 "heads": 2, "kv_heads": 1, "d_head": 32, "d_ff": 64, "vocab": 300, "context": 512, "tied": true, "rope_theta": 10000}
END
	"$HEXPLORE" model synth "./$1.json" --quant f32 -o "$1.gguf" || exit 1
}
shape big 2
shape small 1
printf 'Hello there\nOnce upon a time\r\n\nIt was a dark and stormy night\n' >prompts.txt
accept() {
	run "$HEXPLORE" accept --target big.gguf -p prompts.txt -n 40 -q "$@"
}

# ---- traces ----

accept --draft big.gguf -f csv
is "a model agrees with itself" "$(echo "$out" | awk -F, 'NR > 1 { print $1, $2, $3 }' | sort -u)" "3 117 1"
is "CSV has a row a gamma" "$status $err $(echo "$out" | grep -c '')" "0  9"

accept --draft small.gguf -o trace.json --task "a test"
is "a trace is measured" "$status $err" "0 "
like "prompts are counted" "$out" '^prompts: 3, output: 120 tokens, drafts: 117$'
like "alpha has its error" "$out" '^alpha: 0\.[0-9]+ \+- 0\.[0-9]+ \(standard error\)$'
like "the table has gammas" "$out" '^ +8 +[-0-9.]+ +[0-9.]+ +[0-9.]+ +[-0-9.]+ +[0-9.]+$'
is "it fits 80 columns" "$(echo "$out" | grep -E '^.{81}')" ""
for line in '"target": "big"' '"drafter": "small"' '"target_quant": "f32"' '"draft_quant": "f32"' '"task": "a test"' '"temperature": 0' \
	'"n_prompts": 3' '"kind": "measured"' '"name": "trace"'; do
	like "the source says $line" "$(cat trace.json)" "^	$line,\$"
done
is "a line a prompt" "$(grep -c '{"lengths": \[[0-9,]*\], "confidence": \[[0-9.e,-]*\]}' trace.json)" 3
accept --draft small.gguf -o trace.json
is "a file that is there is kept" "$status $err" "2 hexplore: 'trace.json' is there already; --force replaces it"
cp trace.json before.json
accept --draft small.gguf -o trace.json --task "a test" --force
ok "unless forced; and the same is measured again" cmp trace.json before.json

# What run accepts is what the trace foretells: rounds of an output of 40 tokens, the first of which is the prompt's pass's.
sed -n 4p prompts.txt >one.txt
for draft in small.gguf ngram early-exit:1; do
	run "$HEXPLORE" run --target big.gguf --draft "$draft" -p "$(cat one.txt)" -n 40 -g 3
	rounds=$(echo "$err" | sed -n 's/^rounds: \([0-9]*\),.*/\1/p')
	run "$HEXPLORE" accept --target big.gguf --draft "$draft" -p one.txt -n 40 -f csv
	is "$draft: the trace has the rounds of run" "$(echo "$out" | awk -F, '$14 == 3 { printf "%.6f", $16 }')" \
		"$(awk -v r="$rounds" 'BEGIN { printf "%.6f", 39 / r }')"
done

accept --draft small.gguf -t 1 --top-p 0.9 --seed 3 -o sampled.json
like "sampled, chances are kept" "$(cat sampled.json)" '\{"chances": \[0\.[0-9]'
like "and how they were sampled" "$(cat sampled.json)" '"from": ".*, top-k 0, top-p 0.9, seed 3; kernels'
accept --draft ngram -t 1 -o lookup.json
like "lookup has lengths all the same, and no confidence" "$(cat lookup.json)" '\{"lengths": \[[0-9,]*\]\}'
like "the drafter is ngram" "$(cat lookup.json)" '"drafter": "ngram"'
accept --draft small.gguf --draft-quant q8_0 -o q8.json
like "requantised models are what was measured" "$(cat q8.json)" '"draft_quant": "q8_0"'
out=$("$HEXPLORE" accept --target big.gguf --draft small.gguf -p - -n 10 -f jsonl <prompts.txt)
like "prompts come from the standard input" "$out" '^\{"prompts": 3, "drafts": 27, '

# ---- sweeps with it ----

cat >sweep.json <<'END'
{"schema": "hexplore/sweep/1", "name": "tiny", "target": "./big.gguf", "drafters": ["./small.gguf"], "target_quants": ["f32"], "draft_quants": ["f32"],
 "gamma": [1, 2, 4], "target_mappings": ["auto"], "draft_mappings": ["auto"], "workloads": [{"prompt": 5, "generated": 40}],
 "acceptance": ["./trace.json"]}
END
run "$HEXPLORE" sweep -p rk3588 -s ./sweep.json -q --db tiny.db
like "a sweep reads the trace" "$status $out" 'acceptance: match trace of 3 prompts, alpha 0\.[0-9]+ \(measured\)'
is "and predicts the rounds that it holds" \
	"$("$HEXPLORE" best --db tiny.db -t 0 -f jsonl -w gamma=2 | sed 's/.*"tokens_per_round": \([0-9.]*\).*/\1/' | xargs printf '%.6f\n' | sort -u)" \
	"$(run "$HEXPLORE" accept --target big.gguf --draft small.gguf -p prompts.txt -n 40 -f csv; echo "$out" |
		awk -F, '$14 == 2 { printf "%.6f\n", $16 }')"

# ---- what is refused ----

bad() {
	like "$1" "$status $err" "$2"
}
accept
bad "no drafter" "^2 hexplore: which drafter\? --draft names"
run "$HEXPLORE" accept --target big.gguf --draft ngram
bad "no prompts" "^2 hexplore: which prompts\? --prompts names"
run "$HEXPLORE" accept --target big.gguf --draft ngram -p none.txt
bad "prompts that are not there" "^3 hexplore: cannot open 'none.txt': "
printf 'one\n \t\nthree\n' >blank.txt
run "$HEXPLORE" accept --target big.gguf --draft ngram -p blank.txt
bad "a blank line" "^2 hexplore: blank.txt:2: has nothing but white space$"
printf 'one\ntw\377o\n' >latin.txt
run "$HEXPLORE" accept --target big.gguf --draft ngram -p latin.txt
bad "a line that is not UTF-8" "^2 hexplore: latin.txt:2: is not UTF-8 text$"
printf 'one\0two\n' >nul.txt
run "$HEXPLORE" accept --target big.gguf --draft ngram -p nul.txt
bad "a NUL" "^2 hexplore: nul.txt:1: is not UTF-8 text$"
printf '\n\n' >empty.txt
run "$HEXPLORE" accept --target big.gguf --draft ngram -p empty.txt
bad "no prompt in it" "^2 hexplore: 'empty.txt' has no prompts: one a line$"
printf 'short\n%0600d\n' 7 >long.txt
run "$HEXPLORE" accept --target big.gguf --draft ngram -p long.txt
bad "a line that is too long" "^2 hexplore: long.txt:2: a prompt of 60[0-9] tokens; 384 at most leave room for the output$"
run "$HEXPLORE" accept --target big.gguf --draft ngram -p prompts.txt -n 512
bad "more tokens than the context has" "^2 hexplore: --tokens: 512 tokens do not fit beside a prompt in a context of 512$"
accept --draft ngram -o .
bad "a folder to write to" "^2 hexplore: '.' is not a regular file$"
accept --draft ngram -o none/trace.json
bad "no folder to write to" "^3 hexplore: cannot write 'none/trace.json': "
accept --draft ngram --task "$(printf 'a\tb')"
bad "a task with control characters" "^2 hexplore: --task: "
accept --draft ngram -g 4
bad "no gamma: a trace has them all" "^2 hexplore: unknown option '-g'"

# ---- interrupted ----

yes 'Once upon a time there was a long file' | head -n 2000 >many.txt
"$HEXPLORE" accept --target big.gguf --draft small.gguf -p many.txt -n 200 -o part.json >part.out 2>part.err &
pid=$!
i=0
while [ "$i" -lt 200 ] && kill -0 "$pid" 2>/dev/null && [ -z "$(grep -s . part.err)" ]; do
	i=$((i + 1))
	sleep 0.1
	[ "$i" -lt 20 ] || break
done
kill -INT "$pid"
wait "$pid"
status=$?
like "interrupted, it says how far it came" "$status $(tail -n 1 part.err)" \
	'^130 hexplore: interrupted after [0-9]+ of 2000 prompts, which the file holds$'
done_prompts=$(sed -n 's/.*interrupted after \([0-9]*\) .*/\1/p' part.err)
is "and keeps what is done" "$(grep -c '{"lengths"' part.json) $(sed -n 's/^	"n_prompts": \([0-9]*\),$/\1/p' part.json)" "$done_prompts $done_prompts"
ok "in a file that can be used" "$HEXPLORE" sweep -p rk3588 -s ./sweep.json -a ./part.json --dry-run
is "nothing else is left behind" "$(find . -name '*.json.*')" ""
done_testing
