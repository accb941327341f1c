/* In front of every program. Built for one device, by options:
 *   OUT    outputs of a matrix that a work-item computes: 16 where the device is a CPU, 4 else
 *   LANES  outputs that stand side by side in a packed matrix (engine/cpu/pack.c): OUT for each work-item of a group
 *   WG     work-items of a group in kernels that share a row
 *   DOT    how four products of int8 are summed: 0 floats, 1 cl_khr_integer_dot_product, 2 cl_arm_integer_dot_product_int8, 3 vectors of a CPU.
 *          All give the same sums, since these are whole numbers that a float holds exactly
 * Row-invariant as all kernels are (engine/cpu/kernels.h): what is computed for a row is one sequence of operations, however many rows there are.
 * Contraction is off, since a compiler would be free to contract in one kernel and not in its twin; fma() is where it is wanted. */
#pragma OPENCL FP_CONTRACT OFF
#define UNROLL _Pragma("unroll")
#define GROUP_OF(n) __attribute__((reqd_work_group_size(n, 1, 1)))

#if OUT == 16
typedef float16 floats;
typedef float8 half_floats;
#define load_floats vload16
#define store_floats vstore16
#define store_half_floats vstore8
#define load_halves vload_half16
#define to_floats convert_float16
#else
typedef float4 floats;
typedef float2 half_floats;
#define load_floats vload4
#define store_floats vstore4
#define store_half_floats vstore2
#define load_halves vload_half4
#define to_floats convert_float4
#endif

/* Activations that meet quantised weights: int8 in blocks of 32, each with a scale (engine/cpu/input.h). A CPU multiplies shorts. */
#if DOT == 3
typedef short code;
#define store_codes(v, at, q) vstore16(convert_short16(v), at, q)
#else
typedef char code;
#define store_codes(v, at, q) vstore16(convert_char16(v), at, q)
#endif

/* The sum of v over a group's work-items, or the largest, the same for all; in a fixed order. */
inline float group_fold(float v, bool largest, local float *scratch)
{
	const int i = (int)get_local_id(0);

	scratch[i] = v;
	for (int half_n = WG / 2; half_n > 0; half_n /= 2) {
		barrier(CLK_LOCAL_MEM_FENCE);
		if (i < half_n)
			scratch[i] = largest ? fmax(scratch[i], scratch[i + half_n]) : scratch[i] + scratch[i + half_n];
	}
	barrier(CLK_LOCAL_MEM_FENCE);
	v = scratch[0];
	barrier(CLK_LOCAL_MEM_FENCE);
	return v;
}

inline float group_sum(float v, local float *scratch)
{
	return group_fold(v, false, scratch);
}

inline float group_max(float v, local float *scratch)
{
	return group_fold(v, true, scratch);
}

/* Block b of a row of x, 32 values, as codes, their scale and the sums of the codes' halves. */
inline void quantise_block(global const float *x, int b, global code *q, global float *d, global int *sums)
{
	const float16 v[2] = {vload16(2 * b, x), vload16(2 * b + 1, x)};
	const float16 size = fmax(fabs(v[0]), fabs(v[1]));
	const float8 of8 = fmax(size.lo, size.hi);
	const float4 of4 = fmax(of8.lo, of8.hi);
	const float most = fmax(fmax(of4.x, of4.y), fmax(of4.z, of4.w));
	const bool defined = all(isfinite(v[0])) && all(isfinite(v[1]));
	const float scale = most >= 1e-36f ? 127 / most : 0;

	UNROLL for (int half_block = 0; half_block < 2; half_block++) {
		const int16 c = defined ? convert_int16(rint(v[half_block] * scale)) : (int16)(0);
		const int8 of8s = c.lo + c.hi;
		const int4 of4s = of8s.lo + of8s.hi;

		store_codes(c, 2 * b + half_block, q);
		sums[2 * b + half_block] = of4s.x + of4s.y + of4s.z + of4s.w;
	}
	d[b] = !defined ? NAN : most >= 1e-36f ? most / 127 : 0;
}
