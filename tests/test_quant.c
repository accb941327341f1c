#include "engine/quant.h"

#include "check.h"
#include "random.h"

#include "engine/err.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { N = 4096 };

/* Of each type: where its halves lie (1: none), the hash of what the Python package gguf 0.19.0 (its numpy dequantisation) makes of
 * 4096 values of random bytes, the root mean square of the error that ggml's reference quantisation leaves of normally distributed
 * values of deviation 1 (measured on 2^20 of them; of 4096 it varies by 1 %), and the levels between the ends of a part. */
static const struct {
	int halves[2];
	uint64_t hash;
	double rms;
	int levels;
} types[HX_TYPE_COUNT] = {
	[HX_F32] = {{1, 1}, 0x44e5594aee5b5655, 0, 1 << 24},
	[HX_F16] = {{0, 0}, 0xee4ed34a1c5e6325, 0.00021, 1 << 11},
	[HX_BF16] = {{1, 1}, 0x55344e0207726325, 0.0017, 1 << 8},
	[HX_Q4_0] = {{0, 0}, 0xe8cf7874aeb99b25, 0.0859, 15},
	[HX_Q4_1] = {{0, 2}, 0xda7281d21f176199, 0.0782, 15},
	[HX_Q5_0] = {{0, 0}, 0xf224507ee0d0d725, 0.0427, 31},
	[HX_Q5_1] = {{0, 2}, 0xd30bddc0b0d63692, 0.0378, 31},
	[HX_Q8_0] = {{0, 0}, 0x8f710238bd14a3a5, 0.00534, 254},
	[HX_Q4_K] = {{0, 2}, 0x7e71cd93a39cfd10, 0.0713, 15},
	[HX_Q5_K] = {{0, 2}, 0x298bf9e155f1dc8a, 0.0361, 31},
	[HX_Q6_K] = {{208, 208}, 0x6aa37f54baa9591f, 0.0177, 63},
};

static uint32_t bits_of(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static size_t bytes_of(int type, size_t n)
{
	return n / hx_types[type].block * hx_types[type].bytes;
}

/* Every half by the definition of the format, and back. */
static void halves(void **state)
{
	(void)state;
	for (int h = 0; h < 0x10000; h++) {
		int exponent = h >> 10 & 31, fraction = h & 1023;
		double v = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
		float got = hx_quant_f16_value((uint16_t)h);

		check_near(got, h & 0x8000 ? -v : v, 0);
		if (!signbit(got) != !(h & 0x8000))
			fail_msg("sign of half %04x", h);
		if (hx_quant_f16(got) != (isnan(v) ? h | 0x200 : h))
			fail_msg("half %04x comes back as %04x", h, hx_quant_f16(got));
	}
}

/* Between neighbours: the middle goes to the even one, a float more or less to the nearer. */
static void half_ties(void **state)
{
	(void)state;
	for (int h = 0; h < 0x7c00; h++) {
		float low = hx_quant_f16_value((uint16_t)h), high = h == 0x7bff ? 65536 : hx_quant_f16_value((uint16_t)(h + 1));
		float middle = low + (high - low) / 2;
		const struct {
			float v;
			int want;
		} around[] = {{middle, h + (h & 1)}, {nextafterf(middle, 0), h}, {nextafterf(middle, INFINITY), h + 1}};

		for (size_t i = 0; i < COUNT(around); i++) {
			if (hx_quant_f16(around[i].v) != around[i].want)
				fail_msg("%a gives half %04x, not %04x", around[i].v, hx_quant_f16(around[i].v), around[i].want);
			if (hx_quant_f16(-around[i].v) != (around[i].want | 0x8000))
				fail_msg("%a gives half %04x", -around[i].v, hx_quant_f16(-around[i].v));
		}
	}
	assert_int_equal(hx_quant_f16(FLT_MAX), 0x7c00);
	assert_int_equal(hx_quant_f16(FLT_TRUE_MIN), 0);
}

static void bf16_rounds(void **state)
{
	static const struct {
		float v;
		uint32_t want;
	} cases[] = {
		{0, 0}, {-0.0f, 0x8000}, {1, 0x3f80}, {0x1.01p0f, 0x3f80}, {0x1.03p0f, 0x3f82}, {0x1.010002p0f, 0x3f81},
		{INFINITY, 0x7f80}, {-INFINITY, 0xff80}, {FLT_MAX, 0x7f80}, {FLT_TRUE_MIN, 0}, {NAN, 0x7fc0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t p[2];

		hx_quant_encode(HX_BF16, &cases[i].v, p, 1);
		if ((p[0] | p[1] << 8) != (int)(cases[i].want))
			fail_msg("%a gives %04x, not %04x", cases[i].v, p[0] | p[1] << 8, cases[i].want);
	}
}

/* Random blocks whose scales are finite. */
static void fill_blocks(int type, uint8_t *p)
{
	const size_t bytes = hx_types[type].bytes, size = bytes_of(type, N);
	uint32_t seed = 1;

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(random_bits(&seed) >> 24);
	for (uint8_t *b = p; b < p + size; b += bytes) {
		if (types[type].halves[0] == 1)
			b[bytes - 1] &= 0xbf;
		else
			for (int i = 0; i < 2; i++)
				b[types[type].halves[i] + 1] &= 0xbf;
	}
}

static void decodes(void **state)
{
	static uint8_t p[4 * N];
	static float x[N];

	(void)state;
	for (int type = 0; type < HX_TYPE_COUNT; type++) {
		uint64_t hash = 0xcbf29ce484222325;

		fill_blocks(type, p);
		hx_quant_decode(type, p, x, N);
		for (int i = 0; i < N; i++)
			hash = (hash ^ bits_of(x[i])) * 0x100000001b3;
		if (hash != types[type].hash)
			fail_msg("%s: hash %llx, not %llx", hx_type_names[type], (unsigned long long)hash, (unsigned long long)types[type].hash);
	}
}

static void errors_are_as_small(void **state)
{
	static uint8_t p[4 * N];
	static float x[N], y[N];
	uint32_t seed = 7;

	(void)state;
	for (int i = 0; i < N; i++)
		x[i] = random_normal(&seed);
	for (int type = 0; type < HX_TYPE_COUNT; type++) {
		double sum = 0;

		hx_quant_encode(type, x, p, N);
		hx_quant_decode(type, p, y, N);
		for (int i = 0; i < N; i++)
			sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
		if (sqrt(sum / N) > 1.03 * types[type].rms)
			fail_msg("%s: error %g, with ggml %g", hx_type_names[type], sqrt(sum / N), types[type].rms);
	}
}

/* One block at a time, all at once, and where nothing is aligned: the same bytes and values. */
static void blocks_stand_alone(void **state)
{
	static uint8_t p[4 * N], q[4 * N + 1];
	static float x[N], y[N + 1], z[N], w[N];
	uint32_t seed = 3;

	(void)state;
	for (int i = 0; i < N; i++)
		x[i] = random_normal(&seed);
	memcpy((char *)y + 1, x, sizeof(x));
	for (int type = 0; type < HX_TYPE_COUNT; type++) {
		const size_t size = bytes_of(type, N), block = hx_types[type].block;

		hx_quant_encode(type, x, p, N);
		hx_quant_encode(type, (const float *)(const void *)((const char *)y + 1), q + 1, N);
		assert_memory_equal(p, q + 1, size);
		for (size_t i = 0; i < N; i += block)
			hx_quant_encode(type, x + i, q + bytes_of(type, i), block);
		assert_memory_equal(p, q, size);
		hx_quant_decode(type, p, w, N);
		for (size_t i = 0; i < N; i += block)
			hx_quant_decode(type, p + bytes_of(type, i), z + i, block);
		assert_memory_equal(w, z, sizeof(w));
	}
}

static float zeros(int i)
{
	return i % 3 ? 0.0f : -0.0f;
}

static float alike(int i)
{
	(void)i;
	return -5.3f;
}

static float denormals(int i)
{
	return (float)(i - 100) * FLT_TRUE_MIN;
}

static float tiny(int i)
{
	return (float)(i % 37 - 20) * 0x1p-27f;
}

static float huge(int i)
{
	return i % 5 ? 1e30f : -FLT_MAX;
}

static float edges(int i)
{
	return i % 2 ? 65504 : -65504;
}

static float outlier(int i)
{
	return i == 77 ? 1e4f : 0.01f * (float)(i % 9);
}

static float near_edge(int i)
{
	return 65500 + 0.01f * (float)(i % 7);
}

static float not_numbers(int i)
{
	static const float v[] = {NAN, INFINITY, 1, -INFINITY, -NAN, -1, 0};

	return v[i % 7];
}

/* What is held of a value: itself, or what quant.c says of those that cannot be. */
static double held(double v)
{
	return isnan(v) ? 0 : fmax(-65504, fmin(65504, v));
}

/* Errors stay below one and a bit of a level of the block's span, and what a half rounds, for the least value too. */
static void takes_anything(void **state)
{
	static float (*const rows[])(int i) = {zeros, alike, denormals, tiny, huge, edges, outlier, near_edge, not_numbers};
	float x[256], y[256];
	uint8_t p[1024];

	(void)state;
	for (size_t r = 0; r < COUNT(rows); r++)
		for (int type = HX_Q4_0; type < HX_TYPE_COUNT; type++) {
			double least = 0, most = 0, bound;

			for (int i = 0; i < 256; i++) {
				x[i] = rows[r](i);
				least = fmin(least, held(x[i]));
				most = fmax(most, held(x[i]));
			}
			bound = 1.1 * (most - least) / types[type].levels + fmax(most, -least) / 63 + 0x1p-20;
			hx_quant_encode(type, x, p, 256);
			hx_quant_decode(type, p, y, 256);
			for (int i = 0; i < 256; i++)
				if (!(fabs(held(x[i]) - y[i]) <= bound))
					fail_msg("%s: row %d: %g gives %g", hx_type_names[type], (int)r, x[i], y[i]);
			if (r == 0)
				for (int i = 0; i < 256; i++)
					check_near(y[i], 0, 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves), cmocka_unit_test(half_ties), cmocka_unit_test(bf16_rounds), cmocka_unit_test(decodes),
		cmocka_unit_test(errors_are_as_small), cmocka_unit_test(blocks_stand_alone), cmocka_unit_test(takes_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
