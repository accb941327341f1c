/* The operators, on kernels. A thread takes outputs, heads or rows; sums are never shared among threads, so that results do not depend on their
 * number. Barriers stand inside an operator only where one of its parts needs all of another. */
#include "engine/exec_ops.h"

#include "engine/graph.h"

#include <math.h>
#include <string.h>

/* The first of the matrices that takes the input of matrix i: that of its type. */
static int input_of(const struct hx_matrix *const *m, int i)
{
	int first = 0;

	while (m[first]->type != m[i]->type)
		first++;
	return first;
}

/* Packs rows of x for n matrices of equal width, and waits until that is done. */
static void take_in(const struct hx_walk *w, const float *x, int rows, const struct hx_matrix *const *m, int n, int thread, int threads)
{
	int64_t first, last;

	hx_pool_share(m[0]->in, 32, thread, threads, &first, &last);
	for (int i = 0; i < n && first < last; i++)
		if (input_of(m, i) == i)
			w->weights->kernels->input(m[i]->type, x, (size_t)m[i]->in, m[i]->in, rows, (int)first, (int)last, w->at.input[i]);
	hx_pool_barrier(w->pool, thread);
}

/* Outputs of a matrix that a thread computes. */
struct share {
	int64_t first, last;
};

/* y = m[i] x, of the rows taken in, for a thread's share of the outputs. */
static struct share multiply(const struct hx_walk *w, const struct hx_matrix *const *m, int i, int rows, float *y, size_t ldy, int thread, int threads)
{
	struct share s;

	hx_pool_share(m[i]->out, m[i]->lanes, thread, threads, &s.first, &s.last);
	if (s.first < s.last)
		w->weights->kernels->matmul(m[i], (int)s.first, (int)s.last, w->at.input[input_of(m, i)], rows, y, ldy);
	return s;
}

static const struct hx_shape *shape(const struct hx_walk *w)
{
	return &w->model->shape;
}

static const struct hx_weights_layer *layer_of(const struct hx_walk *w, int layer)
{
	return &w->weights->layers[layer];
}

static int q_width(const struct hx_walk *w)
{
	return shape(w)->heads * shape(w)->d_head;
}

static int kv_width(const struct hx_walk *w)
{
	return shape(w)->kv_heads * shape(w)->d_head;
}

static void embed(const struct hx_walk *w, int layer, int thread, int threads)
{
	(void)layer;
	for (int r = thread; r < w->rows; r += threads)
		hx_weights_embed(w->weights, w->tokens[r], w->at.x + (size_t)r * (size_t)shape(w)->d_model);
}

/* Norms of rows of x; y may be x. */
static void norm_rows(const struct hx_walk *w, const float *x, const float *weight, int rows, float *y, int thread, int threads)
{
	size_t d = (size_t)shape(w)->d_model;

	for (int r = thread; r < rows; r += threads)
		w->weights->kernels->rms_norm(x + (size_t)r * d, weight, (float)w->model->norm_eps, (int)d, y + (size_t)r * d);
}

static void attn_norm(const struct hx_walk *w, int layer, int thread, int threads)
{
	norm_rows(w, w->at.x, layer_of(w, layer)->attn_norm, w->rows, w->at.normed, thread, threads);
}

static void ffn_norm(const struct hx_walk *w, int layer, int thread, int threads)
{
	norm_rows(w, w->at.x, layer_of(w, layer)->ffn_norm, w->rows, w->at.normed, thread, threads);
}

static void add_bias(float *y, size_t ldy, const float *bias, int rows, struct share s)
{
	for (int r = 0; bias && r < rows; r++)
		for (int64_t o = s.first; o < s.last; o++)
			y[(size_t)r * ldy + (size_t)o] += bias[o];
}

static void qkv(const struct hx_walk *w, int layer, int thread, int threads)
{
	const struct hx_weights_layer *l = layer_of(w, layer);
	const struct hx_matrix *m[] = {&l->q, &l->k, &l->v};
	const float *bias[] = {l->q_bias, l->k_bias, l->v_bias};
	size_t ld = (size_t)(q_width(w) + 2 * kv_width(w));
	float *y = w->at.qkv;

	take_in(w, w->at.normed, w->rows, m, 3, thread, threads);
	for (int i = 0; i < 3; i++) {
		add_bias(y, ld, bias[i], w->rows, multiply(w, m, i, w->rows, y, ld, thread, threads));
		y += m[i]->out;
	}
}

/* Rotates the head of a row at its position. */
static void rotate(const struct hx_walk *w, int layer, int row, float *head)
{
	const struct hx_rotary *rotary = &w->rotary[hx_shape_window(shape(w), layer) > 0];
	int half = w->model->rope_dims / 2, near = w->model->rope_pairs ? 2 : 1, far = w->model->rope_pairs ? 1 : half;
	const float *c = rotary->cos + (size_t)(w->cached + row) * (size_t)half, *s = rotary->sin + (size_t)(w->cached + row) * (size_t)half;

	for (int i = 0; i < half; i++) {
		float *a = head + near * i, *b = a + far, x = *a, y = *b;

		*a = x * c[i] - y * s[i];
		*b = x * s[i] + y * c[i];
	}
}

/* Norm and rotation of the query and key heads; keys and values go to the cache. */
static void rope(const struct hx_walk *w, int layer, int thread, int threads)
{
	const struct hx_weights_layer *l = layer_of(w, layer);
	const struct hx_kernels *k = w->weights->kernels;
	int d = shape(w)->d_head, heads = shape(w)->heads, all = heads + shape(w)->kv_heads;
	size_t ld = (size_t)(q_width(w) + 2 * kv_width(w));

	for (int item = thread; item < w->rows * all; item += threads) {
		int row = item / all, h = item % all, key = h - heads;
		float *head = w->at.qkv + (size_t)row * ld + (size_t)h * (size_t)d;
		const float *norm = key < 0 ? l->q_norm : l->k_norm;
		size_t at = (size_t)(w->cached + row) * (size_t)d;

		if (norm)
			k->rms_norm(head, norm, (float)w->model->norm_eps, d, head);
		rotate(w, layer, row, head);
		if (key < 0)
			continue;
		k->to_f16(head, d, hx_kv_keys(w->kv, layer, key) + at);
		k->to_f16(head + kv_width(w), d, hx_kv_values(w->kv, layer, key) + at);
	}
}

static void attn(const struct hx_walk *w, int layer, int thread, int threads)
{
	int d = shape(w)->d_head, kv_heads = shape(w)->kv_heads, group = shape(w)->heads / kv_heads, window = hx_shape_window(shape(w), layer);
	size_t ld = (size_t)(q_width(w) + 2 * kv_width(w));
	float *scores = w->at.scores + (size_t)thread * (size_t)group * (size_t)w->kv->context;

	for (int item = thread; item < w->rows * kv_heads; item += threads) {
		int row = item / kv_heads, key = item % kv_heads, end = w->cached + row + 1;
		int from = window && end > window ? end - window : 0;
		size_t head = (size_t)key * (size_t)group * (size_t)d, at = (size_t)from * (size_t)d;

		w->weights->kernels->attend(w->at.qkv + (size_t)row * ld + head, group, hx_kv_keys(w->kv, layer, key) + at,
					    hx_kv_values(w->kv, layer, key) + at, end - from, d, (float)w->model->attn_scale, scores,
					    w->at.att + (size_t)row * (size_t)q_width(w) + head);
	}
}

/* x += norm(m y): what a block adds to the stream. */
static void add_block(const struct hx_walk *w, const struct hx_matrix *m, const float *y, const float *post_norm, int thread, int threads)
{
	size_t d = (size_t)shape(w)->d_model;
	struct share s;

	take_in(w, y, w->rows, &m, 1, thread, threads);
	s = multiply(w, &m, 0, w->rows, w->at.sum, d, thread, threads);
	if (post_norm) {
		hx_pool_barrier(w->pool, thread);
		norm_rows(w, w->at.sum, post_norm, w->rows, w->at.sum, thread, threads);
		hx_pool_barrier(w->pool, thread);
	}
	for (int r = 0; r < w->rows; r++)
		for (int64_t o = s.first; o < s.last; o++)
			w->at.x[(size_t)r * d + (size_t)o] += w->at.sum[(size_t)r * d + (size_t)o];
}

static void attn_out(const struct hx_walk *w, int layer, int thread, int threads)
{
	add_block(w, &layer_of(w, layer)->attn_out, w->at.att, layer_of(w, layer)->attn_post_norm, thread, threads);
}

static void ffn_up(const struct hx_walk *w, int layer, int thread, int threads)
{
	const struct hx_weights_layer *l = layer_of(w, layer);
	const struct hx_matrix *m[] = {&l->gate, &l->up};
	size_t ff = (size_t)shape(w)->d_ff;
	struct share s;

	take_in(w, w->at.normed, w->rows, m, 2, thread, threads);
	multiply(w, m, 0, w->rows, w->at.gate, ff, thread, threads);
	s = multiply(w, m, 1, w->rows, w->at.up, ff, thread, threads);
	for (int r = 0; r < w->rows && s.first < s.last; r++) {
		float *gate = w->at.gate + (size_t)r * ff + (size_t)s.first;

		w->weights->kernels->glu(gate, w->at.up + (size_t)r * ff + (size_t)s.first, w->model->gelu, (int)(s.last - s.first), gate);
	}
}

static void ffn_down(const struct hx_walk *w, int layer, int thread, int threads)
{
	add_block(w, &layer_of(w, layer)->down, w->at.gate, layer_of(w, layer)->ffn_post_norm, thread, threads);
}

static void norm(const struct hx_walk *w, int layer, int thread, int threads)
{
	const float *x = w->at.x + (size_t)(w->rows - w->logit_rows) * (size_t)shape(w)->d_model;

	(void)layer;
	norm_rows(w, x, w->weights->norm, w->logit_rows, w->at.normed, thread, threads);
}

static void head(const struct hx_walk *w, int layer, int thread, int threads)
{
	const struct hx_matrix *m = &w->weights->head;

	(void)layer;
	take_in(w, w->at.normed, w->logit_rows, &m, 1, thread, threads);
	multiply(w, &m, 0, w->logit_rows, w->at.logits, (size_t)m->out, thread, threads);
}

/* The lowest index of the largest of n > 0 values; sixteen maxima side by side, so that compilers find vectors. */
static int largest(const float *v, int n)
{
	float best[16], max;
	int i = 0;

	for (int j = 0; j < 16; j++)
		best[j] = -INFINITY;
	for (; i + 16 <= n; i += 16)
		for (int j = 0; j < 16; j++)
			best[j] = v[i + j] > best[j] ? v[i + j] : best[j];
	max = best[0];
	for (int j = 1; j < 16; j++)
		max = best[j] > max ? best[j] : max;
	for (; i < n; i++)
		max = v[i] > max ? v[i] : max;
	for (i = 0; i < n; i++)
		if (v[i] == max)
			return i;
	return 0; /* nothing but NAN */
}

static void argmax(const struct hx_walk *w, int layer, int thread, int threads)
{
	int vocab = shape(w)->vocab, n = w->logit_rows;
	int64_t first, last;

	(void)layer;
	hx_pool_share(vocab, 1, thread, threads, &first, &last);
	for (int r = 0; r < n; r++) {
		const float *row = w->at.logits + (size_t)r * (size_t)vocab;
		int at = (int)first + (first < last ? largest(row + first, (int)(last - first)) : 0);

		w->at.peak_at[thread * n + r] = at;
		w->at.peak[thread * n + r] = first < last && !isnan(row[at]) ? row[at] : -INFINITY;
	}
	hx_pool_barrier(w->pool, thread);
	for (int r = thread; r < n; r += threads) {
		int best = 0;

		for (int t = 1; t < threads; t++)
			if (w->at.peak[t * n + r] > w->at.peak[best * n + r])
				best = t;
		w->at.argmax[r] = w->at.peak_at[best * n + r];
	}
}

hx_exec_op *const hx_exec_ops[] = {
	[HX_OP_EMBED] = embed,       [HX_OP_ATTN_NORM] = attn_norm, [HX_OP_QKV] = qkv,       [HX_OP_ROPE] = rope,
	[HX_OP_ATTN] = attn,         [HX_OP_ATTN_OUT] = attn_out,   [HX_OP_FFN_NORM] = ffn_norm, [HX_OP_FFN_UP] = ffn_up,
	[HX_OP_FFN_DOWN] = ffn_down, [HX_OP_NORM] = norm,           [HX_OP_HEAD] = head,     [HX_OP_ARGMAX] = argmax,
};
