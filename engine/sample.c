/* Sampling. Rows are floats, as logits are; sums are doubles. */
#include "engine/sample.h"

#include <math.h>
#include <stdlib.h>

int hx_sample_check(const struct hx_sample_options *o, struct hx_err *err)
{
	if (o->temperature != 0 && !(o->temperature >= 0.01 && o->temperature <= 100))
		return hx_err_set(err, HX_INPUT, "the temperature must be 0 or between 0.01 and 100, is %g", o->temperature);
	if (o->top_k < 0)
		return hx_err_set(err, HX_INPUT, "top-k must not be negative, is %d", o->top_k);
	if (!(o->top_p >= 0 && o->top_p <= 1))
		return hx_err_set(err, HX_INPUT, "top-p must be between 0 and 1, is %g", o->top_p);
	return HX_OK;
}

void hx_sample_init(struct hx_sampler *s, const struct hx_sample_options *o, int vocab)
{
	*s = (struct hx_sampler){.options = *o, .vocab = vocab};
	hx_random_init(&s->random, o->seed);
	if (!hx_sample_greedy(s))
		s->order = hx_xmalloc((size_t)vocab * sizeof(*s->order));
}

void hx_sample_free(struct hx_sampler *s)
{
	free(s->order);
	*s = (struct hx_sampler){0};
}

void hx_sample_seek(struct hx_sampler *s, int position)
{
	struct hx_random of_seed;

	hx_random_init(&of_seed, ~s->options.seed);
	hx_random_init(&s->random, hx_random_bits(&of_seed) + (uint64_t)position);
}

bool hx_sample_greedy(const struct hx_sampler *s)
{
	return s->options.temperature == 0;
}

static bool has_top_p(const struct hx_sampler *s)
{
	return s->options.top_p > 0 && s->options.top_p < 1;
}

static float largest(const float *v, int n)
{
	float max = v[0];

	for (int i = 1; i < n; i++)
		max = v[i] > max ? v[i] : max;
	return max;
}

/* Token a before token b: the larger logit, then the lower token. */
static bool before(const float *logits, int a, int b)
{
	return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static void sift_down(const float *logits, int *heap, int n, int i)
{
	int moved = heap[i];

	for (int child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(logits, heap[child + 1], heap[child]))
			child++;
		if (!before(logits, heap[child], moved))
			break;
		heap[i] = heap[child];
	}
	heap[i] = moved;
}

/* The first of a heap of n tokens, moved behind what is left of it. */
static int take_first(const float *logits, int *heap, int n)
{
	int first = heap[0];

	heap[0] = heap[n - 1];
	heap[n - 1] = first;
	sift_down(logits, heap, n - 1, 0);
	return first;
}

/* Zeroes the weights that top-k and top-p cut off and returns the sum of the others. A heap that is taken from until there is enough: that is soon,
 * and sorting a whole vocabulary would cost more than its softmax. */
static double cut(struct hx_sampler *s, const float *logits, float *w, double total)
{
	const int n = s->vocab, k = s->options.top_k && s->options.top_k < n ? s->options.top_k : n;
	int *heap = s->order, taken = 0, kept = 0;
	const double share = has_top_p(s) ? s->options.top_p : INFINITY;
	double sum = 0;

	for (int i = 0; i < n; i++)
		heap[i] = i;
	for (int i = n / 2 - 1; i >= 0; i--)
		sift_down(logits, heap, n, i);
	if (k < n)
		for (total = 0; taken < k; taken++)
			total += w[take_first(logits, heap, n - taken)];
	for (; kept < k && (kept == 0 || sum < share * total); kept++) {
		if (kept == taken)
			take_first(logits, heap, n - taken++);
		sum += w[heap[n - 1 - kept]];
	}
	for (int i = 0; i < n - kept; i++)
		w[heap[i]] = 0;
	return sum;
}

void hx_sample_probabilities(struct hx_sampler *s, const float *logits, float *p)
{
	const float max = largest(logits, s->vocab), scale = (float)(1 / s->options.temperature);
	double sum = 0;

	for (int i = 0; i < s->vocab; i++)
		sum += p[i] = expf((logits[i] - max) * scale);
	if (s->options.top_k || has_top_p(s))
		sum = cut(s, logits, p, sum);
	for (int i = 0; i < s->vocab; i++)
		p[i] = (float)(p[i] / sum);
}

int hx_sample_draw(struct hx_sampler *s, const float *p)
{
	double sum = 0, left;
	int token = 0;

	for (int i = 0; i < s->vocab; i++)
		sum += p[i];
	left = hx_random_uniform(&s->random) * sum;
	/* rounding may leave something behind the last possible token, which then is drawn */
	for (int i = 0; i < s->vocab; i++) {
		if (!(p[i] > 0))
			continue;
		token = i;
		if ((left -= p[i]) < 0)
			break;
	}
	return token;
}

bool hx_sample_accept(struct hx_sampler *s, const float *p, const float *q, int token)
{
	return hx_random_uniform(&s->random) * (q ? q[token] : 1) < p[token];
}

int hx_sample_residual(struct hx_sampler *s, float *p, const float *q, int token)
{
	double sum = 0;

	for (int i = 0; i < s->vocab; i++) {
		float less = q ? q[i] : i == token;

		p[i] = p[i] > less ? p[i] - less : 0;
		sum += p[i];
	}
	if (sum == 0) /* p and q differ by rounding alone */
		p[token] = 1;
	return hx_sample_draw(s, p);
}

double hx_sample_confidence(const float *logits, int vocab, int argmax)
{
	double sum = 0;

	for (int i = 0; i < vocab; i++)
		sum += expf(logits[i] - logits[argmax]);
	return 1 / sum;
}
