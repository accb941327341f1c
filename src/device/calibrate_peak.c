/* Peaks of a core: its clock, and the operations per cycle of the arithmetic that kernels use. Loops of independent instructions are timed: what the
 * processor does at best, which no kernel reaches. */
#include "device/calibrate_internal.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { TRIES = 15, ROUNDS = 20000, CHAIN = 16, CHAINS = 10 /* independent: more than latency times instructions a cycle */ };

/* The fastest of several tries: what delays a loop is never its own. */
static double fastest_s(void (*loop)(void))
{
	double best = INFINITY;

	for (int i = 0; i < TRIES; i++) {
		double start_s = hx_trace_now_s();

		loop();
		best = fmin(best, hx_trace_now_s() - start_s);
	}
	return best;
}

/* Each addition waits for the one before. Neither operand is known to the compiler or, as a constant would be, to the decoder. */
static void additions(void)
{
	uint64_t x = 1, y = 3;

	__asm__ volatile("" : "+r"(x), "+r"(y));
	for (int i = 0; i < ROUNDS; i++)
#pragma GCC unroll 16
		for (int k = 0; k < CHAIN; k++) {
			x += y;
			__asm__ volatile("" : "+r"(x));
		}
}

double calibrate_clock_hz(void)
{
	return (double)ROUNDS * CHAIN / fastest_s(additions);
}

/* A loop of CHAINS chains of an instruction on vectors; each has a name, since an array's would go through memory. step(a) is the instruction,
 * x its other operand. */
#define LINK(step, constraint, a)                                                                                                           \
	a = step(a);                                                                                                                        \
	__asm__ volatile("" : constraint(a));
#define LOOP(name, attributes, vector, zero, constraint, step)                                                                              \
	attributes static void name(void)                                                                                                   \
	{                                                                                                                                   \
		vector x = zero, a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;                                       \
                                                                                                                                            \
		for (int n = 0; n < ROUNDS; n++) {                                                                                           \
			LINK(step, constraint, a)                                                                                            \
			LINK(step, constraint, b)                                                                                            \
			LINK(step, constraint, c)                                                                                            \
			LINK(step, constraint, d)                                                                                            \
			LINK(step, constraint, e)                                                                                            \
			LINK(step, constraint, f)                                                                                            \
			LINK(step, constraint, g)                                                                                            \
			LINK(step, constraint, h)                                                                                            \
			LINK(step, constraint, i)                                                                                            \
			LINK(step, constraint, j)                                                                                            \
		}                                                                                                                            \
	}

#if defined(__x86_64__)
#define FOR(features) __attribute__((target(features)))
#define FMA512(v) _mm512_fmadd_ps(x, x, v)
#define DOT512(v) _mm512_dpbusd_epi32(v, x, x)
#define FMA256(v) _mm256_fmadd_ps(x, x, v)
#define MUL256(v) _mm256_maddubs_epi16(v, x)
LOOP(fma512, FOR("avx512f"), __m512, _mm512_setzero_ps(), "+v", FMA512)
LOOP(dot512, FOR("avx512f,avx512vnni"), __m512i, _mm512_setzero_si512(), "+v", DOT512)
LOOP(fma256, FOR("avx2,fma"), __m256, _mm256_setzero_ps(), "+x", FMA256)
LOOP(mul256, FOR("avx2"), __m256i, _mm256_setzero_si256(), "+x", MUL256)
#elif defined(__aarch64__)
#define FMA128(v) vfmaq_f32(v, x, x)
#define MUL128(v) vmlal_s8(v, vget_low_s8(vreinterpretq_s8_s16(x)), vget_low_s8(vreinterpretq_s8_s16(x)))
#define DOT128(v) vdotq_s32(v, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(x))
LOOP(fma128, , float32x4_t, vdupq_n_f32(0), "+w", FMA128)
LOOP(mul128, , int16x8_t, vdupq_n_s16(0), "+w", MUL128)
LOOP(dot128, __attribute__((target("arch=armv8.2-a+dotprod"))), int32x4_t, vdupq_n_s32(0), "+w", DOT128)
#endif

/* What kernel sets compute with. Without a loop the rate is taken as told: as much as compilers and processors could make of plain C. */
static const struct peak {
	const char *kernels;
	int arithmetic;
	double ops; /* of an instruction, a multiplication with its addition being two */
	void (*loop)(void);
} peaks[] = {
#if defined(__x86_64__)
	{"avx512", ARITH_F32, 32, fma512},  {"avx512", ARITH_I8_DOT, 128, dot512},
	{"avx2", ARITH_F32, 16, fma256},    {"avx2", ARITH_I8_MUL, 64, mul256},
#elif defined(__aarch64__)
	{"neon", ARITH_F32, 8, fma128},     {"neon", ARITH_I8_MUL, 16, mul128},
	{"neon-dot", ARITH_F32, 8, fma128}, {"neon-dot", ARITH_I8_DOT, 32, dot128},
#endif
	{"portable", ARITH_F32, 16, NULL},  {"portable", ARITH_I8_MUL, 32, NULL},
};

enum { PEAKS = sizeof(peaks) / sizeof(*peaks) };

/* Processors start whole or half as many instructions a cycle: what is measured is a little less. */
static double rate_of(const struct peak *p, double clock_hz)
{
	double per_cycle = p->loop ? (double)ROUNDS * CHAINS / fastest_s(p->loop) / clock_hz : 1;

	return p->ops * fmax(0.5, ceil(2 * per_cycle - 0.2) / 2);
}

void calibrate_rates(const struct hx_kernels *k, double clock_hz, double rate[ARITH_COUNT])
{
	for (int a = 0; a < ARITH_COUNT; a++)
		rate[a] = NAN;
	for (int i = 0; i < PEAKS; i++)
		if (strcmp(peaks[i].kernels, k->name) == 0)
			rate[peaks[i].arithmetic] = rate_of(&peaks[i], clock_hz);
}

int calibrate_arithmetic(const struct hx_kernels *k, int type)
{
	for (int i = 0; i < PEAKS; i++)
		if (strcmp(peaks[i].kernels, k->name) == 0 && (peaks[i].arithmetic == ARITH_F32) == (hx_types[type].block == 1))
			return peaks[i].arithmetic;
	return ARITH_F32;
}
