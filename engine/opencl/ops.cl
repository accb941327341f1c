/* Operators without a matrix. A group has WG work-items and takes a row, or a head of one. */

/* Rows of x over the root of their mean square, times weights; also as codes (xq not NULL). y rows x n. */
GROUP_OF(WG) kernel void norm(global const float *x, int x_at, global const float *weight, float eps, int n, global float *y, global code *xq, global float *xd, global int *xs)
{
	local float scratch[WG];
	const int i = (int)get_local_id(0);
	const size_t row = get_group_id(0);
	float sum = 0, scale;

	x += x_at + row * n;
	y += row * n;
	for (int k = i; k < n; k += WG)
		sum = fma(x[k], x[k], sum);
	scale = 1 / sqrt(group_sum(sum, scratch) / n + eps);
	for (int k = i; k < n; k += WG)
		y[k] = x[k] * scale * weight[k];
	if (!xq)
		return;
	barrier(CLK_GLOBAL_MEM_FENCE);
	for (int b = i; b < n / 32; b += WG)
		quantise_block(y, b, xq + row * n, xd + row * (n / 32), xs + row * (n / 16));
}

/* x += the norm of sum. */
GROUP_OF(WG) kernel void add_norm(global const float *sum, global const float *weight, float eps, int n, global float *x, int x_at)
{
	local float scratch[WG];
	const int i = (int)get_local_id(0);
	const size_t row = get_group_id(0);
	float squares = 0, scale;

	sum += row * n;
	x += x_at + row * n;
	for (int k = i; k < n; k += WG)
		squares = fma(sum[k], sum[k], squares);
	scale = 1 / sqrt(group_sum(squares, scratch) / n + eps);
	for (int k = i; k < n; k += WG)
		x[k] += sum[k] * scale * weight[k];
}

/* Rows of n values as codes: work-items n / 32, rows. */
GROUP_OF(WG) kernel void quantise(global const float *x, int n, global code *xq, global float *xd, global int *xs)
{
	const size_t row = get_global_id(1);

	if ((int)get_global_id(0) < n / 32)
		quantise_block(x + row * n, (int)get_global_id(0), xq + row * n, xd + row * (n / 32), xs + row * (n / 16));
}

/* gate = silu(gate) up, or gelu: work-items n, rows. */
GROUP_OF(WG) kernel void glu(global float *gate, global const float *up, int n, int gelu)
{
	const size_t i = get_global_id(1) * n + get_global_id(0);

	if ((int)get_global_id(0) < n) {
		const float g = gate[i];

		gate[i] = g / (1 + exp(-(gelu ? 1.5957691216057308f * (g + 0.044715f * g * g * g) : g))) * up[i];
	}
}

/* Norm (weights not NULL) and rotation of a query or key head at its position; keys and values go to the cache. Groups: heads + kv_heads, rows.
 * qkv rows x (heads + 2 kv_heads) d; keys and values kv_heads x context x d; pairs (near i, far apart) of `dims` values are rotated. */
GROUP_OF(WG) kernel void rope(global float *qkv, int heads, int kv_heads, int d, global const float *q_norm, global const float *k_norm, float eps, int dims, int near, int far,
		 global const float *cosines, global const float *sines, int cached, global half *keys, global half *values, int context)
{
	local float scratch[WG];
	const int i = (int)get_local_id(0), h = (int)get_group_id(0), row = (int)get_group_id(1), key = h - heads, position = cached + row;
	global float *head = qkv + ((size_t)row * (heads + 2 * kv_heads) + h) * d;
	global const float *weight = key < 0 ? q_norm : k_norm;
	const size_t at = ((size_t)key * context + position) * d;

	if (weight) {
		float sum = 0, scale;

		for (int k = i; k < d; k += WG)
			sum = fma(head[k], head[k], sum);
		scale = 1 / sqrt(group_sum(sum, scratch) / d + eps);
		for (int k = i; k < d; k += WG)
			head[k] *= scale * weight[k];
		barrier(CLK_GLOBAL_MEM_FENCE);
	}
	for (int k = i; k < dims / 2; k += WG) {
		const float c = cosines[(size_t)position * (dims / 2) + k], s = sines[(size_t)position * (dims / 2) + k], a = head[near * k],
			    b = head[near * k + far];

		head[near * k] = a * c - b * s;
		head[near * k + far] = a * s + b * c;
	}
	barrier(CLK_GLOBAL_MEM_FENCE);
	for (int k = i; k < d && key >= 0; k += WG) {
		vstore_half_rte(head[k], at + k, keys);
		vstore_half_rte(head[(size_t)kv_heads * d + k], at + k, values);
	}
}

/* The lowest token of the largest logit of a row; 0 where all are undefined. */
GROUP_OF(WG) kernel void argmax(global const float *logits, int n, global int *out, int slot)
{
	local float most[WG];
	local int where[WG];
	const int i = (int)get_local_id(0);
	float best = -INFINITY;
	int at = n;

	logits += (size_t)get_group_id(0) * n;
	for (int k = i; k < n; k += WG)
		if (logits[k] > best) {
			best = logits[k];
			at = k;
		}
	most[i] = best;
	where[i] = at;
	for (int half_n = WG / 2; half_n > 0; half_n /= 2) {
		barrier(CLK_LOCAL_MEM_FENCE);
		if (i < half_n && (most[i + half_n] > most[i] || (most[i + half_n] == most[i] && where[i + half_n] < where[i]))) {
			most[i] = most[i + half_n];
			where[i] = where[i + half_n];
		}
	}
	if (i == 0)
		out[slot + get_group_id(0)] = where[0] < n ? where[0] : 0;
}
