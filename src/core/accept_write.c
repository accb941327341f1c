/* Writing match traces. */
#include "core/accept_write.h"

#include "core/profile.h"

static void put_text(FILE *f, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(f, "\t\"%s\": ", key);
	json_quote(f, value);
	fputs(",\n", f);
}

static void put_numbers(FILE *f, const char *key, const double *list, size_t n, const char *before)
{
	if (!n)
		return;
	fprintf(f, "%s\"%s\": [", before, key);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%.*g", i ? "," : "", list[i] < 1 ? 4 : 15, list[i]);
	fputc(']', f);
}

void accept_write(FILE *f, const struct accept *a)
{
	fprintf(f, "{\n\t\"schema\": \"%s\",\n", accept_fields.schema);
	put_text(f, "name", a->name);
	put_text(f, "description", a->description);
	put_text(f, "target", a->target);
	put_text(f, "drafter", a->drafter);
	put_text(f, "target_quant", a->target_quant);
	put_text(f, "draft_quant", a->draft_quant);
	put_text(f, "task", a->task);
	fprintf(f, "\t\"temperature\": %.15g,\n\t\"n_prompts\": %d,\n", a->temperature, a->n_prompts);
	put_text(f, "kind", profile_source_kinds[a->kind]);
	put_text(f, "from", a->from);
	fputs("\t\"matches\": [\n", f);
	for (size_t i = 0; i < a->n_matches; i++) {
		const struct accept_match *m = &a->matches[i];

		fputs("\t\t{", f);
		put_numbers(f, "lengths", m->lengths, m->n_lengths, "");
		put_numbers(f, "chances", m->chances, m->n_chances, "");
		put_numbers(f, "confidence", m->confidence, m->n_confidence, ", ");
		fputs(i + 1 < a->n_matches ? "},\n" : "}\n", f);
	}
	fputs("\t]\n}\n", f);
}
