/* hexplore sweep: what to predict, where to, and whether it fits. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/sweep_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	BYTES_PER_ROW = 210, /* of a stored point: 163 to 213 over the shipped profiles, fewer where many points cannot run */
	BYTES_FIXED = 50000, /* of the inputs' texts */
};

struct options {
	const char *profile, *sweep, *db, *jobs, *format, *shard;
	struct study_changes changes;
	bool resume, dry_run, quiet, help;
};

/* About how large the database becomes; a front's size is not known before. */
static double expected_bytes(double points, enum keep keep, int top)
{
	double rows = keep == KEEP_ALL ? points : keep == KEEP_TOP ? fmin(points, top) : NAN;

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

static int print_dry_run(const struct space *s, const struct store_part *part, double bytes, enum report_format format)
{
	static const struct report_column columns[] = {
		{"points", "points", REPORT_NUMBER, 0, 0},
		{"plain", "plain", REPORT_NUMBER, 0, 0},
		{"speculative", "speculative", REPORT_NUMBER, 0, 0},
		{"target_mappings", "target mappings", REPORT_NUMBER, 0, 0},
		{"bytes", "file MB", REPORT_NUMBER, 3, 1e-6},
	};
	double plain = fmax(0, (double)((part->last < s->n_plain ? part->last : s->n_plain) - part->first));
	/* one object rather than a list of one */
	struct report *r = report_begin(stdout, format == REPORT_JSON ? REPORT_JSONL : format, columns, sizeof(columns) / sizeof(*columns));

	report_number(r, (double)(part->last - part->first));
	report_number(r, plain);
	report_number(r, (double)(part->last - part->first) - plain);
	report_number(r, (double)s->target.n);
	report_number(r, bytes);
	report_end(r);
	return HX_OK;
}

/* The latest unfinished sweep, with the inputs that the database holds. Its strings are run->stored's. */
static int find_unfinished(struct sweep_run *run, struct inputs *in, struct hx_err *err)
{
	struct store *s;
	int64_t id;
	int rc = store_open(&s, run->db, STORE_READ, err);

	if (rc)
		return rc;
	rc = store_sweep_unfinished(s, &id, &run->part, err);
	if (!rc && !id)
		rc = hx_err_set(err, HX_INPUT, "no sweep in '%s' is unfinished; --profile P begins one", run->db);
	if (!rc)
		rc = store_sweep_read(s, id, &run->stored, in, err);
	store_close(s);
	if (!rc && (!run->stored.version || strcmp(run->stored.version, HX_VERSION) != 0))
		rc = hx_err_set(err, HX_INPUT, "sweep %lld was begun by hexplore %s; this is %s, and may predict otherwise", (long long)id,
				run->stored.version, HX_VERSION);
	return rc;
}

/* The sweep that was asked for, from where it was left if it was begun. */
static int find_same(const struct options *o, struct sweep_run *run, const struct inputs *in, struct hx_err *err)
{
	int rc;

	if (!o->resume || run->stored.id || access(run->db, F_OK) != 0)
		return HX_OK;
	rc = store_open(&run->store, run->db, STORE_WRITE, err);
	return rc ? rc : store_sweep_find(run->store, &run->stored, &run->part, in, err);
}

/* Opens the database, where what is left fits. */
static int open_database(const struct options *o, struct sweep_run *run, struct hx_err *err)
{
	double left = (double)(run->part.last - run->part.done);
	struct hx_err said;
	int rc = left > 0 ? check_disk(run->db, expected_bytes(left, run->keep, run->top), err) : HX_OK;

	if (!rc && !run->store)
		rc = store_open(&run->store, run->db, STORE_WRITE, err);
	if (!rc && o->resume && !run->stored.id && !o->quiet) {
		hx_err_set(&said, HX_OK, "no such sweep of these very inputs is in %s; beginning it", run->db);
		cmd_complain(said.msg);
	}
	return rc;
}

/* What was found unfinished must be of the space that its inputs make, and the part that was asked for. */
static int check_unfinished(const struct options *o, const struct sweep_run *run, int64_t size, struct hx_err *err)
{
	int64_t first, last;

	if (run->stored.size != size)
		return hx_err_set(err, HX_INPUT, "database '%s' is damaged: sweep %lld has %lld points there, and %lld by its inputs", run->db,
				  (long long)run->stored.id, (long long)run->stored.size, (long long)size);
	shard_range(&run->shard, size, &first, &last);
	if (o->shard && (first != run->part.first || last != run->part.last))
		return hx_err_set(err, HX_INPUT, "sweep %lld, unfinished in '%s', is not part %d of %d", (long long)run->stored.id, run->db,
				  run->shard.index, run->shard.count);
	return HX_OK;
}

static int load_and_run(const struct options *o, struct sweep_run *run, struct session *l, struct hx_err *err)
{
	struct study_changes changes;
	int rc;

	if (o->profile) {
		run->stored = (struct store_sweep){.profile = hx_xstrdup(o->profile), .sweep = hx_xstrdup(o->sweep)};
		run->stored.acceptance = o->changes.acceptance ? hx_xstrdup(o->changes.acceptance) : NULL;
		run->stored.costs = o->changes.costs ? hx_xstrdup(o->changes.costs) : NULL;
		run->stored.keep = o->changes.keep ? hx_xstrdup(o->changes.keep) : NULL;
	} else if ((rc = find_unfinished(run, &l->inputs, err))) {
		return rc;
	}
	changes = (struct study_changes){run->stored.acceptance, run->stored.costs, run->stored.keep};
	if ((rc = study_load(&l->study, &l->inputs, run->stored.profile, run->stored.sweep, &changes, err)) || (rc = space_init(&l->space, &l->study, err)) ||
	    (rc = sweep_keep(changes.keep ? changes.keep : l->study.sweep.keep, &run->keep, &run->top, err)))
		return rc;
	if (o->profile) {
		run->stored.size = l->space.size;
		shard_range(&run->shard, l->space.size, &run->part.first, &run->part.last);
		run->part.done = run->part.first;
	} else if ((rc = check_unfinished(o, run, l->space.size, err))) {
		return rc;
	}
	if (o->dry_run)
		return print_dry_run(&l->space, &run->part, expected_bytes((double)(run->part.last - run->part.first), run->keep, run->top), run->format);
	if ((rc = predict_init(&l->predict, &l->study, &l->space, err)) || (rc = predict_fits(&l->predict, err)) ||
	    (rc = sweep_run_check(&l->predict, run->keep, err)) || (rc = find_same(o, run, &l->inputs, err)) || (rc = open_database(o, run, err)))
		return rc;
	run->predict = &l->predict;
	return sweep_run(run, &l->inputs, err);
}

/* What was typed, as far as it can be told without a file. */
static int check_options(const struct options *o, struct sweep_run *run, struct hx_err *err)
{
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	int rc;

	if ((rc = report_format_parse(o->format, &run->format, err)) || (o->jobs && (rc = text_int(o->jobs, 1, 256, "--jobs", &jobs, err))) ||
	    (o->shard && (rc = shard_parse(o->shard, &run->shard, err))))
		return rc;
	run->jobs = (int)(jobs > 0 ? jobs : 1);
	run->quiet = o->quiet;
	run->resume = o->resume;
	if (!o->profile && !o->resume)
		return hx_err_set(err, HX_INPUT, "sweep: which device? --profile P; 'hexplore profile list' shows those shipped");
	if (!o->profile && (o->sweep || o->changes.acceptance || o->changes.costs || o->changes.keep))
		return hx_err_set(err, HX_INPUT, "sweep --resume without --profile goes on as it was begun, without other options of the sweep");
	return HX_OK;
}

int cmd_sweep(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct options o = {.db = CMD_DEFAULT_DB};
	const struct opt opts[] = {
		{"profile", 'p', "P", "hardware profile: a file, or a name 'profile list' shows", &o.profile, NULL},
		{"sweep", 's', "S", "sweep: a file, or a name (default: translation)", &o.sweep, NULL},
		{"acceptance", 'a', "A", "acceptance of every pair: a number, or a source's name or file", &o.changes.acceptance, NULL},
		{"costs", 0, "FILE", "measured passes (CSV, or JSON of llama-bench), used where they have a row", &o.changes.costs, NULL},
		{"keep", 0, "K", "points stored: all, pareto or top:N (default: the sweep's, or all)", &o.changes.keep, NULL},
		{"db", 0, "F", "database (default: " CMD_DEFAULT_DB ")", &o.db, NULL},
		{"resume", 'r', NULL, "go on where the same sweep was left; alone: the latest unfinished", NULL, &o.resume},
		{"shard", 0, "I/N", "part I of N, into a database of its own; auto: as the launcher numbers", &o.shard, NULL},
		{"jobs", 'j', "N", "threads (default: all cores)", &o.jobs, NULL},
		{"dry-run", 'n', NULL, "print the size of the space and of the file, and stop", NULL, &o.dry_run},
		{"format", 'f', "FMT", "of the best five: table, csv, json or jsonl", &o.format, NULL},
		{"quiet", 'q', NULL, "no progress", NULL, &o.quiet},
		{0}};
	struct sweep_run run = {.shard = {1, 1}};
	struct session loaded = {0}; /* of which sweep and store are run's */
	char *shard_db = NULL;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &o.help, err);

	if (rc || o.help)
		return rc;
	if ((rc = cmd_no_arguments(about, argc, argv, first, err)) || (rc = check_options(&o, &run, err)))
		return rc;
	if (!o.sweep)
		o.sweep = "translation";
	if (o.shard)
		shard_db = shard_path(o.db, &run.shard);
	run.db = shard_db ? shard_db : o.db;
	rc = load_and_run(&o, &run, &loaded, err);
	store_sweep_free(&run.stored);
	store_close(run.store);
	session_close(&loaded);
	free(shard_db);
	return rc;
}
