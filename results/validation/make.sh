#!/bin/sh
# `make results`: calibrates this machine, runs points of two pairs of models beside their predictions, and writes what came of it: machine.json, points.csv,
# report.txt, charts and README.md, for a repository. work/ holds the database and what the page quotes.
#
#	make.sh         what is not done yet; where all is, another run of the same points
#	make.sh page    only files made from the database: nothing is measured
#
# Processors are kept awake, if that is allowed here. MACHINE_NOTE is a sentence for the page: how else the machine was prepared. Interrupted, it goes on from
# there when called again. To begin anew, remove work/.
top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd) || exit 3
HEXPLORE=${HEXPLORE:-$top_srcdir/hexplore}
out=${RESULTS_DIR:-results/validation}
cd "$top_srcdir" || exit 3
db=$out/work/results.db state=$out/work/state

# What is measured and for how long: name, sweep, points, time, further options of `validate`.
SEED=${SEED:-1}
CASES=${CASES:-pair validation-pair ${PAIR_POINTS:-50} ${PAIR_BUDGET:-12m} --target models/pair/pair-target.gguf --draft models/pair/pair-drafter.gguf
1b validation-1b ${BIG_POINTS:-35} ${BIG_BUDGET:-25m}}

begun= # the line of the state that says that a run can be gone on with

fail() {
	echo "make results: $*" >&2
	exit 1
}

# Runs hexplore, with its standard output in work/NAME that is there only when it is whole; the command is remembered for the page.
# into NAME ARG...
into() {
	into_name=$1
	shift
	echo "hexplore $*" >&2
	grep -Fqxs "hexplore $*" "$out/work/commands" || echo "hexplore $*" >>"$out/work/commands"
	"$HEXPLORE" "$@" </dev/null >"$out/work/$into_name.part" || {
		status=$?
		if [ $status -eq 2 ] && [ "$begun" ]; then # refused: there is nothing to go on with
			grep -Fvx "$begun" "$state" >"$state.part"
			mv "$state.part" "$state"
		fi
		[ $status -ne 130 ] || echo "make results: interrupted; called again it goes on from here" >&2
		exit $status
	}
	mv "$out/work/$into_name.part" "$out/work/$into_name"
}

is_done() {
	grep -Fqxs "$*" "$state"
}

mark() {
	is_done "$@" || echo "$*" >>"$state"
}

may_keep_awake() {
	[ -c /dev/cpu_dma_latency ] && [ -r /sys/devices/system/cpu/cpuidle/current_driver ] && ! grep -q '^none' /sys/devices/system/cpu/cpuidle/current_driver &&
		(: 3<>/dev/cpu_dma_latency) 2>/dev/null
}

calibrate() {
	is_done calibrate && return
	"$HEXPLORE" devices >"$out/work/devices.txt" || exit
	! may_keep_awake || CALIBRATE_OPTIONS="--awake $CALIBRATE_OPTIONS"
	# shellcheck disable=SC2086
	into calibrate.txt calibrate -o "$out/machine.json" --db "$db" --quiet $CALIBRATE_OPTIONS
	[ ! "$MACHINE_NOTE" ] || echo "$MACHINE_NOTE" >"$out/work/note"
	mark calibrate
}

# The sweeps are the only ones of their database: the first case has number 1.
sweeps() {
	while read -r name sweep rest; do
		is_done "sweep $name" && continue
		into "sweep-$name.txt" sweep --profile "$out/machine.json" --sweep "$sweep" --db "$db" --resume --quiet
		mark "sweep $name"
	done <<-END
		$CASES
	END
}

validate() {
	run=1 id=0
	while is_done "run $run"; do
		run=$((run + 1))
	done
	while read -r name sweep points budget options; do
		id=$((id + 1))
		is_done "run $run $name" && continue
		resume=
		! is_done "begun $run $name" || resume=--resume
		begun="begun $run $name"
		mark "$begun"
		# shellcheck disable=SC2086
		into "run-$run-$name.txt" validate --sample "$points" --seed "$SEED" --budget "$budget" --sweep-id $id --db "$db" $options $resume
		mark "run $run $name"
	done <<-END
		$CASES
	END
	mark "run $run"
}

page() {
	into points.csv report --sweep-id all --run all --db "$db" --format csv
	into report.txt report --sweep-id all --db "$db"
	into validation.txt plot validation --sweep-id all --db "$db" -o "$out/validation.png"
	into roofline.txt plot roofline --samples --db "$db" -o "$out/roofline.png"
	cp "$out/work/points.csv" "$out/work/report.txt" "$out" || exit
	awk -f results/validation/page.awk -v profile="$out/machine.json" -v work="$out/work" "$out/points.csv" >"$out/work/README.md" && mv "$out/work/README.md" "$out/README.md" || exit
	echo "make results: $out/README.md" >&2
}

mkdir -p "$out/work" || exit 3
case ${1-} in
'') calibrate && sweeps && validate && page ;;
page) [ -s "$db" ] || fail "nothing was measured yet"; page ;;
*) fail "'$1'? without an argument it measures, with 'page' it writes the page again" ;;
esac
