/* Mappings: from `a76x4:0-13+g610:14-27,head` to a unit for every part of a model.
 *
 *   mapping  USE[:PART,...] joined by +     one USE without parts takes the layers the others do not name
 *   USE      UNIT[xCORES][@CLOCK]           without a count, all usable cores; without a clock, the unit's own
 *   CLOCK    a number with MHz or GHz
 *   PART     N | N-M, optionally .attn or .ffn | embed | head */
#include "engine/mapping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNPLACED = 255 };

struct reader {
	struct hx_mapping *m;
	const struct hx_units *units;
	const char *at; /* what is left of the text */
	struct hx_err *err;
};

static int fail(struct reader *r, const char *what)
{
	return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': at character %d: %s", r->m->text, (int)(r->at - r->m->text) + 1, what);
}

static int fail_unit(struct reader *r, size_t len)
{
	char names[256] = "";

	for (size_t i = 0; i < r->units->n; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", r->units->v[i]->name);
	return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': no unit '%.*s'; the profile has %s", r->m->text, (int)(len < 64 ? len : 64), r->at,
			  names);
}

/* A non-negative number of at most four digits, or -1. */
static int number(struct reader *r)
{
	int v = 0, digits = 0;

	for (; *r->at >= '0' && *r->at <= '9' && digits < 5; r->at++, digits++)
		v = 10 * v + (*r->at - '0');
	return digits > 0 && digits < 5 ? v : -1;
}

/* Digits, at most one point among them, then MHz or GHz. */
static int read_clock(struct reader *r, struct hx_use *use)
{
	const struct hx_unit *unit = r->units->v[use->unit];
	size_t digits = strspn(r->at, "0123456789."), end = strcspn(r->at, ":+");
	char *after;
	double value = strtod(r->at, &after);
	bool mega = strncmp(r->at + digits, "MHz", 3) == 0;

	if (!digits || digits > 12 || after != r->at + digits || end != digits + 3 || !(mega || strncmp(r->at + digits, "GHz", 3) == 0))
		return fail(r, "expected a clock such as 1.8GHz or 600MHz");
	use->clock_hz = round(value * (mega ? 1e6 : 1e9)); /* so that 1.009GHz is 1009MHz */
	if (!(use->clock_hz >= 1e6 && use->clock_hz <= unit->clock_hz))
		return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': %s runs at up to %g MHz", r->m->text, unit->name, unit->clock_hz / 1e6);
	r->at += end;
	return HX_OK;
}

int hx_mapping_unit(const struct hx_units *units, const char *use, size_t len, size_t *name)
{
	size_t n = len;
	int unit = hx_unit_find(units, use, len);

	if (unit < 0) {
		while (n > 0 && use[n - 1] >= '0' && use[n - 1] <= '9')
			n--;
		n = n > 1 && n < len && use[n - 1] == 'x' ? n - 1 : len;
		unit = n < len ? hx_unit_find(units, use, n) : -1;
	}
	if (name)
		*name = n;
	return unit;
}

/* UNIT[xCORES][@CLOCK] */
static int read_use(struct reader *r)
{
	struct hx_use *use = &r->m->uses[r->m->n_uses];
	size_t len = strcspn(r->at, ":+@"), name;
	const struct hx_unit *unit;
	int cores = -1;

	use->unit = hx_mapping_unit(r->units, r->at, len, &name);
	if (use->unit < 0)
		return fail_unit(r, name);
	unit = r->units->v[use->unit];
	for (int i = 0; i < r->m->n_uses; i++)
		if (r->m->uses[i].unit == use->unit)
			return fail(r, "a unit may stand only once");
	if (name < len) {
		r->at += name + 1;
		cores = number(r);
		if (unit->kind != HX_CPU)
			return fail(r, "only a CPU takes a core count; a GPU's or NPU's cores work together");
		if (cores < 1 || cores > unit->usable)
			return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': %s has 1 to %d usable cores", r->m->text, unit->name, unit->usable);
	} else {
		r->at += len;
		cores = unit->usable;
	}
	if (cores < 1)
		return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': all cores of %s are reserved", r->m->text, unit->name);
	use->cores = cores;
	use->clock_hz = unit->clock_hz;
	r->m->n_uses++;
	if (*r->at != '@')
		return HX_OK;
	r->at++;
	return read_clock(r, use);
}

static int place(struct reader *r, unsigned char *slot, const char *what)
{
	if (*slot != UNPLACED)
		return fail(r, what);
	*slot = (unsigned char)(r->m->n_uses - 1);
	return HX_OK;
}

static int take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(r->at, word, len) != 0 || (r->at[len] && !strchr(",+", r->at[len])))
		return 0;
	r->at += len;
	return 1;
}

static int read_layers(struct reader *r)
{
	int first = number(r), last = first, rc = HX_OK;
	bool attn = true, ffn = true;

	if (first >= 0 && *r->at == '-') {
		r->at++;
		last = number(r);
	}
	if (first < 0 || last < 0)
		return fail(r, "expected a layer range such as 0-13, 'embed' or 'head'");
	if (last < first || last >= r->m->n_layers)
		return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': layers %d-%d: the model has layers 0-%d", r->m->text, first, last, r->m->n_layers - 1);
	if (take(r, ".attn"))
		ffn = false;
	else if (take(r, ".ffn"))
		attn = false;
	for (int l = first; l <= last && !rc; l++) {
		if (attn)
			rc = place(r, &r->m->attn[l], "a layer's attention is placed twice");
		if (ffn && !rc)
			rc = place(r, &r->m->ffn[l], "a layer's feed-forward part is placed twice");
	}
	return rc;
}

static int read_part(struct reader *r)
{
	if (take(r, "embed"))
		return place(r, &r->m->embed, "the embedding is placed twice");
	if (take(r, "head"))
		return place(r, &r->m->head, "the head is placed twice");
	return read_layers(r);
}

/* Layers not named go to `rest`; embedding and head, unless named, follow their neighbours. */
static int fill(struct reader *r, int rest)
{
	struct hx_mapping *m = r->m;

	for (int l = 0; l < m->n_layers; l++) {
		if (rest < 0 && (m->attn[l] == UNPLACED || m->ffn[l] == UNPLACED))
			return hx_err_set(r->err, HX_INPUT, "mapping '%.200s': layer %d%s is placed nowhere; the model has layers 0-%d", m->text, l,
					  m->attn[l] != UNPLACED ? ".ffn" : m->ffn[l] != UNPLACED ? ".attn" : "", m->n_layers - 1);
		if (m->attn[l] == UNPLACED)
			m->attn[l] = (unsigned char)rest;
		if (m->ffn[l] == UNPLACED)
			m->ffn[l] = (unsigned char)rest;
	}
	if (m->embed == UNPLACED)
		m->embed = m->attn[0];
	if (m->head == UNPLACED)
		m->head = m->ffn[m->n_layers - 1];
	return HX_OK;
}

static int read_mapping(struct reader *r)
{
	int rest = -1, rc;

	for (;;) {
		if (r->m->n_uses == HX_MAX_UNITS)
			return fail(r, "too many units");
		if ((rc = read_use(r)))
			return rc;
		if (*r->at == ':') {
			do {
				r->at++;
				if ((rc = read_part(r)))
					return rc;
			} while (*r->at == ',');
		} else if (rest >= 0) {
			return fail(r, "only one unit can take the rest of the model; name the parts of the others after ':'");
		} else {
			rest = r->m->n_uses - 1;
		}
		if (!*r->at)
			return fill(r, rest);
		if (*r->at != '+')
			return fail(r, "expected '+', ',' or the end");
		r->at++;
	}
}

int hx_mapping_parse(struct hx_mapping *m, const char *text, const struct hx_shape *shape, const struct hx_units *units, struct hx_err *err)
{
	struct reader r = {m, units, NULL, err};
	int rc;

	*m = (struct hx_mapping){.text = hx_xstrdup(text), .n_layers = shape->layers, .embed = UNPLACED, .head = UNPLACED};
	m->attn = hx_xmalloc((size_t)m->n_layers);
	m->ffn = hx_xmalloc((size_t)m->n_layers);
	memset(m->attn, UNPLACED, (size_t)m->n_layers);
	memset(m->ffn, UNPLACED, (size_t)m->n_layers);
	r.at = m->text;
	rc = read_mapping(&r);
	if (rc)
		hx_mapping_free(m);
	return rc;
}

void hx_mapping_free(struct hx_mapping *m)
{
	free(m->text);
	free(m->attn);
	free(m->ffn);
	*m = (struct hx_mapping){0};
}
