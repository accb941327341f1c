/* Hardware profiles: checks between fields, and look-ups. */
#include "core/profile.h"

#include "engine/plan.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a check needs to name a line: the text being checked. */
struct check {
	struct profile *p;
	const char *text, *name;
	size_t len;
	struct hx_err *err;
	char path[128];
};

static void at(struct check *c, const char *fmt, ...) HX_PRINTF(2, 3);

static void at(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->path, sizeof(c->path), fmt, ap);
	va_end(ap);
}

#define FAIL(c, ...) field_fail((c)->text, (c)->len, (c)->name, (c)->path, (c)->err, __VA_ARGS__)

static int check_unit_name(struct check *c, const char *unit, int *index)
{
	int i = profile_unit(c->p, unit);

	if (index)
		*index = i;
	return i >= 0 ? HX_OK : FAIL(c, "no unit is called '%s'", unit);
}

static int check_ascending(struct check *c, const double *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i] <= v[i - 1])
			return FAIL(c, "must ascend, but %g follows %g", v[i], v[i - 1]);
	return HX_OK;
}

static int check_bandwidth(struct check *c, size_t u)
{
	const struct bandwidth *b = &c->p->units[u].bandwidth;
	int rc;

	at(c, "units[%zu].bandwidth.cores", u);
	if ((rc = check_ascending(c, b->cores, b->n_cores)))
		return rc;
	at(c, "units[%zu].bandwidth.footprint_bytes", u);
	if ((rc = check_ascending(c, b->footprint_bytes, b->n_footprints)))
		return rc;
	at(c, "units[%zu].bandwidth.bytes_s", u);
	if (b->n_rows != b->n_footprints || b->n_cols != b->n_cores)
		return FAIL(c, "must have %zu rows (footprints) of %zu (core counts), has %zu of %zu", b->n_footprints, b->n_cores, b->n_rows, b->n_cols);
	at(c, "units[%zu].read_bytes_s", u);
	if (c->p->units[u].n_read && c->p->units[u].n_read != b->n_cores)
		return FAIL(c, "needs %zu figures, one for each of bandwidth.cores, has %zu", b->n_cores, c->p->units[u].n_read);
	return HX_OK;
}

static int check_kernel(struct check *c, size_t u, size_t k)
{
	const struct unit *unit = &c->p->units[u];
	const struct kernel *kernel = &unit->kernels[k];

	at(c, "units[%zu].kernels[%zu].arithmetic", u, k);
	if (isnan(unit->flop_per_cycle[kernel->arithmetic]))
		return FAIL(c, "%s has no rate for %s in flop_per_cycle", unit->is.name, profile_arithmetics[kernel->arithmetic]);
	at(c, "units[%zu].kernels[%zu]", u, k);
	if (profile_kernel(unit, kernel->type) != kernel)
		return FAIL(c, "a second kernel for %s", hx_type_names[kernel->type]);
	if (isnan(kernel->ceiling) == !kernel->n_rows)
		return FAIL(c, "needs either 'ceiling' (with 'r_half') or 'rows' with 'efficiency'");
	if (kernel->n_rows != kernel->n_efficiency)
		return FAIL(c, "'rows' and 'efficiency' must be of one length");
	return check_ascending(c, kernel->rows, kernel->n_rows);
}

static int check_expression(struct check *c, size_t u, const char *field, const char *expression)
{
	char why[128];
	regex_t r;
	int bad;

	if (!expression)
		return HX_OK;
	bad = regcomp(&r, expression, REG_EXTENDED | REG_NOSUB);
	if (!bad) {
		regfree(&r);
		return HX_OK;
	}
	regerror(bad, &r, why, sizeof(why));
	at(c, "units[%zu].%s", u, field);
	return FAIL(c, "is no regular expression: %s", why);
}

static int check_unit(struct check *c, size_t u)
{
	struct unit *unit = &c->p->units[u];
	int rc;

	at(c, "units[%zu].name", u);
	if (profile_unit(c->p, unit->is.name) != (int)u)
		return FAIL(c, "a second unit called '%s'", unit->is.name);
	if (unit->is.fallback) {
		at(c, "units[%zu].fallback", u);
		if ((rc = check_unit_name(c, unit->is.fallback, NULL)))
			return rc;
	}
	at(c, "units[%zu].row_sizes", u);
	for (size_t i = 1; i < unit->n_row_sizes; i++)
		if (unit->row_sizes[i] <= unit->row_sizes[i - 1])
			return FAIL(c, "must ascend");
	if ((rc = check_bandwidth(c, u)) || (rc = check_expression(c, u, "platform", unit->platform)) ||
	    (rc = check_expression(c, u, "device", unit->device)))
		return rc;
	for (size_t k = 0; k < unit->n_kernels; k++)
		if ((rc = check_kernel(c, u, k)))
			return rc;
	return HX_OK;
}

static int check_host(struct check *c)
{
	struct profile *p = c->p;

	if (p->host.unit) {
		at(c, "host.unit");
		return check_unit_name(c, p->host.unit, &p->host_unit);
	}
	for (size_t u = 0; u < p->n_units; u++)
		if (p->units[u].is.kind == HX_CPU) {
			p->host_unit = (int)u;
			return HX_OK;
		}
	at(c, "units");
	return FAIL(c, "no CPU: the host code needs one");
}

static int check_reserved(struct check *c)
{
	struct profile *p = c->p;
	int u, rc;

	for (size_t i = 0; i < p->reserved.n_cores; i++) {
		const struct reserved_cores *r = &p->reserved.cores[i];

		at(c, "reserved.cores[%zu]", i);
		if ((rc = check_unit_name(c, r->unit, &u)))
			return rc;
		if (p->units[u].is.usable < p->units[u].is.cores)
			return FAIL(c, "%s stands twice", r->unit);
		if (r->cores > p->units[u].is.cores)
			return FAIL(c, "%s has %d cores", r->unit, p->units[u].is.cores);
		if (p->units[u].is.kind != HX_CPU && r->cores && r->cores < p->units[u].is.cores)
			return FAIL(c, "the %d cores of %s work together: reserve all or none", p->units[u].is.cores, r->unit);
		p->units[u].is.usable = p->units[u].is.cores - r->cores;
	}
	at(c, "reserved.memory_bytes");
	if (p->reserved.memory_bytes >= p->memory.capacity_bytes)
		return FAIL(c, "leaves nothing of the %g bytes installed", p->memory.capacity_bytes);
	at(c, "reserved.bw_bytes_s");
	if (p->reserved.bw_bytes_s >= p->memory.bw_bytes_s)
		return FAIL(c, "leaves nothing of %g B/s", p->memory.bw_bytes_s);
	return HX_OK;
}

static int check_pairs(struct check *c)
{
	const struct profile *p = c->p;
	int a, b, rc = HX_OK;

	for (size_t i = 0; i < p->n_links && !rc; i++) {
		at(c, "links[%zu]", i);
		if (!(rc = check_unit_name(c, p->links[i].a, &a)) && !(rc = check_unit_name(c, p->links[i].b, &b)) &&
		    profile_link(p, a, b) != &p->links[i])
			rc = FAIL(c, "a second link between %s and %s", p->links[i].a, p->links[i].b);
	}
	for (size_t i = 0; i < p->memory.n_contention && !rc; i++) {
		at(c, "memory.contention[%zu]", i);
		if (!(rc = check_unit_name(c, p->memory.contention[i].a, NULL)))
			rc = check_unit_name(c, p->memory.contention[i].b, NULL);
	}
	return rc;
}

static int check_power(struct check *c)
{
	const struct profile *p = c->p;
	int u, rc;

	for (size_t i = 0; i < p->power.n_units; i++) {
		size_t want;

		at(c, "power.units[%zu]", i);
		if ((rc = check_unit_name(c, p->power.units[i].unit, &u)))
			return rc;
		want = p->units[u].is.kind == HX_CPU ? (size_t)p->units[u].is.cores : 1;
		at(c, "power.units[%zu].active_w", i);
		if (p->power.units[i].n_active != want)
			return FAIL(c, "%s needs %zu figures, one for each number of cores in use, has %zu", p->units[u].is.name, want,
				    p->power.units[i].n_active);
	}
	return HX_OK;
}

struct listed {
	const struct covariance *covariance;
	bool *found; /* by its parameters */
};

static void find_listed(void *arg, const char *path, const struct field *f, double *number)
{
	const struct listed *l = arg;

	(void)f;
	(void)number;
	for (size_t i = 0; i < l->covariance->n_parameters; i++)
		l->found[i] |= strcmp(l->covariance->parameters[i], path) == 0;
}

static int check_covariance(struct check *c)
{
	const struct covariance *v = &c->p->covariance;
	struct listed l = {v, hx_xcalloc(v->n_parameters + 1, sizeof(bool))};
	size_t i = 0;

	if (v->n_parameters)
		field_numbers(c->p, &profile_fields, find_listed, &l);
	while (i < v->n_parameters && l.found[i])
		i++;
	free(l.found);
	at(c, "covariance.parameters[%zu]", i);
	if (i < v->n_parameters)
		return FAIL(c, "this profile has no number '%.80s'", v->parameters[i]);

	at(c, "covariance.matrix");
	if (v->n_rows != v->n_parameters || (v->n_rows && v->n_cols != v->n_parameters))
		return FAIL(c, "must be square, a row for each of the %zu parameters", v->n_parameters);
	return HX_OK;
}

static int check_profile(struct check *c)
{
	struct profile *p = c->p;
	int rc = HX_OK;

	if (p->n_units > HX_MAX_UNITS) {
		at(c, "units");
		return FAIL(c, "at most %d units, has %zu", HX_MAX_UNITS, p->n_units);
	}
	p->is.n = p->n_units;
	for (size_t u = 0; u < p->n_units; u++) {
		p->is.v[u] = &p->units[u].is;
		p->units[u].is.usable = p->units[u].is.cores;
	}
	for (size_t u = 0; u < p->n_units && !rc; u++)
		rc = check_unit(c, u);
	if (!rc)
		rc = check_host(c);
	if (!rc)
		rc = check_reserved(c);
	if (!rc)
		rc = check_pairs(c);
	if (!rc)
		rc = check_power(c);
	return rc ? rc : check_covariance(c);
}

int profile_parse(struct profile *p, const char *text, size_t len, const char *name, struct hx_err *err)
{
	struct check c = {.p = p, .text = text, .len = len, .name = name, .err = err};
	int rc = field_read(p, &profile_fields, text, len, name, err);

	if (rc)
		return rc;
	rc = check_profile(&c);
	if (rc)
		profile_free(p);
	return rc;
}

void profile_free(struct profile *p)
{
	field_free(p, &profile_fields);
	memset(p, 0, sizeof(*p));
}

/* Whether a source speaks of a path: the path itself, or a prefix that ends where a name ends. */
static bool covers(const char *source, const char *path)
{
	size_t n = strlen(source);

	return strncmp(source, path, n) == 0 && (!path[n] || path[n] == '.' || path[n] == '[');
}

struct sourcing {
	const struct profile *p;
	bool *used;
	profile_report *report;
	void *arg;
	int missing;
};

static void check_source(void *arg, const char *path, const struct field *f, const char *value)
{
	struct sourcing *s = arg;
	bool found = false;

	(void)value;
	if (strncmp(path, "sources", 7) == 0)
		return;
	for (size_t i = 0; i < s->p->n_sources; i++)
		if (covers(s->p->sources[i].path, path))
			found = s->used[i] = true;
	if (found || (f->type != FIELD_NUMBER && f->type != FIELD_INT && f->type != FIELD_NUMBERS && f->type != FIELD_AXIS && f->type != FIELD_MATRIX))
		return;
	s->report(s->arg, path, "has no source");
	s->missing++;
}

int profile_unsourced(const struct profile *p, profile_report *report, void *arg)
{
	struct sourcing s = {p, hx_xcalloc(p->n_sources, sizeof(bool)), report, arg, 0};

	field_walk(p, &profile_fields, check_source, &s);
	for (size_t i = 0; i < p->n_sources; i++)
		if (!s.used[i]) {
			report(arg, p->sources[i].path, "is a source for nothing");
			s.missing++;
		}
	free(s.used);
	return s.missing;
}

int profile_unlinked(const struct profile *p, profile_report *report, void *arg)
{
	char pair[160];
	int n = 0;

	for (size_t a = 0; a < p->n_units; a++)
		for (size_t b = a + 1; b < p->n_units; b++)
			if ((p->units[a].is.kind != HX_CPU || p->units[b].is.kind != HX_CPU) && !profile_link(p, (int)a, (int)b)) {
				snprintf(pair, sizeof(pair), "%s, %s", p->units[a].is.name, p->units[b].is.name);
				report(arg, pair, "have no link: transfers between them would cost nothing");
				n++;
			}
	return n;
}

void profile_copy(struct profile *copy, const struct profile *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct hx_err err;
	int rc = HX_IO;

	if (f) {
		field_write(f, p, &profile_fields);
		if (!fclose(f))
			rc = profile_parse(copy, text, len, p->name, &err);
	}
	if (rc) /* no memory: what was read once reads again */
		abort();
	free(text);
}

const struct source *profile_source(const struct profile *p, const char *path)
{
	const struct source *best = NULL;

	for (size_t i = 0; i < p->n_sources; i++)
		if (covers(p->sources[i].path, path) && (!best || strlen(p->sources[i].path) > strlen(best->path)))
			best = &p->sources[i];
	return best;
}

int profile_unit(const struct profile *p, const char *name)
{
	for (size_t u = 0; u < p->n_units; u++)
		if (strcmp(p->units[u].is.name, name) == 0)
			return (int)u;
	return -1;
}

const struct link *profile_link(const struct profile *p, int a, int b)
{
	const char *na = p->units[a].is.name, *nb = p->units[b].is.name;

	for (size_t i = 0; i < p->n_links; i++) {
		const struct link *l = &p->links[i];

		if ((!strcmp(l->a, na) && !strcmp(l->b, nb)) || (!strcmp(l->a, nb) && !strcmp(l->b, na)))
			return l;
	}
	return NULL;
}

const struct kernel *profile_kernel(const struct unit *u, int type)
{
	for (size_t k = 0; k < u->n_kernels; k++)
		if (u->kernels[k].type == type)
			return &u->kernels[k];
	return NULL;
}
