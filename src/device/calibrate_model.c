/* Models to calibrate with: llama's architecture, random weights, any size. */
#include "device/calibrate_internal.h"

enum { D_HEAD = 64, SMALL_HEAD = 32, SMALL_MODEL = 256 /* d_model, with heads of that size */, GROUP = 4 /* query heads of a key head */, FF = 4, LEAST_LAYERS = 2, CONTEXT = 4096 };

/* The widest of these of which the size holds some layers: real models of that size are about as wide. */
static const int widths[] = {2048, 1024, 512, 256, 128};

static struct hx_shape shape_of(int type, double bytes)
{
	struct hx_shape s = {.name = "calibration", .family = "llama", .context = CONTEXT, .gated_ffn = true, .norm = HX_NORM_RMS,
			     .norms = 2, .tied = true, .rope_theta = 1e4};
	double head = 0, layer = 0;

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		s.d_model = widths[i];
		s.d_head = s.d_model > SMALL_MODEL ? D_HEAD : SMALL_HEAD;
		s.heads = s.d_model / s.d_head;
		s.kv_heads = s.heads / GROUP > 0 ? s.heads / GROUP : 1;
		s.d_ff = FF * s.d_model;
		s.vocab = 8 * s.d_model > CALIBRATE_VOCAB ? 8 * s.d_model : CALIBRATE_VOCAB;
		s.layers = 1;
		head = s.vocab * hx_shape_row_bytes(type, s.d_model);
		layer = hx_shape_bytes(&s, type) - head;
		if (head + LEAST_LAYERS * layer <= bytes)
			break;
	}
	s.layers = (int)((bytes - head) / layer + 0.5);
	s.layers = s.layers < 1 ? 1 : s.layers > HX_MAX_LAYERS ? HX_MAX_LAYERS : s.layers;
	return s;
}

int calibrate_model_want(struct calibrate_model *m, int type, double bytes, const volatile sig_atomic_t *stop, struct hx_err *err)
{
	const struct hx_shape s = shape_of(type, bytes);
	const struct hx_synth_options o = {.type = type, .seed = 1, .stop = stop};

	if (m->file.path && m->type == type && m->bytes == bytes)
		return HX_OK;
	calibrate_model_free(m);
	m->type = type;
	m->bytes = bytes;
	m->layers = s.layers;
	return random_model_write(&m->file, &s, &o, err);
}

void calibrate_model_free(struct calibrate_model *m)
{
	random_model_remove(&m->file);
}
