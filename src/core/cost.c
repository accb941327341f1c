/* Prices of operators and passes. */
#include "core/cost.h"

#include <math.h>
#include <string.h>

/* Piecewise linear in x, constant outside. */
static double interpolate(const double *x, const double *y, size_t n, double at)
{
	size_t i = 1;

	if (at <= x[0])
		return y[0];
	if (at >= x[n - 1])
		return y[n - 1];
	while (x[i] < at)
		i++;
	return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

static double own_bandwidth(const struct unit *u, int cores, double footprint)
{
	const struct bandwidth *b = &u->bandwidth;
	size_t f = 1;
	double lo, hi;

	if (footprint <= b->footprint_bytes[0])
		return interpolate(b->cores, b->bytes_s[0], b->n_cores, cores);
	if (footprint >= b->footprint_bytes[b->n_footprints - 1])
		return interpolate(b->cores, b->bytes_s[b->n_footprints - 1], b->n_cores, cores);
	while (b->footprint_bytes[f] < footprint)
		f++;
	lo = interpolate(b->cores, b->bytes_s[f - 1], b->n_cores, cores);
	hi = interpolate(b->cores, b->bytes_s[f], b->n_cores, cores);
	return lo + (hi - lo) * log(footprint / b->footprint_bytes[f - 1]) / log(b->footprint_bytes[f] / b->footprint_bytes[f - 1]);
}

double cost_bandwidth(const struct unit *u, int cores, double clock_hz, double footprint)
{
	double own = own_bandwidth(u, cores, footprint), cache;

	if (clock_hz == u->is.clock_hz || u->bandwidth.n_footprints == 1) /* one footprint does not tell a cache from main memory */
		return own;
	cache = own_bandwidth(u, cores, 0);
	return 1 / (1 / own + (u->is.clock_hz / clock_hz - 1) / cache);
}

double cost_read_bandwidth(const struct unit *u, int cores)
{
	return u->n_read ? interpolate(u->bandwidth.cores, u->read_bytes_s, u->n_read, cores) : NAN;
}

double cost_efficiency(const struct kernel *k, double rows)
{
	if (k->n_rows)
		return interpolate(k->rows, k->efficiency, k->n_rows, rows);
	return k->ceiling * rows / (rows + k->r_half);
}

/* Attention takes rows one by one: more of them make it no more efficient. */
static double op_efficiency(const struct unit *u, const struct kernel *k, const struct hx_op *op, double rows)
{
	return op->kind == HX_OP_ATTN && !isnan(u->attn_efficiency) ? u->attn_efficiency : cost_efficiency(k, rows);
}

double cost_peak(const struct unit *u, int cores, double clock_hz, const struct kernel *k)
{
	return cores * clock_hz * u->flop_per_cycle[k->arithmetic];
}

/* What attention computes of a position that is no product of values: the larger heads are, the less it counts. */
static double softmax_share(const struct unit *u, const struct hx_op *op)
{
	double d_head = op->kv_pos / (4.0 * op->items_row); /* a key and a value of f16 */

	return op->kind == HX_OP_ATTN && u->attn_softmax > 0 && d_head > 0 ? u->attn_softmax / d_head : 0;
}

/* Cores that work on average, until the one with most pieces has done them. Kernels of other units cut finer. */
static double busy_cores(const struct unit *u, const struct hx_op *op, double rows)
{
	double items = op->items_row * rows;

	return items > 0 && u->is.kind == HX_CPU ? items / ceil(items / op->cores) : op->cores;
}

static const enum act_kind act_kinds[HX_OP_COUNT] = {
	[HX_OP_EMBED] = ACT_EMBED,    [HX_OP_ATTN_NORM] = ACT_NORM,  [HX_OP_QKV] = ACT_MATRIX,    [HX_OP_ROPE] = ACT_ROPE,
	[HX_OP_ATTN] = ACT_ATTN,      [HX_OP_ATTN_OUT] = ACT_MATRIX, [HX_OP_FFN_NORM] = ACT_NORM, [HX_OP_FFN_UP] = ACT_MATRIX,
	[HX_OP_FFN_DOWN] = ACT_MATRIX, [HX_OP_NORM] = ACT_NORM,      [HX_OP_HEAD] = ACT_MATRIX,   [HX_OP_ARGMAX] = ACT_ARGMAX,
};

static bool is_matrix(const struct hx_op *op)
{
	return act_kinds[op->kind] == ACT_MATRIX;
}

/* Bytes of a row that a core gets from others' caches: its share of what it reads and writes; of a matrix, of what it takes in, what the others have made of
 * theirs, which is a quarter as long where it is quantised, and the lines that it writes, which others read last, but for the head's. attn_out and ffn_down count
 * twice what they add to. */
static double crossing(const struct hx_op *op)
{
	const double others = 1 - 1.0 / op->cores, quantised = 0.25;
	const double made = hx_types[op->type].block == 1 ? 1 : quantised;
	const double written = op->kind == HX_OP_HEAD ? 0 : op->kind == HX_OP_ATTN_OUT || op->kind == HX_OP_FFN_DOWN ? 0.5 : 1;

	if (act_kinds[op->kind] == ACT_NORM || act_kinds[op->kind] == ACT_ARGMAX)
		return 0;
	if (!is_matrix(op))
		return others / op->cores * op->act_row;
	return others * (op->in_row * (1.0 / op->cores + made) + written * (op->act_row - op->in_row));
}

static double act_s_of(const struct unit *u, enum act_kind kind, double bytes)
{
	return u->small_bytes_s[kind] > 0 ? bytes / u->small_bytes_s[kind] : 0;
}

/* Values that an operator reads and writes of each row are in caches: cores convert or reduce them at a rate of their own, before or behind what else it does,
 * and where several cores take them they come from one another's caches. NAN where no such rate is known; then they are bytes like others. */
static double act_s(const struct unit *u, const struct hx_op *op, double rows)
{
	const enum act_kind kind = act_kinds[op->kind];
	const double in = is_matrix(op) ? op->in_row : op->act_row;
	double sum = act_s_of(u, kind, rows * in);

	if (!(u->small_bytes_s[kind] > 0))
		return NAN;
	if (is_matrix(op))
		sum += act_s_of(u, op->kind == HX_OP_FFN_UP ? ACT_GATE : ACT_OUT, rows * (op->act_row - in));
	sum *= u->is.clock_hz / (busy_cores(u, op, rows) * op->clock_hz);
	return sum + (u->shared_bytes_s > 0 ? rows * crossing(op) / u->shared_bytes_s : 0);
}

/* Rows as the unit runs them: the next of its batch sizes, or whole batches of the largest. */
struct batches {
	double rows, count;
};

static struct batches batches_of(const struct unit *u, double rows)
{
	double largest;

	if (!u->n_row_sizes || rows == 0)
		return (struct batches){rows, 1};
	for (size_t i = 0; i < u->n_row_sizes; i++)
		if (rows <= u->row_sizes[i])
			return (struct batches){u->row_sizes[i], 1};
	largest = u->row_sizes[u->n_row_sizes - 1];
	return (struct batches){largest, ceil(rows / largest)};
}

/* What is read from memory comes in beside the arithmetic less evenly than what is in a cache: between the two by how near the bandwidth is to either's. */
static double exponent(const struct unit *u, int cores, double bw)
{
	const double memory = own_bandwidth(u, cores, HUGE_VAL), cache = own_bandwidth(u, cores, 0);

	if (!(u->p_cache > 0) || !(cache > memory))
		return u->p;
	return u->p * pow(u->p_cache / u->p, fmin(1, fmax(0, log(bw / memory) / log(cache / memory))));
}

/* The two roofs, joined smoothly. */
static double join(double memory_s, double compute_s, double p)
{
	double larger = fmax(memory_s, compute_s);

	return compute_s > 0 ? larger * pow(1 + pow(fmin(memory_s, compute_s) / larger, p), 1 / p) : memory_s;
}

/* Beyond the launch of an operator, or the end of a segment, so many barriers. */
static double barrier_s(const struct unit *u, int cores, int barriers)
{
	return cores > 1 && u->barrier_s > 0 ? barriers * u->barrier_s : 0;
}

struct op_cost cost_op(const struct profile *p, const struct hx_op *op, double r, double l, double n, double bw)
{
	const struct unit *u = &p->units[op->unit];
	struct batches b = batches_of(u, op->logits ? l : r);
	/* later batches see more positions than the first: the mean one is priced */
	struct hx_work w = hx_op_work(op, b.rows, b.rows, n + (b.count - 1) * b.rows / 2);
	int barriers = is_matrix(op) ? 2 : 1; /* its input is taken in before all go on */
	struct op_cost c = {.launch_s = b.count * (u->launch_s + barrier_s(u, op->cores, barriers)), .bytes = b.count * (w.weight_bytes + w.act_bytes),
			    .flop = b.count * w.flop};
	double values_s = b.count * act_s(u, op, w.rows), act_bytes = isnan(values_s) ? 0 : b.count * op->act_row * w.rows;
	const struct kernel *k = w.flop > 0 ? profile_kernel(u, op->type) : NULL;

	c.memory_s = (c.bytes - act_bytes) / bw;
	if (k)
		c.compute_s = (1 + softmax_share(u, op)) * c.flop / (cost_peak(u, op->cores, op->clock_hz, k) * op_efficiency(u, k, op, w.rows)) * op->cores / busy_cores(u, op, w.rows);
	c.time_s = join(c.memory_s, c.compute_s, exponent(u, op->cores, bw)) + c.launch_s;
	if (!isnan(values_s)) {
		c.memory_s += values_s;
		c.time_s += values_s;
	}
	return c;
}

double cost_active_w(const struct profile *p, int unit, int cores, double clock_hz)
{
	if (clock_hz != p->units[unit].is.clock_hz)
		return NAN;
	for (size_t i = 0; i < p->power.n_units; i++) {
		const struct unit_power *up = &p->power.units[i];

		if (strcmp(up->unit, p->units[unit].is.name) == 0)
			return up->active_w[up->n_active == 1 ? 0 : (size_t)cores - 1];
	}
	return NAN;
}

static void add_ops(const struct cost_env *env, const struct hx_op *op, int count, double r, double l, double n, struct pass_cost *sum)
{
	struct op_cost c = cost_op(env->profile, op, r, l, n, env->bw[op->unit]);

	c.time_s *= 1 + env->profile->units[op->unit].drawn[env->group];
	sum->time_s += count * c.time_s;
	sum->launch_s += count * c.launch_s;
	sum->bytes += count * c.bytes;
	sum->flop += count * c.flop;
	sum->energy_j += count * (c.time_s * cost_active_w(env->profile, op->unit, op->cores, op->clock_hz) + c.bytes * env->profile->power.dram_j_byte);
}

static void add_segments(const struct cost_env *env, const struct hx_graph *g, const struct hx_segment *s, int count, double r, double l, struct pass_cost *sum)
{
	const struct link *link = s->from >= 0 ? profile_link(env->profile, s->from, s->unit) : NULL;
	const struct unit *u = &env->profile->units[s->unit];

	sum->sync_s += count * (u->sync_s + barrier_s(u, hx_graph_op(g, s->first)->cores, 1));
	if (link)
		sum->transfer_s += count * (link->fixed_s + s->transfer_row * (s->logits ? l : r) / link->bw_bytes_s);
}

struct pass_cost cost_pass(const struct cost_env *env, const struct hx_chain *c, double r, double l, double n)
{
	struct pass_cost sum = {0};

	if (!env->kv_cache) {
		r += n;
		n = 0;
	}
	for (size_t i = 0; i < c->n_ops; i++) {
		const struct hx_op *op = &c->graph->distinct[c->ops[i].which];

		if (!op->logits || l > 0)
			add_ops(env, op, c->ops[i].count, r, l, n, &sum);
	}
	for (size_t i = 0; i < c->n_crossings; i++)
		add_segments(env, c->graph, &c->segments[c->crossings[i].which], c->crossings[i].count, r, l, &sum);
	sum.time_s += sum.transfer_s + sum.sync_s;
	return sum;
}

static void add_weighted(struct pass_cost *sum, const struct pass_cost *c, double w)
{
	sum->time_s += w * c->time_s;
	sum->launch_s += w * c->launch_s;
	sum->transfer_s += w * c->transfer_s;
	sum->sync_s += w * c->sync_s;
	sum->bytes += w * c->bytes;
	sum->flop += w * c->flop;
	sum->energy_j += w * c->energy_j;
}

struct pass_cost cost_pass_mean(const struct cost_env *env, const struct hx_chain *c, double r, double l, double n0, double n1)
{
	static const double weight[3] = {1 / 6.0, 4 / 6.0, 1 / 6.0};
	struct pass_cost sum = {0};

	if (env->kv_cache && !c->graph->shape->window)
		return cost_pass(env, c, r, l, (n0 + n1) / 2);
	for (int i = 0; i < 3; i++) {
		struct pass_cost at = cost_pass(env, c, r, l, n0 + (n1 - n0) * i / 2);

		add_weighted(&sum, &at, weight[i]);
	}
	return sum;
}

int cost_check(const struct profile *p, const struct hx_graph *g, struct hx_err *err)
{
	for (size_t i = 0; i < g->n_distinct; i++) {
		const struct hx_op *op = &g->distinct[i];
		const struct unit *u = &p->units[op->unit];

		if (op->flop_row + op->flop_row_pos > 0 && !profile_kernel(u, op->type))
			return hx_err_set(err, HX_INPUT, "%s has no kernel for %s (%s)", u->is.name, hx_type_names[op->type], hx_op_names[op->kind]);
	}
	return HX_OK;
}
