/* hexplore sweep: enumerate, predict, store, answer. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "core/evaluate.h"
#include "output/columns.h"
#include "output/progress.h"
#include "output/verdict.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	BYTES_PER_ROW = 210, /* of a stored point: 163 to 213 over the shipped profiles, fewer where many points cannot run */
	BYTES_FIXED = 50000, /* of the inputs' texts */
	BEST = 5,
	INTERRUPTED = 128 + SIGINT,
};

struct options {
	const char *profile, *sweep, *db, *jobs, *format;
	struct study_changes changes;
	bool dry_run, quiet, help;
};

/* What the batches of a running sweep are given to. */
struct job {
	struct store *store;
	struct store_sweep *stored;
	const struct predict *predict;
	struct findings findings;
	struct progress *progress;
	struct keeper keeper;
	struct hx_err *err;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_interrupt(bool on)
{
	struct sigaction action = {.sa_handler = on ? on_interrupt : SIG_DFL, .sa_flags = SA_RESETHAND}; /* a second Ctrl-C ends at once */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Takes a batch; non-zero ends the sweep. */
static int take(void *arg, const struct batch *b)
{
	struct job *j = arg;
	int rc = HX_OK;

	findings_join(&j->findings, &b->findings);
	if (j->keeper.keep == KEEP_ALL)
		rc = store_points(j->store, j->stored, j->predict, b->point, b->prediction, b->kept, b->first + (int64_t)b->n, j->err);
	else
		keeper_add(&j->keeper, b->point, b->prediction, b->kept);
	if (rc)
		return rc;
	j->stored->done = b->first + (int64_t)b->n;
	progress_update(j->progress, j->stored->done);
	return interrupted && j->stored->done < j->stored->size ? INTERRUPTED : HX_OK;
}

/* An interrupted sweep keeps the best of what it has seen. */
static int store_kept(struct job *j)
{
	keeper_finish(&j->keeper);
	return store_points(j->store, j->stored, j->predict, j->keeper.points, j->keeper.predictions, j->keeper.n, j->stored->done, j->err);
}

static void print_head(const struct study *st, const struct store_sweep *stored, const struct findings *found, double seconds, FILE *f)
{
	char points[TEXT_MAX], feasible[TEXT_MAX], time[TEXT_MAX], source[128];

	fprintf(f, "%s", st->target.name);
	for (size_t i = 0; i < st->sweep.n_drafters; i++)
		fprintf(f, "%s%s", i ? ", " : " with ", st->drafters[i].name);
	fprintf(f, " on %s (%s)\n", st->profile.name, profile_statuses[st->profile.status]);
	if (st->profile.status != PROFILE_MEASURED)
		fputs("not calibrated: boards of one SoC alone differ by up to 40 %\n", f);
	for (size_t i = 0; i < st->sweep.n_acceptance; i++) {
		accept_text(&st->sweep.acceptance[i], source, sizeof(source));
		fprintf(f, "%s%s (%s)", i ? ", " : "acceptance: ", source, profile_source_kinds[st->sweep.acceptance[i].kind]);
	}
	fputs(st->sweep.n_acceptance ? "\n" : "", f);
	if (st->costs.relative)
		fputs("times are in the unit of the costs table, not in seconds\n", f);
	fprintf(f, "sweep %lld, %s: %s points, %s can run, %s\n\n", (long long)stored->id, st->sweep.name, text_count(points, (double)stored->done),
		text_count(feasible, (double)found->feasible), text_time(time, seconds));
}

/* Head and verdict go to stdout with the table, to stderr beside a list meant for programs. */
static int answer(struct job *j, const struct space *space, enum report_format format, double seconds)
{
	struct store_query q = {.sweep = j->stored->id, .order = "speedup", .descending = true, .limit = BEST};
	FILE *f = format == REPORT_TABLE ? stdout : stderr;
	size_t rows;

	print_head(space->study, j->stored, &j->findings, seconds, f);
	verdict_print(j->predict, &j->findings, f);
	if (format == REPORT_TABLE)
		puts("");
	return columns_list(j->store, &q, format, space->study, &rows, j->err);
}

static int interrupted_message(const struct job *j, const char *db)
{
	return hx_err_set(j->err, INTERRUPTED, "interrupted: the first %lld of %lld points are kept as sweep %lld in %s; the same command starts anew",
			  (long long)j->stored->done, (long long)j->stored->size, (long long)j->stored->id, db);
}

/* A front needs a value in every objective; energies need powers. */
static int check_objectives(const struct predict *p, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;

	for (size_t o = 0; o < sw->n_objectives; o++) {
		bool known = false;

		for (int64_t i = 0; i < p->space->n_plain; i++)
			known |= !isnan(keeper_objective(&p->plain[i], (enum objective)sw->objectives[o]));
		if (!known)
			return study_fail(p->study, err, "objectives", "no point would have an energy: the profile has no 'power' for these units");
	}
	return HX_OK;
}

static int run_sweep(const struct options *o, const struct inputs *in, const struct predict *p, enum keep keep, int top, int jobs,
		     enum report_format format, struct hx_err *err)
{
	const struct space *space = p->space;
	const struct sweep *sw = &space->study->sweep;
	struct store_sweep stored = {.profile = (char *)o->profile, .sweep = (char *)o->sweep, .acceptance = (char *)o->changes.acceptance,
				     .costs = (char *)o->changes.costs, .keep = (char *)o->changes.keep, .size = space->size};
	struct job j = {.stored = &stored, .predict = p, .err = err};
	double seconds;
	int rc;

	if (keep == KEEP_PARETO && (rc = check_objectives(p, err)))
		return rc;
	catch_interrupt(true);
	if ((rc = store_open(&j.store, o->db, STORE_WRITE, err)))
		return rc;
	if ((rc = store_sweep_create(j.store, &stored, in, space, err)))
		goto out;
	findings_init(&j.findings, p);
	keeper_init(&j.keeper, keep, top, sw->objectives, sw->n_objectives);
	j.progress = progress_begin("points", space->size, o->quiet);
	rc = evaluate(p, 0, space->size, jobs, &j.keeper, take, &j);
	if ((!rc || rc == INTERRUPTED) && keep != KEEP_ALL && store_kept(&j))
		rc = HX_IO;
	catch_interrupt(false);
	seconds = progress_elapsed_s(j.progress);
	progress_end(j.progress);
	if (rc == INTERRUPTED)
		interrupted_message(&j, o->db);
	else if (!rc)
		rc = answer(&j, space, format, seconds);
	keeper_free(&j.keeper);
	findings_free(&j.findings);
out:
	store_close(j.store);
	return rc;
}

/* About how large the database becomes; a front's size is not known before. */
static double expected_bytes(const struct space *s, enum keep keep, int top)
{
	double rows = keep == KEEP_ALL ? (double)s->size : keep == KEEP_TOP ? fmin((double)s->size, top) : NAN;

	return BYTES_FIXED + rows * BYTES_PER_ROW;
}

/* Free bytes where a file would be created: on the file system of its nearest folder that exists. */
static double free_bytes(const char *path)
{
	char *folder = *path == '/' ? hx_xstrdup(path) : hx_xasprintf("./%s", path), *slash;
	struct statvfs fs = {0};
	bool found = false;

	while (!found && (slash = strrchr(folder, '/'))) {
		slash[slash == folder] = '\0';
		found = statvfs(folder, &fs) == 0 || slash == folder;
	}
	free(folder);
	return found && fs.f_blocks ? (double)fs.f_bavail * (double)fs.f_frsize : HUGE_VAL;
}

/* Better refused now than stopped by a full disk after hours. */
static int check_disk(const char *db, double bytes, struct hx_err *err)
{
	char need[TEXT_MAX], have[TEXT_MAX];
	double left = free_bytes(db);

	if (!(bytes > left))
		return HX_OK;
	return hx_err_set(err, HX_INPUT,
			  "about %s would be stored, and %s are free; --keep top:N stores less, and cuts, cut_step and cores make a space smaller",
			  text_bytes(need, bytes), text_bytes(have, left));
}

static int print_dry_run(const struct space *s, double bytes, enum report_format format)
{
	static const struct report_column columns[] = {
		{"points", "points", REPORT_NUMBER, 0, 0},
		{"plain", "plain", REPORT_NUMBER, 0, 0},
		{"speculative", "speculative", REPORT_NUMBER, 0, 0},
		{"target_mappings", "target mappings", REPORT_NUMBER, 0, 0},
		{"bytes", "file MB", REPORT_NUMBER, 3, 1e-6},
	};
	/* one object rather than a list of one */
	struct report *r = report_begin(stdout, format == REPORT_JSON ? REPORT_JSONL : format, columns, sizeof(columns) / sizeof(*columns));

	report_number(r, (double)s->size);
	report_number(r, (double)s->n_plain);
	report_number(r, (double)(s->size - s->n_plain));
	report_number(r, (double)s->target.n);
	report_number(r, bytes);
	report_end(r);
	return HX_OK;
}

static int load_and_run(const struct options *o, int jobs, enum report_format format, struct hx_err *err)
{
	struct inputs in = {0};
	struct study study = {0};
	struct space space = {0};
	struct predict predict = {0};
	enum keep keep;
	double bytes;
	int top = 0, rc;

	if ((rc = study_load(&study, &in, o->profile, o->sweep, &o->changes, err)) || (rc = space_init(&space, &study, err)))
		goto out;
	if ((rc = sweep_keep(o->changes.keep ? o->changes.keep : study.sweep.keep, &keep, &top, err)))
		goto out;
	bytes = expected_bytes(&space, keep, top);
	if (o->dry_run)
		rc = print_dry_run(&space, bytes, format);
	else if (!(rc = check_disk(o->db, bytes, err)) && !(rc = predict_init(&predict, &study, &space, err)) &&
		 !(rc = predict_fits(&predict, err)))
		rc = run_sweep(o, &in, &predict, keep, top, jobs, format, err);
out:
	if (predict.study)
		predict_free(&predict);
	if (space.study)
		space_free(&space);
	study_free(&study);
	inputs_free(&in);
	return rc;
}

int cmd_sweep(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct options o = {.sweep = "translation", .db = CMD_DEFAULT_DB};
	const struct opt opts[] = {
		{"profile", 'p', "P", "hardware profile: a file, or a name 'profile list' shows", &o.profile, NULL},
		{"sweep", 's', "S", "sweep: a file, or a name (default: translation)", &o.sweep, NULL},
		{"acceptance", 'a', "A", "acceptance of every pair: a number, or a source's name or file", &o.changes.acceptance, NULL},
		{"costs", 0, "FILE", "measured passes (CSV, or JSON of llama-bench), used where they have a row", &o.changes.costs, NULL},
		{"keep", 0, "K", "points stored: all, pareto or top:N (default: the sweep's, or all)", &o.changes.keep, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &o.db, NULL},
		{"jobs", 'j', "N", "threads (default: all cores)", &o.jobs, NULL},
		{"dry-run", 'n', NULL, "print the size of the space and of the file, and stop", NULL, &o.dry_run},
		{"format", 'f', "FMT", "of the best five: table, csv, json or jsonl", &o.format, NULL},
		{"quiet", 'q', NULL, "no progress", NULL, &o.quiet},
		{0}};
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	enum report_format format;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &o.help, err);

	if (rc || o.help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = report_format_parse(o.format, &format, err)))
		return rc;
	if (o.jobs && (rc = text_int(o.jobs, 1, 256, "--jobs", &jobs, err)))
		return rc;
	if (!o.profile)
		return hx_err_set(err, HX_INPUT, "sweep: which device? --profile P; 'hexplore profile list' shows those shipped");
	return load_and_run(&o, (int)(jobs > 0 ? jobs : 1), format, err);
}
