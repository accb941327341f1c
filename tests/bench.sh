#!/bin/sh
# Figures for people: points a second, memory, and how close storing every point comes to SQLite alone. `make bench` runs it, in a folder
# below the build folder, which it removes. What is compared takes turns, round by round; shown are medians with the lowest and highest.
top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/..}" && pwd) || exit 1
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd) || exit 1
HEXPLORE=${HEXPLORE:-$top_builddir/hexplore}
AWK=${AWK:-awk}
rounds=${BENCH_ROUNDS:-5}
profile=rk3588
part_points=1000000
dir=$top_builddir/bench.tmp

die() {
	echo "bench: $*" >&2
	exit 1
}

mkdir "$dir" || die "is another one running? If not, remove that folder"
trap 'cd / && rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir" || exit 1

# ---- the machine ----

# The CPUs that this process may use, one a line: 0-1,4 is 0 1 4. None without taskset.
cpus() {
	command -v taskset >/dev/null && taskset -cp $$ 2>/dev/null | sed 's/.*: *//' | tr , '\n' |
		$AWK -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }'
}

cpu_name() {
	name=$($AWK -F': ' '/^(model name|Model|Hardware)[ \t]*:/ { print $2; exit }' /proc/cpuinfo 2>/dev/null)
	[ -n "$name" ] || [ ! -r /proc/device-tree/model ] || name=$(tr -d '\0' </proc/device-tree/model)
	grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null && name="$name (virtual machine)"
	echo "${name:-unknown processor}"
}

file_system() {
	mount=$(df -P . | $AWK 'NR == 2 { print $6 }')
	$AWK -v mount="$mount" '$2 == mount { type = $3 } END { print type == "" ? "unknown" : type }' /proc/mounts 2>/dev/null
}

version() {
	"$HEXPLORE" --version | sed -n '1s/^hexplore *//p'
	[ ! -e "$top_srcdir/.git" ] || git -C "$top_srcdir" describe --always --dirty --tags 2>/dev/null
}

# line NAME TEXT: wrapped to 80 columns.
line() {
	printf '%s\n' "$2" | fold -s -w 69 | $AWK -v name="$1" '{ sub(/ $/, ""); printf "%-11s%s\n", NR == 1 ? name : "", $0 }'
}

load=$(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null)
cpu1=$(cpus | sed -n 1p) cpu2=$(cpus | sed -n 2p)
n_cpus=$(cpus | grep -c .)
[ "$n_cpus" -gt 0 ] || n_cpus=$(getconf _NPROCESSORS_ONLN)
memory=$($AWK '/^MemTotal/ { printf ", %.1f GB", $2 * 1.024e-6 }' /proc/meminfo 2>/dev/null)
one='' two='' cores='1 2'
[ "$n_cpus" -ge 2 ] || cores=1

line machine "$(cpu_name), $n_cpus cores$memory"
line system "$(uname -s -r -m); files on $(file_system)"
line hexplore "$(version | paste -s -d ' ' -)"
line "built by" "$(${CC:-cc} --version | head -n 1), ${CFLAGS% }; SQLite $("$top_builddir/tests/bench_insert")"
if [ -n "$cpu1" ]; then
	line pinned "one core: all threads on CPU $cpu1; two cores: CPUs $cpu1 and ${cpu2:-none}"
	one="taskset -c $cpu1" two="taskset -c $cpu1,$cpu2"
else
	line pinned "no, taskset is missing: on one core, one thread predicts, another stores"
fi
line load "${load:-unknown} before the run"
[ "$cores" != 1 ] || echo "ONE CORE: figures of two are missing"
case $(file_system) in tmpfs | ramfs) echo "NO DISK: what is stored below stays in memory" ;; esac
$AWK -v load="${load:-0}" 'BEGIN { exit !(load > 0.5) }' && echo "BUSY MACHINE: these are no figures; wait, and run it again"

# ---- measuring ----

# each COMMAND...: runs it with every number of cores behind, so many rounds.
each() {
	round=0
	while [ $((round += 1)) -le "$rounds" ]; do
		for c in $cores; do
			"$@" "$c"
		done
	done
}

# pinned CORES COMMAND...
pinned() {
	pin=$one
	[ "$1" -eq 1 ] || pin=$two
	shift
	$pin "$@"
}

# sweep NAME CORES [OPTION...]: adds a line `seconds kB` to NAME.CORES; leaves the database, and the answer in NAME.out.
sweep() {
	name=$1 jobs=$2
	shift 2
	pinned "$jobs" "$top_builddir/tests/bench_run" "$name.$jobs" \
		"$HEXPLORE" sweep --profile $profile --quiet --jobs "$jobs" --db "$name.db" "$@" >"$name.out" || die "a sweep failed"
}

# count NAME WORDS: the number before the words in the answer's head.
count() {
	sed -n "s/^sweep .* \([0-9,]*\) $2,.*/\1/p" "$1.out" | tr -d ,
}

# For awk: numbers in three digits or so; the n numbers of v as `median (lowest-highest)`.
functions='
	function short(x) { return sprintf(x < 1 ? "%.3f" : x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x) }
	function spread(v, n,   i, j, x) {
		for (i = 2; i <= n; i++) {
			x = v[i]
			for (j = i - 1; j > 0 && v[j] > x; j--)
				v[j + 1] = v[j]
			v[j + 1] = x
		}
		return sprintf("%-6s (%s-%s)", short((v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2), short(v[1]), short(v[n]))
	}'

# ---- points a second ----

speed_round() {
	sweep "$1" "$4" --sweep "$2" --keep "$3"
	rm -f "$1".db*
}

# speed NAME SWEEP KEEP: lines of the table.
speed() {
	each speed_round "$@"
	for c in $cores; do
		$AWK -v sweep="${2%.json}" -v keep="$3" -v cores="$c" -v points="$(count "$1" points)" "$functions"'
			{ rate[NR] = points / $1 / 1e6; s[NR] = $1; if ($2 > kb) kb = $2 }
			END {
				if (cores > 1) sweep = keep = ""
				printf "%-9s%-9s%5d   %-24s%-24s%5.1f\n", sweep, keep, cores, spread(rate, NR), spread(s, NR), kb * 1.024e-3
			}' "$1.$c"
	done
	[ "$cores" = 1 ] || paste "$1.1" "$1.2" | $AWK "$functions"'{ v[NR] = $1 / $3 } END { printf "%23s   %s\n", "2 : 1", spread(v, NR) }'
}

# Nothing here is too large, or without an acceptance.
cat >all-run.json <<'END'
{
  "schema": "hexplore/sweep/1",
  "name": "all-run",
  "target": "llama-3.2-3b",
  "target_quants": ["q8_0", "q6_k", "q5_1", "q5_0", "q5_k", "q4_1", "q4_0", "q4_k"],
  "drafters": ["llama-3.2-1b"],
  "clocks": [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5],
  "gamma": {"from": 1, "to": 16},
  "workloads": [
    {"prompt": 63, "generated": 63},
    {"prompt": 512, "generated": 128},
    {"prompt": 1024, "generated": 256},
    {"prompt": 2048, "generated": 256},
    {"prompt": 4096, "generated": 512}
  ],
  "acceptance": [{"alpha": 0.58, "kind": "estimate", "from": "assumption"}]
}
END

cat <<END

Predicting: of the wall time of the whole process, its start included. Medians
of $rounds rounds (lowest-highest), and the most memory of any round.

sweep    keep     cores   million points/s        seconds                    MB
END
speed wide wide top:100
speed pareto wide pareto
speed all-run all-run.json top:100
echo
for n in wide all-run; do
	$AWK -v name=$n -v profile=$profile -v points="$(count $n points)" -v run="$(count $n 'can run')" 'BEGIN {
		printf "%s on %s: %d points, of which %d (%.0f %%) can run\n", name, profile, points, run, 100 * run / points
	}'
done
echo "A point that cannot run costs less than one that can."

# ---- every point stored ----

parts=$((($(count wide points) + part_points / 2) / part_points))
part=$(((parts + 1) / 2))

stored_round() {
	sync
	sweep stored "$1" --sweep wide --keep all --shard $part/$parts
	sync
	pinned "$1" "$top_builddir/tests/bench_insert" stored-*.db bare.db >>"bare.$1" || die "SQLite alone failed"
	rm -f stored-*.db* bare.db*
}

each stored_round
$AWK -v part=$part -v parts=$parts -v points="$(count stored points)" -v run="$(count stored 'can run')" 'BEGIN {
	printf "\nStoring every point: part %d of %d of wide, %d points, %.0f %% can run;\n", part, parts, points, 100 * run / points
}'
cat <<END
against SQLite alone inserting the same rows from memory into the same tables,
with the same settings and as many rows a transaction. The ratio is of rates,
round by round.

cores   hexplore, thousands/s   SQLite, thousands/s     ratio
END
for c in $cores; do
	paste "stored.$c" "bare.$c" | $AWK -v cores="$c" -v points="$(count stored points)" "$functions"'
		$4 != points { bad = 1 }
		{ a[NR] = points / $1 / 1000; b[NR] = $4 / $3 / 1000; r[NR] = $3 / $1 }
		END { if (bad) exit 1; printf "%5d   %-24s%-24s%s\n", cores, spread(a, NR), spread(b, NR), spread(r, NR) }' ||
		die "SQLite alone has inserted other rows"
done
