#!/bin/sh
# `make check-aarch64`: builds hexplore for 64-bit Arm, and runs the tests in qemu's user mode, with and without the dot product. Debian only: its
# libraries for arm64 are downloaded and unpacked below the build folder, and nothing is installed. Exits with 77 where a tool is missing.
#
#	aarch64.sh SOURCE BUILD [TEST...]    SOURCE: a tree that was never configured; TEST: as in TESTS=, default all
#
# QEMU_CPUS: processors to run on. max has all that qemu knows, cortex-a72 neither dot product nor half-precision arithmetic.
QEMU_CPUS=${QEMU_CPUS:-max cortex-a72}
host=aarch64-linux-gnu
libraries="libgsl-dev libsqlite3-dev libcjson-dev libcmocka-dev libc6-dev"

[ $# -ge 2 ] || { echo "usage: aarch64.sh SOURCE BUILD [TEST...]" >&2; exit 2; }
for tool in "$host-gcc:gcc-aarch64-linux-gnu" "qemu-aarch64-static:qemu-user-static" apt-get:apt dpkg-deb:dpkg; do
	command -v "${tool%:*}" >/dev/null || { echo "aarch64.sh: ${tool%:*} is missing (Debian: apt-get install ${tool#*:})" >&2; exit 77; }
done
mkdir -p "$2" && source=$(cd "$1" && pwd -P) && build=$(cd "$2" && pwd -P) || exit 1
shift 2
sysroot=$build/sysroot

# With a state of its own, in which nothing is installed, apt downloads for another architecture as anybody.
download() (
	state=$build/apt
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" && : >"$state/status" && cd "$state" || exit
	set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$state" -o Dir::State::status="$state/status" \
		-o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
		-o Dir::Etc::sourceparts="$state/none" -o Dir::Etc::sourcelist="$state/sources.list"
	. /etc/os-release || exit
	echo "deb ${DEBIAN_MIRROR:-http://deb.debian.org/debian} $VERSION_CODENAME main" >sources.list
	apt-get "$@" update && apt-get "$@" install -y --download-only --no-install-recommends $libraries
)

unpack() {
	for deb in "$build"/apt/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$sysroot.tmp" || return
	done
	# links to files of the system they were made for
	find "$sysroot.tmp" -type l -lname '/*' | while read -r link; do
		ln -sf "$sysroot$(readlink "$link")" "$link"
	done
	mv "$sysroot.tmp" "$sysroot"
}

# The tests run programs by their names: each is replaced by a script that runs it in qemu.
wrap() {
	for program in "$build/hexplore" "$build"/tests/test_*; do
		case ${program##*/} in *.*) continue ;; esac
		[ -x "$program" ] || continue
		mv "$program" "$program.bin"
		printf '#!/bin/sh\nexec "%s" -L "%s" -0 "$0" "%s.bin" "$@"\n' "$(command -v qemu-aarch64-static)" "$sysroot" "$program" >"$program"
		chmod +x "$program"
	done
}

unwrap() {
	for program in "$build"/hexplore.bin "$build"/tests/test_*.bin; do
		[ ! -f "$program" ] || mv "$program" "${program%.bin}"
	done
}

if [ ! -d "$sysroot" ]; then
	{ download && rm -rf "$sysroot.tmp" && unpack; } >"$build/sysroot.log" 2>&1 || { cat "$build/sysroot.log" >&2; exit 1; }
fi
mkdir -p "$build/bin" && ln -sf "$(command -v $host-nm)" "$build/bin/nm" # tests look at symbols
unwrap
cd "$build" || exit 1
PATH=$build/bin:$PATH
export PATH PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_LIBDIR="$sysroot/usr/lib/$host/pkgconfig:$sysroot/usr/share/pkgconfig"
jobs=$(getconf _NPROCESSORS_ONLN)
"$source/configure" -q --host=$host --without-opencl CC="$host-gcc --sysroot=$sysroot" &&
	make -s -j "$jobs" && make -s -j "$jobs" check TESTS= >/dev/null || exit 1
wrap
status=0
for cpu in $QEMU_CPUS; do
	echo "aarch64, $cpu:"
	QEMU_CPU=$cpu TEST_TIMEOUT=${TEST_TIMEOUT:-3000} make -s -j "$jobs" check ${1:+TESTS="$*"} || status=1
done
exit $status
