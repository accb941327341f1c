#!/bin/sh
# The pair that ships: it translates, the drafter changes nothing but the speed, and its files agree with each other.
. "${top_srcdir:-$(dirname "$0")/..}/tests/tap.sh"

pair=$top_srcdir/models/pair
translate() {
	run "$HEXPLORE" run --target "$pair/pair-target.gguf" --prompt "$@"
}

# ---- the files ----
bytes=$(($(wc -c <"$pair/pair-target.gguf") + $(wc -c <"$pair/pair-drafter.gguf")))
ok "both take 12 MB at most, not $bytes bytes" [ "$bytes" -le 12000000 ]
for role in target drafter; do
	"$HEXPLORE" model show "pair-$role" -f csv | grep -Ev '^(name|description|from|quality)' >shape.csv
	"$HEXPLORE" model show "$pair/pair-$role.gguf" -f csv | grep -Ev '^(name|description|from|file)' >gguf.csv
	ok "the shape of the $role is that of its file" diff shape.csv gguf.csv
done
for role in target drafter; do
	like "the data's attribution is in the file of the $role" "$(grep -ac 'tatoeba.org by way of www.manythings.org/anki' "$pair/pair-$role.gguf")" '^[1-9]'
done

# ---- text ----
translate "Der Kaffee ist kalt." --quiet
is "it translates, and stops" "$status $out" "0 The coffee is cold."
awk 'NR % 12 == 1' "$pair/prompts.txt" >some.txt
while read -r german; do
	translate "$german" --quiet
	plain=$out
	for quant in f16 q4_0; do
		translate "$german" --quiet --draft "$pair/pair-drafter.gguf" --draft-quant $quant --gamma 3 --compare
		is "drafted in $quant, the text is the same: $german" "$status $out" "0 $plain"
	done
done <some.txt

# ---- acceptance ----
run "$HEXPLORE" sweep --quiet --profile rk3588 --sweep pair
like "its sweep has an acceptance for every combination" "$status $out" '^sweep [0-9]+, pair: ([0-9,]+) points, \1 can run'
done_testing
