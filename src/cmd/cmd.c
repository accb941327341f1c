/* What several commands share. */
#include "cmd/cmd.h"

#include "base/text.h"
#include "engine/shape.h"

#include <stdio.h>
#include <stdlib.h>

void cmd_complain(const char *message)
{
	char shown[sizeof(struct hx_err)];

	fprintf(stderr, "hexplore: %s\n", text_clean(shown, sizeof(shown), message));
}

char *cmd_line(int argc, char **argv)
{
	char *text = hx_xstrdup("hexplore");

	for (int i = 0; i < argc; i++) {
		char *longer = hx_xasprintf("%s %s", text, argv[i]);

		free(text);
		text = longer;
	}
	return text;
}

int cmd_no_arguments(const struct opt_command *about, int argc, char **argv, int first, struct hx_err *err)
{
	char shown[80];

	if (first >= argc)
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "%s: unexpected argument '%s'; see 'hexplore %s --help'", about->name,
			  text_clean(shown, sizeof(shown), argv[first]), about->name);
}

int cmd_quantisation(const char *option, const char *text, int *type, struct hx_err *err)
{
	const char *near;
	char shown[40];

	if (!text)
		return HX_OK;
	*type = hx_shape_type(text);
	if (*type >= 0)
		return HX_OK;
	near = text_nearest(text, hx_type_names);
	return hx_err_set(err, HX_INPUT, "%s: no quantisation '%s'; %s%s%s", option, text_clean(shown, sizeof(shown), text), near ? "did you mean '" : "there are ",
			  near ? near : "f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k and q6_k", near ? "'?" : "");
}
