/* Model shapes from JSON. */
#include "core/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(m) offsetof(struct hx_shape, m)

static const char *const norms[] = {"rms", "layer", NULL};

static const struct field quality_rows[] = {
	{"type", FIELD_CHOICE, FIELD_REQUIRED, .at = offsetof(struct hx_quality, type), .choices = hx_type_names, .help = "quantisation"},
	{"metric", FIELD_STRING, FIELD_REQUIRED, .at = offsetof(struct hx_quality, metric), .help = "perplexity, BLEU, ..."},
	{"value", FIELD_NUMBER, FIELD_REQUIRED, .at = offsetof(struct hx_quality, value), .min = 0, .max = 1e6, .help = "figure"},
	{"from", FIELD_STRING, FIELD_REQUIRED, .at = offsetof(struct hx_quality, from), .help = "source"},
	{0}};
static const struct field_table quality = {.size = sizeof(struct hx_quality), .fields = quality_rows};

static const struct field rows[] = {
	{"name", FIELD_NAME, FIELD_REQUIRED, .at = AT(name), .help = "name of the model"},
	{"description", FIELD_STRING, .at = AT(description), .help = "what it is"},
	{"family", FIELD_NAME, FIELD_REQUIRED, .at = AT(family), .help = "architecture, as GGUF names it"},
	{"from", FIELD_STRING, FIELD_REQUIRED, .at = AT(from), .help = "published configuration the numbers come from"},
	{"tokenizer", FIELD_NAME, FIELD_REQUIRED, .at = AT(tokenizer), .help = "identity of the vocabulary; drafter and target must agree"},
	{"layers", FIELD_INT, FIELD_REQUIRED, .at = AT(layers), .min = 1, .max = HX_MAX_LAYERS, .help = "transformer layers"},
	{"d_model", FIELD_INT, FIELD_REQUIRED, .at = AT(d_model), .min = 1, .max = 1 << 20, .help = "hidden size"},
	{"heads", FIELD_INT, FIELD_REQUIRED, .at = AT(heads), .min = 1, .max = 4096, .help = "query heads"},
	{"kv_heads", FIELD_INT, FIELD_REQUIRED, .at = AT(kv_heads), .min = 1, .max = 4096, .help = "key and value heads"},
	{"d_head", FIELD_INT, FIELD_REQUIRED, .at = AT(d_head), .min = 1, .max = 65536, .help = "size of a head"},
	{"d_ff", FIELD_INT, FIELD_REQUIRED, .at = AT(d_ff), .min = 1, .max = 1 << 22, .help = "feed-forward size"},
	{"vocab", FIELD_INT, FIELD_REQUIRED, .at = AT(vocab), .min = 1, .max = 1 << 24, .help = "rows of the head, padding included"},
	{"context", FIELD_INT, FIELD_REQUIRED, .at = AT(context), .unit = "tokens", .min = 1, .max = 1 << 30, .help = "context limit"},
	{"tied", FIELD_BOOL, .at = AT(tied), .missing = 0, .help = "the head is the embedding table"},
	{"gated_ffn", FIELD_BOOL, .at = AT(gated_ffn), .missing = 1, .help = "gate and up projections"},
	{"qk_norm", FIELD_BOOL, .at = AT(qk_norm), .missing = 0, .help = "norms on query and key heads"},
	{"qkv_bias", FIELD_BOOL, .at = AT(qkv_bias), .missing = 0, .help = "biases on q, k and v"},
	{"linear_bias", FIELD_BOOL, .at = AT(linear_bias), .missing = 0, .help = "biases on every linear operator of a layer"},
	{"norm", FIELD_CHOICE, .at = AT(norm), .choices = norms, .missing = HX_NORM_RMS, .help = "kind of norm"},
	{"norms", FIELD_INT, .at = AT(norms), .min = 1, .max = 4, .missing = 2, .help = "norms per layer"},
	{"window", FIELD_INT, .at = AT(window), .unit = "tokens", .min = 0, .max = 1 << 30, .missing = 0, .help = "sliding window; 0: none"},
	{"global_every", FIELD_INT, .at = AT(global_every), .unit = "layers", .min = 0, .max = HX_MAX_LAYERS, .missing = 0,
	 .help = "with a window: every n-th layer attends to everything; 0: none does"},
	{"rope", FIELD_STRING, .at = AT(rope), .help = "rotary variant"},
	{"rope_theta", FIELD_NUMBER, .at = AT(rope_theta), .min = 1, .max = 1e12, .missing = 1e4, .help = "rotary base"},
	{"quality", FIELD_OBJECTS, .at = AT(quality), .count_at = AT(n_quality), .sub = &quality, .help = "known quality by quantisation"},
	{0}};
const struct field_table shape_fields = {.schema = "hexplore/model/1", .size = sizeof(struct hx_shape), .fields = rows};

int shape_parse(struct hx_shape *s, const char *text, size_t len, const char *name, struct hx_err *err)
{
	int rc = field_read(s, &shape_fields, text, len, name, err);

	if (rc)
		return rc;
	if (s->heads % s->kv_heads == 0)
		return HX_OK;
	rc = hx_err_set(err, HX_INPUT, "%s: kv_heads: must divide heads (%d), is %d", name, s->heads, s->kv_heads);
	shape_free(s);
	return rc;
}

void shape_free(struct hx_shape *s)
{
	field_free(s, &shape_fields);
}

static void write_value(void *arg, const char *path, const struct field *f, const char *value)
{
	FILE *out = arg;

	fputs(",\n\t", out);
	json_quote(out, path);
	fputs(": ", out);
	if (f->type == FIELD_STRING || f->type == FIELD_NAME || f->type == FIELD_CHOICE)
		json_quote(out, value);
	else
		fputs(value, out);
}

char *shape_text(const struct hx_shape *s)
{
	struct hx_shape plain = *s;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return hx_xstrdup("");
	plain.quality = NULL;
	plain.n_quality = 0;
	fputs("{\n\t\"schema\": ", out);
	json_quote(out, shape_fields.schema);
	field_walk(&plain, &shape_fields, write_value, out);
	fputs("\n}\n", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return hx_xstrdup("");
}

const struct hx_quality *shape_quality(const struct hx_shape *s, int type)
{
	for (size_t i = 0; i < s->n_quality; i++)
		if (s->quality[i].type == type)
			return &s->quality[i];
	return NULL;
}
