/* Attention of one query head at one row: a group walks the positions in chunks of WG, with a running maximum (online softmax), so that no scores need be kept.
 * D: values of a head. Groups: heads, rows. q: rows x ld, a row's heads first; keys and values as in rope; out: rows x heads x D. The row sees positions up to its own,
 * the last `window` of them (0: all). */

/* Values of a head that a work-item sums: neighbours together where a CPU has vectors for them, else every WG-th, which is what a GPU reads together. */
#if OUT == 16 && D % 16 == 0 && D / 16 <= WG
enum { PARTS = 1 };
typedef float16 part;
#define HOLDS(v) (i * 16 < D)
#define load_part(v, at) vload_half16(0, (at) + i * 16)
#define store_part(v, x, at) vstore16(x, 0, (at) + i * 16)
#else
enum { PARTS = (D + WG - 1) / WG };
typedef float part;
#define HOLDS(v) ((v) * WG + i < D)
#define load_part(v, at) vload_half(v * WG + i, at)
#define store_part(v, x, at) (at)[v * WG + i] = x
#endif

inline float sum_of(floats v)
{
#if OUT == 16
	const float8 h = v.lo + v.hi;
	const float4 q = h.lo + h.hi;
#else
	const float4 q = v;
#endif
	return q.x + q.y + (q.z + q.w);
}

GROUP_OF(WG) kernel void attend(global const float *q, int ld, int heads, int kv_heads, global const half *keys, global const half *values, int context, int cached, int window,
		   float scale, global float *out)
{
	local float scratch[WG], weights[WG], query[D];
	const int i = (int)get_local_id(0), h = (int)get_group_id(0), row = (int)get_group_id(1), end = cached + row + 1;
	const size_t head = (size_t)(h / (heads / kv_heads)) * context * D;
	float most = -INFINITY, sum = 0;
	part acc[PARTS];

	keys += head;
	values += head;
	out += ((size_t)row * heads + h) * D;
	for (int k = i; k < D; k += WG)
		query[k] = scale * q[(size_t)row * ld + h * D + k];
	for (int v = 0; v < PARTS; v++)
		acc[v] = 0;
	barrier(CLK_LOCAL_MEM_FENCE);
	for (int from = window && end > window ? end - window : 0; from < end; from += WG) {
		const int n = min(WG, end - from);
		float score = -INFINITY, chunk, before;

		if (i < n) {
			global const half *key = keys + (size_t)(from + i) * D;
			floats s = 0;

			for (int k = 0; k + OUT <= D; k += OUT)
				s = fma(load_halves(0, key + k), load_floats(0, query + k), s);
			score = sum_of(s);
			for (int k = D / OUT * OUT; k < D; k++)
				score = fma(vload_half(k, key), query[k], score);
		}
		chunk = fmax(most, group_max(score, scratch));
		before = exp(most - chunk); /* 0 for the first */
		weights[i] = i < n ? exp(score - chunk) : 0;
		sum = sum * before + group_sum(weights[i], scratch);
		most = chunk;
		for (int v = 0; v < PARTS; v++)
			if (HOLDS(v)) {
				global const half *value = values + (size_t)from * D;

				acc[v] *= before;
				for (int p = 0; p < n; p++, value += D)
					acc[v] = fma((part)weights[p], load_part(v, value), acc[v]);
			}
		barrier(CLK_LOCAL_MEM_FENCE);
	}
	for (int v = 0; v < PARTS; v++)
		if (HOLDS(v))
			store_part(v, acc[v] / sum, out);
}
