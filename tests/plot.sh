#!/bin/sh
# hexplore plot: every chart in every format, and what must not happen.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

kinds='heatmap gamma breakdown roofline pareto'
sweep() {
	"$HEXPLORE" sweep --quiet --db "$@" >/dev/null
}
sweep all.db --profile rk3588 || { fail "the sweep to draw"; done_testing; }

# ---- without gnuplot ----
mkdir nothing
for kind in heatmap breakdown roofline; do
	run env PATH="$tmp/nothing" "$HEXPLORE" plot $kind --db all.db
	is "$kind as text needs no gnuplot" "$status$err" 0
done
run env PATH="$tmp/nothing" "$HEXPLORE" plot gamma --db all.db -o g.png
is "no gnuplot: status" "$status" 3
like "no gnuplot: what to install" "$err" '^hexplore: gnuplot is not installed \(Debian and Ubuntu: apt-get install gnuplot-nox\)$'
is "no gnuplot: no picture" "$(ls g.png* 2>/dev/null)" ""

mkdir broken
printf '#!/bin/sh\necho half a picture\necho "line 0: out of ink" >&2\nexit 1\n' >broken/gnuplot
chmod +x broken/gnuplot
echo old >old.png
run env PATH="$tmp/broken:$PATH" "$HEXPLORE" plot gamma --db all.db -o old.png
is "gnuplot fails: status and message" "$status $err" "3 hexplore: gnuplot failed: out of ink"
is "gnuplot fails: the old picture stays, alone" "$(cat old.png* && ls old.png*)" "old
old.png"

# ---- wrong usage ----
# refuses NAME STATUS MESSAGE ARG...
refuses() {
	name=$1 want=$2 message=$3
	shift 3
	run "$HEXPLORE" plot "$@"
	is "$name: status" "$status" "$want"
	like "$name: message" "$err" "$message"
	is "$name: one line" "$(printf '%s\n' "$err" | wc -l | tr -d ' ')$out" 1
}
mkdir folder.png
refuses "no kind" 2 'which chart' --db all.db
refuses "unknown kind" 2 "no chart 'gama'; did you mean 'gamma'" gama --db all.db
refuses "unknown extension" 2 "'x.gif': the extension must be" gamma --db all.db -o x.gif
refuses "no extension" 2 "'x': the extension must be" gamma --db all.db -o x
refuses "a directory" 2 "'folder.png' is a directory" gamma --db all.db -o folder.png
refuses "no database" 2 "no database 'none.db'" gamma --db none.db
refuses "an id that is not one" 2 'point id' breakdown zero --db all.db
refuses "an id beyond the sweep" 1 'point 99999999 of sweep 1' breakdown 99999999 --db all.db
refuses "a chart that takes no id" 2 "unexpected argument '17'" heatmap 17 --db all.db
refuses "a quantisation the sweep lacks" 2 "no target in 'q5_k'" heatmap --target-quant q5_k --db all.db
refuses "a drafter the sweep lacks" 2 "no drafter 'nobody'" heatmap --drafter nobody --db all.db
refuses "unknown objectives" 2 'must be latency,memory or latency,energy' pareto --objectives speed --db all.db

if command -v gnuplot >/dev/null; then
	refuses "a folder that is not there" 3 "cannot write 'no/where.png'" gamma --db all.db -o no/where.png
fi

# ---- nothing to draw ----
sed '/"drafters"/d; /"draft_quants"/d' "$top_srcdir/sweeps/translation.json" >plain.json
sed 's/"keep": "all"/"constraints": {"memory_bytes": 2e9}/' "$top_srcdir/sweeps/translation.json" >never.json
sweep plain.db --profile rk3588 --sweep plain.json
sweep never.db --profile rk3588 --sweep never.json
refuses "plain points only" 1 'plain points only' heatmap --db plain.db
refuses "no drafter can run" 1 'no speculative point of sweep 1 can run .*the sweep allows' gamma --db never.db
sweep kept.db --profile rk3588 --keep pareto
refuses "no speculative point was kept" 1 'kept no speculative point \(--keep pareto\)' gamma --db kept.db
sweep some.db --profile rk3588 --keep top:40
run "$HEXPLORE" plot breakdown --db some.db
is "the baseline is shown even where it was not kept" "$status$err$(printf '%s\n' "$out" | grep -c '^plain: a76x4 ')" 01

# ---- text ----
best=$("$HEXPLORE" best --db all.db --top 1 --format csv | awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) if ($i == "speedup") c = i }
	NR == 2 { printf "%.2f", $c }')
run "$HEXPLORE" plot heatmap --db all.db
like "text heatmap marks the best of 'best'" "$out" " $best\\*"
like "text heatmap: question and answer" "$out" "Should llama-3.2-3b f16 speculate on rk3588\\? Yes: ${best}x, a76x4"
run "$HEXPLORE" plot breakdown 1 --db all.db
like "text breakdown of a point, and its baselines" "$out" '^plain: a76x4 +\|v'

# ---- hostile names: files', and what a database says where another program wrote it (names inside files are checked on reading) ----
evil='"; system("touch hit1"); " `touch hit2` '"'"'; system("touch hit3"); # @x %s \\ $(touch hit4) <b>&'
cp "$top_srcdir/hwprofiles/rk3588.json" "$evil.json"
sweep "$evil.db" --profile "$evil.json"
cp all.db renamed.db
if command -v sqlite3 >/dev/null; then
	sqlite3 renamed.db "UPDATE sweep SET keep = '$(printf %s "$evil" | sed "s/'/''/g")'"
fi

if ! command -v gnuplot >/dev/null; then
	skip "pictures" "gnuplot is not installed"
	done_testing
fi

# ---- pictures ----
# magic FILE BYTES
magic() {
	head -c "$2" "$1" | od -An -c | tr -d ' \n'
}
for kind in $kinds; do
	run "$HEXPLORE" plot $kind --db all.db
	is "$kind as text" "$status$err" 0
	is "$kind as text: at most 79 columns" "$(printf '%s\n' "$out" | awk 'length > 79')" ""
	for format in png svg pdf; do
		run "$HEXPLORE" plot $kind --db all.db -o $kind.$format
		is "$kind as $format" "$status$out$err" 0
	done
	is "$kind.png is a PNG" "$(magic $kind.png 4)" '211PNG'
	is "$kind.pdf is a PDF" "$(magic $kind.pdf 5)" '%PDF-'
	like "$kind.svg is an SVG" "$(head -5 $kind.svg)" '<svg'
	like "$kind.svg is whole" "$(tail -2 $kind.svg)" '</svg>'
	like "$kind.svg names profile and status" "$(cat $kind.svg)" 'profile rk3588 \(literature\)'
done
like "heatmap.svg: title" "$(cat heatmap.svg)" "Should llama-3.2-3b f16 speculate on rk3588\\? Yes: ${best}x"
like "heatmap.svg: the best cell" "$(cat heatmap.svg)" ">[[:space:]]*$best<"
like "heatmap.svg: axis" "$(cat heatmap.svg)" 'gamma \(tokens drafted per round\)'
like "gamma.svg: axis" "$(cat gamma.svg)" 'speedup over plain decoding'
like "gamma.svg: the best point" "$(cat gamma.svg)" ">$best at gamma"
like "breakdown.svg: axis" "$(cat breakdown.svg)" 'milliseconds per token'
like "breakdown.svg: the baseline" "$(cat breakdown.svg)" '>plain: a76x4<'
like "roofline.svg: axis" "$(cat roofline.svg)" 'arithmetic intensity \(operations per byte\)'
like "roofline.svg: operators" "$(cat roofline.svg)" 'ffn_up'
like "pareto.svg: axes" "$(cat pareto.svg)" 'latency \(ms/token\)'
like "pareto.svg: the other axis" "$(cat pareto.svg)" 'peak memory \(GB\)'
ok "pareto of plain points" "$HEXPLORE" plot pareto --db plain.db -o plain.svg
ok "roofline of a plain point" "$HEXPLORE" plot roofline 1 --db all.db -o point.svg
(umask 027 && "$HEXPLORE" plot gamma --db all.db -o mode.png)
is "the umask holds" "$(ls -l mode.png | cut -c1-10)" "-rw-r-----"

for kind in $kinds; do
	ok "$kind with hostile file names" "$HEXPLORE" plot $kind --db "$evil.db" -o "$evil $kind.svg"
	"$HEXPLORE" plot $kind --db renamed.db -o "renamed $kind.svg" 2>&1
	"$HEXPLORE" plot $kind --db renamed.db >/dev/null 2>&1
done
is "hostile names do nothing" "$(ls hit* 2>/dev/null)" ""
is "a hostile file name is a file name" "$(ls "$evil heatmap.svg")" "$evil heatmap.svg"
if command -v sqlite3 >/dev/null; then
	like "a hostile string is shown as it is" "$(cat 'renamed gamma.svg')" 'system\("touch hit1"\)'
fi
done_testing
