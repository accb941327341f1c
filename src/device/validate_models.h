/* Weights for the models of a sweep: of a file that is given, or random. They are loaded once for all points that want them. */
#ifndef DEVICE_VALIDATE_MODELS_H
#define DEVICE_VALIDATE_MODELS_H

#include "engine/engine.h"

#include <signal.h>

enum validate_role { VALIDATE_TARGET, VALIDATE_DRAFT, VALIDATE_ROLES };
enum { VALIDATE_HELD = 8 /* of a role */ };

struct validate_models {
	struct hx_engine *engine;          /* borrowed */
	const volatile sig_atomic_t *stop; /* ends the making of weights */
	uint64_t seed;
	bool keep;                         /* what is loaded, when something else of its role is wanted */
	struct validate_held {
		struct hx_instance loaded;
		const struct hx_shape *shape; /* borrowed; NULL: nothing is loaded */
		int type;
	} held[VALIDATE_ROLES][VALIDATE_HELD];
};

/* Weights of that shape in that quantisation, borrowed until the next call for the same role, or longer if they are kept, VALIDATE_HELD of them at most: of the file given, which is the same at every call, else random.
 * mapping: one on which the model runs. HX_INPUT: the file is of another shape, or memory is short; HX_IO: there is no room for random weights. */
int validate_model(struct validate_models *m, enum validate_role role, const struct hx_shape *shape, int type, const char *given, const char *mapping,
		   const struct hx_instance **out, struct hx_err *err);
void validate_models_free(struct validate_models *m);

#endif
