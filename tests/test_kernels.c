/* Matrix products of every kernel set that this machine can run, against double precision.
 *
 * With n columns, u = 2^-24, and S the sum of |w x| over the columns, where |w| of a block type is four times the greatest of its 32
 * columns, since scale x code and least value may each be larger than their difference:
 *   any order of summation in f32 is within (n + 8) u S
 *   input rows in 8 bits are within d/2 of what they were, d the greatest |x| of 32 columns / 127: d/2 times the sum of |w| more,
 *   unless x/d are whole numbers, as in the exact rows below. */
#include "engine/cpu/kernels.h"
#include "engine/err.h"
#include "engine/quant.h"

#include "check.h"
#include "random.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ROWS = 33, GAP = 3 };

static const int outs[] = {1, 7, 16, 33, 100};
static const int ins[] = {7, 32, 45, 96, 256, 576, 2048};

static float any(int j, uint32_t *state)
{
	(void)j;
	return random_normal(state);
}

static float zero(int j, uint32_t *state)
{
	(void)j, (void)state;
	return 0;
}

static float minus_zero(int j, uint32_t *state)
{
	(void)j, (void)state;
	return -0.0f;
}

static float denormal(int j, uint32_t *state)
{
	return (float)(j % 5 - 2) * FLT_TRUE_MIN * (float)(random_bits(state) % 1000);
}

static float large(int j, uint32_t *state)
{
	(void)j;
	return 1e30f * random_normal(state);
}

static float alternating(int j, uint32_t *state)
{
	(void)state;
	return j % 2 ? -3.7f : 3.7f;
}

static float outlier(int j, uint32_t *state)
{
	return j == 5 ? 1e4f : 1e-3f * random_normal(state);
}

static float tiny(int j, uint32_t *state)
{
	(void)j;
	return 1e-30f * random_normal(state);
}

/* In 32 columns, one is 127 of what all are multiples of: 8 bits hold them as they are. */
static float exact(int j, uint32_t *state)
{
	return ldexpf(j % 32 == 3 ? 127 : (float)((int)(random_bits(state) % 255) - 127), j / 32 % 7 - 5);
}

static float exact_large(int j, uint32_t *state)
{
	return ldexpf(j % 32 == 30 ? -127 : (float)((int)(random_bits(state) % 3 * 127) - 127), 90);
}

static const struct {
	float (*value)(int j, uint32_t *state);
	bool exact;
} kinds[] = {
	{any, false}, {exact, true}, {zero, true}, {denormal, false}, {large, false}, {alternating, false}, {outlier, false}, {minus_zero, true},
	{tiny, false}, {exact_large, true}, {exact, true},
};

/* One matrix and its input rows, and what a set makes of them. */
struct problem {
	int type, out, in;
	uint8_t *file;
	float *w, *x;        /* out x in as decoded, ROWS x in */
	double *want, *sum_wx; /* ROWS x out: the product, and S */
	double *slack;       /* what 8 bits may change */
	float *alone;        /* ROWS x out, of the first set: rows by themselves */
	const char *first;   /* its name */
};

/* Half of the outputs normally distributed, of the others, where a type has blocks, any bits with scales below 2; some are zero. */
static void fill_weights(struct problem *p)
{
	const struct hx_type_info *t = &hx_types[p->type];
	size_t bytes = (size_t)p->in / t->block * t->bytes;
	float *row = hx_xmalloc((size_t)p->in * sizeof(*row));
	uint32_t seed = 11;

	for (int o = 0; o < p->out; o++) {
		uint8_t *to = p->file + (size_t)o * bytes;

		for (int j = 0; j < p->in; j++)
			row[j] = o % 7 == 6 ? 0 : 0.05f * random_normal(&seed);
		hx_quant_encode(p->type, row, to, (size_t)p->in);
		if (t->block == 1 || o % 2 == 0)
			continue;
		for (size_t i = 0; i < bytes; i++)
			to[i] = (uint8_t)(random_bits(&seed) >> 24);
		for (size_t b = 0; b < bytes; b += t->bytes) {
			to[b + (p->type == HX_Q6_K ? 209 : 1)] &= 0xbf;
			if (p->type == HX_Q4_1 || p->type == HX_Q5_1 || p->type == HX_Q4_K || p->type == HX_Q5_K)
				to[b + 3] &= 0xbf;
		}
	}
	hx_quant_decode(p->type, p->file, p->w, (size_t)p->out * (size_t)p->in);
	free(row);
}

static double greatest(const float *v, int n)
{
	double most = 0;

	for (int j = 0; j < n; j++)
		most = fabsf(v[j]) > most ? fabsf(v[j]) : most;
	return most;
}

static void solve(struct problem *p, int r, int o)
{
	const float *w = p->w + (size_t)o * (size_t)p->in, *x = p->x + (size_t)r * (size_t)p->in;
	const bool blocks = hx_types[p->type].block > 1;
	double y = 0, sum = 0, slack = 0;

	for (int j = 0; j < p->in; j++) {
		y += (double)w[j] * x[j];
		sum += blocks ? 0 : fabs((double)w[j] * x[j]);
	}
	for (int b = 0; blocks && b < p->in; b += 32) {
		double half = greatest(x + b, 32) / 254, most = 4 * greatest(w + b, 32);

		for (int j = b; j < b + 32; j++) {
			sum += most * (fabs((double)x[j]) + half);
			slack += kinds[r % (int)COUNT(kinds)].exact ? 0 : half * fabs((double)w[j]);
		}
	}
	p->want[r * p->out + o] = y;
	p->sum_wx[r * p->out + o] = sum;
	p->slack[r * p->out + o] = 1.001 * slack + p->in * 1e-36; /* kernels may take blocks of such x for zeros */
}

static void create(struct problem *p, int type, int out, int in)
{
	const size_t weights = (size_t)out * (size_t)in, results = (size_t)ROWS * (size_t)out;
	uint32_t seed = 5;

	*p = (struct problem){.type = type, .out = out, .in = in};
	p->file = hx_xmalloc(weights / hx_types[type].block * hx_types[type].bytes);
	p->w = hx_xmalloc(weights * sizeof(float));
	p->x = hx_xmalloc((size_t)ROWS * (size_t)in * sizeof(float));
	p->want = hx_xmalloc(results * sizeof(double));
	p->sum_wx = hx_xmalloc(results * sizeof(double));
	p->slack = hx_xmalloc(results * sizeof(double));
	fill_weights(p);
	for (int r = 0; r < ROWS; r++)
		for (int j = 0; j < in; j++)
			p->x[r * in + j] = kinds[r % (int)COUNT(kinds)].value(j, &seed);
	for (int r = 0; r < ROWS; r++)
		for (int o = 0; o < out; o++)
			solve(p, r, o);
}

static void destroy(struct problem *p)
{
	free(p->file);
	free(p->w);
	free(p->x);
	free(p->want);
	free(p->sum_wx);
	free(p->slack);
	free(p->alone);
}

static void *aligned(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	assert_non_null(p);
	return p;
}

static struct hx_matrix pack(const struct problem *p, const struct hx_kernels *k)
{
	struct hx_matrix m = {.type = p->type, .out = p->out, .in = p->in, .lanes = k->lanes};
	const size_t row = (size_t)p->in / hx_types[p->type].block * hx_types[p->type].bytes;
	const int middle = p->out / 2 / k->lanes * k->lanes; /* as two threads would */

	m.data = aligned(hx_pack_bytes(p->type, p->out, p->in, k->lanes));
	hx_pack(&m, middle, p->out, p->file + (size_t)middle * row);
	hx_pack(&m, 0, middle, p->file);
	return m;
}

/* y: rows x (out + GAP), of the rows [first, first + rows) of the problem, columns and outputs in `cuts` pieces. */
static void multiply(const struct problem *p, const struct hx_kernels *k, const struct hx_matrix *m, int first, int rows, int cuts, float *y)
{
	void *input = aligned(k->input_bytes(p->type, p->in, rows));
	const float *x = p->x + (size_t)first * (size_t)p->in;
	const int step = (p->in / cuts + 31) / 32 * 32, lanes = (p->out / cuts / k->lanes + 1) * k->lanes;

	for (int j = 0; j < p->in; j += step)
		k->input(p->type, x, (size_t)p->in, p->in, rows, j, j + step < p->in ? j + step : p->in, input);
	for (int i = 0; i < rows * (p->out + GAP); i++)
		y[i] = 12345;
	for (int o = 0; o < p->out; o += lanes)
		k->matmul(m, o, o + lanes < p->out ? o + lanes : p->out, input, rows, y, (size_t)(p->out + GAP));
	free(input);
}

static void check_bounds(const struct problem *p, const struct hx_kernels *k, int r, const float *y)
{
	for (int o = 0; o < p->out; o++) {
		const int i = r * p->out + o;
		const double rounding = (p->in + 8) * 0x1p-24 * p->sum_wx[i], bound = rounding + (hx_types[p->type].block > 1 ? p->slack[i] : 1e-40);

		if (!(fabs(y[o] - p->want[i]) <= bound))
			fail_msg("%s: %s %dx%d: row %d, output %d: %g is not within %g of %g", k->name, hx_type_names[p->type], p->out, p->in, r, o, y[o],
				 bound, p->want[i]);
		if (!(fabs((double)y[o] - p->alone[i]) <= 2 * rounding + 1e-36 * p->in))
			fail_msg("%s: %s %dx%d: row %d, output %d: %g, with another set %g", k->name, hx_type_names[p->type], p->out, p->in, r, o, y[o],
				 p->alone[i]);
	}
}

static void check_same(const struct problem *p, const struct hx_kernels *k, int rows, int cuts, const float *y, const float *alone)
{
	for (int r = 0; r < rows; r++) {
		if (memcmp(y + r * (p->out + GAP), alone + r * p->out, (size_t)p->out * sizeof(*y)) != 0)
			fail_msg("%s: %s %dx%d: row %d of %d in %d pieces is not what it is alone", k->name, hx_type_names[p->type], p->out, p->in, r, rows,
				 cuts);
		for (int i = 0; i < GAP; i++)
			if (y[r * (p->out + GAP) + p->out + i] != 12345)
				fail_msg("%s: %s %dx%d: row %d of %d is written beyond its end", k->name, hx_type_names[p->type], p->out, p->in, r, rows);
	}
}

static void run_set(struct problem *p, const struct hx_kernels *k)
{
	struct hx_matrix m = pack(p, k);
	float *y = hx_xmalloc((size_t)(ROWS * (p->out + GAP)) * sizeof(*y)), *alone = hx_xmalloc((size_t)(ROWS * p->out) * sizeof(*alone));

	for (int r = 0; r < ROWS; r++) {
		multiply(p, k, &m, r, 1, 1, y);
		memcpy(alone + r * p->out, y, (size_t)p->out * sizeof(*y));
	}
	if (!p->alone) {
		p->first = k->name;
		p->alone = hx_xmalloc((size_t)(ROWS * p->out) * sizeof(*alone));
		memcpy(p->alone, alone, (size_t)(ROWS * p->out) * sizeof(*alone));
	}
	for (int r = 0; r < ROWS; r++)
		check_bounds(p, k, r, alone + r * p->out);
	if (strcmp(p->first, "neon-dot") == 0 && strcmp(k->name, "neon") == 0) /* these differ in sums of integers alone */
		assert_memory_equal(p->alone, alone, (size_t)(ROWS * p->out) * sizeof(*alone));
	for (int i = 1; i <= 18; i++) {
		const int rows = i < 18 ? i : ROWS, first = 5 * rows % (ROWS - rows + 1), cuts = 1 + rows % 3;

		multiply(p, k, &m, first, rows, cuts, y);
		check_same(p, k, rows, cuts, y, alone + first * p->out);
	}
	free(m.data);
	free(y);
	free(alone);
}

static void products(void **state)
{
	(void)state;
	for (int type = 0; type < HX_TYPE_COUNT; type++)
		for (size_t i = 0; i < COUNT(ins); i++)
			for (size_t o = 0; o < COUNT(outs) && ins[i] % (int)hx_types[type].block == 0; o++) {
				struct problem p;

				create(&p, type, outs[o], ins[i]);
				for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
					run_set(&p, *k);
				destroy(&p);
			}
}

/* What cannot be computed with shows, in its row and in no other. */
static void not_numbers(void **state)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY};

	(void)state;
	for (int type = 0; type < HX_TYPE_COUNT; type++)
		for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++) {
			struct problem p;
			struct hx_matrix m;
			float good[ROWS * (7 + GAP)], y[ROWS * (7 + GAP)];

			create(&p, type, 7, 256);
			m = pack(&p, *k);
			multiply(&p, *k, &m, 0, ROWS, 1, good);
			for (int i = 0; i < 3; i++)
				p.x[(9 * i + 1) * 256 + 40 * i] = bad[i];
			multiply(&p, *k, &m, 0, ROWS, 1, y);
			for (int r = 0; r < ROWS; r++)
				for (int o = 0; o < 7; o++) {
					const int at = r * (7 + GAP) + o;

					if (r % 9 == 1 && r < 27 ? isfinite(y[at]) : memcmp(&y[at], &good[at], sizeof(*y)) != 0)
						fail_msg("%s: %s: row %d, output %d: %g", (*k)->name, hx_type_names[type], r, o, y[at]);
				}
			free(m.data);
			destroy(&p);
		}
}

static void sets_have_names(void **state)
{
	(void)state;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++) {
		assert_true((*k)->usable());
		assert_ptr_equal(hx_kernels_find((*k)->name), *k);
		print_message("%s\n", (*k)->name);
	}
	assert_ptr_equal(hx_kernels_find(NULL), hx_kernels_usable()[0]);
	assert_non_null(hx_kernels_find("portable"));
	assert_null(hx_kernels_find("portabel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sets_have_names), cmocka_unit_test(products), cmocka_unit_test(not_numbers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
