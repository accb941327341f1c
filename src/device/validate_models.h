/* Files with weights for models of a sweep: those that are given, or made with random weights for the time of a validation. */
#ifndef DEVICE_VALIDATE_MODELS_H
#define DEVICE_VALIDATE_MODELS_H

#include "engine/shape.h"

#include "engine/err.h"

#include <signal.h>

enum validate_role { VALIDATE_TARGET, VALIDATE_DRAFT, VALIDATE_ROLES };

struct validate_models {
	const volatile sig_atomic_t *stop; /* ends the writing of a file */
	uint64_t seed;
	char *dir; /* of the files made; NULL: none yet */
	struct {
		char *path;
		const struct hx_shape *shape; /* that it was made for; borrowed */
		int type;
	} made[VALIDATE_ROLES];
};

/* A file of that shape, borrowed until the next call for the same role: the one given, else one of random weights in that quantisation in TMPDIR, in the
 * place of the last. HX_INPUT: the given file is of another shape; HX_IO: there is no room. */
int validate_model(struct validate_models *m, enum validate_role role, const struct hx_shape *shape, int type, const char *given,
		   const char **path, struct hx_err *err);

/* Removes the files made. */
void validate_models_free(struct validate_models *m);

#endif
