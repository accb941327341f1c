# The page of `make results`, from the points of `hexplore report --format csv`. Variables: profile, the calibrated one; work, the folder with the texts
# that are quoted.

# Fields of a line of CSV into f, as the header line named them.
function fields(line, f,    n, at, part) {
	n = 0
	while (line != "" || !n) {
		if (match(line, /^"([^"]|"")*"/)) {
			part = substr(line, 2, RLENGTH - 2)
			gsub(/""/, "\"", part)
		} else {
			match(line, /^[^,]*/)
			part = substr(line, 1, RLENGTH)
		}
		f[names ? name[++n] : ++n] = part
		line = substr(line, RLENGTH + 1)
		if (line == ",") { # an empty field ends it
			f[names ? name[++n] : ++n] = ""
			break
		}
		line = substr(line, 2)
	}
	return n
}

function abs(x) { return x < 0 ? -x : x }
function percent(x, sign) { return sprintf(sign ? "%+.1f %%" : "%.1f %%", 100 * x) }

# A point in words: quantisations, mappings, draft length, mode.
function point(r,    s) {
	s = "point " p[r, "sweep"] ":" p[r, "id"] ", target " p[r, "target_quant"] " on " p[r, "target_map"]
	s = s ", drafter " p[r, "drafter"]
	if (p[r, "draft_map"] != "")
		s = s " " p[r, "draft_quant"] " on " p[r, "draft_map"]
	return s ", gamma " p[r, "gamma"] ", " p[r, "mode"]
}

function speedups(r) {
	return sprintf("predicted %.3f, measured %.3f", p[r, "predicted_speedup"], p[r, "measured_speedup"])
}

# Adds a row to the errors of a group.
function add(g, r,    e) {
	e = error[r]
	n[g]++; sum[g] += abs(e); bias[g] += e
	if (!(g in worst) || abs(e) > abs(error[worst[g]])) worst[g] = r
	if (abs(e) <= 0.05) five[g]++
	if (abs(e) <= 0.1) ten[g]++
}

# Adds a row to what the page says of all points: the last measurement of each.
function take(r,    predicted, measured) {
	predicted = p[r, "predicted_speedup"]; measured = p[r, "measured_speedup"]
	synthesised += p[r, "synthesised"]
	add("all", r); add("sweep" SUBSEP p[r, "sweep"], r)
	if ((predicted > 1) == (measured > 1)) right++
	else if (!wrong || abs(measured - 1) > abs(p[wrong, "measured_speedup"] - 1)) wrong = r
	if (!best || measured > p[best, "measured_speedup"]) best = r
	if (predicted < 1 && (!no || measured < p[no, "measured_speedup"])) no = r
}

function row(g, text) {
	printf "| %s | %d | %s | %s | %s | %d | %d |\n", text, n[g], percent(sum[g] / n[g]), percent(error[worst[g]], 1), percent(bias[g] / n[g], 1), five[g], ten[g]
}

# A file of work/, as code.
function quote(file, but,    line) {
	while ((getline line < (work "/" file)) > 0)
		if (!but || line !~ but)
			print line == "" ? "" : "    " line
	close(work "/" file)
	print ""
}

# A text of the profile.
function described(key,    line, text) {
	while (text == "" && (getline line < profile) > 0)
		if (match(line, "^[ \t]*\"" key "\": \"")) {
			text = substr(line, RLENGTH + 1)
			sub(/",?$/, "", text)
		}
	close(profile)
	return text
}

NR == 1 {
	columns = fields($0, name)
	names = 1
	next
}
{
	delete f
	fields($0, f)
	if (f["measured_speedup"] == "" || f["predicted_speedup"] == "")
		next
	for (c in f)
		p[NR, c] = f[c]
	error[NR] = f["predicted_speedup"] / f["measured_speedup"] - 1
	rows[++n_rows] = NR
	if (!(("run", f["run"]) in n)) runs[++n_runs] = f["run"]
	add("run" SUBSEP f["run"], NR)
	key = f["sweep"] ":" f["id"]
	if (key in last) { # beside the run before
		before = p[last[key], "measured_speedup"]
		d = f["measured_speedup"] / before - 1
		twice++; spread += abs(d)
		if (abs(d) > abs(most)) { most = d; most_at = NR }
		if ((f["measured_speedup"] > 1) == (before > 1)) same++
	}
	last[key] = NR
}
END {
	print "# Predicted and measured\n"
	print "Written by `make results`; the figures are of the files beside it.\n"
	if (!n_rows) {
		print "Nothing was measured yet."
		exit
	}
	while ((getline line < (work "/state")) > 0)
		if (line ~ /^sweep /)
			sweeps[++n_sweeps] = substr(line, 7)
	for (i = 1; i <= n_rows; i++)
		if (last[p[rows[i], "sweep"] ":" p[rows[i], "id"]] == rows[i])
			take(rows[i])
	printf "Of %d points that were run on the machine below, the predicted speedup is %s off on average, %s at worst, with a bias of %s; ", n["all"], percent(sum["all"] / n["all"]), percent(error[worst["all"]], 1), percent(bias["all"] / n["all"], 1)
	printf "it is within 5 %% at %d points, within 10 %% at %d. ", five["all"], ten["all"]
	printf "The points are a random sample over gamma, mappings, modes and quantisations, drawn before anything was measured; calibration has run other models and seen none of them. "
	if (synthesised)
		printf "Of %d the weights are random or the acceptance is imposed: their timing is real, their text is not.", synthesised
	print "\n\n![Predicted over measured speedup](validation.png)\n"
	print "| | measured | mean absolute error | worst | bias | within 5 % | within 10 % |\n|---|---|---|---|---|---|---|"
	for (i = 1; i <= n_sweeps; i++)
		row("sweep" SUBSEP i, sweeps[i])
	row("all", "all")
	print "\nThe worst is " point(worst["all"]) ": " speedups(worst["all"]) ".\n"

	print "## What it says\n"
	print (p[best, "measured_speedup"] > 1 ? "It pays most at " : "It pays at none of them; nearest to it comes ") point(best) ": " speedups(best) ", over the best plain decoding of that quantisation.\n"
	if (no)
		print "The answer is no, for one, at " point(no) ": " speedups(no) ".\n"
	printf "Whether a point is faster than plain decoding is predicted rightly at %d points of %d", right, n["all"]
	print right < n["all"] ? "; of the others the one furthest from 1 is " point(wrong) ": " speedups(wrong) ".\n" : ".\n"
	print "The whole spaces' answers, before anything of them was measured:\n"
	for (i = 1; i <= n_sweeps; i++)
		quote("sweep-" sweeps[i] ".txt")

	print "## Run by run\n"
	print "| run | points | mean absolute error | worst | bias | within 5 % | within 10 % |\n|---|---|---|---|---|---|---|"
	for (i = 1; i <= n_runs; i++)
		row("run" SUBSEP runs[i], runs[i])
	if (twice)
		printf "\n%d points were measured again: the speedups of two runs differ by %s on average, %s at most (%s), and %d of them agree in whether it pays.\n\n", \
			twice, percent(spread / twice), percent(most, 1), point(most_at), same
	else
		print "\nEach point was measured in one run; `make results` again adds another.\n"

	print "## The report\n\nOf the latest run of each pair:\n"
	quote("report.txt")
	print "## The machine\n"
	print described("soc") ". " described("description") "\n"
	while ((getline line < (work "/note")) > 0)
		print line "\n"
	quote("devices.txt", "^(Linux|no profile fits|'hexplore calibrate')")
	print "and as calibrated, into [machine.json](machine.json):\n"
	quote("calibrate.txt")
	print "![What the calibration measured beside what the profile says](roofline.png)\n"
	print "## Commands\n"
	print "`make results` in the top folder of the source; with `pair` for the pair that ships, and random weights for the other:\n"
	quote("commands")
	print "[points.csv](points.csv) has a line for each point and run, [report.txt](report.txt) the report above."
}
