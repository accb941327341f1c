/* hexplore model synth */
#include "cmd/model_synth.h"

#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "core/shape.h"
#include "engine/synth.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int read_options(const struct model_synth *m, struct hx_shape *s, struct hx_synth_options *o, struct hx_err *err)
{
	struct stat st;
	char shown[256];
	long n;
	int rc;

	if (!m->output)
		return hx_err_set(err, HX_INPUT, "model synth: name the file to write with --output");
	*o = (struct hx_synth_options){.type = HX_F16, .seed = 1, .stop = interrupt_flag()};
	if ((rc = cmd_quantisation("--quant", m->quant, &o->type, err)))
		return rc;
	if (m->seed) {
		if ((rc = text_int(m->seed, 0, 1l << 53, "--seed", &n, err)))
			return rc;
		o->seed = (uint64_t)n;
	}
	if (m->vocab) {
		if ((rc = text_int(m->vocab, HX_SYNTH_VOCAB, 1 << 24, "--vocab", &n, err)))
			return rc;
		s->vocab = (int)n;
	}
	if (!m->force && stat(m->output, &st) == 0)
		return hx_err_set(err, HX_INPUT, "'%s' is there already; --force replaces it", text_clean(shown, sizeof(shown), m->output));
	return HX_OK;
}

int model_synth(void *options, const char *name, struct inputs *in, struct hx_err *err)
{
	const struct input *file;
	struct hx_shape s;
	struct hx_synth_options o;
	int rc = input_find(in, INPUT_MODEL, name, &file, err);

	if (rc || (rc = shape_parse(&s, file->text, file->len, file->path, err)))
		return rc;
	if (!(rc = read_options(options, &s, &o, err))) {
		const struct model_synth *m = options;

		interrupt_catch(true);
		rc = hx_synth_write(&s, &o, m->output, err);
		interrupt_catch(false);
	}
	shape_free(&s);
	return rc;
}
