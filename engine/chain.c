/* Chains: stretches of a graph cut into segments, and what of them is alike. */
#include "engine/graph.h"

#include <stdlib.h>

static bool same_crossing(const struct hx_segment *a, const struct hx_segment *b)
{
	return a->unit == b->unit && a->from == b->from && a->transfer_row == b->transfer_row && a->logits == b->logits;
}

static void group_ops(struct hx_chain *c)
{
	const struct hx_graph *g = c->graph;

	c->ops = hx_xcalloc(g->n_distinct, sizeof(*c->ops));
	for (size_t d = 0; d < g->n_distinct; d++)
		c->ops[d].which = d;
	for (size_t i = c->first; i < c->first + c->n; i++)
		c->ops[g->order[i]].count++;
	for (size_t d = 0; d < g->n_distinct; d++)
		if (c->ops[d].count)
			c->ops[c->n_ops++] = c->ops[d];
}

static void group_crossings(struct hx_chain *c)
{
	c->crossings = hx_xcalloc(c->n_segments, sizeof(*c->crossings));
	for (size_t i = 0; i < c->n_segments; i++) {
		size_t k = 0;

		while (k < c->n_crossings && !same_crossing(&c->segments[c->crossings[k].which], &c->segments[i]))
			k++;
		if (k == c->n_crossings)
			c->crossings[c->n_crossings++].which = i;
		c->crossings[k].count++;
	}
	c->crossings = hx_xrealloc(c->crossings, c->n_crossings, sizeof(*c->crossings));
}

void hx_chain_init(struct hx_chain *c, const struct hx_graph *g, size_t first, size_t n)
{
	*c = (struct hx_chain){.graph = g, .first = first, .n = n};
	c->segments = hx_xcalloc(n, sizeof(*c->segments));
	for (size_t i = first; i < first + n; i++) {
		const struct hx_op *op = hx_graph_op(g, i);
		struct hx_segment *s = c->n_segments ? &c->segments[c->n_segments - 1] : NULL;
		bool enters = i > 0 && hx_graph_op(g, i - 1)->unit != op->unit; /* the first segment too: a tail goes on where a front ended */

		if (s && !enters) {
			s->n++;
			continue;
		}
		c->segments[c->n_segments++] = (struct hx_segment){.unit = op->unit,
								  .from = enters ? hx_graph_op(g, i - 1)->unit : -1,
								  .first = i,
								  .n = 1,
								  .logits = op->logits,
								  .transfer_row = enters ? op->in_row : 0};
	}
	c->segments = hx_xrealloc(c->segments, c->n_segments, sizeof(*c->segments));
	group_ops(c);
	group_crossings(c);
}

void hx_chain_free(struct hx_chain *c)
{
	free(c->segments);
	free(c->ops);
	free(c->crossings);
	*c = (struct hx_chain){0};
}
