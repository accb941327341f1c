#!/bin/sh
# Databases that are damaged, of another making, shared or without room: one clear line, and nothing that could be read is lost.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

cat "$top_srcdir/tests/data/small.json" >small.json # which may be read-only
sweep() {
	"$HEXPLORE" sweep --quiet -p rk3588 -s small.json --db "$@"
}
rows() {
	"$HEXPLORE" best --format csv --top 0 --db "$@" 2>/dev/null
}
sed 's/"to": 4/"to": 40/' small.json >large.json
sweep good.db >/dev/null && sweep good.db >/dev/null && "$HEXPLORE" sweep -q -p rk3588 -s large.json --db good.db >/dev/null || { fail "the database to damage"; done_testing; }
sqlite3 good.db 'PRAGMA foreign_keys = ON; DELETE FROM point WHERE sweep = 3; DELETE FROM sweep_input WHERE sweep = 3; DELETE FROM part WHERE sweep = 3;
	DELETE FROM finding WHERE sweep = 3; DELETE FROM sweep WHERE id = 3;
	PRAGMA wal_checkpoint' >/dev/null # leaves free pages
rows good.db >good.csv
size=$(wc -c <good.db)

# calm: the run before ended with a status of its own and at most one line.
calm() {
	[ "$status" -le 3 ] && [ "$(printf %s "$err" | wc -l)" -eq 0 ] && { [ -z "$err" ] || [ "${err#hexplore: }" != "$err" ]; }
}

# reads FILE: every reader copes with it and leaves it as it is.
reads() {
	sum=$(cksum <"$1")
	for command in "best --format csv --top 0" "explain 1" pareto "plot heatmap"; do
		run timeout 20 "$HEXPLORE" $command --db "$1"
		calm || wrong="$wrong$2: $command: status $status, said: $err
"
		[ "$(cksum <"$1")" = "$sum" ] || wrong="$wrong$2: $command changed the file
"
	done
}

# writes FILE: a sweep into it copes, and what could be read before can be read after.
writes() {
	rows "$1" --sweep-id 1 >before.1
	rows "$1" --sweep-id 2 >before.2
	run timeout 20 sh -c '"$0" sweep --quiet -p rk3588 -s small.json --db "$1" >/dev/null' "$HEXPLORE" "$1"
	calm || wrong="$wrong$2: sweep: status $status, said: $err
"
	for id in 1 2; do
		[ ! -s before.$id ] || rows "$1" --sweep-id $id | cmp -s - before.$id || wrong="$wrong$2: rows of sweep $id differ
"
	done
}

# ---- damage ----
wrong=
for n in 0 15 16 50 99 100 101 511 512 1023 1024 4095 4096 4097 8192 20000 40960 65535 65536 90000 100000 $((size - 4096)) $((size - 1)); do
	head -c $n good.db >cut.db
	reads cut.db "$n bytes"
	writes cut.db "$n bytes"
	rm -f cut.db*
done
is "truncated at many lengths" "$wrong" ""

# Seeded: file number, then offset and byte of each flip; the first pages, which hold the schema, get more than their share.
awk -v size="$size" 'BEGIN { srand(7); for (i = 1; i <= 36; i++) { n = 1 + i % 4; line = i
	for (k = 0; k < n; k++) line = line " " int(rand() * (i % 3 == 0 ? 100 : i % 3 == 1 ? 8192 : size)) " " int(rand() * 256)
	print line } }' >flips
wrong=
while read -r i places; do
	cp good.db flipped.db
	set -- $places
	while [ $# -gt 0 ]; do
		printf "\\$(printf %03o "$2")" | dd of=flipped.db bs=1 seek="$1" conv=notrunc 2>/dev/null
		shift 2
	done
	reads flipped.db "flips $i"
	writes flipped.db "flips $i"
	rm -f flipped.db*
done <flips
is "flipped at many places" "$wrong" ""

# bytes OFFSET N: a big-endian number of good.db
bytes() {
	od -An -v -tu1 -j "$1" -N "$2" good.db | awk '{ for (i = 1; i <= NF; i++) v = v * 256 + $i; print v }'
}
page=$(bytes 16 2) trunk=$(bytes 32 4)
root=$(($(sqlite3 good.db "SELECT rootpage FROM sqlite_schema WHERE name = 'point'") - 1))
leaf=$(bytes $((root * page + $(bytes $((root * page + 12)) 2))) 4) # the first page of rows
cp good.db free.db
for i in 0 1 2 3; do
	printf "\\$(printf %03o $((leaf / 16777216)))\\$(printf %03o $((leaf / 65536 % 256)))\\$(printf %03o $((leaf / 256 % 256)))\\$(printf %03o $((leaf % 256)))" |
		dd of=free.db bs=1 seek=$(((trunk - 1) * page + 8 + 4 * i)) conv=notrunc 2>/dev/null
done
wrong=
writes free.db "free list"
is "a free list that names pages in use destroys nothing" "$status $wrong" "3 "
like "and is noticed" "$err" "^hexplore: database 'free.db' is damaged, so nothing is added to it; 'sqlite3 FILE .recover' may save rows$"
if sqlite3 free.db .recover >saved.sql 2>/dev/null && sqlite3 saved.db <saved.sql 2>/dev/null; then
	is "what is recovered so is a database again" "$(rows saved.db | cmp - good.csv 2>&1; sweep saved.db >/dev/null && echo added)" added
else
	skip "what is recovered so is a database again" "this sqlite3 cannot recover"
fi

# ---- of another making ----
# foreign NAME SQL MESSAGE: a change that is refused, by readers and by a sweep
foreign() {
	cp good.db foreign.db
	sqlite3 foreign.db "$2"
	for command in best "sweep -q -p rk3588 -s small.json"; do
		run timeout 20 "$HEXPLORE" $command --db foreign.db
		is "$1: ${command%% *}" "$status $out$err" "2 hexplore: 'foreign.db': $3 is not as hexplore makes it; --db names another file"
	done
	rm -f foreign.db*
}
foreign "a view that never ends" "DROP VIEW prediction; CREATE VIEW prediction AS WITH RECURSIVE n(sweep) AS (SELECT 1 UNION ALL SELECT sweep FROM n)
	SELECT * FROM n" "the view 'prediction'"
foreign "a validation that says what it likes" "DROP VIEW validation; CREATE VIEW validation AS SELECT 1 AS sweep, 9 AS measured_speedup" "the view 'validation'"
foreign "a view instead of a table" "ALTER TABLE mapping RENAME TO m; CREATE VIEW mapping AS SELECT id, upper(text) AS text FROM m" "the table 'mapping'"
foreign "a column that computes" "ALTER TABLE point ADD COLUMN x TEXT AS (zeroblob(1000000000)) VIRTUAL" "the table 'point'"
cp good.db own.db
sqlite3 own.db "CREATE INDEX fast ON point (speedup); CREATE VIEW mine AS SELECT * FROM prediction; CREATE TABLE notes (t);
	CREATE TRIGGER t AFTER INSERT ON point BEGIN DELETE FROM point; END"
is "indexes, views and tables of one's own are let be" "$(rows own.db | cmp - good.csv 2>&1; sweep own.db >/dev/null && echo added)" added
is "triggers do nothing" "$(rows own.db --sweep-id 2 | cmp - good.csv 2>&1)" ""

# ---- shared ----
wrong=
for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
	for k in 1 2 3 4 5; do
		sweep new.db >/dev/null 2>said.$k || echo "failed: $(cat said.$k)" >>said.$k &
	done
	wait
	wrong=$wrong$(cat said.?)
	[ "$(sqlite3 new.db 'SELECT count(DISTINCT sweep) FROM point')" = 5 ] &&
		[ "$(sqlite3 new.db 'SELECT (SELECT count(*) FROM point) = (SELECT sum(size) FROM sweep) AND count(*) = 5 AND min(done = last) FROM part')" = 1 ] || wrong="$wrong rows are missing"
	rm new.db*
done
is "five sweeps into one new database lose nothing" "$wrong" ""

wrong=
for round in 1 2 3 4; do
	sqlite3 old.db <"$top_srcdir/tests/data/schema-2.sql"
	rows old.db >old.csv
	for k in 1 2 3 4; do
		sweep old.db >/dev/null 2>said.$k || echo "failed: $(cat said.$k)" >>said.$k &
		rows old.db --sweep-id 1 | cmp - old.csv >>wrong.$k 2>&1 &
	done
	wait
	wrong=$wrong$(cat said.? wrong.?)$(rows old.db --sweep-id 1 | cmp - old.csv 2>&1)
	[ "$(sqlite3 old.db 'PRAGMA user_version; SELECT count(*) FROM sweep; SELECT count(*) FROM validation' | xargs)" = "4 5 0" ] || wrong="$wrong not upgraded"
	rm old.db* wrong.?
done
is "four sweeps into one database of schema 2 upgrade it once, and who reads goes on" "$wrong" ""

"$HEXPLORE" sweep -q -p mt8195 --db mt.db >/dev/null
"$HEXPLORE" sweep -q -p rk3588 --db rk.db >/dev/null
cp rk.db shared.db
rows shared.db >first.csv
: >sweeping
for k in 1 2 3; do
	while [ -e sweeping ]; do
		rows shared.db --sweep-id 1 | cmp - first.csv
		"$HEXPLORE" best --format csv --db shared.db >latest.$k && tail -n +2 latest.$k | awk -F, 'NF < 35 { print "part of a row: " $0 }'
		"$HEXPLORE" pareto --format csv --db shared.db >front.$k || echo "pareto: status $?"
	done >read.$k 2>read.err.$k &
done
for p in mt8195 rk3588; do
	for i in 1 2; do
		"$HEXPLORE" sweep -q -p $p --db shared.db >/dev/null || echo failed
	done >sweep.$p 2>&1 &
	writers="$writers $!"
done
wait $writers
rm sweeping
wait
is "three readers beside two writers: all succeed" "$(cat read.? sweep.*; grep -v 'incomplete\|no points yet' read.err.?)" ""
rk="$(sqlite3 rk.db 'SELECT * FROM prediction' | cut -d'|' -f2- | cksum)" mt="$(sqlite3 mt.db 'SELECT * FROM prediction' | cut -d'|' -f2- | cksum)"
for id in 1 2 3 4 5; do
	sqlite3 shared.db "SELECT * FROM prediction WHERE sweep = $id" | cut -d'|' -f2- | cksum
done | sort >sums
is "and the rows are those of single runs" "$(cat sums)" "$(printf '%s\n' "$rk" "$rk" "$rk" "$mt" "$mt" | sort)"

sqlite3 good.db "INSERT INTO sweep SELECT 9, created, version, profile, sweep, target, model, temperature, kv_cache, acceptance, costs, keep, size
	FROM sweep WHERE id = 1"
run "$HEXPLORE" best --db good.db --format csv --top 0
is "a sweep that has no point yet hides none" "$status $err" "0 hexplore: sweep 9 has no points yet; this is sweep 2"
sqlite3 good.db 'DELETE FROM sweep WHERE id = 9'

# ---- without room, and closed ----
disks='mount -t tmpfs -o size=136k none "$1" && mount -o remount,size=2m "$1" && mount -o remount,ro "$1"'
if unshare -rm sh -c "$disks" sh "$tmp" 2>/dev/null; then
	own="unshare -rm"
elif unshare -m sh -c "$disks" sh "$tmp" 2>/dev/null; then
	own="unshare -m"
else
	skip "a full disk, and one that is closed" "no file system can be mounted, and changed, here"
	done_testing
fi
mkdir disk
cat >room.sh <<'END'
report() {
	name=$1
	shift
	"$@" >out 2>err
	echo "$name: status $?, $(wc -l <err) line, $(sed 's/^hexplore: //' err)"
}
mount -t tmpfs -o size=136k none disk
report new "$HEXPLORE" sweep -q -p rk3588 -s small.json --db disk/new.db
report after "$HEXPLORE" best --db disk/new.db
rm disk/*
mount -o remount,size=2m disk
cp good.db disk/good.db
dd if=/dev/zero of=disk/fill bs=4096 2>/dev/null
sum=$(cksum <disk/good.db)
report more "$HEXPLORE" sweep -q -p rk3588 -s small.json --db disk/good.db
report read "$HEXPLORE" best --db disk/good.db
report picture "$HEXPLORE" plot gamma --db good.db -o disk/picture.png
rm disk/fill
"$HEXPLORE" best --format csv --top 0 --db disk/good.db | cmp - good.csv || echo "rows are lost"
ls disk
mount -o remount,ro disk
report closed-new "$HEXPLORE" sweep -q -p rk3588 -s small.json --db disk/new.db
report closed-more "$HEXPLORE" sweep -q -p rk3588 -s small.json --db disk/good.db
report closed-picture "$HEXPLORE" plot gamma --db good.db -o disk/picture.png
"$HEXPLORE" best --format csv --top 0 --db disk/good.db | cmp - good.csv || echo "rows are lost"
[ "$(cksum <disk/good.db)" = "$sum" ] || echo "the file is changed"
umount disk
END
rows good.db >good.csv
$own env HEXPLORE="$HEXPLORE" sh room.sh >room 2>&1
# said NAME STATUS MESSAGE
said() {
	like "without room: $1" "$(grep "^$1:" room)" "^$1: status $2, 1 line, $3"
}
said new 3 "database 'disk/new.db': database or disk is full; free some space and run the command again$"
said after 2 "database 'disk/new.db' "
said more 2 "about .* would be stored, and 0 B are free"
said read 3 "database 'disk/good.db': .*; is its disk full, or failing\?$"
said closed-new 3 "cannot open database 'disk/new.db': "
said closed-more 3 "database 'disk/good.db': attempt to write a readonly database; --db names another file$"
if command -v gnuplot >/dev/null; then
	said picture 3 "cannot write 'disk/picture.png': No space left on device$"
	said closed-picture 3 "cannot write 'disk/picture.png': Read-only file system$"
fi
is "without room: no row is lost, no picture half written" "$(grep -v ': status' room | grep -v -e '-wal$' -e '-shm$')" "good.db"
done_testing
