/* Graphs: a model on a mapping as a list of operators, their work, and the memory they need. */
#include "engine/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const hx_op_names[] = {"embed", "attn_norm", "qkv", "rope", "attn", "attn_out", "ffn_norm", "ffn_up", "ffn_down", "norm", "head", "argmax",
				   NULL};
const char *const hx_buffer_names[] = {"weights", "kv", "activations", "logits", "staging", NULL};

enum { F32 = 4, F16 = 2 }; /* bytes of an activation; of a cached key or value */
enum { BEFORE_LAYERS = 1, PER_LAYER = 8, AFTER_LAYERS = 3 }; /* operators */

struct builder {
	struct hx_graph *g;
	const struct hx_units *units;
	struct hx_err *err;
	int rc;
};

/* Whether a unit takes an operator. Rotated keys go to the cache, which lies where attention runs: one takes both or neither. */
static bool takes(const struct hx_unit *unit, const struct hx_op *op)
{
	if (op->kind == HX_OP_ROPE || op->kind == HX_OP_ATTN)
		return hx_unit_supports(unit, HX_OP_ROPE, HX_F32) && hx_unit_supports(unit, HX_OP_ATTN, HX_F16);
	return hx_unit_supports(unit, op->kind, op->type);
}

/* Moves an operator its unit does not take to the unit's fallback. */
static void settle(struct builder *b, struct hx_op *op)
{
	const struct hx_mapping *m = b->g->mapping;
	const struct hx_unit *unit = b->units->v[op->unit];
	int other;

	if (b->rc || takes(unit, op))
		return;
	other = unit->fallback ? hx_unit_find(b->units, unit->fallback, strlen(unit->fallback)) : -1;
	if (other < 0 || !takes(b->units->v[other], op)) {
		b->rc = hx_err_set(b->err, HX_INPUT, "%s does not support %s in %s%s", unit->name, hx_op_names[op->kind], hx_type_names[op->type],
				   other < 0 ? " and has no fallback" : ", nor does its fallback");
		return;
	}
	op->unit = other;
	op->cores = b->units->v[other]->usable;
	op->clock_hz *= b->units->v[other]->clock_hz / unit->clock_hz; /* its own, or as far below */
	for (int i = 0; i < m->n_uses; i++)
		if (m->uses[i].unit == other) {
			op->cores = m->uses[i].cores;
			op->clock_hz = m->uses[i].clock_hz;
		}
	if (op->cores < 1)
		b->rc = hx_err_set(b->err, HX_INPUT, "%s does not support %s in %s, and all cores of its fallback %s are reserved", unit->name,
				   hx_op_names[op->kind], hx_type_names[op->type], unit->fallback);
}

/* Layers of a model differ in their window only, and in where they run. */
static bool alike(const struct hx_op *a, const struct hx_op *b)
{
	return a->kind == b->kind && a->unit == b->unit && a->cores == b->cores && a->window == b->window;
}

/* Index of the distinct operator that op is, a new one where there is none. It mostly is that of the layer before. */
static size_t intern(struct hx_graph *g, const struct hx_op *op)
{
	size_t i = g->n_ops >= PER_LAYER ? g->order[g->n_ops - PER_LAYER] : 0;

	if (i < g->n_distinct && alike(&g->distinct[i], op))
		return i;
	for (i = 0; i < g->n_distinct; i++)
		if (alike(&g->distinct[i], op))
			return i;
	g->distinct[g->n_distinct++] = *op;
	return i;
}

static void add(struct builder *b, int kind, int use, struct hx_op op)
{
	struct hx_graph *g = b->g;
	const struct hx_use *u = &g->mapping->uses[use];

	op.kind = kind;
	op.unit = u->unit;
	op.cores = u->cores;
	op.clock_hz = u->clock_hz;
	settle(b, &op);
	g->order[g->n_ops] = (unsigned short)intern(g, &op);
	g->n_ops++;
}

/* A matrix of out rows of length in; `act` activation bytes are read and written per row. */
static struct hx_op matrix(struct hx_graph *g, double out, int in, double act)
{
	int type = hx_shape_row_type(g->type, in);

	if (type != g->type)
		g->row_fallback = true;
	return (struct hx_op){.type = type, .weight_bytes = out * hx_shape_row_bytes(type, in), .flop_row = 2 * out * in, .act_row = act, .in_row = (double)in * F32};
}

/* `count` norms of a row. */
static struct hx_op norm(const struct hx_shape *s, double count)
{
	double d = s->d_model, vectors = s->norm == HX_NORM_LAYER ? 2 : 1;

	return (struct hx_op){.type = HX_F32, .weight_bytes = count * vectors * d * F32, .act_row = count * 2 * d * F32, .in_row = d * F32,
			      .items_row = 1};
}

/* A matrix with, where `biased`, a bias of f32. */
static struct hx_op linear(struct hx_graph *g, double out, int in, double act, bool biased)
{
	struct hx_op op = matrix(g, out, in, act);

	op.weight_bytes += biased ? out * F32 : 0;
	return op;
}

static void add_layer(struct builder *b, int l)
{
	struct hx_graph *g = b->g;
	const struct hx_shape *s = g->shape;
	const struct hx_mapping *m = g->mapping;
	int attn = m->attn[l], ffn = m->ffn[l];
	double d = s->d_model, ff = s->d_ff, up = s->gated_ffn ? 2 * ff : ff, per = s->norms / 2.0; /* norms of outputs count with those of inputs */
	int q = s->heads * s->d_head, kv = s->kv_heads * s->d_head;
	double in_attn = (q + 2.0 * kv) * F32; /* queries, and the new keys and values */

	add(b, HX_OP_ATTN_NORM, attn, norm(s, per));
	add(b, HX_OP_QKV, attn, linear(g, q + 2 * kv, s->d_model, (d + q + 2 * kv) * F32, s->qkv_bias || s->linear_bias));
	add(b, HX_OP_ROPE, attn,
	    (struct hx_op){.type = HX_F32, .weight_bytes = s->qk_norm ? 2.0 * s->d_head * F32 : 0, .act_row = 2.0 * (q + kv) * F32, .in_row = in_attn,
			   .kv_row = 2.0 * kv * F16, .items_row = s->heads + s->kv_heads});
	add(b, HX_OP_ATTN, attn,
	    (struct hx_op){.type = HX_F16, .window = hx_shape_window(s, l), .act_row = 2.0 * q * F32, .in_row = in_attn, .kv_pos = 2.0 * kv * F16,
			   .flop_row_pos = 4.0 * q, .items_row = s->kv_heads});
	add(b, HX_OP_ATTN_OUT, attn, linear(g, d, q, (q + 2 * d) * F32, s->linear_bias));
	add(b, HX_OP_FFN_NORM, ffn, norm(s, per));
	add(b, HX_OP_FFN_UP, ffn, linear(g, up, s->d_model, (d + ff) * F32, s->linear_bias));
	add(b, HX_OP_FFN_DOWN, ffn, linear(g, d, s->d_ff, (ff + 2 * d) * F32, s->linear_bias));
}

static struct hx_demand *demand_on(struct hx_graph *g, int unit)
{
	int i = 0;

	while (i < g->n_demands && g->demands[i].unit != unit)
		i++;
	if (i == g->n_demands) {
		g->demands = hx_xrealloc(g->demands, (size_t)++g->n_demands, sizeof(*g->demands));
		g->demands[i] = (struct hx_demand){.unit = unit};
	}
	return &g->demands[i];
}

static void demand_op(struct hx_graph *g, const struct hx_op *op, int count)
{
	struct hx_demand *d = demand_on(g, op->unit);
	/* gate and up projection are two tensors */
	double tensor = op->kind == HX_OP_FFN_UP && g->shape->gated_ffn ? op->weight_bytes / 2 : op->weight_bytes;
	double *kv = op->window ? &d->kv_window : &d->kv_pos, *kv_tensor = op->window ? &d->kv_window_tensor : &d->kv_tensor;

	d->weights += count * op->weight_bytes;
	d->tensor = fmax(d->tensor, tensor);
	*kv += count * op->kv_pos;
	*kv_tensor = fmax(*kv_tensor, op->kv_pos);
	if (!op->logits)
		d->act_row = fmax(d->act_row, op->act_row);
	if (op->kind == HX_OP_HEAD)
		d->logits_row += (double)g->shape->vocab * F32;
}

static void find_demands(struct hx_graph *g)
{
	const struct hx_shape *s = g->shape;
	double table = s->vocab * hx_shape_row_bytes(g->type, s->d_model);
	int embed = hx_graph_op(g, 0)->unit, head = hx_graph_op(g, g->n_ops - 2)->unit;

	for (size_t i = 0; i < g->whole.n_ops; i++)
		demand_op(g, &g->distinct[g->whole.ops[i].which], g->whole.ops[i].count);
	if (!s->tied || embed != head) {
		struct hx_demand *d = demand_on(g, embed);

		d->weights += table;
		d->tensor = fmax(d->tensor, table);
	}
	for (size_t i = 0; i < g->whole.n_crossings; i++) {
		const struct hx_segment *seg = &g->whole.segments[g->whole.crossings[i].which];
		struct hx_demand *d = demand_on(g, seg->unit);
		double *staging = seg->logits ? &d->staging_logit_row : &d->staging_row;

		*staging = fmax(*staging, seg->transfer_row);
	}
}

int hx_graph_init(struct hx_graph *g, const struct hx_shape *shape, const struct hx_mapping *mapping, int type, int layers,
		  const struct hx_units *units, struct hx_err *err)
{
	struct builder b = {g, units, err, HX_OK};
	double d = shape->d_model, vocab = shape->vocab;
	struct hx_op head;

	*g = (struct hx_graph){.shape = shape, .mapping = mapping, .type = type, .layers = layers};
	g->order = hx_xcalloc((size_t)layers * PER_LAYER + BEFORE_LAYERS + AFTER_LAYERS, sizeof(*g->order));
	g->distinct = hx_xcalloc((size_t)layers * PER_LAYER + BEFORE_LAYERS + AFTER_LAYERS, sizeof(*g->distinct));
	add(&b, HX_OP_EMBED, mapping->embed,
	    (struct hx_op){.type = hx_shape_row_type(type, shape->d_model), .weight_row = hx_shape_row_bytes(type, shape->d_model), .act_row = d * F32,
			 .items_row = 1});
	for (int l = 0; l < layers; l++)
		add_layer(&b, l);
	head = norm(shape, 1);
	head.logits = true;
	add(&b, HX_OP_NORM, mapping->head, head);
	head = matrix(g, vocab, shape->d_model, (d + vocab) * F32);
	head.logits = true;
	add(&b, HX_OP_HEAD, mapping->head, head);
	add(&b, HX_OP_ARGMAX, mapping->head, (struct hx_op){.type = HX_F32, .act_row = vocab * F32, .in_row = vocab * F32, .logits = true});
	g->distinct = hx_xrealloc(g->distinct, g->n_distinct, sizeof(*g->distinct));
	if (b.rc) {
		hx_graph_free(g);
		return b.rc;
	}
	hx_chain_init(&g->whole, g, 0, g->n_ops);
	find_demands(g);
	return HX_OK;
}

void hx_graph_free(struct hx_graph *g)
{
	hx_chain_free(&g->whole);
	free(g->distinct);
	free(g->order);
	free(g->demands);
	*g = (struct hx_graph){0};
}

const struct hx_op *hx_graph_op(const struct hx_graph *g, size_t i)
{
	return &g->distinct[g->order[i]];
}

int hx_graph_layer(const struct hx_graph *g, size_t i)
{
	return i < BEFORE_LAYERS || i >= g->n_ops - AFTER_LAYERS ? -1 : (int)((i - BEFORE_LAYERS) / PER_LAYER);
}

int hx_graph_unit(const struct hx_graph *g, int kind, int layer)
{
	size_t first = layer < 0 ? 0 : BEFORE_LAYERS + (size_t)layer * PER_LAYER;

	while (hx_graph_op(g, first)->kind != kind)
		first++;
	return hx_graph_op(g, first)->unit;
}

struct hx_work hx_op_work(const struct hx_op *op, double r, double l, double n)
{
	double rows = op->logits ? l : r, read = n + r, seen = n + (r + 1) / 2; /* positions read once; met by a row on average */

	if (op->window) {
		double growing = fmin(fmax(op->window - n, 0), r); /* rows whose window is not full: row i sees n + i */

		read = fmin(read, op->window + r - 1);
		seen = (growing * (n + (growing + 1) / 2) + (r - growing) * op->window) / r;
	}
	return (struct hx_work){.rows = rows,
				.weight_bytes = op->weight_bytes + op->weight_row * rows,
				.act_bytes = op->act_row * rows + op->kv_row * rows + op->kv_pos * read,
				.flop = op->flop_row * rows + op->flop_row_pos * rows * seen};
}

/* fmax, which is a call, without its care for NAN: this runs once a point. */
static double larger(double a, double b)
{
	return a > b ? a : b;
}

void hx_graph_buffers(const struct hx_graph *g, double r, double l, double n, struct hx_buffers *b)
{
	double windowed = n < g->shape->window + r ? n : g->shape->window + r;

	for (int i = 0; i < g->n_demands; i++) {
		const struct hx_demand *d = &g->demands[i];
		double *bytes = b->bytes[d->unit], *largest = &b->largest[d->unit];

		bytes[HX_BUF_WEIGHTS] += d->weights;
		bytes[HX_BUF_KV] += d->kv_pos * n + d->kv_window * windowed;
		bytes[HX_BUF_ACTIVATIONS] += d->act_row * r;
		bytes[HX_BUF_LOGITS] += d->logits_row * l;
		/* one buffer serves every transfer into a unit */
		bytes[HX_BUF_STAGING] = larger(bytes[HX_BUF_STAGING], larger(d->staging_row * r, d->staging_logit_row * l));
		*largest = larger(*largest, larger(d->tensor, larger(d->kv_tensor * n, d->kv_window_tensor * windowed)));
	}
}
