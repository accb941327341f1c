#!/bin/sh
# hexplore run on small random models: speculative text is plain text, whoever drafts; what cannot run is refused in one line; output and signals.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

# shape NAME LAYERS CONTEXT VOCAB [MORE]
shape() {
	cat >"$1.json" <<END
{"schema": "hexplore/model/1", "name": "$1", "family": "llama", "from": "invented", "tokenizer": "bytes", "layers": $2, "d_model": 64, "heads": 4,
 "kv_heads": 2, "d_head": ${5:-16}, "d_ff": 96, "vocab": $4, "context": $3, "tied": true, "rope": "plain", "rope_theta": 10000}
END
	"$HEXPLORE" model synth "$1.json" --quant "${6:-f32}" -o "$1.gguf" || fail "$1 is made"
}
shape target 3 512 300
shape draft 1 512 300
shape other 1 512 400
shape brief 1 64 300
shape long 1 200000 300
shape wide 64 16777216 300 1024 q4_0
run_target() {
	run timeout 60 "$HEXPLORE" run --target target.gguf "$@"
}

# ---- lossless ----
for prompt in c f; do
	run_target -p $prompt -n 200 -q
	is "plain, '$prompt'" "$status $err" "0 "
	plain=$out
	for draft in ngram early-exit:1 early-exit:2 draft.gguf; do
		run_target -p $prompt -n 200 -q --draft $draft --compare
		is "$draft, '$prompt': plain text" "$status $out" "0 $plain"
		like "$draft: compares" "$err" '^plain decoding: [0-9.e+]+ tokens/s; speedup [0-9.]+$'
	done
done
for set in $("$HEXPLORE" devices --quick | sed -n 's/^kernels: //p' | tr -d ,); do
	for more in "" "--no-kv-cache --tokens 40" "--target-quant q4_0 --draft-quant q8_0 --target-map cpux1"; do
		# shellcheck disable=SC2086
		run_target -p f -q $more --kernels "$set"
		plain=$out
		# shellcheck disable=SC2086
		run_target -p f -q $more --kernels "$set" --draft draft.gguf --gamma 7
		is "kernels $set $more" "$status $out" "0 $plain"
	done
done

# ---- drafting while the target verifies: two processors ----
if [ "$(nproc)" -gt 1 ]; then
	apart="--target-map cpux1 --draft-map cpux1 --mode overlapped --draft"
	for prompt in c f; do
		for gamma in 1 2 4 7; do
			# shellcheck disable=SC2086
			run_target -p $prompt -n 200 -q $apart draft.gguf --gamma $gamma --compare
			like "overlapped, gamma $gamma, '$prompt'" "$status $err" '^0 plain decoding: [0-9.e+]+ tokens/s; speedup [0-9.]+$'
		done
	done
	for more in "draft.gguf --no-kv-cache --tokens 40" "draft.gguf --min-confidence 0.2" brief.gguf; do
		# shellcheck disable=SC2086
		run_target -p f $apart $more --compare
		is "overlapped $more: plain text" "$status" 0
	done
	# shellcheck disable=SC2086
	{
		run_target -p f -n 100 -q $apart draft.gguf -t 1 --seed 5
		sampled=$out
		for again in 1 2 3; do
			run_target -p f -n 100 -q $apart draft.gguf -t 1 --seed 5
			is "overlapped: a seed repeats, $again" "$status $out" "0 $sampled"
		done
		run_target -p c -n 60 -v $apart draft.gguf
	}
	like "overlapped: passes of both" "$err" '^draft +qkv '
	like "overlapped: and of the target" "$err" '^verify +qkv '
	like "overlapped: time" "$err" '^time: draft [0-9.]+ %, verify [0-9.]+ %, host [0-9.]+ %$'
fi

# ---- what is said of it ----
run_target -p c -n 50 --draft draft.gguf --gamma 3
like "prompt" "$err" '^prompt: 2 tokens in [0-9.]+ [a-z]+$'
like "output" "$err" '^output: 50 tokens, all but the first in [0-9.]+ [a-z]+, [0-9.e+]+ tokens/s$'
like "acceptance, by position" "$err" '^rounds: [0-9]+, drafted [0-9]+, accepted [0-9]+ \([0-9.]+ %\); accepted by position:( [01]\.[0-9]{2}| -){3}$'
like "time" "$err" '^time: draft [0-9.]+ %, verify [0-9.]+ %, host [0-9.]+ %$'
run_target -p c -n 3 --verbose
like "time by operator" "$err" '^verify +qkv +6 +[0-9.]+ +[0-9.]+$'
like "the head runs once a pass" "$err" '^prefill target +head +1 +[0-9.]+ +[0-9.]+$'
run_target -p c -n 1 --draft draft.gguf --compare
like "one token" "$status $err" '^output: 1 tokens'
is "one token: nothing else" "$status" 0
run_target -p c -n 20 -q
plain=$out
run_target -p c -n 20 --draft draft.gguf --gamma 0
is "gamma 0 is plain" "$out" "$plain"
is "and has no rounds" "$(echo "$err" | grep -c rounds)" 0

# ---- a drafter that holds less than the target ----
for more in "" "--context 200"; do
	# shellcheck disable=SC2086
	run_target -p c -n 150 $more --draft brief.gguf --compare
	is "brief drafter $more: plain text" "$status" 0
	like "brief drafter $more: all of it" "$err" '^output: 150 tokens'
	like "brief drafter $more: is said" "$err" '^drafter: holds 64 tokens; what follows was decoded without drafts$'
done
run_target -p c -n 60 --draft brief.gguf
is "brief drafter, brief text: is not said" "$(echo "$err" | grep -c holds)" 0

# ---- sampling ----
run_target -p c -n 100 -q -t 1 --seed 5
sampled=$out
run_target -p c -n 100 -q -t 1 --seed 5
is "a seed repeats" "$status $out" "0 $sampled"
run_target -p c -n 100 -q -t 1 --seed 6
ok "another does not" test "$out" != "$sampled"
run_target -p c -n 100 -q -t 1 --seed 6 --top-k 1 --draft draft.gguf
top=$out
run_target -p c -n 100 -q
is "the likeliest of one is greedy" "$top" "$out"

# ---- prompts ----
run_target -p "the cat" -n 30 -q
plain=$out
printf 'the cat' >prompt
run_target --prompt-file prompt -n 30 -q
is "prompt of a file" "$out" "$plain"
is "prompt of the standard input" "$("$HEXPLORE" run --target target.gguf --prompt-file - -n 30 -q <prompt)" "$plain"
is "prompt through a pipe" "$(echo "the cat" | tr -d "\n" | "$HEXPLORE" run --target target.gguf --prompt-file - -n 30 -q)" "$plain"
run_target -n 5 -q
is "no prompt: from the beginning" "$status" 0
seq 1 110 | tr -d '\n' >filling # 222 tokens and the first
run_target --prompt-file filling -n 1000 --context 223
like "a prompt that fills the context" "$err" '^output: 1 tokens'
seq 1 500 >exceeding

# ---- refused ----
# bad STATUS REGEX ARGUMENT...: one line on stderr that matches, nothing on stdout.
bad() {
	want=$1 regex=$2
	shift 2
	run timeout 20 "$HEXPLORE" run "$@"
	if [ "$status" -eq "$want" ] && [ -z "$out" ] && [ "$(printf '%s\n' "$err" | wc -l)" -eq 1 ] && printf '%s\n' "$err" | grep -Eq -e "^hexplore: $regex\$"; then
		pass "$*"
	else
		fail "$*" "status $status (want $want), message: $err (want $regex), output: $out"
	fi
}
mkdir dir
head -c 5000 target.gguf >cut.gguf
head -c 100000 target.gguf >short.gguf
: >empty.gguf
t="--target target.gguf -p c"
bad 2 "which target\? --target names a GGUF file"
bad 2 "cut.gguf: is damaged or cut off: .*" --target cut.gguf
bad 2 "short.gguf: .*" --target short.gguf
bad 2 "empty.gguf: .*" --target empty.gguf
bad 2 "target.json: is no GGUF file" --target target.json
bad 2 "'dir' is not a regular file" --target dir
bad 3 "cannot read 'none': No such file or directory" --target none
# shellcheck disable=SC2086
{
	bad 3 "cannot read 'none': No such file or directory" $t --draft none
	bad 2 "target.json: is no GGUF file" $t --draft target.json
	bad 2 "other.gguf: token 298 is .*, but .* in target.gguf; a draft needs the same tokens" $t --draft other.gguf
	bad 2 "early-exit:3 is not early: target has 3 layers" $t --draft early-exit:3
	bad 2 "early-exit: must be in \[1, 1024\], is 0" $t --draft early-exit:0
	bad 2 "early-exit: 'x' is not a whole number" $t --draft early-exit:x
	bad 2 "--gamma 3 needs a drafter: --draft names a GGUF file, ngram or early-exit:K" $t --gamma 3
	bad 2 "--gamma: must be in \[0, 64\], is 65" $t --draft ngram --gamma 65
	bad 2 "target holds 1 to 512 tokens, not 513" $t --context 513
	bad 2 "the prompt has [0-9]+ tokens, the target's context holds 512" --target target.gguf --prompt-file exceeding
	bad 2 "wide.gguf needs 8[0-9]+ GB \(weights [0-9.]+, cache and buffers for 16777216 tokens 8[0-9]+\), and [0-9.]+ GB are available" \
		--target wide.gguf --context 16777216
	bad 2 "--target-quant: no quantisation 'q4_2'; did you mean 'q4_[0k]'\?" $t --target-quant q4_2
	bad 2 "--draft-quant: no quantisation 'int4'; there are f32, .* and q6_k" $t --draft ngram --draft-quant int4
	bad 2 "no kernels 'sse' on this machine; there are .*portable" $t --kernels sse
	bad 2 "mapping 'npu': no unit 'npu'; .*" $t --target-map npu
	bad 2 "mapping '[a-z0-9]+@1MHz': the engine sets no clocks; leave out @ and what follows it" $t --target-map cpu@1MHz
	bad 2 "mapping 'cpu:0-1': layer 2 is placed nowhere; the model has layers 0-2" $t --target-map cpu:0-1
	bad 2 "mapping 'npu': no unit 'npu'; .*" $t --draft draft.gguf --draft-map npu
	bad 2 "no profile 'none'.*" $t --profile none
	bad 2 "--prompt and --prompt-file: one of them" $t --prompt-file prompt
	bad 3 "cannot open 'none': No such file or directory" --target target.gguf --prompt-file none
	bad 3 "cannot read 'dir': Is a directory" --target target.gguf --prompt-file dir
	bad 2 "--tokens: must be in \[1, 16777216\], is 0" $t -n 0
	bad 2 "the temperature must be 0 or between 0.01 and 100, is 0.001" $t -t 0.001
	bad 2 "--top-p: .*" $t -t 1 --top-p 0
	bad 2 "--mode: sequential or overlapped, not 'parallel'" $t --mode parallel
	bad 2 "--mode overlapped needs a drafter: --draft names a GGUF file" $t --mode overlapped
	for draft in ngram early-exit:1; do
		bad 2 "overlapped drafting needs a drafter that is a model of its own, which $draft is not" $t --mode overlapped --draft $draft
	done
	bad 2 "mapping 'cpu' needs [0-9]+ cores of cpu, and 'cpu', which works at the same time, leaves 0; give one of them fewer" $t --mode overlapped \
		--draft draft.gguf
	bad 2 "run: unexpected argument 'x'; see 'hexplore run --help'" $t x
}

# ---- output ----
"$HEXPLORE" run --target target.gguf -p c -n 20 -q >&- 2>closed.err
is "closed stdout" "$?" 3
like "closed stdout: is said" "$(cat closed.err)" '^hexplore: cannot write the output: '
if [ -e /dev/full ]; then
	"$HEXPLORE" run --target target.gguf -p c -n 20 -q >/dev/full 2>full.err
	is "a full disk" "$?" 3
	like "a full disk: is said" "$(cat full.err)" '^hexplore: cannot write the output: No space left'
fi
run_target -p c -n 20 -q
is "a pipe" "$("$HEXPLORE" run --target target.gguf -p c -n 20 -q | cat)" "$out"
{
	timeout 60 "$HEXPLORE" run --target long.gguf -p a -n 199000 --context 199999 -q 2>gone.err
	echo $? >gone.status
} | head -c 1 >/dev/null
ok "a reader that goes ends it" grep -Eqx '3|141' gone.status
is "without a word" "$(cat gone.err)" ""

# ---- interrupted: what is there stays ----
mkfifo fifo
overlapped="INT --draft long.gguf --target-map cpux1 --draft-map cpux1 --mode overlapped"
[ "$(nproc)" -gt 1 ] || overlapped=INT
for how in INT TERM "$overlapped"; do
	# shellcheck disable=SC2086
	set -- $how
	signal=$1
	shift
	"$HEXPLORE" run --target long.gguf -p a -n 199000 --context 199999 --trace stopped.json "$@" >fifo 2>stopped.err &
	pid=$!
	exec 3<fifo
	dd bs=1 count=50 <&3 >stopped.out 2>/dev/null
	kill -$signal $pid
	cat <&3 >>stopped.out
	exec 3<&-
	wait $pid
	is "$how: status" "$?" 130
	like "$how: message" "$(tail -n 1 stopped.err)" '^hexplore: interrupted after [0-9]+ tokens$'
	like "$how: figures" "$(cat stopped.err)" '^output: [0-9]+ tokens'
	ok "$how: the trace" "$HEXPLORE" plot timeline --trace stopped.json
	"$HEXPLORE" run --target long.gguf -p a -n 50 -q >whole.out
	ok "$how: the text so far" test "$(head -c 40 stopped.out | cksum)" = "$(head -c 40 whole.out | cksum)"
done
done_testing
