/* hexplore calibrate: this machine as a hardware profile. */
#include "cmd/calibrate_show.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "output/progress.h"
#include "store/store_measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char by[] = "hexplore calibrate";

struct options {
	const char *output, *units, *types, *kernels, *largest, *db;
	bool quick, awake, force, quiet, help;
	struct calibrate_options what;
	char *path, *name; /* of the profile */
	double load;       /* before */
};

/* Marks what a list separated by commas names. all: what `all` marks, -1: no such word. */
static int mark(const char *list, const char *option, const char *const *names, bool *marked, int all, struct hx_err *err)
{
	char *copy = hx_xstrdup(list), *save, shown[80];
	int rc = HX_OK;

	for (char *word = strtok_r(copy, ",", &save); word && !rc; word = strtok_r(NULL, ",", &save)) {
		int i = 0;

		if (all >= 0 && strcmp(word, "all") == 0) {
			for (i = 0; i < all; i++)
				marked[i] = true;
			continue;
		}
		while (names[i] && strcmp(names[i], word) != 0)
			i++;
		if (names[i]) {
			marked[i] = true;
		} else {
			const char *near = text_nearest(word, names);

			rc = hx_err_set(err, HX_INPUT, "%s: nothing here is called '%s'%s%s%s", option, text_clean(shown, sizeof(shown), word),
					near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
	}
	free(copy);
	return rc;
}

/* The host's code needs a CPU. */
static int check_cpu(const struct options *o, const struct machine *m, struct hx_err *err)
{
	for (size_t i = 0; i < m->engine.units.n; i++)
		if (o->what.units[i] && m->engine.cpus[i])
			return HX_OK;
	return hx_err_set(err, HX_INPUT, "--units: a CPU has to be among them, for the host's code: add %s", m->engine.units.v[0]->name);
}

/* Those that are here and open; why one does not is told. */
static void choose_devices(struct options *o, struct machine *m)
{
	for (int i = 0; i < MACHINE_DEVICES; i++) {
		int unit = hx_unit_find(&m->engine.units, machine_devices[i], strlen(machine_devices[i]));
		struct hx_place place;
		struct hx_err err;

		o->what.units[unit] = hx_engine_place(&m->engine, unit, 0, 1, &place, &err) == HX_OK;
		if (!o->what.units[unit] && (size_t)i < m->engine.n_found)
			fprintf(stderr, "hexplore: not measured: %s\n", err.msg);
	}
}

/* Without --units every cluster, by its own name, and every device. */
static int choose_units(struct options *o, struct machine *m, struct hx_err *err)
{
	const char *names[HX_MAX_UNITS + 1] = {NULL};
	int rc;

	for (size_t i = 0; i < m->engine.units.n; i++)
		names[i] = m->engine.units.v[i]->name;
	if (o->units && strspn(o->units, ",") == strlen(o->units))
		return hx_err_set(err, HX_INPUT, "--units: names none; 'hexplore devices' lists them");
	if (o->units) {
		rc = mark(o->units, "--units", names, o->what.units, -1, err);
		return rc ? rc : check_cpu(o, m, err);
	}
	for (int i = 0; i < m->probe.n_clusters; i++)
		o->what.units[i] = true;
	choose_devices(o, m);
	return HX_OK;
}

/* Attention needs the kernel of f16. */
static int choose_types(struct options *o, struct hx_err *err)
{
	o->what.types[HX_F16] = true;
	return mark(o->types ? o->types : "f16,q8_0,q4_0", "--types", hx_type_names, o->what.types, HX_TYPE_COUNT, err);
}

/* Name of the profile: that of its file. */
static int choose_output(struct options *o, struct hx_err *err)
{
	char host[65] = "", shown[256];
	const char *base;
	size_t len;

	if (gethostname(host, sizeof(host) - 1) != 0 || !text_is_name(host))
		strcpy(host, "unknown");
	o->path = o->output ? hx_xstrdup(o->output) : hx_xasprintf("host-%s.json", host);
	base = strrchr(o->path, '/') ? strrchr(o->path, '/') + 1 : o->path;
	len = strlen(base);
	if (len > 5 && strcmp(base + len - 5, ".json") == 0)
		len -= 5;
	o->name = hx_xasprintf("%.*s", (int)len, base);
	if (text_is_name(o->name))
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "--output: a profile cannot be called '%s': letters, digits and ._+- make a name",
			  text_clean(shown, sizeof(shown), o->name));
}

/* Only an earlier calibration is replaced without being told to. */
static int check_output(const struct options *o, struct hx_err *err)
{
	struct inputs in = {0};
	const struct input *file;
	struct profile p;
	struct stat st;
	struct hx_err ignored;
	char shown[256];
	bool ours = false;

	if (o->force || stat(o->path, &st) != 0)
		return HX_OK;
	if (S_ISREG(st.st_mode) && input_find(&in, INPUT_PROFILE, o->path, &file, &ignored) == HX_OK &&
	    profile_parse(&p, file->text, file->len, file->path, &ignored) == HX_OK) {
		const struct source *s = profile_source(&p, "host");

		ours = s && strncmp(s->from, by, sizeof(by) - 1) == 0;
		profile_free(&p);
	}
	inputs_free(&in);
	if (ours)
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "'%s' is there, and no calibration; --force replaces it", text_clean(shown, sizeof(shown), o->path));
}

static int read_options(struct options *o, const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	const struct opt opts[] = {
		{"output", 'o', "FILE", "the profile to write (default: host-NAME.json)", &o->output, NULL},
		{"units", 0, "U,...", "measure these units (default: all that 'devices' shows)", &o->units, NULL},
		{"types", 0, "T,...", "weight types, or all (default: f16,q8_0,q4_0; f16 always)", &o->types, NULL},
		{"quick", 0, NULL, "fewer and shorter measurements, for a first impression", NULL, &o->quick},
		{"awake", 0, NULL, "keep idle processors from sleeping; validate then does too", NULL, &o->awake},
		{"kernels", 0, "SET", "kernels to measure (default: the fastest)", &o->kernels, NULL},
		{"largest", 0, "SIZE", "no model larger than that (default: 4 last-level caches)", &o->largest, NULL},
		{"db", 0, "FILE", "store the samples there (default: " CMD_DEFAULT_DB ")", &o->db, NULL},
		{"force", 0, NULL, "replace a file that is no calibration", NULL, &o->force},
		{"quiet", 'q', NULL, "no progress", NULL, &o->quiet},
		{0}};
	int first, rc = opt_parse(argc, argv, about, opts, &first, &o->help, err);

	if (rc || o->help)
		return rc;
	if (!(rc = cmd_no_arguments(about, argc, argv, first, err)) && o->largest)
		rc = text_number(o->largest, 1e5, 1e12, "--largest", &o->what.largest_bytes, err);
	if (!rc)
		rc = choose_types(o, err);
	if (!rc)
		rc = choose_output(o, err);
	if (!rc)
		rc = file_may_write(o->path, true, err); /* better said now than after minutes */
	return rc ? rc : check_output(o, err);
}

static void warn(const struct options *o, const struct machine *m)
{
	if (o->load > MACHINE_BUSY)
		fprintf(stderr, "hexplore: this machine is busy (load %.2f): figures will be too slow and scatter\n", o->load);
	for (int i = 0; i < m->probe.n_clusters; i++)
		if (*m->probe.clusters[i].governor && strcmp(m->probe.clusters[i].governor, "performance") != 0)
			fprintf(stderr, "hexplore: the clock of %s is governed by '%s', not fixed\n", m->probe.clusters[i].name, m->probe.clusters[i].governor);
}

static void describe(struct calibration *c, const struct options *o, const struct machine *m)
{
	struct profile *p = &c->profile;
	char memory[TEXT_MAX], date[16], *who;
	time_t now = time(NULL);

	strftime(date, sizeof(date), "%Y-%m-%d", localtime(&now));
	p->name = hx_xstrdup(o->name);
	p->host.awake = o->awake;
	p->soc = hx_xstrdup(*m->probe.machine ? m->probe.machine : p->units[0].core);
	p->description = hx_xasprintf("Calibrated on %s with %s kernels, %s of memory, load %.2f before%s. Passes held out: %.1f %% off on average, %.1f %% at worst. "
				      "Of %d passes %d scattered%s.",
				      date, m->engine.kernels->name, text_bytes(memory, p->memory.capacity_bytes), isnan(o->load) ? 0 : o->load,
				      o->awake ? ", processors kept awake" : "",
				      100 * c->passes.mean, 100 * c->passes.worst, c->n_passes, c->restless,
				      10 * c->restless > c->n_passes ? ": the machine was not at rest, calibrate again" : "");
	who = hx_xasprintf("%s %s, %s, %s kernels", by, HX_VERSION, date, m->engine.kernels->name);
	calibrate_sources(c, who);
	free(who);
}

static void put_text(FILE *f, const void *text)
{
	fputs(text, f);
}

static int write_profile(const struct calibration *c, const char *path, struct hx_err *err)
{
	struct profile again;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int rc;

	if (!f)
		abort();
	field_write(f, &c->profile, &profile_fields);
	fclose(f);
	rc = profile_parse(&again, text, size, path, err); /* a figure out of all bounds is no profile */
	if (!rc) {
		profile_free(&again);
		rc = file_write(path, put_text, text, err);
	}
	free(text);
	return rc;
}

static struct store_sample stored(const struct calibration *c, const struct calibrate_sample *s)
{
	double in = s->op.in_row / sizeof(float), weights = s->op.flop_row / 2;
	bool typed = s->op.flop_row > 0 || s->op.flop_row_pos > 0;

	return (struct store_sample){.unit = c->profile.units[s->op.unit].is.name, .cores = s->op.cores, .kind = hx_op_names[s->op.kind],
				     .type = typed ? hx_type_names[s->op.type] : NULL, .rows = (int64_t)(s->op.logits ? s->logits : s->rows),
				     .n_out = weights > 0 ? (int64_t)(weights / in) : 0, .n_in = (int64_t)in, .footprint_bytes = s->footprint_bytes,
				     .seconds = s->seconds, .held_out = s->held_out};
}

static int store(const struct calibration *c, struct store *db, int64_t run, struct hx_err *err)
{
	struct store_sample *samples = hx_xcalloc(c->n, sizeof(*samples));
	int rc;

	for (size_t i = 0; i < c->n; i++)
		samples[i] = stored(c, &c->samples[i]);
	rc = store_samples_add(db, run, samples, c->n, err);
	free(samples);
	return rc ? rc : store_run_end(db, run, err);
}

static int begin_run(const struct options *o, const struct machine *m, int argc, char **argv, struct store **db, int64_t *run, struct hx_err *err)
{
	struct store_run_row row = {.load = o->load};
	char *fingerprint, *command = cmd_line(argc, argv);
	int rc = store_open(db, o->db ? o->db : CMD_DEFAULT_DB, STORE_WRITE, err);

	row.command = command;
	row.device = fingerprint = probe_fingerprint(&m->probe);
	if (!rc)
		rc = store_run_begin(*db, &row, run, err);
	free(fingerprint);
	free(command);
	return rc;
}

struct shown {
	struct progress *progress;
	bool quiet;
};

static void show_progress(void *arg, int done, int all)
{
	struct shown *s = arg;

	if (!s->progress)
		s->progress = progress_begin("visits of models", all, s->quiet);
	if (done)
		progress_update(s->progress, done);
}

static int measure(struct calibration *c, struct machine *m, struct options *o, struct hx_err *err)
{
	struct shown shown = {.quiet = o->quiet};
	int rc;

	o->what.quick = o->quick;
	o->what.stop = interrupt_flag();
	o->what.progress = show_progress;
	o->what.arg = &shown;
	interrupt_catch(true);
	rc = calibrate(c, m, &o->what, err);
	interrupt_catch(false);
	if (rc && interrupt_came())
		rc = hx_err_set(err, INTERRUPT_STATUS, "interrupted: nothing is written");
	if (shown.progress)
		progress_end(shown.progress);
	return rc;
}

static int run(struct options *o, struct machine *m, int argc, char **argv, struct hx_err *err)
{
	struct calibration c = {0};
	struct store *db = NULL;
	int64_t id = 0;
	int rc = begin_run(o, m, argc, argv, &db, &id, err);

	warn(o, m);
	if (!rc)
		rc = measure(&c, m, o, err);
	if (!rc)
		rc = store(&c, db, id, err);
	if (!rc) {
		describe(&c, o, m);
		rc = write_profile(&c, o->path, err);
	}
	if (!rc)
		calibrate_show(&c, o->path);
	calibrate_free(&c);
	store_close(db);
	return rc;
}

int cmd_calibrate(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct options o = {.load = machine_load()};
	struct machine *m = hx_xcalloc(1, sizeof(*m));
	int rc = read_options(&o, about, argc, argv, err);

	if (!rc && !o.help && !(rc = machine_init(m, NULL, o.kernels, err))) {
		if (!(rc = choose_units(&o, m, err)) && o.awake)
			rc = machine_keep_awake(m, err);
		if (!rc)
			rc = run(&o, m, argc, argv, err);
		machine_free(m);
	}
	free(m);
	free(o.path);
	free(o.name);
	return rc;
}
