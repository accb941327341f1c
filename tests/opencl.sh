#!/bin/sh
# What a user sees where OpenCL is missing or fails: one clear line, the right status, nothing hangs. tests/cl_fault.c makes a sound driver fail.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

pair=$top_srcdir/models/pair
HEXPLORE_CACHE=$tmp/cache
export HEXPLORE_CACHE
run_on() {
	run timeout 60 "$HEXPLORE" run --target "$pair/pair-target.gguf" -p "Wer hat die letzte Banane gegessen?" -q "$@"
}

# ---- built without ----
if "$HEXPLORE" --version | grep -qx 'OpenCL: no'; then
	like "devices says so" "$("$HEXPLORE" devices --quick)" '^this hexplore was built without OpenCL$'
	run_on --target-map opencl
	is "so does a mapping" "$status $err" "3 hexplore: opencl: this hexplore was built without OpenCL"
	done_testing
fi

# ---- no driver ----
mkdir none
none="no OpenCL device here: install its driver (without a GPU: pocl-opencl-icd)"
run env OCL_ICD_VENDORS="$tmp/none" "$HEXPLORE" devices --quick
is "no driver: devices succeeds" "$status $err" "0 "
like "and says what to install" "$out" "^${none%%(*}"
run env OCL_ICD_VENDORS="$tmp/none" "$HEXPLORE" devices --quick --format csv
is "programs find no row" "$status $err $(echo "$out" | grep -c opencl,)" "0  0"
export OCL_ICD_VENDORS="$tmp/none"
run_on --target-map opencl
is "a mapping names the unit" "$status $err" "3 hexplore: opencl: $none"
run_on --target-map cpu
is "others need no driver" "$status $err" "0 "
unset OCL_ICD_VENDORS

# ---- a device ----
"$HEXPLORE" devices --quick --format csv >found.csv
grep -q '^opencl,' found.csv || { skip "what devices do" "no OpenCL device"; done_testing; }
run "$HEXPLORE" devices
is "devices measures, and complains of nothing" "$status $err" "0 "
like "it names devices" "$out" '^unit +OpenCL device +platform +cores +GHz$'
like "and their launches" "$out" '^opencl +[0-9.,]+ +[0-9.,]+ +(yes|no) +(yes|no) +(yes|no) +[0-9.,]+$'
is "it fits 80 columns" "$(echo "$out" | grep -E '^.{81}')" ""
if grep -qi '^opencl,.*portable computing' found.csv; then
	is "PoCL keeps programs itself" "$(ls cache 2>/dev/null)" ""
else
	like "programs are kept" "$(ls cache)" '^[0-9a-f]{16}\.bin$'
fi
run "$HEXPLORE" devices --quick --format json
like "in a hurry nothing is launched" "$out" '"launch_s": null'
run_on --target-map opencl4
like "a device too many" "$status $err" "^3 hexplore: opencl4: there are not that many OpenCL devices here, only '"

# ---- a profile's unit ----
# profile DEVICE
profile() {
	cpu=$("$HEXPLORE" devices --quick --format jsonl | sed -n '1s/.*"cpus": "\([0-9]*\).*/\1/p')
	cat >mine.json <<END
{"schema": "hexplore/profile/1", "name": "mine", "soc": "none", "status": "estimate", "units": [
{"name": "c", "kind": "cpu", "core": "x", "cores": 1, "clock_hz": 1e9, "flop_per_cycle": {"f16": 16}, "affinity": [$cpu],
"bandwidth": {"cores": [1], "footprint_bytes": [1], "bytes_s": [[1e9]]},
"kernels": [{"type": "f16", "arithmetic": "f16", "ceiling": 1}], "launch_s": 0, "sync_s": 0},
{"name": "g", "kind": "gpu", "core": "y", "cores": 1, "clock_hz": 1e9, "flop_per_cycle": {"f16": 16}, $1
"bandwidth": {"cores": [1], "footprint_bytes": [1], "bytes_s": [[1e9]]},
"kernels": [{"type": "f16", "arithmetic": "f16", "ceiling": 1}], "launch_s": 0, "sync_s": 0}],
"memory": {"capacity_bytes": 1e9, "bw_bytes_s": 1e9}, "host": {"h0_s": 0}, "sources": {}}
END
}
profile '"device": "Mali-G999",'
run_on --profile mine.json --target-map g
like "a unit that is not here: what is" "$status $err" "^3 hexplore: g: no OpenCL device here matches 'Mali-G999' of '\.\*'; there are '.+' of '"
run_on --profile mine.json --target-map c
is "the profile's others run" "$status $err" "0 "
profile ''
run_on --profile mine.json --target-map g
like "a unit without a name" "$status $err" "^2 hexplore: the engine cannot run g here"
# fit: what devices says of that profile; this machine has other cores than its x
fit() {
	mkdir -p mine/hwprofiles && cp mine.json mine/hwprofiles
	HEXPLORE_PATH=$tmp/mine "$HEXPLORE" devices --quick | grep -A 9 'no profile fits'
}
profile '"device": "Mali-G999",'
like "a profile of other devices is not near" "$(fit)" "^no profile fits: none has any of these CPUs or devices\$"
profile '"platform": ".", "device": "^.*$",'
like "one with this device is" "$(fit)" "^no profile fits; the nearest is 'mine', but\$"
like "and why it does not fit" "$(fit)" "^  it has 1 x, here is none\$"
profile '"device": "Mali-(G999",'
run_on --profile mine.json --target-map c
like "a wrong expression" "$status $err" "^2 hexplore: mine.json:5: units\[1\]\.device: is no regular expression: "

# ---- a driver that fails ----
if ! ${CC:-cc} -shared -fPIC -o fault.so "$top_srcdir/tests/cl_fault.c" -ldl 2>fault.log; then
	skip "what fails" "tests/cl_fault.c: $(head -n 1 fault.log)"
	done_testing
fi

# faulty FUNCTION CALL CODE COMMAND...: that function fails from that call on. What is kept on disk is not built, so could not fail to.
faulty() {
	[ "$1" != clBuildProgram ] || rm -rf cache
	CL_FAULT=$1 CL_FAULT_AT=$2 CL_FAULT_CODE=$3 LD_PRELOAD=$tmp/fault.so ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS"
	export CL_FAULT CL_FAULT_AT CL_FAULT_CODE LD_PRELOAD ASAN_OPTIONS
	shift 3
	"$@"
	unset CL_FAULT CL_FAULT_AT CL_FAULT_CODE LD_PRELOAD
}
faulty clGetPlatformIDs 1 -6 run "$HEXPLORE" devices --quick
like "no list of platforms" "$status $out" '^cannot list the OpenCL platforms: CL_OUT_OF_HOST_MEMORY$'
faulty clGetDeviceIDs 1 -6 run "$HEXPLORE" devices --quick
like "a platform that fails" "$status $out" "^cannot list the devices of OpenCL platform '.+': CL_OUT_OF_HOST_MEMORY\$"
while read -r function call code said; do
	faulty "$function" "$call" "$code" run timeout 60 "$HEXPLORE" devices
	like "devices: $function fails at call $call with $code" "$status $err" "^3 hexplore: ([a-z ]+ on )?OpenCL device '.+'(: | does not )$said"
	like "the rest is told" "$out" '^[a-z0-9]+ +1 +[0-9.,]+$'
done <<'END'
clCreateContext 1 -2 the device was lost or reset
clCreateCommandQueue 1 -6 out of device memory
clBuildProgram 1 -11 build nothing.cl: its driver does not say why$
clCreateKernel 1 -46 CL_INVALID_KERNEL_NAME$
clEnqueueNDRangeKernel 1 -5 the device was lost or reset
clEnqueueNDRangeKernel 20 -5 the device was lost or reset
clFinish 7 -36 the device was lost or reset
END

# ---- while a model runs ----
run_on --target-map opencl
is "a model runs" "$status $err" "0 "
run "$HEXPLORE" run --target "$pair/pair-target.gguf" --draft "$pair/pair-drafter.gguf" --target-map opencl -p 'Wer hat die letzte Banane gegessen?' --verbose
like "drafts and their verification are waited for once each" "$err" '^opencl: [0-9.]+ launches a token, 2 syncs a round$'
like "what it holds where" "$err" '^memory: drafter [0-9.]+ [kM]B on CPUs, [0-9.]+ MB on opencl$'
CL_FAULT_LOST=yes
export CL_FAULT_LOST
while read -r function call code said; do
	for maps in "--target-map opencl" "--target-map cpu:0,head+opencl" "--target-map cpu --draft $pair/pair-drafter.gguf --draft-map opencl"; do
		# shellcheck disable=SC2086
		faulty "$function" "$call" "$code" run_on $maps
		like "run $maps: $function fails at call $call" "$status $err" "^3 hexplore: .*OpenCL device '.+'(: | does not )$said"
	done
done <<'END'
clBuildProgram 1 -11 build [a-z]+.cl: its driver does not say why$
clCreateBuffer 1 -4 out of device memory
clCreateBuffer 5 -61 a buffer is larger than the device takes
clEnqueueNDRangeKernel 1 -5 the device was lost or reset
clEnqueueNDRangeKernel 200 -5 the device was lost or reset
clFinish 3 -36 the device was lost or reset
END
done_testing
