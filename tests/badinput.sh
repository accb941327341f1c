#!/bin/sh
# Bad input of every kind: one clear line that names the place and the remedy, the right exit status, nothing written.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

profile=$top_srcdir/hwprofiles/mali-g52.json
sweep=$top_srcdir/sweeps/translation.json
mkdir dir
mkfifo fifo
: >empty.json
echo '{' >cut.json
printf '\377\376{}' >latin.json
printf '{"schema": "hexplore/profile/1"\0}' >nul.json
sed 's/"clock_hz"/"clock_hx"/' "$profile" >typo.json
sed 's/"clock_hz": 2.4e9/"clock_hz": -1/' "$profile" >range.json
sed 's/"cores": 4,/"cores": "four",/' "$profile" >type.json
sed 's,hexplore/profile/1,hexplore/profile/2,' "$profile" >newer.json
sqlite3 :memory: "SELECT json_set(readfile('$profile'), '\$.units', json('[]'))" >nounit.json
sed 's/"arithmetic": "i8_mul"/"arithmetic": "i8_dot"/' "$profile" >norate.json
sed 's/"from": 1, "to": 8/"from": 8, "to": 1/' "$sweep" >reversed.json
sed 's/"target_mappings": \["auto"\]/"target_mappings": ["a75x4"]/' "$sweep" >unit.json
sed 's/"target_mappings": \["auto"\]/"target_mappings": ["a73x9"]/' "$sweep" >cores.json
sed 's/"target_mappings": \["auto"\]/"target_mappings": ["a73:0-13"]/' "$sweep" >layers.json
sed 's/"target": "llama-3.2-3b",/"target": "llama-3.1-8b",/' "$sweep" | sed 's/\["f16", "q8_0", "q4_0"\]/["f16"]/' >large.json
sed 's/"llama-3.2-1b"\]/"qwen3-0.6b"]/' "$sweep" >vocabulary.json
sed 's/"alpha": 0.58/"alpha": 0.58, "by_position": [0.5]/' "$sweep" >forms.json
echo 'model,quantisation,unit,cores,rows,context' >columns.csv
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3b,q8_0,a55,1,63,0,fast\n' >number.csv
sqlite3 other.db 'CREATE TABLE t (x)'
cp "$profile" text.db

# bad STATUS REGEX ARGUMENT...: one line on stderr that matches, nothing on stdout.
bad() {
	want=$1 regex=$2
	shift 2
	run timeout 20 "$HEXPLORE" "$@"
	lines=$(printf '%s\n' "$err" | wc -l)
	if [ "$status" -eq "$want" ] && [ "$lines" -eq 1 ] && [ -z "$out" ] && printf '%s\n' "$err" | grep -Eq -e "^hexplore: $regex"; then
		pass "$*"
	else
		fail "$*" "status $status (want $want), message: $err (want $regex), output: $out"
	fi
}

bad 2 "no command 'swep'; did you mean 'sweep'\?" swep
bad 2 "sweep: which device\? --profile P; 'hexplore profile list'" sweep
bad 2 ".*'--profile' needs a value.*--help" sweep --profile
bad 2 ".*'--profle'.*did you mean '--profile'" sweep --profle x
bad 2 "no profile 'mali-g5'; did you mean 'mali-g52'" sweep -p mali-g5
bad 2 "no profile 'nowhere.json': no such file" sweep -p nowhere.json
bad 2 "'dir' is a directory; name the file" sweep -p dir
bad 2 "'fifo' is not a regular file" sweep -p fifo
bad 2 "empty.json: empty file" sweep -p empty.json
bad 2 "cut.json:2: the file ends" sweep -p cut.json
bad 2 "latin.json:1: invalid UTF-8" sweep -p latin.json
bad 2 "nul.json:1: .*" sweep -p nul.json
bad 2 "typo.json:13: units\[0\].clock_hx: unknown key, did you mean 'clock_hz'\?" sweep -p typo.json
bad 2 "range.json:13: units\[0\].clock_hz: must be in \[1e6, 2e10\] Hz, is -1" sweep -p range.json
bad 2 "type.json:12: units\[0\].cores: must be .*'four'" sweep -p type.json
bad 2 "newer.json:2: schema: must be 'hexplore/profile/1'" sweep -p newer.json
bad 2 "nounit.json:[0-9]+: units: must not be empty" sweep -p nounit.json
bad 2 "norate.json:[0-9]+: units\[0\].kernels\[3\].arithmetic: a73 has no rate for i8_dot" sweep -p norate.json
bad 2 ".*translation.json:2: schema: must be 'hexplore/profile/1'" sweep -p "$sweep"
bad 2 "reversed.json:[0-9]+: gamma: 'from' \(8\) is above 'to' \(1\); swap them" sweep -p mali-g52 -s reversed.json
bad 2 "unit.json:[0-9]+: target_mappings\[0\]: .*no unit 'a75'; the profile has a73, a53, g52" sweep -p mali-g52 -s unit.json
bad 2 "cores.json:[0-9]+: target_mappings\[0\]: .*a73 has 1 to 4 usable cores" sweep -p mali-g52 -s cores.json
bad 2 "layers.json:[0-9]+: target_mappings\[0\]: .*layer 14 is placed nowhere" sweep -p mali-g52 -s layers.json
bad 2 "large.json:[0-9]+: target: llama-3.1-8b cannot run anywhere on mali-g52: needs 16.1 GB.*choose a smaller" sweep -p mali-g52 -s large.json
bad 2 "vocabulary.json:[0-9]+: drafters\[0\]: qwen3-0.6b cannot draft for llama-3.2-3b" sweep -p mali-g52 -s vocabulary.json
bad 2 "forms.json:[0-9]+: acceptance\[1\]: needs exactly one of" sweep -p mali-g52 -s forms.json
bad 2 "--acceptance: must be in \[0, 1\] or name a source, is '1.5'" sweep -p mali-g52 --acceptance 1.5
bad 2 "--acceptance: .*'nan'" sweep -p mali-g52 --acceptance nan
bad 2 "no acceptance 'rumour'" sweep -p mali-g52 --acceptance rumour
bad 2 "keep: must be all, pareto or top:N" sweep -p mali-g52 --keep top:0
bad 2 "--jobs: must be in \[1, 256\], is 0" sweep -p mali-g52 --jobs 0
bad 2 "columns.csv:1: missing column 'seconds'" sweep -p mali-g52 --costs columns.csv
bad 2 "number.csv:2: seconds: .*'fast'" sweep -p mali-g52 --costs number.csv
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3b,q8_0,a67,1,63,0,1\n' >unit.csv
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3B,q8_0,a73,1,63,0,1\n' >model.csv
bad 2 "unit.csv:2: profile 'mali-g52' has no unit 'a67'" sweep -p mali-g52 --costs unit.csv
bad 2 "model.csv: no row is of llama-3.2-3b or of its drafters" sweep -p mali-g52 --costs model.csv
bench=$top_srcdir/tests/data/llama-bench
head -n 30 "$bench.json" >cut-bench.json
bad 2 "cut-bench.json:31: the file ends where a key in double quotes is expected" sweep -p rk3588 --costs cut-bench.json
sed 's/"n_threads": 4/"n_threads": 9/' "$bench.jsonl" >threads.jsonl
bad 2 "threads.jsonl:1: \[0\].n_threads: is 9; a76 has 4 cores" sweep -p rk3588 --costs threads.jsonl
sed '2s/"avg_ns": /"avg_ns": "", "was": /' "$bench.jsonl" >text.jsonl
bad 2 "text.jsonl:2: \[1\].avg_ns: must be a number, is ''" sweep -p rk3588 --costs text.jsonl
sed 's/"backends": "CPU"/"backends": "Vulkan"/' "$bench.jsonl" | sed 's/"gpu_info": ""/"gpu_info": "a GPU"/' >gpu.jsonl
bad 2 "gpu.jsonl:1: \[0\].backends: is a GPU, which the profile has not; no other test is of use either" sweep -p rpi5 --costs gpu.jsonl
bad 2 ".*llama-bench.jsonl: no row is of qwen3-1.7b or of its drafters" sweep -p rk3588 -s speed-qwen3-1.7b --costs "$bench.jsonl"
bad 2 ".*translation.json:1: \[0\]: 'model_type' is missing \(llama-bench: " sweep -p rk3588 --costs "$sweep"
sed 's/"target_quants"/"cuts": 3, "cut_step": 2, "target_quants"/' "$sweep" >huge.json
bad 2 "about .* would be stored, and .* are free; --keep top:N stores less" sweep -p rk3588 -s huge.json
bad 2 "option '--profile' is given twice" sweep -p mali-g52 -p rk3588
bad 2 "sweep: unexpected argument 'x'" sweep -p mali-g52 x
bad 2 "unknown format 'xml'; known are: table, csv, json, jsonl" best --format xml
bad 2 "no database 'results/hexplore.db'; run 'hexplore sweep' first" best
bad 2 "'other.db' is a database of another application" best --db other.db
bad 2 "'other.db' is a database of another application" sweep -p mali-g52 --db other.db
bad 2 "'text.db' is not a hexplore database" sweep -p mali-g52 --db text.db
bad 2 "'dir' is not a regular file" sweep -p mali-g52 --db dir
bad 3 "cannot open database 'dir/no/such/file.db'" sweep -p mali-g52 --db dir/no/such/file.db
bad 2 "explain: which point\?" explain
bad 2 "point id: 'x' is not a whole number" explain x
bad 2 "profile: list, show or check, not 'chek'; did you mean 'check'" profile chek mali-g52
bad 2 "model show: name one file" model show
bad 2 "plot: .*" plot
bad 2 ".*'heatmop'.*did you mean 'heatmap'" plot heatmop

ok "nothing was written" test ! -e results
is "the other databases are untouched" "$(sqlite3 other.db .schema; cmp text.db "$profile" && echo same)" "CREATE TABLE t (x);
same"

"$HEXPLORE" sweep -p mali-g52 -q --db good.db >/dev/null
bad 2 "sweep 1 has points 1 to 7077" explain 7078 --db good.db
bad 2 "database 'good.db' has no sweep 2" best --sweep-id 2 --db good.db
bad 2 "--min: no column 'speedupp'; did you mean 'speedup'" best --min speedupp=1 --db good.db
bad 2 "--max: must be COLUMN=VALUE" best --max speedup --db good.db
bad 2 "--objective: must be speedup, latency, energy or memory" best --objective speed --db good.db
bad 2 "--objectives: a list of latency, energy, memory" pareto --objectives speed --db good.db
bad 2 "no point has a value in every objective: profile 'mali-g52' has no powers" pareto --objectives latency,energy --db good.db
sqlite3 good.db 'PRAGMA user_version = 99'
bad 2 "database 'good.db' is of a newer hexplore" best --db good.db

run "$HEXPLORE" explain 1 --db /dev/null
is "a device is no database" "$status" 2
run "$HEXPLORE" profile check mali-g52 typo.json
is "check: the worst file counts" "$status" 2
like "check: the good file is still said to be good" "$out" '^mali-g52: ok'
sed '/"units.g52.clock_hz"/d' "$profile" >unsourced.json
run "$HEXPLORE" profile check unsourced.json
is "check: a parameter without a source" "$status" 1
like "check: says which" "$out" '^unsourced.json: units.g52.clock_hz has no source'
sed 's/"reserved": {"bw/"reserved": {"cores": [{"unit": "g52", "cores": 1}], "bw/' "$profile" >reserved.json
run "$HEXPLORE" profile check reserved.json
like "check: half a GPU cannot be reserved" "$err" 'reserved.json:[0-9]+: reserved.cores\[0\]: the 2 cores of g52 work together'
sqlite3 :memory: "SELECT json_remove(readfile('$profile'), '$.links', '$.sources.links')" >unlinked.json
run "$HEXPLORE" profile check unlinked.json
like "check: a GPU without a link" "$out" '^unlinked.json: a73, g52 have no link'
if [ -e /dev/full ]; then
	sh -c "'$HEXPLORE' profile list >/dev/full" 2>full.err
	is "a full disk under stdout" "$?" 3
	like "is said" "$(cat full.err)" 'cannot write the output: No space left'
fi
done_testing
