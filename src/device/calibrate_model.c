/* Models to calibrate with: llama's architecture, random weights, any size. */
#include "device/calibrate_internal.h"

#include "device/random_model.h"

enum { D_HEAD = 64, GROUP = 4 /* query heads of a key head */, FF = 4, LEAST_LAYERS = 2, CONTEXT = 4096 };

/* The widest of these of which the size holds some layers: real models of that size are about as wide. */
static const int widths[] = {2048, 1024, 512, 256, 128};

static struct hx_shape shape_of(int type, double bytes)
{
	struct hx_shape s = {.name = "calibration", .family = "llama", .d_head = D_HEAD, .context = CONTEXT, .gated_ffn = true, .norm = HX_NORM_RMS,
			     .norms = 2, .tied = true, .rope_theta = 1e4};
	double head = 0, layer = 0;

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		s.d_model = widths[i];
		s.heads = s.d_model / D_HEAD;
		s.kv_heads = s.heads / GROUP > 0 ? s.heads / GROUP : 1;
		s.d_ff = FF * s.d_model;
		s.vocab = 8 * s.d_model;
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

int calibrate_model_open(struct calibrate_model *cm, int type, double bytes, const struct hx_kernels *kernels, struct hx_pool *pool,
			 const volatile sig_atomic_t *stop, struct hx_err *err)
{
	struct hx_shape s = shape_of(type, bytes);
	const struct hx_synth_options o = {.type = type, .seed = 1, .stop = stop};
	struct random_model file;
	int rc;

	*cm = (struct calibrate_model){0};
	rc = random_model_write(&file, &s, &o, err);
	if (rc)
		return rc;
	rc = hx_model_open(&cm->model, file.path, err);
	random_model_remove(&file); /* it stays mapped */
	if (!rc)
		hx_weights_load(&cm->weights, &(struct hx_weights_wanted){.model = &cm->model, .type = -1, .kernels = kernels}, pool);
	return rc;
}

void calibrate_model_close(struct calibrate_model *cm)
{
	hx_weights_free(&cm->weights);
	hx_model_free(&cm->model);
	*cm = (struct calibrate_model){0};
}
