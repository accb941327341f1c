/* Models of random weights in TMPDIR. */
#include "device/random_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int random_model_write(struct random_model *m, const struct hx_shape *shape, const struct hx_synth_options *options, struct hx_err *err)
{
	const char *tmp = getenv("TMPDIR");
	int rc;

	*m = (struct random_model){.dir = hx_xasprintf("%s/hexplore-XXXXXX", tmp && *tmp ? tmp : P_tmpdir)};
	if (!mkdtemp(m->dir)) {
		rc = hx_err_set(err, HX_IO, "cannot make a folder '%.200s' for random weights (TMPDIR names its place): %s", m->dir, strerror(errno));
		free(m->dir);
		m->dir = NULL;
		return rc;
	}
	m->path = hx_xasprintf("%s/model.gguf", m->dir);
	rc = hx_synth_write(shape, options, m->path, err);
	if (rc)
		random_model_remove(m);
	return rc;
}

void random_model_remove(struct random_model *m)
{
	if (m->path)
		unlink(m->path);
	if (m->dir)
		rmdir(m->dir);
	free(m->path);
	free(m->dir);
	*m = (struct random_model){0};
}
