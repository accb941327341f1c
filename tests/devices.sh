#!/bin/sh
# hexplore devices on this machine: its formats agree, and it minds what it may use.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

run "$HEXPLORE" devices
is "devices succeeds and complains of nothing" "$status $err" "0 "
like "the table has units" "$out" '^unit +core +CPUs +GHz +governor +L1 KiB +L2 KiB +L3 MiB$'
like "and how fast they read" "$out" '^[a-z0-9.-]+ +1 +[0-9.,]+$'
like "and memory" "$out" '^memory: [0-9.]+ [kMGT]?B, available [0-9.]+ [kMGT]?B$'
like "and kernels, of which portable always runs" "$out" '^kernels: .*portable$'
is "it fits 80 columns" "$(echo "$out" | grep -E '^.{81}')" ""

run "$HEXPLORE" devices --format csv
is "CSV has its columns" "$(echo "$out" | head -n 1)" \
	"unit,kind,core,cpus,cores,clock_hz,clock_is,governor,l1_bytes,l2_bytes,l3_bytes,threads,read_bytes_s,kernels,memory_bytes,available_bytes,$(
	)platform,version,driver,allocation_bytes,local_bytes,shared,fp16,dot,launch_s"
run "$HEXPLORE" devices --quick --format jsonl
like "in a hurry nothing is measured" "$out" '"threads": null, "read_bytes_s": null, '
out=$(echo "$out" | grep '"kind": "cpu"')
units=$(echo "$out" | grep -c '')
if command -v python3 >/dev/null; then
	ok "JSON is JSON" python3 -c 'import json, sys; json.loads(sys.argv[1])' "$("$HEXPLORE" devices --quick -f json)"
else
	skip "JSON is JSON" "no python3"
fi

# ---- a profile of this machine ----
if [ "$units" -eq 1 ] && [ "${out#*\\}" = "$out" ]; then
	core=$(echo "$out" | sed 's/.*"core": "\([^"]*\)".*/\1/') cores=$(echo "$out" | sed 's/.*"cores": \([0-9]*\).*/\1/')
	# unit NAME KIND CORE CORES: all of it but the last brace
	unit() {
		cat <<END
{"name": "$1", "kind": "$2", "core": "$3", "cores": $4, "clock_hz": 1e9, "flop_per_cycle": {"f16": 16},
"bandwidth": {"cores": [1], "footprint_bytes": [1], "bytes_s": [[1e9]]},
"kernels": [{"type": "f16", "arithmetic": "f16", "ceiling": 1}], "launch_s": 0, "sync_s": 0
END
	}
	# profile NAME CORES [UNIT]
	profile() {
		cat <<END
{"schema": "hexplore/profile/1", "name": "$1", "soc": "none", "status": "estimate", "units": [$(unit c cpu "$core" "$2")}${3:+, $3}],
"memory": {"capacity_bytes": 1e9, "bw_bytes_s": 1e9}, "host": {"h0_s": 0}, "sources": {}}
END
	}
	mkdir -p mine/hwprofiles
	profile mine "$cores" >mine/hwprofiles/mine.json
	profile larger $((cores + 1)) >mine/hwprofiles/larger.json
	echo nonsense >mine/hwprofiles/nonsense.json
	devices() {
		HEXPLORE_PATH=$PWD/mine "$HEXPLORE" devices --quick 2>&1 | sed '1,/^$/d' | grep -A 9 profile
	}
	is "a profile with these CPUs is named" "$(devices)" "profile 'mine' fits: CPUs"
	rm mine/hwprofiles/mine.json
	is "or the nearest, and what it lacks" "$(devices | sed "s/$core/CORE/" | cut -c 1-60)" \
		"no profile fits; the nearest is 'larger', but
  it has $((cores + 1)) CORE, here are $cores
'hexplore calibrate' measures this machine into one"
	rm mine/hwprofiles/larger.json
	profile mine "$cores" "$(unit g999 gpu Mali-G999 1), \"device\": \"Mali-G999\"}" >mine/hwprofiles/mine.json
	is "a GPU that is not here is named" "$(devices)" "no profile fits; the nearest is 'mine', but
  its Mali-G999 (g999) is not among the OpenCL devices
'hexplore calibrate' measures this machine into one"
else
	skip "a GPU that is not here is named" "this machine has several kinds of core"
	skip "a profile with these CPUs is named" "this machine has several kinds of core"
	skip "or the nearest, and what it lacks" "this machine has several kinds of core"
fi

# ---- what it may use ----
if [ "$(nproc)" -gt 1 ] && taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')" true 2>/dev/null; then
	last=$(taskset -cp $$ | sed 's/.*[ ,-]//')
	is "CPUs that the process may not use are not shown" "$(taskset -c "$last" "$HEXPLORE" devices --quick -f csv | tail -n +2 | grep -c ",$last,1,")" 1
else
	skip "CPUs that the process may not use are not shown" "one CPU, or no taskset"
fi
run "$HEXPLORE" devices all
like "arguments are refused" "$status $err" "^2 hexplore: devices: unexpected argument 'all'"
run "$HEXPLORE" devices --format xml
like "so are other formats" "$status $err" "^2 hexplore: unknown format 'xml'"
done_testing
