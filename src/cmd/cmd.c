/* What several commands share. */
#include "cmd/cmd.h"

#include "base/text.h"

#include <stdio.h>

void cmd_complain(const char *message)
{
	char shown[sizeof(struct hx_err)];

	fprintf(stderr, "hexplore: %s\n", text_clean(shown, sizeof(shown), message));
}

int cmd_no_arguments(const struct opt_command *about, int argc, char **argv, int first, struct hx_err *err)
{
	char shown[80];

	if (first >= argc)
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "%s: unexpected argument '%s'; see 'hexplore %s --help'", about->name,
			  text_clean(shown, sizeof(shown), argv[first]), about->name);
}
