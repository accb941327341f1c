/* hexplore model: list, show and check model shapes, and make models of them. */
#include "cmd/model_synth.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/inputs.h"
#include "core/shape.h"
#include "engine/gguf.h"

#include <stdio.h>

static int load(const char *name, struct inputs *in, struct hx_shape *s, struct hx_err *err)
{
	const struct input *file;
	int rc = input_find(in, INPUT_MODEL, name, &file, err);

	return rc ? rc : shape_parse(s, file->text, file->len, file->path, err);
}

static const struct report_column list_columns[] = {
	{"name", "name", REPORT_TEXT, 0, 0},
	{"family", "family", REPORT_TEXT, 0, 0},
	{"parameters", "parameters", REPORT_NUMBER, 0, 0},
	{"layers", "layers", REPORT_NUMBER, 0, 0},
	{"tokenizer", NULL, REPORT_TEXT, 0, 0},
	{"f16_bytes", "f16 GB", REPORT_NUMBER, 3, 1e-9},
	{"q8_0_bytes", "q8_0 GB", REPORT_NUMBER, 3, 1e-9},
	{"q4_0_bytes", "q4_0 GB", REPORT_NUMBER, 3, 1e-9},
};

static int list_row(const char *name, struct inputs *in, struct report *r, struct hx_err *err)
{
	struct hx_shape s;
	int rc = load(name, in, &s, err);

	if (rc)
		return rc;
	report_text(r, s.name);
	report_text(r, s.family);
	report_number(r, (double)hx_shape_params(&s));
	report_number(r, s.layers);
	report_text(r, s.tokenizer);
	report_number(r, hx_shape_bytes(&s, HX_F16));
	report_number(r, hx_shape_bytes(&s, HX_Q8_0));
	report_number(r, hx_shape_bytes(&s, HX_Q4_0));
	shape_free(&s);
	return HX_OK;
}

static void row(struct report *r, const char *name, const char *value, const char *unit)
{
	report_text(r, name);
	report_text(r, value);
	report_text(r, unit);
}

struct showing {
	struct report *report;
	enum report_format format;
};

static void show_value(void *arg, const char *path, const struct field *f, const char *value)
{
	struct showing *s = arg;
	char buf[52];

	row(s->report, path, inputs_shown(buf, sizeof(buf), s->format, value), f->unit);
}

/* What a GGUF file holds, by type. */
static int show_tensors(struct report *r, const char *path, struct hx_err *err)
{
	double bytes[HX_TYPE_COUNT] = {0};
	char label[64], value[TEXT_MAX];
	struct hx_gguf *g;
	int rc = hx_gguf_open(&g, path, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < hx_gguf_tensors(g); i++)
		bytes[hx_gguf_tensor_at(g, i)->type] += (double)hx_gguf_tensor_at(g, i)->bytes;
	row(r, "file.tensors", text_exact(value, (double)hx_gguf_tensors(g)), NULL);
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		snprintf(label, sizeof(label), "file.%s", hx_type_names[t]);
		if (bytes[t] > 0)
			row(r, label, text_exact(value, bytes[t]), "B");
	}
	hx_gguf_free(g);
	return HX_OK;
}

/* The file's fields, then what follows from them. */
static int show(const char *name, struct inputs *in, enum report_format format, struct hx_err *err)
{
	static const struct report_column columns[] = {
		{"field", "field", REPORT_TEXT, 0, 0}, {"value", "value", REPORT_TEXT, 0, 0}, {"unit", "unit", REPORT_TEXT, 0, 0}};
	char label[64], value[TEXT_MAX];
	const struct input *file;
	struct hx_shape s;
	struct report *r;
	int rc = load(name, in, &s, err);

	if (rc || (rc = input_find(in, INPUT_MODEL, name, &file, err)))
		return rc;
	r = report_begin(stdout, format, columns, sizeof(columns) / sizeof(*columns));
	field_walk(&s, &shape_fields, show_value, &(struct showing){r, format});
	row(r, "parameters", text_exact(value, (double)hx_shape_params(&s)), NULL);
	row(r, "kv_bytes_per_token", text_exact(value, 4.0 * s.layers * s.kv_heads * s.d_head), "B");
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		snprintf(label, sizeof(label), "weights.%s", hx_type_names[t]);
		row(r, label, text_exact(value, hx_shape_bytes(&s, t)), "B");
	}
	if (input_is_gguf(file->path))
		rc = show_tensors(r, file->path, err);
	report_end(r);
	shape_free(&s);
	return rc;
}

static int check(const char *name, struct inputs *in, struct hx_err *err)
{
	char shown[256], count[TEXT_MAX];
	struct hx_shape s;
	int rc = load(name, in, &s, err);

	if (rc)
		return rc;
	printf("%s: ok, %s parameters\n", text_clean(shown, sizeof(shown), name), text_count(count, (double)hx_shape_params(&s)));
	shape_free(&s);
	return HX_OK;
}

int cmd_model(const struct opt_command *about, int argc, char **argv, struct hx_err *err)
{
	struct model_synth synth = {0};
	const struct opt opts[] = {
		{"quant", 0, "T", "of synth: type of the weights (default: f16)", &synth.quant, NULL},
		{"output", 'o', "FILE", "of synth: the GGUF file to write", &synth.output, NULL},
		{"vocab", 0, "N", "of synth: tokens, so that models of different shapes can draft for each other (default: the shape's)", &synth.vocab,
		 NULL},
		{"seed", 0, "N", "of synth: another seed gives other weights (default: 1)", &synth.seed, NULL},
		{"force", 0, NULL, "of synth: replace the file", NULL, &synth.force},
		{0}};
	const struct input_more more = {"synth", opts, model_synth, &synth};
	const struct input_command verbs = {INPUT_MODEL, list_columns, sizeof(list_columns) / sizeof(*list_columns), list_row, show, check, &more};

	return inputs_run(&verbs, about, argc, argv, err);
}
