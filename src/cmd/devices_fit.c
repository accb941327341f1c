/* Which profiles fit this machine: their CPUs are its CPUs, and their GPUs are found by their OpenCL names. */
#include "cmd/devices.h"

#include "base/text.h"
#include "cmd/inputs.h"
#include "core/profile.h"

#include <stdlib.h>
#include <string.h>

/* Units of a profile whose kind is here; what is not as it says, a line each. */
struct fit {
	int alike, differ;
	char *lines; /* owned */
};

/* Takes line. */
static void differs(struct fit *f, char *line)
{
	char *all = hx_xasprintf("%s  %s\n", f->lines ? f->lines : "", line);

	f->differ++;
	free(f->lines);
	f->lines = all;
	free(line);
}

/* Names may come from files and are long at times. */
static const char *shown(char buf[36], const char *name)
{
	return inputs_shown(buf, 36, REPORT_TABLE, name);
}

/* The cluster of a unit's kind of core, with as many if there is one; NULL: none. */
static const struct probe_cluster *cluster_of(const struct probe *p, const struct unit *u)
{
	const struct probe_cluster *like = NULL;

	for (int i = 0; i < p->n_clusters; i++)
		if (strcmp(p->clusters[i].core, u->core) == 0 && (!like || p->clusters[i].cores == u->is.cores))
			like = &p->clusters[i];
	return like;
}

static void fit_cpu(struct fit *f, const struct probe *p, const struct unit *u)
{
	const struct probe_cluster *like = cluster_of(p, u);
	char name[36];

	f->alike += like != NULL;
	if (!like)
		differs(f, hx_xasprintf("it has %d %s, here is none", u->is.cores, shown(name, u->core)));
	else if (like->cores != u->is.cores)
		differs(f, hx_xasprintf("it has %d %s, here are %d", u->is.cores, shown(name, u->core), like->cores));
}

/* Cores that are here must be in the profile too. */
static void fit_cluster(struct fit *f, const struct profile *profile, const struct probe_cluster *c)
{
	char name[36];

	for (size_t u = 0; u < profile->n_units; u++)
		if (profile->units[u].is.kind == HX_CPU && strcmp(profile->units[u].core, c->core) == 0)
			return;
	differs(f, hx_xasprintf("it has no %s, here are %d", shown(name, c->core), c->cores));
}

static void fit_opencl(struct fit *f, const struct devices *d, const struct unit *u)
{
	const struct hx_cl_wish wish = {u->platform, u->device, 0};
	char name[36];

	if (!u->platform && !u->device)
		return; /* no unit that the engine could find */
	if (hx_cl_choose(d->cl, d->n_cl, &wish))
		f->alike++;
	else
		differs(f, hx_xasprintf("its %s (%.20s) is not among the OpenCL devices", shown(name, u->core), u->is.name));
}

static struct fit fit(const struct devices *d, const struct profile *p)
{
	struct fit f = {0};

	for (size_t u = 0; u < p->n_units; u++)
		if (p->units[u].is.kind == HX_CPU)
			fit_cpu(&f, &d->probe, &p->units[u]);
		else
			fit_opencl(&f, d, &p->units[u]);
	for (int i = 0; i < d->probe.n_clusters; i++)
		fit_cluster(&f, p, &d->probe.clusters[i]);
	return f;
}

/* With the devices that its units are. */
static void print_fit(const struct devices *d, const struct profile *p)
{
	printf("profile '%s' fits: CPUs", p->name);
	for (size_t u = 0; u < p->n_units; u++) {
		const struct hx_cl_wish wish = {p->units[u].platform, p->units[u].device, 0};
		const struct hx_cl_info *device = p->units[u].is.kind != HX_CPU && (wish.platform || wish.device) ? hx_cl_choose(d->cl, d->n_cl, &wish) : NULL;
		char name[36];

		if (device)
			printf(", %s (%.20s)", shown(name, device->name), p->units[u].is.name);
	}
	puts("");
}

struct nearest {
	char *name;
	struct fit fit;
};

static void keep_nearest(struct nearest *n, const char *name, struct fit f)
{
	if (f.alike && (!n->name || f.differ < n->fit.differ || (f.differ == n->fit.differ && f.alike > n->fit.alike))) {
		free(n->name);
		free(n->fit.lines);
		*n = (struct nearest){hx_xstrdup(name), f};
	} else {
		free(f.lines);
	}
}

/* Whether it fits. A profile that cannot be read fits nothing; `profile check` says why. */
static bool try_profile(const struct devices *d, const char *name, struct nearest *nearest)
{
	struct inputs in = {0};
	const struct input *file;
	struct profile profile;
	struct hx_err ignored;
	bool fits = false;

	if (input_find(&in, INPUT_PROFILE, name, &file, &ignored) == HX_OK &&
	    profile_parse(&profile, file->text, file->len, file->path, &ignored) == HX_OK) {
		struct fit f = fit(d, &profile);

		fits = !f.differ;
		if (fits)
			print_fit(d, &profile);
		keep_nearest(nearest, name, f);
		profile_free(&profile);
	}
	inputs_free(&in);
	return fits;
}

void devices_print_profiles(const struct devices *d)
{
	char **names = input_names(INPUT_PROFILE);
	struct nearest nearest = {0};
	int fitting = 0;

	for (size_t i = 0; names[i]; i++)
		fitting += try_profile(d, names[i], &nearest);
	if (!fitting && nearest.name)
		printf("no profile fits; the nearest is '%s', but\n%s", nearest.name, nearest.fit.lines);
	else if (!fitting)
		puts("no profile fits: none has any of these CPUs or devices");
	if (!fitting)
		puts("'hexplore calibrate' measures this machine into one");
	free(nearest.name);
	free(nearest.fit.lines);
	input_names_free(names);
}
