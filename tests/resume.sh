#!/bin/sh
# Sweeps that are interrupted, killed, doubled or without room, and gone on with: what is stored is that of one that never was.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

cat >all.json <<'JSON'
{"schema": "hexplore/sweep/1", "name": "all", "target": "llama-3.2-3b", "target_quants": ["q8_0", "q6_k", "q4_1", "q4_0"],
"drafters": ["llama-3.2-1b"], "draft_quants": ["q8_0", "q6_k", "q4_0"], "target_mappings": ["auto"], "draft_mappings": ["auto"], "cuts": 2,
"cut_step": 10, "cores": [4], "clocks": [1, 0.75], "gamma": {"from": 0, "to": 16}, "modes": ["sequential", "overlapped"],
"workloads": [{"prompt": 63, "generated": 63}, {"prompt": 512, "generated": 128}], "acceptance": [{"alpha": 0.9, "kind": "estimate", "from": "x"}]}
JSON
sed 's/"name": "all"/"name": "half"/; s/, {"prompt": 512, "generated": 128}//' all.json >half.json
sed 's/"name": "all"/"name": "most"/; s/"cut_step": 10, "cores": \[4\]/"cut_step": 7, "cores": [2, 4]/; s/"gamma"/"constraints": {"memory_bytes": 4.9e9}, &/
	s/\["q8_0", "q6_k", "q4_1", "q4_0"\]/["q8_0"]/; s/\["q8_0", "q6_k", "q4_0"\]/["q8_0", "q6_k", "q5_k", "q4_k", "q4_0"]/
	s/{"prompt": 63, "generated": 63}, //' all.json >most.json
cat "$top_srcdir/tests/data/small.json" >small.json # which may be read-only
sweep() {
	"$HEXPLORE" sweep -q -p rk3588 "$@"
}
# The same in the place of the shell, so that `$!` is its process.
sweeping() {
	exec "$HEXPLORE" sweep -q -p rk3588 "$@"
}

# content DB [SWEEP]: what is stored of a sweep, exactly: rows, findings and progress, whatever its number.
content() {
	for table in "prediction id" "finding workload,target_quant" "part first"; do
		columns=$(sqlite3 "$1" "SELECT group_concat(name) FROM pragma_table_info('${table% *}') WHERE name <> 'sweep'")
		sqlite3 -cmd "CREATE TEMP TABLE wanted AS SELECT ${2:-1} AS id" "$1" \
			"SELECT hex(sha3_query('SELECT $columns FROM ${table% *} WHERE sweep = (SELECT id FROM wanted) ORDER BY ${table#* }'))"
	done
}
# answer: without the time it took, and the sweep's number
answer() {
	sed 's/\(^sweep \)[0-9]*\(.* can run\).*/\1\2/'
}
# progress DB [SWEEP]
progress() {
	sqlite3 -cmd '.timeout 9000' "$1" "SELECT done FROM part WHERE sweep = ${2:-1}" 2>/dev/null
}
alive() {
	kill -0 "$1" 2>/dev/null
}
# until_past DB N PID [SWEEP]: waits for progress past N, or the process's end.
until_past() {
	while alive "$3" && ! [ "$(progress "$1" $4)" -gt "$2" ] 2>/dev/null; do
		:
	done
}
# until_caught DIGIT PID: waits until it catches signals: of the mask's last digits, the third from right is SIGTERM's, the first SIGINT's
until_caught() {
	while alive "$2" && ! grep -q '^SigCgt:.*4..[2367abef]$' "/proc/$2/status" 2>/dev/null; do
		:
	done
}
# sound DB
sound() {
	sqlite3 "$1" 'PRAGMA integrity_check; PRAGMA foreign_key_check'
}

# ---- killed ----
sweep -s all.json --keep all --db whole.db | answer >whole.answer
size=$(sqlite3 whole.db 'SELECT size FROM sweep')
whole=$(content whole.db)
is "what is compared is there" "$(echo "$whole" | grep -Ec '^[0-9A-F]{64}$')" 3
next=17 goal=0 between=0 seen=
for kill in 1 2 3 4 5 6 7 8 9 10; do
	sweeping -s all.json --keep all --resume --db killed.db >killed.out 2>killed.err &
	pid=$!
	next=$((next * 75 % 65537)) # seeded: how much further, up to three batches
	until_past killed.db $((goal + next * 24000 / 65537)) $pid
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	goal=$(progress killed.db)
	seen="$seen $goal"
	[ "${goal:-0}" -gt 0 ] && [ "$goal" -lt "$size" ] && between=$((between + 1))
	[ "$(sqlite3 killed.db 'SELECT count(*) FROM point')" = "$goal" ] || fail "rows and progress agree after kill $kill" "$goal"
done
ok "kills hit a sweep in the middle:$seen of $size" test $between -ge 5
out=$(sweep -s all.json --keep all --resume --db killed.db | answer)
is "killed ten times: one sweep" "$(sqlite3 killed.db 'SELECT count(*), count(DISTINCT sweep) FROM point')" "$size|1"
is "killed ten times: rows, findings and progress" "$(content killed.db)" "$whole"
is "killed ten times: the answer" "$out" "$(cat whole.answer)"
is "killed ten times: the file is sound" "$(sound killed.db)" ok
sum=$(content killed.db)
run sweep -s all.json --keep all --resume --db killed.db
is "resumed once finished: the same answer" "$status $err$(echo "$out" | answer)" "0 $(cat whole.answer)"
is "and nothing more is stored" "$(sqlite3 killed.db 'SELECT count(*) FROM sweep') $(content killed.db)" "1 $sum"

# ---- interrupted, with what is kept in memory until a checkpoint ----
if [ -r /proc/self/status ] && [ -z "${QEMU_CPU-}" ]; then # in an emulator, that is whose status and signals they are
	for keep in top:100 pareto; do
		sweep -s most.json --keep $keep --db $keep.db | answer >most.answer
		size=$(sqlite3 $keep.db 'SELECT size FROM sweep')
		between=0 codes= seen=
		for round in 1 2 3 4 5 6 7 8 9 10; do
			case $round in 3 | 6 | 9) signal=KILL ;; 2 | 5 | 8) signal=INT ;; *) signal=TERM ;; esac
			sweeping -s most.json --keep $keep --resume --jobs $((1 + round % 3)) --db stopped.db >/dev/null 2>stopped.err &
			pid=$!
			until_caught . $pid
			kill -$signal $pid 2>/dev/null
			wait $pid 2>/dev/null
			code=$?
			done=$(progress stopped.db)
			seen="$seen $done"
			[ "${done:-0}" -gt 0 ] && [ "$done" -lt "$size" ] || continue
			between=$((between + 1))
			case $signal$code in
			KILL*) ;;
			*130) grep -q "^hexplore: interrupted: the first $done of $size points are kept as sweep 1 in stopped.db; the same command with --resume goes on$" stopped.err || codes="$codes $(cat stopped.err)" ;;
			*) codes="$codes $signal:$code" ;;
			esac
		done
		ok "$keep: signals hit a sweep in the middle:$seen of $size" test $between -ge 3
		is "$keep: interrupted, status and message" "$codes" ""
		out=$(sweep -s most.json --keep $keep --resume --db stopped.db | answer)
		is "$keep: the answer" "$out" "$(cat most.answer)"
		is "$keep: rows, findings and progress" "$(content stopped.db) $(sqlite3 stopped.db 'SELECT count(*) FROM sweep')" "$(content $keep.db) 1"
		ok "$keep: keeps several" test "$(sqlite3 $keep.db 'SELECT count(*) FROM point')" -gt 4
		rm stopped.db*
	done
else
	skip "interrupted sweeps of what is kept in memory" "no /proc, or an emulator's"
fi

# ---- the rest is done with a sweep of a workload less ----
rm -f killed.db* whole.db*
sweep -s half.json --db whole.db | answer >whole.answer
size=$(sqlite3 whole.db 'SELECT size FROM sweep')
whole=$(content whole.db)

# halt DB: a sweep of half.json into it, interrupted in the middle; $status and $err are its
halt() {
	for try in 1 2 3 4 5 6 7 8 9; do
		rm -f "$1" "$1"-*
		sweeping -s half.json --jobs 1 --db "$1" >halt.out 2>halt.err &
		pid=$!
		until_past "$1" 0 $pid
		kill -$signal $pid 2>/dev/null
		wait $pid
		status=$?
		[ "$(progress "$1")" = "$size" ] || break
	done
}
for signal in INT TERM; do
	halt half.db
	done=$(progress half.db)
	is "SIG$signal: status" "$status" 130
	is "SIG$signal: what is kept, and how to go on" "$(cat halt.err)" \
		"hexplore: interrupted: the first $done of $size points are kept as sweep 1 in half.db; the same command with --resume goes on"
	is "SIG$signal: rows are kept" "$(sqlite3 half.db 'SELECT count(*) FROM point')" "$done"
	is "SIG$signal: nothing on stdout" "$(cat halt.out)" ""
done
signal=
like "what reads it says so" "$("$HEXPLORE" best --db half.db 2>&1 >/dev/null)" "^hexplore: sweep 1 is incomplete: $done of $size points$"
cp half.db kept.db

# ---- gone on with from elsewhere, and otherwise ----
mkdir folder && cp "$top_srcdir/hwprofiles/rk3588.json" folder/board.json && cp half.json folder/other-name.json
run sh -c 'cd folder && "$0" sweep -q -p ./board.json -s other-name --jobs 7 --resume --db ../half.db' "$HEXPLORE"
is "in another folder, by other names, with other threads: status" "$status $err" "0 "
is "and the same rows" "$(content half.db)" "$whole"

cp kept.db again.db
run "$HEXPLORE" sweep -p rk3588 -s half.json --db again.db
is "without --resume a sweep begins anew" "$(sqlite3 again.db 'SELECT group_concat(done = last) FROM part')" "0,1"
is "its rows too" "$(content again.db 2)" "$whole"
run "$HEXPLORE" sweep --resume --db again.db --quiet
is "the unfinished one beside it goes on alone" "$status $(content again.db) $(sqlite3 again.db 'SELECT count(*) FROM sweep')" "0 $whole 2"

cp half.json edited.json
cp kept.db other.db
sed -i 's/"alpha": 0.9/"alpha": 0.8/' edited.json
run "$HEXPLORE" sweep -p rk3588 -s edited.json --resume --db other.db
is "a changed input begins a new sweep" "$(sqlite3 other.db 'SELECT group_concat(done = last) FROM part')" "0,1"
like "and says so" "$err" "^hexplore: no such sweep of these very inputs is in other.db; beginning it$"

# a model under another's name is another input
sed 's/"drafters": .*"draft_quants"/"drafters": ["a.json", "b.json"], "draft_quants"/; s/"draft_mappings": \["a76x4", "a55x4"\]/"draft_mappings": ["a76x4"]/' small.json >pair.json
cp "$top_srcdir/models/llama-3.2-1b.json" a.json
sed 's/"name": "llama-3.2-1b"/"name": "other"/; s/"layers": 16/"layers": 12/' a.json >b.json
sed -i 's/"acceptance": .*/"acceptance": [{"alpha": 0.9, "kind": "estimate", "from": "x"}]}/' pair.json
run sweep -s pair.json --db pair.db --resume
is "two drafters" "$status" 0
mv a.json c.json && mv b.json a.json && mv c.json b.json
run sweep -s pair.json --db pair.db --resume
is "swapped, they are other inputs" "$status $(sqlite3 pair.db 'SELECT count(*) FROM sweep')" "0 2"
# costs and sources by other paths are the same
printf 'model,quantisation,unit,cores,rows,context,seconds\nllama-3.2-3b,q8_0,a76,4,1,0,0.5\n' >costs.csv
cp costs.csv folder/c.csv
cp "$top_srcdir/acceptance/paper-fp.json" folder/source.json
sweep -s small.json --costs costs.csv -a paper-fp --db costs.db >/dev/null
run sweep -s small.json --costs folder/c.csv -a folder/source.json --db costs.db --resume
is "costs and acceptance in another folder are the same" "$status $(sqlite3 costs.db 'SELECT count(*) FROM sweep')" "0 1"
run sweep -s small.json --costs costs.csv -a 0.4 --db costs.db --resume
is "a number instead of a source is not" "$status $(sqlite3 costs.db 'SELECT count(*) FROM sweep')" "0 2"
run sweep -s small.json --costs costs.csv -a 0.41 --db costs.db --resume
is "nor is another number" "$status $(sqlite3 costs.db 'SELECT count(*) FROM sweep')" "0 3"

# ---- --resume alone ----
mkdir gone && cp "$top_srcdir/hwprofiles/rk3588.json" gone/board.json && cp half.json gone/inputs.json
for try in 1 2 3 4 5 6 7 8 9; do
	cp kept.db latest.db
	(cd gone && exec "$HEXPLORE" sweep -q -p board.json -s inputs.json --jobs 1 --db ../latest.db) >/dev/null 2>&1 &
	pid=$!
	until_past latest.db 0 $pid 2
	kill -INT $pid 2>/dev/null
	wait $pid
	[ "$(progress latest.db 2)" = "$size" ] || break
done
echo '{' >gone/board.json
rm gone/inputs.json
run "$HEXPLORE" sweep --resume --quiet --db latest.db
is "--resume alone: the latest, with the inputs stored" "$status $err $(sqlite3 latest.db 'SELECT group_concat(done = last) FROM part')" "0  0,1"
is "--resume alone: its answer" "$(echo "$out" | answer | tail -n +3)" "$(tail -n +3 whole.answer)"
is "--resume alone: its findings" "$(sqlite3 latest.db 'SELECT * FROM finding WHERE sweep = 2' | cut -d'|' -f2-)" "$(sqlite3 whole.db 'SELECT * FROM finding' | cut -d'|' -f2-)"
run "$HEXPLORE" sweep --resume --quiet --db latest.db
is "--resume alone: then the one before" "$status $(content latest.db)" "0 $whole"
run "$HEXPLORE" sweep --resume --db latest.db
is "nothing unfinished" "$status $err" "2 hexplore: no sweep in 'latest.db' is unfinished; --profile P begins one"
run "$HEXPLORE" sweep --resume --db none.db
is "no database" "$status $err" "2 hexplore: no database 'none.db'; run 'hexplore sweep' first, or name one with --db"
ok "and none is made" test ! -e none.db
: >empty.db
run sweep -s small.json --resume --db empty.db
is "one that was killed before it had a table" "$status" 0
for option in "--sweep half.json" "--acceptance 0.9" "--costs costs.csv" "--keep all"; do
	run "$HEXPLORE" sweep --resume $option --db kept.db
	is "--resume alone, and ${option% *}" "$status $err" "2 hexplore: sweep --resume without --profile goes on as it was begun, without other options of the sweep"
done
sum=$(cksum <kept.db)
run "$HEXPLORE" sweep --resume --dry-run --db kept.db
is "a dry run of what is left" "$status $(echo "$out" | wc -l)" "0 2"
run "$HEXPLORE" sweep --resume --shard 2/4 --db kept.db
is "a part that is not there" "$status $err" "2 hexplore: no database 'kept-2-of-4.db'; run 'hexplore sweep' first, or name one with --db"
cp kept.db kept-2-of-4.db
run "$HEXPLORE" sweep --resume --shard 2/4 --db kept.db
is "a part that is the whole" "$status $err" "2 hexplore: sweep 1, unfinished in 'kept-2-of-4.db', is not part 2 of 4"
is "nothing of that changes the file" "$(cksum <kept.db)" "$sum"

# a part gone on with by its file's name alone is still a part
sweep -s small.json --shard 2/4 --db part.db >/dev/null
sqlite3 part-2-of-4.db 'UPDATE part SET done = first, feasible = 0; DELETE FROM point; DELETE FROM finding'
run "$HEXPLORE" sweep --resume --quiet --db part-2-of-4.db
like "a part gone on with has no answer" "$out" "^'hexplore merge' joins part-2-of-4.db with the other parts$"
like "and says what it is" "$out" "^sweep 1, small, points [0-9]+ to [0-9]+ of 34: "
is "nor a verdict" "$(echo "$out" | grep -c q8_0)" 0

# ---- other versions ----
cp kept.db version.db
sqlite3 version.db "UPDATE sweep SET version = '0.0.0'"
run "$HEXPLORE" sweep --resume --db version.db
like "another version: --resume alone" "$status $err" "^2 hexplore: sweep 1 was begun by hexplore 0.0.0; this is .*, and may predict otherwise$"
run "$HEXPLORE" sweep -p rk3588 -s half.json --resume --db version.db
is "another version: a new sweep" "$status $(sqlite3 version.db 'SELECT group_concat(done = last) FROM part')" "0 0,1"

# ---- at the same time ----
wrong= failed=0
for round in 1 2; do
	cp kept.db both.db
	for k in 1 2 3; do
		sweep -s half.json --resume --jobs 1 --db both.db >both.out.$k 2>both.err.$k || echo "status $?" >>both.err.$k &
	done
	wait
	for k in 1 2 3; do
		case $(cat both.err.$k) in
		"") answer <both.out.$k | cmp -s - whole.answer || wrong="$wrong $round.$k: $(cat both.out.$k)" ;;
		"hexplore: another process goes on with sweep 1 of 'both.db'; this one stops
status 2") failed=$((failed + 1)) ;;
		*) wrong="$wrong $round.$k: $(cat both.err.$k)" ;;
		esac
	done
	[ "$(content both.db)" = "$whole" ] || wrong="$wrong $round: other rows"
	rm both.db*
done
is "three go on with one sweep: none lost, none twice" "$wrong" ""
wrong=
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	for k in 1 2 3; do
		sweep -s small.json --resume --db both.db >/dev/null 2>both.err.$k &
	done
	wait
	grep -v "another process goes on" both.err.? >both.err && wrong="$wrong $(cat both.err)"
	is_one=$(sqlite3 both.db 'SELECT count(*), min(done = last) FROM part; SELECT count(*) FROM point')
	[ "$is_one" = "1|1
34" ] || wrong="$wrong $round: $is_one"
	rm both.db*
done
is "three begin one sweep: it is one" "$wrong" ""

# ---- damaged ----
cp small.json tiny.json
sweep -s tiny.json --db tiny.db >/dev/null
best=$(sqlite3 tiny.db 'SELECT best FROM finding')
sqlite3 tiny.db "UPDATE part SET done = 20, feasible = (SELECT sum(feasible) FROM point WHERE id <= 20); DELETE FROM point WHERE id > 20"
wrong=
# damaged SQL: one clear line from --resume, with and without a profile, and nothing changes
damaged() {
	cp ${from:-tiny.db} damaged.db
	sqlite3 damaged.db "$1; PRAGMA wal_checkpoint" >/dev/null
	before=$(sqlite3 damaged.db 'SELECT * FROM part; SELECT count(*), total(id), total(tpot_s) FROM point; SELECT * FROM finding')
	for options in "" "-p rk3588 -s ${sweep:-tiny.json}"; do
		run timeout 60 "$HEXPLORE" sweep --quiet --resume $options --db damaged.db
		[ "$status" -eq 2 ] && [ -z "$out" ] && [ "$(printf '%s\n' "$err" | grep -c "^hexplore: .*\(is damaged: \|is unfinished\)")" = 1 ] &&
			[ "$(printf '%s\n' "$err" | wc -l)" -eq 1 ] || wrong="$wrong$1 ($options): status $status, said: $err
"
	done
	[ "$(sqlite3 damaged.db 'SELECT * FROM part; SELECT count(*), total(id), total(tpot_s) FROM point; SELECT * FROM finding')" = "$before" ] ||
		wrong="$wrong$1: changed
"
	rm -f damaged.db*
}
damaged "UPDATE part SET done = last + 1"
damaged "UPDATE part SET done = -1"
damaged "UPDATE part SET done = done - 1"
damaged "UPDATE part SET done = done + 1"
damaged "UPDATE part SET done = 0, feasible = 0"
damaged "UPDATE part SET done = 9223372036854775807"
damaged "UPDATE part SET done = 'none'"
damaged "UPDATE part SET feasible = -1"
damaged "UPDATE part SET feasible = done + 1"
damaged "DELETE FROM point WHERE id = (SELECT max(id) FROM point)"
damaged "DELETE FROM point"
damaged "UPDATE point SET id = 1000000000 WHERE id = (SELECT max(id) FROM point)"
damaged "UPDATE point SET id = 0 WHERE id = 1"
for id in -1 0 1 2 1000000000 9223372036854775807 "'x'" 1e300; do
	damaged "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', $id, 0.1, NULL, NULL)"
	damaged "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', NULL, NULL, $id, NULL)"
done
damaged "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', $best, NULL, NULL, NULL)"
damaged "INSERT OR REPLACE INTO finding VALUES (1, 0, 'q8_0', $best, -1, NULL, NULL)"
is "edited progress and findings: one clear line, and no change" "$wrong" ""
wrong= from=top.db sweep=small.json
sweep -s small.json --keep top:3 --db top.db >/dev/null
sed 's/"acceptance"/"keep": "top:3", &/' small.json >top.json
rm top.db && sweep -s top.json --db top.db >/dev/null && sweep=top.json
sqlite3 top.db "UPDATE part SET done = last - 2, feasible = feasible - 2"
for id in 0 -5 34 1e300 9223372036854775807; do
	damaged "UPDATE point SET id = $id WHERE id = (SELECT max(id) FROM point)"
done
is "kept rows of points that are not there" "$wrong" ""
from=
for edit in "UPDATE sweep SET size = size + 1" "UPDATE sweep SET size = 1" "UPDATE sweep SET size = -1" "UPDATE sweep SET profile = 'x'" \
	"DELETE FROM sweep_input" "UPDATE part SET last = last - 1" "UPDATE sweep SET keep = 'top:0'" "DELETE FROM finding" "DELETE FROM part"; do
	cp tiny.db damaged.db
	sqlite3 damaged.db "PRAGMA foreign_keys = OFF; $edit"
	run timeout 60 "$HEXPLORE" sweep --quiet --resume --db damaged.db
	[ "$status" -le 3 ] && [ "$(printf '%s' "$err" | wc -l)" -eq 0 ] && [ -z "${err%%hexplore: *}" ] || wrong="$wrong$edit: status $status, said: $err
"
	rm -f damaged.db*
done
is "other edits: at most a line" "$wrong" ""

# ---- without room ----
if unshare -rm mount -t tmpfs none "$tmp" 2>/dev/null; then
	own="unshare -rm"
elif unshare -m mount -t tmpfs none "$tmp" 2>/dev/null; then
	own="unshare -m"
else
	skip "a disk that fills up" "no file system can be mounted here"
	done_testing
fi
mkdir disk
cat >room.sh <<'SH'
mount -t tmpfs -o size=40m none disk
go() {
	"$HEXPLORE" sweep -q -p rk3588 -s half.json --resume --db disk/x.db >out 2>err
	echo "$1: status $?, $(wc -l <err) line, $(sed 's/^hexplore: //' err)"
}
"$HEXPLORE" sweep -q -p rk3588 -s half.json --jobs 1 --db disk/x.db >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && ! [ "$(sqlite3 disk/x.db 'SELECT done FROM part' 2>/dev/null)" -gt 30000 ] 2>/dev/null; do :; done
dd if=/dev/zero of=disk/fill bs=4096 2>/dev/null # while it writes
wait $pid
echo "full: status $?, $(wc -l <err) line, $(sed 's/^hexplore: //' err)"
go still
rm disk/fill
"$HEXPLORE" best --db disk/x.db 2>&1 >/dev/null | sed 's/^/read: /'
# 20 MiB: less than all points would take, and enough for those that are left
dd if=/dev/zero of=disk/fill bs=1024 count=$(($(df -Pk disk | awk 'NR == 2 { print $4 }') - 20480)) 2>/dev/null
go roomy
mv disk/x.db room.db
umount disk
SH
$own env HEXPLORE="$HEXPLORE" sh room.sh >room 2>&1
like "a disk that fills up: says so" "$(grep ^full: room)" "^full: status 3, 1 line, database 'disk/x.db': database or disk is full; free some space and run the command again$"
like "still full: refused" "$(grep ^still: room)" "^still: status [23], 1 line, (about .* would be stored, and .* are free|database 'disk/x.db': )"
like "what was stored is read" "$(grep ^read: room)" "^read: hexplore: sweep 1 is incomplete"
is "with room it goes on" "$(grep ^roomy: room)" "roomy: status 0, 0 line, "
is "to the same rows" "$(content room.db)" "$whole"
done_testing
