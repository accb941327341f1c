/* Norms, activations, attention and f16 of every kernel set that this machine can run, against double precision; u = 2^-24. */
#include "engine/cpu/kernels.h"
#include "engine/err.h"
#include "engine/quant.h"

#include "check.h"
#include "random.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const double u = 0x1p-24;

/* A sum of n squares is within (n + 2) u, so its root within half; the rest rounds a few times. */
static void norm_of(const struct hx_kernels *k, int n, float size, float eps)
{
	float *x = hx_xmalloc((size_t)n * sizeof(*x)), *w = hx_xmalloc((size_t)n * sizeof(*w)), *y = hx_xmalloc((size_t)n * sizeof(*y));
	uint32_t seed = 2;
	double sum = 0;

	for (int i = 0; i < n; i++) {
		x[i] = size * random_normal(&seed);
		w[i] = 1 + 0.1f * random_normal(&seed);
		sum += (double)x[i] * x[i];
	}
	k->rms_norm(x, w, eps, n, y);
	for (int i = 0; i < n; i++) {
		const double want = x[i] / sqrt(sum / n + (double)eps) * w[i];

		if (!(fabs(y[i] - want) <= (0.5 * n + 8) * u * fabs(want) + FLT_MIN))
			fail_msg("%s: norm of %d: %g, not %g", k->name, n, y[i], want);
	}
	k->rms_norm(x, w, eps, n, x);
	assert_memory_equal(x, y, (size_t)n * sizeof(*x));
	free(x);
	free(w);
	free(y);
}

static void norms(void **state)
{
	static const int lengths[] = {1, 3, 7, 16, 31, 64, 80, 128, 288, 576, 2047, 2048};
	static const float sizes[] = {1, 0, 1e-12f, 1e-42f, 1e15f};

	(void)state;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (size_t l = 0; l < COUNT(lengths); l++)
			for (size_t s = 0; s < COUNT(sizes); s++)
				norm_of(*k, lengths[l], sizes[s], s % 2 ? 1e-6f : 1e-5f);
}

static double activation(double g, bool gelu)
{
	const double v = gelu ? 2 * sqrt(2 / acos(-1)) * (g + 0.044715 * g * g * g) : g;

	return g / (1 + exp(-v));
}

/* exp(-v) magnifies what v is off by; where it is so large that the result all but vanishes, kernels may stop short of the last. */
static double activation_bound(double g, bool gelu)
{
	const double v = gelu ? 1.6 * (fabs(g) + 0.045 * fabs(g * g * g)) : fabs(g);

	return (16 + 4 * fmin(v, 120)) * u * fabs(activation(g, gelu)) + 1e-30 * fmin(fabs(g), 1e4);
}

static void check_activation(const char *set, double gate, double up, bool gelu, double got)
{
	const double want = activation(gate, gelu) * up;

	if (!(fabs(got - want) <= fabs(up) * activation_bound(gate, gelu) + FLT_MIN * u))
		fail_msg("%s: activation %d of %.9g: %.9g, not %.9g", set, gelu, gate, got, want);
}

/* Whole and in pieces of any length, and one by one: the same bits. */
static void activations(void **state)
{
	enum { N = 1031 };
	static const float edges[] = {0, -0.0f, 1e30f, -1e30f, FLT_MAX, -FLT_MAX, 88, -88, 104, -104, FLT_TRUE_MIN, -FLT_TRUE_MIN, 1e-20f, -1e-20f};
	float gate[N], up[N], y[N], z[N];
	uint32_t seed = 4;

	(void)state;
	for (int i = 0; i < N; i++) {
		gate[i] = i < (int)COUNT(edges) ? edges[i] : (i % 3 ? 2 : 40) * random_normal(&seed);
		up[i] = i < (int)COUNT(edges) ? 0.5f : random_normal(&seed);
	}
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (int gelu = 0; gelu < 2; gelu++) {
			(*k)->glu(gate, up, gelu, N, y);
			for (int i = 0; i < N; i++)
				check_activation((*k)->name, gate[i], up[i], gelu, y[i]);
			for (int i = 0, n = 1; i < N; i += n, n = n % 37 + 1)
				(*k)->glu(gate + i, up + i, gelu, n < N - i ? n : N - i, z + i);
			assert_memory_equal(y, z, sizeof(y));
			for (int i = 0; i < N; i++)
				(*k)->glu(gate + i, up + i, gelu, 1, z + i);
			assert_memory_equal(y, z, sizeof(y));
			memcpy(z, gate, sizeof(z));
			(*k)->glu(z, up, gelu, N, z);
			assert_memory_equal(y, z, sizeof(y));
		}
}

struct attention {
	int heads, positions, d_head;
	float size, scale; /* of queries; of scores */
};

/* A score is within (d_head + 2) u of its terms' sizes, e at most; a weight then within a factor of exp(2 e), and exp's own rounding; a sum of n
 * weights or weighted values within n u. */
static void check_head(const struct hx_kernels *k, const struct attention *a, const float *q, const uint16_t *keys, const uint16_t *values,
		       const float *out)
{
	double *score = hx_xmalloc((size_t)a->positions * sizeof(*score)), most = -INFINITY, sum = 0, e = 0;

	for (int t = 0; t < a->positions; t++) {
		double s = 0, size = 0;

		for (int i = 0; i < a->d_head; i++) {
			const double term = (double)q[i] * hx_quant_f16_value(keys[t * a->d_head + i]) * a->scale;

			s += term;
			size += fabs(term);
		}
		score[t] = s;
		most = fmax(most, s);
		e = fmax(e, (a->d_head + 4) * u * size);
	}
	for (int t = 0; t < a->positions; t++)
		sum += score[t] = exp(score[t] - most);
	for (int i = 0; i < a->d_head; i++) {
		double want = 0, size = 0;

		for (int t = 0; t < a->positions; t++) {
			const double v = hx_quant_f16_value(values[t * a->d_head + i]);

			want += score[t] / sum * v;
			size += (score[t] / sum + 1e-30) * fabs(v);
		}
		if (!(fabs(out[i] - want) <= (expm1(4 * e) + (2 * a->positions + 100) * u) * size))
			fail_msg("%s: attention of %d heads of %d, %d positions, scale %g: %g, not %g", k->name, a->heads, a->d_head, a->positions, a->scale,
				 out[i], want);
	}
	free(score);
}

static void attend(const struct hx_kernels *k, const struct attention *a)
{
	const size_t query = (size_t)a->heads * (size_t)a->d_head, cache = (size_t)a->positions * (size_t)a->d_head;
	float *q = hx_xmalloc(query * sizeof(*q)), *out = hx_xmalloc(query * sizeof(*out)), *again = hx_xmalloc(query * sizeof(*out));
	float *scores = hx_xmalloc((size_t)a->heads * (size_t)a->positions * sizeof(*scores));
	uint16_t *keys = hx_xmalloc(cache * sizeof(*keys)), *values = hx_xmalloc(cache * sizeof(*values));
	uint32_t seed = 6;

	for (size_t i = 0; i < query; i++)
		q[i] = a->size * random_normal(&seed);
	for (size_t i = 0; i < cache; i++) {
		keys[i] = hx_quant_f16(random_normal(&seed));
		values[i] = hx_quant_f16(i % 11 ? random_normal(&seed) : 0x1p-20f * random_normal(&seed));
	}
	k->attend(q, a->heads, keys, values, a->positions, a->d_head, a->scale, scores, out);
	for (int h = 0; h < a->heads; h++)
		check_head(k, a, q + h * a->d_head, keys, values, out + h * a->d_head);
	k->attend(q, a->heads, keys, values, a->positions, a->d_head, a->scale, scores, again);
	assert_memory_equal(out, again, query * sizeof(*out));
	free(q);
	free(out);
	free(again);
	free(scores);
	free(keys);
	free(values);
}

static void attention(void **state)
{
	static const int heads[] = {1, 2, 3, 4, 5, 7, 8, 9, 16}, positions[] = {1, 2, 3, 7, 8, 15, 33, 100, 301}, d_heads[] = {32, 48, 64, 80, 96, 128, 256};
	static const float sizes[] = {1, 0, 1e4f, 1e-30f};

	(void)state;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (size_t h = 0; h < COUNT(heads); h++)
			for (size_t p = 0; p < COUNT(positions); p++)
				for (size_t d = 0; d < COUNT(d_heads); d++) {
					const size_t i = h + p + d; /* each with each of the others, if not all with all */

					attend(*k, &(struct attention){heads[h], positions[p], d_heads[d], sizes[i % COUNT(sizes)],
								       1 / sqrtf((float)d_heads[d])});
				}
}

/* Scores far apart: all weight on one position, wherever it is, or shared by two. */
static void decided_attention(void **state)
{
	enum { D = 64, P = 37 };
	static uint16_t keys[P * D], values[P * D];
	float q[D], out[D], scores[P];

	(void)state;
	for (int i = 0; i < D; i++)
		q[i] = 1e4f;
	for (int i = 0; i < P * D; i++)
		values[i] = hx_quant_f16((float)(i / D) + 1);
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (int first = 0; first < P; first++)
			for (int second = first; second < P; second++) {
				for (int i = 0; i < P * D; i++)
					keys[i] = hx_quant_f16(i / D == first || i / D == second ? 1000 : -1000);
				(*k)->attend(q, 1, keys, values, P, D, 0.125f, scores, out);
				for (int i = 0; i < D; i++)
					check_near(out[i], (first + second) / 2.0 + 1, 4 * u);
			}
}

static void halves(void **state)
{
	enum { N = 3 * 65536 };
	static float x[N];
	static uint16_t y[N];
	static const int lengths[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 64, 65, N};

	(void)state;
	for (int h = 0; h < 65536; h++) {
		const float v = hx_quant_f16_value((uint16_t)h), after = hx_quant_f16_value((uint16_t)(h + 1));

		x[3 * h] = v;
		x[3 * h + 1] = isfinite(v) && isfinite(after) ? v + (after - v) / 2 : 65519.996f;
		x[3 * h + 2] = isfinite(v) ? nextafterf(x[3 * h + 1], 0) : 65520;
	}
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (size_t l = 0; l < COUNT(lengths); l++) {
			const int n = lengths[l];

			y[n % N] = 0x1234;
			(*k)->to_f16(x, n, y);
			for (int i = 0; i < n; i++)
				if (isnan(x[i]) ? (y[i] & 0x7fff) <= 0x7c00 : y[i] != hx_quant_f16(x[i]))
					fail_msg("%s: %a gives half %04x, not %04x", (*k)->name, x[i], y[i], hx_quant_f16(x[i]));
			assert_true(n == N || y[n] == 0x1234);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(norms), cmocka_unit_test(activations), cmocka_unit_test(attention), cmocka_unit_test(decided_attention),
		cmocka_unit_test(halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
