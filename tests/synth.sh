#!/bin/sh
# model synth, and GGUF files in the place of shapes.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

shape() {
	cat >"$1.json" <<END_SHAPE
{"schema": "hexplore/model/1", "name": "$1", "family": "$2", "from": "this test", "tokenizer": "own", "layers": $3, "d_model": 64,
 "heads": 4, "kv_heads": 2, "d_head": 16, "d_ff": 160, "vocab": 400, "context": 4096$4}
END_SHAPE
}
shape small llama 2 ', "tied": true'
shape large llama 5 ', "rope": "llama3: base 500000, low frequencies scaled by 32", "rope_theta": 500000'
shape qwen2 qwen2 2 ', "qkv_bias": true, "rope_theta": 1e6'
shape qwen3 qwen3 2 ', "qk_norm": true, "tied": true'
shape gemma3 gemma3 7 ', "qk_norm": true, "norms": 4, "tied": true, "window": 32, "global_every": 6, "rope_theta": 1e6'
shape neox gptneox 2 ', "norm": "layer"'

synth() {
	"$HEXPLORE" model synth "$@"
}
# What show prints of a model, but for its texts and its file.
figures() {
	"$HEXPLORE" model show "$1" -f csv | grep -Ev '^(name|description|from|tokenizer|rope|file\.[a-z0-9_]*),'
}

for m in small large qwen2 qwen3 gemma3; do
	ok "$m is written" synth $m --quant q8_0 -o $m.gguf
	is "$m: the file has the shape's figures" "$(figures $m.gguf)" "$(figures $m.json)"
	ok "$m: check reads it" "$HEXPLORE" model check $m.gguf
done
like "show: the bytes of every type" "$("$HEXPLORE" model show small.gguf -f csv)" '^file.q8_0,[0-9]+,B$'
bytes=$("$HEXPLORE" model show small.gguf -f csv | awk -F, '/^file\.[a-z]+[0-9]/ { n += $2 } END { print n }')
is "show: which are those of the shape" "$bytes" "$("$HEXPLORE" model show small -f csv | sed -n 's/^weights.q8_0,\([0-9]*\),B$/\1/p')"
is "show: rows that the type does not divide are f16" "$(synth small --quant q4_k -o k.gguf; "$HEXPLORE" model show k.gguf -f csv |
	sed -n 's/^file.\([a-z0-9_]*\),.*/\1/p' | tr '\n' ' ')" "tensors f32 f16 "

# ---- seeds, and files that are there ----

synth small -o a.gguf && synth small -o b.gguf && synth small -o c.gguf --seed 2 || fail "files to compare"
ok "the same seed gives the same file" cmp a.gguf b.gguf
run cmp -s a.gguf c.gguf
is "another seed gives another" "$status" 1
run synth small -o a.gguf --seed 2
is "a file that is there stays" "$status $err" "2 hexplore: 'a.gguf' is there already; --force replaces it"
ok "and did" cmp a.gguf b.gguf
ok "--force replaces it" synth small -o a.gguf --seed 2 --force
ok "and did so" cmp a.gguf c.gguf

# bad STATUS MESSAGE ARG...: refused, and nothing is written.
bad() {
	want="$1 hexplore: $2"
	shift 2
	run "$HEXPLORE" model "$@"
	is "model $*" "$status $err" "$want"
	is "model $*: nothing is left" "$(ls new* 2>/dev/null)" ""
}
bad 2 "model synth: name the file to write with --output" synth small
bad 2 "model synth: name one file; see 'hexplore model --help'" synth -o new.gguf
bad 2 "--quant: no quantisation 'q40'; did you mean 'q4_0'?" synth small --quant q40 -o new.gguf
bad 2 "--quant: no quantisation 'int4'; there are f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k and q6_k" \
	synth small --quant int4 -o new.gguf
bad 2 "neox: architecture 'gptneox' cannot be written; llama, qwen2, qwen3 and gemma3 can" synth neox -o new.gguf
bad 2 "model show: --quant is an option of 'model synth'" show small --quant q4_0
bad 2 "model check: --force is an option of 'model synth'" check small --force
bad 3 "cannot write 'none/new.gguf': No such file or directory" synth small -o none/new.gguf
bad 2 "'/dev/null' is there already; --force replaces it" synth small -o /dev/null
bad 2 "'/dev/null' is not a regular file" synth small -o /dev/null --force
run synth small --vocab 257 -o new.gguf
like "too few tokens" "$status $err" '^2 hexplore: --vocab: '
printf 'GGUF\001\000\000\000' >v1.gguf
bad 2 "v1.gguf: is of GGUF version 1; versions 2 and 3 are read" show v1.gguf

# ---- no room, and Ctrl-C ----

mkdir full
run sh -c 'trap "" XFSZ; ulimit -f 100; exec "$0" model synth "$1" -o full/new.gguf' "$HEXPLORE" smollm2-135m
is "no room" "$status $err $(ls full)" "3 hexplore: cannot write 'full/new.gguf': File too large "
"$HEXPLORE" model synth llama-3.1-8b --quant q4_0 -o full/new.gguf 2>full.err &
while [ ! -e "$(echo full/new.gguf.*)" ] && kill -0 $! 2>/dev/null; do :; done
kill -TERM $!
wait $!
is "interrupted" "$? $(cat full.err) $(ls full)" "3 hexplore: 'full/new.gguf' is not written: interrupted "

# ---- in sweeps ----

cat >sweep.json <<'END'
{"schema": "hexplore/sweep/1", "name": "files", "target": "TARGET", "target_quants": ["q8_0"], "target_mappings": ["a76x4"],
 "drafters": ["DRAFTER"], "draft_quants": ["q8_0"], "draft_mappings": ["a76x4", "a55x2"], "gamma": [0, 1, 2, 4],
 "workloads": [{"prompt": 63, "generated": 63}], "acceptance": [{"alpha": 0.7, "kind": "estimate", "from": "x"}]}
END
sed 's/TARGET/large.json/; s/DRAFTER/small.json/' sweep.json >shapes.json
sed 's/TARGET/large.gguf/; s/DRAFTER/small.gguf/' sweep.json >files.json
ok "a sweep of shapes" "$HEXPLORE" sweep -q -p rk3588 -s shapes.json --db shapes.db
ok "a sweep of files" "$HEXPLORE" sweep -q -p rk3588 -s files.json --db files.db
best() {
	"$HEXPLORE" best -t 0 -f csv --db "$1.db"
}
is "predicts the same" "$(best files)" "$(best shapes)"
like "and something" "$(best files)" 'a55x2'
rm large.gguf small.gguf
ok "the database alone explains a point" "$HEXPLORE" explain 2 --db files.db
synth large --vocab 401 -o large.gguf && synth small -o small.gguf || fail "files of two vocabularies"
run "$HEXPLORE" sweep -q -p rk3588 -s files.json --db other.db
like "files of other vocabularies do not draft for each other" "$status $err" '^2 .*small cannot draft for large: its vocabulary is gpt2-[0-9a-f]*, the target'
done_testing
