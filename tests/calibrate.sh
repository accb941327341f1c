#!/bin/sh
# hexplore calibrate: from this machine to a profile that other commands take, and what it refuses. Says nothing about how fast anything is.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

mkdir temp
"$HEXPLORE" devices --quick --format csv >found.csv
cpu=$(sed -n 2s/,.*//p found.csv)
device=$(sed -n 's/^\(opencl\),.*/\1/p' found.csv)
rm found.csv
calibrate() {
	TMPDIR=$tmp/temp "$HEXPLORE" calibrate --quick --quiet --largest 300kB --types q4_0 --db c.db "$@"
}

run calibrate -o mine.json
is "status" "$status" 0
like "what was found: bandwidths" "$out" '^unit +model MB +cores +reads GB/s$'
is "it fits 80 columns" "$(echo "$out" | grep -E '^.{81}')" ""
like "what was found: kernels" "$out" ' q4_0 '
like "what was found: errors of what was held out" "$out" '^whole passes '
is "no other file" "$(ls)" "c.db
mine.json
temp"
is "models are gone" "$(ls temp)" ""
like "the profile is complete" "$("$HEXPLORE" profile check ./mine.json)" '^\./mine\.json: ok, [0-9]+ sources$'
if [ "$device" ]; then
	"$HEXPLORE" profile show ./mine.json --format csv >shown.csv
	like "a device is a unit" "$(cat shown.csv)" '^units\.opencl\.kind,gpu'
	like "with an expression for its name" "$(cat shown.csv)" '^units\.opencl\.device,"?\^'
	like "and a link to the CPU" "$(cat shown.csv)" '^links\[0\]\.fixed_s,'
	rm shown.csv
else
	skip "a device in the profile" "no OpenCL device"
fi
like "it says that it is measured" "$("$HEXPLORE" profile show ./mine.json)" '^status +measured'
like "types that were not measured are taken as others" "$("$HEXPLORE" profile show ./mine.json --format csv)" 'kernels\[[0-9]*\]\.type,q4_k'
ok "a sweep takes it" "$HEXPLORE" sweep --profile ./mine.json --quiet --dry-run
awake=
[ ! -c /dev/cpu_dma_latency ] || ! grep -sqv '^none' /sys/devices/system/cpu/cpuidle/current_driver || ! (: 3<>/dev/cpu_dma_latency) 2>/dev/null || awake=--awake
# shellcheck disable=SC2086
run calibrate -o mine.json --units "$cpu" $awake
is "its own profile is replaced" "$status" 0
if [ "$awake" ]; then
	like "it tells whether processors were kept awake" "$("$HEXPLORE" profile show ./mine.json --format csv)" '^host\.awake,true'
else
	run calibrate -o mine.json --units "$cpu" --awake
	is "it may not keep processors awake: status" "$status" 3
	like "it may not keep processors awake: message" "$err" '^hexplore: processors cannot be kept awake: '
fi
is "by the CPU alone" "$("$HEXPLORE" profile show ./mine.json --format csv | grep -c 'kind,gpu')" 0

# refuses NAME STATUS MESSAGE ARG...
refuses() {
	name=$1 want=$2 message=$3
	shift 3
	run calibrate "$@"
	is "$name: status" "$status" "$want"
	like "$name: message" "$err" "$message"
}
echo precious >other.json
refuses "a file that is no calibration" 2 "^hexplore: 'other.json' is there, and no calibration; --force replaces it" -o other.json
is "it stays" "$(cat other.json)" precious
cp "$top_srcdir/hwprofiles/rpi5.json" .
refuses "a profile that is no calibration" 2 'rpi5.json. is there, and no calibration' -o rpi5.json
refuses "an unknown unit" 2 "^hexplore: --units: nothing here is called 'warp'" -o x.json --units warp
refuses "an unknown kernel set" 2 "^hexplore: no kernels 'warp' on this machine" -o x.json --kernels warp
refuses "a name that is none" 2 'a profile cannot be called' -o '.json'
refuses "no CPU" 2 '^hexplore: --units: a CPU has to be among them' -o x.json --units opencl
refuses "no unit at all" 2 "^hexplore: --units: names none" -o x.json --units ,
mkdir folder.json
refuses "a folder, before anything is measured" 2 "'folder.json' is not a regular file" -o folder.json --force
refuses "a folder that is not there" 3 "cannot write 'nowhere/x.json'" -o nowhere/x.json
run env TMPDIR="$tmp/nowhere" "$HEXPLORE" calibrate --quick --quiet --db c.db -o x.json
is "no room for models: status" "$status" 3
like "no room for models: message" "$err" 'cannot make a folder'

TMPDIR=$tmp/temp "$HEXPLORE" calibrate --quiet --db c.db -o x.json >/dev/null 2>err &
sleep 1
kill -INT $!
wait $!
is "interrupted: status" "$?" 130
like "interrupted: message" "$(cat err)" 'interrupted'
is "interrupted: nothing stays" "$(ls temp; ls x.json 2>/dev/null)" ""
done_testing
