/* y = W x for packed matrices of one type; with EMBED, rows of W by number. Options besides those of common.cl:
 *   ROWS   rows of x that a work-item takes: weights are read once for all of them
 *   type   Q8_0 and so on, and of its layout (engine/cpu/pack.h) BLOCKS in a unit, HEAD, CODE and HIGH bytes, OFFSET; F32, F16, BF16 */

enum { STORE, ADD, SILU, GELU }; /* what becomes of an output */

#if OUT == 16 && DOT == 3
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+v"(v)) /* or the compiler sees through a value, regroups, and no multiply-add of pairs comes of it */
#elif defined(__aarch64__)
#define KEEP(v) __asm__("" : "+w"(v))
#endif
#define AHEAD 4096
#define PREFETCH(p) __builtin_prefetch((const void *)(size_t)((p) + AHEAD)) /* a core alone does not reach its bandwidth without */
#else
#define PREFETCH(p)
#endif
#ifndef KEEP
#define KEEP(v)
#endif

/* Outputs of one row from `first` on; of those behind `out` there are none. In a gated unit each work-item has as many gates as ups, which give half as many
 * outputs, `out` of them in all. */
inline void put(floats v, int what, global const float *bias, global float *y, int first, int out)
{
	if (bias)
		v += load_floats(0, bias + first);
	if (what >= SILU) {
		half_floats g = v.lo;
		float each[OUT / 2];

		g *= v.hi / (1 + exp(-(what == SILU ? g : 1.5957691216057308f * (g + 0.044715f * g * g * g))));
		store_half_floats(g, 0, each);
		first /= 2;
		for (int i = 0; i < OUT / 2 && first + i < out; i++)
			y[first + i] = each[i];
		return;
	}
	if (first + OUT <= out) {
		store_floats(what == ADD ? load_floats(0, y + first) + v : v, 0, y + first);
		return;
	}
	{
		float each[OUT];

		store_floats(v, 0, each);
		for (int i = 0; i < OUT && first + i < out; i++)
			y[first + i] = what == ADD ? y[first + i] + each[i] : each[i];
	}
}

/* Of all rows, in a loop that is not unrolled: it is the smaller part of the work, and the larger one of the code. */
inline void put_rows(const floats *sums, int what, global const float *bias, global float *y, int ldy, int first, int out)
{
	float each[ROWS][OUT];

	UNROLL for (int r = 0; r < ROWS; r++)
		store_floats(sums[r], 0, each[r]);
	for (int r = 0; r < ROWS; r++)
		put(load_floats(0, each[r]), what, bias, y + (size_t)r * ldy, first, out);
}

#ifdef BLOCKS

enum { BLOCK_BYTES = LANES * (CODE + HIGH), UNIT_BYTES = LANES * (HEAD + BLOCKS * (CODE + HIGH)) };

/* q8_0 of 16 lanes is held as unsigned, 128 more (engine/cpu/pack.c); here all codes are signed. */
#define FLIP (CODE == 32 && LANES == 16 ? 128 : 0)
#define ZERO (CODE == 32 ? 0 : OFFSET)

/* The codes of 4 outputs and the 4 columns of a quad: codes of a block, the outputs' lane. */
inline uchar16 quad_codes(global const uchar *block, int quad, int lane)
{
#if CODE == 32
	return vload16(0, block + (quad * LANES + lane) * 4) ^ (uchar)FLIP;
#else
	uchar16 v = vload16(0, block + (quad % 4 * LANES + lane) * 4);

	v = quad < 4 ? v & (uchar)15 : v >> (uchar)4;
#if HIGH == 4
	{
		const ushort bits = *(global const ushort *)(block + CODE * LANES + (quad * LANES + lane) / 2);
		const ushort16 at = (ushort16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

		v |= convert_uchar16(((ushort16)bits >> at & (ushort)1) << (ushort)4);
	}
#elif HIGH == 8
	v |= (vload16(0, block + CODE * LANES + (quad % 2 * LANES + lane) * 4) >> (uchar)(quad / 2 * 2) & (uchar)3) << (uchar)4;
#endif
	return v;
#endif
}

/* Sums of products, of which an output has one or, on a CPU, two. */
#if DOT == 3
typedef short16 quad, wide;
typedef int8 sums;
#define SUM_ZERO 0

inline quad input_quad(global const code *q)
{
	return as_short16((ulong4)*(global const ulong *)q);
}

inline wide widen(uchar16 c)
{
	short16 w = convert_short16(as_char16(c));

	KEEP(w);
	return w;
}

inline sums add_quad(sums s, wide w, quad x)
{
	int8 p = convert_int8(w.even) * convert_int8(x.even) + convert_int8(w.odd) * convert_int8(x.odd);

	KEEP(p);
	return s + p;
}

inline float4 sum_of(sums s)
{
	return convert_float4(s.even + s.odd);
}
#elif DOT
#if DOT == 1
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable
#else
#pragma OPENCL EXTENSION cl_arm_integer_dot_product_int8 : enable
#endif
typedef char4 quad;
typedef char16 wide;
typedef int4 sums;
#define SUM_ZERO 0

inline quad input_quad(global const code *q)
{
	return *(global const char4 *)q;
}

#if DOT == 1
#define dot4(a, b) dot(a, b)
#else
#define dot4(a, b) arm_dot(a, b)
#endif

inline wide widen(uchar16 c)
{
	return as_char16(c);
}

inline sums add_quad(sums s, wide w, quad x)
{
	return s + (int4)(dot4(w.s0123, x), dot4(w.s4567, x), dot4(w.s89ab, x), dot4(w.scdef, x));
}

inline float4 sum_of(sums s)
{
	return convert_float4(s);
}
#else
typedef float4 quad;
typedef float16 wide;
typedef float4 sums;
#define SUM_ZERO 0.0f

inline quad input_quad(global const code *q)
{
	return convert_float4(*(global const char4 *)q);
}

inline wide widen(uchar16 c)
{
	return convert_float16(as_char16(c));
}

inline sums add_quad(sums s, wide w, quad x)
{
	const float4 a = w.s0123 * x, b = w.s4567 * x, e = w.s89ab * x, f = w.scdef * x;

	return s + (float4)(a.x + a.y + (a.z + a.w), b.x + b.y + (b.z + b.w), e.x + e.y + (e.z + e.w), f.x + f.y + (f.z + f.w));
}

inline float4 sum_of(sums s)
{
	return s;
}
#endif

inline floats scales(global const uchar *unit, int n, int lane)
{
	return load_halves(0, (global const half *)unit + n * LANES + lane);
}

inline floats small_scales(global const uchar *unit, int at, int lane)
{
#if OUT == 16
#define load_bytes(p) vload16(0, p)
#else
#define load_bytes(p) vload4(0, p)
#endif
#if HIGH == 8
	return to_floats(load_bytes((global const char *)unit + at * LANES + lane));
#else
	return to_floats(load_bytes(unit + at * LANES + lane));
#endif
}

enum { PARTS = HIGH == 8 ? 2 : 1 }; /* halves of a block with scales of their own: q6_k */

struct block_scales {
	floats d[PARTS], min;
};

/* Value = d x (code - OFFSET) - min. */
inline struct block_scales block_scales(global const uchar *unit, int b, int lane)
{
	struct block_scales s;

#if HIGH == 8
	const floats d = scales(unit, 0, lane);

	s.d[0] = d * small_scales(unit, 2 + 2 * b, lane);
	s.d[1] = d * small_scales(unit, 3 + 2 * b, lane);
#elif BLOCKS == 8
	s.d[0] = scales(unit, 0, lane) * small_scales(unit, 4 + b, lane);
	s.min = scales(unit, 1, lane) * small_scales(unit, 12 + b, lane);
#else
	s.d[0] = scales(unit, b, lane);
#if HEAD == 8
	s.min = -scales(unit, 2 + b, lane);
#endif
#endif
	return s;
}

#ifndef EMBED
#define AT_ONCE (ROWS < 4 ? ROWS : ROWS % 4 == 0 ? 4 : ROWS % 3 == 0 ? 3 : ROWS) /* rows whose sums are in registers at a time */

/* Work-items: outputs / OUT, and tiles of ROWS rows from row0 on. K columns; xq rows x K, xd rows x K/32, xs rows x K/16; y from y_at on rows x ldy. The matrix may be
 * a part of one: `first` is the number of its first output, `out` how many the whole has. bias: NULL, or as many as the outputs and those that fill up lanes. */
GROUP_OF(LANES / OUT) kernel void matmul(global const uchar *w, global const code *xq, global const float *xd, global const int *xs, int K, global const float *bias, int what,
		   global float *y, int y_at, int ldy, int row0, int first, int out)
{
	const int item = (int)get_global_id(0), lane = item * OUT % LANES, blocks = K / 32, units = (blocks + BLOCKS - 1) / BLOCKS;
	const int row = row0 + (int)get_global_id(1) * ROWS;
	global const uchar *unit = w + (size_t)(item * OUT / LANES) * units * UNIT_BYTES;
	floats acc[ROWS];

	xq += (size_t)row * K;
	xd += (size_t)row * blocks;
	xs += (size_t)row * blocks * 2;
	UNROLL for (int r = 0; r < ROWS; r++)
		acc[r] = 0;
	for (int b = 0; b < blocks; b++) {
		const struct block_scales s = block_scales(unit, b % BLOCKS, lane);
		global const uchar *codes = unit + LANES * HEAD + b % BLOCKS * BLOCK_BYTES;

		UNROLL for (int r0 = 0; r0 < ROWS; r0 += AT_ONCE) {
			UNROLL for (int part = 0; part < PARTS; part++) {
				sums sum[AT_ONCE][OUT / 4];

				UNROLL for (int r = 0; r < AT_ONCE; r++)
					UNROLL for (int v = 0; v < OUT / 4; v++)
						sum[r][v] = SUM_ZERO;
				UNROLL for (int k = part * 8 / PARTS; k < (part + 1) * 8 / PARTS; k++) {
					quad x[AT_ONCE];

					if (r0 == 0 && k * 4 < CODE + HIGH)
						PREFETCH(codes + k * LANES * 4 + lane * 4);
					UNROLL for (int r = 0; r < AT_ONCE; r++)
						x[r] = input_quad(xq + (size_t)(r0 + r) * K + 32 * b + 4 * k);
					UNROLL for (int v = 0; v < OUT / 4; v++) {
						const wide c = widen(quad_codes(codes, k, lane + 4 * v));

						UNROLL for (int r = 0; r < AT_ONCE; r++)
							sum[r][v] = add_quad(sum[r][v], c, x[r]);
					}
				}
				UNROLL for (int r = 0; r < AT_ONCE; r++) {
					const float d = xd[(r0 + r) * blocks + b];
					global const int *x_sums = xs + ((r0 + r) * blocks + b) * 2;
					const int x_sum = PARTS == 2 ? x_sums[part] : x_sums[0] + x_sums[1];
#if OUT == 16
					floats t = (floats)(sum_of(sum[r][0]), sum_of(sum[r][1]), sum_of(sum[r][2]), sum_of(sum[r][3]));
#else
					floats t = sum_of(sum[r][0]);
#endif
					t -= (float)(ZERO * x_sum);
					acc[r0 + r] = fma(t, s.d[part] * d, acc[r0 + r]);
#if OFFSET == 0
					acc[r0 + r] = fma(-s.min, (floats)(d * (float)x_sum), acc[r0 + r]);
#endif
				}
			}
		}
		if (b % BLOCKS == BLOCKS - 1)
			unit += UNIT_BYTES;
	}
	put_rows(acc, what, bias, y + y_at + (size_t)row * ldy, ldy, first + item * OUT, out);
}

#else

/* Value of a column of an output, where its group starts. */
inline float value(global const uchar *group, int column, int lane)
{
	const int b = column / 32 % BLOCKS, i = column % 32, quad = i / 4;
	global const uchar *unit = group + (size_t)(column / 32 / BLOCKS) * UNIT_BYTES, *block = unit + LANES * HEAD + b * BLOCK_BYTES;
	float d, min = 0;
	int c;

#if CODE == 32
	c = (char)(block[(quad * LANES + lane) * 4 + i % 4] ^ FLIP);
#else
	c = block[(quad % 4 * LANES + lane) * 4 + i % 4] >> (quad / 4 * 4) & 15;
#if HIGH == 4
	{
		const int bit = (quad * LANES + lane) * 4 + i % 4;

		c |= (block[CODE * LANES + bit / 8] >> bit % 8 & 1) << 4;
	}
#elif HIGH == 8
	c |= (block[CODE * LANES + (quad % 2 * LANES + lane) * 4 + i % 4] >> (quad / 2 * 2) & 3) << 4;
#endif
#endif
#if HIGH == 8
	d = vload_half(lane, (global const half *)unit) * (char)unit[(2 + 2 * b + i / 16) * LANES + lane];
#elif BLOCKS == 8
	d = vload_half(lane, (global const half *)unit) * unit[(4 + b) * LANES + lane];
	min = vload_half(LANES + lane, (global const half *)unit) * unit[(12 + b) * LANES + lane];
#else
	d = vload_half(b * LANES + lane, (global const half *)unit);
#if HEAD == 8
	min = -vload_half((2 + b) * LANES + lane, (global const half *)unit);
#endif
#endif
	return d * (float)(c - ZERO) - min;
}

#define GROUP_BYTES(K) ((size_t)((K / 32 + BLOCKS - 1) / BLOCKS) * UNIT_BYTES)
#endif

#else /* float types */

#if defined(F32)
enum { SIZE = 4 };
#define load_weights(p) load_floats(0, (global const float *)(p))
#elif defined(F16)
enum { SIZE = 2 };
#define load_weights(p) load_halves(0, (global const half *)(p))
#else
enum { SIZE = 2 };
#if OUT == 16
#define load_weights(p) as_float16(convert_uint16(vload16(0, (global const ushort *)(p))) << 16)
#else
#define load_weights(p) as_float4(convert_uint4(vload4(0, (global const ushort *)(p))) << 16)
#endif
#endif

#ifndef EMBED
/* As above, of rows x of K floats. Even and odd columns are summed apart: one sum alone would wait for each of its additions. */
GROUP_OF(LANES / OUT) kernel void matmul(global const uchar *w, global const float *x, int K, global const float *bias, int what, global float *y, int y_at, int ldy,
		   int row0, int first, int out)
{
	const int item = (int)get_global_id(0), lane = item * OUT % LANES, row = row0 + (int)get_global_id(1) * ROWS;
	floats acc[ROWS][2], sum[ROWS];

	w += ((size_t)(item * OUT / LANES) * K * LANES + lane) * SIZE;
	x += (size_t)row * K;
	UNROLL for (int r = 0; r < ROWS; r++)
		acc[r][0] = acc[r][1] = 0;
	for (int c = 0; c + 1 < K; c += 2, w += 2 * LANES * SIZE) {
		const floats even = load_weights(w), odd = load_weights(w + LANES * SIZE);

		PREFETCH(w);
		UNROLL for (int r = 0; r < ROWS; r++) {
			acc[r][0] = fma(even, (floats)x[(size_t)r * K + c], acc[r][0]);
			acc[r][1] = fma(odd, (floats)x[(size_t)r * K + c + 1], acc[r][1]);
		}
	}
	if (K % 2)
		UNROLL for (int r = 0; r < ROWS; r++)
			acc[r][0] = fma(load_weights(w), (floats)x[(size_t)r * K + K - 1], acc[r][0]);
	UNROLL for (int r = 0; r < ROWS; r++)
		sum[r] = acc[r][0] + acc[r][1];
	put_rows(sum, what, bias, y + y_at + (size_t)row * ldy, ldy, first + item * OUT, out);
}

#else
inline float value(global const uchar *group, int column, int lane)
{
	const size_t at = (size_t)column * LANES + lane;

#if defined(F32)
	return ((global const float *)group)[at];
#elif defined(F16)
	return vload_half(at, (global const half *)group);
#else
	return as_float((uint)((global const ushort *)group)[at] << 16);
#endif
}

#define GROUP_BYTES(K) ((size_t)K * LANES * SIZE)
#endif

#endif

#ifdef EMBED
/* Row `token` of a table of tokens x K, as floats times `scale`: work-items columns, rows. The table may be a part: tokens first to first + n. */
GROUP_OF(WG) kernel void embed(global const uchar *w, global const int *tokens, int tokens_at, int K, float scale, global float *y, int y_at, int first, int n)
{
	const int column = (int)get_global_id(0), row = (int)get_global_id(1), token = tokens[tokens_at + row] - first;

	if (column < K && token >= 0 && token < n)
		y[y_at + (size_t)row * K + column] = scale * value(w + token / LANES * GROUP_BYTES(K), column, token % LANES);
}
#endif
