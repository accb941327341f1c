#!/bin/sh
# Sweeps in parts, by hand and under launchers, and their databases joined: whatever the order, the result is that of one process.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

# the tests may themselves run under a launcher
unset $(env | sed -n 's/^\(SLURM_[A-Z_]*\|OMPI_[A-Za-z_]*\|MV2_[A-Z_]*\|PMI_[A-Z_]*\|PMIX_[A-Z_]*\|FLUX_[A-Z_]*\|SGE_[A-Z_]*\|LSB_[A-Z_]*\|PBS_[A-Z_]*\|PARALLEL[A-Z_]*\|JOB_COMPLETION_INDEX\)=.*/\1/p')

cat >few.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "few", "target": "llama-3.2-3b", "target_quants": ["f16", "q8_0", "q4_0"], "drafters": ["llama-3.2-1b"],
"draft_quants": ["q8_0", "q5_k", "q4_0"], "target_mappings": ["auto"], "draft_mappings": ["auto"], "cores": [2, 4],
"gamma": {"from": 1, "to": 8}, "modes": ["sequential", "overlapped"], "workloads": [{"prompt": 512, "generated": 63}],
"constraints": {"memory_bytes": 4.6e9}, "acceptance": [{"alpha": 0.9, "kind": "estimate", "from": "x"}]}
JSON
sed 's/"name": "few"/"name": "many"/; s/"modes"/"cuts": 2, "cut_step": 7, "clocks": [1, 0.75], &/; s/"to": 8/"to": 16/; s/"constraints".*"acc/"acc/
	s/\["f16", "q8_0", "q4_0"\]/["q8_0"]/; s/\["q8_0", "q5_k", "q4_0"\]/["q8_0", "q4_0"]/' few.json >many.json
cat >tiny.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "tiny", "target": "llama-3.2-3b", "target_quants": ["q8_0"], "target_mappings": ["a76x4", "g610"],
"drafters": ["llama-3.2-1b"], "draft_quants": ["q4_0"], "draft_mappings": ["a76x4"], "gamma": {"from": 1, "to": 1},
"workloads": [{"prompt": 63, "generated": 128}], "acceptance": [{"alpha": 0.9, "kind": "estimate", "from": "x"}]}
JSON
sweep() {
	"$HEXPLORE" sweep -q -p rk3588 -s few.json "$@"
}
merge() {
	"$HEXPLORE" merge "$@"
}
# content DB [SWEEP]: rows and findings of a sweep, exactly, whatever its number and that of its mappings.
content() {
	for table in "prediction id" "finding workload,target_quant"; do
		columns=$(sqlite3 "$1" "SELECT group_concat(name) FROM pragma_table_info('${table% *}') WHERE name <> 'sweep'")
		sqlite3 -cmd "CREATE TEMP TABLE wanted AS SELECT ${2:-1} AS id" "$1" \
			"SELECT hex(sha3_query('SELECT $columns FROM ${table% *} WHERE sweep = (SELECT id FROM wanted) ORDER BY ${table#* }'))"
	done
	sqlite3 "$1" "SELECT sum(done - first), sum(feasible) FROM part WHERE sweep = ${2:-1}"
}
# dump DB: all of it
dump() {
	for table in input sweep part finding sweep_input mapping point; do
		sqlite3 -quote "$1" "SELECT '$table', * FROM $table ORDER BY 2, 3"
	done | cksum
}
# answer: from the models on, without the time it took and the sweep's number
answer() {
	sed -n 's/\(^sweep \)[0-9]*\(.* can run\).*/\1\2/; /^llama.* on /,$p'
}
sound() {
	sqlite3 "$1" 'PRAGMA integrity_check; PRAGMA foreign_key_check'
}
# parts DB COUNT [OPTION...]: all of them, one after another
parts() {
	db=$1 count=$2
	shift 2
	for i in $(seq "$count"); do
		sweep --db "$db" --shard "$i/$count" "$@" >/dev/null || echo "part $i failed"
	done
}

# ---- in every order ----
for keep in all top:20 pareto; do
	sweep --keep $keep --db one.db >one.out
	answer <one.out >one.answer
	parts x.db 4 --keep $keep
	is "$keep: four parts" "$(sqlite3 x-1-of-4.db 'SELECT first FROM part')|$(ls x-*-of-4.db | wc -l)" "0|4"
	one=$(content one.db)
	wrong=
	for order in 1234 1243 1324 1342 1423 1432 2134 2143 2314 2341 2413 2431 3124 3142 3214 3241 3412 3421 4123 4132 4213 4231 4312 4321; do
		files=$(echo "$order" | sed 's/./x-&-of-4.db /g')
		merge --db m.db $files >m.out 2>m.err || wrong="$wrong $order: $(cat m.err)"
		[ "$(content m.db)" = "$one" ] && [ ! -s m.err ] || wrong="$wrong $order: other rows $(cat m.err)"
		answer <m.out | cmp -s - one.answer || wrong="$wrong $order: another answer"
		[ "$order" = 4321 ] || rm m.db*
	done
	is "$keep: merged in every order" "$wrong" ""
	is "$keep: the file is sound" "$(sound m.db)" ok
	is "$keep: best is the same" "$("$HEXPLORE" best --db m.db --format csv --top 0 | cksum)" "$("$HEXPLORE" best --db one.db --format csv --top 0 | cksum)"
	sum=$(dump m.db)
	merge --db m.db x-?-of-4.db >again.out
	is "$keep: merged twice: nothing changes" "$(dump m.db)" "$sum"
	is "$keep: and the answer is the same" "$(answer <again.out)" "$(cat one.answer)"
	merge --db a.db x-1-of-4.db x-3-of-4.db >/dev/null 2>&1 && merge --db b.db x-2-of-4.db x-4-of-4.db >/dev/null 2>&1
	merge --db c.db a.db b.db >c.out
	is "$keep: merged in pairs" "$(content c.db) $(answer <c.out)" "$one $(cat one.answer)"
	merge --db a.db c.db x-2-of-4.db m.db a.db >/dev/null
	is "$keep: the whole into a half" "$(content a.db) $(sqlite3 a.db 'SELECT count(*) FROM part')" "$one 4"
	merge --db one.db m.db >/dev/null
	merge --db m2.db m.db x-1-of-4.db one.db >/dev/null
	is "$keep: parts and a whole of one process" "$(content one.db) $(content m2.db)" "$one $one"
	is "$keep: which is the whole then" "$(sqlite3 one.db 'SELECT count(*), max(last) = size FROM part, sweep') $(sqlite3 m2.db 'SELECT count(*) FROM part')" "1|1 1"
	sum=$(dump m.db)
	run merge --db m.db m.db ./m.db "$PWD/m.db"
	is "$keep: into itself" "$status $err $(dump m.db)" "0  $sum"
	mv one.db $keep.db && mv one.answer $keep.answer
	rm -f ?.db* m2.db* x-*.db*
done
ok "a front of several was compared" test "$(sqlite3 pareto.db 'SELECT count(*) FROM point')" -gt 2
one=$(content all.db)
is "what is compared is there" "$(echo "$one" | grep -Ec '^[0-9A-F]{64}$')" 2
mv all.answer one.answer

# ---- parts that lack ----
parts x.db 4
run merge --db lacks.db x-1-of-4.db x-4-of-4.db x-3-of-4.db
first=$(sqlite3 x-2-of-4.db 'SELECT first + 1 FROM part') last=$(sqlite3 x-2-of-4.db 'SELECT last FROM part') size=$(sqlite3 all.db 'SELECT size FROM sweep')
is "a part is not there: named" "$status $err" "0 hexplore: sweep 1 lacks points $first to $last of $size"
is "and no answer is given" "$(echo "$out" | answer)" ""
run "$HEXPLORE" best --db lacks.db --top 1
like "best works, and says what it is of" "$status $err" "^0 hexplore: sweep 1 is incomplete: $((size - last + first - 1)) of $size points$"
run "$HEXPLORE" explain "$first" --db lacks.db
ok "a point that is not there is explained" test "$status" -le 1
run merge --db lacks.db x-2-of-4.db
is "joined later, it is whole" "$status $err $(content lacks.db)" "0  $one"
is "with the answer" "$(echo "$out" | answer)" "$(cat one.answer)"

# an interrupted part, and the same finished elsewhere; sqlite3 takes back what a kill would not have stored
cp x-3-of-4.db half.db
sqlite3 half.db 'UPDATE part SET done = first + 100, feasible = (SELECT sum(feasible) FROM point WHERE id <= part.first + 100);
	DELETE FROM point WHERE id > (SELECT done FROM part);
	UPDATE finding SET best = NULL, best_s = NULL WHERE best > (SELECT done FROM part); UPDATE finding SET refused = NULL, refused_bytes = NULL WHERE refused > (SELECT done FROM part)'
run merge --db a.db half.db x-1-of-4.db x-2-of-4.db x-4-of-4.db
like "the rest of an interrupted part is named" "$err" "^hexplore: sweep 1 lacks points $((last + 101)) to [0-9]+ of $size$"
merge --db a.db x-3-of-4.db >a.out
is "then its finished rerun" "$(content a.db) $(answer <a.out)" "$one $(cat one.answer)"
merge --db b.db x-3-of-4.db half.db x-1-of-4.db x-2-of-4.db x-4-of-4.db half.db >b.out
is "or the other way round" "$(content b.db) $(answer <b.out)" "$one $(cat one.answer)"
cp half.db y-3-of-4.db
run sweep --shard 3/4 --resume --db y.db
is "or gone on with" "$status $err $(content y-3-of-4.db)" "0  $(content x-3-of-4.db)"
rm -f a.db* b.db* lacks.db*

# more parts than points
"$HEXPLORE" sweep -q -p rk3588 -s tiny.json --db tiny.db >tiny.out
points=$(sqlite3 tiny.db 'SELECT size FROM sweep')
for i in $(seq $((points + 3))); do
	run "$HEXPLORE" sweep -q -p rk3588 -s tiny.json --shard $i/$((points + 3)) --db t.db
	[ "$status" = 0 ] || fail "part $i of more than there are points" "$err"
done
run merge --db tinies.db t-*.db
is "more parts than points" "$status $err $(content tinies.db) $(echo "$out" | answer)" "0  $(content tiny.db) $(answer <tiny.out)"
run merge --db seinit.db $(ls -r t-*.db)
is "the other way round" "$status $err $(content seinit.db)" "0  $(content tiny.db)"
run "$HEXPLORE" sweep -q -p rk3588 -s tiny.json --shard $((points + 2))/$((points + 3)) --resume --db t.db
is "an empty one gone on with" "$status $err" "0 "

# ---- beside others ----
"$HEXPLORE" sweep -q -p mt8195 -s translation --keep top:50 --db others.db >/dev/null
sweep --acceptance 0.5 --db others.db >/dev/null
"$HEXPLORE" sweep -q -p mali-g52 --keep pareto --db mali.db >/dev/null
before="$(content others.db 1) $(content others.db 2)"
run merge --db others.db x-?-of-4.db mali.db --format csv
is "into a database that holds others: all are listed" "$status $err $(echo "$out" | tail -n +2 | cut -d, -f1-4)" "0  3,few.json,rk3588,4
4,translation,mali-g52,1"
is "what was there stays" "$(content others.db 1) $(content others.db 2)" "$before"
is "what came is whole" "$(content others.db 3) $(content others.db 4)" "$one $(content mali.db)"
is "inputs and mappings are shared" "$(sqlite3 others.db 'SELECT count(*) - count(DISTINCT kind || text) FROM input; SELECT count(*) - count(DISTINCT text) FROM mapping')" "0
0"
is "the file is sound" "$(sound others.db)" ok
merge --db copy.db others.db mali.db x-2-of-4.db >/dev/null
is "and so is a copy" "$(content copy.db 1) $(content copy.db 2) $(content copy.db 3) $(content copy.db 4) $(sqlite3 copy.db 'SELECT count(*) FROM sweep')" \
	"$before $one $(content mali.db) 4"
sqlite3 mali.db "INSERT INTO device VALUES (1, '{}'); INSERT INTO run VALUES (1, 1, 'validate 1', '0', 0, 'now', NULL, NULL);
	INSERT INTO measurement VALUES (1, 1, 1, 'baseline', 1, 1, 0, NULL, NULL, NULL, NULL, 1, 1, 1, 0, 0, NULL, NULL, NULL)"
run merge --db measured.db mali.db x-2-of-4.db
is "what was measured stays, and a line says so" "$status $(echo "$err" | grep mali) $(sqlite3 measured.db 'SELECT count(*) FROM measurement')" \
	"0 hexplore: measurements stay in 'mali.db': predictions alone are joined 0"
is "a file that measured can be joined into" "$(merge --db mali.db x-2-of-4.db 2>&1 | grep -c measurements) $(sqlite3 mali.db 'SELECT count(*) FROM measurement')" "0 1"

# ---- refused ----
cp x-1-of-4.db into.db
# refused NAME MESSAGE FILE...: one clear line, nothing changes, and no new database is left behind
refused() {
	name=$1 message=$2
	shift 2
	sum=$(dump into.db)
	run merge --db into.db "$@"
	like "$name" "$status $out$err" "^[23] hexplore: $message"
	is "$name: one line, and nothing changes" "$(printf '%s\n' "$err" | wc -l) $(dump into.db)" "1 $sum"
	run merge --db fresh.db ${beside:-x-1-of-4.db} "$@"
	like "$name: into a new one" "$status $err" "^[23] hexplore: $message"
	is "$name: of which nothing is left" "$(ls | grep -c '^fresh')" 0
	rm -f fresh.db*
}
parts y.db 3
cp x-2-of-4.db into.db
beside=x-2-of-4.db
refused "cut differently" "'y-2-of-3.db' holds points [0-9]+ to [0-9]+ of sweep 'few.json' on 'rk3588', '(into|fresh).db' those from [0-9]+ to [0-9]+: parts of one sweep must be cut alike$" y-2-of-3.db
beside=
cp x-1-of-4.db into.db
# edited FILE KIND SED OPTION...: part 2 with a file edited
edited() {
	sed "$3" "$1" >e.tmp && cmp -s e.tmp "$1" && fail "nothing edited in $1"
	cp "$1" e.orig && cp e.tmp "$1"
	kind=$2
	shift 3
	rm -f e-?-of-4.db*
	run "$HEXPLORE" sweep -q "$@" --shard 2/4 --db e.db
	cp e.orig "${edited_file:-$edit}"
	run "$HEXPLORE" sweep -q "$@" --shard 1/4 --db e.db
	cp e-1-of-4.db x-1-of-4.db && cp e-1-of-4.db into.db
	refused "another $kind" "'e-2-of-4.db' holds a part of sweep '.*' on '.*' with another $kind '.*' than other parts; was it edited in between\?$" e-2-of-4.db
	merge --db m.db e-2-of-4.db >/dev/null 2>&1 || fail "alone it is joined"
	rm -f m.db*
}
mkdir models && cp "$top_srcdir/models/llama-3.2-1b.json" "$top_srcdir/models/llama-3.2-3b.json" models
cp "$top_srcdir/hwprofiles/rk3588.json" board.json
cp "$top_srcdir/acceptance/paper-fp.json" source.json
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3b,q8_0,a76,4,1,0,0.5\n' >costs.csv
cp x-1-of-4.db x1.keep
edit=board.json && edited board.json profile 's/"memory_bytes": *[0-9.e]*/"memory_bytes": 12345678901/; s/\("[a-z_]*bw[a-z_]*": *\)[0-9.]*/\19/' -p board.json -s few.json
edit=few.json && edited few.json sweep 's/4.6e9/4.61e9/' -p rk3588 -s few.json
edit=models/llama-3.2-1b.json && HEXPLORE_PATH=$PWD && export HEXPLORE_PATH && edited models/llama-3.2-1b.json model 's/"layers": 16/"layers": 15/' -p rk3588 -s few.json
unset HEXPLORE_PATH
edit=source.json && edited source.json acceptance 's/0\.9/0.8/g; s/0\.5/0.51/g' -p rk3588 -s few.json -a source.json
edit=costs.csv && edited costs.csv costs 's/0\.5/0.6/' -p rk3588 -s few.json --costs costs.csv
cp x1.keep x-1-of-4.db && cp x1.keep into.db

cp x-2-of-4.db version.db && sqlite3 version.db "UPDATE sweep SET version = '0.0.0'"
refused "another version" "'version.db' holds a part of sweep 'few.json' on 'rk3588' computed by hexplore 0.0.0; another part is of " version.db
sqlite3 app.db "CREATE TABLE t (x); PRAGMA application_id = 7"
refused "another application's" "'app.db' is a database of another application" app.db
cp x-2-of-4.db newer.db && sqlite3 newer.db "PRAGMA user_version = 99"
refused "a newer one" "database 'newer.db' is of a newer hexplore" newer.db
refused "none" "no database 'absent.db'" absent.db
: >empty.db
refused "an empty one" "database 'empty.db' is empty" empty.db
head -c 20000 x-2-of-4.db >cut.db
refused "half of one" "database 'cut.db': " cut.db
echo text >text.db
refused "a text" "'text.db' is not a hexplore database" text.db
refused "a folder" "'models' is not a regular file" models
refused "a good one before a bad one" "no database 'absent.db'" x-3-of-4.db absent.db
run merge
like "none named" "$status $err" "^2 hexplore: merge: which databases\?"
run merge --db nothing.db
ok "and none is made" test "$status" -eq 2 -a ! -e nothing.db -a ! -e results
run merge --db app.db x-1-of-4.db
like "into another application's" "$status $err" "^2 hexplore: 'app.db' is a database of another application"

# a second run beside a first is none of that: a file was edited, and every part run again
sed 's/4.6e9/4.5e9/' few.json >second.json && cp few.json first.json
cp second.json few.json && parts x.db 4 && cp first.json few.json
run merge --db second.db x-?-of-4.db
is "all parts of two runs in the same files" "$status $err $(content second.db 1)" "0  $one"
is "stand side by side" "$(sqlite3 second.db 'SELECT s.id, sum(done - first) = size FROM sweep s JOIN part p ON p.sweep = s.id GROUP BY 1')" "1|1
2|1"
rm -f z-*.db* && cp second.json few.json && parts z.db 2 && cp first.json few.json
merge --db whole.db all.db >/dev/null
run merge --db whole.db z-1-of-2.db
like "a part of a new run beside a whole of an earlier one" "$status $err" "^0 hexplore: sweep 2 lacks points"

# ---- hostile ----
# hostile NAME SQL MESSAGE
hostile() {
	cp t.keep hostile.db
	sqlite3 hostile.db "PRAGMA foreign_keys = OFF; $2"
	refused "$1" "$3" hostile.db
}
cp x1.keep x-1-of-4.db && cp x1.keep into.db && rm -f x-2-of-4.db* && sweep --shard 2/4 --db x.db >/dev/null && cp x-2-of-4.db t.keep
id=$(sqlite3 t.keep 'SELECT max(id) FROM point')
hostile "a mapping that is not there" "UPDATE point SET target_map = 999 WHERE id = $id" "'hostile.db' is damaged: a point has mapping 999, which is not there$"
hostile "a drafter's mapping that is not there" "UPDATE point SET draft_map = -1 WHERE id = $id" "'hostile.db' is damaged: a point has mapping -1, which is not there$"
for other in 1 0 -1 $((id + 1)) 9223372036854775807; do
	hostile "point $other" "UPDATE point SET id = $other WHERE id = $id" "'hostile.db' is damaged: sweep 1 has point $other, which no part of it has computed$"
done
hostile "a best point beyond" "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', 100000000, 0.1, NULL, NULL)" "database 'hostile.db' is damaged: table finding holds what cannot have been found$"
hostile "a time that cannot be" "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', $id, -1, NULL, NULL)" "database 'hostile.db' is damaged: table finding holds what cannot have been found$"
hostile "progress beyond" "UPDATE part SET done = last + 1" "database 'hostile.db' is damaged: the progress of sweep 1 cannot be$"
hostile "more that can run than there are" "UPDATE part SET feasible = 1000000" "database 'hostile.db' is damaged: the progress of sweep 1 cannot be$"
hostile "parts that overlap" "INSERT INTO part SELECT sweep, first + 1, last, done, 0 FROM part" "database 'hostile.db' is damaged: the progress of sweep 1 cannot be$"
hostile "no text of the sweep" "DELETE FROM sweep_input" "'hostile.db' is damaged: sweep 1 has no text$"
hostile "a sweep that is none" "UPDATE input SET text = '{' WHERE kind = 'sweep'" ".*few.json:1: "
hostile "a name of lines" "UPDATE sweep SET version = 'a
b', profile = 'c
''\"d' ; UPDATE part SET done = -1" "database 'hostile.db' is damaged: the progress of sweep 1 cannot be$"
# a page with one row less than it holds, which SQLite reads without a word
number() {
	od -An -v -tu1 -j "$1" -N "$2" t.keep | awk '{ for (i = 1; i <= NF; i++) v = v * 256 + $i; print v }'
}
page=$(number 16 2)
leaf=$((($(sqlite3 t.keep "SELECT rootpage FROM sqlite_schema WHERE name = 'point'") - 1) * page))
while [ "$(number $leaf 1)" -lt 8 ]; do # not a leaf: to the last below it
	leaf=$((($(number $((leaf + 8)) 4) - 1) * page))
done
cp t.keep short.db
printf "\\$(printf %03o $(($(number $((leaf + 4)) 1) - 1)))" | dd of=short.db bs=1 seek=$((leaf + 4)) conv=notrunc 2>/dev/null
is "a row is lost" "$(sqlite3 short.db 'SELECT count(*) FROM point')" "$(($(sqlite3 t.keep 'SELECT count(*) FROM point') - 1))"
refused "a damaged page" "database 'short.db' is damaged, so nothing is joined; 'sqlite3 FILE .recover' may save rows$" short.db
cp t.keep quotes.db
sqlite3 quotes.db "UPDATE mapping SET text = 'it''s; DROP TABLE point; --\"
' || text WHERE id = (SELECT max(target_map) FROM point); UPDATE point SET reason = 'a''b
\"c\"', feasible = 0 WHERE id = $id; UPDATE sweep_input SET name = 'x''y
z' WHERE input = (SELECT id FROM input WHERE kind = 'model' LIMIT 1)"
run merge --db copied.db quotes.db
is "texts with quotes and lines are copied as they are" "$status $(content copied.db) $(sound copied.db)" "0 $(content quotes.db) ok"
run merge --db copied.db quotes.db
is "and found again" "$status $(sqlite3 copied.db 'SELECT count(*) FROM sweep')" "0 1"

# ---- launchers, emulated: which part each takes ----
# takes NAME PART VARIABLE=VALUE... -- SHARD
takes() {
	name=$1 want=$2
	shift 2
	vars=
	while [ "$1" != -- ]; do
		vars="$vars $1"
		shift
	done
	run env $vars "$HEXPLORE" sweep -q -p rk3588 -s tiny.json --shard "$2" --db "l.db"
	is "$name" "$status $err $(ls l-*.db)" "0  l-$want.db"
	rm -f l-*.db*
}
takes "Slurm: array" 2-of-4 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 -- auto
takes "Slurm: array from 10 by 5" 3-of-3 SLURM_ARRAY_TASK_ID=20 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=20 SLURM_ARRAY_TASK_STEP=5 -- auto
takes "srun" 4-of-4 SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=4 -- auto
takes "PMI" 1-of-3 PMI_RANK=0 PMI_SIZE=3 -- auto
takes "an array of srun" 4-of-4 SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=2 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 -- auto
takes "Kubernetes" 01-of-12 JOB_COMPLETION_INDEX=0 -- auto/12
takes "the number as such" 2-of-3 SLURM_ARRAY_TASK_ID=7 PMI_RANK=1 -- 2/3
run "$HEXPLORE" sweep -p rk3588 -s tiny.json --shard auto --db l.db
like "no launcher" "$status $err" "^2 hexplore: --shard: 'auto' finds no launcher "
ok "and no database" test ! -e l.db
for i in 0 1 2 3; do
	SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 "$HEXPLORE" sweep -q -p rk3588 -s few.json --shard auto --db s.db >/dev/null &
done
wait
merge --db slurm.db s-?-of-4.db >slurm.out
is "four at the same time" "$(content slurm.db) $(answer <slurm.out)" "$one $(cat one.answer)"

# ---- launchers, real ----
launched() {
	merge --db $1.db l-?-of-4.db >$1.out 2>$1.err
	is "$2" "$(cat $1.err)$(content $1.db) $(answer <$1.out)" "$one $(cat one.answer)"
	rm -f l-*.db*
}
if command -v mpirun >/dev/null && mpirun --version 2>/dev/null | grep -q 'Open MPI' &&
	env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout 60 mpirun --oversubscribe -n 2 true >/dev/null 2>&1; then
	env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 4 \
		"$HEXPLORE" sweep -q -p rk3588 -s few.json --shard auto --jobs 1 --db l.db >mpi.out 2>&1 </dev/null
	is "mpirun: four parts say so" "$(grep -c '^sweep 1, few, part [1-4] of 4: ' mpi.out)" 4
	launched mpi "mpirun: merged"
else
	skip "mpirun" "no Open MPI that runs here"
fi
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
	parallel --will-cite -j 2 "$HEXPLORE" sweep -q -p rk3588 -s few.json --shard '{#}/4' --db l.db ::: 1 2 3 4 >par.out 2>par.err </dev/null
	launched par "GNU parallel: {#}/4"
	parallel --will-cite -j 2 -N0 "$HEXPLORE" sweep -q -p rk3588 -s few.json --shard auto/4 --db l.db ::: a b c d >par.out 2>>par.err </dev/null
	launched auto "GNU parallel: auto/4"
else
	skip "GNU parallel" "not installed"
fi

# ---- killed ----
alive() {
	kill -0 "$1" 2>/dev/null
}
count() {
	sqlite3 -cmd '.timeout 9000' "$1" "SELECT $2" 2>/dev/null
}
"$HEXPLORE" sweep -q -p rk3588 -s many.json --db many.db >many.out
many=$(content many.db)
for i in 1 2; do
	"$HEXPLORE" sweep -q -p rk3588 -s many.json --shard $i/3 --db k.db >/dev/null &
done
wait
# killed after its first batches, as soon as it was joined while it was written
wrong=
for try in 1 2 3 4 5 6 7 8 9; do
	rm -f k-3-of-3.db* live.db*
	"$HEXPLORE" sweep -q -p rk3588 -s many.json --jobs 1 --shard 3/3 --db k.db >/dev/null 2>&1 &
	pid=$!
	while alive $pid && ! [ "$(count k-3-of-3.db 'done - first FROM part')" -gt 0 ] 2>/dev/null; do
		:
	done
	run merge --db live.db k-3-of-3.db
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ "$status|$(count live.db 'done - first FROM part')" = "0|$(count live.db 'count(*) FROM point')" ] || wrong="$wrong $status $err"
	[ "$(count k-3-of-3.db 'done < last FROM part')" = 0 ] || break
done
is "a part is joined while it is written: rows and progress agree" "$wrong" ""
ok "a part was killed in the middle" test "$(count k-3-of-3.db 'done < last AND done > first FROM part')" = 1
run merge --db kill.db k-?-of-3.db
like "merged, it lacks points" "$status $err" "^0 hexplore: sweep 1 lacks points "
"$HEXPLORE" sweep -q -p rk3588 -s many.json --shard 3/3 --resume --db k.db >/dev/null
merge --db kill.db k-3-of-3.db live.db >kill.out
is "gone on with and merged: rows, findings and the answer" "$(content kill.db) $(answer <kill.out)" "$many $(answer <many.out)"

rm -f kill.db*
cp x-1-of-4.db kill.db
sum=$(dump kill.db)
wrong= hit=0
for try in 1 2 3 4 5; do
	"$HEXPLORE" merge --db kill.db many.db k-1-of-3.db >/dev/null 2>&1 &
	pid=$!
	i=0
	while alive $pid && [ $i -lt $((try * 4)) ]; do # a few milliseconds each
		i=$((i + 1))
		count kill.db 1 >/dev/null
	done
	kill -9 $pid 2>/dev/null && hit=$((hit + 1))
	wait $pid 2>/dev/null
	[ "$(count kill.db 'count(*) FROM sweep')" = 1 ] || break # it was faster
	[ "$(dump kill.db)" = "$sum" ] && [ "$(sound kill.db)" = ok ] || wrong="$wrong $try: $(sound kill.db)"
done
ok "merges were killed" test $hit -gt 0
is "a merge that is killed leaves the file as it was" "$wrong" ""
merge --db kill.db many.db k-1-of-3.db >/dev/null 2>&1
is "and the next one does all of it" "$(content kill.db 2) $(sound kill.db)" "$many ok"
done_testing
