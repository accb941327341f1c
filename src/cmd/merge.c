/* hexplore merge: join databases of shards or of several devices. */
#include "base/text.h"
#include "cmd/answer.h"
#include "cmd/cmd.h"
#include "cmd/intervals.h"
#include "cmd/session.h"
#include "store/store_measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows stored of a sweep. */
static int count_row(void *arg, const struct store_value *values)
{
	(void)values;
	++*(double *)arg;
	return HX_OK;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* One line on stderr for every run of points that no part has evaluated. */
static int print_gaps(struct store *s, const struct store_sweep *sweep, struct hx_err *err)
{
	struct store_part *parts;
	int64_t next = 0;
	size_t n;
	int rc = store_parts_read(s, sweep->id, &parts, &n, err);

	for (size_t i = 0; i <= n && !rc; i++) {
		int64_t first = i < n ? parts[i].first : sweep->size;

		if (first > next)
			fprintf(stderr, "hexplore: sweep %lld lacks points %lld to %lld of %lld\n", (long long)sweep->id, (long long)next + 1,
				(long long)first, (long long)sweep->size);
		if (i < n)
			next = parts[i].done;
	}
	free(parts);
	return rc;
}

static int print_sweeps(struct store *s, const int64_t *ids, size_t n, enum report_format format, struct hx_err *err)
{
	static const struct report_column columns[] = {
		{"sweep", "sweep", REPORT_NUMBER, 0, 0},   {"name", "name", REPORT_TEXT, 0, 0},   {"profile", "profile", REPORT_TEXT, 0, 0},
		{"parts", "parts", REPORT_NUMBER, 0, 0},   {"done", "points", REPORT_NUMBER, 0, 0}, {"size", "of", REPORT_NUMBER, 0, 0},
		{"rows", "kept", REPORT_NUMBER, 0, 0},
	};
	static const char *const id_column[] = {"id"};
	struct report *r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));
	int rc = HX_OK;

	for (size_t i = 0; i < n && !rc; i++) {
		struct store_query q = {.sweep = ids[i], .columns = id_column, .n_columns = 1, .infeasible = true};
		struct store_sweep sweep;
		double rows = 0;

		if ((rc = store_sweep_read(s, ids[i], &sweep, NULL, err)))
			break;
		if (!(rc = store_select(s, &q, count_row, &rows, err)) && !(rc = print_gaps(s, &sweep, err))) {
			report_number(r, (double)sweep.id);
			report_text(r, sweep.sweep);
			report_text(r, sweep.profile);
			report_number(r, sweep.parts);
			report_number(r, (double)sweep.done);
			report_number(r, (double)sweep.size);
			report_number(r, rows);
		}
		store_sweep_free(&sweep);
	}
	report_end(r);
	return rc;
}

/* Parts have no answer of their own: a sweep that became whole gets it here. */
static bool became_whole(struct store *s, int64_t id)
{
	struct store_sweep sweep;
	struct hx_err ignored;
	bool whole = store_sweep_read(s, id, &sweep, NULL, &ignored) == HX_OK && sweep.parts > 1 && sweep.done == sweep.size;

	store_sweep_free(&sweep);
	return whole;
}

/* Stores the intervals, and prints the answer if it is wanted. */
static int complete(const char *db, int64_t id, bool print, struct hx_err *err)
{
	struct findings found = {0};
	struct store *store = NULL;
	struct session s;
	char text[TEXT_MAX];
	int rc;

	snprintf(text, sizeof(text), "%lld", (long long)id);
	if ((rc = session_open(&s, db, text, err)))
		return rc;
	if (!(rc = session_load(&s, err))) {
		findings_init(&found, &s.predict);
		if (!(rc = store_findings_read(s.store, id, &s.space, &found, err)) && !(rc = store_open(&store, db, STORE_WRITE, err)))
			rc = intervals_store(store, &s.sweep, &s.predict, &found, err);
		store_close(store);
		if (!rc && print) {
			puts("");
			rc = answer_print(s.store, &s.sweep, &s.predict, &found, NULL, REPORT_TABLE, err);
		}
		findings_free(&found);
	}
	session_close(&s);
	return rc;
}

/* Runs are of one device and one moment; joined, they would count twice when the files are joined again. */
static int tell_what_stays(struct store *s, const char *path, struct hx_err *err)
{
	char shown[256];
	int64_t n;
	int rc = store_measurements(s, &n, err);

	if (!rc && n)
		fprintf(stderr, "hexplore: measurements stay in '%s': predictions alone are joined\n", text_clean(shown, sizeof(shown), path));
	return rc;
}

/* The files that are not db itself, each tried so that a bad one leaves no new database behind. */
static int check_files(const char *db, char **files, int *n, struct hx_err *err)
{
	struct store *s;
	int kept = 0, rc = HX_OK;

	for (int i = 0; i < *n && !rc; i++) {
		if (same_file(files[i], db))
			continue;
		if (!(rc = store_open(&s, files[i], STORE_READ, err))) {
			rc = tell_what_stays(s, files[i], err);
			store_close(s);
		}
		files[kept++] = files[i];
	}
	*n = kept;
	return rc;
}

static int merge(const char *db, char **files, int n, enum report_format format, struct hx_err *err)
{
	struct store *into = NULL;
	struct store_sweep any = {0};
	struct hx_err ignored;
	int64_t *ids = NULL;
	size_t n_ids = 0;
	bool there, unused = false, *whole;
	int rc;

	if ((rc = check_files(db, files, &n, err)))
		return rc;
	there = access(db, F_OK) == 0;
	if ((rc = store_open(&into, db, STORE_WRITE, err)))
		return rc;
	rc = store_merge(into, files, (size_t)n, &ids, &n_ids, err);
	if (!rc)
		rc = print_sweeps(into, ids, n_ids, format, err);
	whole = hx_xcalloc(n_ids + 1, sizeof(*whole));
	for (size_t i = 0; i < n_ids && !rc; i++)
		whole[i] = became_whole(into, ids[i]);
	if (rc && !there)
		unused = store_sweep_read(into, 0, &any, NULL, &ignored) != HX_OK;
	store_sweep_free(&any);
	store_close(into);
	if (unused)
		unlink(db);
	for (size_t i = 0; i < n_ids && !rc; i++)
		if (whole[i])
			rc = complete(db, ids[i], n_ids == 1 && format == REPORT_TABLE, err);
	free(whole);
	free(ids);
	return rc;
}

int cmd_merge(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const char *db = CMD_DEFAULT_DB, *format_text = NULL;
	bool help = false;
	const struct opt opts[] = {
		{"db", 0, "F", "database that they are joined into (default: " CMD_DEFAULT_DB ")", &db, NULL},
		{"format", 'f', "FMT", "of the list of sweeps: table, csv, json or jsonl", &format_text, NULL},
		{0}};
	enum report_format format;
	int first, rc = opt_parse(argc, argv, about, opts, &first, &help, err);

	if (rc || help)
		return rc;
	if (first >= argc)
		return hx_err_set(err, HX_INPUT, "merge: which databases? Those of the parts, such as results/hexplore-*-of-4.db");
	if ((rc = report_format_parse(format_text, &format, err)))
		return rc;
	return merge(db, argv + first, argc - first, format, err);
}
