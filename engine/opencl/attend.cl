/* Attention of one query head at one row: a group walks the positions in chunks of WG, with a running maximum (online softmax), so that no scores need be kept.
 * DIMS: values of a head that a work-item sums, d_head / WG, rounded up. Groups: heads, rows. q: rows x ld, a row's heads first; keys and values as in rope; out: rows x
 * heads x d. The row sees positions up to its own, the last `window` of them (0: all). */
kernel void attend(global const float *q, int ld, int heads, int kv_heads, int d, global const half *keys, global const half *values, int context, int cached,
		   int window, float scale, global float *out)
{
	local float scratch[WG], weights[WG], query[DIMS * WG];
	const int i = (int)get_local_id(0), h = (int)get_group_id(0), row = (int)get_group_id(1), end = cached + row + 1;
	const size_t head = (size_t)(h / (heads / kv_heads)) * context * d;
	float most = -INFINITY, sum = 0, acc[DIMS];

	keys += head;
	values += head;
	for (int k = i; k < d; k += WG)
		query[k] = scale * q[(size_t)row * ld + h * d + k];
	for (int v = 0; v < DIMS; v++)
		acc[v] = 0;
	barrier(CLK_LOCAL_MEM_FENCE);
	for (int from = window && end > window ? end - window : 0; from < end; from += WG) {
		const int n = min(WG, end - from);
		float score = -INFINITY, chunk, before;

		if (i < n) {
			global const half *key = keys + (size_t)(from + i) * d;
			float4 s = 0;

			for (int k = 0; k + 3 < d; k += 4)
				s = fma(vload_half4(0, key + k), vload4(0, query + k), s);
			score = s.x + s.y + (s.z + s.w);
			for (int k = d / 4 * 4; k < d; k++)
				score = fma(vload_half(k, key), query[k], score);
		}
		chunk = fmax(most, group_max(score, scratch));
		before = exp(most - chunk); /* 0 for the first */
		weights[i] = i < n ? exp(score - chunk) : 0;
		sum = sum * before + group_sum(weights[i], scratch);
		most = chunk;
		for (int v = 0; v < DIMS; v++)
			acc[v] *= before;
		for (int p = 0; p < n; p++)
			for (int v = 0; v < DIMS; v++)
				if (v * WG + i < d)
					acc[v] = fma(weights[p], vload_half((size_t)(from + p) * d + v * WG + i, values), acc[v]);
		barrier(CLK_LOCAL_MEM_FENCE);
	}
	for (int v = 0; v < DIMS; v++)
		if (v * WG + i < d)
			out[((size_t)row * heads + h) * d + v * WG + i] = acc[v] / sum;
}
