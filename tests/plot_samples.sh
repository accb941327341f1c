#!/bin/sh
# hexplore plot roofline --samples: a calibration beside its profile. The samples are made up.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

command -v sqlite3 >/dev/null || skip_all "no sqlite3"
samples() {
	run "$HEXPLORE" plot roofline --samples "$@"
}
"$HEXPLORE" sweep -q -p rk3588 --keep top:5 --db s.db >/dev/null || exit 1
samples --db s.db
is "no calibration: status" "$status$out" 1
is "no calibration: message" "$err" "hexplore: this database holds no calibration of profile 'rk3588'; 'hexplore calibrate' stores its samples"

# add RUN UNIT: matrices of several sizes, at one tenth of 100 GB/s and more
add() {
	sqlite3 s.db "INSERT OR IGNORE INTO device (id, fingerprint) VALUES (1, 'x');
		INSERT OR IGNORE INTO run (id, device, command, version, seed, started) VALUES ($1, 1, 'hexplore calibrate', 'x', 1, 'x');
		INSERT INTO calibration_sample (run, unit, cores, kind, type, rows, n_out, n_in, footprint_bytes, seconds, held_out)
		SELECT $1, '$2', cores, kind, type, rows, 2048, 1024, size, 2e6 / 1e10 * (1 + rows / 8.0), 0
		FROM (SELECT 1 AS cores UNION SELECT 4), (SELECT 'ffn_up' AS kind UNION SELECT 'head' UNION SELECT 'qkv' UNION SELECT 'odd'),
			(SELECT 'f16' AS type UNION SELECT 'q8_0'), (SELECT 1 AS rows UNION SELECT 8 UNION SELECT 64), (SELECT 1e7 AS size UNION SELECT 1e9)" || exit 1
}
add 1 '"; system("touch hit1"); `touch hit2`'
samples --db s.db
is "of other units only" "$status $err" "1 hexplore: the calibration in this database is of other units than those of profile 'rk3588'"
add 2 a76
mkdir nothing
run env PATH="$tmp/nothing" "$HEXPLORE" plot roofline --samples --db s.db
is "as text it needs no gnuplot" "$status$err" 0
is "at most 79 columns" "$(printf '%s\n' "$out" | awk 'length > 79')" ""
like "question and answer" "$out" '^Does the profile say what was measured\? Matrices are [0-9.]+ % off on average'
like "matrices alone, of the latest" "$out" '\| 72 samples of matrices'
like "by unit and cores" "$out" '^a76x4 .* 36 '
sqlite3 s.db "INSERT INTO calibration_sample SELECT NULL, 2, unit, 1000000, kind, type, rows, n_out, n_in, footprint_bytes, seconds, 0 FROM calibration_sample;
	INSERT INTO calibration_sample SELECT NULL, 2, unit, cores, kind, type, -rows, n_out, n_in, -1e300, 1e300, 0 FROM calibration_sample"
samples --db s.db
like "what cannot be is left out" "$status$out" '\| 72 samples of matrices'
if command -v gnuplot >/dev/null; then
	for format in png svg pdf; do
		samples --db s.db -o "r.$format"
		is "as $format" "$status$out$err" 0
	done
	like "axes" "$(cat r.svg)" 'arithmetic intensity \(operations per byte\)'
	like "residuals" "$(cat r.svg)" '>measured/model<'
	like "units" "$(cat r.svg)" '>a76x4: '
	like "types" "$(cat r.svg)" '>q8_0<'
else
	skip "pictures" "gnuplot is not installed"
fi
is "hostile names do nothing" "$(ls hit* 2>/dev/null)" ""
done_testing
