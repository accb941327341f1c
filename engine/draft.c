/* What all drafters have in common. */
#include "engine/draft.h"

void hx_draft_free(struct hx_draft *d)
{
	if (d->self)
		d->free(d->self);
	*d = (struct hx_draft){0};
}
