/* The design space. */
#include "core/space.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MAPPINGS = 20000 /* of a model: placed, each takes some 5 kB a quantisation */ };
static const double most_points = 1e15; /* far from overflow, and from what anyone can wait for */

/* What generating the mappings of one model needs. */
struct maker {
	const struct study *study;
	const struct hx_shape *shape;
	struct mappings *out;
	struct hx_err *err;
	char text[1024];
	double clock; /* share of each unit's own */
	int used[HX_MAX_UNITS]; /* units already in the text */
	size_t first, earlier;  /* mappings of `out` at this clock, of which a new one may repeat those before `earlier`: `auto` never repeats itself */
	int rc;
};

/* The mapping with a clock behind every use: `a76x4:0-13+g610:14-27` becomes `a76x4@1800MHz:0-13+g610@750MHz:14-27`. NULL with mk->rc: it names
 * one itself. */
static char *set_clock(struct maker *mk, const char *text)
{
	const struct hx_units *units = &mk->study->profile.is;
	size_t n_uses = 1;
	char *clocked, *to;

	for (const char *s = text; *s; s++)
		n_uses += *s == '+';
	clocked = to = hx_xmalloc(strlen(text) + n_uses * sizeof("@20000MHz") + 1);
	for (size_t i = 0; i < n_uses; i++) {
		size_t use = strcspn(text, ":+"), end = strcspn(text, "+");
		int unit = hx_mapping_unit(units, text, use, NULL);

		if (memchr(text, '@', use)) {
			free(clocked);
			mk->rc = hx_err_set(mk->err, HX_INPUT, "a mapping that names a clock does not go with 'clocks'");
			return NULL;
		}
		to += sprintf(to, "%.*s", (int)use, text);
		if (unit >= 0) /* else the parser says so */
			to += sprintf(to, "@%dMHz", (int)fmax(mk->clock * units->v[unit]->clock_hz / 1e6 + 1e-6, 1)); /* rounded down */
		to += sprintf(to, "%.*s", (int)(end - use) + (i + 1 < n_uses), text + use);
		text += end + 1;
	}
	return clocked;
}

/* Adds a mapping at the clock, unless it is there. */
static void add_mapping(struct maker *mk, const char *text)
{
	struct mappings *m = mk->out;
	char *clocked = !mk->rc && mk->clock < 1 ? set_clock(mk, text) : NULL;
	bool there = false;

	if (clocked)
		text = clocked;
	for (size_t i = mk->first; i < mk->earlier && !mk->rc; i++)
		there |= strcmp(m->v[i].text, text) == 0;
	if (!mk->rc && !there && m->n == MOST_MAPPINGS)
		mk->rc = hx_err_set(mk->err, HX_INPUT, "more than %d mappings; fewer cuts, cores and clocks, or a larger cut_step, make fewer", MOST_MAPPINGS);
	if (!mk->rc && !there) {
		if (m->n == m->max) {
			m->max = m->max ? 2 * m->max : 16;
			m->v = hx_xrealloc(m->v, m->max, sizeof(*m->v));
		}
		mk->rc = hx_mapping_parse(&m->v[m->n], text, mk->shape, &mk->study->profile.is, mk->err);
		m->n += !mk->rc;
	}
	free(clocked);
}

static bool allowed_cores(const struct sweep *sw, int cores)
{
	for (size_t i = 0; i < sw->n_cores; i++)
		if (sw->cores[i] == cores)
			return true;
	return sw->n_cores == 0;
}

static void make_parts(struct maker *mk, int first, int parts);

/* Appends one use of a unit for layers from `first`: as the last part, or up to every possible cut. */
static void make_use(struct maker *mk, int unit, const char *use, int first, int parts)
{
	size_t mark = strlen(mk->text);
	int layers = mk->shape->layers, step = mk->study->sweep.cut_step;

	if (first == 0)
		snprintf(mk->text + mark, sizeof(mk->text) - mark, "%s", use);
	else
		snprintf(mk->text + mark, sizeof(mk->text) - mark, "+%s:%d-%d", use, first, layers - 1);
	add_mapping(mk, mk->text);
	mk->used[unit] = 1;
	for (int cut = (first / step + 1) * step; parts > 1 && cut < layers && !mk->rc; cut += step) {
		snprintf(mk->text + mark, sizeof(mk->text) - mark, "%s%s:%d-%d", first ? "+" : "", use, first, cut - 1);
		make_parts(mk, cut, parts - 1);
	}
	mk->used[unit] = 0;
	mk->text[mark] = '\0';
}

static void make_parts(struct maker *mk, int first, int parts)
{
	const struct hx_units *units = &mk->study->profile.is;
	char use[128];

	for (int u = 0; u < (int)units->n && !mk->rc; u++) {
		const struct hx_unit *unit = units->v[u];

		if (mk->used[u])
			continue;
		if (unit->kind != HX_CPU && unit->usable) {
			make_use(mk, u, unit->name, first, parts);
			continue;
		}
		for (int k = 1; unit->kind == HX_CPU && k <= unit->usable; k++)
			if (allowed_cores(&mk->study->sweep, k)) {
				snprintf(use, sizeof(use), "%sx%d", unit->name, k);
				make_use(mk, u, use, first, parts);
			}
	}
}

/* The list once for each clock; key: its name in the sweep, for errors. */
static int make_mappings(const struct study *study, const struct hx_shape *shape, const char *key, char **listed, size_t n, struct mappings *out,
			 struct hx_err *err)
{
	struct hx_err why;
	struct maker mk = {.study = study, .shape = shape, .out = out, .err = &why};
	char path[48];

	for (size_t c = 0; c < study->sweep.n_clocks && !mk.rc; c++) {
		mk.first = out->n;
		for (size_t i = 0; i < (n ? n : 1) && !mk.rc; i++) {
			const char *text = n ? listed[i] : "auto";

			snprintf(path, sizeof(path), n ? "%s[%zu]" : "%s", key, i);
			mk.clock = study->sweep.clocks[c];
			mk.earlier = out->n;
			if (strcmp(text, "auto") == 0)
				make_parts(&mk, 0, study->sweep.cuts);
			else
				add_mapping(&mk, text);
		}
		/* points count on as many at every clock */
		assert(mk.rc || out->n == (c + 1) * (out->n - mk.first));
	}
	if (mk.rc)
		return study_fail(study, err, path, why.msg);
	if (!out->n)
		return study_fail(study, err, "cores", "no mapping is left: it allows none of the core counts, or all cores are reserved");
	return HX_OK;
}

/* Drafter mappings that go with one target mapping: those of its clock. */
static size_t draft_maps(const struct space *s, size_t drafter)
{
	return s->draft[drafter].n / s->study->sweep.n_clocks;
}

static int64_t block_size(const struct space *s, size_t drafter)
{
	const struct sweep *sw = &s->study->sweep;

	if (s->study->drafters[drafter].kind != HX_DRAFT_MODEL)
		return s->n_plain * (int64_t)s->n_gamma;
	return s->n_plain * (int64_t)(sw->n_draft_quants * draft_maps(s, drafter) * sw->n_modes * s->n_gamma);
}

/* The size, in a type that does not overflow. */
static double counted(const struct space *s)
{
	const struct sweep *sw = &s->study->sweep;
	double plain = (double)sw->n_workloads * (double)sw->n_target_quants * (double)s->target.n, n = plain;

	for (size_t d = 0; d < sw->n_drafters; d++) {
		bool model = s->study->drafters[d].kind == HX_DRAFT_MODEL;
		double drafts = model ? (double)sw->n_draft_quants * (double)draft_maps(s, d) * (double)sw->n_modes : 1;

		n += plain * drafts * (double)s->n_gamma;
	}
	return n;
}

int space_init(struct space *s, const struct study *study, struct hx_err *err)
{
	const struct sweep *sw = &study->sweep;
	int rc;

	*s = (struct space){.study = study};
	s->draft = hx_xcalloc(sw->n_drafters, sizeof(*s->draft));
	s->gamma = hx_xcalloc(sw->n_gamma, sizeof(*s->gamma));
	for (size_t i = 0; i < sw->n_gamma; i++)
		if (sw->gamma[i] > 0)
			s->gamma[s->n_gamma++] = sw->gamma[i];
	rc = make_mappings(study, &study->target, "target_mappings", sw->target_mappings, sw->n_target_mappings, &s->target, err);
	for (size_t d = 0; d < sw->n_drafters && !rc; d++)
		if (study->drafters[d].kind == HX_DRAFT_MODEL)
			rc = make_mappings(study, study->drafters[d].shape, "draft_mappings", sw->draft_mappings, sw->n_draft_mappings, &s->draft[d], err);
	if (!rc && counted(s) > most_points)
		rc = hx_err_set(err, HX_INPUT, "sweep '%s' has %.2g points; %.0g are the most", sw->name, counted(s), most_points);
	if (rc) {
		space_free(s);
		return rc;
	}
	s->size = s->n_plain = (int64_t)(sw->n_workloads * sw->n_target_quants * s->target.n);
	for (size_t d = 0; d < sw->n_drafters; d++)
		s->size += block_size(s, d);
	return HX_OK;
}

static void mappings_free(struct mappings *m)
{
	for (size_t i = 0; i < m->n; i++)
		hx_mapping_free(&m->v[i]);
	free(m->v);
}

void space_free(struct space *s)
{
	mappings_free(&s->target);
	for (size_t d = 0; s->draft && d < s->study->sweep.n_drafters; d++)
		mappings_free(&s->draft[d]);
	free(s->draft);
	free(s->gamma);
	memset(s, 0, sizeof(*s));
}

size_t space_gamma(const struct space *s, int gamma)
{
	size_t i = 0;

	while (i < s->n_gamma && s->gamma[i] != gamma)
		i++;
	return i;
}

bool space_same_pair(const struct point *a, const struct point *b)
{
	return a->workload == b->workload && a->target_type == b->target_type && a->draft_type == b->draft_type && a->target_map == b->target_map &&
	       a->draft_map == b->draft_map && a->drafter == b->drafter && a->mode == b->mode;
}

/* Takes the fastest-varying coordinate off i. */
static int coordinate(int64_t *i, size_t n)
{
	int c = (int)(*i % (int64_t)n);

	*i /= (int64_t)n;
	return c;
}

struct point space_point(const struct space *s, int64_t i)
{
	const struct sweep *sw = &s->study->sweep;
	struct point p = {.index = i, .drafter = SPACE_PLAIN, .draft_map = -1};

	if (i >= s->n_plain) {
		i -= s->n_plain;
		for (p.drafter = 0; i >= block_size(s, (size_t)p.drafter); p.drafter++)
			i -= block_size(s, (size_t)p.drafter);
		p.gamma = s->gamma[coordinate(&i, s->n_gamma)];
		if (s->study->drafters[p.drafter].kind == HX_DRAFT_MODEL) {
			p.mode = sw->modes[coordinate(&i, sw->n_modes)];
			p.draft_map = coordinate(&i, draft_maps(s, (size_t)p.drafter));
			p.draft_type = sw->draft_quants[coordinate(&i, sw->n_draft_quants)];
		}
	}
	p.target_map = coordinate(&i, s->target.n);
	if (p.draft_map >= 0)
		p.draft_map += p.target_map / (int)(s->target.n / sw->n_clocks) * (int)draft_maps(s, (size_t)p.drafter);
	p.target_type = sw->target_quants[coordinate(&i, sw->n_target_quants)];
	p.workload = (int)i;
	/* a drafter without weights of its own is stored as the target is */
	if (p.draft_map < 0)
		p.draft_type = p.target_type;
	return p;
}
