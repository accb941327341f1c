#!/bin/sh
# How sure predictions are: which rows know it, and that parts and interruptions make no difference.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

command -v sqlite3 >/dev/null || skip_all "no sqlite3"

# The shipped profile, as if it had been calibrated: every unit's residual is 5 %.
sed 's/"launch_s"/"residual": 0.05, &/' "$top_srcdir/hwprofiles/rk3588.json" >sure.json
cat >few.json <<END
{"schema": "hexplore/sweep/1", "name": "few", "target": "llama-3.2-3b", "target_quants": ["q8_0", "q4_0"], "drafters": ["llama-3.2-1b"],
 "draft_quants": ["q4_0"], "gamma": {"from": 1, "to": 6}, "workloads": [{"prompt": 63, "generated": 63}],
 "acceptance": [{"alpha": 0.7, "kind": "estimate", "from": "x"}]}
END
# sweep DB PROFILE [OPTION...]
sweep() {
	db=$1 && profile=$2 && shift 2
	"$HEXPLORE" sweep -q -p "$profile" -s few.json --db "$db" "$@" >"$db.out" || exit 1
}
ask() {
	sqlite3 "$1" "$2"
}
rows="SELECT * FROM point ORDER BY sweep, id"
known="SELECT count(*) FROM point WHERE p_gain NOT NULL"

sweep plain.db rk3588
is "nothing is known of a profile that was not calibrated" "$(ask plain.db "$known")" 0
sweep all.db sure.json
is "all rows kept: the answer's have it" "$(ask all.db "SELECT count(DISTINCT target_quant) FROM point p JOIN finding f USING (sweep, target_quant) WHERE p.id = f.best
	AND p_gain NOT NULL AND speedup_p05 < speedup AND speedup_p95 > speedup")" 2
is "and the baselines, against themselves" "$(ask all.db "SELECT count(*) FROM point WHERE gamma = 0 AND speedup = 1 AND speedup_p05 = 1 AND speedup_p95 = 1 AND p_gain = 0")" 2
is "most have none" "$(($(ask all.db "$known") < 20))" 1
sweep top.db sure.json --keep top:20
is "some rows kept: all have it" "$(ask top.db "$known")" 20
sweep front.db sure.json --keep pareto
is "likewise on the front" "$(ask front.db "$known")" "$(ask front.db "SELECT count(*) FROM point")"

for keep in all top:20 pareto; do
	sweep whole.db sure.json --keep $keep
	for i in 1 2 3; do
		sweep part.db sure.json --keep $keep --shard $i/3
	done
	"$HEXPLORE" merge --db merged.db part-*-of-3.db >/dev/null || exit 1
	is "$keep: parts know nothing" "$(for f in part-*-of-3.db; do ask $f "$known"; done | xargs)" "0 0 0"
	ask whole.db "$rows" >want
	ask merged.db "$rows" >got
	ok "$keep: joined, they know what one process does" cmp want got
	ask whole.db "UPDATE point SET speedup_p05 = NULL, speedup_p95 = NULL, p_gain = NULL"
	sweep whole.db sure.json --keep $keep --resume
	ask whole.db "$rows" >got
	ok "$keep: interrupted before they were stored, --resume does it" cmp want got
	rm -f whole.db* merged.db* part-*
done
done_testing
