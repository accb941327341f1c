/* What the validate*.c files share. */
#ifndef DEVICE_VALIDATE_INTERNAL_H
#define DEVICE_VALIDATE_INTERNAL_H

#include "device/validate.h"

/* HX_INPUT: the cores that the profile names are not this machine's. */
int validate_check_cores(const struct validate *v, struct hx_err *err);

/* NULL: plain decoding. */
const struct drafter *validate_drafter(const struct validate *v, const struct point *pt);

/* Files with weights: as the options say, else those that the sweep names as models; NULL: none. The drafter is a model. */
const char *validate_target_file(const struct validate *v);
const char *validate_draft_file(const struct validate *v, const struct point *pt);

#endif
