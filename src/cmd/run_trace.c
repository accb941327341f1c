/* What a trace tells of the run it was made of. */
#include "cmd/run_trace.h"

#include "output/trace_json.h"

static char *model_text(const struct hx_instance *in)
{
	return hx_xasprintf("%s %s", in->model.shape.name, hx_type_names[in->graph.type]);
}

int run_trace_write(const char *path, const struct loaded *models, int mode, const struct hx_trace *trace, struct hx_err *err)
{
	const struct runner *r = &models->runner;
	struct trace_json_about about = {.command = hx_xstrdup("run"),
					 .target = model_text(&r->target),
					 .target_map = hx_xstrdup(r->target.mapping.text),
					 .gamma = models->options.gamma,
					 .mode = mode};
	int rc;

	if (r->draft.exec) {
		about.drafter = model_text(&r->draft);
		about.draft_map = hx_xstrdup(r->draft.mapping.text);
	} else if (r->speculates) {
		about.drafter = hx_xstrdup(models->options.draft);
	}
	rc = trace_json_write(path, &about, &models->machine.engine.units, trace, err);
	field_free(&about, &trace_json_about);
	return rc;
}
